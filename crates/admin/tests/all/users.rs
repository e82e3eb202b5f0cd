//! The users as a whole: created, listed, found.

use axum::body::Body;
use http::Method;
use serde_json::json;
use vestibule_admin::BODY_BYTES_MAX;
use vestibule_ports::authority::{AuthorityError, USERS_PAGE_MAX};

use crate::rig::Rig;

const USERS: &str = "/admin/users";

#[tokio::test]
async fn a_user_is_created_and_found() {
    let rig = Rig::new();
    let order = r#"{"login":"bob@shop","password":"correct horse","name":"Bob","email":"bob@shop.example",
        "locale":"de-AT","roles":["buyer"],"scope":"orders:read basket:write"}"#;
    let created = rig.post(USERS, order).await;
    assert_eq!((created.status.as_u16(), created.json()), (201, json!({"id": "new"})));
    assert_eq!(
        rig.users.orders(),
        ["create bob@shop Some(\"Bob\") Some(\"bob@shop.example\") Some(\"de-AT\") [\"buyer\"] \
          [basket:write orders:read] with correct horse by administrator"]
    );
    let found = rig.get("/admin/users/by-login/bob%40shop").await;
    assert_eq!(
        found.json(),
        json!({"id": "new", "login": "bob@shop", "name": null, "locale": null, "email": null,
            "roles": [], "disabled": false,
            "created_at": "2027-01-15T08:00:00Z"})
    );
}

