//! Families of refresh tokens: rotation, reuse, races, the step down to returning, and their end.

use std::future::poll_fn;
use std::task::Poll;
use std::time::Duration;

use futures_util::future::join_all;
use http::StatusCode;
use serde_json::Value;
use vestibule_ports::authority::Authority as _;
use vestibule_ports::issuer::{End, Issuer as _};

use super::house::{Asked, House, OFFICE_SECRET, Reply};
use super::kinds::{assert_dead, swap};

async fn refresh(house: &House, token: &str, scope: Option<&str>) -> Reply {
    let mut fields =
        vec![("grant_type", "refresh_token"), ("client_id", "mobile-app"), ("refresh_token", token)];
    fields.extend(scope.map(|scope| ("scope", scope)));
    house.post("/token", &fields).await
}

fn text(tokens: &Value, name: &str) -> String {
    tokens[name].as_str().unwrap_or_else(|| panic!("no {name}: {tokens}")).to_owned()
}

async fn first(house: &House) -> Value {
    house.mobile_tokens("openid offline_access orders:read products:read").await
}

#[tokio::test]
async fn each_use_gives_the_next_token() {
    let house = House::new().await;
    let mut tokens = first(&house).await;
    for _ in 0..5 {
        house.clock.advance(Duration::from_mins(5));
        let reply = refresh(&house, &text(&tokens, "refresh_token"), None).await;
        assert_eq!(
            (reply.status, reply.header("cache-control")),
            (StatusCode::OK, "no-store"),
            "{}",
            reply.body
        );
        let next = reply.json();
        assert_ne!(next["refresh_token"], tokens["refresh_token"]);
        assert_ne!(next["access_token"], tokens["access_token"]);
        assert_eq!(next["scope"], tokens["scope"]);
        tokens = next;
    }
}

/// RFC 9700 4.14.2: whoever comes late has a copy, and nobody knows which of the two is the thief. Late is after the
/// answer, however fast: here no clock goes on at all.
#[tokio::test]
async fn a_used_token_ends_its_family() {
    let house = House::new().await;
    let tokens = first(&house).await;
    let old = text(&tokens, "refresh_token");
    let next = refresh(&house, &old, None).await.json();
    let reused = refresh(&house, &old, None).await;
    assert_eq!((reused.status, reused.error()), (StatusCode::BAD_REQUEST, "invalid_grant".to_owned()));
    assert_eq!(refresh(&house, &text(&next, "refresh_token"), None).await.error(), "invalid_grant");
    assert_dead(&house, &text(&next, "access_token")).await;
    assert_dead(&house, &text(&tokens, "access_token")).await;
}

#[tokio::test]
async fn an_ancient_token_of_the_family_ends_it_too() {
    let house = House::new().await;
    let tokens = first(&house).await;
    let mut newest = text(&tokens, "refresh_token");
    for _ in 0..3 {
        house.clock.advance(Duration::from_secs(1));
        newest = text(&refresh(&house, &newest, None).await.json(), "refresh_token");
    }
    house.clock.advance(Duration::from_secs(1));
    assert_eq!(refresh(&house, &text(&tokens, "refresh_token"), None).await.error(), "invalid_grant");
    assert_eq!(refresh(&house, &newest, None).await.error(), "invalid_grant");
}

/// All of them are under way before any is answered: one child, told to each of them, and the family lives on.
#[tokio::test]
async fn a_hundred_refreshes_at_once_get_one_child() {
    let house = House::ticking().await;
    let token = text(&first(&house).await, "refresh_token");
    let hold = house.hold();
    let mut requests: Vec<_> = (0..100).map(|_| Box::pin(refresh(&house, &token, None))).collect();
    for request in &mut requests {
        assert!(poll_fn(|cx| Poll::Ready(request.as_mut().poll(cx).is_pending())).await);
    }
    hold.release();
    let replies = join_all(requests).await;
    let child = |reply: &Reply| {
        assert_eq!(reply.status, StatusCode::OK, "{}", reply.body);
        let tokens = reply.json();
        (text(&tokens, "refresh_token"), text(&tokens, "access_token"))
    };
    let children: Vec<_> = replies.iter().map(child).collect();
    assert!(children.iter().all(|other| *other == children[0]));
    assert_eq!(refresh(&house, &children[0].0, None).await.status, StatusCode::OK);
}

