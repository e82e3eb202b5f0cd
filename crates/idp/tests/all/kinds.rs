//! Kinds of tokens and the doors that take them: each passes at its own door and at no other, for as long as all
//! that is behind it lives.

use std::time::Duration;

use serde_json::{Value, json};
use vestibule_domain::identity::{Epoch, GrantDigest, Handle};
use vestibule_oauth::jwk::KeySet;
use vestibule_oauth::jws;
use vestibule_oauth::jwt::{Signed, Verifier};
use vestibule_oauth::token::{AccessToken, GrantToken, IdToken, Jpt, Jwt};
use vestibule_ports::authority::Authority as _;
use vestibule_ports::issuer::{Cause, End, Issuer as _, IssuerError, Mint, Presented, Refusal, Swapped};

use super::house::{Asked, BIRTH, House, ISSUER, TILL_SECRET, claims, config, scopes};
use super::site::{SID, VISITOR, log_on, logged_on, returning, shop};

const INVALID: IssuerError = IssuerError::Refused(Refusal::Token);

/// At the outside door.
pub(crate) async fn swap(house: &House, token: &str) -> Result<Swapped, IssuerError> {
    house.idp.swap(Presented::Outside(AccessToken::parse(token).unwrap())).await
}

async fn swap_jpt(house: &House, jpt: &str) -> Result<Swapped, IssuerError> {
    house.idp.swap(Presented::Inside(Jpt::parse(jpt).unwrap())).await
}

pub(crate) async fn assert_dead(house: &House, access_token: &str) {
    assert_eq!(swap(house, access_token).await.unwrap_err(), INVALID);
}

async fn till_token(house: &House) -> String {
    let fields = [("grant_type", "client_credentials")];
    let tokens = house.post_as("/token", "till", TILL_SECRET, &fields).await.json();
    tokens["access_token"].as_str().unwrap().to_owned()
}

async fn key_set(house: &House, path: &str) -> KeySet {
    KeySet::parse(house.browser().get(path).await.body.as_bytes()).unwrap()
}

async fn verifier<T: Signed>(house: &House, path: &str, issuer: &str, audience: &str) -> Verifier<T> {
    Verifier::new(issuer.to_owned(), audience.to_owned(), key_set(house, path).await)
}

/// Everything that we give out, one of each kind.
struct Given {
    access: String,
    refresh: String,
    id: String,
    jpt: String,
    jwt: String,
    grant: GrantToken,
}

async fn one_of_each(house: &House) -> Given {
    let tokens = house.mobile_tokens("openid offline_access orders:read").await;
    let log_on = log_on(house, &mut house.browser(), &Asked::shop()).await;
    let jpt = house.idp.mint(logged_on(&log_on.grant), None).await.unwrap().jpt.expose().to_owned();
    let text = |name: &str| tokens[name].as_str().unwrap().to_owned();
    Given {
        jwt: swap_jpt(house, &jpt).await.unwrap().jwt.expose().to_owned(),
        access: text("access_token"),
        refresh: text("refresh_token"),
        id: text("id_token"),
        jpt,
        grant: log_on.grant,
    }
}

/// Of all kinds at all doors, the diagonal passes.
#[tokio::test]
async fn each_kind_passes_at_its_own_door_only() {
    let house = House::new().await;
    let given = one_of_each(&house).await;
    let all = [
        ("access", given.access.as_str()),
        ("refresh", &given.refresh),
        ("id", &given.id),
        ("jpt", &given.jpt),
        ("jwt", &given.jwt),
        ("grant", given.grant.expose()),
    ];
    let services: Verifier<Jwt> =
        verifier(&house, "/jwks/services", &format!("{ISSUER}/services"), "services").await;
    let clients: Verifier<IdToken> = verifier(&house, "/jwks", ISSUER, "mobile-app").await;
    let now = BIRTH.unsigned_abs();
    for (kind, token) in all {
        // Some do not even have the form that the door takes.
        let doors =
            [AccessToken::parse(token).map(Presented::Outside), Jpt::parse(token).map(Presented::Inside)];
        for (door, right) in doors.into_iter().zip(["access", "jpt"]) {
            let passed = match door {
                Ok(presented) => house.idp.swap(presented).await.is_ok(),
                Err(_) => false,
            };
            assert_eq!(passed, kind == right, "{kind} at the door for {right}");
        }
        let at_service = Jwt::parse(token).is_ok_and(|jwt| services.verify(&jwt, now, 30).is_ok());
        assert_eq!(at_service, kind == "jwt", "{kind} at a service");
        let at_client = IdToken::parse(token).is_ok_and(|id| clients.verify(&id, now, 30).is_ok());
        assert_eq!(at_client, kind == "id", "{kind} at a client");
        let minted = match GrantToken::parse(token) {
            Ok(grant) => house.idp.mint(logged_on(&grant), None).await.is_ok(),
            Err(_) => false,
        };
        assert_eq!(minted, kind == "grant", "{kind} as a grant");
        let fields = [("grant_type", "refresh_token"), ("client_id", "mobile-app"), ("refresh_token", token)];
        let refreshed = house.post("/token", &fields).await.status.is_success();
        assert_eq!(refreshed, kind == "refresh", "{kind} as a refresh token");
    }
}

