//! One request on its way to its one answer, as a face sees it.

use std::future::poll_fn;
use std::net::SocketAddr;
use std::task::{Poll, ready};
use std::time::Duration;

use thiserror::Error;
use vestibule_message::framing::BodyLength;
use vestibule_message::head::RequestHead;
use vestibule_routes::Permit;

use crate::answer::Answer;
use crate::core::{Core, RequestId};
use crate::edit::Edit;
use crate::leash::Leash;
use crate::link::{Link, Record};
use crate::relay::{self, Refused, Relayed};

/// A request being served. Answering it, or relaying it, uses it up.
pub struct Exchange<'c, N> {
    pub(crate) link: &'c mut Link,
    pub(crate) note: &'c mut N,
}

/// Why the body of a request could not be read.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum BodyFault {
    /// It is larger than the limit given.
    #[error("the body is larger than {0} bytes")]
    TooLarge(usize),
    /// Its framing is broken.
    #[error("the body is malformed")]
    Malformed,
    /// The client stopped sending, or has gone.
    #[error("the body did not arrive")]
    Missing,
}

impl<'c, N> Exchange<'c, N> {
    /// The head of the request.
    pub fn head(&self) -> RequestHead<'_> {
        self.link.request()
    }

    /// The other end of the connection; behind a load balancer that is the load balancer.
    pub fn peer(&self) -> SocketAddr {
        self.link.peer
    }

    /// The name of this request in logs and headers.
    pub fn id(&self) -> RequestId {
        self.link.record.id
    }

    /// What the log will know of this request.
    pub fn note(&mut self) -> &mut N {
        self.note
    }

    /// The same exchange for a face whose note is a part of this one's.
    pub fn with_note<M>(self, part: impl FnOnce(&'c mut N) -> &'c mut M) -> Exchange<'c, M> {
        Exchange { link: self.link, note: part(self.note) }
    }

    /// When the request's head was whole, in milliseconds since 1970-01-01 UTC.
    pub fn wall(&self) -> u64 {
        Core::with(|core| core.wall(self.link.record.started))
    }

    /// Reads the whole body, at most `max` bytes.
    pub async fn body(&mut self, max: usize) -> Result<Vec<u8>, BodyFault> {
        let link = &mut *self.link;
        if matches!(link.request().body_length(), BodyLength::Exact(n) if n > max as u64) {
            return Err(BodyFault::TooLarge(max));
        }
        if link.reader.is_done() {
            return Ok(Vec::new());
        }
        link.grant_continue();
        link.back_inbox();
        link.deadline.set(link.shared.limits.body_timeout);
        let mut body = Vec::new();
        poll_fn(|cx| {
            loop {
                if link.deadline.poll_passed(cx) {
                    return Poll::Ready(Err(BodyFault::Missing));
                }
                if link.poll_flush(cx)?.is_pending() {
                    return Poll::Pending;
                }
                while !link.reader.is_done() && !link.inbox.is_empty() {
                    let taken = link.reader.take(link.inbox.data()).map_err(|_| BodyFault::Malformed)?;
                    body.extend_from_slice(&link.inbox.data()[taken.data]);
                    link.inbox.consume(taken.consumed);
                    if body.len() > max {
                        return Poll::Ready(Err(BodyFault::TooLarge(max)));
                    }
                }
                if link.reader.is_done() {
                    return Poll::Ready(Ok(()));
                }
                match ready!(link.io.poll_read(cx, &mut link.inbox)) {
                    Ok(n @ 1..) if link.keeps_pace(n) => link.deadline.set(link.shared.limits.body_timeout),
                    Ok(_) | Err(_) => return Poll::Ready(Err(BodyFault::Missing)),
                }
            }
        })
        .await?;
        link.record.bytes_in = body.len() as u64;
        Ok(body)
    }

    /// Sends a whole answer.
    pub async fn answer(self, answer: Answer) -> Served {
        self.link.answer(&answer).await;
        Served::of(&mut self.link.record)
    }

    /// Sends the request to the upstream of its permit and waits for the head of the final answer. The body streams up
    /// meanwhile. Nothing has been sent to the client when this returns. Bodies that stream longer than a moment end with
    /// what the leash hangs on.
    pub async fn relay<'l>(
        self,
        permit: Permit,
        leash: Leash<'l>,
        edit: Edit,
    ) -> Result<Relayed<'l, N>, Refused<'l, N>>
    where
        'c: 'l,
    {
        relay::relay(self, permit, leash, edit).await
    }
}

impl From<std::io::Error> for BodyFault {
    fn from(_: std::io::Error) -> Self {
        Self::Missing
    }
}

impl Link {
    /// Tells a client that waits for it to send its body (RFC 9110 10.1.1).
    pub(crate) fn grant_continue(&mut self) {
        if self.request().expects_continue() && self.inbox.is_empty() {
            self.back_outbox();
            self.outbox.put(b"HTTP/1.1 100 Continue\r\n\r\n");
        }
    }
}

/// A request has had its one answer, or was cut: what the log tells of it.
#[derive(Debug)]
pub struct Served {
    status: Option<u16>,
    bytes_out: u64,
    took: Duration,
    aborted: bool,
}

impl Served {
    pub(crate) fn of(record: &mut Record) -> Self {
        Self {
            status: record.status,
            bytes_out: record.bytes_out,
            took: record.end().duration_since(record.started),
            aborted: record.aborted,
        }
    }

    /// The status sent; `None` when the client went before there was one.
    pub fn status(&self) -> Option<u16> {
        self.status
    }

    /// Bytes of the answer, its head included.
    pub fn bytes_out(&self) -> u64 {
        self.bytes_out
    }

    /// From the head of the request to the end of the answer.
    pub fn took(&self) -> Duration {
        self.took
    }

    /// Whether the answer was cut before its end.
    pub fn aborted(&self) -> bool {
        self.aborted
    }
}
