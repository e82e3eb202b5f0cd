//! A file named after no noun collects what has no home. `foo.rs` stands beside `foo/`, so that ten tabs do not all
//! read mod.rs. And one test binary a crate: each more is linked anew.

use std::collections::BTreeMap;

use super::Finding;
use super::tree::Tree;

const NO_NOUNS: [&str; 10] =
    ["common", "data", "helper", "helpers", "info", "manager", "misc", "process", "types", "util"];

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut test_binaries: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for file in tree.rust() {
        let path = &file.path;
        let parts: Vec<&str> = path.trim_end_matches(".rs").split('/').collect();
        for part in &parts {
            if let Some(word) = no_noun(part) {
                findings.push(Finding::new(
                    path,
                    1,
                    format!("`{word}` says nothing: name it after its noun"),
                ));
            }
        }
        for (line, name) in modules(&file.tokens) {
            if let Some(word) = no_noun(name) {
                findings.push(Finding::new(
                    path,
                    line,
                    format!("`{word}` says nothing: name it after its noun"),
                ));
            }
        }
        match parts.as_slice() {
            [.., parent, "mod"] => {
                findings.push(Finding::new(path, 1, format!("call it {parent}.rs, beside its folder")));
            }
            ["crates", member, "tests", _] | ["crates", member, "tests", _, "main"] => {
                test_binaries.entry(member).or_default().push(path);
            }
            _ => {}
        }
    }
    for extra in test_binaries.values().flat_map(|paths| &paths[1..]) {
        findings.push(Finding::new(
            extra,
            1,
            "a second test binary of the crate: make it a module of the first",
        ));
    }
    findings
}

fn no_noun(name: &str) -> Option<&str> {
    name.split(['_', '-']).find(|word| NO_NOUNS.contains(word) || *word == "utils")
}

/// The modules that a file declares, with their lines.
fn modules(tokens: &[super::tree::Token]) -> impl Iterator<Item = (usize, &str)> {
    tokens.windows(2).filter(|pair| pair[0].text == "mod").map(|pair| (pair[0].line, pair[1].text.as_str()))
}
