//! Logging in by the form: the way to a code, sign-on sessions, log-in CSRF, log-out.

use std::time::Duration;

use http::StatusCode;

use super::house::{Asked, House, ISSUER, MOBILE_CALLBACK, OFFICE_CALLBACK, PASSWORD};

#[tokio::test]
async fn right_credentials_lead_back_with_code_state_and_issuer() {
    let house = House::new().await;
    let mut browser = house.browser();
    let reply = browser.log_in(&Asked::mobile()).await;
    assert!(reply.location().starts_with(&format!("{MOBILE_CALLBACK}?code=")), "{}", reply.location());
    assert_eq!(reply.parameter("state").as_deref(), Some("a-state"));
    // RFC 9207
    assert_eq!(reply.parameter("iss").as_deref(), Some(ISSUER));
    assert_eq!(browser.jar.keys().collect::<Vec<_>>(), ["__Host-vst-idp", "__Host-vst-known"]);
}

#[tokio::test]
async fn a_signed_on_browser_is_not_asked_again_by_another_client() {
    let house = House::new().await;
    let mut browser = house.browser();
    browser.log_in(&Asked::shop()).await;
    let reply = browser.get(&Asked::outlet().url()).await;
    assert!(reply.location().starts_with("https://outlet.example/.vestibule/callback?code="));
    assert_ne!(browser.jar["__Host-vst-idp"], "");
}

#[tokio::test]
async fn the_sign_on_session_ends_by_idleness_and_after_four_hours() {
    let house = House::new().await;
    let mut browser = house.browser();
    browser.log_in(&Asked::shop()).await;
    for _ in 0..8 {
        house.clock.advance(Duration::from_mins(29));
        let reply = browser.get(&Asked::shop().url()).await;
        assert!(reply.location().starts_with("https://shop.example/"), "{}", reply.location());
    }
    // 3 h 52 min: another use, but the four hours do not move.
    house.clock.advance(Duration::from_mins(9));
    assert!(browser.get(&Asked::shop().url()).await.location().starts_with("/login?"));

    browser.log_in(&Asked::shop()).await;
    house.clock.advance(Duration::from_mins(31));
    assert!(browser.get(&Asked::shop().url()).await.location().starts_with("/login?"));
}

/// OpenID Connect Core 3.1.2.1
#[tokio::test]
async fn prompt_and_max_age_decide_whether_credentials_are_asked_for() {
    let house = House::new().await;
    let mut browser = house.browser();
    let nobody = browser.get(&Asked::office().with("&prompt=none").url()).await;
    assert_eq!(nobody.parameter("error").as_deref(), Some("login_required"));
    assert_eq!(nobody.parameter("iss").as_deref(), Some(ISSUER));

    browser.log_in(&Asked::office()).await;
    house.clock.advance(Duration::from_mins(10));
    let cases = [
        ("&prompt=none", OFFICE_CALLBACK),
        ("&max_age=601", OFFICE_CALLBACK),
        ("&max_age=600", "/login?"),
        ("&max_age=0", "/login?"),
        ("&prompt=login", "/login?"),
        ("&prompt=select_account", "/login?"),
    ];
    for (more, expected) in cases {
        let reply = browser.get(&Asked::office().with(more).url()).await;
        assert!(reply.location().starts_with(expected), "{more}: {}", reply.location());
    }
    let silent = browser.get(&Asked::office().with("&prompt=none&max_age=600").url()).await;
    assert_eq!(silent.parameter("error").as_deref(), Some("login_required"));
}

#[tokio::test]
async fn a_second_log_in_of_the_same_user_renews_and_keeps_what_came_from_the_first() {
    let house = House::new().await;
    let mut browser = house.browser();
    let first = browser.log_in(&Asked::office()).await.code();
    let before = browser.jar.clone();
    house.clock.advance(Duration::from_secs(10));
    browser.log_in(&Asked::office().with("&prompt=login")).await;
    assert_ne!(browser.jar["__Host-vst-idp"], before["__Host-vst-idp"]);
    assert_eq!(browser.jar["__Host-vst-known"], before["__Host-vst-known"]);
    // ASVS 7.2.4: the old secret opens nothing any more
    let mut stale = house.browser();
    stale.jar = before;
    assert!(stale.get(&Asked::office().url()).await.location().starts_with("/login?"));
    let fields = super::token::office_redemption(&first);
    let reply = house.post_as("/token", "office", super::house::OFFICE_SECRET, &fields).await;
    assert_eq!(reply.status, StatusCode::OK, "{}", reply.body);
}

