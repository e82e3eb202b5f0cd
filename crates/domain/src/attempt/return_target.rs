//! Where a visitor goes after a log-in: a path of the same site, or `/`. Browsers, proxies and frameworks disagree
//! about strange targets, so a target that any of them could take for another place is not taken at all. After the `?`
//! there is no other place: a query comes back as browsers send it, line ends of a form's text encoded.

use serde::{Deserialize, Deserializer, Serialize, de};

/// Longest target, in bytes.
pub const RETURN_TARGET_BYTES_MAX: usize = 2_048;

/// Our own pages: returning to one would log in for ever.
const OWN_PAGES: &str = "/.vestibule";

/// A path of the site, with its query.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct ReturnTarget(Box<str>);

impl ReturnTarget {
    /// The front page.
    pub fn root() -> Self {
        Self("/".into())
    }

    /// The target, where it is safe to go there; otherwise the front page.
    pub fn or_root(target: &[u8]) -> Self {
        Self::parse(target).unwrap_or_else(Self::root)
    }

    /// Takes a target that means one place of this site to everybody.
    pub fn parse(target: &[u8]) -> Option<Self> {
        let text = str::from_utf8(target).ok()?;
        let (path, query) = text.split_once('?').unwrap_or((text, ""));
        let plain =
            |strange: &'static [u8]| move |byte: u8| byte.is_ascii_graphic() && !strange.contains(&byte);
        let safe = text.len() <= RETURN_TARGET_BYTES_MAX
            && path.bytes().all(plain(b"\\\"#<>`{}"))
            && query.bytes().all(plain(b"\\\"#<>"))
            && path.starts_with('/')
            && !path.contains("//")
            && !path.split('/').any(|segment| matches!(segment, "." | ".."))
            && escapes(path).all(|escape| escape.is_some_and(fits_path))
            && escapes(query).all(|escape| escape != Some(0))
            && !is_own_page(path);
        safe.then(|| Self(text.into()))
    }

    /// The text, fit for a `Location` field.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A record is checked like a request: it may come from a release with other rules.
impl<'de> Deserialize<'de> for ReturnTarget {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(text.as_bytes()).ok_or_else(|| de::Error::custom("no target of this site"))
    }
}

/// Each `%xx` as its byte, or `None` where `%` begins no such thing.
fn escapes(text: &str) -> impl Iterator<Item = Option<u8>> {
    text.split('%').skip(1).map(|rest| {
        let digits = rest.get(..2).filter(|digits| digits.bytes().all(|byte| byte.is_ascii_hexdigit()))?;
        u8::from_str_radix(digits, 16).ok()
    })
}

/// No encoded control character, slash, dot or backslash, and no encoded `%` for a second decoding.
fn fits_path(byte: u8) -> bool {
    !byte.is_ascii_control() && !b"/\\.%".contains(&byte)
}

fn is_own_page(path: &str) -> bool {
    path.strip_prefix(OWN_PAGES).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

#[cfg(test)]
mod tests;
