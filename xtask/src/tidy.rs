//! The rules of the house, each in a file of its own with its reason. A finding says where, which rule, and what to do.

mod changelog;
mod dependencies;
mod floors;
mod heads;
mod leftovers;
mod machine;
mod manifest;
mod names;
mod purity;
mod sizes;
mod statuses;
mod tree;

use std::io;
use std::path::Path;

use crate::say;
use tree::Tree;

struct Finding {
    path: String,
    line: usize,
    what: String,
}

impl Finding {
    fn new(path: &str, line: usize, what: impl Into<String>) -> Self {
        Self { path: path.into(), line, what: what.into() }
    }
}

type Rule = (&'static str, fn(&Tree) -> Vec<Finding>);

const RULES: &[Rule] = &[
    ("floors", floors::check),
    ("purity", purity::check),
    ("dependencies", dependencies::check),
    ("sizes", sizes::check),
    ("heads", heads::check),
    ("names", names::check),
    ("leftovers", leftovers::check),
    ("statuses", statuses::check),
    ("machine", machine::check),
];

pub(crate) fn run(root: &Path) -> io::Result<()> {
    let tree = Tree::read(root)?;
    let mut count = 0;
    for (rule, check) in RULES {
        count += report(rule, &check(&tree));
    }
    match changelog::check(root)? {
        Ok(findings) => count += report("changelog", &findings),
        Err(skipped) => say(format_args!("tidy: changelog: skipped, {skipped}")),
    }
    if count > 0 {
        return Err(io::Error::other(format!("{count} things to tidy")));
    }
    say(format_args!("tidy: {} files, nothing to do", tree.files.len()));
    Ok(())
}

fn report(rule: &str, findings: &[Finding]) -> usize {
    for Finding { path, line, what } in findings {
        say(format_args!("{path}:{line}: {rule}: {what}"));
    }
    findings.len()
}
