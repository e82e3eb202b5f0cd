//! Lets the mix of visitors come: as fast as the answers allow, which says how many there may be and what each costs; or
//! when they are due, whether or not the ones before have been answered, because nobody who opens a shop waits for the
//! others. Then a latency counts from when its request was due, so that a stall is felt by all who came during it, and not
//! by one alone (coordinated omission).

use std::cell::{Cell, RefCell};
use std::io;
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::Duration;

use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;
use tokio::task::{LocalSet, spawn_blocking};

use super::latency::Latencies;
use super::mix::Step;
use crate::load::{self, Answered, PATIENCE};
use crate::shop::Entrance;
use crate::stopwatch::Stopwatch;

/// Connections over which visitors come as fast as they are answered.
pub(super) const BROWSERS: usize = 64;
/// Connections over which they come when they are due. All busy means that requests are late before they are sent, which
/// counts too.
const BROWSERS_STEADY: usize = 128;

/// How they come.
#[derive(Clone, Copy, Debug)]
pub(super) enum Pace {
    /// Each connection asks for the next thing when it has the last one.
    AsAnswered,
    /// So many a second.
    Steady(u32),
}

/// What came of a slice.
pub(super) struct Driven {
    /// Pages that were answered, with a patch or without.
    pub(super) views: u64,
    pub(super) log_ons: u64,
    /// Answers that were 503.
    pub(super) busy: u64,
    /// Until the last answer.
    pub(super) lasted: Duration,
    /// Since each was due, of [`Pace::Steady`].
    pub(super) latencies: Latencies,
}

/// Who may be asked, what, and how fast.
pub(super) struct Course<'h> {
    pub(super) to: SocketAddr,
    pub(super) script: &'h Rc<[Step]>,
    /// Where in the script to go on: the next slice goes on there.
    pub(super) place: &'h Cell<usize>,
    pub(super) entrance: &'h Entrance,
    pub(super) newcomers: &'h Rc<[String]>,
}

struct Schedule {
    script: Rc<[Step]>,
    newcomers: Rc<[String]>,
    entrance: Entrance,
    pace: Pace,
    lasts: Duration,
    watch: Stopwatch,
    /// The number of the first request, and of the next one.
    first: usize,
    next: Cell<usize>,
    driven: RefCell<Driven>,
}

impl Schedule {
    /// The next step, its number and when it is due; `None` when the slice is over.
    fn next(&self) -> Option<(&Step, usize, Duration)> {
        let number = self.next.get();
        let due = match self.pace {
            Pace::AsAnswered => self.watch.elapsed(),
            Pace::Steady(rate) => Duration::from_secs(1) * (number - self.first) as u32 / rate,
        };
        if due >= self.lasts {
            return None;
        }
        self.next.set(number + 1);
        Some((&self.script[number % self.script.len()], number, due))
    }

    fn note(&self, step: &Step, due: Duration, answer: Answered) -> io::Result<()> {
        let mut driven = self.driven.borrow_mut();
        match step {
            Step::LogOn => driven.log_ons += 1,
            Step::Page(_) | Step::Patch(_) => driven.views += 1,
        }
        driven.busy += u64::from(answer == Answered::Busy);
        if let Pace::Steady(_) = self.pace {
            driven.latencies.note(step, self.watch.elapsed().saturating_sub(due))?;
        }
        Ok(())
    }
}

impl Course<'_> {
    /// Lets visitors come for so long, and waits for the answers under way.
    pub(super) async fn run(&self, pace: Pace, lasts: Duration) -> io::Result<Driven> {
        let browsers = match pace {
            Pace::AsAnswered => BROWSERS,
            Pace::Steady(_) => BROWSERS_STEADY,
        };
        let mut streams = Vec::new();
        for _ in 0..browsers {
            let stream = tokio::time::timeout(PATIENCE, TcpStream::connect(self.to)).await??;
            stream.set_nodelay(true)?;
            streams.push(stream);
        }
        let latencies = Latencies::new()?;
        let driven = Driven { views: 0, log_ons: 0, busy: 0, lasted: Duration::ZERO, latencies };
        let schedule = Rc::new(Schedule {
            script: Rc::clone(self.script),
            newcomers: Rc::clone(self.newcomers),
            entrance: self.entrance.clone(),
            pace,
            lasts,
            watch: Stopwatch::start(),
            first: self.place.get(),
            next: Cell::new(self.place.get()),
            driven: RefCell::new(driven),
        });
        let tasks = LocalSet::new();
        let browsing: Vec<_> = streams
            .into_iter()
            .map(|stream| tasks.spawn_local(browse(stream, Rc::clone(&schedule))))
            .collect();
        tokio::time::timeout(lasts + PATIENCE, tasks).await?;
        for browser in browsing {
            browser.await??;
        }
        self.place.set(schedule.next.get());
        let lasted = schedule.watch.elapsed();
        let schedule = Rc::into_inner(schedule).ok_or_else(|| io::Error::other("a browser is left"))?;
        Ok(Driven { lasted, ..schedule.driven.into_inner() })
    }
}

async fn browse(mut stream: TcpStream, schedule: Rc<Schedule>) -> io::Result<()> {
    let mut held = Vec::new();
    while let Some((step, number, due)) = schedule.next() {
        let early = due.saturating_sub(schedule.watch.elapsed());
        if !early.is_zero() {
            tokio::time::sleep(early).await;
        }
        let answer = match step {
            Step::Page(request) | Step::Patch(request) => {
                stream.write_all(request).await?;
                load::read(&mut stream, &mut held).await?
            }
            Step::LogOn => {
                let user = schedule.newcomers[number % schedule.newcomers.len()].clone();
                let entrance = schedule.entrance.clone();
                // Many requests one after the other, as of any browser; nobody waits for them here.
                let log_on = spawn_blocking(move || entrance.log_on(&user)).await?;
                log_on.map_err(|fault| io::Error::other(fault.to_string()))?;
                Answered::Page
            }
        };
        schedule.note(step, due, answer)?;
    }
    Ok(())
}
