//! A file is read in one sitting and a function on one screen. What is larger needs a line with its reason in
//! xtask/exceptions.toml; the number there is the size today, so an exception can only shrink and then goes.

use serde::Deserialize;

use super::Finding;
use super::tree::{File, Token, Tree};

const FILE_LINES_MAX: usize = 500;
const FUNCTION_LINES_MAX: usize = 70;

const EXCEPTIONS: &str = "xtask/exceptions.toml";

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Exceptions {
    #[serde(default)]
    exception: Vec<Exception>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Exception {
    path: String,
    /// Absent: the file as a whole.
    function: Option<String>,
    lines: usize,
    reason: String,
}

/// Something above its limit.
struct Large<'t> {
    path: &'t str,
    function: Option<&'t str>,
    line: usize,
    lines: usize,
}

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let text = tree.file(EXCEPTIONS).map_or("", |file| &file.text);
    let exceptions = match toml::from_str::<Exceptions>(text) {
        Ok(exceptions) => exceptions.exception,
        Err(e) => return vec![Finding::new(EXCEPTIONS, 1, format!("cannot be read: {}", e.message()))],
    };
    let large: Vec<Large> = tree.rust().filter(|file| !file.is_test()).flat_map(large).collect();
    let mut findings: Vec<Finding> = large
        .iter()
        .filter(|large| !exceptions.iter().any(|exception| exception.covers(large)))
        .map(|large| Finding::new(large.path, large.line, large.advice()))
        .collect();
    for exception in &exceptions {
        if let Some(what) = exception.objection(&large) {
            findings.push(Finding::new(EXCEPTIONS, line_of(text, &exception.path), what));
        }
    }
    findings
}

impl Exception {
    fn covers(&self, large: &Large) -> bool {
        self.path == large.path && self.function.as_deref() == large.function
    }

    fn objection(&self, large: &[Large]) -> Option<String> {
        let name = self.function.as_deref().unwrap_or(&self.path);
        if self.reason.trim().is_empty() {
            return Some(format!("the exception for {name} gives no reason"));
        }
        let Some(large) = large.iter().find(|large| self.covers(large)) else {
            return Some(format!("{name} needs no exception any more: remove it"));
        };
        match large.lines {
            now if now > self.lines => {
                Some(format!("{name} grew from {} to {now} lines: split it", self.lines))
            }
            now if now < self.lines => Some(format!("{name} shrank to {now} lines: write that number")),
            _ => None,
        }
    }
}

impl Large<'_> {
    fn advice(&self) -> String {
        let lines = self.lines;
        match self.function {
            None => format!("{lines} lines, {FILE_LINES_MAX} allowed: split by noun"),
            Some(name) => {
                format!("fn {name} has {lines} lines, {FUNCTION_LINES_MAX} allowed: name its parts")
            }
        }
    }
}

fn large(file: &File) -> Vec<Large<'_>> {
    let lines = file.text.lines().count();
    let whole = Large { path: &file.path, function: None, line: 1, lines };
    let mut large: Vec<Large> = functions(file).filter(|f| f.lines > FUNCTION_LINES_MAX).collect();
    large.extend((lines > FILE_LINES_MAX).then_some(whole));
    large
}

/// Functions with a body, from the line of `fn` to that of the closing brace.
fn functions(file: &File) -> impl Iterator<Item = Large<'_>> {
    file.tokens.windows(2).enumerate().filter_map(|(index, pair)| {
        let [word, name] = pair else { return None };
        let named = word.text == "fn" && name.text != "("; // `fn(..)` is the type of a pointer
        let end = named.then(|| body_end(&file.tokens[index..])).flatten()?;
        Some(Large {
            path: &file.path,
            function: Some(&name.text),
            line: word.line,
            lines: end + 1 - word.line,
        })
    })
}

/// The line where the first brace group outside brackets closes, unless a `;` ends the signature first.
fn body_end(tokens: &[Token]) -> Option<usize> {
    let mut open = Vec::new();
    for token in tokens {
        match token.text.as_str() {
            ";" if open.is_empty() => return None,
            bracket @ ("(" | "[" | "{") => open.push(bracket),
            ")" | "]" | "}" => {
                let closed = open.pop()?;
                if open.is_empty() && closed == "{" {
                    return Some(token.line);
                }
            }
            _ => {}
        }
    }
    None
}

fn line_of(text: &str, path: &str) -> usize {
    let wanted = format!("\"{path}\"");
    text.lines().position(|line| line.contains(&wanted)).map_or(1, |index| index + 1)
}