/// Each is asked whether it may have what it asks for; what the first one got is told to those who asked for that.
#[tokio::test]
async fn of_refreshes_at_once_none_gets_what_another_asked_for() {
    const WIDE: &str = "products:read basket:write";
    let house = House::new().await;
    let token = text(&first(&house).await, "refresh_token");
    let hold = house.hold();
    let scopes = [None, Some(WIDE), Some("products:read"), Some("orders:read"), None, Some("products:read")];
    let mut requests: Vec<_> = scopes.iter().map(|scope| Box::pin(refresh(&house, &token, *scope))).collect();
    for request in &mut requests {
        assert!(poll_fn(|cx| Poll::Ready(request.as_mut().poll(cx).is_pending())).await);
    }
    hold.release();
    let mut told = Vec::new();
    for (scope, reply) in scopes.iter().zip(join_all(requests).await) {
        if reply.status == StatusCode::OK {
            let tokens = reply.json();
            let whole = "offline_access openid orders:read products:read";
            assert_eq!(tokens["scope"], scope.unwrap_or(whole));
            told.push((*scope, text(&tokens, "refresh_token")));
        } else {
            assert_eq!(reply.error(), "invalid_scope", "{scope:?}: {}", reply.body);
        }
    }
    let (winner, child) = told[0].clone();
    assert_ne!(winner, Some(WIDE));
    let same = scopes.iter().filter(|scope| **scope == winner).count();
    assert_eq!(told, vec![(winner, child.clone()); same]);
    assert_eq!(refresh(&house, &child, None).await.status, StatusCode::OK, "the family lives");
}

/// RFC 6749 3.3 and 5.2: no token is worth nothing, and the one that was presented is not used up for it.
#[tokio::test]
async fn scopes_that_leave_nothing_are_an_error_and_use_nothing_up() {
    let house = House::new().await;
    let token = text(&first(&house).await, "refresh_token");
    house.clock.advance(Duration::from_hours(4));
    for gone in ["orders:read", "openid", "offline_access openid orders:read"] {
        let reply = refresh(&house, &token, Some(gone)).await;
        assert_eq!(
            (reply.status, reply.error()),
            (StatusCode::BAD_REQUEST, "invalid_scope".to_owned()),
            "{gone}"
        );
    }
    let narrowed = refresh(&house, &token, Some("openid products:read")).await.json();
    assert_eq!(narrowed["scope"], "products:read");
}

#[tokio::test]
async fn a_family_whose_scopes_all_end_with_the_log_on_has_nothing_to_refresh() {
    let house = House::new().await;
    let token = text(&house.mobile_tokens("openid offline_access orders:read").await, "refresh_token");
    house.clock.advance(Duration::from_hours(4));
    for scope in [None, Some("orders:read")] {
        assert_eq!(refresh(&house, &token, scope).await.error(), "invalid_grant");
    }
}

/// Two who come together with a token that was used up before are no twins of whoever used it.
#[tokio::test]
async fn replays_do_not_help_each_other() {
    let house = House::ticking().await;
    let old = text(&first(&house).await, "refresh_token");
    let child = text(&refresh(&house, &old, None).await.json(), "refresh_token");
    for reply in join_all((0..10).map(|_| refresh(&house, &old, None))).await {
        assert_eq!(reply.error(), "invalid_grant", "{}", reply.body);
    }
    assert_eq!(refresh(&house, &child, None).await.error(), "invalid_grant");
}

#[tokio::test]
async fn a_refresh_may_narrow_and_never_widen() {
    let house = House::new().await;
    let token = text(&house.mobile_tokens("offline_access products:read").await, "refresh_token");
    house.clock.advance(Duration::from_secs(1));
    for wider in ["offline_access products:read orders:read", "orders:read"] {
        assert_eq!(refresh(&house, &token, Some(wider)).await.error(), "invalid_scope", "{wider}");
    }
    let narrow = refresh(&house, &token, Some("products:read")).await.json();
    assert_eq!(narrow["scope"], "products:read");
    house.clock.advance(Duration::from_secs(1));
    let whole = refresh(&house, &text(&narrow, "refresh_token"), None).await.json();
    assert_eq!(whole["scope"], "offline_access products:read", "the grant is as wide as it was");
}

#[tokio::test]
async fn a_token_belongs_to_its_client() {
    let house = House::new().await;
    let token = text(&first(&house).await, "refresh_token");
    let fields = [("grant_type", "refresh_token"), ("refresh_token", token.as_str())];
    let foreign = house.post_as("/token", "office", OFFICE_SECRET, &fields).await;
    assert_eq!(foreign.error(), "invalid_grant");
    assert_eq!(refresh(&house, &token, None).await.status, StatusCode::OK, "and nobody else can end it");
}

#[tokio::test]
async fn garbage_is_unknown_and_nothing_else() {
    let house = House::new().await;
    let token = text(&first(&house).await, "refresh_token");
    let flipped = token.to_uppercase();
    let longer = format!("{token}A");
    let padded = format!("{token}=");
    // They begin as a living one does.
    let forged = [24, 43, 60].map(|kept| format!("{}{}", &token[..kept], "A".repeat(64 - kept)));
    let cases = [
        "x",
        &token[1..],
        &token[..42],
        &longer,
        &padded,
        &flipped,
        "a.b.c",
        &"A".repeat(43),
        &"A".repeat(600),
        &forged[0],
        &forged[1],
        &forged[2],
    ];
    for garbage in cases {
        let reply = refresh(&house, garbage, None).await;
        assert_eq!(
            (reply.status, reply.error()),
            (StatusCode::BAD_REQUEST, "invalid_grant".to_owned()),
            "{garbage}"
        );
        let fields = [("client_id", "mobile-app"), ("token", garbage)];
        assert_eq!(house.post("/revoke", &fields).await.status, StatusCode::OK, "{garbage}");
    }
    assert_eq!(refresh(&house, &token, None).await.status, StatusCode::OK);
}

