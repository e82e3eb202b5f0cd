//! What a live server's settings may lose, in plain words.

use redis::{Value, cmd};

use crate::config::{Arrangement, Config, Place};
use crate::description::Description;
use crate::link::Link;

/// The value in an answer to `CONFIG GET` of one name.
pub(crate) fn setting(value: &Value) -> Option<String> {
    let text = |value: &Value| match value {
        Value::BulkString(bytes) => Some(String::from_utf8_lossy(bytes).into_owned()),
        Value::SimpleString(text) => Some(text.clone()),
        _ => None,
    };
    match value {
        Value::Array(parts) => text(parts.get(1)?),
        Value::Map(parts) => text(&parts.first()?.1),
        _ => None,
    }
}

/// Everything that an operator should know about one master.
pub(crate) async fn of(link: &Link, place: &Place, config: &Config) -> Vec<String> {
    let asked = link.send(&cmd("INFO")).await.ok();
    let Some(info) = asked.as_ref().and_then(Description::read) else {
        return vec![format!(
            "redis at {place} does not tell its settings now, so nothing can be said about them"
        )];
    };
    let fsync = read(link, "appendfsync").await;
    let replicas_min = read(link, "min-replicas-to-write").await;
    let mut warnings = Vec::new();
    warnings.extend(durability(&info, fsync.as_deref()).map(|why| format!("redis at {place}: {why}")));
    warnings.extend(
        replication(&info, replicas_min.as_deref(), config).map(|why| format!("redis at {place}: {why}")),
    );
    warnings.extend(memory(&info).map(|why| format!("redis at {place}: {why}")));
    warnings
}

async fn read(link: &Link, name: &str) -> Option<String> {
    let mut get = cmd("CONFIG");
    get.arg("GET").arg(name);
    setting(&link.send(&get).await.ok()?)
}

fn durability(info: &Description, fsync: Option<&str>) -> Option<String> {
    if !info.has_append_only_file() {
        return Some(
            "appendonly is off, so a restart loses everything since the last snapshot: log-outs come undone, \
             log-ons and patches are gone. Set appendonly yes and appendfsync always or everysec"
                .to_owned(),
        );
    }
    if info.cannot_append() {
        return Some("its last write to the append-only file failed: is its disk full?".to_owned());
    }
    match fsync {
        Some("always") => None,
        Some("everysec") => Some(
            "appendfsync is everysec, so a crash of its machine may lose the last second of what was acknowledged, \
             up to two on a slow disk: a log-out of that second may come undone. appendfsync always loses nothing"
                .to_owned(),
        ),
        Some(other) => Some(format!(
            "appendfsync is {other}, so a crash of its machine may lose the last half minute of what was \
             acknowledged, log-outs too. Set appendfsync always or everysec"
        )),
        None => Some(
            "its user may not read appendfsync (CONFIG GET), so nobody knows what a crash may lose; always loses \
             nothing, everysec the last second"
                .to_owned(),
        ),
    }
}

fn replication(info: &Description, replicas_min: Option<&str>, config: &Config) -> Option<String> {
    if info.replicas() < config.wait_replicas {
        return Some(format!(
            "wait_replicas is {} and it has {} now: writes will wait in vain and not be acknowledged",
            config.wait_replicas,
            info.replicas()
        ));
    }
    let failover = config.arrangement != Arrangement::Single || info.replicas() > 0;
    (failover && replicas_min.is_some_and(|number| number == "0")).then(|| {
        "min-replicas-to-write is 0, so a master that is cut off goes on taking writes, which the failover then \
         forgets, and nodes beside it do not notice. Set min-replicas-to-write 1 and min-replicas-max-lag 2"
            .to_owned()
    })
}

fn memory(info: &Description) -> Option<String> {
    (!info.is_memory_limited()).then(|| {
        "maxmemory is not set, so it grows until the system ends it: set maxmemory, with maxmemory-policy noeviction"
            .to_owned()
    })
}

#[cfg(test)]
mod tests;
