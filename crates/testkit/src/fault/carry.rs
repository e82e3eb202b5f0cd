//! One connection through the proxy: two ways, each a reader and a writer with a short queue between them, so that a
//! delay is a delay and not a narrow pipe.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use socket2::SockRef;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::net::tcp::{ReadHalf, WriteHalf};
use tokio::sync::mpsc::{Receiver, Sender, channel};
use tokio::sync::watch;
use tokio::time::{Instant, timeout_at};

use super::Counts;
use super::weather::{Number, Weather};

/// Bytes of one piece.
const PIECE_BYTES: usize = 16 * 1024;
/// Pieces that are under way each way. Whoever sends more waits, as with any network.
const PIECES_MAX: usize = 64;
/// A narrow connection sends this much of a second at a time.
const STEPS_A_SECOND: u32 = 20;

/// What a connection needs to know.
pub(super) struct Call {
    pub(super) number: Number,
    pub(super) target: SocketAddr,
    pub(super) marks: &'static [&'static [u8]],
    pub(super) weather: watch::Receiver<Weather>,
    pub(super) counts: Arc<Counts>,
}

/// A piece on its way, and when it may arrive.
struct Piece {
    due: Instant,
    bytes: Vec<u8>,
}

/// Which way.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    Up,
    Down,
}

/// One side has gone without saying so.
struct Broken;

/// What both ways of a connection share.
struct Link {
    number: Number,
    marks: &'static [&'static [u8]],
    is_marked: AtomicBool,
    weather: watch::Receiver<Weather>,
    counts: Arc<Counts>,
}

/// Carries a connection to its end. Either side ends with a reset unless both ended by themselves.
pub(super) async fn carry(mut client: TcpStream, call: Call) {
    let Call { number, target, marks, weather, counts } = call;
    let link = Link { number, marks, is_marked: AtomicBool::new(false), weather, counts };
    // Without it both sides would wait for each other's acknowledgements.
    let _ = client.set_nodelay(true);
    let connected = tokio::select! {
        connected = link.connect(target) => connected,
        () = link.until(|weather, marked| weather.resets(number, marked)) => None,
    };
    let Some(mut server) = connected else { return reset(&client) };
    let ended = {
        let (client_read, client_write) = client.split();
        let (server_read, server_write) = server.split();
        let both = async {
            tokio::try_join!(
                link.way(Way::Up, client_read, server_write),
                link.way(Way::Down, server_read, client_write),
            )
        };
        tokio::select! {
            ended = both => ended.map(|_| ()),
            () = link.until(|weather, marked| weather.resets(number, marked)) => Err(Broken),
        }
    };
    if ended.is_err() {
        reset(&client);
        reset(&server);
    }
}

/// The stream's end, when it is dropped, is a reset.
fn reset(stream: &TcpStream) {
    // Without the option it is an ordinary close, which is an end as well.
    let _ = SockRef::from(stream).set_linger(Some(Duration::ZERO));
}

impl Link {
    /// To the server, as soon as anything is carried.
    async fn connect(&self, target: SocketAddr) -> Option<TcpStream> {
        self.until_carried().await;
        let server = TcpStream::connect(target).await.ok()?;
        let _ = server.set_nodelay(true);
        Some(server)
    }

    /// Carries one way until its end.
    async fn way(&self, way: Way, from: ReadHalf<'_>, to: WriteHalf<'_>) -> Result<(), Broken> {
        let (sender, pieces) = channel(PIECES_MAX);
        tokio::try_join!(self.read(way, from, sender), self.write(way, to, pieces)).map(|_| ())
    }

    async fn read(&self, way: Way, mut from: ReadHalf<'_>, pieces: Sender<Piece>) -> Result<(), Broken> {
        let mut buffer = vec![0; PIECE_BYTES];
        loop {
            let Ok(length) = from.read(&mut buffer).await else {
                // Nobody hears of that either while nothing is carried.
                self.until_carried().await;
                return Err(Broken);
            };
            let bytes = buffer[..length].to_vec();
            if way == Way::Up && length > 0 {
                self.counts.said.fetch_add(1, Ordering::SeqCst);
            }
            if way == Way::Up && self.marks.iter().any(|mark| contains(&bytes, mark)) {
                self.mark();
            }
            let due = Instant::now() + self.weather.borrow().delay;
            // An empty piece is the end, and arrives after everything before it. A writer that has stopped early takes
            // no more: whatever still comes is read and lost, so that its sender is not stopped by us.
            let _ = pieces.send(Piece { due, bytes }).await;
            if length == 0 {
                return Ok(());
            }
        }
    }

    async fn write(
        &self,
        way: Way,
        mut to: WriteHalf<'_>,
        mut pieces: Receiver<Piece>,
    ) -> Result<(), Broken> {
        loop {
            let piece = tokio::select! {
                piece = pieces.recv() => piece,
                () = self.until(|weather, _| way == Way::Down && weather.half_closes(self.number)) => None,
            };
            let end = Piece { due: Instant::now(), bytes: Vec::new() };
            let Piece { due, bytes } = piece.unwrap_or(end);
            until_due(due).await;
            self.until_carried().await;
            if bytes.is_empty() {
                return to.shutdown().await.map_err(|_| Broken);
            }
            self.put(&mut to, &bytes).await.map_err(|_| Broken)?;
        }
    }

    /// Writes a piece, as fast as the connection is wide.
    async fn put(&self, to: &mut WriteHalf<'_>, mut bytes: &[u8]) -> std::io::Result<()> {
        while !bytes.is_empty() {
            let width = self.weather.borrow().bytes_per_second;
            let step = width.map_or(bytes.len(), |width| (width / STEPS_A_SECOND).max(1) as usize);
            let (now, later) = bytes.split_at(step.min(bytes.len()));
            if let Some(width) = width {
                let takes = Duration::from_secs_f64(now.len() as f64 / f64::from(width));
                until_due(Instant::now() + takes).await;
            }
            to.write_all(now).await?;
            bytes = later;
        }
        Ok(())
    }

    fn mark(&self) {
        if !self.is_marked.swap(true, Ordering::SeqCst) {
            self.counts.marked.fetch_add(1, Ordering::SeqCst);
        }
    }

    async fn until_carried(&self) {
        self.until(|weather, marked| !weather.holds(self.number, marked)).await;
    }

    /// Waits until the weather is so. For ever if it never is, or if nobody makes weather any more.
    async fn until(&self, holds: impl Fn(&Weather, bool) -> bool) {
        let mut weather = self.weather.clone();
        let is_so = |weather: &Weather| holds(weather, self.is_marked.load(Ordering::SeqCst));
        if weather.wait_for(is_so).await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}

/// A delay is what a slow network is made of.
async fn until_due(due: Instant) {
    // Nothing but the time ends it.
    let _ = timeout_at(due, std::future::pending::<()>()).await;
}

fn contains(bytes: &[u8], mark: &[u8]) -> bool {
    !mark.is_empty() && bytes.windows(mark.len()).any(|window| window == mark)
}
