//! The index of a user: a sorted set of handles by expiry. In a cluster it is on another master than the entries, so it
//! only hints: it is written beside the entry, may name too many, and each name is looked up before it is believed.

use futures_util::future::join_all;
use redis::{Value, cmd};
use vestibule_domain::identity::{Handle, Timestamp};
use vestibule_ports::session_store::StoreError;

use crate::config::EXPIRY_SLACK;
use crate::entry::{HEAD_BYTES, Head};
use crate::keys::Keys;
use crate::refusal::{Failure, corrupt, odd, of_read, of_write};
use crate::script::Run;
use crate::servers::Servers;
use crate::store::vanishes_at;
use crate::topology::{Order, Reach};

/// Handles that are looked up at once.
const PAGE: usize = 100;

/// Notes that a session may be the user's. A note that a failover takes back would leave the list too short.
pub(crate) async fn add(
    servers: &Servers,
    keys: &Keys,
    user: &str,
    handle: Handle,
    expires_at: Timestamp,
    reach: Reach,
) -> Result<(), StoreError> {
    let key = keys.user(user);
    let run = Run::on(&servers.scripts.index, key.clone())
        .arg(handle.as_bytes().as_slice())
        .number(expires_at.as_millis())
        .number(vanishes_at(expires_at))
        .number(EXPIRY_SLACK.as_millis() as i64);
    let answered = servers.ask(&key, &Order::Script(run), reach).await;
    answered.map(drop).map_err(|failure| of_write(&key, failure))
}

/// Forgets a handle that is used up. Never one that may come yet: its note comes before it.
pub(crate) async fn forget(
    servers: &Servers,
    keys: &Keys,
    user: &str,
    handle: Handle,
) -> Result<Value, Failure> {
    let key = keys.user(user);
    let mut remove = cmd("ZREM");
    remove.arg(key.as_slice()).arg(handle.as_bytes());
    servers.ask(&key, &Order::Plain(remove), Reach::Master).await
}

/// Live sessions whose entries name the user.
pub(crate) async fn list(
    servers: &Servers,
    keys: &Keys,
    user: &str,
    limit: usize,
    now: Timestamp,
) -> Result<Vec<Handle>, StoreError> {
    let (mut found, mut used_up) = (Vec::new(), Vec::new());
    let mut offset = 0;
    while found.len() < limit {
        let handles = page(servers, keys, user, offset, now).await?;
        offset += handles.len();
        let last = handles.len() < PAGE;
        let looked_up =
            join_all(handles.iter().map(|handle| look_up(servers, keys, user, *handle, now))).await;
        for (handle, listed) in handles.into_iter().zip(looked_up) {
            match listed? {
                Listed::Live => found.push(handle),
                Listed::UsedUp => used_up.push(handle),
                Listed::Not => {}
            }
        }
        if last {
            break;
        }
    }
    // Whoever comes across them may clean up, after the last page, or the pages would shift; if that fails, the next one
    // does.
    let _forgotten = join_all(used_up.into_iter().map(|handle| forget(servers, keys, user, handle))).await;
    found.truncate(limit);
    Ok(found)
}

/// What an entry says about a handle in the index.
enum Listed {
    /// It is live and the user's.
    Live,
    /// It has ended, so it will never be the user's again.
    UsedUp,
    /// It is not the user's now: not there yet, expired, another's, or it cannot be read.
    Not,
}

async fn page(
    servers: &Servers,
    keys: &Keys,
    user: &str,
    offset: usize,
    now: Timestamp,
) -> Result<Vec<Handle>, StoreError> {
    let key = keys.user(user);
    let mut range = cmd("ZRANGEBYSCORE");
    range.arg(key.as_slice()).arg(format!("({}", now.as_millis())).arg("+inf");
    range.arg("LIMIT").arg(offset).arg(PAGE);
    let answered = servers.ask(&key, &Order::Plain(range), Reach::Master).await;
    let Value::Array(members) = answered.map_err(|failure| of_read(&key, failure))? else {
        return Err(odd("ZRANGEBYSCORE"));
    };
    let handle = |member| match member {
        Value::BulkString(bytes) => bytes.try_into().map(Handle::from_bytes).map_err(|_| corrupt(&key)),
        _ => Err(odd("ZRANGEBYSCORE")),
    };
    members.into_iter().map(handle).collect()
}

async fn look_up(
    servers: &Servers,
    keys: &Keys,
    user: &str,
    handle: Handle,
    now: Timestamp,
) -> Result<Listed, StoreError> {
    let key = keys.session(handle);
    let mut beginning = cmd("GETRANGE");
    beginning.arg(key.as_slice()).arg(0).arg(HEAD_BYTES + user.len());
    let answered = servers.ask(&key, &Order::Plain(beginning), Reach::Master).await;
    let value = match answered.map_err(|failure| of_read(&key, failure)) {
        Ok(Value::BulkString(value)) => value,
        Ok(_) => return Err(odd("GETRANGE")),
        Err(StoreError::Corrupt(_)) => return Ok(Listed::Not),
        Err(error) => return Err(error),
    };
    Ok(match Head::of(&value) {
        Ok(head) if !head.live => Listed::UsedUp,
        Ok(head) if head.expires_at > now && head.user(&value) == Ok(Some(user)) => Listed::Live,
        _ => Listed::Not,
    })
}
