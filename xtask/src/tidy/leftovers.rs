//! What only belongs to work in progress: stubs, debug prints, skipped tests, notes to oneself, lints switched off
//! without being expected. And tests do not sleep: a sleep is too short on a busy machine and too long on a free one.

use super::Finding;
use super::tree::{File, Tree};

/// Whole tokens, and what to do about them. A macro is its name and the `!`.
const UNFINISHED: &[(&[&str], &str)] = &[
    (&["todo", "!"], "write it, or leave it out"),
    (&["unimplemented", "!"], "write it, or leave it out"),
    (&["dbg", "!"], "remove the debug print"),
    (&["#", "[", "ignore"], "a test that never runs tests nothing: mend it or remove it"),
    (&["#", "[", "allow"], "use #[expect(.., reason = \"..\")], which ends when its cause ends"),
    (&["#", "!", "[", "allow"], "use #![expect(.., reason = \"..\")], which ends when its cause ends"),
];

const SLEEPS: &[&[&str]] = &[&["sleep", "("], &["sleep_until", "("]];

/// Notes to oneself; in two halves, or this file would find itself.
const NOTES: [&str; 3] = [concat!("TO", "DO"), concat!("FIX", "ME"), concat!("XX", "X")];

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in tree.rust() {
        for (words, advice) in UNFINISHED {
            findings.extend(file.find(words).map(|line| Finding::new(&file.path, line, *advice)));
        }
        if file.is_test() || file.crate_folder() == Some("testkit") {
            let sleeps = SLEEPS.iter().flat_map(|words| file.find(words));
            findings.extend(sleeps.map(|line| {
                Finding::new(
                    &file.path,
                    line,
                    "a test sleeps: advance the clock, or wait for the event itself",
                )
            }));
        }
    }
    for file in tree.files.iter().filter(|file| is_written(file)) {
        for (index, line) in file.text.lines().enumerate() {
            if let Some(note) = NOTES.iter().find(|note| line.contains(**note)) {
                findings.push(Finding::new(
                    &file.path,
                    index + 1,
                    format!("{note}: do it, or open an issue"),
                ));
            }
        }
    }
    findings
}

/// Text by our own hand, where such a word is a note and no data.
fn is_written(file: &File) -> bool {
    [".rs", ".md", ".toml", ".sh", ".ci/run"].iter().any(|end| file.path.ends_with(end))
}
