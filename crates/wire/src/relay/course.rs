//! One request's course through an upstream connection: what has gone up, what has come down, buffer by buffer.

use std::task::{Context, Poll, ready};
use std::time::Duration;

use vestibule_message::field::KnownSet;
use vestibule_message::framing::{BodyLength, BodyReader};
use vestibule_message::head::{RequestHead, ResponseHead, ResponseIndex};
use vestibule_message::method::Method;
use vestibule_message::scan::HeadScan;

use super::RelayFault;
use crate::buffer::{BUFFER_BYTES, Buffer};
use crate::core::Core;
use crate::leash::{Leash, Tie};
use crate::link::Link;
use crate::upstream::UpstreamLink;

/// Interim answers (1xx) an upstream may send before its final one.
const INTERIMS_MAX: u8 = 16;
/// How long a client that expects `100 Continue` waits for the upstream's word before it gets ours.
const CONTINUE_AFTER: Duration = Duration::from_secs(1);

/// Where the request's body stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Upload {
    Sending,
    Done,
    /// It will not be finished: the upstream stopped reading, or the client stopped sending.
    Abandoned,
}

/// How the answer's body ended.
pub(super) enum Download {
    Done,
    ClientGone,
    Truncated,
    Malformed,
}

/// A request under way.
pub(super) struct Course {
    pub(super) up: UpstreamLink,
    /// To the upstream.
    pub(super) out: Buffer,
    /// From the upstream.
    pub(super) input: Buffer,
    pub(super) upload: Upload,
    index: ResponseIndex,
    head_len: usize,
    scan: HeadScan,
    interims: u8,
    /// What stood in interim answers, which are dropped.
    interim_names: KnownSet,
    method: Method,
    awaiting_continue: bool,
    chunked_up: bool,
    body_left_max: u64,
    reader: BodyReader,
    chunked_down: bool,
    finished: bool,
    /// What it hangs on, once it streams.
    pub(super) tie: Tie,
}

impl Course {
    pub(super) fn new(up: UpstreamLink, request: &RequestHead<'_>, body_bytes_max: u64) -> Self {
        let (out, input) = Core::with(|core| (core.buffer(), core.buffer()));
        Self {
            up,
            out,
            input,
            upload: Upload::Sending,
            index: ResponseIndex::default(),
            head_len: 0,
            scan: HeadScan::default(),
            interims: 0,
            interim_names: KnownSet::default(),
            method: request.method(),
            awaiting_continue: request.expects_continue(),
            chunked_up: request.body_length() == BodyLength::Chunked,
            body_left_max: body_bytes_max,
            reader: BodyReader::Done,
            chunked_down: false,
            finished: false,
            tie: Tie::default(),
        }
    }

    /// Takes another connection for a request of which nothing was sent.
    pub(super) fn renew(&mut self, up: UpstreamLink) {
        self.up = up;
        self.upload = Upload::Sending;
        self.input.clear();
        self.scan = HeadScan::default();
    }

    /// Gives the buffers back and parts with the connection.
    pub(super) fn release(mut self) -> UpstreamLink {
        Core::with(|core| {
            core.give_back(&mut self.out);
            core.give_back(&mut self.input);
        });
        self.up
    }

    /// How long to wait first. A client that has sent some of its body already waits for no word.
    pub(super) fn first_deadline(&self, link: &Link) -> Duration {
        let waits = self.awaiting_continue && link.inbox.is_empty();
        if waits { CONTINUE_AFTER } else { link.shared.limits.body_timeout }
    }

    /// The deadline has passed before the final head came. `None` when there is a way on.
    pub(super) fn on_deadline(&mut self, link: &mut Link) -> Option<RelayFault> {
        if self.upload != Upload::Sending {
            return Some(RelayFault::AnswerSlow);
        }
        if std::mem::take(&mut self.awaiting_continue) {
            link.grant_continue();
            link.deadline.set_watchful(link.shared.limits.body_timeout);
            return None;
        }
        // With bytes waiting for the upstream it is the one that stands still.
        Some(if self.out.is_empty() { RelayFault::BodySlow } else { RelayFault::AnswerSlow })
    }

