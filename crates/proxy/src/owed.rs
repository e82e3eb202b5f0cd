//! Ends that the IDP has to hear of: written down before the session ends, told, and struck off when it has confirmed
//! them. What could not be told is told again, after a restart and by every node of the store: ending twice is fine.

use std::collections::{HashMap, HashSet};
use std::convert::Infallible;
use std::time::Duration;

use vestibule_domain::audit::{Cause, Tombstone};
use vestibule_domain::identity::{Handle, Timestamp};
use vestibule_domain::owed::{Owed, Reach};
use vestibule_ports::entropy::random;
use vestibule_ports::issuer::{End, IssuerError};
use vestibule_ports::session_store::StoreError;

use crate::Visitors;

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
/// How long an end that the IDP refuses is told again.
const REFUSED_KEPT: Duration = Duration::from_hours(24);

/// Writes down what will be owed to the IDP when the session ends, before it does. Gives the entry to strike off.
pub(crate) async fn write_down(
    visitors: &Visitors,
    session: Handle,
    reach: Reach,
    now: Timestamp,
) -> Result<Handle, StoreError> {
    let entry = Handle::from_bytes(random(&*visitors.entropy));
    visitors.sessions.owe(entry, &Owed { session, reach, since: now }).await?;
    Ok(entry)
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
    // An entry that stays is told once more, and struck off then.
    let _ = visitors.sessions.paid(entry).await;
    true
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

/// Entries that could not be told by this process, and in which round. They come after all others, the longest untried
/// first, so that none of them starves anybody.
#[derive(Default)]
struct Last {
    round: u64,
    failed: HashMap<Handle, u64>,
}

impl Last {
    /// The entries of a new round, in the order in which they are to be tried.
    fn order(&mut self, mut entries: Vec<Handle>) -> Vec<Handle> {
        self.round += 1;
        let there: HashSet<_> = entries.iter().collect();
        self.failed.retain(|entry, _| there.contains(entry));
        entries.sort_by_key(|entry| self.failed.get(entry).copied().unwrap_or(0));
        entries.truncate(DUE_MAX);
        entries
    }

    fn failed(&mut self, entry: Handle) {
        self.failed.insert(entry, self.round);
    }
}

/// Each is told as soon as it is read. An IDP that does not answer ends the round, so of an IDP that is away one entry
/// is tried; a store that fails a few times does, too.
async fn tell_due(visitors: &Visitors, last: &mut Last) -> Round {
    let (mut told, mut store_failed) = (false, 0);
    let Ok(entries) = visitors.sessions.owed(LIST_MAX).await else { return Round::Broken { told } };
    for entry in last.order(entries) {
        match tell_entry(visitors, entry).await {
            Ok(was_due) => told |= was_due,
            Err(NotTold::Skip) => last.failed(entry),
            Err(NotTold::Store) => {
                last.failed(entry);
                store_failed += 1;
                if store_failed == STORE_FAILED_MAX {
                    return Round::Broken { told };
                }
            }
            Err(NotTold::Issuer) => {
                last.failed(entry);
                return Round::Broken { told };
            }
        }
    }
    if store_failed == 0 { Round::Done } else { Round::Broken { told } }
}

/// Why an entry stays.
enum NotTold {
    /// It cannot be read, or the IDP refuses it; it says nothing about the others.
    Skip,
    /// The store has not answered.
    Store,
    /// The IDP has not answered.
    Issuer,
}

/// Tells of one entry; whether there was anything to tell.
async fn tell_entry(visitors: &Visitors, entry: Handle) -> Result<bool, NotTold> {
    let due = match visitors.sessions.due(entry).await {
        Ok(Some(due)) => due,
        Ok(None) => return Ok(false),
        Err(StoreError::Corrupt(_)) => return Err(NotTold::Skip),
        Err(_) => return Err(NotTold::Store),
    };
    let ends = ends(due.owed.session, due.owed.reach, &due.tombstone);
    match tell_all(visitors, ends, due.tombstone.cause).await {
        Ok(()) => {}
        // A mistake in the configuration, which may be mended yet, but not for ever.
        Err(IssuerError::Refused(_)) if visitors.clock.wall() < due.owed.since + REFUSED_KEPT => {
            return Err(NotTold::Skip);
        }
        Err(IssuerError::Refused(_)) => {}
        Err(_) => return Err(NotTold::Issuer),
    }
    visitors.sessions.paid(entry).await.map_err(|_| NotTold::Store)?;
    Ok(true)
}

async fn tell_all(visitors: &Visitors, ends: Vec<End>, cause: Cause) -> Result<(), IssuerError> {
    for end in ends {
        visitors.issuer.end(end, cause).await?;
    }
    Ok(())
}

/// What the IDP has to end, from the tombstone.
fn ends(session: Handle, reach: Reach, tombstone: &Tombstone) -> Vec<End> {
    let mut ends = vec![End::Session { sid: session, ep: tombstone.epoch }];
    ends.extend(match (reach, &tombstone.user, &tombstone.sign_on) {
        (Reach::User, Some(user), _) => Some(End::User(user.clone())),
        (Reach::User | Reach::SignOn, _, Some(sign_on)) => Some(End::SignOn(sign_on.clone())),
        (Reach::Session | Reach::SignOn | Reach::User, ..) => None,
    });
    ends
}
