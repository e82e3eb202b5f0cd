//! Ends that the IDP has to hear of: written down before the session ends, told, and struck off when it has confirmed
//! them and nothing is left behind. What could not be told is told again, after a restart and by every node of the store.
//! Whether the IDP has heard it before is for the IDP to know: told twice, an end ends nothing that came in between.

use std::collections::{HashMap, HashSet};
use std::convert::Infallible;
use std::time::Duration;

use vestibule_domain::audit::{Cause, Tombstone};
use vestibule_domain::identity::{Epoch, GrantDigest, Handle, SignOnId, Timestamp};
use vestibule_domain::owed::{Debt, Owed, Reach};
use vestibule_oauth::token::GrantToken;
use vestibule_ports::entropy::random;
use vestibule_ports::issuer::{End, IssuerError};
use vestibule_ports::session_store::StoreError;
use vestibule_sessions::Deadline;

use crate::{Visitors, siblings};

/// How often what other nodes may have left is looked for; also the longest wait for an IDP that is away.
pub(crate) const LOOK_EVERY: Duration = Duration::from_secs(5);
/// How long after an end that was not confirmed it is told again. Twice as long each further time.
pub(crate) const AGAIN_AFTER: Duration = Duration::from_millis(500);
/// Ends told in one round.
pub(crate) const DUE_MAX: usize = 256;
/// Entries of which those are chosen: many more, so that those which failed do not hide the others.
const LIST_MAX: usize = 4_096;
/// Failures of the store after which a round is given up.
const STORE_FAILED_MAX: u32 = 3;
/// Why a grant ends that no session has got. Nobody is logged out by it.
const OF_GRANTS: Cause = Cause::Revoked;
/// How long an end that the IDP refuses is told again.
const REFUSED_KEPT: Duration = Duration::from_hours(24);

/// Writes down what will be owed to the IDP when a session ends or falls, before it does. Gives the entry to strike off.
pub(crate) async fn write_down(
    visitors: &Visitors,
    what: Debt,
    now: Timestamp,
    deadline: Deadline,
) -> Result<Handle, StoreError> {
    let entry = Handle::from_bytes(random(&*visitors.entropy));
    visitors.sessions.owe(entry, &Owed { what, since: now }, deadline).await?;
    Ok(entry)
}

/// Tells the IDP of a fall by a rule. If it does not confirm, it is told again in the background.
pub(crate) async fn tell_fall(
    visitors: &Visitors,
    entry: Handle,
    (session, epoch): (Handle, Epoch),
    sign_on: &SignOnId,
) {
    if tell_all(visitors, ends_of_fall(session, epoch, sign_on), Cause::Rule).await.is_err() {
        visitors.unconfirmed.notify_one();
        return;
    }
    // What the store did not take is told again, and changes nothing then.
    let _ = visitors.sessions.paid(entry).await;
}

/// Tells the IDP of an end; whether it has confirmed. If not, it is told again in the background.
pub(crate) async fn tell(
    visitors: &Visitors,
    entry: Handle,
    session: Handle,
    reach: Reach,
    tombstone: &Tombstone,
) -> bool {
    if tell_all(visitors, ends(session, reach, tombstone), tombstone.cause).await.is_err() {
        visitors.unconfirmed.notify_one();
        return false;
    }
    // What the store did not take is told again by a later round, and changes nothing then.
    let _ = confirmed(visitors, entry, session, reach, tombstone).await;
    true
}

/// What becomes of an entry once the IDP has confirmed the end. It is struck off, or says from here on that only what the
/// session has left behind has yet to end.
async fn confirmed(
    visitors: &Visitors,
    entry: Handle,
    session: Handle,
    reach: Reach,
    tombstone: &Tombstone,
) -> Result<(), StoreError> {
    if !siblings::may_be_left(reach, tombstone) {
        return visitors.sessions.paid(entry).await;
    }
    let written = visitors.sessions.confirm(entry, session, reach, tombstone.ended_at).await;
    visitors.siblings.take(entry, reach, tombstone);
    written
}

/// Ends the grant of a log-on that no session has got. What the IDP does not confirm it is owed; with neither of them to
/// be reached the grant lives to its own end, and nobody has it.
pub(crate) async fn forsake(visitors: &Visitors, grant: &GrantToken, now: Timestamp) {
    let grant = GrantDigest::of(grant);
    if visitors.issuer.end(End::Grant(grant), OF_GRANTS).await.is_ok() {
        return;
    }
    if write_down(visitors, Debt::Grant(grant), now, visitors.sessions.deadline()).await.is_ok() {
        visitors.unconfirmed.notify_one();
    }
}

/// Tells again what was not confirmed, for ever.
pub(crate) async fn keep_telling(visitors: &Visitors) -> Infallible {
    let mut last = Last::default();
    let mut back_off = Some(Duration::ZERO);
    loop {
        match back_off {
            // A new end that is not confirmed is no reason to ask an IDP sooner that has not answered.
            Some(wait) => tokio::time::sleep(wait).await,
            None => {
                if tokio::time::timeout(LOOK_EVERY, visitors.unconfirmed.notified()).await.is_ok() {
                    tokio::time::sleep(AGAIN_AFTER).await;
                }
            }
        }
        back_off = match tell_due(visitors, &mut last).await {
            Round::Done => None,
            Round::Broken { told: true } => Some(AGAIN_AFTER),
            Round::Broken { told: false } => {
                Some((back_off.unwrap_or_default() * 2).clamp(AGAIN_AFTER, LOOK_EVERY))
            }
        };
    }
}

/// What became of a round.
enum Round {
    /// Everything was tried.
    Done,
    /// The store or the IDP could not be asked. Whether anything was told before that.
    Broken { told: bool },
}