    /// Sends what there is to send. Ready when the whole request has gone up.
    pub(super) fn poll_upload(
        &mut self,
        link: &mut Link,
        cx: &mut Context<'_>,
    ) -> Poll<Result<(), RelayFault>> {
        loop {
            if ready!(self.up.io.poll_flush(cx, &mut self.out)).is_err() {
                return Poll::Ready(Err(RelayFault::UpstreamGone));
            }
            if link.reader.is_done() {
                return Poll::Ready(Ok(()));
            }
            if link.inbox.is_empty() {
                // Also while the client waits for the upstream's word: it may stop waiting at any time (RFC 9110 10.1.1).
                link.back_inbox();
                match ready!(link.io.poll_read(cx, &mut link.inbox)) {
                    // Once the answer is on its way, only that decides how long to wait.
                    Ok(n @ 1..) if link.keeps_pace(n) && self.head_len == 0 => {
                        link.deadline.set_watchful(link.shared.limits.body_timeout);
                    }
                    Ok(1..) if self.head_len > 0 => {}
                    Ok(1..) => return Poll::Ready(Err(RelayFault::BodySlow)),
                    // It may still read what we have to say of that.
                    Ok(0) => return Poll::Ready(Err(RelayFault::ClientGone)),
                    Err(_) => return Poll::Ready(Err(gone(link))),
                }
            }
            self.take_body(link)?;
        }
    }

    /// Moves body data that is here into the buffer for the upstream, framed anew.
    fn take_body(&mut self, link: &mut Link) -> Result<(), RelayFault> {
        // A client that sends without waiting is not waiting.
        self.awaiting_continue = false;
        while !link.inbox.is_empty() && !link.reader.is_done() {
            let taken = link.reader.take(link.inbox.data()).map_err(|_| RelayFault::BodyMalformed)?;
            let size = taken.data.len() as u64;
            self.body_left_max = self.body_left_max.checked_sub(size).ok_or(RelayFault::BodyTooLarge)?;
            if link.reader.announced() > self.body_left_max {
                return Err(RelayFault::BodyTooLarge);
            }
            link.record.bytes_in += size;
            if self.chunked_up {
                put_chunk(&link.inbox.data()[taken.data], &mut self.out);
                link.inbox.consume(taken.consumed);
            } else if self.out.is_empty() && taken.consumed == link.inbox.len() {
                std::mem::swap(&mut self.out, &mut link.inbox);
            } else {
                self.out.put(&link.inbox.data()[taken.data]);
                link.inbox.consume(taken.consumed);
            }
        }
        if self.chunked_up && link.reader.is_done() {
            self.out.put(b"0\r\n\r\n");
        }
        Ok(())
    }

    /// Whether the answer's head is wanted although its client has gone: the app has the whole request, and what it says
    /// to it may count for what the request hangs on.
    pub(super) fn is_wanted_anyway(&self, leash: Leash<'_>) -> bool {
        self.upload == Upload::Done && leash.is_some()
    }

    /// Reads the answer's head, past interim answers. Ready with the final one.
    pub(super) fn poll_head(
        &mut self,
        link: &mut Link,
        leash: Leash<'_>,
        cx: &mut Context<'_>,
    ) -> Poll<Result<(), RelayFault>> {
        let malformed = |what: &dyn std::fmt::Display| RelayFault::AnswerMalformed(what.to_string());
        loop {
            if !link.outbox.is_empty() && ready!(link.poll_flush(cx)).is_err() {
                if !self.is_wanted_anyway(leash) {
                    return Poll::Ready(Err(gone(link)));
                }
                link.outbox.clear();
            }
            let limits = &link.shared.limits.head;
            let found = self.scan.find_end(self.input.data()).map_err(|fault| malformed(&fault))?;
            if found.unwrap_or(self.input.len()) > limits.head_bytes_max {
                return Poll::Ready(Err(malformed(&"the head is too large")));
            }
            if let Some(len) = found {
                self.index
                    .parse(&self.input.data()[..len], self.method, limits)
                    .map_err(|fault| malformed(&fault))?;
                self.head_len = len;
                let status = self.head().status();
                if !status.is_interim() {
                    // What has come of the body already is checked while another answer can still be given.
                    let reader = BodyReader::new(self.head().body_length());
                    let checked = reader.check(&self.input.data()[len..]);
                    return Poll::Ready(checked.map_err(|fault| malformed(&fault)));
                }
                self.take_interim(link, status.code())?;
                continue;
            }
            match ready!(self.up.io.poll_read(cx, &mut self.input)) {
                Ok(1..) => {}
                Ok(0) | Err(_) => return Poll::Ready(Err(RelayFault::UpstreamGone)),
            }
        }
    }

