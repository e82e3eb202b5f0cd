//! Each fate of the cookies, each kind of request.

use super::*;
use crate::fetch::Fields;

fn fetch(
    method: &str,
    origin: &'static str,
    site: &'static str,
    mode: &'static str,
    dest: &'static str,
) -> Fetch {
    let field = |text: &'static str| (text != "-").then_some(text.as_bytes());
    let fields = Fields {
        origin: field(origin),
        site: field(site),
        mode: field(mode),
        dest: field(dest),
        accept: None,
    };
    Fetch::read(method.as_bytes(), &fields, "https://own")
}

#[test]
fn cookies_that_may_live_forbid_a_new_session() {
    use Fate::*;
    let own = fetch("GET", "-", "same-origin", "navigate", "document");
    for vst in [NotSent, Gone, WrongSecret, Unknown, Doubled] {
        for keep in [NotSent, Gone, WrongSecret, Unknown, Doubled] {
            let expected = if vst == Doubled || keep == Doubled {
                Err(MintRefused::Doubled)
            } else if vst == Unknown || keep == Unknown {
                Err(MintRefused::Unknown)
            } else {
                Ok(())
            };
            assert_eq!(check(vst, keep, &own).map(|_| ()), expected, "{vst:?} {keep:?}");
        }
    }
}

#[test]
fn another_sites_request_makes_no_session_unless_the_window_goes_there() {
    let cases = [
        // method, Origin, Sec-Fetch-Site, -Mode, -Dest, may
        ("GET", "-", "-", "-", "-", true),
        ("POST", "-", "-", "-", "-", true),
        ("POST", "https://own", "-", "-", "-", true),
        ("POST", "https://own", "same-origin", "cors", "empty", true),
        ("POST", "-", "same-origin", "navigate", "document", true),
        ("GET", "-", "none", "navigate", "document", true),
        ("GET", "-", "cross-site", "navigate", "document", true),
        ("GET", "-", "same-site", "navigate", "document", true),
        ("GET", "-", "cross-site", "navigate", "iframe", false),
        ("GET", "-", "cross-site", "no-cors", "image", false),
        ("GET", "-", "same-site", "no-cors", "image", false),
        ("POST", "https://evil", "cross-site", "navigate", "document", false),
        ("POST", "https://evil", "-", "-", "-", false),
        ("POST", "null", "-", "-", "-", false),
        ("POST", "https://evil", "same-origin", "cors", "empty", false),
        ("HEAD", "-", "cross-site", "navigate", "document", false),
    ];
    for (method, origin, site, mode, dest, may) in cases {
        let request = fetch(method, origin, site, mode, dest);
        let expected = if may { Ok(()) } else { Err(MintRefused::CrossSite) };
        assert_eq!(check(Fate::NotSent, Fate::NotSent, &request).map(|_| ()), expected, "{request:?}");
    }
}
