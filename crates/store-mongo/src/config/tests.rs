//! What URLs are taken, what is refused in which words, and that no password shows anywhere.

use super::*;

const PASSWORD: &str = "s3cret";

#[test]
fn an_ordinary_url_is_taken_as_it_stands() {
    let config =
        Config::parse("mongodb://vst:s3cret@db1:27017,db2/shop?replicaSet=rs0&tls=true&w=majority").unwrap();
    assert_eq!((config.database.as_str(), config.hosts().as_str()), ("shop", "db1:27017,db2:27017"));
    assert_eq!((config.user(), config.set(), config.uses_tls()), (Some("vst"), Some("rs0"), true));
    assert_eq!((config.durability, config.calls_max()), (Durability::Majority, CONNECTIONS_MAX));
    assert_eq!(config.warnings(), Vec::<String>::new());
    let cloud = Config::parse("mongodb+srv://vst@cluster.example/?retryWrites=true&maxPoolSize=20").unwrap();
    assert_eq!((cloud.database.as_str(), cloud.hosts().as_str()), (DATABASE, "cluster.example"));
    assert_eq!((cloud.calls_max(), cloud.uses_tls()), (20, true));
}

#[test]
fn what_would_break_a_promise_is_refused_with_the_reason() {
    for (option, reason) in [
        (
            "readPreference=secondaryPreferred",
            "readPreference cannot be used here: secondaries may not know yet",
        ),
        ("readConcernLevel=local", "readConcernLevel cannot be used here: each read states the one it needs"),
        ("w=2", "w may be \"majority\", which it is when it is left out, or 1"),
        ("w=0", "w may be \"majority\""),
        ("journal=false", "journal=false cannot be used here: an acknowledged write has to survive a crash"),
        ("loadBalanced=true", "loadBalanced=true cannot be used here: the members have to be seen"),
        ("serverSelectionTimeoutMS=5000", "serverSelectionTimeoutMS cannot be used here: Vestibule sets it"),
        ("connectTimeoutMS=5000", "connectTimeoutMS cannot be used here: Vestibule sets it"),
        ("wTimeoutMS=5000", "wTimeoutMS cannot be used here: Vestibule sets it"),
        ("socketTimeoutMS=5000", "socketTimeoutMS cannot be used here: Vestibule sets it"),
        ("maxPoolSiez=5", "An option with a similar name exists: maxpoolsize"),
    ] {
        let refused =
            Config::parse(&format!("mongodb://vst:{PASSWORD}@db/shop?{option}")).unwrap_err().to_string();
        assert!(refused.contains(reason), "{option}: {refused}");
        assert!(!refused.contains(PASSWORD), "{refused}");
    }
}

#[test]
fn a_url_that_cannot_be_read_is_told_what_to_write() {
    for (url, reason) in [
        ("", "this is no URL: write mongodb://host:port/database"),
        ("db:27017", "this is no URL"),
        ("postgres://db/shop", "a URL of MongoDB begins with mongodb:// or mongodb+srv://"),
        ("mongodb://", "the URL cannot be used: "),
        ("mongodb://db:port/shop", "the URL cannot be used: "),
        (
            "mongodb://db/admin",
            "the database \"admin\" is MongoDB's own: name another after the host, such as /vestibule",
        ),
        ("mongodb+srv://db:27017/shop", "a port cannot be specified"),
    ] {
        let refused = Config::parse(url).unwrap_err().to_string();
        assert!(refused.contains(reason), "{url}: {refused}");
    }
}

#[test]
fn a_password_with_reserved_characters_is_not_shown_but_explained() {
    for password in ["pa?ss", "pa/ss", "pa@ss", "pa:ss", "pa%ss", "pa#ss", "100%"] {
        let refused = Config::parse(&format!("mongodb://vst:{password}@db/shop"));
        let Err(refused) = refused else { panic!("{password} was taken") };
        assert!(refused.to_string().starts_with("the password has characters that mean something in a URL"));
        assert!(!refused.to_string().contains(password), "{refused}");
    }
    assert!(Config::parse("mongodb://vst:pa%3Fss@db/shop").is_ok());
}

#[test]
fn nobody_prints_the_password() {
    let in_url = Config::parse("mongodb://vst:s3cret@db/shop").unwrap();
    let from_file = Config::parse("mongodb://vst@db/shop").unwrap().with_password(PASSWORD.to_owned());
    for config in [in_url, from_file] {
        let shown = format!("{config:?} {config:#?} {:?}", config.warnings());
        assert!(!shown.contains(PASSWORD), "{shown}");
        assert_eq!(config.connection.credential.unwrap().password.as_deref(), Some(PASSWORD));
    }
}

#[test]
fn what_is_risky_is_warned_of() {
    for (url, warning) in [
        ("mongodb://localhost/shop?w=1", "w=1: an acknowledged log-on"),
        ("mongodb://127.0.0.1/shop?directConnection=true", "directConnection=true: when another member"),
        ("mongodb://db/shop", "without tls=true sessions cross the network in the clear"),
        ("mongodb://db/shop?tls=true&tlsAllowInvalidCertificates=true", "tlsAllowInvalidCertificates=true"),
    ] {
        let warnings = Config::parse(url).unwrap().warnings();
        assert!(warnings.len() == 1 && warnings[0].starts_with(warning), "{url}: {warnings:?}");
    }
}

#[test]
fn a_certificate_of_our_own_means_tls() {
    let plain = Config::parse("mongodb://db/shop").unwrap();
    assert!(!plain.uses_tls());
    assert!(plain.with_ca(Vec::new()).uses_tls());
    assert!(!Config::parse("mongodb://db/shop?tls=false").unwrap().with_ca(Vec::new()).uses_tls());
}
