//! Every library has a line in docs/dependencies.md, what for and why this one: a dependency is a decision, and one
//! that nobody can explain is the first to remove. A line without a dependency is as wrong.

use std::collections::BTreeSet;

use super::Finding;
use super::manifest::{self, Kind};
use super::tree::Tree;

const LEDGER: &str = "docs/dependencies.md";

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let (manifests, mut findings) = manifest::read(tree);
    let own: BTreeSet<&str> = manifests.iter().filter_map(|manifest| manifest.package.as_deref()).collect();
    let ledger = tree.file(LEDGER).map_or("", |file| &file.text);
    let explained: BTreeSet<&str> = ledger.lines().filter_map(row).collect();
    let mut used = BTreeSet::new();
    for manifest in &manifests {
        for dependency in manifest.dependencies.iter().filter(|dependency| dependency.kind != Kind::Workspace)
        {
            let name = dependency.name.as_str();
            used.insert(name);
            if !own.contains(name) && !explained.contains(name) {
                let what = format!("{name} has no line in {LEDGER}: say what for, and why this one");
                findings.push(Finding::new(&manifest.file.path, dependency.line, what));
            }
        }
    }
    for (index, line) in ledger.lines().enumerate() {
        if let Some(name) = row(line).filter(|name| !used.contains(name)) {
            let what = format!("no manifest names {name}: remove the line");
            findings.push(Finding::new(LEDGER, index + 1, what));
        }
    }
    for manifest in &manifests {
        for dependency in manifest.dependencies.iter().filter(|dependency| dependency.kind == Kind::Workspace)
        {
            if !used.contains(dependency.name.as_str()) && !own.contains(dependency.name.as_str()) {
                let what = format!("no crate uses {}: remove the line", dependency.name);
                findings.push(Finding::new(&manifest.file.path, dependency.line, what));
            }
        }
    }
    findings
}

/// The name in a row "| `name` | what for | why this one |".
fn row(line: &str) -> Option<&str> {
    line.strip_prefix("| `")?.split_once('`').map(|(name, _)| name)
}
