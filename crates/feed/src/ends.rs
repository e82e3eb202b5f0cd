//! The small map of ends, looked at with the names that a cached token carries. Bounded in time and in number.

use std::borrow::Borrow;
use std::collections::HashMap;
use std::hash::Hash;
use std::time::Duration;

use vestibule_domain::identity::{Epoch, Handle, SignOnId, UserId};
use vestibule_ports::clock::Mono;
use vestibule_ports::issuer::{Cause, Ended, Swapped};

/// How long an end is remembered at least: longer than any token lives that was made before it.
pub const KEPT: Duration = Duration::from_mins(11);

/// Ends remembered at once. 200 a second for eleven minutes; about 16 MiB.
pub const ENDS_MAX: usize = 128 * 1024;

/// Everything that can end a token before it expires.
#[derive(Clone, Copy, Debug, Default)]
pub struct Traces<'t> {
    /// Session and epoch.
    pub session: Option<(Handle, Epoch)>,
    /// The sign-on session.
    pub sign_on: Option<&'t SignOnId>,
    /// The log-on's grant, by its public name.
    pub grant: Option<&'t str>,
    /// The family of refresh tokens, by its public name.
    pub family: Option<&'t str>,
    /// The user and his epoch.
    pub user: Option<(&'t UserId, Epoch)>,
    /// The client.
    pub client: Option<&'t str>,
}

impl<'t> From<&'t Swapped> for Traces<'t> {
    fn from(swapped: &'t Swapped) -> Self {
        Self {
            session: swapped.session,
            sign_on: swapped.sign_on.as_ref(),
            grant: swapped.grant.as_deref(),
            family: swapped.family.as_deref(),
            user: swapped.user.as_ref().map(|(user, epoch)| (user, *epoch)),
            client: Some(&swapped.client),
        }
    }
}

/// What ended in the last eleven minutes and perhaps in the eleven before.
#[derive(Debug, Default)]
pub(crate) struct Ends {
    young: Window,
    old: Window,
    /// When the young window began.
    turned: Mono,
}

/// An end as it is remembered.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Mark {
    /// Its number.
    pub(crate) seq: u64,
    /// Why.
    pub(crate) cause: Cause,
}

impl Ends {
    /// Remembers an end. `false`, with nothing remembered, when there is no room.
    pub(crate) fn insert(&mut self, ended: Ended, mark: Mark, now: Mono) -> bool {
        if now.since(self.turned) >= KEPT {
            self.old = std::mem::take(&mut self.young);
            self.turned = now;
        }
        let has_room = self.young.len() + self.old.len() < ENDS_MAX;
        if has_room {
            self.young.insert(ended, mark);
        }
        has_room
    }

    /// Why one of these has ended after a number, if it has.
    pub(crate) fn of(&self, traces: &Traces<'_>, after: u64) -> Option<Cause> {
        self.young.of(traces, after).or_else(|| self.old.of(traces, after))
    }

    /// Why the claims of a user have changed after a number, if they have.
    pub(crate) fn of_claims(&self, user: &UserId, after: u64) -> Option<Cause> {
        let changed = |window: &Window| later(&window.claims, user, after);
        changed(&self.young).or_else(|| changed(&self.old))
    }
}

/// The newest end of each name; for what has epochs, with the last epoch that ended.
#[derive(Debug, Default)]
struct Window {
    sessions: HashMap<Handle, (Mark, Epoch)>,
    sign_ons: HashMap<SignOnId, Mark>,
    grants: HashMap<String, Mark>,
    families: HashMap<String, Mark>,
    /// With the epoch that lives on.
    users: HashMap<UserId, (Mark, Epoch)>,
    clients: HashMap<String, Mark>,
    claims: HashMap<UserId, Mark>,
}

impl Window {
    fn insert(&mut self, ended: Ended, mark: Mark) {
        match ended {
            Ended::Session { sid, ep } => raise(&mut self.sessions, sid, mark, ep),
            Ended::User { user, epoch } => raise(&mut self.users, user, mark, epoch),
            Ended::SignOn(id) => drop(self.sign_ons.insert(id, mark)),
            Ended::Grant(name) => drop(self.grants.insert(name, mark)),
            Ended::Family(name) => drop(self.families.insert(name, mark)),
            Ended::Client(id) => drop(self.clients.insert(id, mark)),
            Ended::Claims(user) => drop(self.claims.insert(user, mark)),
            // Its end is a break: see `Knowledge::end`.
            Ended::Key(_) => {}
        }
    }

    fn of(&self, traces: &Traces<'_>, after: u64) -> Option<Cause> {
        let Traces { session, sign_on, grant, family, user, client } = traces;
        let of_session = |(sid, ep): (Handle, Epoch)| {
            let (mark, ended) = self.sessions.get(&sid)?;
            (mark.seq > after && ep <= *ended).then_some(mark.cause)
        };
        let of_user = |(user, epoch): (&UserId, Epoch)| {
            let (mark, lives) = self.users.get(user)?;
            (mark.seq > after && epoch < *lives).then_some(mark.cause)
        };
        session
            .and_then(of_session)
            .or_else(|| user.and_then(of_user))
            .or_else(|| later(&self.sign_ons, (*sign_on)?, after))
            .or_else(|| later(&self.grants, (*grant)?, after))
            .or_else(|| later(&self.families, (*family)?, after))
            .or_else(|| later(&self.clients, (*client)?, after))
    }

    fn len(&self) -> usize {
        let by_name = self.grants.len() + self.families.len() + self.clients.len();
        self.sessions.len() + self.sign_ons.len() + self.users.len() + self.claims.len() + by_name
    }
}

fn later<K, Q>(ends: &HashMap<K, Mark>, name: &Q, after: u64) -> Option<Cause>
where
    K: Borrow<Q> + Eq + Hash,
    Q: Eq + Hash + ?Sized,
{
    ends.get(name).filter(|mark| mark.seq > after).map(|mark| mark.cause)
}

fn raise<K: Eq + Hash>(ends: &mut HashMap<K, (Mark, Epoch)>, name: K, mark: Mark, epoch: Epoch) {
    let newest = ends.entry(name).or_insert((mark, epoch));
    *newest = (mark, epoch.max(newest.1));
}
