//! Field lines as they were sent, and the looking up of names in every spelling a lenient server might accept.

/// The field lines of a message, in order. Values are text with one character a byte.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Fields(Vec<(String, String)>);

impl Fields {
    pub(super) fn push(&mut self, name: String, value: String) {
        self.0.push((name, value));
    }

    /// Name and value of each line.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// The values of the lines with this name, in order; case does not count.
    pub fn all(&self, name: &str) -> Vec<&str> {
        self.iter().filter(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, value)| value).collect()
    }

    /// The value of the only line with this name; `None` when there is none or more than one.
    pub fn only(&self, name: &str) -> Option<&str> {
        match self.all(name)[..] {
            [value] => Some(value),
            _ => None,
        }
    }

    /// Whether a line has this name; case does not count.
    pub fn has(&self, name: &str) -> bool {
        !self.all(name).is_empty()
    }

    /// The lines whose name is this one in any spelling: `-`, `_`, `.` and case do not count.
    pub fn spellings_of(&self, name: &str) -> Vec<(&str, &str)> {
        self.iter().filter(|(n, _)| folded(n) == folded(name)).collect()
    }
}

/// A field name as the most lenient server reads it: `-`, `_`, `.` and case do not count.
pub fn folded(name: &str) -> String {
    name.to_ascii_lowercase().replace(['_', '.'], "-")
}
