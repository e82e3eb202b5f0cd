//! The tree as the rules see it: text files by relative path, Rust ones also as tokens, which know no comment and
//! look into no string. Macro bodies are tokens too, so nothing hides in them.

use std::fs;
use std::io;
use std::path::Path;

use proc_macro2::{Delimiter, TokenStream, TokenTree};

/// Folders that are built, installed or running, not written.
const SKIPPED: [&str; 4] = [".git", "node_modules", "target", "vestibule-demo"];

pub(super) struct Tree {
    /// Absolute, as this machine spells it.
    pub(super) root: String,
    pub(super) files: Vec<File>,
}

pub(super) struct File {
    /// Relative to the root, with `/`.
    pub(super) path: String,
    pub(super) text: String,
    /// Empty unless the file is Rust.
    pub(super) tokens: Vec<Token>,
}

/// One token; a group is its opening token, its content, its closing token.
pub(super) struct Token {
    pub(super) text: String,
    pub(super) line: usize,
}

impl Tree {
    pub(super) fn read(root: &Path) -> io::Result<Self> {
        let root = root.canonicalize()?;
        let mut files = Vec::new();
        read_folder(&root, "", &mut files)?;
        files.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(Self { root: root.to_string_lossy().into_owned(), files })
    }

    pub(super) fn file(&self, path: &str) -> Option<&File> {
        self.files.iter().find(|file| file.path == path)
    }

    pub(super) fn rust(&self) -> impl Iterator<Item = &File> {
        self.files.iter().filter(|file| file.is_rust())
    }

    pub(super) fn manifests(&self) -> impl Iterator<Item = &File> {
        self.files.iter().filter(|file| file.path == "Cargo.toml" || file.path.ends_with("/Cargo.toml"))
    }
}

fn read_folder(folder: &Path, prefix: &str, files: &mut Vec<File>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let path = if prefix.is_empty() { name.clone() } else { format!("{prefix}/{name}") };
        let kind = entry.file_type()?;
        if kind.is_dir() && !SKIPPED.contains(&name.as_str()) {
            read_folder(&entry.path(), &path, files)?;
        } else if kind.is_file()
            && let Ok(text) = String::from_utf8(fs::read(entry.path())?)
        {
            files.push(File::new(path, text)?);
        }
    }
    Ok(())
}

impl File {
    fn new(path: String, text: String) -> io::Result<Self> {
        let mut file = Self { path, text, tokens: Vec::new() };
        if file.is_rust() {
            let stream: TokenStream = file
                .text
                .parse()
                .map_err(|e| io::Error::other(format!("{}: no Rust tokens: {e}", file.path)))?;
            flatten(stream, &mut file.tokens);
        }
        Ok(file)
    }

    pub(super) fn is_rust(&self) -> bool {
        Path::new(&self.path).extension().is_some_and(|extension| extension == "rs")
    }

    /// Code that only tests compile.
    pub(super) fn is_test(&self) -> bool {
        self.path.ends_with("/tests.rs")
            || self.path.split('/').any(|part| part == "tests" || part == "journeys")
    }

    /// The folder below `crates/`, for a file in one.
    pub(super) fn crate_folder(&self) -> Option<&str> {
        self.path.strip_prefix("crates/")?.split('/').next()
    }

    /// The line numbers where the words stand one after another as whole tokens.
    pub(super) fn find<'t>(&'t self, words: &'t [&str]) -> impl Iterator<Item = usize> + 't {
        self.tokens
            .windows(words.len())
            .filter(move |tokens| tokens.iter().zip(words).all(|(token, word)| token.text == *word))
            .map(|tokens| tokens[0].line)
    }
}

fn flatten(stream: TokenStream, tokens: &mut Vec<Token>) {
    for tree in stream {
        let mut push = |text: &str, line| tokens.push(Token { text: text.into(), line });
        let TokenTree::Group(group) = tree else {
            push(&tree.to_string(), tree.span().start().line);
            continue;
        };
        let (open, close) = match group.delimiter() {
            Delimiter::Parenthesis => ("(", ")"),
            Delimiter::Brace => ("{", "}"),
            Delimiter::Bracket => ("[", "]"),
            Delimiter::None => ("", ""),
        };
        push(open, group.span_open().start().line);
        flatten(group.stream(), tokens);
        tokens.push(Token { text: close.into(), line: group.span_close().end().line });
    }
}
