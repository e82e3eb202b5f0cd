//! Log-ons of sites: `redeem` and `mint`, as the proxy asks for them.

use std::time::Duration;

use serde_json::json;
use vestibule_domain::identity::{Epoch, GrantDigest, Handle, SiteId, Timestamp, VisitorId};
use vestibule_oauth::pkce::Verifier;
use vestibule_oauth::token::{Code, GrantToken};
use vestibule_ports::authority::Authority as _;
use vestibule_ports::clock::Clock as _;
use vestibule_ports::issuer::{Cause, End, Issuer as _, IssuerError, LogOn, Mint, Redeem, Refusal};

use super::house::{Asked, BIRTH, Browser, House, ISSUER, OUTLET_CALLBACK, claims, verifier};

pub(crate) const VISITOR: VisitorId = VisitorId::from_bytes([1; 16]);
pub(crate) const SID: Handle = Handle::from_bytes([2; 16]);

pub(crate) fn shop() -> SiteId {
    SiteId::parse("shop").unwrap()
}

pub(crate) fn redeem(asked: &Asked<'_>, code: &str) -> Redeem {
    Redeem {
        site: SiteId::parse(asked.client).unwrap(),
        code: Code::parse(code).unwrap(),
        verifier: verifier(),
        nonce: "a-nonce".to_owned(),
        redirect_uri: asked.callback.to_owned(),
    }
}

/// A log-on of a site in this browser, signed on or not.
pub(crate) async fn log_on(house: &House, browser: &mut Browser, asked: &Asked<'_>) -> LogOn {
    let reply = browser.get(&asked.url()).await;
    let reply = if reply.parameter("code").is_some() { reply } else { browser.log_in(asked).await };
    house.idp.redeem(redeem(asked, &reply.code())).await.unwrap()
}

pub(crate) fn logged_on(grant: &GrantToken) -> Mint {
    Mint::LoggedOn { grant: grant.clone(), visitor: VISITOR, sid: SID, ep: Epoch::FIRST }
}

pub(crate) fn returning() -> Mint {
    Mint::Returning { site: shop(), visitor: VISITOR, sid: SID, ep: Epoch::FIRST }
}

fn refused(refusal: Refusal) -> IssuerError {
    IssuerError::Refused(refusal)
}