#[tokio::test]
async fn login_and_password_are_enough() {
    let rig = Rig::new();
    assert_eq!(rig.post(USERS, r#"{"login":"bob","password":"correct horse"}"#).await.status, 201);
    assert_eq!(rig.users.orders(), ["create bob None None None [] [] with correct horse by administrator"]);
}

#[tokio::test]
async fn a_name_is_taken_once() {
    let rig = Rig::new();
    rig.users.add("a", "alice");
    let answer = rig.post(USERS, r#"{"login":"alice","password":"correct horse"}"#).await;
    assert_eq!(answer.refusal(), (409, "Another user has this log-in name.".to_owned()));
}

#[tokio::test]
async fn a_rule_of_the_authority_is_told() {
    let rig = Rig::new();
    rig.users.fail(AuthorityError::Refused("too well known".to_owned()));
    let answer = rig.post(USERS, r#"{"login":"bob","password":"password"}"#).await;
    assert_eq!(answer.refusal(), (422, "Refused: too well known.".to_owned()));
}

#[tokio::test]
async fn outages_and_bugs_are_told_apart_and_explained_in_the_log_alone() {
    let rig = Rig::new();
    rig.users.fail(AuthorityError::Unreachable("disk /secret full".to_owned()));
    let answer = rig.get(USERS).await;
    assert_eq!((answer.refusal().0, answer.header("retry-after")), (503, Some("1")));
    assert!(!answer.text.contains("secret"), "{}", answer.text);
    assert_eq!(answer.cause.as_deref(), Some("authority unreachable: disk /secret full"));
    rig.users.fail(AuthorityError::Bug("broken at line 7".to_owned()));
    let answer = rig.get(USERS).await;
    assert_eq!(answer.refusal(), (500, "Something broke on our side; the log says what.".to_owned()));
}

#[tokio::test]
async fn what_is_wrong_with_a_body_is_told_without_repeating_it() {
    let rig = Rig::new();
    let bodies = [
        r#"{"login":"bob","password":"hunter2hunter2""#,
        r#"{"login":"bob","password":["hunter2hunter2"]}"#,
        r#"{"login":"bob","password":"x","hunter2hunter2":1}"#,
        r#"{"login":"bob","password":"hunter2hunter2","password":"hunter2hunter2"}"#,
        r#"{"login":"bob","password":"hunter2hunter2"} {}"#,
        r#"{"login":"bob"}"#,
        r#"["bob"]"#,
        "",
    ];
    for body in bodies {
        let answer = rig.post(USERS, body).await;
        let (status, detail) = answer.refusal();
        assert_eq!(status, 400, "{body}");
        assert!(detail.starts_with("The body is not the JSON object that this address takes; see line 1"));
        let told = format!("{} {:?}", answer.text, answer.cause);
        assert!(!told.contains("hunter2"), "{told}");
    }
    assert_eq!(rig.users.orders(), [""; 0]);
}

#[tokio::test]
async fn a_body_has_a_limit_and_a_media_type() {
    let rig = Rig::new();
    let order = |bytes: usize| {
        let rest = r#"{"login":"bob","password":""}"#.len();
        format!(r#"{{"login":"bob","password":"{}"}}"#, "x".repeat(bytes - rest))
    };
    assert_eq!(rig.post(USERS, &order(BODY_BYTES_MAX)).await.status, 201);
    assert_eq!(rig.post(USERS, &order(BODY_BYTES_MAX + 1)).await.refusal().0, 413);
    for media_type in ["text/plain", "application/x-www-form-urlencoded", "application/jsonp", ""] {
        let more = [("content-type", media_type)];
        let answer = rig.send(Method::POST, USERS, &more, Body::from(order(100))).await;
        assert_eq!(answer.refusal(), (415, "The body must be application/json.".to_owned()), "{media_type}");
    }
    assert_eq!(rig.send(Method::POST, USERS, &[], Body::from(order(100))).await.status, 415);
    let more = [("content-type", "Application/JSON; charset=utf-8")];
    let body = Body::from(r#"{"login":"eve","password":"correct horse"}"#);
    assert_eq!(rig.send(Method::POST, USERS, &more, body).await.status, 201);
}

#[tokio::test]
async fn names_addresses_and_scopes_have_bounds() {
    let rig = Rig::new();
    let order =
        |key: &str, value: &str| json!({"login": "bob", "password": "correct horse", key: value}).to_string();
    let (name, email) = ("é".repeat(200), format!("{}@e", "e".repeat(252)));
    let no_email = "The mail address must have 1 to 254 bytes, one @ between two parts, no spaces and no control characters.";
    let refused = [
        ("name", format!("{name}é"), "The name must have 1 to 200 characters and no control characters."),
        ("name", String::new(), "The name must have 1 to 200 characters and no control characters."),
        ("name", "\u{1b}[2J".to_owned(), "The name must have 1 to 200 characters and no control characters."),
        ("email", format!("{email}e"), no_email),
        ("email", "a@\nb".to_owned(), no_email),
        ("email", "notmail".to_owned(), no_email),
        ("email", "@b".to_owned(), no_email),
        ("email", "a@b@c".to_owned(), no_email),
        ("email", "a b@c".to_owned(), no_email),
        ("scope", "orders:read  a".to_owned(), "The scope will not do: malformed scope."),
    ];
    for (key, value, detail) in refused {
        assert_eq!(rig.post(USERS, &order(key, &value)).await.refusal(), (422, detail.to_owned()));
    }
    assert_eq!(rig.users.orders(), [""; 0]);
    let roles = vec!["r".repeat(64); 20];
    let longest = json!({"login": "bob", "password": "correct horse", "name": name, "email": email, "roles": roles,
        "locale": "de-Latn-AT-1996-x-abcdefgh-12345678"});
    assert_eq!(rig.post(USERS, &longest.to_string()).await.status, 201);
}

#[tokio::test]
async fn a_list_comes_in_pages() {
    let rig = Rig::new();
    assert_eq!(rig.get(USERS).await.json(), json!({"users": [], "next": null}));
    for number in 0..=USERS_PAGE_MAX {
        rig.users.add(&format!("u{number:03}"), &format!("user{number}"));
    }
    let first = rig.get(USERS).await.json();
    assert_eq!(first["users"].as_array().unwrap().len(), USERS_PAGE_MAX);
    assert_eq!(first["next"], "u199");
    let second = rig.get("/admin/users?after=u199").await.json();
    assert_eq!(second["users"][0]["id"], "u200");
    assert_eq!((second["users"].as_array().unwrap().len(), &second["next"]), (1, &json!(null)));
}

#[tokio::test]
async fn a_forged_beginning_of_a_page_is_refused() {
    let rig = Rig::new();
    let too_long = format!("after={}", "x".repeat(65));
    for query in ["after=", "after=a%20b", "after=a:b", "after=%ff", "after=a&after=b", "before=a", &too_long]
    {
        let answer = rig.get(&format!("{USERS}?{query}")).await;
        assert_eq!(answer.refusal().0, 400, "{query}");
    }
}

#[tokio::test]
async fn nobody_is_not_found() {
    let rig = Rig::new();
    for login in ["alice", "%ff", "a%20b"] {
        let answer = rig.get(&format!("/admin/users/by-login/{login}")).await;
        assert_eq!(answer.refusal(), (404, "No such user.".to_owned()), "{login}");
    }
}
