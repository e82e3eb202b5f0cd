//! Events as the text of a NOTIFY: several in one payload, since a payload costs much and a byte little.

use std::time::Duration;

use vestibule_domain::identity::Handle;
use vestibule_ports::clock::Mono;
use vestibule_ports::session_store::{Beat, Event};

/// PostgreSQL takes payloads shorter than 8000 bytes.
const PAYLOAD_BYTES_MAX: usize = 7_999;

/// Between events. Not in base64url, nor in a number.
const BETWEEN: char = ' ';

/// One event as text.
pub(crate) fn text(event: &Event) -> String {
    match event {
        Event::Changed { handle, version } => format!("c{handle}.{version}"),
        Event::Ended { handle } => format!("e{handle}"),
        Event::Alive(beat) => {
            // 64 bits of nanoseconds are 584 years since this process's clock began.
            let sent = u64::try_from(beat.sent.since_start().as_nanos()).unwrap_or(u64::MAX);
            format!("b{:x}.{sent}", beat.watcher)
        }
        Event::Gap => "g".to_owned(),
    }
}

/// Events in as few payloads as they fit in, in their order.
pub(crate) fn payloads<'e>(events: impl IntoIterator<Item = &'e Event>) -> Vec<String> {
    let mut payloads: Vec<String> = Vec::new();
    for text in events.into_iter().map(text) {
        match payloads.last_mut() {
            Some(last) if last.len() + 1 + text.len() <= PAYLOAD_BYTES_MAX => {
                last.push(BETWEEN);
                last.push_str(&text);
            }
            _ => payloads.push(text),
        }
    }
    payloads
}

/// What a payload tells. What nobody of us wrote may have been an event in a newer program's words: a `Gap`.
pub(crate) fn read(payload: &str) -> impl Iterator<Item = Event> {
    payload.split(BETWEEN).map(|text| read_one(text).unwrap_or(Event::Gap))
}

fn read_one(text: &str) -> Option<Event> {
    let mut letters = text.chars();
    let kind = letters.next()?;
    let rest = letters.as_str();
    match kind {
        'c' => {
            let (handle, version) = rest.split_once('.')?;
            Some(Event::Changed { handle: read_handle(handle)?, version: version.parse().ok()? })
        }
        'e' => Some(Event::Ended { handle: read_handle(rest)? }),
        'b' => {
            let (watcher, sent) = rest.split_once('.')?;
            let sent = Mono::from_start(Duration::from_nanos(sent.parse().ok()?));
            Some(Event::Alive(Beat { watcher: u64::from_str_radix(watcher, 16).ok()?, sent }))
        }
        _ => None,
    }
}

fn read_handle(text: &str) -> Option<Handle> {
    text.parse().ok()
}

#[cfg(test)]
mod tests;
