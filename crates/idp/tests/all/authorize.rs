//! The authorization endpoint's refusals: what is shown to the person, what is told to the client, what is neither.

use http::{Request, StatusCode};

use super::house::{Asked, House, ISSUER, MOBILE_CALLBACK, OFFICE_CALLBACK};

fn with_callback(callback: &str) -> String {
    let asked = Asked { callback, ..Asked::office() };
    asked.url()
}

/// RFC 9700 2.1: exactly a registered one, or nothing is redirected anywhere.
#[tokio::test]
async fn a_redirect_uri_that_is_not_registered_is_never_followed() {
    let house = House::new().await;
    let mut browser = house.browser();
    browser.log_in(&Asked::office()).await;
    let hostile = [
        "https://office.example/cb/",
        "https://office.example/cb/more",
        "https://office.example/cb/../cb",
        "https://office.example/cb/%2e%2e",
        "https://office.example/cb?x=1",
        "https://office.example/cb#f",
        "https://OFFICE.example/cb",
        "https://office.example:443/cb",
        "https://office.example:8443/cb",
        "http://office.example/cb",
        "https://user@office.example/cb",
        "https://office.example.evil.example/cb",
        "https://office.example@evil.example/cb",
        "https://office.example\\@evil.example/cb",
        "https://evil.example/cb",
        "https://office.example/*",
        "javascript:alert(1)",
        "data:text/html,x",
        "//office.example/cb",
        " https://office.example/cb",
        "http://127.0.0.1:4711/cb",
    ];
    for callback in hostile {
        let reply = browser.get(&with_callback(callback)).await;
        assert_eq!((reply.status, reply.location()), (StatusCode::BAD_REQUEST, ""), "{callback}");
        assert!(reply.body.contains("<h1>This link does not work</h1>"), "{callback}");
    }
    assert!(browser.get(&Asked::office().url()).await.parameter("code").is_some());
}

#[tokio::test]
async fn a_loopback_callback_may_name_any_port_and_nothing_else() {
    let house = House::new().await;
    let mut browser = house.browser();
    let asked = |callback| Asked { callback, ..Asked::mobile() }.url();
    assert_eq!(browser.get(&asked("http://127.0.0.1:65000/cb")).await.status, StatusCode::SEE_OTHER);
    for callback in ["http://127.0.0.1:65000/other", "http://localhost:65000/cb", "http://127.0.0.2:65000/cb"]
    {
        assert_eq!(browser.get(&asked(callback)).await.status, StatusCode::BAD_REQUEST, "{callback}");
    }
}

#[tokio::test]
async fn an_unknown_client_or_unreadable_request_is_shown_and_not_redirected() {
    let house = House::new().await;
    let mut browser = house.browser();
    let good = Asked::office().url();
    let cases = [
        good.replace("client_id=office", "client_id=nobody"),
        good.replace("client_id=office", "client_id="),
        format!("{good}&client_id=office"),
        format!("{good}&redirect_uri=https%3A%2F%2Foffice.example%2Fcb"),
        format!("{good}&x=%zz"),
        format!("{good}&x=%00"),
        format!("{good}{}", "&a=b".repeat(100)),
        "/authorize".to_owned(),
    ];
    for target in cases {
        let reply = browser.get(&target).await;
        assert_eq!((reply.status, reply.location()), (StatusCode::BAD_REQUEST, ""), "{target}");
    }
}

/// Everything else is told to the client, at its registered callback, with `iss`, by 303.
#[tokio::test]
async fn errors_of_a_known_client_go_to_its_callback() {
    let house = House::new().await;
    let mut browser = house.browser();
    let good = Asked::office().url();
    let challenge = "code_challenge=";
    let without_challenge: String =
        good.split('&').filter(|pair| !pair.starts_with(challenge)).collect::<Vec<_>>().join("&");
    let cases = [
        (without_challenge.clone(), "invalid_request"),
        (format!("{without_challenge}&{challenge}"), "invalid_request"),
        (format!("{without_challenge}&{challenge}short"), "invalid_request"),
        (good.replace("challenge_method=S256", "challenge_method=plain"), "invalid_request"),
        (good.replace("&code_challenge_method=S256", ""), "invalid_request"),
        (good.replace("response_type=code", "response_type=token"), "unsupported_response_type"),
        (good.replace("response_type=code", "response_type=id_token"), "unsupported_response_type"),
        (good.replace("response_type=code", "response_type=code+id_token"), "unsupported_response_type"),
        (format!("{good}&response_mode=form_post"), "invalid_request"),
        (format!("{good}&response_mode=fragment"), "invalid_request"),
        (format!("{good}&request_uri=https%3A%2F%2Fevil.example"), "request_uri_not_supported"),
        (format!("{good}&request=a.b.c"), "request_not_supported"),
        (format!("{good}&prompt=none+login"), "invalid_request"),
        (format!("{good}&max_age=-1"), "invalid_request"),
        (format!("{good}&nonce=again"), "invalid_request"),
        (good.replace("scope=openid+orders%3Aread", "scope=openid++orders%3Aread"), "invalid_scope"),
        (good.replace("scope=openid+orders%3Aread", "scope=orders%3Aread%09openid"), "invalid_scope"),
    ];
    for (target, expected) in cases {
        let reply = browser.get(&target).await;
        assert_eq!(reply.status, StatusCode::SEE_OTHER, "{target}");
        assert!(reply.location().starts_with(OFFICE_CALLBACK), "{target}: {}", reply.location());
        assert_eq!(reply.parameter("error").as_deref(), Some(expected), "{target}");
        assert_eq!(reply.parameter("iss").as_deref(), Some(ISSUER), "{target}");
        assert_eq!(reply.parameter("state").as_deref(), Some("a-state"), "{target}");
        assert_eq!(reply.parameter("code"), None, "{target}");
    }
}

