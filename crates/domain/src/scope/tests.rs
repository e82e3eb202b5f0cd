//! Spelling, nesting, and the intersection for each kind of bearer.

use proptest::prelude::*;

use super::*;

fn set(text: &str) -> ScopeSet {
    if text.is_empty() { ScopeSet::default() } else { ScopeSet::parse(text).unwrap() }
}

fn demo() -> ByStanding {
    ByStanding::new(
        set("products:read"),
        set("products:read basket:write"),
        set("products:read basket:write orders:read openid offline_access"),
    )
    .unwrap()
}

#[test]
fn scopes_of_the_house_are_spelled_in_one_way() {
    for text in ["orders:read", "shop.orders:read", "a1-b_c:d2", "openid", "offline_access", "profile"] {
        assert_eq!(check_grammar(&Scope::parse(text).unwrap()), Ok(()), "{text}");
    }
    for text in [
        "orders",
        "Orders:read",
        "orders:Read",
        ":read",
        "orders:",
        "orders:read:all",
        "a.b.c:d",
        ".orders:read",
        "orders.:read",
        "1orders:read",
        "orders:1",
        "or/ders:read",
        "Openid",
        "orders:read.all",
    ] {
        assert!(matches!(check_grammar(&Scope::parse(text).unwrap()), Err(ScopeFault::Grammar(_))), "{text}");
    }
}

#[test]
fn each_standing_holds_the_one_below() {
    let faults = ByStanding::new(set("a:b c:d"), set("a:b"), set("bad")).unwrap_err();
    let told: Vec<_> = faults.iter().map(ToString::to_string).collect();
    assert_eq!(
        told,
        [
            "bad: write resource:action or domain.resource:action in small letters",
            "c:d: given when anonymous but not when returning",
            "a:b: given when returning but not when logged-on",
        ]
    );
}

#[test]
fn effective_scopes_by_bearer() {
    let client = demo();
    let (user, everyone) = (set("orders:read"), set("products:read"));
    let by_user = |consented| Bearer::User { client: &client, user: &user, everyone: &everyone, consented };
    let consent = set("orders:read openid");
    let own = set("orders:write products:read");
    let visitor = |returning| Bearer::Visitor { client: &client, returning };
    let cases = [
        (visitor(false), None, "products:read"),
        (visitor(true), None, "products:read basket:write"),
        (visitor(false), Some("products:read orders:read"), "products:read"),
        (visitor(true), Some("orders:read"), ""),
        // The user has no right to the basket; OpenID Connect's own names need none.
        (by_user(None), None, "products:read orders:read openid offline_access"),
        (by_user(None), Some("orders:read basket:write openid"), "orders:read openid"),
        (by_user(Some(&consent)), None, "orders:read openid"),
        (by_user(Some(&consent)), Some("products:read orders:read"), "orders:read"),
        (Bearer::Client { own: &own }, None, "orders:write products:read"),
        (Bearer::Client { own: &own }, Some("orders:write orders:read"), "orders:write"),
    ];
    for (bearer, requested, expected) in cases {
        let requested = requested.map(set);
        assert_eq!(effective(&bearer, requested.as_ref()), set(expected), "{bearer:?} {requested:?}");
    }
}

fn any_set() -> impl Strategy<Value = ScopeSet> {
    let names = vec!["a:b", "c:d", "e:f", "g:h", "openid"];
    proptest::sample::subsequence(names, 0..=5).prop_map(|names| set(&names.join(" ")))
}

proptest! {
    #[test]
    fn nothing_is_given_that_a_party_did_not_allow(
        sets in proptest::collection::vec(any_set(), 3),
        user in any_set(),
        everyone in any_set(),
        requested in any_set(),
        consented in any_set(),
    ) {
        let returning = sets[0].union(&sets[1]);
        let logged_on = returning.union(&sets[2]);
        let client = ByStanding::new(sets[0].clone(), returning, logged_on).unwrap();
        let bearer = Bearer::User { client: &client, user: &user, everyone: &everyone, consented: Some(&consented) };
        let given = effective(&bearer, Some(&requested));
        for of in [client.of(Standing::LoggedOn), &requested, &consented] {
            prop_assert!(given.is_subset(of));
        }
        prop_assert!(given.is_subset(&user.union(&everyone).union(&set("openid"))));
        let all = effective(&bearer, None);
        prop_assert_eq!(all.intersection(&requested), given);
    }
}
