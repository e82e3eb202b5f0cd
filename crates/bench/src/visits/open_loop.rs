//! Page views that come when they are due, whether or not the ones before have been answered: nobody who opens a shop waits
//! for the others. A latency counts from when its request was due, so that a stall is felt by all who came during it, and
//! not by one alone (coordinated omission).

use std::cell::{Cell, RefCell};
use std::io;
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::Duration;

use hdrhistogram::Histogram;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;
use tokio::task::LocalSet;

use crate::load::{self, Count, PATIENCE};
use crate::stopwatch::Stopwatch;

/// Connections over which they come. All busy means that requests are late before they are sent, which counts too.
const CONNECTIONS: usize = 128;

/// The latencies of one slice.
pub(super) struct Timed {
    pub(super) p50_ms: f64,
    pub(super) p99_ms: f64,
    pub(super) max_ms: f64,
    /// Of them answered with 503.
    pub(super) busy: u64,
}

struct Schedule {
    watch: Stopwatch,
    rate: u32,
    /// Page views in all.
    views: u32,
    next: Cell<u32>,
    took: RefCell<Histogram<u64>>,
    count: Cell<Count>,
}

impl Schedule {
    /// The next page view and when it is due.
    fn next(&self) -> Option<(u32, Duration)> {
        let number = self.next.get();
        self.next.set(number + 1);
        (number < self.views).then(|| (number, Duration::from_secs(1) * number / self.rate))
    }
}

/// Asks for pages at this rate for so long.
pub(super) async fn run(
    to: SocketAddr,
    requests: &[Vec<u8>],
    rate: u32,
    lasts: Duration,
) -> io::Result<Timed> {
    let tasks = LocalSet::new();
    let mut streams = Vec::new();
    for _ in 0..CONNECTIONS {
        let stream = TcpStream::connect(to).await?;
        stream.set_nodelay(true)?;
        streams.push(stream);
    }
    let histogram = Histogram::new(3).map_err(io::Error::other)?;
    let schedule = Rc::new(Schedule {
        watch: Stopwatch::start(),
        rate,
        views: u32::try_from(lasts.as_millis()).unwrap_or(u32::MAX) / 1_000 * rate,
        next: Cell::new(0),
        took: RefCell::new(histogram),
        count: Cell::default(),
    });
    let requests: Rc<[Vec<u8>]> = requests.into();
    let browsing: Vec<_> = streams
        .into_iter()
        .map(|stream| tasks.spawn_local(browse(stream, Rc::clone(&requests), Rc::clone(&schedule))))
        .collect();
    tokio::time::timeout(lasts + PATIENCE, tasks).await?;
    for browser in browsing {
        browser.await??;
    }
    let took = schedule.took.borrow();
    let ms = |microseconds: u64| microseconds as f64 / 1e3;
    Ok(Timed {
        p50_ms: ms(took.value_at_quantile(0.5)),
        p99_ms: ms(took.value_at_quantile(0.99)),
        max_ms: ms(took.max()),
        busy: schedule.count.get().busy,
    })
}

async fn browse(mut stream: TcpStream, requests: Rc<[Vec<u8>]>, schedule: Rc<Schedule>) -> io::Result<()> {
    let mut held = Vec::new();
    while let Some((number, due)) = schedule.next() {
        let early = due.saturating_sub(schedule.watch.elapsed());
        if !early.is_zero() {
            tokio::time::sleep(early).await;
        }
        stream.write_all(&requests[number as usize % requests.len()]).await?;
        let answer = load::read(&mut stream, &mut held).await?;
        schedule.count.set(schedule.count.get().with(answer));
        let took = schedule.watch.elapsed().saturating_sub(due);
        let took = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        schedule.took.borrow_mut().record(took.max(1)).map_err(io::Error::other)?;
    }
    Ok(())
}
