//! Each Rust file opens by saying what it is, what it must not know, and which RFC section it follows, in one to five
//! lines: whoever opens it learns in ten seconds whether it is the right one. More than that is a page in docs/.

use super::Finding;
use super::tree::Tree;

const HEAD_LINES_MAX: usize = 5;

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in tree.rust() {
        match file.text.lines().take_while(|line| line.starts_with("//!")).count() {
            0 => findings.push(Finding::new(&file.path, 1, "begin with a //! head: what the file is")),
            1..=HEAD_LINES_MAX => {}
            lines => {
                let what =
                    format!("a //! head of {lines} lines, {HEAD_LINES_MAX} allowed: move the rest to docs/");
                findings.push(Finding::new(&file.path, HEAD_LINES_MAX + 1, what));
            }
        }
    }
    findings
}
