//! The relay: one request to an upstream, its answer back, both bodies streaming at once with bounded buffers. The face
//! stands in the middle, between the head of the answer and its leaving, and nothing has left until it says so.

use std::future::poll_fn;
use std::sync::Arc;
use std::task::Poll;
use std::time::{Duration, Instant};

use thiserror::Error;
use vestibule_message::field::Known;
use vestibule_message::framing::{BodyLength, BodyReader};
use vestibule_message::head::{RequestHead, ResponseHead, Version};
use vestibule_message::method::Method;
use vestibule_routes::{Conduct, Permit, Upstream};

use crate::answer::Answer;
use crate::core::Core;
use crate::edit::{self, Edit, Reframed};
use crate::exchange::{Exchange, Served};
use crate::leash::{Leash, Slip, Tie};
use crate::link::Link;
use crate::metrics::Counter;
use crate::upstream::{ConnectFault, UpstreamLink};

mod course;

use course::{Course, Download, Upload};

/// Why a request got no answer from its upstream.
#[derive(Debug, Error)]
pub enum RelayFault {
    /// The body is larger than the route allows.
    #[error("the body is larger than the route allows")]
    BodyTooLarge,
    /// The body's framing broke after it had begun to be relayed.
    #[error("the body is malformed")]
    BodyMalformed,
    /// The client stopped sending its body.
    #[error("the body did not arrive in time")]
    BodySlow,
    /// The client has gone before its request was whole.
    #[error("the client has gone")]
    ClientGone,
    /// No connection to the upstream within its time.
    #[error("the upstream took no connection in time")]
    ConnectSlow,
    /// The upstream refused the connection, or has no address.
    #[error("the upstream cannot be reached: {0}")]
    Unreachable(String),
    /// The upstream gave no final head within its time.
    #[error("the upstream gave no answer in time")]
    AnswerSlow,
    /// The upstream closed the connection before a final head.
    #[error("the upstream closed the connection")]
    UpstreamGone,
    /// What the upstream sent is no acceptable head.
    #[error("the upstream's answer is malformed: {0}")]
    AnswerMalformed(String),
    /// What allowed the request has ended while its body was still being sent.
    #[error("what allowed the request does not hold any more")]
    Cut(Slip),
}

impl RelayFault {
    /// Whether the upstream failed, and not the client.
    fn is_upstreams(&self) -> bool {
        !matches!(
            self,
            Self::BodyTooLarge | Self::BodyMalformed | Self::BodySlow | Self::ClientGone | Self::Cut(_)
        )
    }
}

impl From<ConnectFault> for RelayFault {
    fn from(fault: ConnectFault) -> Self {
        match fault {
            ConnectFault::Slow(_) => Self::ConnectSlow,
            ConnectFault::Refused(error) => Self::Unreachable(error.to_string()),
        }
    }
}

/// A request that could not be relayed and still wants its answer.
pub struct Refused<'c, N> {
    link: &'c mut Link,
    note: &'c mut N,
    fault: RelayFault,
}

impl<'c, N> Refused<'c, N> {
    /// Why.
    pub fn fault(&self) -> &RelayFault {
        &self.fault
    }

    /// The exchange, to be answered.
    pub fn into_exchange(self) -> Exchange<'c, N> {
        Exchange { link: self.link, note: self.note }
    }
}

/// A request whose final head has come from the upstream. Nothing of it has been sent to the client.
pub struct Relayed<'c, N> {
    link: &'c mut Link,
    note: &'c mut N,
    leash: Leash<'c>,
    course: Course,
    upstream: Arc<Upstream>,
    stall_timeout: Duration,
}

pub(crate) async fn relay<'l, N>(
    x: Exchange<'l, N>,
    permit: Permit,
    leash: Leash<'l>,
    edit: Edit,
) -> Result<Relayed<'l, N>, Refused<'l, N>> {
    let Exchange { link, note } = x;
    match until_head(link, &permit, leash, &edit).await {
        Ok(course) => {
            let (upstream, stall_timeout) = (Arc::clone(permit.upstream()), permit.conduct().stall_timeout);
            Ok(Relayed { link, note, leash, course, upstream, stall_timeout })
        }
        Err(fault) => {
            if let RelayFault::Cut(slip) = fault {
                link.record.cut = Some(slip);
            } else if fault.is_upstreams() {
                Core::with(|core| core.slab.add(Counter::UpstreamFailed, 1));
            }
            link.record.fault = Some(fault.to_string());
            if link.outbox.is_begun() {
                // Half of an interim answer has left: nothing whole can follow it.
                link.abort();
            }
            link.outbox.clear();
            Err(Refused { link, note, fault })
        }
    }
}

