//! Who comes in, and what the others are told: nothing about what is inside.

use axum::body::Body;
use http::Method;
use vestibule_admin::{Admin, Users};

use crate::rig::{Answer, Rig, bearer, door, send_to};

const LIST: &str = "/admin/users";

async fn list_as(rig: &Rig, fields: &[(&str, &str)]) -> Answer {
    rig.send_as(Method::GET, LIST, fields, Body::empty()).await
}

#[tokio::test]
async fn a_missing_token_and_a_wrong_one_get_the_same_answer() {
    let rig = Rig::new();
    let host = ("host", "localhost");
    let missing = list_as(&rig, &[host]).await;
    assert_eq!(missing.refusal(), (401, "The admin token is missing or wrong.".to_owned()));
    assert_eq!(missing.header("www-authenticate"), Some("Bearer realm=\"vestibule admin\""));
    let right = bearer();
    let almost = format!("{}A", &right[..right.len() - 1]);
    let basic = right.replace("Bearer", "Basic");
    for wrong in ["", "Bearer", "Bearer ", "Bearer x", &almost, &right[..right.len() - 1], &basic] {
        let answer = list_as(&rig, &[host, ("authorization", wrong)]).await;
        assert_eq!(answer.text, missing.text, "{wrong:?}");
        assert_eq!(answer.headers, missing.headers, "{wrong:?}");
    }
    let twice = list_as(&rig, &[host, ("authorization", &right), ("authorization", &right)]).await;
    assert_eq!(twice.text, missing.text);
}

#[tokio::test]
async fn the_token_counts_in_the_field_alone() {
    let rig = Rig::new();
    let right = bearer();
    let path = format!("{LIST}?access_token={}", right.trim_start_matches("Bearer "));
    let cookie = format!("token={right}");
    let fields = [("host", "localhost"), ("cookie", &*cookie)];
    let answer = rig.send_as(Method::GET, &path, &fields, Body::empty()).await;
    assert_eq!(answer.status, 401);
}

#[tokio::test]
async fn the_scheme_is_read_in_any_case() {
    let rig = Rig::new();
    let lower = bearer().replace("Bearer", "bearer");
    assert_eq!(list_as(&rig, &[("host", "localhost"), ("authorization", &lower)]).await.status, 200);
}

#[tokio::test]
async fn without_the_token_no_path_can_be_told_from_another() {
    let rig = Rig::new();
    let fields = [("host", "localhost")];
    let known = rig.send_as(Method::GET, LIST, &fields, Body::empty()).await;
    for (method, path) in [
        (Method::GET, "/"),
        (Method::DELETE, LIST),
        (Method::GET, "/admin/sessions/AAAA/audit"),
        (Method::POST, LIST),
    ] {
        let answer = rig.send_as(method, path, &fields, Body::from("{")).await;
        assert_eq!((answer.status, answer.text), (known.status, known.text.clone()), "{path}");
    }
}

#[tokio::test]
async fn our_own_names_lead_here() {
    let rig = Rig::new();
    for host in [
        "localhost",
        "localhost:8099",
        "LocalHost",
        "127.0.0.1:1",
        "127.8.9.1",
        "[::1]:8099",
        "admin.internal:9",
    ] {
        let answer = list_as(&rig, &[("host", host), ("authorization", &bearer())]).await;
        assert_eq!(answer.status, 200, "{host}: {}", answer.text);
    }
}

#[tokio::test]
async fn a_foreign_name_that_leads_here_gets_nowhere() {
    let rig = Rig::new();
    let foreign = [
        "evil.example",
        "evil.example:8099",
        "localhost.evil.example",
        "127.0.0.1.evil.example",
        "internal",
        "localhost.",
        "0.0.0.0",
        "[::]",
        "[::ffff:127.0.0.1]",
        "169.254.169.254",
        "user@localhost",
        "",
    ];
    for host in foreign {
        let answer = list_as(&rig, &[("host", host), ("authorization", &bearer())]).await;
        assert_eq!(answer.refusal().0, 421, "{host}");
    }
    assert_eq!(list_as(&rig, &[("authorization", &bearer())]).await.status, 421);
    let twice = [("host", "localhost"), ("host", "localhost"), ("authorization", &bearer())];
    assert_eq!(list_as(&rig, &twice).await.status, 421);
}

#[tokio::test]
async fn a_page_in_a_browser_gets_nowhere() {
    let rig = Rig::new();
    rig.users.add("a", "alice");
    for origin in ["http://evil.example", "http://localhost:8099", "null"] {
        let more = [("origin", origin), ("content-type", "application/json")];
        let answer = rig.send(Method::POST, "/admin/users/a/disable", &more, Body::empty()).await;
        assert_eq!(answer.refusal(), (403, "The admin API is not for pages in a browser.".to_owned()));
    }
    assert_eq!(rig.users.orders(), [""; 0]);
}

#[tokio::test]
async fn the_log_is_told_why() {
    let rig = Rig::new();
    let answer = list_as(&rig, &[("host", "evil.example")]).await;
    assert_eq!(answer.cause.as_deref(), Some("Host is missing, or a name that does not lead here"));
}

#[tokio::test]
async fn unknown_addresses_and_methods_are_refused() {
    let rig = Rig::new();
    let detail = "There is nothing at this address in this process.".to_owned();
    for path in ["/", "/admin", "/admin/users/", "/admin/users/a", "/admin/users/a/delete", "/metrics"] {
        assert_eq!(rig.get(path).await.refusal(), (404, detail.clone()), "{path}");
    }
    let answer = rig.ask(Method::DELETE, LIST).await;
    assert_eq!(answer.refusal(), (405, "This address does not take this method.".to_owned()));
    let allowed = answer.header("allow").unwrap();
    assert!(allowed.contains("GET") && allowed.contains("POST"), "{allowed}");
    assert_eq!(rig.get("/admin/users/a/disable").await.status, 405);
}

#[tokio::test]
async fn a_process_answers_for_what_it_holds() {
    let users = Users::Elsewhere("https://login.example".into());
    let nothing = Admin { door: door(), users, sessions: None }.router();
    let fields = [("host", "localhost"), ("authorization", &*bearer())];
    let ask = async |method, path| send_to(nothing.clone(), method, path, &fields, Body::empty()).await;
    let elsewhere = (
        421,
        "This process has no users and no signing keys: they live at the identity provider, https://login.example. Ask the admin API of \
         that process, with its configuration."
            .to_owned(),
    );
    assert_eq!(ask(Method::GET, LIST).await.refusal(), elsewhere);
    assert_eq!(ask(Method::POST, LIST).await.refusal(), elsewhere);
    assert_eq!(ask(Method::GET, "/admin/keys").await.refusal(), elsewhere);
    assert_eq!(ask(Method::GET, "/admin/users/by-login/alice").await.refusal(), elsewhere);
    assert_eq!(ask(Method::POST, "/admin/users/a/revoke").await.refusal(), elsewhere);
    let answer = ask(Method::GET, "/admin/sessions/AAAAAAAAAAAAAAAAAAAAAA/audit").await;
    assert_eq!(
        answer.refusal(),
        (
            421,
            "This process has no sessions: they live where the proxy is. Ask the admin API of that process, with its \
             configuration."
                .to_owned()
        )
    );
    assert_eq!(ask(Method::GET, "/admin").await.refusal().0, 404);
}
