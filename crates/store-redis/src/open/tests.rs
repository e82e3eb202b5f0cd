//! Which servers and which formats are taken, by what they say.

use super::*;

fn place() -> Place {
    Place { host: "h".to_owned(), port: 6379 }
}

/// What becomes of a server that answers to `INFO` with this.
fn judged(info: &str) -> Result<(), String> {
    let info = Description::read(&Value::BulkString(info.as_bytes().to_vec())).unwrap();
    judge(&info, &Arrangement::Single, &place()).map_err(|refused| refused.to_string())
}

#[test]
fn a_server_is_old_by_its_version() {
    for version in ["2.8.24", "5.0.14", "6.0.16", "6.1.240"] {
        assert_eq!(
            judged(&format!("redis_version:{version}\r\n")),
            Err(format!("redis at h:6379 is version {version}: 6.2 or newer is needed, or Valkey"))
        );
    }
    assert_eq!(
        judged("role:master\r\n"),
        Err("redis at h:6379 is version of unknown age: 6.2 or newer is needed, or Valkey".to_owned())
    );
    for version in ["6.2.0", "6.10.1", "7.0.15", "8.0.0", "10.2.3"] {
        assert_eq!(judged(&format!("redis_version:{version}\r\n")), Ok(()), "{version}");
    }
    let valkey =
        "redis_version:7.2.4\r\nserver_name:valkey\r\nvalkey_version:8.1.8\r\nserver_mode:standalone\r\n";
    assert_eq!(judged(valkey), Ok(()));
}

#[test]
fn an_old_server_of_the_wrong_kind_is_told_of_its_kind() {
    let told = judged("redis_version:6.0.16\r\nredis_mode:sentinel\r\n").unwrap_err();
    assert!(told.contains("it is a sentinel"), "{told}");
    let told = judged("# Server\r\n").unwrap_err();
    assert!(told.contains("it does not say what it is"), "{told}");
}

#[test]
fn a_format_is_ours_or_newer_or_older_or_none() {
    let judged = |found: &[u8]| judge_format(found, b"vst:format");
    assert_eq!(judged(FORMAT.to_string().as_bytes()), Ok(()));
    let found = (FORMAT + 1).to_string();
    assert_eq!(judged(found.as_bytes()), Err(OpenError::NewerFormat { found }));
    let found = (FORMAT - 1).to_string();
    assert_eq!(judged(found.as_bytes()), Err(OpenError::OlderFormat { found }));
    for foreign in [&b"somebody else's"[..], b"", b"1.5", b"-1", b"\xff"] {
        assert!(matches!(judged(foreign), Err(OpenError::ForeignFormat { .. })), "{foreign:?}");
    }
}
