//! Finds the end of a head in bytes that arrive piece by piece, reading each byte once (RFC 9112 2.2).
//! Refuses a bare LF on sight, and a bare CR in a line that has not ended: lenient parsers take either for a line end,
//! and that is a smuggled field. A bare CR in a line that has ended is left to who reads the whole head.

use thiserror::Error;

/// Why no end of a head can be found.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum ScanFault {
    /// A line feed without its carriage return.
    #[error("a line ends in LF without CR")]
    BareLf,
    /// A carriage return without its line feed.
    #[error("a line ends in CR without LF")]
    BareCr,
}

/// How far a search for the empty line has come. Start with the default, call again with more bytes.
#[derive(Clone, Copy, Debug, Default)]
pub struct HeadScan {
    seen: usize,
    line_start: usize,
    lines: usize,
}

impl HeadScan {
    /// The length of the head, its final empty line included, once that is among `bytes`.
    /// `bytes` must begin with what was given before.
    pub fn find_end(&mut self, bytes: &[u8]) -> Result<Option<usize>, ScanFault> {
        while let Some(at) = memchr::memchr(b'\n', &bytes[self.seen..]) {
            let lf = self.seen + at;
            if lf == 0 || bytes[lf - 1] != b'\r' {
                return Err(ScanFault::BareLf);
            }
            self.seen = lf + 1;
            self.lines += 1;
            if lf - 1 == self.line_start {
                return Ok(Some(lf + 1));
            }
            self.line_start = lf + 1;
        }
        // What is left has no LF, so only its last byte may be a CR. The one before it has been seen as the last once.
        let from = self.seen.saturating_sub(1).max(self.line_start);
        self.seen = bytes.len();
        match memchr::memchr(b'\r', &bytes[from..]) {
            Some(at) if from + at + 1 < bytes.len() => Err(ScanFault::BareCr),
            _ => Ok(None),
        }
    }

    /// Complete lines seen so far; zero while the first line is still arriving.
    pub fn lines(&self) -> usize {
        self.lines
    }
}

#[cfg(test)]
mod tests;
