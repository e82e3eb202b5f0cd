//! What a change of the stream says.

use mongodb::bson::Bson;
use vestibule_domain::identity::Handle;

use super::*;

fn change(collection: &str, id: impl Into<Bson>, fields: Document) -> Option<Event> {
    let mut change = doc! { "ns": { "coll": collection }, "documentKey": { ID: id.into() } };
    change.extend(fields);
    news(&RawDocumentBuf::try_from(&change).unwrap()).unwrap()
}

#[test]
fn commits_ends_and_beats_are_told_apart() {
    let handle = Handle::from_bytes([7; 16]);
    let id = || document::id(handle);
    assert_eq!(change(SESSIONS, id(), doc! { VERSION: 3_i64 }), Some(Event::Changed { handle, version: 3 }));
    assert_eq!(change(SESSIONS, id(), doc! { ENDED: true }), Some(Event::Ended { handle }));
    let beat = Beat { watcher: u64::MAX, sent: Mono::from_start(Duration::from_nanos(1_234_567_891)) };
    assert_eq!(change(BEATS, -1_i64, doc! { BEAT: encode(beat, 9) }), Some(Event::Alive(beat)));
}

#[test]
fn a_beat_never_looks_like_the_one_before() {
    let beat = Beat { watcher: 1, sent: Mono::from_start(Duration::ZERO) };
    assert_ne!(encode(beat, 0), encode(beat, 1), "the server would see nothing to change");
}

#[test]
fn documents_of_strangers_are_left_out_and_dropped_collections_are_a_gap() {
    assert_eq!(change(SESSIONS, "no handle", doc! { VERSION: 1_i64 }), None);
    assert_eq!(change(BEATS, "no watcher", doc! { BEAT: "no beat" }), None);
    let dropped =
        RawDocumentBuf::try_from(&doc! { "operationType": "drop", "ns": { "coll": SESSIONS } }).unwrap();
    assert_eq!(news(&dropped).unwrap(), Some(Event::Gap));
}
