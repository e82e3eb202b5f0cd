//! Orders about one user.

use http::Method;

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