    /// An interim answer: `100` lets a waiting client go on, the rest is dropped.
    fn take_interim(&mut self, link: &mut Link, code: u16) -> Result<(), RelayFault> {
        self.interims += 1;
        if code == 101 || self.interims > INTERIMS_MAX {
            return Err(RelayFault::AnswerMalformed(format!(
                "interim answer {code}, the {}.",
                self.interims
            )));
        }
        let names = self.head().fields().names();
        self.interim_names = self.interim_names.and(names);
        self.input.consume(self.head_len);
        // The final head has yet to come, so the body still says how long to wait.
        self.head_len = 0;
        self.scan = HeadScan::default();
        if code == 100 && self.awaiting_continue {
            self.awaiting_continue = false;
            link.grant_continue();
            link.deadline.set_watchful(link.shared.limits.body_timeout);
        }
        Ok(())
    }

    /// The head last read.
    pub(super) fn head(&self) -> ResponseHead<'_> {
        self.index.of(&self.input.data()[..self.head_len])
    }

    /// Names of fields in interim answers.
    pub(super) fn interim_names(&self) -> KnownSet {
        self.interim_names
    }

    /// Whether the upstream connection may carry another request after this answer. After HEAD it may not: bytes of a
    /// body that should not be there might still come, and would be taken for the next answer. Likewise after a 204 or 304
    /// that declares a body.
    pub(super) fn is_reusable(&self, method: Method) -> bool {
        let head = self.head();
        let odd = matches!(head.status().code(), 204 | 304) && head.declares_body();
        head.persistent() && method != Method::Head && !odd
    }

    /// From here on the input is body.
    pub(super) fn begin_download(&mut self, reader: BodyReader, chunked: bool) {
        self.input.consume(self.head_len);
        self.reader = reader;
        self.chunked_down = chunked;
    }

    /// Sends the answer's body to the client as it comes. Ready when it has ended and everything is written.
    pub(super) fn poll_download(
        &mut self,
        link: &mut Link,
        cx: &mut Context<'_>,
        stall: Duration,
    ) -> Poll<Download> {
        loop {
            let taken = self.take_answer(link);
            if ready!(link.poll_flush(cx)).is_err() {
                return Poll::Ready(Download::ClientGone);
            }
            // What was good before it has left.
            if taken.is_err() {
                return Poll::Ready(Download::Malformed);
            }
            if self.finished {
                return Poll::Ready(Download::Done);
            }
            if self.input.is_empty() && !self.reader.is_done() {
                match (ready!(self.up.io.poll_read(cx, &mut self.input)), &self.reader) {
                    (Ok(1..), _) => link.deadline.set_watchful(stall),
                    (Ok(0), BodyReader::UntilClose) => self.reader = BodyReader::Done,
                    (Ok(0) | Err(_), _) => return Poll::Ready(Download::Truncated),
                }
            }
        }
    }

    /// Moves answer data that is here into the buffer for the client, framed anew.
    fn take_answer(&mut self, link: &mut Link) -> Result<(), vestibule_message::chunked::ChunkFault> {
        while !self.input.is_empty() && !self.reader.is_done() && link.outbox.len() < BUFFER_BYTES {
            let taken = self.reader.take(self.input.data())?;
            if self.chunked_down {
                put_chunk(&self.input.data()[taken.data], &mut link.outbox);
                self.input.consume(taken.consumed);
            } else if link.outbox.is_empty() && taken.data.len() == self.input.len() {
                std::mem::swap(&mut self.input, &mut link.outbox);
            } else {
                link.outbox.put(&self.input.data()[taken.data]);
                self.input.consume(taken.consumed);
            }
        }
        if self.reader.is_done() && !self.finished {
            self.finished = true;
            if self.chunked_down {
                link.outbox.put(b"0\r\n\r\n");
            }
        }
        Ok(())
    }
}

/// The client has reset its connection, or it is lost: there is nobody to be answered.
pub(super) fn gone(link: &mut Link) -> RelayFault {
    link.abort();
    RelayFault::ClientGone
}

/// One chunk (RFC 9112 7.1). Nothing for no data: an empty chunk would end the body.
fn put_chunk(data: &[u8], out: &mut Buffer) {
    if data.is_empty() {
        return;
    }
    const HEX: &[u8; 16] = b"0123456789abcdef";
    let digits = (usize::BITS - data.len().leading_zeros()).div_ceil(4);
    for at in (0..digits).rev() {
        out.put(&[HEX[data.len() >> (4 * at) & 15]]);
    }
    out.put(b"\r\n");
    out.put(data);
    out.put(b"\r\n");
}
