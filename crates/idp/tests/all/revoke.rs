//! The revocation endpoint. RFC 7009.

use http::StatusCode;

use super::house::{House, OFFICE_SECRET};
use super::kinds::{assert_dead, swap};

#[tokio::test]
async fn either_token_ends_the_family_and_nothing_else_does() {
    for given in ["access_token", "refresh_token"] {
        for hint in ["access_token", "refresh_token", "unknown", ""] {
            let house = House::new().await;
            let tokens = house.mobile_tokens("offline_access orders:read").await;
            let (token, access) = (tokens[given].as_str().unwrap(), tokens["access_token"].as_str().unwrap());
            let fields = [("client_id", "mobile-app"), ("token", token), ("token_type_hint", hint)];
            let reply = house.post("/revoke", &fields).await;
            assert_eq!((reply.status, reply.body.as_str()), (StatusCode::OK, ""), "{given} {hint}");
            assert_dead(&house, access).await;
            let refresh = tokens["refresh_token"].as_str().unwrap();
            let fields =
                [("grant_type", "refresh_token"), ("client_id", "mobile-app"), ("refresh_token", refresh)];
            assert_eq!(house.post("/token", &fields).await.error(), "invalid_grant", "{given} {hint}");
        }
    }
}

#[tokio::test]
async fn an_unknown_token_or_another_clients_is_success_without_effect() {
    let house = House::new().await;
    let tokens = house.mobile_tokens("offline_access orders:read").await;
    let access = tokens["access_token"].as_str().unwrap();
    for token in ["never-issued", access, tokens["refresh_token"].as_str().unwrap(), "a.b.c"] {
        let reply = house.post_as("/revoke", "office", OFFICE_SECRET, &[("token", token)]).await;
        assert_eq!((reply.status, reply.body.as_str()), (StatusCode::OK, ""));
    }
    assert!(swap(&house, access).await.is_ok());
}

#[tokio::test]
async fn the_client_must_authenticate_and_name_a_token() {
    let house = House::new().await;
    let anonymous = house.post("/revoke", &[("token", "x")]).await;
    assert_eq!(
        (anonymous.status, anonymous.error()),
        (StatusCode::UNAUTHORIZED, "invalid_client".to_owned())
    );
    let silent = house.post_as("/revoke", "office", OFFICE_SECRET, &[]).await;
    assert_eq!((silent.status, silent.error()), (StatusCode::BAD_REQUEST, "invalid_request".to_owned()));
}
