//! Byte buffers that are filled by reads, emptied by writes, and kept for the next user. Zeroed once, when made.

/// Bytes of a buffer as it comes from the pool.
pub(crate) const BUFFER_BYTES: usize = 16 * 1024;

/// A run of bytes inside a larger, initialised block.
#[derive(Debug, Default)]
pub(crate) struct Buffer {
    block: Vec<u8>,
    start: usize,
    end: usize,
}

impl Buffer {
    /// With memory behind it.
    pub(crate) fn backed() -> Self {
        Self { block: vec![0; BUFFER_BYTES], start: 0, end: 0 }
    }

    /// Whether there is memory behind it; a default buffer has none.
    pub(crate) fn is_backed(&self) -> bool {
        !self.block.is_empty()
    }

    /// Whether it has the size that the pool hands out.
    pub(crate) fn is_standard(&self) -> bool {
        self.block.len() == BUFFER_BYTES
    }

    pub(crate) fn data(&self) -> &[u8] {
        &self.block[self.start..self.end]
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.start == self.end
    }

    /// Bytes of memory behind it.
    pub(crate) fn capacity(&self) -> usize {
        self.block.len()
    }

    /// Whether some of what was put in is gone and some is left.
    pub(crate) fn is_begun(&self) -> bool {
        self.start > 0 && !self.is_empty()
    }

    pub(crate) fn len(&self) -> usize {
        self.end - self.start
    }

    /// Room for the next read. Moves the data to the front, or grows, when there is none.
    pub(crate) fn room(&mut self) -> &mut [u8] {
        if self.end == self.block.len() {
            if self.start > 0 {
                self.block.copy_within(self.start..self.end, 0);
                self.end -= self.start;
                self.start = 0;
            } else {
                let grown = (self.block.len() * 2).max(BUFFER_BYTES);
                self.block.resize(grown, 0);
            }
        }
        &mut self.block[self.end..]
    }

    /// `n` bytes of [`Buffer::room`] have been filled.
    pub(crate) fn filled(&mut self, n: usize) {
        self.end += n;
    }

    pub(crate) fn put(&mut self, bytes: &[u8]) {
        let end = self.end + bytes.len();
        if end > self.block.len() {
            self.block.resize(end.next_power_of_two().max(BUFFER_BYTES), 0);
        }
        self.block[self.end..end].copy_from_slice(bytes);
        self.end = end;
    }

    /// The first `n` bytes have been dealt with.
    pub(crate) fn consume(&mut self, n: usize) {
        self.start += n;
        if self.start == self.end {
            self.clear();
        }
    }

    /// Keeps the first `n` bytes.
    pub(crate) fn truncate(&mut self, n: usize) {
        self.end = self.start + n;
    }

    pub(crate) fn clear(&mut self) {
        self.start = 0;
        self.end = 0;
    }
}

#[cfg(test)]
mod tests;
