//! The life of one client connection: request after request, each with one answer and one access line, a panic in one
//! of them ending that one only.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use futures_util::FutureExt as _;

use crate::answer::Answer;
use crate::core::Core;
use crate::exchange::{Exchange, Served};
use crate::line::Line;
use crate::link::{Link, NoRequest};
use crate::metrics::{Counter, Tally};
use crate::reply::Refusal;
use crate::{Face, metrics};

/// Serves a connection until it ends.
pub(crate) async fn serve<F: Face>(link: Link, face: Arc<F>) {
    let mut turn = Turn { link, face, note: F::Note::default(), is_open: false };
    loop {
        let next = turn.link.next_request().await;
        if matches!(next, Err(NoRequest::Over)) {
            return;
        }
        turn.is_open = true;
        if let Err(NoRequest::Refused(refusal)) = next {
            refuse(&mut turn.link, &*turn.face, refusal).await;
            turn.close();
            return turn.link.finish().await;
        }
        let exchange = Exchange { link: &mut turn.link, note: &mut turn.note };
        let died = AssertUnwindSafe(turn.face.serve(exchange)).catch_unwind().await.is_err();
        if died {
            bury(&mut turn.link, &*turn.face).await;
        }
        turn.close();
        let link = &mut turn.link;
        // A face can only come here with its one answer sent; whatever else happens, no body is read as a request.
        if link.record.status.is_none() || !link.reader.is_done() {
            link.close = true;
        }
        if link.close {
            return link.finish().await;
        }
        link.recycle();
    }
}

/// A connection, and whether one of its requests still wants its access line.
struct Turn<F: Face> {
    link: Link,
    face: Arc<F>,
    note: F::Note,
    is_open: bool,
}

impl<F: Face> Turn<F> {
    /// The request is over, and this is its one line.
    fn close(&mut self) {
        self.is_open = false;
        log(&mut self.link, &*self.face, &self.note);
        self.note = F::Note::default();
    }
}

impl<F: Face> Drop for Turn<F> {
    /// A request that is cut by the end of the server has a line too, and does not look whole.
    fn drop(&mut self) {
        if self.is_open {
            self.link.record.fault = Some("the server has stopped".to_owned());
            self.link.abort();
            self.close();
        }
    }
}

async fn refuse<F: Face>(link: &mut Link, face: &F, refusal: Refusal) {
    Core::with(|core| core.slab.add(Counter::Refused, 1));
    if refusal == Refusal::Crowded {
        Core::with(|core| core.slab.add(Counter::HeadsCrowdedOut, 1));
    }
    link.record.fault = Some(refusal.detail());
    link.close = true;
    let answer = dressed(link, face, refusal);
    link.answer(&answer).await;
}

/// After a panic: an error when nothing was sent yet, else an abort.
async fn bury<F: Face>(link: &mut Link, face: &F) {
    Core::with(|core| core.slab.add(Counter::Panics, 1));
    link.record.fault = Some("panic".to_owned());
    link.close = true;
    if link.record.status.is_some() {
        link.abort();
    } else {
        link.outbox.clear();
        let answer = dressed(link, face, Refusal::Panic);
        link.answer(&answer).await;
    }
}

/// A refusal in the form that fits whoever will look at it, with what the face adds.
fn dressed<F: Face>(link: &Link, face: &F, refusal: Refusal) -> Answer {
    let audience = link.audience();
    refusal.answer(&audience).lines(&face.refusal_lines(&audience))
}

fn log<F: Face>(link: &mut Link, face: &F, note: &F::Note) {
    let served = Served::of(&mut link.record);
    let ended = link.record.end();
    Core::try_with(|core| {
        count(&core.slab, &served, link.record.bytes_in, link.record.cut.is_some());
        face.tally(note, &mut Tally(&core.slab));
        let now = core.wall(ended);
        core.lines.add(|line| {
            write_line(link, &served, now, line);
            face.log(note, &served, line);
        });
    });
}

fn count(slab: &metrics::Slab, served: &Served, bytes_in: u64, is_cut: bool) {
    slab.add(Counter::Requests, 1);
    slab.add(
        match served.status().unwrap_or(100) / 100 {
            2 => Counter::Answers2xx,
            3 => Counter::Answers3xx,
            4 => Counter::Answers4xx,
            5 => Counter::Answers5xx,
            _ => Counter::Answers1xx,
        },
        1,
    );
    slab.add(Counter::BytesIn, bytes_in);
    slab.add(Counter::BytesOut, served.bytes_out());
    slab.add(Counter::Aborted, u64::from(served.aborted()));
    slab.add(Counter::Cut, u64::from(is_cut));
    slab.took(served.took());
}

/// Wire's part of an access line. The query stays out: it may hold what only the app should see.
fn write_line(link: &Link, served: &Served, now: u64, line: &mut Line<'_>) {
    line.number("ts", now);
    line.text("id", link.record.id.hex());
    line.text("peer", link.peer.ip().to_string());
    if link.has_head {
        let request = link.request();
        line.text("method", request.method().as_str());
        line.text("host", request.host().name());
        line.text("path", request.target().path());
    }
    line.number("status", served.status().unwrap_or_default().into());
    line.number("bytes_in", link.record.bytes_in);
    line.number("bytes_out", served.bytes_out());
    line.number("us", served.took().as_micros() as u64);
    if let Some(upstream) = &link.record.upstream {
        line.text("upstream", upstream.authority());
    }
    if served.aborted() {
        line.number("aborted", 1);
    }
    if let Some(slip) = link.record.cut {
        line.text("cut", slip.text());
    }
    if let Some(fault) = &link.record.fault {
        line.text("fault", fault);
    }
}
