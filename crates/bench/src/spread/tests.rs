//! Quartiles as everybody computes them.

use super::Spread;

#[test]
fn quartiles_lie_between_neighbours() {
    assert_eq!(Spread::of([]), None);
    assert_eq!(Spread::of([7.0]), Some(Spread { low: 7.0, median: 7.0, high: 7.0 }));
    assert_eq!(Spread::of([5.0, 1.0, 3.0, 2.0, 4.0]), Some(Spread { low: 2.0, median: 3.0, high: 4.0 }));
    assert_eq!(Spread::of([1.0, 2.0, 3.0, 4.0]), Some(Spread { low: 1.75, median: 2.5, high: 3.25 }));
}