/// A first party's family steps down like a session: the user for four hours, then a visitor without a name.
#[tokio::test]
async fn after_four_hours_a_family_is_returning_and_has_no_user() {
    let house = House::new().await;
    let tokens = first(&house).await;
    house.clock.advance(Duration::from_hours(4) - Duration::from_secs(1));
    let late = refresh(&house, &text(&tokens, "refresh_token"), None).await.json();
    assert_eq!(
        (&late["expires_in"], late["scope"].as_str().unwrap().contains("orders:read")),
        (&1.into(), true)
    );
    house.clock.advance(Duration::from_secs(1));
    let returning = refresh(&house, &text(&late, "refresh_token"), None).await.json();
    assert_eq!(returning["scope"], "products:read");
    let jwt =
        super::house::claims(swap(&house, &text(&returning, "access_token")).await.unwrap().jwt.expose());
    assert_eq!(jwt["standing"], "returning");
    assert!(jwt["sub"].as_str().unwrap().starts_with("v:"), "{jwt}");
    assert!(!jwt.to_string().contains(house.alice.as_str()), "{jwt}");
    assert!(jwt.get("auth_time").is_none(), "{jwt}");
    // A week without a use is its end.
    house.clock.advance(Duration::from_hours(7 * 24));
    assert_eq!(refresh(&house, &text(&returning, "refresh_token"), None).await.error(), "invalid_grant");
}

#[tokio::test]
async fn use_extends_a_returning_family_up_to_its_ceiling() {
    let house = House::new().await;
    let mut token = text(&first(&house).await, "refresh_token");
    for _ in 0..14 {
        house.clock.advance(Duration::from_hours(6 * 24));
        token = text(&refresh(&house, &token, None).await.json(), "refresh_token");
    }
    house.clock.advance(Duration::from_hours(6 * 24));
    assert_eq!(refresh(&house, &token, None).await.error(), "invalid_grant", "90 days");
}

#[tokio::test]
async fn a_client_without_returning_scopes_ends_after_four_hours() {
    let house = House::new().await;
    let asked = Asked { scope: "offline_access orders:read", ..Asked::office() };
    let code = house.browser().log_in(&asked).await.code();
    let fields = super::token::office_redemption(&code);
    let tokens = house.post_as("/token", "office", OFFICE_SECRET, &fields).await.json();
    house.clock.advance(Duration::from_hours(4));
    let token = text(&tokens, "refresh_token");
    let fields = [("grant_type", "refresh_token"), ("refresh_token", token.as_str())];
    assert_eq!(house.post_as("/token", "office", OFFICE_SECRET, &fields).await.error(), "invalid_grant");
}

/// `offline_access` outlives the log-out of the browser it came from, and nothing else.
#[tokio::test]
async fn what_ends_a_family_and_what_does_not() {
    let house = House::new().await;
    let mut browser = house.browser();
    let asked = Asked::mobile();
    let code = browser.log_in(&asked).await.code();
    let offline = house.post("/token", &super::house::redemption(&asked, &code)).await.json();
    let online = Asked { scope: "orders:read", ..asked };
    let code = browser.get(&online.url()).await.code();
    let online = house.post("/token", &super::house::redemption(&online, &code)).await.json();

    let csrf = browser.get("/logout").await.form().csrf;
    assert_eq!(browser.post("/logout", &[("csrf", &csrf)]).await.status, StatusCode::OK);
    assert_dead(&house, &text(&online, "access_token")).await;
    assert!(swap(&house, &text(&offline, "access_token")).await.is_ok());
    let next = refresh(&house, &text(&offline, "refresh_token"), None).await.json();

    house
        .idp
        .end(
            End::User { id: house.alice.clone(), by: None },
            vestibule_ports::issuer::Cause::LogOutEverywhere,
        )
        .await
        .unwrap();
    assert_eq!(refresh(&house, &text(&next, "refresh_token"), None).await.error(), "invalid_grant");
    assert_dead(&house, &text(&next, "access_token")).await;
}

#[tokio::test]
async fn a_disabled_user_refreshes_nothing() {
    let house = House::new().await;
    let tokens = first(&house).await;
    house.idp.set_disabled(&house.alice, true, "test").await.unwrap();
    assert_eq!(refresh(&house, &text(&tokens, "refresh_token"), None).await.error(), "invalid_grant");
    assert_dead(&house, &text(&tokens, "access_token")).await;
    house.idp.set_disabled(&house.alice, false, "test").await.unwrap();
    assert_eq!(
        refresh(&house, &text(&tokens, "refresh_token"), None).await.error(),
        "invalid_grant",
        "for good"
    );
}
