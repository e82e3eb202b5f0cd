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
    let cases: [(Lines<'_>, &str, Shown); 15] = [
        (&[cookie], &proof, Shown::Here),
        (&[cookie, ("origin", US)], &proof, Shown::Here),
        (&[cookie, ("origin", US), ("sec-fetch-site", "same-origin")], &proof, Shown::Here),
        (&[cookie, ("sec-fetch-site", "none")], &proof, Shown::Here),
        (&[], &proof, Shown::Before),
        (&[other], &proof, Shown::Before),
        (&[cookie], "", Shown::Before),
        (&[cookie], &secret.expose(), Shown::Before),
        (&[cookie, ("origin", "null")], &proof, Shown::Elsewhere),
        (&[cookie, ("origin", "https://login.example.evil")], &proof, Shown::Elsewhere),
        (&[cookie, ("origin", US), ("origin", US)], &proof, Shown::Elsewhere),
        (&[cookie, ("origin", US), ("sec-fetch-site", "cross-site")], &proof, Shown::Elsewhere),
        (&[cookie, ("sec-fetch-site", "same-site")], &proof, Shown::Elsewhere),
        (&[("cookie", "__Host-vst-idp=short")], &proof, Shown::Before),
        (&[other, ("sec-fetch-site", "cross-site")], &proof, Shown::Elsewhere),
    ];
    for (lines, proof, expected) in cases {
        assert_eq!(shown(&headers(lines), US, proof), expected, "{lines:?} {proof:?}");
    }
}

#[test]
fn a_secret_prints_nothing() {
    assert_eq!(format!("{:?}", BrowserSecret::from_random([7; SECRET_BYTES])), "BrowserSecret(..)");
}
