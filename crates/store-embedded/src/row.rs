//! What stands behind a key, as bytes with a checksum: a session, a tombstone or an attempt.

use bytes::Bytes;
use vestibule_domain::identity::Timestamp;
use vestibule_ports::session_store::{Record, Tombstone, Version};

/// A row of the sessions table.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Row {
    Live { version: Version, record: Record },
    Ended(Tombstone),
}

/// The bytes are not what was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Unreadable {
    #[error("checksum does not match")]
    Checksum,
    #[error("malformed row")]
    Malformed,
}

// crc32 of the rest (4, little endian) | kind (1) | expiry (8) | live: version (8), user's length (4), user | body
const CHECKSUM_BYTES: usize = 4;
const ENDED: u8 = 0;
const LIVE: u8 = 1;
const LIVE_WITH_USER: u8 = 2;

impl Row {
    pub(crate) fn expires_at(&self) -> Timestamp {
        match self {
            Self::Live { record, .. } => record.expires_at,
            Self::Ended(tombstone) => tombstone.expires_at,
        }
    }

    pub(crate) fn user(&self) -> Option<&str> {
        match self {
            Self::Live { record, .. } => record.user.as_deref(),
            Self::Ended(_) => None,
        }
    }

    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut bytes = vec![0; CHECKSUM_BYTES];
        let body = match self {
            Self::Live { version, record } => {
                bytes.push(if record.user.is_some() { LIVE_WITH_USER } else { LIVE });
                bytes.extend(record.expires_at.as_millis().to_le_bytes());
                bytes.extend(version.to_le_bytes());
                if let Some(user) = &record.user {
                    bytes.extend((user.len() as u32).to_le_bytes());
                    bytes.extend(user.as_bytes());
                }
                &record.body
            }
            Self::Ended(tombstone) => {
                bytes.push(ENDED);
                bytes.extend(tombstone.expires_at.as_millis().to_le_bytes());
                &tombstone.body
            }
        };
        bytes.extend_from_slice(body);
        let checksum = crc32fast::hash(&bytes[CHECKSUM_BYTES..]);
        bytes[..CHECKSUM_BYTES].copy_from_slice(&checksum.to_le_bytes());
        bytes
    }

    pub(crate) fn decode(bytes: &[u8]) -> Result<Self, Unreadable> {
        let (checksum, rest) = bytes.split_first_chunk().ok_or(Unreadable::Malformed)?;
        if crc32fast::hash(rest) != u32::from_le_bytes(*checksum) {
            return Err(Unreadable::Checksum);
        }
        Self::decode_checked(rest).ok_or(Unreadable::Malformed)
    }

    fn decode_checked(bytes: &[u8]) -> Option<Self> {
        let (kind, rest) = bytes.split_first()?;
        let (expiry, rest) = rest.split_first_chunk()?;
        let expires_at = Timestamp::from_millis(i64::from_le_bytes(*expiry));
        if *kind == ENDED {
            return Some(Self::Ended(Tombstone { body: Bytes::copy_from_slice(rest), expires_at }));
        }
        let (version, rest) = rest.split_first_chunk()?;
        let version = Version::from_le_bytes(*version);
        let (user, body) = match *kind {
            LIVE => (None, rest),
            LIVE_WITH_USER => {
                let (length, rest) = rest.split_first_chunk()?;
                let (user, body) = rest.split_at_checked(u32::from_le_bytes(*length) as usize)?;
                (Some(str::from_utf8(user).ok()?.to_owned()), body)
            }
            _ => return None,
        };
        Some(Self::Live { version, record: Record { body: Bytes::copy_from_slice(body), user, expires_at } })
    }
}

#[cfg(test)]
mod tests;
