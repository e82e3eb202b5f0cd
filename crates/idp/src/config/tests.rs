//! The configuration: what is refused, all of it at once.

use super::*;

fn site() -> Site {
    Site {
        name: "shop".to_owned(),
        origin: "https://shop.example".to_owned(),
        log_on_client: "shop".to_owned(),
        anonymous_client: "shop-anonymous".to_owned(),
    }
}

fn client(id: &str) -> Client {
    Client {
        id: id.to_owned(),
        name: "The Shop".to_owned(),
        first_party: true,
        secret_file: None,
        secret: None,
        redirect_uris: vec!["https://shop.example/.vestibule/callback".to_owned()],
        grant_types: vec![GrantType::AuthorizationCode],
        scopes: ClientScopes::default(),
    }
}

fn good() -> Config {
    Config {
        sites: vec![site()],
        clients: vec![client("shop"), client("shop-anonymous")],
        role_clients: vec![RoleClient {
            id: "proxy".to_owned(),
            secret_file: "proxy.secret".into(),
            secret: None,
            roles: vec![Role::Redeem, Role::Mint],
            sites: vec!["shop".to_owned()],
        }],
        ..Config::default()
    }
}

fn secret(length: usize) -> ClientSecret {
    ClientSecret::parse(&"s".repeat(length)).unwrap()
}

fn with_registry(config: &mut Config) -> &mut Config {
    config.registry = Some("postgres://v@localhost/v".into());
    config
}

#[test]
fn a_password_of_the_registry_is_never_printed() {
    let config = Config {
        registry: Some("postgres://v:secret@localhost/v".into()),
        registry_password: Some(RegistryPassword::from("secret".to_owned())),
        ..Config::default()
    };
    assert_eq!(config.validate(), []);
    assert!(!format!("{config:?}").contains("secret"));
}

#[test]
fn the_defaults_and_a_site_with_its_clients_are_fine() {
    assert_eq!(Config::default().validate(), []);
    assert_eq!(good().validate(), []);
    let mut config = good();
    (config.clients[0].secret, config.role_clients[0].secret) = (Some(secret(32)), Some(secret(32)));
    assert_eq!(config.validate(), []);
}

/// One change to a good configuration, and the one line that names it.
#[test]
fn each_problem_is_named_by_its_key() {
    type Change = fn(&mut Config);
    let cases: [(Change, &str); 49] = [
        (|c| c.registry = Some("mysql://v@db/v".into()), "registry: not a usable URL: it does not begin"),
        (|c| c.registry = Some("postgres://v@db".into()), "registry: not a usable URL: it names no database"),
        (
            |c| with_registry(c).registry_schema = "a b".to_owned(),
            "registry_schema: the schema must be named by",
        ),
        (|c| with_registry(c).registry_ca = Some(Vec::new()), "registry_ca_file: not usable as certificates"),
        (|c| c.registry_ca_file = Some("ca.pem".into()), "registry_ca_file: is for a database"),
        (|c| c.registry_password_file = Some("pw".into()), "registry_password_file: is for a database"),
        (|c| c.caps.sessions_per_user = 0, "caps.sessions_per_user: must be at least 1"),
        (|c| c.caps.failure_counters = 0, "caps.failure_counters: must be at least 1"),
        (|c| c.role_clients[0].id = "shop".to_owned(), "role_clients[0].id: is used by another client"),
        (|c| c.role_clients[0].id = "a b".to_owned(), "role_clients[0].id: must be printable"),
        (|c| c.role_clients[0].roles.clear(), "role_clients[0].roles: must not be empty"),
        (|c| c.role_clients[0].sites.clear(), "role_clients[0].sites: must name the sites"),
        (|c| c.role_clients[0].sites = vec!["none".to_owned()], "role_clients[0].sites[0]: is not the name"),
        (|c| c.issuer = "login".to_owned(), "issuer: is not a URL"),
        (|c| c.issuer = "https://login.example/".to_owned(), "issuer: must be scheme"),
        (|c| c.issuer = "https://login.example/path".to_owned(), "issuer: must be scheme"),
        (|c| c.issuer = "https://Login.example".to_owned(), "issuer: must be scheme"),
        (|c| c.issuer = "https://login.example:443".to_owned(), "issuer: must be scheme"),
        (|c| c.issuer = "https://user@login.example".to_owned(), "issuer: must be scheme"),
        (|c| c.issuer = "http://login.example".to_owned(), "issuer: must be https"),
        (|c| c.issuer = "ftp://login.example".to_owned(), "issuer: must be https"),
        (|c| c.service_audience.clear(), "service_audience: must not be empty"),
        (|c| c.gateway_audience.clear(), "gateway_audience: must not be empty"),
        (|c| c.gateway_audience.clone_from(&c.service_audience), "gateway_audience: must differ"),
        (|c| c.everyone_scopes.push("Orders".to_owned()), "everyone_scopes[0]: "),
        (|c| c.lifetimes.code_seconds = 61, "lifetimes.code_seconds: must be from 1 to 60"),
        (|c| c.lifetimes.id_token_seconds = 601, "lifetimes.id_token_seconds: must be"),
        (|c| c.lifetimes.access_token_seconds = 0, "lifetimes.access_token_seconds: must be"),
        (|c| c.lifetimes.sign_on_idle_seconds = 14_401, "lifetimes.sign_on_idle_seconds: must be"),
        (|c| c.password_cost.memory_kib = 7, "password_cost.memory_kib: must be at least 8"),
        (|c| c.password_cost.passes = 0, "password_cost.passes: must be at least 1"),
        (|c| c.password_cost.at_once = 0, "password_cost.at_once: must be at least 1"),
        (|c| c.registry_at_once = 0, "registry_at_once: must be at least 1"),
        (|c| c.clients[1].id = "shop 2".to_owned(), "clients[1].id: must be printable"),
        (|c| c.clients.push(client("shop")), "clients[2].id: is used by another"),
        (|c| c.clients[0].name = " ".to_owned(), "clients[0].name: must not be empty"),
        (|c| c.clients[0].first_party = false, "clients[0].first_party: must be true"),
        (
            |c| c.clients[0].redirect_uris.push("javascript:alert(1)".to_owned()),
            "clients[0].redirect_uris[1]: ",
        ),
        (
            |c| c.clients[0].redirect_uris.push("https://app.example/cb?code=evil&state=x".to_owned()),
            "clients[0].redirect_uris[1]: has a parameter in its query that answers have: code, state, iss, ",
        ),
        (
            |c| c.clients[0].secret = Some(secret(1)),
            "clients[0].secret_file: holds a secret that can be guessed",
        ),
        (
            |c| c.clients[0].secret = Some(secret(31)),
            "clients[0].secret_file: holds a secret that can be guessed",
        ),
        (
            |c| c.role_clients[0].secret = Some(secret(31)),
            "role_clients[0].secret_file: holds a secret that can be",
        ),
        (|c| c.clients[1].redirect_uris.clear(), "clients[1].grant_types: authorization_code needs"),
        (
            |c| c.clients[0].grant_types.push(GrantType::ClientCredentials),
            "clients[0].grant_types: client_cred",
        ),
        (
            |c| c.clients[1].grant_types = vec![GrantType::RefreshToken],
            "clients[1].grant_types: refresh_token",
        ),
        (|c| c.clients[0].scopes.own.push("UPPER:x".to_owned()), "clients[0].scopes.own[0]: "),
        (
            |c| c.clients[0].scopes.returning.push("basket:write".to_owned()),
            "clients[0].scopes: basket:write: given",
        ),
        (|c| c.sites[0].name = "a b".to_owned(), "sites[0].name: must be up to 64"),
        (
            |c| c.sites[0].origin = "https://other.example".to_owned(),
            "sites[0].log_on_client: has no redirect URI",
        ),
    ];
    for (change, expected) in cases {
        let mut config = good();
        change(&mut config);
        let problems: Vec<String> = config.validate().iter().map(ToString::to_string).collect();
        assert!(problems.iter().any(|problem| problem.starts_with(expected)), "{expected}: {problems:?}");
    }
}