#[tokio::test]
async fn a_code_becomes_a_log_on_once() {
    let house = House::new().await;
    let code = house.browser().log_in(&Asked::shop()).await.code();
    let log_on = house.idp.redeem(redeem(&Asked::shop(), &code)).await.unwrap();
    assert_eq!(log_on.sub, house.alice);
    assert_eq!(log_on.auth_time, Timestamp::from_secs(BIRTH));
    assert_eq!(log_on.ends_at, Timestamp::from_secs(BIRTH + 4 * 3_600));
    assert_eq!(log_on.level, 1);
    assert_eq!(log_on.claims, r#"{"name":"Alice Baker"}"#);
    let again = house.idp.redeem(redeem(&Asked::shop(), &code)).await;
    assert_eq!(again.unwrap_err(), refused(Refusal::Grant));
    let minted = house.idp.mint(logged_on(&log_on.grant), None).await;
    assert_eq!(minted.unwrap_err(), refused(Refusal::Grant), "the replay has ended it");
}

#[tokio::test]
async fn a_code_is_for_its_site_verifier_nonce_and_callback() {
    let house = House::new().await;
    let mut browser = house.browser();
    browser.log_in(&Asked::shop()).await;
    let other = Verifier::parse("another-verifier-of-at-least-43-characters-xx").unwrap();
    let changes: [&dyn Fn(Redeem) -> Redeem; 5] = [
        &|redeem| Redeem { site: SiteId::parse("outlet").unwrap(), ..redeem },
        &|redeem| Redeem { verifier: other.clone(), ..redeem },
        &|redeem| Redeem { nonce: "another".to_owned(), ..redeem },
        &|redeem| Redeem { redirect_uri: OUTLET_CALLBACK.to_owned(), ..redeem },
        &|redeem| Redeem { code: Code::parse("never-issued").unwrap(), ..redeem },
    ];
    for (index, change) in changes.iter().enumerate() {
        let code = browser.get(&Asked::shop().url()).await.code();
        let outcome = house.idp.redeem(change(redeem(&Asked::shop(), &code))).await;
        assert_eq!(outcome.unwrap_err(), refused(Refusal::Grant), "{index}");
    }
    let code = browser.get(&Asked::shop().url()).await.code();
    let nowhere = Redeem { site: SiteId::parse("nowhere").unwrap(), ..redeem(&Asked::shop(), &code) };
    assert_eq!(house.idp.redeem(nowhere).await.unwrap_err(), refused(Refusal::Client));
    house.clock.advance(Duration::from_mins(1));
    let late = house.idp.redeem(redeem(&Asked::shop(), &code)).await;
    assert_eq!(late.unwrap_err(), refused(Refusal::Grant));
}

/// One table of what a JPT says for each standing.
#[tokio::test]
async fn jpts_say_who_it_is_by_standing() {
    let house = House::new().await;
    let log_on = log_on(&house, &mut house.browser(), &Asked::shop()).await;
    let (sid, visitor, user) = (SID.to_string(), VISITOR.to_string(), house.alice.to_string());
    let cases = [
        (
            Mint::Anonymous { site: shop() },
            json!({"sub": "shop-anonymous", "client_id": "shop-anonymous", "standing": "anonymous",
                   "scope": "products:read"}),
        ),
        (
            returning(),
            json!({"sub": format!("v:{visitor}"), "client_id": "shop", "standing": "returning",
                   "scope": "basket:write products:read", "sid": sid, "ep": 1}),
        ),
        (
            logged_on(&log_on.grant),
            json!({"sub": user, "client_id": "shop", "standing": "logged-on", "visitor": visitor,
                   "scope": "basket:write orders:read products:read", "sid": sid, "ep": 1,
                   "auth_time": BIRTH, "acr": "1"}),
        ),
    ];
    for (mint, mut expected) in cases {
        let minted = house.idp.mint(mint, None).await.unwrap();
        let mut said = claims(minted.jpt.expose());
        assert!(said["jti"].as_str().is_some_and(|name| name.len() >= 22), "{said}");
        said.as_object_mut().unwrap().remove("jti");
        for (name, value) in [
            ("iss", json!(format!("{ISSUER}/jpt"))),
            ("aud", json!("gateway")),
            ("iat", json!(BIRTH)),
            ("exp", json!(BIRTH + 600)),
        ] {
            expected[name] = value;
        }
        assert_eq!(said, expected);
        assert_eq!(minted.expires_at, Timestamp::from_secs(BIRTH + 600));
    }
}

#[tokio::test]
async fn a_jpt_ends_with_the_log_on() {
    let house = House::new().await;
    let log_on = log_on(&house, &mut house.browser(), &Asked::shop()).await;
    house.clock.advance(Duration::from_hours(4) - Duration::from_secs(90));
    let minted = house.idp.mint(logged_on(&log_on.grant), None).await.unwrap();
    assert_eq!(minted.expires_at, log_on.ends_at);
    house.clock.advance(Duration::from_secs(90));
    let late = house.idp.mint(logged_on(&log_on.grant), None).await;
    assert_eq!(late.unwrap_err(), refused(Refusal::Grant));
}

#[tokio::test]
async fn an_ended_session_has_no_jpt_until_its_next_epoch() {
    let house = House::new().await;
    let log_on = log_on(&house, &mut house.browser(), &Asked::shop()).await;
    house.idp.end(End::Session { sid: SID, ep: Epoch::FIRST }, Cause::Rule).await.unwrap();
    for mint in [returning(), logged_on(&log_on.grant)] {
        assert_eq!(house.idp.mint(mint, None).await.unwrap_err(), refused(Refusal::Grant));
    }
    let next = Mint::Returning { site: shop(), visitor: VISITOR, sid: SID, ep: Epoch::FIRST.next() };
    assert!(house.idp.mint(next, None).await.is_ok());
}

/// A sign-on session that ends takes its log-ons with it, on every site of the browser and on no other.
#[tokio::test]
async fn the_end_of_a_sign_on_session_ends_what_came_from_it() {
    let house = House::new().await;
    let (mut browser, mut other) = (house.browser(), house.browser());
    let here = log_on(&house, &mut browser, &Asked::shop()).await;
    let outlet = log_on(&house, &mut browser, &Asked::outlet()).await;
    let elsewhere = log_on(&house, &mut other, &Asked::shop()).await;
    assert_eq!(here.sign_on, outlet.sign_on);
    assert_ne!(here.sign_on, elsewhere.sign_on);
    house.idp.end(End::SignOn(here.sign_on), Cause::LogOut).await.unwrap();
    for gone in [&here.grant, &outlet.grant] {
        assert_eq!(house.idp.mint(logged_on(gone), None).await.unwrap_err(), refused(Refusal::Grant));
    }
    assert!(house.idp.mint(logged_on(&elsewhere.grant), None).await.is_ok());
    assert!(browser.get(&Asked::shop().url()).await.location().starts_with("/login?"));
}

/// The site could not keep the log-on, so nobody has it; the browser is still signed on.
#[tokio::test]
async fn a_log_on_that_no_session_has_got_ends_alone() {
    let house = House::new().await;
    let mut browser = house.browser();
    let forsaken = log_on(&house, &mut browser, &Asked::shop()).await;
    let kept = log_on(&house, &mut browser, &Asked::shop()).await;
    for _ in 0..2 {
        house.idp.end(End::Grant(GrantDigest::of(&forsaken.grant)), Cause::Revoked).await.unwrap();
    }
    let minted = house.idp.mint(logged_on(&forsaken.grant), None).await;
    assert_eq!(minted.unwrap_err(), refused(Refusal::Grant));
    assert!(house.idp.mint(logged_on(&kept.grant), None).await.is_ok());
    assert!(!browser.get(&Asked::shop().url()).await.location().starts_with("/login?"));
}

#[tokio::test]
async fn requests_at_a_site_keep_the_sign_on_session_awake() {
    let house = House::new().await;
    let mut browser = house.browser();
    let log_on = log_on(&house, &mut browser, &Asked::shop()).await;
    house.clock.advance(Duration::from_mins(25));
    house.idp.mint(logged_on(&log_on.grant), Some(house.clock.wall())).await.unwrap();
    house.clock.advance(Duration::from_mins(25));
    assert!(browser.get(&Asked::outlet().url()).await.parameter("code").is_some());
    // The newest counts, and never one that is yet to come.
    house.idp.mint(logged_on(&log_on.grant), Some(Timestamp::from_secs(BIRTH))).await.unwrap();
    house.idp.mint(logged_on(&log_on.grant), Some(Timestamp::from_secs(BIRTH + 10_000))).await.unwrap();
    house.clock.advance(Duration::from_mins(30));
    assert!(browser.get(&Asked::outlet().url()).await.location().starts_with("/login?"));
}

#[tokio::test]
async fn a_grant_is_no_guess_and_no_name() {
    let house = House::new().await;
    let unknown = GrantToken::from_random(&[9; 32]);
    assert_eq!(house.idp.mint(logged_on(&unknown), None).await.unwrap_err(), refused(Refusal::Grant));
    let nowhere = Mint::Anonymous { site: SiteId::parse("nowhere").unwrap() };
    assert_eq!(house.idp.mint(nowhere, None).await.unwrap_err(), refused(Refusal::Client));
}

#[tokio::test]
async fn claims_of_a_user_are_fresh_with_each_mint() {
    use vestibule_ports::authority::ProfileChange;
    let house = House::new().await;
    let log_on = log_on(&house, &mut house.browser(), &Asked::shop()).await;
    let change = ProfileChange {
        name: Some("Alice Cook".to_owned()),
        email: Some("alice@example.com".to_owned()),
        locale: None,
        roles: Some(vec!["buyer".to_owned()]),
    };
    house.idp.set_profile(&house.alice, change, "test").await.unwrap();
    let minted = house.idp.mint(logged_on(&log_on.grant), None).await.unwrap();
    let fresh: serde_json::Value = serde_json::from_str(&minted.claims).unwrap();
    let expected = json!({"name": "Alice Cook", "email": "alice@example.com", "email_verified": false, "roles": ["buyer"]});
    assert_eq!(fresh, expected);
    assert_eq!(house.idp.mint(returning(), None).await.unwrap().claims, "{}");
    assert_eq!(house.idp.find_user("Alice").await.unwrap().unwrap().profile.name.as_deref(), Some("Alice Cook"));
}
