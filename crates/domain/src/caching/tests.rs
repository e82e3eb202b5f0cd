//! Standing, cookie, route and policy, all together.

use super::*;

fn decide(standing: Standing, sets_our_cookie: bool, route: RouteCache, policy: &str) -> Caching {
    let cache_control = (!policy.is_empty()).then_some(policy.as_bytes());
    caching(&Cached { standing, sets_our_cookie, route, cache_control })
}

#[test]
fn each_visitor_each_route() {
    use Caching::{AsIs, Private, Vary};
    use RouteCache::{Personal, Shared};
    use Standing::{Anonymous, LoggedOn, Returning};
    let cases = [
        // standing, our cookie, route: without a policy, with a public one, with a private one
        (Anonymous, false, Personal, [Vary, Vary, Vary]),
        (Anonymous, false, Shared, [AsIs, AsIs, AsIs]),
        (Anonymous, true, Personal, [Private, Private, AsIs]),
        (Anonymous, true, Shared, [Private, Private, AsIs]),
        (Returning, false, Personal, [Private, Private, AsIs]),
        (Returning, false, Shared, [AsIs, AsIs, AsIs]),
        (LoggedOn, false, Personal, [Private, Private, AsIs]),
        (LoggedOn, true, Shared, [Private, Private, AsIs]),
        (LoggedOn, false, Shared, [AsIs, AsIs, AsIs]),
    ];
    for (standing, cookie, route, expected) in cases {
        for (policy, expected) in
            ["", "public, max-age=600", "private, max-age=600"].into_iter().zip(expected)
        {
            assert_eq!(
                decide(standing, cookie, route, policy),
                expected,
                "{standing} {cookie} {route:?} {policy}"
            );
        }
    }
}

#[test]
fn only_a_policy_that_keeps_every_shared_cache_out_is_private() {
    let cases = [
        ("private", true),
        ("PRIVATE", true),
        ("no-store", true),
        ("max-age=0,no-store", true),
        ("private=\"set-cookie\"", false),
        ("max-age=60", false),
        ("no-cache", false),
        ("private, public", false),
        ("public, private", false),
        ("private, s-maxage=60", false),
        ("x=\"private\"", false),
        ("x=\", private, \"", false),
        ("privateer", false),
        ("private , x", true),
    ];
    for (policy, private) in cases {
        let expected = if private { Caching::AsIs } else { Caching::Private };
        assert_eq!(decide(Standing::LoggedOn, false, RouteCache::Personal, policy), expected, "{policy}");
    }
}
