//! Orders about signing keys as they are given, and what is said of them.

use super::*;
use crate::admin_client::scripted::{Scripted, answer};

const KEY: &str = r#"{"kid":"k1","purpose":"jpt","algorithm":"ES256","created_at":"2027-01-15T08:00:00Z",
    "retires_at":null}"#;

#[test]
fn keys_are_listed() {
    let old = KEY.replace("k1", "k0").replace("null", "\"2027-01-15T08:11:00Z\"");
    let server = Scripted::start(vec![answer("200 OK", &format!(r#"{{"keys":[{old},{KEY}]}}"#))]);
    assert_eq!(
        carry_out(&KeyCommand::List, &server.connection()).unwrap(),
        "KEY  FOR  ALGORITHM  MADE                  STATE\n\
         k0   jpt  ES256      2027-01-15T08:00:00Z  verified with until 2027-01-15T08:11:00Z\n\
         k1   jpt  ES256      2027-01-15T08:00:00Z  signs\n"
    );
    assert_eq!(server.asked(), ["GET /admin/keys"]);
}

#[test]
fn keys_are_rotated_and_ended() {
    let next = r#"{"successor":"k2"}"#;
    let none = r#"{"successor":null}"#;
    let problem = r#"{"status":404,"title":"Not Found","detail":"No such signing key."}"#;
    let script = vec![
        answer("201 Created", KEY),
        answer("200 OK", next),
        answer("200 OK", none),
        answer("404 Not Found", problem),
    ];
    let server = Scripted::start(script);
    let connection = server.connection();
    let rotate = KeyCommand::Rotate { purpose: KeyPurpose::Jpt };
    assert_eq!(carry_out(&rotate, &connection).unwrap(), "Signing key k1 signs for jpt from now on.\n");
    let end = || carry_out(&KeyCommand::End { kid: "k1".to_owned() }, &connection);
    let ended = "Signing key k1 has ended, with everything that it had signed.";
    assert_eq!(end().unwrap(), format!("{ended} Signing key k2 signs now.\n"));
    assert_eq!(end().unwrap(), format!("{ended}\n"));
    assert_eq!(format!("{:#}", end().unwrap_err()), "signing key k1: No such signing key");
    let orders =
        ["jpt/rotate", "k1/end", "k1/end", "k1/end"].map(|order| format!("POST /admin/keys/{order}"));
    assert_eq!(server.asked(), orders);
}