/// Sends the request and reads the final head of the answer.
async fn until_head(
    link: &mut Link,
    permit: &Permit,
    leash: Leash<'_>,
    edit: &Edit,
) -> Result<Course, RelayFault> {
    let conduct = permit.conduct();
    if matches!(link.request().body_length(), BodyLength::Exact(n) if n > conduct.body_bytes_max) {
        return Err(RelayFault::BodyTooLarge);
    }
    link.record.upstream = Some(Arc::clone(permit.upstream()));
    let (up, reused) =
        connect(link.request().method(), permit.upstream(), conduct, link.record.started).await?;
    let mut course = Course::new(up, &link.request(), conduct.body_bytes_max);
    edit::write_request(&link.request(), permit.target(), edit, &mut course.out);
    let whole = course.out.len();
    let fault = match drive_to_head(link, &mut course, leash, conduct).await {
        Ok(()) => return Ok(course),
        Err(fault) => fault,
    };
    // The pooled connection was dead and took not one byte: the request was never sent.
    let unsent = reused && course.out.len() == whole && matches!(fault, RelayFault::UpstreamGone);
    if !unsent || !link.request().method().is_idempotent() {
        course.up.io.abort();
        course.release();
        return Err(fault);
    }
    course.renew(open(permit.upstream(), conduct).await?);
    drive_to_head(link, &mut course, leash, conduct).await.map(|()| course)
}

async fn connect(
    method: Method,
    to: &Arc<Upstream>,
    conduct: &Conduct,
    now: Instant,
) -> Result<(UpstreamLink, bool), RelayFault> {
    match Core::with(|core| core.pool.take(to, !method.is_idempotent(), now)) {
        Some(link) => {
            Core::with(|core| core.slab.add(Counter::UpstreamReused, 1));
            Ok((link, true))
        }
        None => Ok((open(to, conduct).await?, false)),
    }
}

async fn open(to: &Upstream, conduct: &Conduct) -> Result<UpstreamLink, RelayFault> {
    Core::with(|core| core.slab.add(Counter::UpstreamOpened, 1));
    Ok(UpstreamLink::open(to, conduct.connect_timeout).await?)
}

/// Both directions at once: the body up, the head down. An answer may come before the body has gone.
async fn drive_to_head(
    link: &mut Link,
    course: &mut Course,
    leash: Leash<'_>,
    conduct: &Conduct,
) -> Result<(), RelayFault> {
    link.deadline.set_watchful(course.first_deadline(link));
    poll_fn(|cx| {
        if course.upload == Upload::Sending {
            match course.poll_upload(link, cx) {
                Poll::Ready(Ok(())) => {
                    course.upload = Upload::Done;
                    link.deadline.set_watchful(conduct.answer_timeout);
                }
                Poll::Ready(Err(RelayFault::UpstreamGone)) => {
                    // It may have answered before it stopped reading.
                    course.upload = Upload::Abandoned;
                    link.deadline.set_watchful(conduct.answer_timeout);
                }
                Poll::Ready(Err(fault)) => return Poll::Ready(Err(fault)),
                // Once it has all been sent the app is to answer, and what it answers is delivered.
                Poll::Pending => {
                    if let Some(slip) = course.tie.tie(leash, cx) {
                        return Poll::Ready(Err(RelayFault::Cut(slip)));
                    }
                }
            }
        }
        if let Poll::Ready(done) = course.poll_head(link, leash, cx) {
            return Poll::Ready(done);
        }
        if link.deadline.poll_passed(cx) {
            match course.on_deadline(link) {
                Some(fault) => return Poll::Ready(Err(fault)),
                None => cx.waker().wake_by_ref(),
            }
        } else if link.has_gone() && !course.is_wanted_anyway(leash) {
            return Poll::Ready(Err(course::gone(link)));
        }
        Poll::Pending
    })
    .await
}

