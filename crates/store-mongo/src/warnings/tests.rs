//! Settings that are warned of, and those that are not.

use mongodb::bson::doc;

use super::*;

#[test]
fn a_majority_that_does_not_journal_first_is_warned_of() {
    let unsafe_set = doc! { "_id": "rs0", "writeConcernMajorityJournalDefault": false };
    let said = of_config(&unsafe_set);
    assert!(said[0].contains("writeConcernMajorityJournalDefault is false"), "{said:?}");
    for fine in [doc! { "_id": "rs0" }, doc! { "_id": "rs0", "writeConcernMajorityJournalDefault": true }] {
        assert_eq!(of_config(&fine), [""; 0]);
    }
}

#[test]
fn a_slow_election_is_warned_of_whatever_kind_of_number_it_is() {
    for (millis, warned) in
        [(doc! { "n": 10_001_i64 }, 1), (doc! { "n": 10_001_i32 }, 1), (doc! { "n": 10_000 }, 0)]
    {
        let millis = millis.get("n").cloned();
        let config = doc! { "settings": { "electionTimeoutMillis": millis } };
        assert_eq!(of_config(&config).len(), warned, "{config}");
    }
}

#[test]
fn a_lonely_member_and_an_arbiter_are_warned_of() {
    let said = of_members(&doc! { "hosts": ["a"], "arbiters": ["b"] });
    assert!(said[0].contains("one member") && said[1].contains("arbiter"), "{said:?}");
    assert_eq!(of_members(&doc! { "hosts": ["a", "b", "c"] }), [""; 0]);
}
