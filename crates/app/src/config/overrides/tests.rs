//! Nothing secret is printed, and what others set is passed over.

use super::{is_setting, print, without_secrets};

#[test]
fn a_password_in_a_url_is_not_printed() {
    let said = print(
        &toml::from_str("[sessions]\nstore = \"postgres://shop:secret@one,two:5433/vestibule\"\n").unwrap(),
    )
    .unwrap();
    assert_eq!(said, "[sessions]\nstore = \"postgres://shop:***@one,two:5433/vestibule\"\n");
}

#[test]
fn a_url_without_a_password_stays_as_it_is() {
    for url in ["embedded", "redis://localhost:6379/0", "mongodb://shop@one,two/?w=majority"] {
        assert_eq!(without_secrets(url), url);
    }
    assert_eq!(without_secrets("redis://:p@ss:word@one"), "redis://:***@one");
}

#[test]
fn secrets_in_a_query_are_not_printed() {
    for (url, printed) in [
        (
            "postgres://h/v?sslpassword=canary&sslmode=require",
            "postgres://h/v?sslpassword=***&sslmode=require",
        ),
        (
            "redis+sentinel://:a@h/m?sentinel_password=canary",
            "redis+sentinel://:***@h/m?sentinel_password=***",
        ),
        ("postgres://h/v?user=u&password=can@ry", "postgres://***"),
        ("postgres://u:can?ry@h/v", "postgres://***"),
        ("postgres://u:can@ry?w=x@h/v", "postgres://***"),
        ("postgres://u:can@ry?x@h/v?sslmode=require", "postgres://***"),
        ("postgres://h/v?password=can@ry?x=y", "postgres://***"),
        ("postgres://u:can@ry@h/v?w=x?y", "postgres://u:***@h/v?w=x?y"),
        ("postgres://u:can?r=y@h/v?password=p@x", "postgres://***"),
        (
            "mongodb://h/?authMechanismProperties=AWS_SESSION_TOKEN:canary,A:b&w=majority",
            "mongodb://h/?authMechanismProperties=AWS_SESSION_TOKEN:***,A:b&w=majority",
        ),
    ] {
        assert_eq!(without_secrets(url), printed);
    }
}

#[test]
fn variables_of_kubernetes_and_of_the_tests_are_passed_over_and_misspelt_ones_are_not() {
    for name in [
        "VESTIBULE_SERVICE_HOST",
        "VESTIBULE_SERVICE_PORT",
        "VESTIBULE_SERVICE_PORT_HTTP",
        "VESTIBULE_PORT",
        "VESTIBULE_PORT_8080_TCP",
        "VESTIBULE_PORT_8080_TCP_ADDR",
        "VESTIBULE_PORT_8080_TCP_PORT",
        "VESTIBULE_PORT_53_UDP_PROTO",
        "VESTIBULE_IDP_SERVICE_HOST",
        "VESTIBULE_IDP_PORT_8090_TCP",
        "VESTIBULE_REDIS_SERVER",
        "VESTIBULE_CRASHES",
        "PATH",
    ] {
        assert!(!is_setting(name), "{name}");
    }
    for name in ["VESTIBULE_DATA_DIR", "VESTIBULE_DATADIR", "VESTIBULE_LIMITS__PORT", "VESTIBULE_PORT_X_TCP"]
    {
        assert!(is_setting(name), "{name}");
    }
}