#[tokio::test]
async fn an_id_token_hint_of_somebody_else_is_not_answered_with_this_user() {
    let house = House::new().await;
    let mut browser = house.browser();
    let tokens = house.mobile_tokens("openid").await;
    let own = tokens["id_token"].as_str().unwrap().to_owned();
    browser.log_in(&Asked::mobile()).await;
    let hinted = |hint: &str| format!("&prompt=none&id_token_hint={hint}");
    let matching = hinted(&own);
    // An hour later it has expired, and still says who is meant.
    house.clock.advance(Duration::from_mins(20));
    assert!(browser.get(&Asked::mobile().with(&matching).url()).await.parameter("code").is_some());

    use vestibule_ports::authority::Authority as _;
    house.idp.create_user(super::house::new_user("bob", "another long password"), "test").await.unwrap();
    let mut bobs = house.browser();
    let form = bobs.open_form(&Asked::mobile()).await;
    assert_eq!(bobs.try_password(&form, "bob", "another long password").await.status, StatusCode::SEE_OTHER);
    for foreign in [matching.as_str(), &hinted("a.b.c")] {
        let reply = bobs.get(&Asked::mobile().with(foreign).url()).await;
        assert_eq!(reply.parameter("error").as_deref(), Some("login_required"), "{}", reply.location());
    }
}

/// OpenID Connect Core 3.1.2.1: the client asked about one user, so it hears nothing of another who comes instead.
#[tokio::test]
async fn a_log_in_as_somebody_else_than_the_hint_names_gives_no_code() {
    let house = House::new().await;
    let tokens = house.mobile_tokens("openid").await;
    let own = format!("&id_token_hint={}", tokens["id_token"].as_str().unwrap());
    use vestibule_ports::authority::Authority as _;
    house.idp.create_user(super::house::new_user("bob", "another long password"), "test").await.unwrap();
    let asked = Asked::mobile().with(&own);
    let mut browser = house.browser();
    let form = browser.open_form(&asked).await;
    let bob = browser.try_password(&form, "bob", "another long password").await;
    assert_eq!(bob.parameter("error").as_deref(), Some("login_required"), "{}", bob.location());
    assert_eq!((bob.parameter("code"), bob.parameter("state")), (None, Some("a-state".to_owned())));
    // And the one who is meant gets a code, in the same browser.
    let form = browser.open_form(&asked).await;
    assert!(browser.try_password(&form, "alice", PASSWORD).await.parameter("code").is_some());
    // A hint that names nobody shuts nobody out.
    let unknown = Asked::mobile().with("&id_token_hint=a.b.c");
    let form = browser.open_form(&unknown).await;
    let bob = browser.try_password(&form, "bob", "another long password").await;
    assert!(bob.parameter("code").is_some(), "{}", bob.location());
}

/// A form that this browser was not shown, or that comes from somewhere else, logs nobody in.
#[tokio::test]
async fn log_in_csrf_is_refused() {
    let house = House::new().await;
    let mut attacker = house.browser();
    let attackers = attacker.open_form(&Asked::shop()).await;
    let mut victim = house.browser();
    let own = victim.open_form(&Asked::shop()).await;
    let fields = |csrf: &str| {
        [("csrf", csrf), ("username", "alice"), ("password", PASSWORD)]
            .map(|(k, v)| (k.to_owned(), v.to_owned()))
    };
    let cases: [(&str, &[(&str, &str)]); 6] = [
        (&attackers.csrf, &[("origin", ISSUER)]),
        ("", &[("origin", ISSUER)]),
        (&own.csrf, &[("origin", "https://evil.example")]),
        (&own.csrf, &[("origin", "null")]),
        (&own.csrf, &[("sec-fetch-site", "cross-site")]),
        (&own.csrf, &[("origin", ISSUER), ("sec-fetch-site", "same-site")]),
    ];
    for (csrf, headers) in cases {
        let fields = fields(csrf);
        let fields: Vec<(&str, &str)> = fields.iter().map(|(k, v)| (k.as_str(), v.as_str())).collect();
        let reply = victim.post_with(&own.action, &fields, headers).await;
        assert_eq!(reply.status, StatusCode::FORBIDDEN, "{headers:?}");
        assert!(victim.get(&Asked::shop().url()).await.location().starts_with("/login?"));
    }
    // Without the cookie that came with the form.
    victim.jar.clear();
    assert_eq!(victim.try_password(&own, "alice", PASSWORD).await.status, StatusCode::FORBIDDEN);
}

