//! When the token behind a JWT ends, read off the JWT's own life.

use super::*;

#[test]
fn a_jwt_that_was_cut_short_ends_with_its_cause() {
    let asked_at = Timestamp::from_secs(1_800_000_000);
    for (life_secs, ends_with_cause) in
        [(1, true), (569, true), (570, false), (599, false), (600, false), (601, false)]
    {
        let expires_at = asked_at + Duration::from_secs(life_secs);
        assert_eq!(cause_expires_at(expires_at, asked_at) == expires_at, ends_with_cause, "{life_secs} s");
    }
}
