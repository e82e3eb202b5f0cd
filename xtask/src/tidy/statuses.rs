//! Only `reply.rs` of a face, and of `wire`, names status codes: what a caller is told is read and changed in one
//! place, and nobody lets a secret slip into an answer made in passing.

use super::Finding;
use super::tree::{File, Token, Tree};

const ANSWERING: [&str; 5] = ["admin", "gateway", "idp", "proxy", "wire"];

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let outside = |file: &&File| {
        file.crate_folder().is_some_and(|folder| ANSWERING.contains(&folder))
            && !file.path.ends_with("/src/reply.rs")
            && !file.is_test()
    };
    let mut findings = Vec::new();
    for file in tree.rust().filter(outside) {
        let named = file.tokens.windows(6).filter(|tokens| names_a_status(tokens));
        findings.extend(named.map(|tokens| {
            Finding::new(&file.path, tokens[0].line, "return an error, and let reply.rs choose the status")
        }));
    }
    findings
}

/// `Status::new(404)` or `StatusCode::NOT_FOUND`. Passing on a status that somebody else chose is fine.
fn names_a_status(tokens: &[Token]) -> bool {
    let [owner, colon, _, item, _, argument] = tokens else { return false };
    let is_number = argument.text.starts_with(|c: char| c.is_ascii_digit());
    matches!(owner.text.as_str(), "Status" | "StatusCode")
        && colon.text == ":"
        && (is_number || !item.text.starts_with(|c: char| c.is_ascii_lowercase()))
}
