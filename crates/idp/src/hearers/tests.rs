//! An acknowledgement waits for those who follow, for a while, and for nobody else.

use super::*;

#[tokio::test(start_paused = true)]
async fn waits_for_everybody_who_follows_and_for_nobody_who_has_left() {
    let hearers = Hearers::new();
    let waits = async |seq| {
        let begun = tokio::time::Instant::now();
        hearers.wait_for(seq).await;
        begun.elapsed()
    };
    assert_eq!(waits(1).await, Duration::ZERO, "nobody is there");
    let (one, other) = (hearers.join(0), hearers.join(3));
    assert_eq!(waits(0).await, Duration::ZERO);
    assert_eq!(waits(1).await, HEARD_MAX, "one has stalled");
    one.has_heard(2);
    assert_eq!(waits(2).await, Duration::ZERO);
    let later = async {
        tokio::time::advance(HEARD_MAX / 4).await;
        drop(one);
    };
    assert_eq!(tokio::join!(waits(3), later).0, HEARD_MAX / 4, "who leaves holds up nobody");
    drop(other);
    assert_eq!(waits(9).await, Duration::ZERO);
}
