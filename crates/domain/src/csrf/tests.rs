//! Every origin with every Sec-Fetch-Site.

use super::*;
use crate::fetch::Fields;

fn fetch(method: &str, origin: &'static str, site: &'static str) -> Fetch {
    let field = |text: &'static str| (text != "-").then_some(text.as_bytes());
    let fields = Fields { origin: field(origin), site: field(site), ..Fields::default() };
    Fetch::read(method.as_bytes(), &fields, "https://own")
}

#[test]
fn an_unsafe_request_comes_from_the_sites_own_pages() {
    use CrossSite::{FetchSite as BySite, Origin as ByOrigin, Unsaid};
    let cases = [
        // origin, Sec-Fetch-Site, with a cookie of ours
        ("https://own", "same-origin", Ok(())),
        ("https://own", "none", Ok(())),
        ("https://own", "-", Ok(())),
        ("https://own", "same-site", Err(BySite)),
        ("https://own", "cross-site", Err(BySite)),
        ("https://own", "nonsense", Err(BySite)),
        ("-", "same-origin", Ok(())),
        ("-", "none", Err(Unsaid)),
        ("null", "none", Err(ByOrigin)),
        ("https://evil", "none", Err(ByOrigin)),
        ("-", "same-site", Err(BySite)),
        ("-", "cross-site", Err(BySite)),
        ("-", "-", Err(Unsaid)),
        ("null", "same-origin", Err(ByOrigin)),
        ("null", "-", Err(ByOrigin)),
        ("https://evil", "same-origin", Err(ByOrigin)),
        ("https://evil", "cross-site", Err(ByOrigin)),
        ("https://evil", "-", Err(ByOrigin)),
    ];
    for (origin, site, expected) in cases {
        for method in ["POST", "PUT", "DELETE", "PATCH", "get", "UNHEARD"] {
            assert_eq!(check(&fetch(method, origin, site), true), expected, "{method} {origin} {site}");
        }
        for method in ["GET", "HEAD", "OPTIONS"] {
            assert_eq!(check(&fetch(method, origin, site), true), Ok(()), "{method} {origin} {site}");
        }
    }
}

#[test]
fn without_our_cookie_silence_is_no_offence() {
    assert_eq!(check(&fetch("POST", "-", "-"), false), Ok(()));
    assert_eq!(check(&fetch("POST", "-", "none"), false), Ok(()));
    assert_eq!(check(&fetch("POST", "null", "-"), false), Err(CrossSite::Origin));
    assert_eq!(check(&fetch("POST", "-", "cross-site"), false), Err(CrossSite::FetchSite));
}
