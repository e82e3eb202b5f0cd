//! Which settings are warned of.

use super::*;

fn info(text: &str) -> Description {
    Description::read(&Value::BulkString(text.as_bytes().to_vec())).unwrap()
}

#[test]
fn what_may_be_lost_depends_on_the_append_only_file() {
    let told = |text, fsync| durability(&info(text), fsync).unwrap_or_default();
    assert!(told("aof_enabled:0\r\n", Some("always")).contains("appendonly is off"));
    assert!(told("aof_enabled:1\r\n", Some("everysec")).contains("the last second"));
    assert!(told("aof_enabled:1\r\n", Some("no")).contains("half minute"));
    assert!(told("aof_enabled:1\r\n", None).contains("nobody knows"));
    assert!(told("aof_enabled:1\r\naof_last_write_status:err\r\n", Some("always")).contains("disk full"));
    assert_eq!(told("aof_enabled:1\r\naof_last_write_status:ok\r\n", Some("always")), "");
}

#[test]
fn a_failover_wants_replicas_that_are_there() {
    let config = Config::parse("redis://h?wait_replicas=1").unwrap();
    let told = |text, min| replication(&info(text), Some(min), &config).unwrap_or_default();
    assert!(told("connected_slaves:0\r\n", "1").contains("wait in vain"));
    assert!(told("connected_slaves:1\r\n", "0").contains("min-replicas-to-write is 0"));
    assert_eq!(told("connected_slaves:1\r\n", "1"), "");
    let alone = Config::parse("redis://h").unwrap();
    assert_eq!(replication(&info("connected_slaves:0\r\n"), Some("0"), &alone), None);
}
