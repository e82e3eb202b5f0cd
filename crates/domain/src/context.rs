//! What a web app is told of the visitor, as the texts of its request headers.
//! Must not know the headers' names or how a request is built.

use crate::ascii_json;
use crate::attribute::{READ_BYTES_MAX, Rights};
use crate::judge::View;

/// The attributes that an app reads and the visitor has, as one JSON object of printable ASCII. `None` if it is more
/// than [`READ_BYTES_MAX`], which happens only where an app was given more to read after it was written.
pub fn attributes(view: &View<'_>, rights: &Rights) -> Option<String> {
    let shown = rights.reads.iter().filter_map(|name| Some((name.as_str(), view.attribute(name)?)));
    let json = ascii_json::object(shown);
    (json.len() <= READ_BYTES_MAX).then_some(json)
}

#[cfg(test)]
mod tests;
