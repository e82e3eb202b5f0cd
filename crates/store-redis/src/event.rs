//! Events and beats as the payload of a message.

use std::time::Duration;

use vestibule_domain::identity::Handle;
use vestibule_ports::clock::Mono;
use vestibule_ports::session_store::{Beat, Event, Version};

const CHANGED: u8 = b'C';
const ENDED: u8 = b'E';
const BEAT: u8 = b'B';

/// A record was committed under this version.
pub(crate) fn changed(handle: Handle, version: Version) -> Vec<u8> {
    [&[CHANGED][..], handle.as_bytes(), &version.to_be_bytes()].concat()
}

/// A session has ended.
pub(crate) fn ended(handle: Handle) -> Vec<u8> {
    [&[ENDED][..], handle.as_bytes()].concat()
}

/// A sign of life.
pub(crate) fn beat(beat: Beat) -> Vec<u8> {
    let sent = beat.sent.since_start();
    let (watcher, seconds) = (beat.watcher.to_be_bytes(), sent.as_secs().to_be_bytes());
    [&[BEAT][..], &watcher, &seconds, &sent.subsec_nanos().to_be_bytes()].concat()
}

/// The event of a payload. What cannot be read may have been anything, so it counts as a loss.
pub(crate) fn read(payload: &[u8]) -> Event {
    parse(payload).unwrap_or(Event::Gap)
}

fn parse(payload: &[u8]) -> Option<Event> {
    let (kind, rest) = payload.split_first()?;
    match *kind {
        CHANGED => {
            let (handle, version) = rest.split_first_chunk()?;
            let version = Version::from_be_bytes(version.try_into().ok()?);
            Some(Event::Changed { handle: Handle::from_bytes(*handle), version })
        }
        ENDED => Some(Event::Ended { handle: Handle::from_bytes(rest.try_into().ok()?) }),
        BEAT => {
            let (watcher, sent) = rest.split_first_chunk()?;
            let (seconds, nanos) = sent.split_first_chunk()?;
            let nanos = u32::from_be_bytes(nanos.try_into().ok()?);
            let sent = Duration::from_secs(u64::from_be_bytes(*seconds))
                .checked_add(Duration::from_nanos(nanos.into()))?;
            Some(Event::Alive(Beat { watcher: u64::from_be_bytes(*watcher), sent: Mono::from_start(sent) }))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests;
