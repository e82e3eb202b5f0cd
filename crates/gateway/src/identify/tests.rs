//! What a request shows at either door, as a table.

use vestibule_message::head::{HeadLimits, RequestIndex};
use vestibule_oauth::token::{OPAQUE_BYTES_MAX, SIGNED_BYTES_MAX};

use super::*;

/// The text of the token that is read, or why none is.
fn read(door: Door, target: &str, fields: &str) -> Result<String, Unidentified> {
    let text = format!("GET {target} HTTP/1.1\r\nHost: a\r\n{fields}\r\n");
    let mut index = RequestIndex::default();
    index.parse(text.as_bytes(), &HeadLimits::default()).unwrap();
    presented(&index.of(text.as_bytes()), door).map(|presented| match presented {
        Presented::Outside(token) => format!("outside {}", token.expose()),
        Presented::Inside(jpt) => format!("inside {}", jpt.expose()),
    })
}

#[test]
fn exactly_one_bearer_token_in_the_one_place() {
    for (target, fields, expected) in [
        ("/", "Authorization: Bearer t1\r\n", Ok("outside t1")),
        ("/?a=b", "authorization: bearer t1\r\n", Ok("outside t1")),
        ("/", "Cookie: a=b\r\nAuthorization: Bearer t1\r\n", Ok("outside t1")),
        ("/", "Connection: authorization\r\nAuthorization: Bearer t1\r\n", Ok("outside t1")),
        ("/", "", Err(Unidentified::Missing)),
        ("/", "Cookie: access_token=t1\r\nX-Access-Token: t1\r\n", Err(Unidentified::Missing)),
        ("/", "Proxy-Authorization: Bearer t1\r\n", Err(Unidentified::Missing)),
        ("/", "Authorization: Basic t1\r\n", Err(Unidentified::Missing)),
        ("/", "Authorization: Bearers t1\r\n", Err(Unidentified::Missing)),
        ("/", "Authorization:\r\n", Err(Unidentified::Missing)),
        ("/", "Authorization: Bearer\r\n", Err(Unidentified::Malformed)),
        ("/", "Authorization: Bearer t1 t2\r\n", Err(Unidentified::Malformed)),
        ("/", "Authorization: Bearer t1,Bearer t2\r\n", Err(Unidentified::Malformed)),
        ("/", "Authorization: Bearer  t1\r\n", Err(Unidentified::Malformed)),
        ("/", "Authorization: Bearer\tt1\r\n", Err(Unidentified::Missing)),
        ("/", "Authorization: Bearer t1\r\nAuthorization: Bearer t1\r\n", Err(Unidentified::Several)),
        ("/", "Authorization: Bearer t1\r\nAuthorization: Basic x\r\n", Err(Unidentified::Several)),
        ("/?access_token=t1", "", Err(Unidentified::InQuery)),
        ("/?a=b&access%5ftoken=", "Authorization: Bearer t1\r\n", Err(Unidentified::InQuery)),
    ] {
        assert_eq!(read(Door::Outside, target, fields), expected.map(str::to_owned), "{target} {fields:?}");
    }
}

#[test]
fn the_door_decides_what_a_token_can_be() {
    let bearer = |token: &str| format!("Authorization: Bearer {token}\r\n");
    let long = |bytes: usize| bearer(&"a".repeat(bytes));
    assert_eq!(read(Door::Inside, "/", &bearer("a.b.c")), Ok("inside a.b.c".to_owned()));
    assert_eq!(read(Door::Inside, "/", &bearer("a+b/c=")), Err(Unidentified::Malformed));
    assert_eq!(read(Door::Outside, "/", &bearer("a+b/c=")), Ok("outside a+b/c=".to_owned()));
    assert!(read(Door::Outside, "/", &long(OPAQUE_BYTES_MAX)).is_ok());
    assert_eq!(read(Door::Outside, "/", &long(OPAQUE_BYTES_MAX + 1)), Err(Unidentified::Malformed));
    assert!(read(Door::Inside, "/", &long(OPAQUE_BYTES_MAX + 1)).is_ok());
    assert_eq!(read(Door::Inside, "/", &long(SIGNED_BYTES_MAX + 1)), Err(Unidentified::Malformed));
}
