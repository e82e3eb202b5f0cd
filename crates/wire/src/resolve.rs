//! Addresses of upstreams by name, kept for a moment by the whole process: a resolver that is slow or away must not be
//! felt by each new connection. One look-up of a name at a time, beside the requests that wait for it.

use std::collections::HashMap;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::watch;
use tokio::time::timeout;

use crate::tick;

/// How long an answer is used without asking again.
const FRESH: Duration = Duration::from_secs(5);
/// How long it is used when there is no newer one to be had.
const STALE_MAX: Duration = Duration::from_mins(1);
/// How long a newer one is waited for while there is an old one, by whoever asks first.
const RENEW_WAIT: Duration = Duration::from_millis(200);
/// Names that are kept. They come from the configuration, so this is many.
const NAMES_MAX: usize = 4096;

type Addresses = Arc<[SocketAddr]>;
type LookUp =
    dyn Fn(String) -> Pin<Box<dyn Future<Output = io::Result<Vec<SocketAddr>>> + Send>> + Send + Sync;
/// A look-up under way; an error is told by its text, for all who wait.
type Flight = watch::Receiver<Option<Result<Addresses, String>>>;

/// What is known of names.
pub(crate) struct Resolver {
    look_up: Box<LookUp>,
    names: Mutex<HashMap<String, Name>>,
}

#[derive(Default)]
struct Name {
    known: Option<(Addresses, Instant)>,
    /// What is known took no connection.
    doubted: bool,
    flight: Option<Flight>,
}

impl Resolver {
    /// The one that the operating system has.
    pub(crate) fn of_system() -> Self {
        Self::new(|authority| {
            Box::pin(async move { Ok(tokio::net::lookup_host(authority).await?.collect()) })
        })
    }

    fn new(
        look_up: impl Fn(String) -> Pin<Box<dyn Future<Output = io::Result<Vec<SocketAddr>>> + Send>>
        + Send
        + Sync
        + 'static,
    ) -> Self {
        Self { look_up: Box::new(look_up), names: Mutex::default() }
    }

    /// The addresses of `host:port`, in the resolver's order.
    pub(crate) async fn addresses(self: &Arc<Self>, authority: &str) -> io::Result<Addresses> {
        match authority.parse() {
            Ok(address) => Ok(Arc::new([address])),
            Err(_) => self.addresses_at(authority, tick::now()).await,
        }
    }

    async fn addresses_at(self: &Arc<Self>, authority: &str, now: Instant) -> io::Result<Addresses> {
        let (old, mut flight) = {
            let mut names = self.names();
            let old = names.get(authority).and_then(|name| name.within(STALE_MAX, now));
            if let Some(name) = names.get(authority).filter(|name| !name.doubted) {
                // Who started the look-up waits for it; when it hangs, that is enough of waiting.
                let age_max = if name.flight().is_some() { STALE_MAX } else { FRESH };
                if let Some(addresses) = name.within(age_max, now) {
                    return Ok(addresses);
                }
            }
            (old, self.board(&mut names, authority, now))
        };
        let landed = async { flight.wait_for(Option::is_some).await.ok().and_then(|landed| landed.clone()) };
        let landed = match &old {
            Some(_) => timeout(RENEW_WAIT, landed).await.unwrap_or_default(),
            None => landed.await,
        };
        match (landed, old) {
            (Some(Ok(addresses)), _) => Ok(addresses),
            (_, Some(old)) => Ok(old),
            (Some(Err(why)), None) => Err(io::Error::other(why)),
            (None, None) => Err(io::Error::other("the look-up of the name was given up")),
        }
    }

    /// None of the addresses took a connection: they are asked for again before they are used again.
    pub(crate) fn doubt(&self, authority: &str) {
        if let Some(name) = self.names().get_mut(authority) {
            name.doubted = true;
        }
    }

    /// Joins the look-up of a name, or starts it: on a task of its own, so that it lands whoever goes away meanwhile.
    fn board(self: &Arc<Self>, names: &mut HashMap<String, Name>, authority: &str, now: Instant) -> Flight {
        if names.len() >= NAMES_MAX && !names.contains_key(authority) {
            names.retain(|_, name| name.flight.is_some());
        }
        let name = names.entry(authority.to_owned()).or_default();
        if let Some(flight) = name.flight() {
            return flight.clone();
        }
        let (passengers, flight) = watch::channel(None);
        name.flight = Some(flight.clone());
        let (resolver, authority) = (Arc::clone(self), authority.to_owned());
        tokio::spawn(async move {
            let found = (resolver.look_up)(authority.clone()).await;
            let found = match found {
                Ok(addresses) if addresses.is_empty() => Err(io::Error::other("the name has no address")),
                found => found.map(Addresses::from),
            };
            let mut names = resolver.names();
            if let Some(name) = names.get_mut(&authority) {
                name.flight = None;
                if let Ok(addresses) = &found {
                    name.known = Some((Arc::clone(addresses), now));
                    name.doubted = false;
                } else if name.known.is_none() {
                    names.remove(&authority);
                }
            }
            drop(names);
            passengers.send_replace(Some(found.map_err(|why| why.to_string())));
        });
        flight
    }

    fn names(&self) -> MutexGuard<'_, HashMap<String, Name>> {
        self.names.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Name {
    /// The look-up under way. One whose task has died with its core is none.
    fn flight(&self) -> Option<&Flight> {
        self.flight.as_ref().filter(|flight| flight.has_changed().is_ok())
    }

    fn within(&self, age: Duration, now: Instant) -> Option<Addresses> {
        let (addresses, at) = self.known.as_ref()?;
        (now.saturating_duration_since(*at) < age).then(|| Arc::clone(addresses))
    }
}

#[cfg(test)]
mod tests;
