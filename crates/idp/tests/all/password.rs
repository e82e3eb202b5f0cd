//! The page on which people change their own password.

use http::StatusCode;
use vestibule_domain::identity::{Epoch, Handle, SiteId, VisitorId};
use vestibule_ports::issuer::{Issuer as _, IssuerError, Mint, Refusal};

use super::house::{Asked, Browser, House, PASSWORD, Reply};
use super::site::log_on;

const NEW: &str = "an entirely new password";

async fn change(browser: &mut Browser, current: &str, new: &str, again: &str) -> Reply {
    let csrf = browser.get("/password").await.form().csrf;
    let fields = [
        ("csrf", csrf.as_str()),
        ("username", "alice"),
        ("password", current),
        ("new_password", new),
        ("repeat_password", again),
    ];
    browser.post("/password", &fields).await
}

#[tokio::test]
async fn a_change_ends_everything_and_the_new_password_logs_in() {
    let house = House::new().await;
    let mut browser = house.browser();
    let shop = SiteId::parse("shop").unwrap();
    let log_on = log_on(&house, &mut browser, &Asked::shop()).await;
    let tokens = house.mobile_tokens("offline_access orders:read").await;
    let mint = Mint::LoggedOn {
        grant: log_on.grant,
        visitor: VisitorId::from_bytes([1; 16]),
        sid: Handle::from_bytes([2; 16]),
        ep: Epoch::FIRST,
    };
    assert!(house.idp.mint(mint.clone(), None).await.is_ok());

    let reply = change(&mut browser, PASSWORD, NEW, NEW).await;
    assert_eq!(reply.status, StatusCode::OK, "{}", reply.body);
    assert_eq!(house.idp.mint(mint, None).await.unwrap_err(), IssuerError::Refused(Refusal::Grant));
    let anonymous = Mint::Anonymous { site: shop };
    assert!(house.idp.mint(anonymous, None).await.is_ok());
    let refresh = tokens["refresh_token"].as_str().unwrap();
    let fields = [("grant_type", "refresh_token"), ("client_id", "mobile-app"), ("refresh_token", refresh)];
    assert_eq!(house.post("/token", &fields).await.error(), "invalid_grant");
    assert!(browser.get(&Asked::shop().url()).await.location().starts_with("/login?"));
    let form = browser.open_form(&Asked::shop()).await;
    assert_eq!(browser.try_password(&form, "alice", PASSWORD).await.status, StatusCode::FORBIDDEN);
    assert_eq!(browser.try_password(&form, "alice", NEW).await.status, StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn a_password_that_will_not_do_changes_nothing() {
    let house = House::new().await;
    let mut browser = house.browser();
    let long = "x".repeat(129);
    let cases = [
        (PASSWORD, "short", "short", StatusCode::BAD_REQUEST, "too short"),
        (PASSWORD, "password123", "password123", StatusCode::BAD_REQUEST, "guesses first"),
        (PASSWORD, long.as_str(), long.as_str(), StatusCode::BAD_REQUEST, "more than 128"),
        (PASSWORD, NEW, "another new password", StatusCode::BAD_REQUEST, "the same both times"),
        ("wrong", NEW, NEW, StatusCode::FORBIDDEN, "Check your user name"),
        ("", NEW, NEW, StatusCode::BAD_REQUEST, "Something is missing"),
    ];
    for (current, new, again, status, text) in cases {
        let reply = change(&mut browser, current, new, again).await;
        assert_eq!(reply.status, status, "{text}");
        assert!(reply.body.contains(text), "{text}: {}", reply.body);
    }
    browser.log_in(&Asked::shop()).await;
}

#[tokio::test]
async fn a_form_from_elsewhere_changes_nothing() {
    let house = House::new().await;
    let mut browser = house.browser();
    let csrf = browser.get("/password").await.form().csrf;
    let fields = [
        ("csrf", csrf.as_str()),
        ("username", "alice"),
        ("password", PASSWORD),
        ("new_password", NEW),
        ("repeat_password", NEW),
    ];
    let foreign = browser.post_with("/password", &fields, &[("origin", "https://evil.example")]).await;
    assert_eq!(foreign.status, StatusCode::FORBIDDEN);
    assert_eq!(house.browser().post("/password", &fields).await.status, StatusCode::FORBIDDEN);
    browser.log_in(&Asked::shop()).await;
}
