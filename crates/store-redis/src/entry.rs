//! What stands under a key: a head of fixed size, which scripts read and move, then the user and the opaque body.
//! `scripts/*.lua` know the same offsets.

use bytes::Bytes;
use vestibule_domain::identity::Timestamp;
use vestibule_ports::session_store::{Attempt, Record, Slot, Stored, Tombstone, Version};

/// Bytes before the user: kind, version, expiry, last seen, length of the user.
pub(crate) const HEAD_BYTES: usize = 27;

/// Longest user that a head can tell the length of.
pub(crate) const USER_BYTES_MAX: usize = NO_USER as usize - 1;

const LIVE: u8 = b'L';
const ENDED: u8 = b'E';
const VERSION: usize = 1;
const EXPIRES: usize = 9;
const SEEN: usize = 17;
const USER_LENGTH: usize = 25;
const NO_USER: u16 = u16::MAX;

/// Earlier than every time of day, and so than every touch.
const NEVER: i64 = i64::MIN;

/// The value is none that this program wrote.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Unreadable;

/// A session. `None` when its user is longer than the head can say.
pub(crate) fn live(version: Version, record: &Record) -> Option<Vec<u8>> {
    let (length, user) = match &record.user {
        None => (NO_USER, ""),
        Some(user) => (u16::try_from(user.len()).ok().filter(|length| *length != NO_USER)?, user.as_str()),
    };
    Some(entry(LIVE, version, record.expires_at, length, user, &record.body))
}

/// What an ended session leaves.
pub(crate) fn ended(tombstone: &Tombstone) -> Vec<u8> {
    entry(ENDED, 0, tombstone.expires_at, NO_USER, "", &tombstone.body)
}

fn entry(kind: u8, version: Version, expires: Timestamp, length: u16, user: &str, body: &[u8]) -> Vec<u8> {
    let mut value = Vec::with_capacity(HEAD_BYTES + user.len() + body.len());
    value.push(kind);
    value.extend(version.to_be_bytes());
    value.extend(expires.as_millis().to_be_bytes());
    value.extend(NEVER.to_be_bytes());
    value.extend(length.to_be_bytes());
    value.extend(user.as_bytes());
    value.extend(body);
    value
}

/// What a reader finds at this time of day. Without a value there is nothing.
pub(crate) fn slot(value: Option<Vec<u8>>, now: Timestamp) -> Result<Slot, Unreadable> {
    let Some(value) = value else { return Ok(Slot::Absent) };
    let head = Head::of(&value)?;
    if head.expires_at <= now {
        return Ok(Slot::Absent);
    }
    let user = head.user(&value)?.map(str::to_owned);
    let body_at = HEAD_BYTES + user.as_ref().map_or(0, String::len);
    let expires_at = head.expires_at;
    let body = Bytes::from(value).slice(body_at..);
    Ok(if head.live {
        let record = Record { body, user, expires_at };
        Slot::Live(Stored { version: head.version, record, last_seen: head.seen })
    } else {
        Slot::Ended(Tombstone { body, expires_at })
    })
}

/// The fixed part of an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Head {
    /// A session; otherwise it has ended.
    pub(crate) live: bool,
    version: Version,
    /// From here on it is absent.
    pub(crate) expires_at: Timestamp,
    seen: Option<Timestamp>,
    user_length: Option<usize>,
}

impl Head {
    /// Reads the beginning of an entry.
    pub(crate) fn of(value: &[u8]) -> Result<Self, Unreadable> {
        let kind = *value.first().ok_or(Unreadable)?;
        if !matches!(kind, LIVE | ENDED) {
            return Err(Unreadable);
        }
        let seen = i64::from_be_bytes(field(value, SEEN)?);
        let length = u16::from_be_bytes(field(value, USER_LENGTH)?);
        Ok(Self {
            live: kind == LIVE,
            version: Version::from_be_bytes(field(value, VERSION)?),
            expires_at: Timestamp::from_millis(i64::from_be_bytes(field(value, EXPIRES)?)),
            seen: (seen != NEVER).then_some(Timestamp::from_millis(seen)),
            user_length: (length != NO_USER).then_some(usize::from(length)),
        })
    }

    /// The user that stands behind the head.
    pub(crate) fn user<'v>(&self, value: &'v [u8]) -> Result<Option<&'v str>, Unreadable> {
        let Some(length) = self.user_length else { return Ok(None) };
        let user = value.get(HEAD_BYTES..HEAD_BYTES + length).ok_or(Unreadable)?;
        std::str::from_utf8(user).map(Some).map_err(|_| Unreadable)
    }
}

fn field<const N: usize>(value: &[u8], at: usize) -> Result<[u8; N], Unreadable> {
    value.get(at..at + N).and_then(|bytes| bytes.try_into().ok()).ok_or(Unreadable)
}

/// A time as the head holds it.
pub(crate) fn time(at: Timestamp) -> [u8; 8] {
    at.as_millis().to_be_bytes()
}

/// A log-in attempt: its expiry, then its body.
pub(crate) fn attempt(attempt: &Attempt) -> Vec<u8> {
    let mut value = Vec::with_capacity(size_of::<i64>() + attempt.body.len());
    value.extend(time(attempt.expires_at));
    value.extend(&attempt.body);
    value
}

/// The body of an attempt that has not expired.
pub(crate) fn taken(value: Vec<u8>, now: Timestamp) -> Result<Option<Bytes>, Unreadable> {
    let expires_at = Timestamp::from_millis(i64::from_be_bytes(field(&value, 0)?));
    Ok((expires_at > now).then(|| Bytes::from(value).slice(size_of::<i64>()..)))
}

#[cfg(test)]
mod tests;
