//! CHANGELOG.md moves when users see a change: when a key of a config or an argument of a command comes, goes or is
//! renamed, since the changelog was last committed. Read from git; without it the rule says that it was skipped.

use std::io;
use std::path::Path;
use std::process::Command;

use super::Finding;

const CHANGELOG: &str = "CHANGELOG.md";

/// Where users' words are defined, and how a changed line there looks that they see.
type Seen = (&'static str, fn(&str) -> bool);

const SEEN: [Seen; 2] = [("crates/*/src/config*.rs", is_key), ("crates/app/src/*.rs", is_argument)];

/// Outer: git cannot be run. Inner: why the rule does not apply.
pub(super) fn check(root: &Path) -> io::Result<Result<Vec<Finding>, &'static str>> {
    if !root.join(".git").exists() {
        return Ok(Err("this is no git checkout"));
    }
    let Some(last) =
        git(root, &["log", "-1", "--format=%H", "--", CHANGELOG])?.filter(|hash| !hash.is_empty())
    else {
        return Ok(Err("no commit has touched CHANGELOG.md yet"));
    };
    let last = last.trim();
    if git(root, &["diff", "--name-only", last, "--", CHANGELOG])?.is_some_and(|names| !names.is_empty()) {
        return Ok(Ok(Vec::new()));
    }
    let mut findings = Vec::new();
    for (paths, is_seen) in SEEN {
        let Some(diff) = git(root, &["diff", "--unified=0", last, "--", paths])? else {
            return Ok(Err("git cannot compare with the last commit of CHANGELOG.md"));
        };
        if let Some(line) = diff.lines().find(|line| changed(line).is_some_and(is_seen)) {
            findings.push(Finding::new(CHANGELOG, 1, format!("users see this change, so tell them: {line}")));
        }
    }
    Ok(Ok(findings))
}

/// The code of a line that a diff adds or removes.
fn changed(line: &str) -> Option<&str> {
    line.strip_prefix(['+', '-']).map(str::trim_start)
}

fn is_key(code: &str) -> bool {
    let name = code.strip_prefix("pub ").and_then(|field| field.split_once(": ")).map(|(name, _)| name);
    name.is_some_and(|name| name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_'))
}

fn is_argument(code: &str) -> bool {
    code.starts_with("#[arg(") || code.starts_with("#[command(")
}

/// Standard output, or `None` where git refuses.
fn git(root: &Path, arguments: &[&str]) -> io::Result<Option<String>> {
    let output = Command::new("git").arg("-C").arg(root).args(arguments).output()?;
    Ok(output.status.success().then(|| String::from_utf8_lossy(&output.stdout).into_owned()))
}
