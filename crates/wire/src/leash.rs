//! Leashes: an answer that streams goes on only while what allowed it stands. A core keeps those of its exchanges that
//! wait in the middle of a body, looks at them when told that something has ended and twice a second besides, and wakes
//! the ones to be cut. Knows nothing of what an anchor is; the face says whether it holds.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Waker};

use tokio::sync::watch;

use crate::core::Core;
use crate::metrics::Counter;

mod round;

pub(crate) use round::keep_watch;

/// Places that a core keeps ready when nobody has one.
const PLACES_KEPT_MAX: usize = 1024;

/// What an answer hangs on for as long as it streams: a session, a token.
pub trait Anchor: Send + Sync + 'static {
    /// Whether it holds, as far as that is known at once. Called on a core: it must not wait.
    fn glance(&self) -> Grip;

    /// Whether it holds, asked where it is known. Called when a glance was not sure.
    fn look(self: Arc<Self>) -> Pin<Box<dyn Future<Output = Grip> + Send>>;
}

/// How an anchor is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Grip {
    /// It holds.
    Holds,
    /// It does not, or not surely enough any more.
    Slipped(Slip),
    /// Nothing is known right now; the answer goes on, and it is looked at again.
    Unsure,
}

/// Why an answer is cut. The text goes into the access line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Slip {
    /// What allowed it has ended.
    Ended(&'static str),
    /// Whether it still stands could not be found out for too long.
    Unknown(&'static str),
}

impl Slip {
    /// For the access line.
    pub fn text(self) -> &'static str {
        match self {
            Self::Ended(text) | Self::Unknown(text) => text,
        }
    }
}

/// The leash of one exchange. Its anchor is made only if the exchange turns out to stream, so that short ones pay nothing.
#[derive(Clone, Copy)]
pub struct Leash<'l>(Option<&'l (dyn Fn() -> Arc<dyn Anchor> + Send + Sync)>);

impl<'l> Leash<'l> {
    /// For who has nothing that could end.
    pub const NONE: Self = Self(None);

    /// Whether there is something that could end.
    pub(crate) fn is_some(self) -> bool {
        self.0.is_some()
    }

    /// With the anchor that this makes.
    pub fn new(anchor: &'l (dyn Fn() -> Arc<dyn Anchor> + Send + Sync)) -> Self {
        Self(Some(anchor))
    }
}

/// Tells a server's cores that something has ended. Cheap to call, from anywhere, and often.
#[derive(Clone)]
pub struct Tug(Arc<watch::Sender<()>>);

impl Tug {
    pub(crate) fn new() -> Self {
        Self(Arc::new(watch::Sender::new(())))
    }

    pub(crate) fn felt(&self) -> watch::Receiver<()> {
        self.0.subscribe()
    }

    /// Every core looks at its leashes, at the latest a moment after its last look.
    pub fn pull(&self) {
        self.0.send_replace(());
    }
}

/// The leashed exchanges of a core that stream.
#[derive(Default)]
pub(crate) struct Leashes {
    places: Vec<Option<Place>>,
    free: Vec<usize>,
    /// Tells one user of a place from the next.
    serial: u64,
}

struct Place {
    anchor: Arc<dyn Anchor>,
    waker: Waker,
    slip: Option<Slip>,
    serial: u64,
}

/// A place among the leashed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Seat {
    at: usize,
    serial: u64,
}

impl Leashes {
    fn enter(&mut self, anchor: Arc<dyn Anchor>, waker: Waker) -> Seat {
        self.serial += 1;
        let place = Some(Place { anchor, waker, slip: None, serial: self.serial });
        let at = match self.free.pop() {
            Some(at) => {
                self.places[at] = place;
                at
            }
            None => {
                self.places.push(place);
                self.places.len() - 1
            }
        };
        Seat { at, serial: self.serial }
    }

    fn leave(&mut self, seat: Seat) {
        if self.place(seat).is_some() {
            self.places[seat.at] = None;
            self.free.push(seat.at);
        }
        // After a crowd the memory goes too.
        if self.free.len() == self.places.len() && self.places.len() > PLACES_KEPT_MAX {
            *self = Self { serial: self.serial, ..Self::default() };
        }
    }

    fn place(&mut self, seat: Seat) -> Option<&mut Place> {
        self.places.get_mut(seat.at)?.as_mut().filter(|place| place.serial == seat.serial)
    }

    /// Those to be looked at among the next `count` places from `from` on; `None` at the end.
    fn slice(&self, from: usize, count: usize) -> Option<Vec<(Seat, Arc<dyn Anchor>)>> {
        let places = self.places.get(from..)?;
        if places.is_empty() {
            return None;
        }
        let places = places.iter().take(count).enumerate();
        let held = places.filter_map(|(n, place)| {
            let place = place.as_ref().filter(|place| place.slip.is_none())?;
            Some((Seat { at: from + n, serial: place.serial }, Arc::clone(&place.anchor)))
        });
        Some(held.collect())
    }

    /// This one is to be cut.
    fn slip(&mut self, seat: Seat, slip: Slip) {
        if let Some(place) = self.place(seat) {
            place.slip = Some(slip);
            place.waker.wake_by_ref();
        }
    }
}

/// How an exchange is tied while it streams.
#[derive(Debug, Default)]
pub(crate) struct Tie(Option<Seat>);

impl Tie {
    /// Whether the exchange must end. What is tied already is only asked; what is not yet is tied, after a first glance.
    pub(crate) fn tie(&mut self, leash: Leash<'_>, cx: &Context<'_>) -> Option<Slip> {
        if self.0.is_some() {
            return self.slipped(cx);
        }
        let anchor = leash.0?();
        if let Grip::Slipped(slip) = anchor.glance() {
            return Some(slip);
        }
        self.0 = Core::with(|core| {
            core.slab.add(Counter::Leashed, 1);
            Some(core.leashes.enter(anchor, cx.waker().clone()))
        });
        None
    }

    /// Whether the exchange must end; nothing is known of one that was never tied.
    pub(crate) fn slipped(&self, cx: &Context<'_>) -> Option<Slip> {
        let seat = self.0?;
        Core::with(|core| {
            let place = core.leashes.place(seat)?;
            place.waker.clone_from(cx.waker());
            place.slip
        })
    }
}

impl Drop for Tie {
    fn drop(&mut self) {
        let Some(seat) = self.0.take() else { return };
        // The thread may have ceased to be a core.
        Core::try_with(|core| {
            core.slab.add(Counter::Unleashed, 1);
            core.leashes.leave(seat);
        });
    }
}

#[cfg(test)]
mod tests;