impl<N> Relayed<'_, N> {
    /// The head of the answer as the upstream sent it.
    pub fn head(&self) -> ResponseHead<'_> {
        self.course.head()
    }

    /// Whether a field of this name stood in an interim answer. None of those has gone on.
    pub fn had_in_interim(&self, name: Known) -> bool {
        self.course.interim_names().has(name)
    }

    /// The head of the request that it answers.
    pub fn request(&self) -> RequestHead<'_> {
        self.link.request()
    }

    /// What the log will know of this request.
    pub fn note(&mut self) -> &mut N {
        self.note
    }

    /// Lets the answer go on whatever ends from now: it is itself the answer to that end.
    pub fn let_go(&mut self) {
        self.leash = Leash::NONE;
        self.course.tie = Tie::default();
    }

    /// Drops the upstream's answer and sends another.
    pub async fn replace(self, answer: Answer) -> Served {
        self.course.up.io.abort();
        self.course.release();
        self.link.answer(&answer).await;
        Served::of(&mut self.link.record)
    }

    /// Sends the answer to the client, its body as it comes.
    pub async fn send(mut self, edit: Edit) -> Served {
        let (link, course) = (&mut *self.link, &mut self.course);
        let version = link.request().version();
        let status = course.head().status();
        let length = course.head().body_length();
        // What ends with its connection, and what is answered before it was whole, leaves no room for a next request.
        let endless =
            version == Version::Old && matches!(length, BodyLength::Chunked | BodyLength::UntilClose);
        link.close |= endless || course.upload != Upload::Done || link.shared.is_draining();
        link.back_outbox();
        link.begin_head(status);
        let (close, started, out) = (link.close, link.record.started, &mut link.outbox);
        let reframed = Core::with(|core| {
            edit::write_response(&course.head(), version, &edit, close, core.date(started), out)
        });
        let persistent = course.is_reusable(link.request().method());
        course.begin_download(BodyReader::new(length), reframed == Reframed::Chunked);
        link.deadline.set_watchful(self.stall_timeout);
        match drive_download(link, course, self.leash, self.stall_timeout).await {
            Ok(()) => {
                if course.upload != Upload::Done {
                    course.up.io.abort();
                    self.course.release();
                } else if persistent && course.input.is_empty() {
                    let (idle, since) = (self.course.release(), self.link.record.end());
                    Core::with(|core| core.pool.keep(&self.upstream, idle, since));
                } else {
                    self.course.release();
                }
            }
            Err(fault) => {
                course.up.io.abort();
                self.course.release();
                match fault {
                    Broken::Fault(fault) => self.link.record.fault = Some(fault),
                    Broken::Cut(slip) => self.link.record.cut = Some(slip),
                }
                self.link.abort();
            }
        }
        Served::of(&mut self.link.record)
    }
}

/// Why an answer's body ends before its end.
enum Broken {
    Fault(String),
    Cut(Slip),
}

fn broken(fault: impl Into<String>) -> Poll<Result<(), Broken>> {
    Poll::Ready(Err(Broken::Fault(fault.into())))
}

/// The body down, and what is left of the request's body up. An upstream that reads no further may still answer; a body
/// that has gone bad ends both, unless the answer is here as a whole.
async fn drive_download(
    link: &mut Link,
    course: &mut Course,
    leash: Leash<'_>,
    stall: Duration,
) -> Result<(), Broken> {
    let mut streams = false;
    poll_fn(|cx| {
        // Before anything more is delivered. An answer that is there as a whole is no stream.
        if streams && let Some(slip) = course.tie.slipped(cx) {
            return Poll::Ready(Err(Broken::Cut(slip)));
        }
        let mut spoilt = None;
        if course.upload == Upload::Sending {
            match course.poll_upload(link, cx) {
                Poll::Ready(Ok(())) => course.upload = Upload::Done,
                Poll::Ready(Err(RelayFault::UpstreamGone)) => course.upload = Upload::Abandoned,
                Poll::Ready(Err(fault)) => spoilt = Some(fault),
                Poll::Pending => {}
            }
        }
        match course.poll_download(link, cx, stall) {
            Poll::Ready(Download::Done) => Poll::Ready(Ok(())),
            Poll::Ready(Download::ClientGone) => broken("the client has gone"),
            Poll::Ready(Download::Truncated) => broken("the upstream's body ended early"),
            Poll::Ready(Download::Malformed) => broken("the upstream's body is malformed"),
            Poll::Pending if let Some(fault) = spoilt => broken(fault.to_string()),
            Poll::Pending if link.deadline.poll_passed(cx) => broken("the body stood still for too long"),
            Poll::Pending if link.has_gone() => broken("the client has gone"),
            Poll::Pending if !streams => {
                streams = true;
                match course.tie.tie(leash, cx) {
                    Some(slip) => Poll::Ready(Err(Broken::Cut(slip))),
                    None => Poll::Pending,
                }
            }
            Poll::Pending => Poll::Pending,
        }
    })
    .await
}
