//! What the live servers' settings may lose or delay, in plain words.

use mongodb::bson::{Document, doc};

use crate::collections::{CHORE_TIME_MAX, Collections};
use crate::open::is_mongos;

/// MongoDB's own value: how long members wait for a lost primary before they choose another.
const ELECTION_TIMEOUT_MAX: i64 = 10_000;

/// Everything that an operator should know. Empty where nobody can be asked.
pub(crate) async fn of(collections: &Collections) -> Vec<String> {
    let admin = collections.database.client().database("admin");
    let Ok(hello) = admin.run_command(doc! { "hello": 1 }).await else { return Vec::new() };
    if is_mongos(&hello) {
        return vec![
            "sharded cluster: a shard without writes holds events back; set periodicNoopIntervalSecs to 1 on every \
             shard, or leases lapse and each request reads the store"
                .to_owned(),
        ];
    }
    let mut warnings = of_members(&hello);
    // Only those who may watch over the cluster may ask this.
    let config =
        admin.run_command(doc! { "replSetGetConfig": 1, "maxTimeMS": CHORE_TIME_MAX.as_millis() as i64 });
    if let Ok(answer) = config.await
        && let Ok(config) = answer.get_document("config")
    {
        warnings.extend(of_config(config));
    }
    warnings
}

/// What the answer to `hello` shows.
fn of_members(hello: &Document) -> Vec<String> {
    let mut warnings = Vec::new();
    if hello.get_array("hosts").is_ok_and(|hosts| hosts.len() == 1) {
        warnings.push(
            "the replica set has one member: when it is away nobody takes over, and acknowledged writes are on one \
             disk"
                .to_owned(),
        );
    }
    if hello.get_array("arbiters").is_ok_and(|arbiters| !arbiters.is_empty()) {
        warnings.push(
            "the replica set has an arbiter, which keeps no data: while one other member is away, writes may not be \
             acknowledged; a third member that keeps data is safer"
                .to_owned(),
        );
    }
    warnings
}

/// What the replica set's configuration shows.
fn of_config(config: &Document) -> Vec<String> {
    let mut warnings = Vec::new();
    if matches!(config.get_bool("writeConcernMajorityJournalDefault"), Ok(false)) {
        warnings.push(
            "writeConcernMajorityJournalDefault is false: a majority has in memory what is acknowledged and read, and \
             not yet on disk; when its machines lose their power together, log-outs of the last moments come undone. \
             Set it to true with rs.reconfig()"
                .to_owned(),
        );
    }
    let election =
        config.get_document("settings").ok().and_then(|settings| number(settings, "electionTimeoutMillis"));
    if election.is_some_and(|millis| millis > ELECTION_TIMEOUT_MAX) {
        warnings.push(
            "electionTimeoutMillis is above 10000: after a failure visitors read 503 for that long"
                .to_owned(),
        );
    }
    warnings
}

fn number(document: &Document, field: &str) -> Option<i64> {
    document.get_i64(field).ok().or_else(|| document.get_i32(field).ok().map(i64::from))
}

#[cfg(test)]
mod tests;
