//! The one spelling of a log-in name. Everything about a user who is not yet known by identifier goes by it:
//! look-up, uniqueness, counting failures. So no second spelling reaches an account or a fresh counter.

use std::fmt;

use unicode_normalization::UnicodeNormalization as _;

/// Longest log-in name, in characters of its one spelling.
pub const LOGIN_CHARS_MAX: usize = 64;

/// Marks that may stand in a log-in name beside letters and digits of any script.
const MARKS: &str = ".-_+@'";

/// A log-in name in its one spelling: compatibility forms composed (NFKC), letters small. `ALICE` is `alice`, in
/// full-width letters too.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LoginName(Box<str>);

/// The text is no log-in name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum LoginNameRefused {
    /// Nothing, or more than [`LOGIN_CHARS_MAX`].
    #[error("a log-in name has 1 to {LOGIN_CHARS_MAX} characters")]
    Length,
    /// White space, control and invisible characters, marks other than `.-_+@'`.
    #[error("a log-in name has letters, digits and the marks {MARKS}")]
    Character,
}

impl LoginName {
    /// The one spelling of what was typed. White space around it is a slip of the keyboard.
    pub fn parse(typed: &str) -> Result<Self, LoginNameRefused> {
        let typed = typed.trim();
        // One character can become 18 by NFKC: this bounds the work, before the name itself is counted.
        if typed.chars().nth(4 * LOGIN_CHARS_MAX).is_some() {
            return Err(LoginNameRefused::Length);
        }
        let name = one_spelling(typed);
        if !(1..=LOGIN_CHARS_MAX).contains(&name.chars().count()) {
            return Err(LoginNameRefused::Length);
        }
        // A combining mark that found no letter to merge with, as of a small dotted I, looks like nothing.
        if !name.chars().all(|c| c.is_alphanumeric() || MARKS.contains(c)) {
            return Err(LoginNameRefused::Character);
        }
        Ok(Self(name.into()))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for LoginName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Small letters of compatibility forms. Making letters small can undo the form and the form can bring back large
/// letters, so both are repeated until nothing changes; letter by letter, since a word's last sigma has two forms.
fn one_spelling(text: &str) -> String {
    const ROUNDS_MAX: usize = 4;
    let mut spelling = text.to_owned();
    for _ in 0..ROUNDS_MAX {
        let again: String = spelling.nfkc().flat_map(char::to_lowercase).nfkc().collect();
        if again == spelling {
            break;
        }
        spelling = again;
    }
    spelling
}

#[cfg(test)]
mod tests;
