//! Bearer tokens in `Authorization`: one field, one scheme, one token, or a refusal.

use super::*;

fn parse<'a>(fields: &[&'a str]) -> Result<Option<Bearer<'a>>, BearerRefused> {
    Bearer::from_fields(fields.iter().map(|field| field.as_bytes()))
}

#[test]
fn reads_one_token() {
    assert_eq!(parse(&[]), Ok(None));
    for field in ["Bearer abc.-_~+/==", "bearer abc", "BEARER a"] {
        let token = field.split_once(' ').unwrap().1;
        let bearer = parse(&[field]).unwrap().unwrap();
        assert_eq!(bearer.access_token().unwrap().expose(), token);
    }
    assert_eq!(parse(&["Bearer a.b.c"]).unwrap().unwrap().jpt().unwrap().expose(), "a.b.c");
    assert!(parse(&["Bearer a~b"]).unwrap().unwrap().jpt().is_err());
}

#[test]
fn several_fields_are_refused() {
    assert_eq!(parse(&["Bearer a", "Bearer a"]), Err(BearerRefused::Several));
    assert_eq!(parse(&["Basic a", "Bearer a"]), Err(BearerRefused::Several));
}

#[test]
fn other_schemes_are_refused() {
    for field in ["", " Bearer a", "Basic YTpi", "Bearera", "Bearer:a", "Bearer\ta", "DPoP a"] {
        assert_eq!(parse(&[field]), Err(BearerRefused::Scheme), "{field:?}");
    }
}

#[test]
fn malformed_tokens_are_refused() {
    for field in [
        "Bearer",
        "Bearer ",
        "Bearer  a",
        "Bearer a ",
        "Bearer a b",
        "Bearer a,b",
        "Bearer a, Bearer b",
        "Bearer \"a\"",
        "Bearer =",
        "Bearer a=b",
        "Bearer a\t",
        "Bearer a;b",
        "Bearer ä",
        "Bearer a\0",
    ] {
        assert_eq!(parse(&[field]), Err(BearerRefused::Malformed), "{field:?}");
    }
    assert_eq!(Bearer::from_fields([&b"Bearer \xff"[..]]), Err(BearerRefused::Malformed));
}

#[test]
fn debug_shows_a_stub() {
    assert_eq!(format!("{:?}", parse(&["Bearer secret"]).unwrap().unwrap()), "Bearer(..)");
}

#[test]
fn tokens_in_a_query_are_seen_in_every_spelling() {
    for query in [
        "access_token=a",
        "x=1&access_token",
        "%61ccess_token=a",
        "access%5ftoken=",
        "a=%zz&access_token=%ff",
    ] {
        assert!(is_in_query(query), "{query}");
    }
    for query in ["", "x=access_token", "access_token2=a", "my_access_token=a"] {
        assert!(!is_in_query(query), "{query}");
    }
}
