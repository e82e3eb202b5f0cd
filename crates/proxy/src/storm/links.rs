//! What lies between a node and the store, the IDP, and their channels of events; and what becomes of one call.

use std::fmt;
use std::str::FromStr;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::future::{Either, select};
use futures_util::stream::{self, BoxStream};
use futures_util::{StreamExt as _, pin_mut};
use tokio::sync::{mpsc, watch};
use tokio::time::Instant;

use super::dice::Dice;

/// Events that are no later than this are on time: the bound of 250 ms has room for it.
const LAG_MAX: u32 = 200;

/// By then a node that has noticed a broken channel listens again.
const RECONNECTED: Duration = Duration::from_millis(300);

/// A way to make calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Link {
    Up,
    /// Calls are refused at once.
    Refusing,
    /// Calls vanish.
    Silent,
    /// Calls are carried out and their answers vanish.
    Deaf,
}

/// The servers that copy what is written to the store, as a synchronous standby of PostgreSQL does, and replicas of Redis
/// that writes wait for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Copies {
    /// There are none: what is written is safe.
    None,
    /// A write is answered when they have it.
    Kept,
    /// They have not got it in time: it is carried out, and answered as not yet safe.
    Late,
    /// They are waited for, and nobody is answered.
    Stuck,
}

/// A way for events.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Channel {
    /// Events come so many milliseconds late, in their order.
    Up { lag: u32 },
    /// Half open: events are lost, and nobody is told before it is up again.
    Silent,
    /// Broken, and everybody can see it.
    Cut,
}

impl fmt::Display for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Up => "up",
            Self::Refusing => "refusing",
            Self::Silent => "silent",
            Self::Deaf => "deaf",
        })
    }
}

impl FromStr for Link {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let all = [Self::Up, Self::Refusing, Self::Silent, Self::Deaf];
        all.into_iter().find(|link| link.to_string() == text).ok_or_else(|| format!("'{text}' is no link"))
    }
}

impl fmt::Display for Copies {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::None => "none",
            Self::Kept => "kept",
            Self::Late => "late",
            Self::Stuck => "stuck",
        })
    }
}

impl FromStr for Copies {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let all = [Self::None, Self::Kept, Self::Late, Self::Stuck];
        all.into_iter().find(|it| it.to_string() == text).ok_or_else(|| format!("'{text}' are no copies"))
    }
}

impl fmt::Display for Channel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Up { lag } => write!(f, "+{lag}"),
            Self::Silent => f.write_str("silent"),
            Self::Cut => f.write_str("cut"),
        }
    }
}

impl FromStr for Channel {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "silent" => Ok(Self::Silent),
            "cut" => Ok(Self::Cut),
            late => {
                let lag = late.strip_prefix('+').and_then(|lag| lag.parse().ok());
                Ok(Self::Up { lag: lag.ok_or_else(|| format!("'{text}' is no channel"))? })
            }
        }
    }
}

/// A channel from its source to one node, and since when it has been on time.
pub(super) struct Line {
    channel: watch::Sender<Channel>,
    times: Mutex<Times>,
}

struct Times {
    on_time_since: Option<Instant>,
    /// When the last event arrives: none overtakes it.
    last: Instant,
}

impl Line {
    pub(super) fn new() -> Self {
        let now = Instant::now();
        let times = Mutex::new(Times { on_time_since: Some(now), last: now });
        Self { channel: watch::Sender::new(Channel::Up { lag: 0 }), times }
    }

    pub(super) fn set(&self, channel: Channel) {
        let mut times = self.times.lock().unwrap();
        if matches!(channel, Channel::Up { lag } if lag <= LAG_MAX) {
            let since = times.last.max(Instant::now() + RECONNECTED);
            times.on_time_since.get_or_insert(since);
        } else {
            times.on_time_since = None;
        }
        self.channel.send_replace(channel);
    }

    /// Whether every event since then was on time.
    pub(super) fn was_on_time_since(&self, then: Instant) -> bool {
        self.times.lock().unwrap().on_time_since.is_some_and(|since| since <= then)
    }

    pub(super) fn is_cut(&self) -> bool {
        *self.channel.borrow() == Channel::Cut
    }

    /// When an event arrives that is sent now.
    fn due(&self) -> Option<Instant> {
        let Channel::Up { lag } = *self.channel.borrow() else { return None };
        let mut times = self.times.lock().unwrap();
        times.last = times.last.max(Instant::now() + Duration::from_millis(lag.into()));
        Some(times.last)
    }

    /// What a node hears of what is sent. `gap` stands for what was lost, where nothing in the stream tells it.
    pub(super) fn carry<T: Send + 'static>(
        self: &Arc<Self>,
        mut from: BoxStream<'static, T>,
        gap: Option<fn() -> T>,
    ) -> BoxStream<'static, T> {
        let line = Arc::clone(self);
        let (to, heard) = mpsc::unbounded_channel::<(Instant, T)>();
        tokio::spawn(async move {
            let (mut channel, mut lost) = (line.channel.subscribe(), false);
            while !to.is_closed() {
                let (next, cut) = (from.next(), channel.wait_for(|channel| *channel == Channel::Cut));
                pin_mut!(next, cut);
                let Either::Left((Some(item), _)) = select(next, cut).await else { return };
                let Some(due) = line.due() else {
                    lost = true;
                    continue;
                };
                if let Some(gap) = gap.filter(|_| std::mem::take(&mut lost)) {
                    // Whoever does not listen any more needs to hear nothing.
                    let _unheard = to.send((due, gap()));
                }
                let _unheard = to.send((due, item));
            }
        });
        stream::unfold(heard, async |mut heard| {
            let (due, item) = heard.recv().await?;
            if due > Instant::now() {
                tokio::time::sleep_until(due).await;
            }
            Some((item, heard))
        })
        .boxed()
    }
}

