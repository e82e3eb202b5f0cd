//! Who has waited for long enough goes, a round at a time, and nobody goes while there is room.

use super::*;

const LONGEST: Duration = Duration::from_secs(64);
const LONG: Duration = Duration::from_mins(1);

#[test]
fn nobody_goes_while_there_is_room() {
    let crowd = Crowd::default();
    assert!(!crowd.is_dense() && !crowd.takes(LONG));
    crowd.begin_round(0, LONGEST);
    assert!(crowd.is_dense() && crowd.takes(LONG));
    crowd.disperse();
    assert!(!crowd.is_dense() && !crowd.takes(LONG));
}

#[test]
fn each_round_takes_those_that_have_waited_for_half_as_long_and_never_the_newest() {
    let crowd = Crowd::default();
    for (number, shortest) in
        [(0, 32_000), (1, 16_000), (4, 2_000), (5, 1_000), (6, 1_000), (40, 1_000), (u32::MAX, 1_000)]
    {
        crowd.begin_round(number, LONGEST);
        assert!(!crowd.takes(Duration::from_millis(shortest - 1)), "{number}");
        assert!(crowd.takes(Duration::from_millis(shortest)), "{number}");
    }
}

#[test]
fn a_round_takes_only_so_many() {
    let crowd = Crowd::default();
    crowd.begin_round(0, LONGEST);
    assert_eq!((0..1000).filter(|_| crowd.takes(LONG)).count(), ROUND);
}

#[test]
fn a_round_is_vain_when_all_who_may_go_were_asked_and_nobody_went() {
    let crowd = Crowd::default();
    let short = Duration::from_secs(4);
    assert_eq!(crowd.begin_round(0, short), Round::Good, "nobody was asked before");
    assert_eq!(crowd.begin_round(1, short), Round::Good, "not all were asked");
    assert_eq!(crowd.begin_round(2, short), Round::Vain);
    assert!(crowd.takes(LONG));
    assert_eq!(crowd.begin_round(3, short), Round::Good, "somebody went");
    assert_eq!(crowd.begin_round(4, short), Round::Vain);
    crowd.disperse();
    assert_eq!(crowd.begin_round(0, short), Round::Good, "there was room in between");
}
