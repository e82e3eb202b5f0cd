//! What the IDP reads of a browser: its cookies, its proof that a form is ours, its peer.

use http::HeaderValue;

use super::*;

/// Header lines by name and value.
type Lines<'a> = &'a [(&'a str, &'a str)];

const US: &str = "https://login.example";

fn headers(lines: Lines<'_>) -> HeaderMap {
    let pair = |(name, value): &(&str, &str)| {
        (HeaderName::try_from(*name).unwrap(), HeaderValue::try_from(*value).unwrap())
    };
    lines.iter().map(pair).fold(HeaderMap::new(), |mut all, (name, value)| {
        all.append(name, value);
        all
    })
}

#[test]
fn a_cookie_is_found_by_its_exact_name_and_only_once() {
    let cases: [(Lines<'_>, Option<&str>); 6] = [
        (&[("cookie", "a=b; __Host-vst-idp=x.y; c=d")], Some("x.y")),
        (&[("cookie", "a=b"), ("cookie", "__Host-vst-idp=x.y")], Some("x.y")),
        (&[("cookie", "__host-vst-idp=x.y")], None),
        (&[("cookie", "__Host-vst-idp-2=x.y")], None),
        (&[("cookie", "__Host-vst-idp=x.y; __Host-vst-idp=z.y")], None),
        (&[("cookie", "__Host-vst-idp=x.y"), ("cookie", "__Host-vst-idp=x.y")], None),
    ];
    for (lines, expected) in cases {
        assert_eq!(cookie(&headers(lines), Cookie::Idp), expected, "{lines:?}");
    }
}

#[test]
fn a_form_is_our_own_if_cookie_proof_and_origin_agree() {
    let secret = BrowserSecret::from_random([1; SECRET_BYTES]);
    let proof = secret.form_proof();
    let line = format!("__Host-vst-idp={}", secret.expose());
    let other = format!("__Host-vst-idp={}", BrowserSecret::from_random([2; SECRET_BYTES]).expose());
    let (cookie, other) = (("cookie", line.as_str()), ("cookie", other.as_str()));
    let cases: [(Lines<'_>, &str, bool); 14] = [
        (&[cookie], &proof, true),
        (&[cookie, ("origin", US)], &proof, true),
        (&[cookie, ("origin", US), ("sec-fetch-site", "same-origin")], &proof, true),
        (&[cookie, ("sec-fetch-site", "none")], &proof, true),
        (&[], &proof, false),
        (&[other], &proof, false),
        (&[cookie], "", false),
        (&[cookie], &secret.expose(), false),
        (&[cookie, ("origin", "null")], &proof, false),
        (&[cookie, ("origin", "https://login.example.evil")], &proof, false),
        (&[cookie, ("origin", US), ("origin", US)], &proof, false),
        (&[cookie, ("origin", US), ("sec-fetch-site", "cross-site")], &proof, false),
        (&[cookie, ("sec-fetch-site", "same-site")], &proof, false),
        (&[("cookie", "__Host-vst-idp=short")], &proof, false),
    ];
    for (lines, proof, expected) in cases {
        assert_eq!(is_own_form(&headers(lines), US, proof), expected, "{lines:?} {proof:?}");
    }
}

#[test]
fn a_secret_prints_nothing() {
    assert_eq!(format!("{:?}", BrowserSecret::from_random([7; SECRET_BYTES])), "BrowserSecret(..)");
}