/// A service with any JWT library and no idea of `typ` refuses a JPT: it does not have the key.
#[tokio::test]
async fn a_plain_verifier_with_the_services_keys_refuses_a_jpt() {
    let house = House::new().await;
    let given = one_of_each(&house).await;
    let services = key_set(&house, "/jwks/services").await;
    for (token, typ) in [(&given.jpt, "jpt+jwt"), (&given.jpt, "at+jwt"), (&given.id, "JWT")] {
        assert!(jws::verify(&services, typ, token).is_err(), "{typ}");
    }
    assert!(jws::verify(&services, "at+jwt", &given.jwt).is_ok());
    let jpt_keys = key_set(&house, "/jwks/jpt").await;
    assert!(jws::verify(&jpt_keys, "jpt+jwt", &given.jpt).is_ok());
    assert!(jws::verify(&jpt_keys, "at+jwt", &given.jwt).is_err());
}

#[tokio::test]
async fn a_jwt_says_what_the_jpt_said_to_services() {
    let house = House::new().await;
    let log_on = log_on(&house, &mut house.browser(), &Asked::shop()).await;
    for mint in [Mint::Anonymous { site: shop() }, returning(), logged_on(&log_on.grant)] {
        let jpt = house.idp.mint(mint, None).await.unwrap().jpt;
        house.clock.advance(Duration::from_mins(2));
        let swapped = swap_jpt(&house, jpt.expose()).await.unwrap();
        let (mut from, mut to) = (claims(jpt.expose()), claims(swapped.jwt.expose()));
        assert_eq!(to["iss"], format!("{ISSUER}/services"));
        assert_eq!(to["aud"], "services");
        assert_eq!(to["exp"], from["exp"], "never longer than its cause");
        assert_eq!(swapped.scopes.to_string(), to["scope"].as_str().unwrap());
        assert_eq!(swapped.client, to["client_id"].as_str().unwrap());
        for name in ["iss", "aud", "iat", "jti"] {
            from.as_object_mut().unwrap().remove(name);
            to.as_object_mut().unwrap().remove(name);
        }
        assert_eq!(from, to);
    }
}

#[tokio::test]
async fn a_swap_names_everything_that_can_end_it() {
    let house = House::new().await;
    let log_on = log_on(&house, &mut house.browser(), &Asked::shop()).await;
    let jpt = house.idp.mint(logged_on(&log_on.grant), None).await.unwrap().jpt;
    let inside = swap_jpt(&house, jpt.expose()).await.unwrap();
    assert_eq!(inside.session, Some((SID, Epoch::FIRST)));
    assert_eq!(inside.user, Some((house.alice.clone(), Epoch::FIRST)));
    assert_eq!(inside.sign_on, Some(log_on.sign_on));
    assert!(inside.grant.is_some() && inside.family.is_none());
    let key = house.browser().get("/jwks/services").await.json()["keys"][0]["kid"].clone();
    assert_eq!(inside.key, key.as_str().unwrap());

    let tokens = house.mobile_tokens("orders:read").await;
    let outside = swap(&house, tokens["access_token"].as_str().unwrap()).await.unwrap();
    assert_eq!((outside.session, outside.grant), (None, None));
    assert_eq!(outside.user, Some((house.alice.clone(), Epoch::FIRST)));
    assert!(outside.family.is_some() && outside.sign_on.is_some());
    assert_eq!(outside.scopes, scopes(&["orders:read"]));

    let machine = swap(&house, &till_token(&house).await).await.unwrap();
    assert_eq!((machine.session, machine.user, machine.sign_on), (None, None, None));
    assert!(machine.family.is_some());
    let said = claims(machine.jwt.expose());
    assert_eq!((&said["sub"], &said["client_id"]), (&json!("till"), &json!("till")));
    assert_eq!((said.get("standing"), said.get("sid")), (None, None));
    assert_eq!(said["scope"], "orders:write products:read");
}

#[tokio::test]
async fn a_jwt_lives_ten_minutes_or_as_long_as_its_cause() {
    let house = House::new().await;
    let token = till_token(&house).await;
    let life = |swapped: &Swapped| {
        let said = claims(swapped.jwt.expose());
        said["exp"].as_u64().unwrap() - said["iat"].as_u64().unwrap()
    };
    assert_eq!(life(&swap(&house, &token).await.unwrap()), 600);
    house.clock.advance(Duration::from_mins(115));
    assert_eq!(life(&swap(&house, &token).await.unwrap()), 300);
    house.clock.advance(Duration::from_mins(5));
    assert_dead(&house, &token).await;
    let jpt = house.idp.mint(returning(), None).await.unwrap().jpt;
    house.clock.advance(Duration::from_secs(599));
    assert_eq!(life(&swap_jpt(&house, jpt.expose()).await.unwrap()), 1);
    house.clock.advance(Duration::from_secs(1));
    assert_eq!(swap_jpt(&house, jpt.expose()).await.unwrap_err(), INVALID);
}

