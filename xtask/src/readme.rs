//! Runs README.md: a promise that nobody runs is soon false. In a fence marked `sh ci` each line must succeed, and
//! `# -> TEXT` at its end must be in what it prints. A fence marked `sh ci-serve=URL` is started first, is ready
//! when URL answers, and is stopped by SIGTERM when every line has run: it must then end with 0.

use std::fs;
use std::io;
use std::path::Path;
use std::process::{Child, Command};

use crate::{cargo, say, succeed};

/// Seconds that the served command has to become ready, once it is built.
const READY_SECONDS: &str = "30";

#[derive(Debug, Default)]
struct Script {
    serve: Option<Serve>,
    steps: Vec<Step>,
}

#[derive(Debug)]
struct Serve {
    command: String,
    ready: String,
}

#[derive(Debug)]
struct Step {
    command: String,
    expect: Option<String>,
}

pub(crate) fn run(root: &Path) -> io::Result<()> {
    let script = Script::of(&fs::read_to_string(root.join("README.md"))?);
    if script.steps.is_empty() {
        return Err(io::Error::other("README.md marks no command to run: a fence opened by ```sh ci"));
    }
    let Some(serve) = &script.serve else {
        return run_steps(root, &script.steps);
    };
    if serve.command.contains("cargo run --release") {
        cargo(&["build", "--release", "--locked"], &[])?; // so that waiting for ready is not waiting for rustc
    }
    say(format_args!("readme: {} &", serve.command));
    let served = shell(root, &format!("exec {}", serve.command)).spawn()?;
    let outcome = wait_until_ready(&serve.ready).and_then(|()| run_steps(root, &script.steps));
    let stopped = stop(served);
    outcome.and(stopped)
}

fn run_steps(root: &Path, steps: &[Step]) -> io::Result<()> {
    for step in steps {
        say(format_args!("readme: {}", step.command));
        let output = shell(root, &step.command).output()?;
        let printed = String::from_utf8_lossy(&output.stdout);
        let expected = step.expect.as_deref().is_none_or(|text| printed.contains(text));
        if !output.status.success() || !expected {
            return Err(io::Error::other(format!(
                "`{}` should succeed and print {:?}; it ended with {} and printed:\n{printed}{}",
                step.command,
                step.expect.as_deref().unwrap_or_default(),
                output.status,
                String::from_utf8_lossy(&output.stderr)
            )));
        }
    }
    Ok(())
}

/// curl does the waiting: it asks once a second until somebody listens and answers well.
fn wait_until_ready(url: &str) -> io::Result<()> {
    let patience = ["--retry", READY_SECONDS, "--retry-delay", "1", "--retry-all-errors"];
    succeed(
        Command::new("curl").args(["--silent", "--fail", "--output", "/dev/null"]).args(patience).arg(url),
    )
}

fn stop(mut served: Child) -> io::Result<()> {
    succeed(Command::new("sh").args(["-c", "kill -TERM \"$1\"", "sh", &served.id().to_string()]))?;
    let status = served.wait()?;
    if status.success() {
        return Ok(());
    }
    Err(io::Error::other(format!("the served command should end with 0 on SIGTERM, not with {status}")))
}

fn shell(root: &Path, line: &str) -> Command {
    let mut command = Command::new("bash");
    command.args(["-o", "pipefail", "-c", line]).current_dir(root);
    command
}

impl Script {
    fn of(readme: &str) -> Self {
        let mut script = Self::default();
        let mut lines = readme.lines();
        while let Some(line) = lines.next() {
            let Some(fence) = line.strip_prefix("```") else { continue };
            let body: Vec<&str> = lines.by_ref().take_while(|line| !line.starts_with("```")).collect();
            let mut commands = body.into_iter().filter(|line| !line.is_empty() && !line.starts_with('#'));
            if fence == "sh ci" {
                script.steps.extend(commands.map(Step::of));
            } else if let Some(url) = fence.strip_prefix("sh ci-serve=") {
                script.serve =
                    commands.next().map(|command| Serve { command: command.into(), ready: url.into() });
            }
        }
        script
    }
}

impl Step {
    fn of(line: &str) -> Self {
        match line.split_once("# -> ") {
            Some((command, text)) => {
                Self { command: command.trim_end().into(), expect: Some(text.trim_end().into()) }
            }
            None => Self { command: line.into(), expect: None },
        }
    }
}
