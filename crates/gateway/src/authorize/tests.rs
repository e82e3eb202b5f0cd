//! Scopes held against scopes needed, as a table.

use super::*;

#[test]
fn every_needed_scope_counts_and_only_whole() {
    for (held, needed, expected) in [
        ("orders:read", "orders:read", Clearance::Scopes),
        ("echo:read orders:read orders:write", "orders:read orders:write", Clearance::Scopes),
        ("orders:read", "orders:read orders:write", Clearance::None),
        ("orders", "orders:read", Clearance::None),
        ("orders:read", "orders", Clearance::None),
        ("orders:readers", "orders:read", Clearance::None),
        ("Orders:read", "orders:read", Clearance::None),
        ("shop.orders:read", "orders:read", Clearance::None),
    ] {
        let set = |text| ScopeSet::parse(text).unwrap();
        assert_eq!(Clearance::of(&set(held), &set(needed)), expected, "{held} for {needed}");
    }
    assert_eq!(Clearance::of(&ScopeSet::default(), &ScopeSet::parse("a:b").unwrap()), Clearance::None);
}