#[test]
fn sites_need_their_own_names_origins_and_known_clients() {
    let mut config = good();
    config.sites.push(site());
    config.sites[1].anonymous_client = "nobody".to_owned();
    let keys: Vec<String> = config.validate().into_iter().map(|problem| problem.key).collect();
    assert_eq!(
        keys,
        ["sites[1].name", "sites[1].origin", "sites[1].log_on_client", "sites[1].anonymous_client"]
    );
}

#[test]
fn unknown_keys_are_refused_and_a_secret_is_never_in_the_text() {
    let unknown = serde_json::from_str::<Config>(r#"{"issuer": "https://a.example", "isuer": "x"}"#);
    assert!(unknown.is_err());
    let secret = serde_json::from_str::<Client>(r#"{"id": "a", "name": "A", "secret": "s"}"#);
    assert!(secret.is_err());
}

#[test]
fn numbers_that_no_machine_can_serve_with_are_refused() {
    type Change = fn(&mut Config);
    let cases: [(Change, &str); 7] = [
        (|c| c.password_cost.passes = u32::MAX, "password_cost.passes: must be at most 64"),
        (|c| c.password_cost.memory_kib = u32::MAX, "password_cost.memory_kib: must be at most 2097152"),
        (
            |c| (c.password_cost.passes, c.password_cost.memory_kib) = (64, 2_097_152),
            "password_cost.passes: times memory_kib must be at most 4194304: one hash would take many seconds",
        ),
        (|c| c.password_cost.at_once = usize::MAX, "password_cost.at_once: must be at most 256"),
        (|c| c.password_cost.queue = usize::MAX, "password_cost.queue: must be at most 65536"),
        (|c| c.registry_at_once = usize::MAX, "registry_at_once: must be at most 256"),
        (|c| c.registry_queue = usize::MAX, "registry_queue: must be at most 65536"),
    ];
    for (change, expected) in cases {
        let mut config = good();
        change(&mut config);
        let problems: Vec<_> = config.validate().iter().map(ToString::to_string).collect();
        assert_eq!(problems, [expected]);
    }
    let mut rfc = good();
    // RFC 9106 4, first choice.
    (rfc.password_cost.passes, rfc.password_cost.memory_kib, rfc.password_cost.lanes) = (1, 2_097_152, 4);
    assert_eq!(rfc.validate(), []);
}