#[tokio::test]
async fn scopes_that_nobody_can_have_are_an_error_and_others_are_narrowed() {
    let house = House::new().await;
    let mut browser = house.browser();
    browser.log_in(&Asked::office()).await;
    let asked = |scope| Asked { scope, ..Asked::office() }.url();
    let none = browser.get(&asked("orders:write admin:all")).await;
    assert_eq!(none.parameter("error").as_deref(), Some("invalid_scope"));
    assert!(browser.get(&asked("orders:read orders:write")).await.parameter("code").is_some());
}

#[tokio::test]
async fn a_client_without_the_code_flow_may_not_ask() {
    let house = House::new().await;
    let url = Asked { client: "till", ..Asked::office() }.url();
    // It has no callback to be told at.
    assert_eq!(house.browser().get(&url).await.status, StatusCode::BAD_REQUEST);
}

/// Other clients than the house's own need a consent that nobody can give yet, however they were registered.
#[tokio::test]
async fn a_third_party_is_refused_clearly() {
    use vestibule_domain::identity::Timestamp;
    use vestibule_registry::audit::Act;
    let house = House::new().await;
    let office = house.registry.client("office").unwrap().unwrap();
    let partner =
        vestibule_registry::client::Client { id: "partner".to_owned(), first_party: false, ..office };
    let act = Act { at: Timestamp::from_secs(0), by: "test", from: None };
    house.registry.configure_clients(&[partner], &act).unwrap();
    let reply = house.browser().get(&Asked { client: "partner", ..Asked::office() }.url()).await;
    assert_eq!(reply.parameter("error").as_deref(), Some("unauthorized_client"));
    assert!(reply.parameter("error_description").unwrap().contains("consent"));
}

/// OpenID Connect Core 3.1.2.1: POST works like GET; both at once does not.
#[tokio::test]
async fn the_endpoint_takes_forms_and_never_two_sets_of_parameters() {
    let house = House::new().await;
    let mut browser = house.browser();
    let url = Asked::mobile().url();
    let (_, query) = url.split_once('?').unwrap();
    let form = |target: &str, media_type: &str| {
        Request::post(target).header("content-type", media_type).body(query.to_owned().into()).unwrap()
    };
    let encoded = "application/x-www-form-urlencoded";
    let reply = browser.send(form("/authorize", encoded)).await;
    assert!(reply.location().starts_with("/login?"), "{}", reply.location());
    assert_eq!(browser.send(form("/authorize?prompt=none", encoded)).await.status, StatusCode::BAD_REQUEST);
    assert_eq!(browser.send(form("/authorize", "application/json")).await.status, StatusCode::BAD_REQUEST);
    browser.log_in(&Asked::mobile()).await;
    let reply = browser.send(form("/authorize", encoded)).await;
    assert!(reply.location().starts_with(MOBILE_CALLBACK), "{}", reply.location());
}

/// The request travels in the URL of the form and is checked anew: changing it there gains nothing.
#[tokio::test]
async fn a_changed_request_at_the_form_is_checked_like_any_other() {
    let house = House::new().await;
    let mut browser = house.browser();
    let form = browser.open_form(&Asked::office()).await;
    let mut evil = form.clone();
    evil.action = form.action.replace("office.example", "evil.example");
    assert_ne!(evil.action, form.action);
    let reply = browser.try_password(&evil, "alice", super::house::PASSWORD).await;
    assert_eq!((reply.status, reply.location()), (StatusCode::BAD_REQUEST, ""));
}

/// Log-ins that are begun and left cost a cookie in a browser and nothing here.
#[tokio::test]
async fn unfinished_log_ins_leave_nothing_behind() {
    let house = House::new().await;
    for _ in 0..50 {
        house.browser().open_form(&Asked::shop()).await;
    }
    let office = Asked::office();
    let mut browser = house.browser();
    browser.log_in(&office).await;
    let swept = house.registry.sweep(vestibule_domain::identity::Timestamp::from_secs(i64::MAX / 1_000), 500);
    // The one log-in: sign-on session, its code, the device, and the audit records of the start and the log-in.
    let rows = swept.unwrap().rows;
    assert!(rows < 20, "{rows}");
}
