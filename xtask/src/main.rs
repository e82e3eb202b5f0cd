//! House tasks, run as `cargo xtask TASK`: what a developer and the CI machine do besides plain cargo.
//! Knows the shape of the tree; must not know what any crate in it does.

mod mongod;
mod npm;
mod packages;
mod readme;
mod tidy;

use std::env;
use std::fmt::Display;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

const USAGE: &str = "\
usage: cargo xtask TASK

  tidy [--root DIR]    hold the tree to the rules of the house
  test [ARGS]          install what the tests need, then cargo test --workspace (ARGS: a filter, or cargo's own)
  codegen              write the documents that are made from the program: docs/configuration.*
  readme [--root DIR]  run the commands that README.md marks for it
  bench ARGS           build Vestibule for release and measure it (try: path --quick)";

fn main() -> ExitCode {
    let args: Vec<String> = env::args().skip(1).collect();
    let words: Vec<&str> = args.iter().map(String::as_str).collect();
    let outcome = match words.as_slice() {
        ["tidy"] => tidy::run(&root()),
        ["tidy", "--root", dir] => tidy::run(Path::new(dir)),
        ["readme"] => packages::install().and_then(|()| readme::run(&root())),
        ["readme", "--root", dir] => readme::run(Path::new(dir)),
        ["test", rest @ ..] => test(rest),
        ["codegen"] => codegen(),
        ["bench", rest @ ..] => bench(rest),
        _ => {
            say(USAGE);
            return ExitCode::from(2);
        }
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(e) => {
            say(format_args!("xtask {}: {e}", words[0]));
            ExitCode::FAILURE
        }
    }
}

/// Needs no installed test runner: a fresh machine has cargo and nothing else.
fn test(rest: &[&str]) -> io::Result<()> {
    packages::install()?;
    npm::install(&root())?;
    mongod::fetch(&root())?;
    cargo(&["test", "--workspace", "--locked"], rest)?;
    say("xtask test: all tests passed");
    Ok(())
}

/// What the program says of itself. A test of it compares.
fn codegen() -> io::Result<()> {
    for (command, document) in [("reference", "configuration.md"), ("schema", "configuration.schema.json")] {
        let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let mut program = Command::new(cargo);
        let output = program.args(["run", "--quiet", "--locked", "--", "config", command]).output()?;
        if !output.status.success() {
            return Err(io::Error::other(String::from_utf8_lossy(&output.stderr).into_owned()));
        }
        std::fs::write(root().join("docs").join(document), output.stdout)?;
    }
    Ok(())
}

/// What is measured is built first: an older binary would be measured without a word.
fn bench(rest: &[&str]) -> io::Result<()> {
    cargo(&["build", "--release", "--locked", "-p", "vestibule", "-p", "vestibule-bench"], &[])?;
    // Not by `cargo run`, which would build the benchmark again with other features of what both use.
    let debug = env::current_exe()?;
    let target =
        debug.ancestors().nth(2).ok_or_else(|| io::Error::other("this program is in no target folder"))?;
    succeed(Command::new(target.join("release/vestibule-bench")).args(rest))
}

fn cargo(args: &[&str], rest: &[&str]) -> io::Result<()> {
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    succeed(Command::new(cargo).args(args).args(rest))
}

/// Runs to the end; anything but exit code 0 is an error that names the command.
fn succeed(command: &mut Command) -> io::Result<()> {
    let status = command.status()?;
    if status.success() {
        return Ok(());
    }
    let words: Vec<_> =
        [command.get_program()].into_iter().chain(command.get_args()).map(|w| w.to_string_lossy()).collect();
    Err(io::Error::other(format!("`{}` ended with {status}", words.join(" "))))
}

/// The tree that cargo runs this program for.
fn root() -> PathBuf {
    env::var_os("CARGO_MANIFEST_DIR")
        .and_then(|here| Path::new(&here).parent().map(Path::to_path_buf))
        .unwrap_or_else(|| ".".into())
}

/// One line on standard output. A closed pipe (`| head`) is no reason to fail.
fn say(line: impl Display) {
    let _ = writeln!(io::stdout(), "{line}");
}
