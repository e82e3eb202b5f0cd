//! An answer that we make ourselves, as a value. Who writes it adds `Date`, `Content-Length` and `Connection`.

use vestibule_message::lines::{LineFault, Lines};
use vestibule_message::status::Status;

/// A whole answer, its body in memory.
#[derive(Clone, Debug)]
pub struct Answer {
    pub(crate) status: Status,
    pub(crate) lines: Lines,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    /// An answer without fields and body.
    pub fn new(status: Status) -> Self {
        Self { status, lines: Lines::default(), body: Vec::new() }
    }

    /// Adds a field that is a constant of the program.
    pub fn with(mut self, name: &'static str, value: &'static str) -> Self {
        self.lines.push(name, value).expect("constants are checked by the test that makes the answer");
        self
    }

    /// Adds a field whose value was made at run time.
    pub fn field(mut self, name: &'static str, value: impl AsRef<[u8]>) -> Result<Self, LineFault> {
        self.lines.push(name, value)?;
        Ok(self)
    }

    /// Adds ready lines.
    pub fn lines(mut self, lines: &Lines) -> Self {
        self.lines.append(lines);
        self
    }

    /// Sets the body and says what it is.
    pub fn body(mut self, content_type: &'static str, body: impl Into<Vec<u8>>) -> Self {
        self = self.with("content-type", content_type);
        self.body = body.into();
        self
    }

    /// The lines of its fields, as far as they are there by now.
    pub fn fields(&self) -> &Lines {
        &self.lines
    }

    /// The status.
    pub fn status(&self) -> Status {
        self.status
    }
}
