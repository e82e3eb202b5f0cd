//! Orders as they are given, and what is said of them.

use super::*;
use crate::admin_client::scripted::{Scripted, answer};

const ALICE: &str = r#"{"id":"u1","login":"alice","name":null,"locale":null,"email":null,"roles":[],"disabled":false,
    "created_at":"2027-01-15T08:00:00Z"}"#;

fn login() -> String {
    "alice".to_owned()
}

fn password_file(directory: &tempfile::TempDir) -> PathBuf {
    let path = directory.path().join("password");
    std::fs::write(&path, "correct horse\n").unwrap();
    path
}

#[test]
fn a_user_is_added() {
    let directory = tempfile::tempdir().unwrap();
    let server = Scripted::start(vec![answer("201 Created", r#"{"id":"u1"}"#)]);
    let add = UserCommand::Add {
        login: login(),
        name: Some("Alice".to_owned()),
        email: None,
        locale: Some("de-AT".to_owned()),
        roles: vec!["buyer".to_owned()],
        password_file: Some(password_file(&directory)),
    };
    let said = carry_out(add, &server.connection()).unwrap();
    assert_eq!(said, "User alice was created. Apps and services know the user as u1.\n");
    let order =
        r#"{"login":"alice","password":"correct horse","name":"Alice","locale":"de-AT","roles":["buyer"]}"#;
    assert_eq!(server.asked(), [format!("POST /admin/users {order}")]);
}

#[test]
fn orders_go_to_the_user_with_that_name() {
    let cases = [
        (
            UserCommand::Disable { login: login() },
            "disable",
            "User alice is kept out, and everything the user had has ended.\n",
        ),
        (UserCommand::Enable { login: login() }, "enable", "User alice may log in again.\n"),
        (
            UserCommand::Revoke { login: login() },
            "revoke",
            "Everything that user alice had has ended. The user may log in again.\n",
        ),
    ];
    for (command, order, told) in cases {
        let server = Scripted::start(vec![answer("200 OK", ALICE), answer("204 No Content", "")]);
        assert_eq!(carry_out(command, &server.connection()).unwrap(), told);
        let path = format!("POST /admin/users/u1/{order}");
        assert_eq!(server.asked(), ["GET /admin/users/by-login/alice", &path]);
    }
}

#[test]
fn a_user_who_is_kept_out_is_not_said_to_be_able_to_log_in() {
    let disabled = ALICE.replace("false", "true");
    let server = Scripted::start(vec![answer("200 OK", &disabled), answer("204 No Content", "")]);
    let said = carry_out(UserCommand::Revoke { login: login() }, &server.connection()).unwrap();
    assert_eq!(
        said,
        "Everything that user alice had has ended. The user is kept out, until `vestibule user enable alice`.\n"
    );
}

#[test]
fn a_password_is_set() {
    let directory = tempfile::tempdir().unwrap();
    let server = Scripted::start(vec![answer("200 OK", ALICE), answer("204 No Content", "")]);
    let command = UserCommand::Password { login: login(), password_file: Some(password_file(&directory)) };
    let said = carry_out(command, &server.connection()).unwrap();
    assert_eq!(said, "User alice has a new password, and everything the user had has ended.\n");
    assert_eq!(server.asked()[1], r#"POST /admin/users/u1/password {"password":"correct horse"}"#);
}

#[test]
fn what_is_not_named_stays_and_roles_are_all_there_are() {
    let (stays, roles) = (None::<String>, vec!["buyer".to_owned()]);
    for (name, roles, no_roles, order) in [
        (Some(String::new()), Vec::new(), false, r#"{"name":""}"#),
        (stays.clone(), roles, false, r#"{"roles":["buyer"]}"#),
        (stays, Vec::new(), true, r#"{"roles":[]}"#),
    ] {
        let server = Scripted::start(vec![answer("200 OK", ALICE), answer("204 No Content", "")]);
        let set = UserCommand::Set { login: login(), name, email: None, locale: None, roles, no_roles };
        let said = carry_out(set, &server.connection()).unwrap();
        assert_eq!(said, "User alice is changed; apps are told with the next request.\n");
        assert_eq!(server.asked()[1], format!("POST /admin/users/u1/profile {order}"));
    }
}

#[test]
fn no_such_user() {
    let problem = r#"{"status":404,"title":"Not Found","detail":"No such user."}"#;
    let server = Scripted::start(vec![answer("404 Not Found", problem)]);
    let command = UserCommand::Disable { login: "a/é?#\u{1b}".to_owned() };
    let error = carry_out(command, &server.connection()).unwrap_err();
    assert_eq!(format!("{error:#}"), "user a/é?#�: No such user");
    assert_eq!(server.asked(), ["GET /admin/users/by-login/a%2F%C3%A9%3F%23%1B"]);
}

#[test]
fn a_list_is_read_to_its_end() {
    let first = format!(r#"{{"users":[{ALICE}],"next":"u1"}}"#);
    let bob = ALICE
        .replace("u1", "u2")
        .replace("alice", "bob")
        .replace("false", "true")
        .replace("null", "\"Bob\"")
        .replace("[]", r#"["buyer","seller"]"#);
    let second = format!(r#"{{"users":[{bob}],"next":null}}"#);
    let server = Scripted::start(vec![answer("200 OK", &first), answer("200 OK", &second)]);
    let said = carry_out(UserCommand::List, &server.connection()).unwrap();
    assert_eq!(
        said,
        "LOGIN  ACCOUNT   CREATED               IDENTIFIER  NAME  MAIL  LOCALE  ROLES\n\
         alice  active    2027-01-15T08:00:00Z  u1          -     -     -       -\n\
         bob    disabled  2027-01-15T08:00:00Z  u2          Bob   Bob   Bob     buyer, seller\n"
    );
    assert_eq!(server.asked(), ["GET /admin/users", "GET /admin/users?after=u1"]);
}

#[test]
fn a_cut_list_says_so() {
    assert!(listed(&[], true).ends_with("There are more users; the list ends here.\n"));
}
