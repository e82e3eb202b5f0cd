//! A program that ends with its test, however the test ends. Must not know which program.

use std::io::{self, BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};

use vestibule_testkit::patience::Patience;

use super::driver::PATIENCE;

/// A running program whose standard output is read.
pub(super) struct Program {
    child: Child,
    output: Receiver<String>,
}

impl Program {
    pub(super) fn start(command: &mut Command) -> io::Result<Self> {
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn()?;
        let stdout = child.stdout.take().expect("it was asked for as a pipe");
        let (said, output) = channel();
        // Reads to the end even if nobody listens, so that the program never waits for a full pipe.
        std::thread::spawn(move || {
            for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                let _ = said.send(line);
            }
        });
        Ok(Self { child, output })
    }

    /// The next line of its output with this text in it.
    #[track_caller]
    pub(super) fn line_with(&self, text: &str) -> String {
        let patience = Patience::new(PATIENCE);
        loop {
            match self.output.recv_timeout(patience.left()) {
                Ok(line) if line.contains(text) => return line,
                Ok(_) => {}
                Err(error) => panic!("the program does not say {text:?}: {error}"),
            }
        }
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // Fails only when it has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