/// Entries that this process has tried and that stayed, and in which round. They come after all others, the longest
/// untried first, so that none of them starves anybody.
#[derive(Default)]
struct Last {
    round: u64,
    stayed: HashMap<Handle, u64>,
}

impl Last {
    /// The entries of a new round, in the order in which they are to be tried.
    fn order(&mut self, mut entries: Vec<Handle>) -> Vec<Handle> {
        self.round += 1;
        let there: HashSet<_> = entries.iter().collect();
        self.stayed.retain(|entry, _| there.contains(entry));
        entries.sort_by_key(|entry| self.stayed.get(entry).copied().unwrap_or(0));
        entries.truncate(DUE_MAX);
        entries
    }

    fn stays(&mut self, entry: Handle) {
        self.stayed.insert(entry, self.round);
    }
}

/// Each is told as soon as it is read, and what it has left behind is handed over: a user with many sessions holds up
/// nobody's end at the IDP. An IDP that does not answer ends the round, so of an IDP that is away one entry is tried; a
/// store that fails a few times does, too.
async fn tell_due(visitors: &Visitors, last: &mut Last) -> Round {
    let (mut told, mut store_failed) = (false, 0);
    let Ok(entries) = visitors.sessions.owed(LIST_MAX).await else { return Round::Broken { told } };
    for entry in last.order(entries) {
        match tell_entry(visitors, entry).await {
            Ok(Told::Nothing) => {}
            Ok(Told::Now) => told = true,
            Ok(Told::Before) | Err(NotTold::Skip) => last.stays(entry),
            Err(NotTold::Store) => {
                last.stays(entry);
                store_failed += 1;
                if store_failed == STORE_FAILED_MAX {
                    return Round::Broken { told };
                }
            }
            Err(NotTold::Issuer) => {
                last.stays(entry);
                return Round::Broken { told };
            }
        }
    }
    if store_failed == 0 { Round::Done } else { Round::Broken { told } }
}

/// What was told of an entry.
enum Told {
    /// It is not due.
    Nothing,
    /// Everything.
    Now,
    /// Everything, before this round; it waits for what was left behind.
    Before,
}

/// Why an entry stays as it is.
enum NotTold {
    /// It cannot be read, or the IDP refuses it; it says nothing about the others.
    Skip,
    /// The store has not answered.
    Store,
    /// The IDP has not answered.
    Issuer,
}

/// Tells of one entry.
async fn tell_entry(visitors: &Visitors, entry: Handle) -> Result<Told, NotTold> {
    let due = match visitors.sessions.due(entry).await {
        Ok(Some(due)) => due,
        Ok(None) => return Ok(Told::Nothing),
        Err(StoreError::Corrupt(_) | StoreError::Newer(_)) => return Err(NotTold::Skip),
        Err(_) => return Err(NotTold::Store),
    };
    let since = due.owed.since;
    let (told, written) = match (due.owed.what, &due.tombstone) {
        (Debt::Fall { session, epoch, sign_on }, _) => {
            tell_again(visitors, ends_of_fall(session, epoch, &sign_on), Cause::Rule, since).await?;
            (Told::Now, visitors.sessions.paid(entry).await)
        }
        (Debt::Grant(grant), _) => {
            tell_again(visitors, vec![End::Grant(grant)], OF_GRANTS, since).await?;
            (Told::Now, visitors.sessions.paid(entry).await)
        }
        (Debt::Session(session, reach), Some(tombstone)) => {
            tell_again(visitors, ends(session, reach, tombstone), tombstone.cause, since).await?;
            (Told::Now, confirmed(visitors, entry, session, reach, tombstone).await)
        }
        (Debt::Siblings(_, reach), Some(tombstone)) => {
            visitors.siblings.take(entry, reach, tombstone);
            (Told::Before, Ok(()))
        }
        (Debt::Session(..) | Debt::Siblings(..), None) => (Told::Nothing, Ok(())),
    };
    written.map(|()| told).map_err(|_| NotTold::Store)
}

/// Tells of an end whose telling has failed before. What the IDP refuses is given up after a while.
async fn tell_again(
    visitors: &Visitors,
    ends: Vec<End>,
    cause: Cause,
    since: Timestamp,
) -> Result<(), NotTold> {
    match tell_all(visitors, ends, cause).await {
        Ok(()) => Ok(()),
        // A mistake in the configuration, which may be mended yet, but not for ever.
        Err(IssuerError::Refused(_)) if visitors.clock.wall() < since + REFUSED_KEPT => Err(NotTold::Skip),
        Err(IssuerError::Refused(_)) => Ok(()),
        Err(_) => Err(NotTold::Issuer),
    }
}

async fn tell_all(visitors: &Visitors, ends: Vec<End>, cause: Cause) -> Result<(), IssuerError> {
    for end in ends {
        visitors.issuer.end(end, cause).await?;
    }
    Ok(())
}

/// What the IDP has to end of a fall by a rule.
fn ends_of_fall(session: Handle, epoch: Epoch, sign_on: &SignOnId) -> Vec<End> {
    vec![End::Session { sid: session, ep: epoch }, End::SignOn(sign_on.clone())]
}

/// What the IDP has to end, from the tombstone.
fn ends(session: Handle, reach: Reach, tombstone: &Tombstone) -> Vec<End> {
    let mut ends = vec![End::Session { sid: session, ep: tombstone.epoch }];
    ends.extend(match (reach, &tombstone.user, &tombstone.sign_on) {
        (Reach::User, Some(user), _) => Some(End::User { id: user.clone(), by: Some(session) }),
        (Reach::User | Reach::SignOn, _, Some(sign_on)) => Some(End::SignOn(sign_on.clone())),
        (Reach::Session | Reach::SignOn | Reach::User, ..) => None,
    });
    ends
}
