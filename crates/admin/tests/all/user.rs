//! Orders about one user.

use http::Method;
use serde_json::{Value, json};

use crate::rig::Rig;

const ORDERS: [&str; 4] = ["disable", "enable", "password", "revoke"];
const PASSWORD: &str = r#"{"password":"correct horse"}"#;

#[tokio::test]
async fn orders_are_carried_out_in_the_name_of_the_administrator() {
    let rig = Rig::new();
    rig.users.add("a", "alice");
    for order in ORDERS {
        let answer = rig.post(&format!("/admin/users/a/{order}"), PASSWORD).await;
        assert_eq!((answer.status.as_u16(), answer.text.as_str()), (204, ""), "{order}");
    }
    assert_eq!(
        rig.users.orders(),
        [
            "disable a by administrator",
            "enable a by administrator",
            "password correct horse a by administrator",
            "revoke a by administrator",
        ]
    );
}

#[tokio::test]
async fn a_profile_is_changed_where_it_is_named() {
    let rig = Rig::new();
    rig.users.add("a", "alice");
    for order in
        [r#"{"name":"","roles":["buyer"]}"#, r#"{"locale":"de-AT","email":"a@b"}"#, r#"{"roles":[]}"#]
    {
        assert_eq!(rig.post("/admin/users/a/profile", order).await.status, 204, "{order}");
    }
    assert_eq!(
        rig.users.orders(),
        [
            r#"set Some("") None None Some(["buyer"]) of a by administrator"#,
            r#"set None Some("de-AT") Some("a@b") None of a by administrator"#,
            "set None None None Some([]) of a by administrator",
        ]
    );
}

#[tokio::test]
async fn a_profile_has_bounds() {
    let rig = Rig::new();
    rig.users.add("a", "alice");
    let set = async |key: &str, value: Value| {
        let answer = rig.post("/admin/users/a/profile", &json!({key: value}).to_string()).await;
        if answer.status == 204 { None } else { Some(answer.refusal()) }
    };
    let locale = "The locale must be a language tag such as de-AT, with 35 characters at most.";
    for tag in ["de_AT", "-", "de-", "abcdefghi", "de\n", "de-aaaaaaaa-bbbbbbbb-cccccccc-dddddddd"] {
        assert_eq!(set("locale", json!(tag)).await, Some((422, locale.to_owned())), "{tag}");
    }
    let roles = "There may be 20 roles, each of 1 to 64 bytes without control characters.";
    for list in [json!(vec!["r"; 21]), json!([""]), json!(["r".repeat(65)]), json!(["\u{1b}"])] {
        assert_eq!(set("roles", list).await, Some((422, roles.to_owned())));
    }
    for (key, value) in [("locale", json!("de-Latn-AT-1996")), ("roles", json!(vec!["r".repeat(64); 20]))] {
        assert_eq!(set(key, value).await, None, "{key}");
    }
    assert_eq!(rig.post("/admin/users/a/profile", r#"{"nmae":"x"}"#).await.refusal().0, 400);
    assert_eq!(rig.post("/admin/users/b/profile", "{}").await.refusal().0, 404);
}

#[tokio::test]
async fn a_trail_comes_in_pages_the_newest_first() {
    let rig = Rig::new();
    rig.users.add("a", "alice");
    let first = rig.get("/admin/users/a/audit").await.json();
    assert_eq!((first["records"].as_array().unwrap().len(), &first["next"]), (200, &json!(2)));
    let second = rig.get("/admin/users/a/audit?before=2").await.json();
    let record = json!({"at": "2027-01-15T08:00:00Z", "by": "test", "from": null, "what": "The user was created.",
        "client": null, "session": null, "note": null});
    assert_eq!(second, json!({"records": [record], "next": null}));
    let detail = "The query must be empty, or `before` with the number of a record.".to_owned();
    assert_eq!(rig.get("/admin/users/a/audit?before=x").await.refusal(), (400, detail));
    assert_eq!(rig.get("/admin/users/b/audit").await.refusal(), (404, "No such user.".to_owned()));
}

#[tokio::test]
async fn only_a_password_needs_a_body() {
    let rig = Rig::new();
    rig.users.add("a", "alice");
    for order in ["disable", "enable", "revoke"] {
        let answer = rig.ask(Method::POST, &format!("/admin/users/a/{order}")).await;
        assert_eq!(answer.status, 204, "{order}");
    }
    assert_eq!(rig.ask(Method::POST, "/admin/users/a/password").await.refusal().0, 415);
    let answer = rig.post("/admin/users/a/password", r#"{"pass":"correct horse"}"#).await;
    assert_eq!(answer.refusal().0, 400);
    assert!(!answer.text.contains("correct horse"));
}

#[tokio::test]
async fn nobody_is_not_found() {
    let rig = Rig::new();
    for (user, order) in [("b", 0), ("b", 1), ("b", 2), ("b", 3), ("a:b", 0), ("%ff", 2), ("a%20b", 3)] {
        let answer = rig.post(&format!("/admin/users/{user}/{}", ORDERS[order]), PASSWORD).await;
        assert_eq!(answer.refusal(), (404, "No such user.".to_owned()), "{user}");
    }
    assert_eq!(rig.users.orders(), [""; 0]);
}
