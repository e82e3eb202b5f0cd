//! Access lines: one JSON object a request, built in a buffer of the core and written by a thread of its own. A log
//! that cannot keep up, or takes none, loses lines, and counts them; it never holds up a request.

use std::convert::Infallible;
use std::io::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, channel, sync_channel};
use std::time::Duration;

use crate::notice::Notice;

/// Bytes a core gathers before it hands them to the writer at once.
const GATHER_BYTES: usize = 32 * 1024;
/// Blocks of lines that may wait for the writer.
const BLOCKS_WAITING_MAX: usize = 64;
/// Bytes of one value; the rest is left out.
const VALUE_BYTES_MAX: usize = 1024;

static LOST: Notice = Notice::new();

/// Lines on their way to the writer.
struct Block {
    bytes: Vec<u8>,
    lines: u64,
}

/// Where access lines go: to the writer, until it is dropped.
#[derive(Clone)]
pub(crate) struct LineSink {
    blocks: SyncSender<Block>,
    dropped: Arc<AtomicU64>,
}

impl LineSink {
    /// Starts the writing thread. It ends when the last sink is gone and everything is written.
    pub(crate) fn start(out: Box<dyn Write + Send>) -> std::io::Result<(Self, LineWriter)> {
        let (blocks, waiting) = sync_channel(BLOCKS_WAITING_MAX);
        let dropped = Arc::<AtomicU64>::default();
        let (writing, done) = channel();
        let lost = Arc::clone(&dropped);
        let write = move || {
            write_all(out, &waiting, &lost);
            drop(writing);
        };
        std::thread::Builder::new().name("access-log".to_owned()).spawn(write)?;
        Ok((Self { blocks, dropped }, LineWriter(done)))
    }

    pub(crate) fn dropped(&self) -> &Arc<AtomicU64> {
        &self.dropped
    }
}

/// The writing thread, seen from outside. It may stand still for ever in a write.
pub(crate) struct LineWriter(Receiver<Infallible>);

impl LineWriter {
    /// Whether it has written everything by then.
    pub(crate) fn is_done_within(&self, time: Duration) -> bool {
        matches!(self.0.recv_timeout(time), Err(RecvTimeoutError::Disconnected))
    }
}

fn write_all(mut out: Box<dyn Write + Send>, waiting: &Receiver<Block>, lost: &AtomicU64) {
    for Block { bytes, lines } in waiting {
        // A log that cannot be written must not stop the traffic.
        if let Err(why) = out.write_all(&bytes).and_then(|()| out.flush()) {
            let lost = lost.fetch_add(lines, Ordering::Relaxed) + lines;
            LOST.give(|| format!("the access log cannot be written: {why}; {lost} lines are lost so far"));
        }
    }
}

/// The lines a core has gathered.
pub(crate) struct Lines {
    sink: Option<LineSink>,
    block: Vec<u8>,
    gathered: u64,
}

impl Lines {
    pub(crate) fn new(sink: Option<LineSink>) -> Self {
        Self { sink, block: Vec::new(), gathered: 0 }
    }

    /// Adds the line that `fill` writes.
    pub(crate) fn add(&mut self, fill: impl FnOnce(&mut Line<'_>)) {
        if self.sink.is_none() {
            return;
        }
        self.block.push(b'{');
        fill(&mut Line { out: &mut self.block, first: true });
        self.block.extend_from_slice(b"}\n");
        self.gathered += 1;
        if self.block.len() >= GATHER_BYTES {
            self.hand_over();
        }
    }

    /// Gives what was gathered to the writer.
    pub(crate) fn hand_over(&mut self) {
        let Some(sink) = self.sink.as_ref().filter(|_| !self.block.is_empty()) else { return };
        let bytes = std::mem::replace(&mut self.block, Vec::with_capacity(GATHER_BYTES));
        let block = Block { bytes, lines: self.gathered };
        if let Err(TrySendError::Full(_) | TrySendError::Disconnected(_)) = sink.blocks.try_send(block) {
            let lost = sink.dropped.fetch_add(self.gathered, Ordering::Relaxed) + self.gathered;
            LOST.give(|| format!("the access log is too slow; {lost} lines are lost so far"));
        }
        self.gathered = 0;
    }
}

impl Drop for Lines {
    fn drop(&mut self) {
        self.hand_over();
    }
}

/// One access line. Values are escaped, so nothing a client sends can begin a line of its own.
pub struct Line<'b> {
    out: &'b mut Vec<u8>,
    first: bool,
}

impl Line<'_> {
    /// Adds a text, cut at 1 KiB.
    pub fn text(&mut self, key: &'static str, value: impl AsRef<[u8]>) {
        self.key(key);
        self.out.push(b'"');
        let value = value.as_ref();
        for byte in &value[..value.len().min(VALUE_BYTES_MAX)] {
            match byte {
                b'"' | b'\\' => self.out.extend_from_slice(&[b'\\', *byte]),
                b' '..=b'~' => self.out.push(*byte),
                other => {
                    const HEX: &[u8; 16] = b"0123456789abcdef";
                    self.out.extend_from_slice(b"\\u00");
                    self.out.push(HEX[usize::from(other >> 4)]);
                    self.out.push(HEX[usize::from(other & 15)]);
                }
            }
        }
        self.out.push(b'"');
    }

    /// Adds a number.
    pub fn number(&mut self, key: &'static str, value: u64) {
        self.key(key);
        self.out.extend_from_slice(itoa::Buffer::new().format(value).as_bytes());
    }

    fn key(&mut self, key: &'static str) {
        let open: &[u8] = if self.first { b"\"" } else { b",\"" };
        self.first = false;
        self.out.extend_from_slice(open);
        self.out.extend_from_slice(key.as_bytes());
        self.out.extend_from_slice(b"\":");
    }
}

#[cfg(test)]
mod tests;
