//! What a command says when it cannot be carried out.

use serde_json::Value;

use super::*;
use crate::admin_client::scripted::{Scripted, answer, write_data};

fn said(error: &anyhow::Error) -> String {
    format!("{error:#}")
}

fn ask(connection: &Connection) -> String {
    said(&connection.get::<Value>(&["users"], &[]).unwrap_err())
}

#[test]
fn nothing_runs() {
    let directory = tempfile::tempdir().unwrap();
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    write_data(directory.path(), &url);
    let connection = Connection::from_data_dir(directory.path()).unwrap();
    assert_eq!(ask(&connection), format!("nothing answers at {url}/: is vestibule running?"));
}

#[test]
fn nothing_was_ever_started() {
    let directory = tempfile::tempdir().unwrap();
    let error = Connection::from_data_dir(directory.path()).unwrap_err();
    assert!(said(&error).starts_with("no demo was started in "), "{error:#}");
    std::fs::write(directory.path().join("demo.json"), r#"{"web":"http://localhost:8080"}"#).unwrap();
    let error = Connection::from_data_dir(directory.path()).unwrap_err();
    assert!(said(&error).contains("demo.json does not say where the admin API is"), "{error:#}");
}

#[test]
fn the_token_cannot_be_read() {
    let directory = tempfile::tempdir().unwrap();
    let token = directory.path().join("admin.token");
    let error = Connection::new("http://localhost:1", &token).unwrap_err();
    assert!(said(&error).starts_with("cannot read the admin token "), "{error:#}");
    std::fs::write(&token, "hunter2\n").unwrap();
    let error = Connection::new("http://localhost:1", &token).unwrap_err();
    assert!(
        said(&error).ends_with("admin.token: not an admin token: it has 43 characters of base64url"),
        "{error:#}"
    );
    assert!(!said(&error).contains("hunter2"));
}

#[test]
fn the_token_never_leaves_the_machine() {
    let directory = tempfile::tempdir().unwrap();
    write_data(directory.path(), "unused");
    let token = directory.path().join("admin.token");
    for url in [
        "http://admin.example:8099",
        "http://192.0.2.1",
        "http://localhost.evil.example",
        "http://localhost@evil.example",
        "https://localhost:8099",
        "http://[::2]",
        "file:///localhost",
    ] {
        let error = Connection::new(url, &token).unwrap_err();
        assert!(said(&error).contains("is not on this machine"), "{url}: {error:#}");
    }
    for url in ["http://localhost:8099", "http://127.0.0.1:8099", "http://[::1]:8099/"] {
        assert!(Connection::new(url, &token).is_ok(), "{url}");
    }
}

#[test]
fn the_token_is_wrong() {
    let server = Scripted::start(vec![answer("401 Unauthorized", "{}")]);
    let told = ask(&server.connection());
    assert!(
        told.contains("does not take the token in ") && told.ends_with(": it is another server's"),
        "{told}"
    );
    assert_eq!(server.asked(), ["GET /admin/users"]);
}

#[test]
fn a_refusal_is_told_in_the_servers_words() {
    let problem = r#"{"status":422,"title":"Unprocessable Content","detail":"Refused: too well known."}"#;
    let server = Scripted::start(vec![answer("422 Unprocessable Content", problem)]);
    assert_eq!(ask(&server.connection()), "Refused: too well known");
    server.asked();
}

#[test]
fn somebody_else_answers() {
    let too_long = " ".repeat(ANSWER_BYTES_MAX + 1);
    let answers =
        [answer("502 Bad Gateway", "<html>"), answer("200 OK", "<html>"), answer("200 OK", &too_long)];
    let server = Scripted::start(answers.to_vec());
    let connection = server.connection();
    assert!(ask(&connection).ends_with("answers 502 Bad Gateway: is that the admin API?"));
    assert!(ask(&connection).contains("answers in an unknown form: is it of another release?"));
    assert!(ask(&connection).contains("cannot be read"));
    server.asked();
}

#[test]
fn debug_shows_no_token() {
    let server = Scripted::start(Vec::new());
    let shown = format!("{:?}", server.connection());
    assert!(
        shown.starts_with("Connection { url: \"http://127.0.0.1:") && !shown.contains("token"),
        "{shown}"
    );
}
