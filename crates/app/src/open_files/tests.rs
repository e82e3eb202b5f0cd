//! Whatever the limit, what listeners may hold leaves the reserve.

use super::*;

const PROXY: Wish = Wish { connections: 16_384, relays: true, is_inside: false };
const IDP: Wish = Wish { connections: 16_384, relays: false, is_inside: false };
const METRICS: Wish = Wish { connections: 256, relays: false, is_inside: true };

#[test]
fn where_there_is_room_each_gets_what_it_wishes() {
    let wishes = [PROXY, IDP, METRICS];
    for limit in [None, Some(1_048_576), Some(65_536)] {
        let shares = share_out(limit, &wishes);
        assert_eq!(shares, [16_384, 16_384, 256], "{limit:?}");
        assert_eq!(warning(limit, &wishes, &shares), None);
    }
}

#[test]
fn a_low_limit_is_shared_and_the_reserve_stays() {
    let wishes = [PROXY, PROXY, IDP, METRICS];
    for limit in [512, 1024, 4096, 20_000, 65_536] {
        let shares = share_out(Some(limit), &wishes);
        let held: u64 = wishes
            .iter()
            .zip(&shares)
            .map(|(wish, share)| Wish { connections: *share, ..*wish }.files())
            .sum();
        assert!(held + RESERVE <= limit, "{limit}: {shares:?}");
        assert!(held + RESERVE + 8 >= limit, "nothing is wasted: {limit}: {shares:?}");
        let told = warning(Some(limit), &wishes, &shares).unwrap();
        assert!(told.contains(&format!("{limit} files")) && told.contains(&shares[0].to_string()), "{told}");
    }
}

#[test]
fn a_limit_below_the_reserve_still_serves_somebody() {
    for limit in [0, 64, 192] {
        let shares = share_out(Some(limit), &[PROXY, METRICS]);
        assert!(shares.iter().all(|share| (CONNECTIONS_MIN..=16).contains(share)), "{limit}: {shares:?}");
    }
}

#[test]
fn what_was_raised_is_raised() {
    let raised = raise();
    let limit = getrlimit(Resource::Nofile);
    assert_eq!(raised, limit.current);
    assert_eq!(limit.current, limit.maximum);
}
