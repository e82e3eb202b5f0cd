//! The registry cannot be asked: everything that needs it says so, nothing is claimed to have ended, and no cookie is
//! touched.

use std::future::poll_fn;
use std::task::Poll;

use http::StatusCode;
use vestibule_idp::config::Config;
use vestibule_ports::authority::{Authority as _, AuthorityError};
use vestibule_ports::issuer::{Cause, End, Issuer as _, IssuerError};

use super::house::{Asked, House, PASSWORD, TILL_SECRET, config, redemption};
use super::site::returning;

#[tokio::test]
async fn an_outage_is_503_and_never_a_log_out() {
    let house = House::of(Config { registry_at_once: 1, registry_queue: 0, ..config() }).await;
    let mut browser = house.browser();
    let code = browser.log_in(&Asked::mobile()).await.code();
    let form = browser.open_form(&Asked::shop().with("&prompt=login")).await;
    let csrf = browser.get("/logout").await.form().csrf;
    let jar = browser.jar.clone();

    let hold = house.hold();
    let mut first =
        Box::pin(house.post("/token", &[("grant_type", "client_credentials"), ("client_id", "till")]));
    assert!(poll_fn(|cx| Poll::Ready(first.as_mut().poll(cx).is_pending())).await);

    let machine = [("grant_type", "client_credentials")];
    let replies = [
        browser.get(&Asked::shop().url()).await,
        browser.get(&form.action).await,
        browser.try_password(&form, "alice", PASSWORD).await,
        browser.post("/logout", &[("csrf", &csrf)]).await,
        house.post("/token", &redemption(&Asked::mobile(), &code)).await,
        house.post_as("/token", "till", TILL_SECRET, &machine).await,
        house.post_as("/revoke", "till", TILL_SECRET, &[("token", "x")]).await,
    ];
    for (index, reply) in replies.iter().enumerate() {
        assert_eq!(reply.status, StatusCode::SERVICE_UNAVAILABLE, "{index}");
        assert_eq!((reply.header("retry-after"), reply.header("set-cookie")), ("1", ""), "{index}");
        assert_eq!(reply.cause, "too much to do at once", "{index}");
    }
    assert_eq!(browser.jar, jar);
    let unreachable = house.idp.mint(returning(), None).await.unwrap_err();
    assert!(matches!(unreachable, IssuerError::Unreachable(_)), "{unreachable:?}");
    let unended = house.idp.end(End::User { id: house.alice.clone(), by: None }, Cause::LogOut).await.unwrap_err();
    assert!(matches!(unended, IssuerError::Unreachable(_)), "{unended:?}");
    let unseen = house.idp.users(None).await.unwrap_err();
    assert!(matches!(unseen, AuthorityError::Unreachable(_)), "{unseen:?}");
    assert_eq!(browser.get("/jwks").await.status, StatusCode::OK, "keys need no registry");

    hold.release();
    first.await;
    assert!(browser.get(&Asked::shop().url()).await.parameter("code").is_some(), "still signed on");
    let tokens = house.post("/token", &redemption(&Asked::mobile(), &code)).await;
    assert_eq!(tokens.status, StatusCode::OK, "the code was not used up: {}", tokens.body);
}
