//! One client connection: its socket, its buffers, its deadline, and where in a request it stands. Reads heads, writes
//! whole answers, closes in a way that the client can read the last one.

use std::future::poll_fn;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use vestibule_message::framing::BodyReader;
use vestibule_message::head::{HeadFault, RequestHead, RequestIndex, Version};
use vestibule_message::method::Method;
use vestibule_message::scan::HeadScan;
use vestibule_message::status::Status;

use crate::answer::Answer;
use crate::audience::Audience;
use crate::buffer::{BUFFER_BYTES, Buffer};
use crate::core::{Core, RequestId};
use crate::crowd::Crowd;
use crate::edit;
use crate::io::{Io, canonical};
use crate::leash::Slip;
use crate::reply::Refusal;
use crate::server::Shared;
use crate::tick::{self, Deadline};

/// Bytes read and thrown away before a connection with an unread body is closed.
const LINGER_BYTES_MAX: usize = 1024 * 1024;
/// Time spent on that.
const LINGER_MAX: Duration = Duration::from_secs(1);
/// Bytes a method may have before the space; longer ones are no methods.
const METHOD_BYTES_MAX: usize = 32;

/// What is known of a request for its access line.
#[derive(Debug)]
pub(crate) struct Record {
    pub(crate) id: RequestId,
    /// When the head was whole; while it is not, when its first byte came.
    pub(crate) started: Instant,
    ended: Option<Instant>,
    /// The status of the final head sent; `None` while there is none.
    pub(crate) status: Option<u16>,
    pub(crate) bytes_in: u64,
    /// Bytes that have left, those of interim answers and of framing included.
    pub(crate) bytes_out: u64,
    /// How many of them leave before the final head.
    head_at: u64,
    /// The answer was cut before its end.
    pub(crate) aborted: bool,
    /// The upstream the request went to.
    pub(crate) upstream: Option<Arc<vestibule_routes::Upstream>>,
    /// What went wrong, for the log only.
    pub(crate) fault: Option<String>,
    /// Why it was cut, when what allowed it had slipped.
    pub(crate) cut: Option<Slip>,
}

/// One client connection.
pub(crate) struct Link {
    pub(crate) io: Io,
    pub(crate) peer: SocketAddr,
    pub(crate) deadline: Deadline,
    pub(crate) shared: Arc<Shared>,
    /// Who came by the same listener.
    crowd: Arc<Crowd>,
    /// The head of the request, and while it is read what came with it.
    head: Buffer,
    index: RequestIndex,
    /// Bytes after the head: the body, then the next request.
    pub(crate) inbox: Buffer,
    pub(crate) outbox: Buffer,
    pub(crate) reader: BodyReader,
    pub(crate) record: Record,
    /// The connection ends after this request.
    pub(crate) close: bool,
    /// Whether the head was read far enough to be shown in the log.
    pub(crate) has_head: bool,
    served_before: bool,
    /// Bytes of this request's body that were read from the socket.
    body_received: u64,
    /// What the unfinished head counts for in the process's sum.
    head_counted: usize,
}

/// Why there is no next request.
pub(crate) enum NoRequest {
    /// The client has gone or said nothing for too long.
    Over,
    /// What it sent is refused.
    Refused(Refusal),
}

impl Link {
    pub(crate) fn new(io: Io, peer: SocketAddr, shared: Arc<Shared>, crowd: Arc<Crowd>) -> Self {
        let deadline = Deadline::new(&shared.ticker);
        let record = Record::new(RequestId::default());
        Self {
            io,
            peer: canonical(peer),
            deadline,
            shared,
            crowd,
            head: Buffer::default(),
            index: RequestIndex::default(),
            inbox: Buffer::default(),
            outbox: Buffer::default(),
            reader: BodyReader::Done,
            record,
            close: false,
            has_head: false,
            served_before: false,
            body_received: 0,
            head_counted: 0,
        }
    }

