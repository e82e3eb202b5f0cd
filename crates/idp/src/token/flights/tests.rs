//! Refreshes under way at the same time.

use super::*;

#[test]
fn a_twin_is_under_way_before_the_answer_to_the_one_that_rotates() {
    let flights = Flights::default();
    let (first, second, other) = (flights.begin([1; 32]), flights.begin([1; 32]), flights.begin([2; 32]));
    assert!(!second.has_twin(), "nothing was used up yet");
    first.rotates();
    let third = flights.begin([1; 32]);
    first.answers();
    let late = flights.begin([1; 32]);
    let twins = [&second, &third, &late, &other].map(Flight::has_twin);
    assert_eq!(twins, [true, true, false, false]);
}

#[test]
fn two_that_come_too_late_have_no_twin() {
    let flights = Flights::default();
    let winner = flights.begin([1; 32]);
    winner.rotates();
    winner.answers();
    drop(winner);
    let (one, two) = (flights.begin([1; 32]), flights.begin([1; 32]));
    assert_eq!([one.has_twin(), two.has_twin()], [false, false]);
}

#[test]
fn nothing_stays_of_a_flight_that_is_over() {
    let flights = Flights::default();
    drop((flights.begin([1; 32]), flights.begin([1; 32]), flights.begin([2; 32])));
    assert!(flights.all().is_empty());
}