/// A JPT that was good is dead as soon as anything behind it has ended.
#[tokio::test]
async fn a_jpt_dies_with_what_is_behind_it() {
    let ends: [fn(&House, &vestibule_ports::issuer::LogOn) -> End; 4] = [
        |_, _| End::Session { sid: SID, ep: Epoch::FIRST },
        |_, log_on| End::SignOn(log_on.sign_on.clone()),
        |house, _| End::User { id: house.alice.clone(), by: None },
        |_, log_on| End::Grant(GrantDigest::of(&log_on.grant)),
    ];
    for (index, end) in ends.into_iter().enumerate() {
        let house = House::new().await;
        let log_on = log_on(&house, &mut house.browser(), &Asked::shop()).await;
        let jpt = house.idp.mint(logged_on(&log_on.grant), None).await.unwrap().jpt;
        assert!(swap_jpt(&house, jpt.expose()).await.is_ok());
        house.idp.end(end(&house, &log_on), Cause::Revoked).await.unwrap();
        assert_eq!(swap_jpt(&house, jpt.expose()).await.unwrap_err(), INVALID, "{index}");
        // Ending what has ended is fine.
        house.idp.end(end(&house, &log_on), Cause::Revoked).await.unwrap();
    }
    let house = House::new().await;
    let log_on = log_on(&house, &mut house.browser(), &Asked::shop()).await;
    let jpt = house.idp.mint(logged_on(&log_on.grant), None).await.unwrap().jpt;
    house.idp.set_disabled(&house.alice, true, "test").await.unwrap();
    assert_eq!(swap_jpt(&house, jpt.expose()).await.unwrap_err(), INVALID);
}

#[tokio::test]
async fn the_end_of_a_session_leaves_its_later_epochs_and_other_sessions() {
    let house = House::new().await;
    let mint = |sid, ep| Mint::Returning { site: shop(), visitor: VISITOR, sid, ep };
    let other = Handle::from_bytes([3; 16]);
    let jpts = [
        house.idp.mint(mint(SID, Epoch::new(1)), None).await.unwrap().jpt,
        house.idp.mint(mint(SID, Epoch::new(2)), None).await.unwrap().jpt,
        house.idp.mint(mint(SID, Epoch::new(3)), None).await.unwrap().jpt,
        house.idp.mint(mint(other, Epoch::new(1)), None).await.unwrap().jpt,
    ];
    house.idp.end(End::Session { sid: SID, ep: Epoch::new(2) }, Cause::Rule).await.unwrap();
    let mut alive = Vec::new();
    for jpt in &jpts {
        alive.push(swap_jpt(&house, jpt.expose()).await.is_ok());
    }
    assert_eq!(alive, [false, false, true, true]);
}

/// Scopes taken from a client or from everyone are gone with the next swap, whatever the token was issued with.
#[tokio::test]
async fn a_swap_never_gives_more_than_client_and_user_have_now() {
    let house = House::new().await;
    let tokens = house.mobile_tokens("orders:read products:read").await;
    let access = tokens["access_token"].as_str().unwrap();
    assert_eq!(swap(&house, access).await.unwrap().scopes, scopes(&["orders:read", "products:read"]));
    let mut config = config();
    config.everyone_scopes.clear();
    let house = house.restarted(config.clone());
    assert_eq!(swap(&house, access).await.unwrap().scopes, scopes(&["orders:read"]));
    let mobile_app = config.clients.iter_mut().find(|client| client.id == "mobile-app").unwrap();
    mobile_app.scopes.logged_on.retain(|scope| scope != "orders:read");
    let house = house.restarted(config);
    assert_eq!(swap(&house, access).await.unwrap().scopes, scopes(&[]));
}

/// Forgeries of a JPT: none of them is as much as looked up.
#[tokio::test]
async fn a_forged_jpt_is_refused() {
    let house = House::new().await;
    let jpt = house.idp.mint(returning(), None).await.unwrap().jpt.expose().to_owned();
    let parts: Vec<&str> = jpt.split('.').collect();
    let [header, payload, signature] = parts[..] else { panic!("{jpt}") };
    let encode = |value: &Value| {
        use base64::Engine as _;
        base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(value.to_string())
    };
    let kid = house.browser().get("/jwks/jpt").await.json()["keys"][0]["kid"].clone();
    let alg = |alg: &str| encode(&json!({"alg": alg, "kid": kid, "typ": "jpt+jwt"}));
    let mut risen = claims(&jpt);
    risen["sub"] = json!(house.alice.as_str());
    let forgeries = [
        format!("{}.{payload}.", alg("none")),
        format!("{}.{payload}.{signature}", alg("none")),
        format!("{}.{payload}.{signature}", alg("HS256")),
        format!("{header}.{}.{signature}", encode(&risen)),
        format!("{header}.{payload}.{}", "A".repeat(86)),
        format!("{header}.{payload}"),
        format!("{jpt}.{signature}"),
        format!("{jpt}A"),
    ];
    for forged in forgeries {
        assert_eq!(swap_jpt(&house, &forged).await.unwrap_err(), INVALID, "{forged}");
    }
    assert!(swap_jpt(&house, &jpt).await.is_ok());
}