    /// The head of the request being served.
    pub(crate) fn request(&self) -> RequestHead<'_> {
        self.index.of(self.head.data())
    }

    /// Who will look at a refusal, as far as the head has come.
    pub(crate) fn audience(&self) -> Audience {
        Audience::of(self.peer.ip(), self.head.data())
    }

    /// Waits for the next request and reads its head. Holds no buffer while nothing comes.
    pub(crate) async fn next_request(&mut self) -> Result<(), NoRequest> {
        self.has_head = false;
        let limits = &self.shared.limits;
        self.deadline.set(if self.served_before { limits.idle_timeout } else { limits.head_timeout });
        self.served_before = true;
        let mut scan = HeadScan::default();
        let mut begun = false;
        let mut led = false;
        let whole = poll_fn(|cx| self.poll_head(cx, &mut scan, &mut begun, &mut led)).await;
        self.forget_head();
        let len = whole?;
        self.record.started = tick::now();
        self.accept_head(len).map_err(NoRequest::Refused)
    }

    fn poll_head(
        &mut self,
        cx: &mut Context<'_>,
        scan: &mut HeadScan,
        begun: &mut bool,
        led: &mut bool,
    ) -> Poll<Result<usize, NoRequest>> {
        loop {
            // RFC 9112 2.2: one empty line before a request is forgiven.
            if !*led && self.head.data().starts_with(b"\r\n") {
                self.head.consume(2);
                *led = true;
            }
            if !self.head.is_empty() && (*led || self.head.data() != b"\r") {
                if !*begun {
                    *begun = true;
                    self.record = Record::new(Core::with(Core::request_id));
                    self.deadline.set(self.shared.limits.head_timeout);
                }
                match scan.find_end(self.head.data()) {
                    Ok(Some(len)) => return Poll::Ready(Ok(len)),
                    Ok(None) => {}
                    Err(fault) => return Poll::Ready(Err(NoRequest::Refused(Refusal::Scan(fault)))),
                }
                if let Some(fault) = self.too_large_already(scan) {
                    return Poll::Ready(Err(NoRequest::Refused(Refusal::Head(fault))));
                }
            }
            match self.poll_read_head(cx) {
                Poll::Ready(Ok(1..)) => {}
                // An unfinished head from a client that has gone needs no answer.
                Poll::Ready(Ok(0) | Err(_)) => return Poll::Ready(Err(NoRequest::Over)),
                Poll::Pending => return self.poll_wait_for_head(cx, *begun),
            }
        }
    }

    /// Reads once; takes a buffer only when there may be something for it.
    fn poll_read_head(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        if !self.head.is_backed() {
            ready!(self.io.poll_readable(cx))?;
            self.head = Core::with(Core::buffer);
        }
        self.io.poll_read(cx, &mut self.head)
    }

    /// Nothing more is known to have come: gives back what is not needed meanwhile, and says whether to wait on.
    fn poll_wait_for_head(&mut self, cx: &mut Context<'_>, begun: bool) -> Poll<Result<usize, NoRequest>> {
        if self.head.is_empty() && self.head.is_backed() {
            Core::with(|core| core.give_back(&mut self.head));
            self.forget_head();
        }
        // Others cannot get in, and this one has been quiet for long enough to go.
        if self.crowd.is_dense()
            && !begun
            && self.head.is_empty()
            && !self.io.has_unread()
            && self.crowd.takes(self.deadline.since_set())
        {
            return Poll::Ready(Err(NoRequest::Over));
        }
        // What has come in time is not dropped because the kernel's word of it has not been heard yet.
        if self.deadline.poll_passed(cx) && !self.io.has_unread() {
            let over = if begun { NoRequest::Refused(Refusal::HeadSlow) } else { NoRequest::Over };
            return Poll::Ready(Err(over));
        }
        if self.count_head() { Poll::Pending } else { Poll::Ready(Err(NoRequest::Refused(Refusal::Crowded))) }
    }

    /// Counts the memory that an unfinished head holds beyond the buffer that each connection may have. Whether there is
    /// room for it among all of the process.
    fn count_head(&mut self) -> bool {
        let grown = self.head.capacity().saturating_sub(BUFFER_BYTES + self.head_counted);
        if grown == 0 {
            return true;
        }
        self.head_counted += grown;
        let before = self.shared.head_bytes.fetch_add(grown, Ordering::Relaxed);
        before + grown <= self.shared.limits.head_bytes_in_flight_max
    }

    /// The head is whole, or will never be.
    fn forget_head(&mut self) {
        if self.head_counted > 0 {
            self.shared.head_bytes.fetch_sub(self.head_counted, Ordering::Relaxed);
            self.head_counted = 0;
        }
    }

    /// Refuses a head before its end has come, when nothing that could follow would make it good.
    fn too_large_already(&self, scan: &HeadScan) -> Option<HeadFault> {
        let (data, limits) = (self.head.data(), &self.shared.limits.head);
        if data.len() > limits.head_bytes_max {
            return Some(HeadFault::TooLarge("the whole head"));
        }
        if scan.lines() > limits.fields_max + 1 {
            return Some(HeadFault::TooLarge("too many fields"));
        }
        if scan.lines() > 0 {
            return None;
        }
        match data.iter().take(METHOD_BYTES_MAX).position(|b| !b.is_ascii_uppercase()) {
            None if data.len() < METHOD_BYTES_MAX => None,
            Some(at) if data[at] == b' ' && data.len() <= limits.target_bytes_max + METHOD_BYTES_MAX + 12 => {
                None
            }
            Some(at) if data[at] == b' ' => Some(HeadFault::TargetTooLong),
            Some(at) if data[at].is_ascii_lowercase() && data.len() < METHOD_BYTES_MAX => None,
            Some(at) if at > 0 && data[at].is_ascii_lowercase() => Some(HeadFault::Method),
            _ => Some(HeadFault::Syntax("request line")),
        }
    }

    /// Reads the head of `len` bytes and checks the framing of the body bytes that are here already, so that a request
    /// is refused whole before anybody has seen a part of it.
    fn accept_head(&mut self, len: usize) -> Result<(), Refusal> {
        self.close = true;
        self.body_received = 0;
        self.reader = BodyReader::Done;
        let data = self.head.data();
        if len > self.shared.limits.head.head_bytes_max {
            return Err(Refusal::Head(HeadFault::TooLarge("the whole head")));
        }
        let parsed = self.index.parse(&data[..len], &self.shared.limits.head);
        // What could be read stands in the log, also of a request that is refused.
        self.has_head = self.index.is_read();
        parsed.map_err(Refusal::Head)?;
        let surplus = &data[len..];
        let request = self.index.of(&data[..len]);
        let reader = BodyReader::new(request.body_length());
        reader.check(surplus).map_err(Refusal::Body)?;
        let persistent = request.persistent();
        if !surplus.is_empty() {
            if !self.inbox.is_backed() {
                self.inbox = Core::with(Core::buffer);
            }
            self.inbox.put(surplus);
        }
        self.head.truncate(len);
        self.reader = reader;
        self.close = !persistent || self.shared.is_draining();
        Ok(())
    }

    /// Counts bytes of a body that have come, and says whether they come fast enough: a byte now and then must not hold a
    /// connection for ever.
    pub(crate) fn keeps_pace(&mut self, received: usize) -> bool {
        self.body_received += received as u64;
        let limits = &self.shared.limits;
        let measured = tick::now().duration_since(self.record.started).saturating_sub(limits.body_timeout);
        self.body_received >= measured.as_secs() * limits.body_bytes_per_second_min
    }

    /// Makes sure that there is memory to read into.
    pub(crate) fn back_inbox(&mut self) {
        if !self.inbox.is_backed() {
            self.inbox = Core::with(Core::buffer);
        }
    }

    /// Makes sure that there is memory to write into.
    pub(crate) fn back_outbox(&mut self) {
        if !self.outbox.is_backed() {
            self.outbox = Core::with(Core::buffer);
        }
    }

    /// Takes what is here of the body and throws it away. Whether the body is done then.
    fn skim_body(&mut self) -> bool {
        while !self.reader.is_done() && !self.inbox.is_empty() {
            let Ok(taken) = self.reader.take(self.inbox.data()) else { return false };
            self.inbox.consume(taken.consumed);
        }
        self.reader.is_done()
    }

    /// Writes a whole answer. An unread body ends the connection, so that it is never taken for a request.
    pub(crate) async fn answer(&mut self, answer: &Answer) {
        if self.record.aborted {
            return;
        }
        let version = if self.has_head { self.request().version() } else { Version::Current };
        let bodiless =
            self.has_head && self.request().method() == Method::Head || answer.status.is_bodiless();
        self.close |= !self.skim_body() || self.shared.is_draining();
        self.back_outbox();
        self.begin_head(answer.status);
        let out = &mut self.outbox;
        edit::write_status_line(answer.status, out);
        out.put(answer.lines.as_bytes());
        let now = self.record.started;
        Core::with(|core| edit::write_field("date", core.date(now).as_bytes(), out));
        // RFC 9110 8.6: without a body at hand nothing is said of the one that GET would get.
        let unknown = bodiless && answer.body.is_empty();
        if !answer.status.is_bodiless() && !unknown {
            edit::write_length(answer.body.len() as u64, out);
        }
        edit::write_connection(self.close, version, out);
        out.put(b"\r\n");
        if !bodiless {
            out.put(&answer.body);
        }
        self.deadline.set(self.shared.limits.write_timeout);
        if self.flush().await.is_err() {
            self.abort();
        }
    }

    /// What is put into the outbox from here on is the final head and its body.
    pub(crate) fn begin_head(&mut self, status: Status) {
        self.record.status = Some(status.code());
        self.record.head_at = self.record.bytes_out + self.outbox.len() as u64;
    }

    /// Writes until nothing waits, and counts what leaves.
    pub(crate) fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let waiting = self.outbox.len();
        let flushed = self.io.poll_flush(cx, &mut self.outbox);
        self.record.bytes_out += (waiting - self.outbox.len()) as u64;
        flushed
    }

    /// Writes out what waits, within the deadline.
    async fn flush(&mut self) -> io::Result<()> {
        poll_fn(|cx| {
            if self.deadline.poll_passed(cx) {
                return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
            }
            self.poll_flush(cx)
        })
        .await
    }

    /// Whether the client has gone for good, asked every two seconds of a watchful wait: nobody reads from it then, and
    /// what it has sent ahead stays where it is.
    pub(crate) fn has_gone(&self) -> bool {
        self.deadline.is_time_to_look() && self.io.has_failed()
    }

    /// The answer cannot be finished: the client must not take it for whole. A head of which nothing has left was never sent.
    pub(crate) fn abort(&mut self) {
        self.record.aborted = true;
        if self.record.bytes_out <= self.record.head_at {
            self.record.status = None;
        }
        self.close = true;
        self.outbox.clear();
        self.io.abort();
    }

    /// Gives back what an idle connection does not need, and moves what has come of the next request to the front.
    pub(crate) fn recycle(&mut self) {
        self.head.clear();
        if !self.inbox.is_empty() {
            std::mem::swap(&mut self.head, &mut self.inbox);
        }
        self.release();
    }

    /// Gives all empty buffers back.
    fn release(&mut self) {
        Core::with(|core| {
            for buffer in [&mut self.head, &mut self.inbox, &mut self.outbox] {
                if buffer.is_empty() && buffer.is_backed() {
                    core.give_back(buffer);
                }
            }
        });
    }

    /// Ends the connection after its last answer. Bytes that still come are read and thrown away for a while: a close
    /// with unread bytes is a reset, and the client might lose the answer (RFC 9112 9.6).
    pub(crate) async fn finish(&mut self) {
        if self.record.aborted {
            return;
        }
        self.deadline.set(LINGER_MAX);
        self.inbox.clear();
        self.back_inbox();
        let mut read = 0;
        let mut finished = false;
        poll_fn(|cx| {
            if !finished {
                if ready!(self.io.poll_finish(cx)).is_err() {
                    return Poll::Ready(());
                }
                finished = true;
            }
            while read < LINGER_BYTES_MAX && !self.deadline.poll_passed(cx) {
                match ready!(self.io.poll_read(cx, &mut self.inbox)) {
                    Ok(n @ 1..) => read += n,
                    Ok(0) | Err(_) => break,
                }
                self.inbox.clear();
            }
            Poll::Ready(())
        })
        .await;
        self.head.clear();
        self.inbox.clear();
        self.release();
    }
}

impl Drop for Link {
    /// A request that is cut, as by the end of the process, must not look whole.
    fn drop(&mut self) {
        self.forget_head();
        if self.has_head && self.record.ended.is_none() {
            self.io.abort();
        }
    }
}

impl Record {
    fn new(id: RequestId) -> Self {
        Self {
            id,
            started: tick::now(),
            ended: None,
            status: None,
            bytes_in: 0,
            bytes_out: 0,
            head_at: 0,
            aborted: false,
            upstream: None,
            fault: None,
            cut: None,
        }
    }

    /// The end of the answer, and so of the request; the first call decides.
    pub(crate) fn end(&mut self) -> Instant {
        *self.ended.get_or_insert_with(tick::now)
    }
}

#[cfg(test)]
mod tests;
