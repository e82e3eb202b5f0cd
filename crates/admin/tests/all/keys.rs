//! Orders about signing keys.

use http::Method;
use serde_json::json;
use vestibule_ports::authority::AuthorityError;

use crate::rig::Rig;

#[tokio::test]
async fn keys_are_listed_with_what_they_sign_and_until_when() {
    let rig = Rig::new();
    let old = json!({"kid": "k", "purpose": "jpt", "algorithm": "ES256", "created_at": "2027-01-15T08:00:00Z",
        "retires_at": "2027-01-15T08:00:03Z"});
    let mut new = old.clone();
    new["retires_at"] = json!(null);
    assert_eq!(rig.get("/admin/keys").await.json(), json!({"keys": [old, new]}));
}

#[tokio::test]
async fn keys_are_rotated_by_purpose_and_ended_by_name() {
    let rig = Rig::new();
    for purpose in ["services", "jpt", "oidc"] {
        let made = rig.ask(Method::POST, &format!("/admin/keys/{purpose}/rotate")).await;
        assert_eq!((made.status.as_u16(), &made.json()["purpose"]), (201, &json!(purpose)));
    }
    assert_eq!(rig.ask(Method::POST, "/admin/keys/k/end").await.json(), json!({"successor": "next"}));
    assert_eq!(
        rig.users.orders(),
        [
            "rotate services by administrator",
            "rotate jpt by administrator",
            "rotate oidc by administrator",
            "end k by administrator",
        ]
    );
}

#[tokio::test]
async fn what_is_no_key_is_not_found() {
    let rig = Rig::new();
    let detail = "No such signing key; it may have ended already.".to_owned();
    for path in ["/admin/keys/Jpt/rotate", "/admin/keys/x/rotate", "/admin/keys/x/end", "/admin/keys/%ff/end"]
    {
        assert_eq!(rig.ask(Method::POST, path).await.refusal(), (404, detail.clone()), "{path}");
    }
    rig.users.fail(AuthorityError::Unreachable("away".to_owned()));
    assert_eq!(rig.get("/admin/keys").await.refusal().0, 503);
}