/// Two tabs with a form each, logged in on one: the other goes on, whatever is typed into it.
#[tokio::test]
async fn a_form_from_before_a_log_in_in_another_tab_goes_on_without_being_believed() {
    let house = House::new().await;
    for typed in [PASSWORD, "wrong"] {
        let mut browser = house.browser();
        let first = browser.open_form(&Asked::shop()).await;
        let second = browser.open_form(&Asked::outlet()).await;
        assert_eq!(browser.try_password(&first, "alice", PASSWORD).await.status, StatusCode::SEE_OTHER);
        let hashed = house.idp.passwords_hashed();
        let reply = browser.try_password(&second, "alice", typed).await;
        assert_eq!(reply.status, StatusCode::SEE_OTHER, "{}", reply.body);
        assert!(reply.location().starts_with("/authorize?"), "{}", reply.location());
        assert_eq!(house.idp.passwords_hashed(), hashed, "nothing was compared");
        let reply = browser.get(reply.location()).await;
        assert!(reply.location().starts_with("https://outlet.example/.vestibule/callback?code="));
    }
    // Where credentials are asked for in any case, they are asked for again.
    let mut browser = house.browser();
    let first = browser.open_form(&Asked::shop()).await;
    let second = browser.open_form(&Asked::outlet().with("&prompt=login")).await;
    assert_eq!(browser.try_password(&first, "alice", PASSWORD).await.status, StatusCode::SEE_OTHER);
    let reply = browser.try_password(&second, "alice", PASSWORD).await;
    assert!(browser.get(reply.location()).await.location().starts_with("/login?"));
    // Another site's page is not helped, though the browser is signed on.
    let fields = [("csrf", second.csrf.as_str()), ("username", "alice"), ("password", PASSWORD)];
    let foreign = [("origin", "https://evil.example")];
    assert_eq!(browser.post_with(&second.action, &fields, &foreign).await.status, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn a_form_that_counts_no_more_leads_to_where_one_can_begin_again() {
    let house = House::new().await;
    let mut browser = house.browser();
    let form = browser.open_form(&Asked::shop()).await;
    browser.jar.clear();
    let reply = browser.try_password(&form, "alice", PASSWORD).await;
    assert_eq!(reply.status, StatusCode::FORBIDDEN);
    let again = reply.attribute("<a href=\"");
    assert!(again.starts_with("/authorize?"), "{again}");
    let page = browser.get(&again).await;
    assert!(page.location().starts_with("/login?"));
    for path in ["/password", "/logout"] {
        let reply = browser.post(path, &[("csrf", "")]).await;
        assert_eq!((reply.status, reply.attribute("<a href=\"")), (StatusCode::FORBIDDEN, path.to_owned()));
    }
    // What the app asked for has no beginning here.
    let action = form.action.replace("response_type=code", "response_type=token");
    let reply = browser.post(&action, &[("csrf", "")]).await;
    assert_eq!(reply.status, StatusCode::FORBIDDEN);
    assert!(!reply.body.contains("<a href") && !reply.body.contains("Begin again"), "{}", reply.body);
    assert!(reply.body.contains("Go back to the app"), "{}", reply.body);
}

#[tokio::test]
async fn log_out_needs_our_own_form_and_ends_the_sign_on_session() {
    let house = House::new().await;
    let mut browser = house.browser();
    browser.log_in(&Asked::shop()).await;
    let page = browser.get("/logout").await;
    assert!(browser.get(&Asked::shop().url()).await.parameter("code").is_some(), "a GET logs nobody out");
    let csrf = page.form().csrf;
    let foreign =
        browser.post_with("/logout", &[("csrf", &csrf)], &[("origin", "https://evil.example")]).await;
    assert_eq!(foreign.status, StatusCode::FORBIDDEN);
    assert_eq!(browser.post("/logout", &[("csrf", "")]).await.status, StatusCode::FORBIDDEN);
    assert!(browser.get(&Asked::shop().url()).await.parameter("code").is_some());

    let before = browser.jar.clone();
    let done = browser.post_with("/logout", &[("csrf", &csrf)], &[("origin", ISSUER)]).await;
    assert_eq!(done.status, StatusCode::OK);
    assert!(!browser.jar.contains_key("__Host-vst-idp"));
    browser.jar = before;
    assert!(
        browser.get(&Asked::shop().url()).await.location().starts_with("/login?"),
        "ended, not forgotten"
    );
}

#[tokio::test]
async fn a_disabled_user_is_refused_like_a_wrong_password() {
    use vestibule_ports::authority::Authority as _;
    let house = House::new().await;
    let mut browser = house.browser();
    let form = browser.open_form(&Asked::shop()).await;
    let wrong = browser.try_password(&form, "alice", "wrong").await;
    house.idp.set_disabled(&house.alice, true, "test").await.unwrap();
    let disabled = browser.try_password(&form, "alice", PASSWORD).await;
    assert_eq!((disabled.status, &disabled.body), (wrong.status, &wrong.body));
    house.idp.set_disabled(&house.alice, false, "test").await.unwrap();
    assert_eq!(browser.try_password(&form, "alice", PASSWORD).await.status, StatusCode::SEE_OTHER);
}