/// Everything between one node and the world.
pub(super) struct Links {
    pub(super) store: Mutex<Link>,
    pub(super) idp: Mutex<Link>,
    pub(super) events: Arc<Line>,
    pub(super) ends: Arc<Line>,
    /// When the IDP last failed this node, or the node began.
    pub(super) idp_failed: Mutex<Instant>,
}

impl Links {
    pub(super) fn new() -> Self {
        Self {
            store: Mutex::new(Link::Up),
            idp: Mutex::new(Link::Up),
            events: Arc::new(Line::new()),
            ends: Arc::new(Line::new()),
            idp_failed: Mutex::new(Instant::now()),
        }
    }

    pub(super) fn note_idp_failure(&self) {
        *self.idp_failed.lock().unwrap() = Instant::now();
    }

    /// When the IDP was last known not to answer this node.
    pub(super) fn idp_failed_at(&self) -> Instant {
        if *self.idp.lock().unwrap() == Link::Up { *self.idp_failed.lock().unwrap() } else { Instant::now() }
    }

    pub(super) fn set_idp(&self, link: Link) {
        self.note_idp_failure();
        *self.idp.lock().unwrap() = link;
    }

    pub(super) fn heal(&self) {
        *self.store.lock().unwrap() = Link::Up;
        self.set_idp(Link::Up);
        self.events.set(Channel::Up { lag: 0 });
        self.ends.set(Channel::Up { lag: 0 });
    }
}

/// What becomes of one call.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Fate {
    pub(super) before: Duration,
    /// It does not get there.
    pub(super) refused: bool,
    pub(super) after: Duration,
    /// It is carried out, and that is all that is known.
    pub(super) lost: bool,
}

impl Fate {
    /// Whether nothing happens to the call.
    pub(super) fn is_plain(self) -> bool {
        !self.refused && !self.lost && self.before.is_zero() && self.after.is_zero()
    }
}

/// What one request asks of the world, and how lucky it is.
pub(super) struct Fortune {
    dice: Mutex<Dice>,
    luck: u32,
    calls: AtomicU32,
    store_calls: AtomicU32,
}

tokio::task_local! {
    /// The request that this task serves.
    pub(super) static FORTUNE: Arc<Fortune>;
}

impl Fortune {
    pub(super) fn new(luck: u32) -> Arc<Self> {
        let dice = Mutex::new(Dice::new(u64::from(luck)));
        Arc::new(Self { dice, luck, calls: AtomicU32::new(0), store_calls: AtomicU32::new(0) })
    }

    pub(super) fn is_good(&self) -> bool {
        self.luck == 0
    }

    pub(super) fn store_calls(&self) -> u32 {
        self.store_calls.load(Ordering::Relaxed)
    }

    /// The fate of the next call; of those that nobody waits for, none.
    pub(super) fn of_next_call(is_store: bool) -> Fate {
        let fate = FORTUNE.try_with(|fortune| {
            fortune.store_calls.fetch_add(u32::from(is_store), Ordering::Relaxed);
            fortune.throw()
        });
        fate.unwrap_or_default()
    }

    /// How long something takes that is no call, such as an app.
    pub(super) fn pause(&self) -> Duration {
        let mut dice = self.dice.lock().unwrap();
        let millis = match self.luck % 4 {
            0 => 1,
            1 => dice.below(20),
            2 => dice.below(300),
            _ => dice.below(2_500),
        };
        Duration::from_millis(millis)
    }

    /// Mostly all goes well but for one call, or for a few in a row from there on.
    fn throw(&self) -> Fate {
        let number = self.calls.fetch_add(1, Ordering::Relaxed);
        if self.is_good() {
            return Fate { before: Duration::from_millis(1), ..Fate::default() };
        }
        let mut fixed = Dice::new(u64::from(self.luck));
        let (first, count, kind) = (fixed.below(10) as u32, 1 + fixed.below(3) as u32, fixed.below(4));
        let mut dice = self.dice.lock().unwrap();
        let slow = [10, 40, 2, 100][self.luck as usize % 4];
        let mut time = |below| Duration::from_millis(dice.below(below));
        let fate = Fate { before: time(slow), after: time(slow), ..Fate::default() };
        if self.luck.is_multiple_of(2) && (first..first + count).contains(&number) {
            match kind {
                0 => Fate { refused: true, ..fate },
                1 => Fate { lost: true, ..fate },
                // Carried out in time and answered too late, or both too late.
                2 => Fate { after: time(900), ..fate },
                _ => Fate { before: time(900), ..fate },
            }
        } else {
            fate
        }
    }
}
