//! Single flight: requests that miss at the same time share one read of the store.

use tokio::sync::watch;
use vestibule_domain::identity::Handle;
use vestibule_ports::session_store::StoreError;

use crate::cache::{Cache, Ticket};
use crate::sessions::Found;

/// What a read of the store has come to.
pub(crate) type Outcome<X> = Result<Found<X>, StoreError>;

/// A read under way, as those see it who wait for it. Closed without an outcome when its lead gave up.
pub(crate) type Flight<X> = watch::Receiver<Option<Outcome<X>>>;

/// A place in a read.
pub(crate) enum Seat<'c, X> {
    /// The one that carries it out.
    Lead(Lead<'c, X>),
    /// One that waits for it.
    Passenger(Flight<X>),
}

/// Carries a read out for everyone. A request that is dropped on the way takes its flight off the list.
pub(crate) struct Lead<'c, X> {
    cache: &'c Cache<X>,
    handle: Handle,
    pub(crate) ticket: Ticket,
    passengers: watch::Sender<Option<Outcome<X>>>,
}

impl<'c, X> Lead<'c, X> {
    pub(crate) fn new(cache: &'c Cache<X>, handle: Handle, ticket: Ticket) -> (Self, Flight<X>) {
        let (passengers, flight) = watch::channel(None);
        (Self { cache, handle, ticket, passengers }, flight)
    }

    pub(crate) fn land(self, outcome: Outcome<X>) {
        self.passengers.send_replace(Some(outcome));
    }
}

impl<X> Drop for Lead<'_, X> {
    fn drop(&mut self) {
        self.cache.disembark(self.handle, &self.passengers.subscribe());
    }
}
