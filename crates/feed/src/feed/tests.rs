//! Every clause of what a stamp and a lease are worth, on a clock that only the test moves.

use vestibule_domain::identity::{Epoch, Handle, SignOnId, Timestamp, UserId};
use vestibule_ports::clock::TestClock;

use super::*;
use crate::ends::ENDS_MAX;

const SID: Handle = Handle::from_bytes([1; 16]);
const OTHER_SID: Handle = Handle::from_bytes([2; 16]);
/// The cause that every end of these tests has.
const ENDED: Life = Life::Ended(Cause::Revoked);
const TICK: Duration = Duration::from_millis(1);

/// A feed whose provider is played by the test.
struct Rig {
    clock: Arc<TestClock>,
    feed: Feed,
    seq: u64,
}

impl Rig {
    /// Connected, with nothing heard.
    fn silent() -> Self {
        let clock = Arc::new(TestClock::new(Timestamp::from_secs(1_800_000_000)));
        let feed = Feed::new(clock.clone());
        feed.resume();
        Self { clock, feed, seq: 0 }
    }

    /// Connected, under a lease.
    fn new() -> Self {
        let rig = Self::silent();
        rig.beat();
        rig
    }

    fn beat(&self) {
        self.feed.heed(FeedItem::Heartbeat { seq: self.seq, sent: self.clock.mono() });
    }

    fn end(&mut self, ended: Ended) {
        self.seq += 1;
        self.feed.heed(FeedItem::Ended { seq: self.seq, ended, cause: Cause::Revoked });
    }

    /// Lets time pass while heartbeats come.
    fn pass(&self, time: Duration) {
        self.clock.advance(time);
        self.beat();
    }
}

fn just_before(time: Duration) -> Duration {
    time.saturating_sub(TICK)
}

fn of_session(sid: Handle, ep: u32) -> Traces<'static> {
    Traces { session: Some((sid, Epoch::new(ep))), ..Traces::default() }
}

fn end_of_session(ep: u32) -> Ended {
    Ended::Session { sid: SID, ep: Epoch::new(ep) }
}

fn user(name: &str) -> UserId {
    UserId::parse(name).unwrap()
}

#[test]
fn each_kind_of_end_ends_what_bears_its_name_and_nothing_else() {
    let (alice, bob) = (user("alice"), user("bob"));
    let (here, there) = (SignOnId::parse("here").unwrap(), SignOnId::parse("there").unwrap());
    let none = Traces::default();
    let of_user = |user, epoch| Traces { user: Some((user, Epoch::new(epoch))), ..none };
    let of_alice = |epoch| of_user(&alice, epoch);
    let ended_user = || Ended::User { user: alice.clone(), epoch: Epoch::new(3) };
    for (ended, traces, life) in [
        (end_of_session(2), of_session(SID, 1), ENDED),
        (end_of_session(2), of_session(SID, 2), ENDED),
        (end_of_session(2), of_session(SID, 3), Life::Alive),
        (end_of_session(2), of_session(OTHER_SID, 1), Life::Alive),
        (Ended::SignOn(here.clone()), Traces { sign_on: Some(&here), ..none }, ENDED),
        (Ended::SignOn(here.clone()), Traces { sign_on: Some(&there), ..none }, Life::Alive),
        (Ended::Grant("g".to_owned()), Traces { grant: Some("g"), ..none }, ENDED),
        (Ended::Grant("g".to_owned()), Traces { grant: Some("h"), ..none }, Life::Alive),
        (Ended::Grant("g".to_owned()), Traces { family: Some("g"), client: Some("g"), ..none }, Life::Alive),
        (Ended::Family("f".to_owned()), Traces { family: Some("f"), ..none }, ENDED),
        (Ended::Family("f".to_owned()), Traces { grant: Some("f"), ..none }, Life::Alive),
        (Ended::Client("c".to_owned()), Traces { client: Some("c"), ..none }, ENDED),
        (Ended::Client("c".to_owned()), Traces { client: Some("d"), ..none }, Life::Alive),
        (ended_user(), of_alice(2), ENDED),
        (ended_user(), of_alice(3), Life::Alive),
        (ended_user(), of_user(&bob, 1), Life::Alive),
        (Ended::Claims(alice.clone()), of_alice(1), Life::Alive),
        (Ended::Key("k".to_owned()), none, Life::Unsure),
        (ended_user(), none, Life::Alive),
    ] {
        let mut rig = Rig::new();
        let since = rig.feed.stamp();
        rig.end(ended.clone());
        assert_eq!(rig.feed.check(&traces, since), life, "{ended:?} and {traces:?}");
        assert_eq!(rig.feed.check(&traces, rig.feed.stamp()), Life::Alive, "asked for after {ended:?}");
    }
}

#[test]
fn of_two_ends_of_one_name_both_count() {
    let mut rig = Rig::new();
    let since = rig.feed.stamp();
    rig.end(end_of_session(3));
    rig.end(end_of_session(1));
    assert_eq!(rig.feed.check(&of_session(SID, 3), since), ENDED);
}

#[test]
fn changed_claims_are_told_to_who_asks_for_claims() {
    let mut rig = Rig::new();
    let since = rig.feed.stamp();
    rig.end(Ended::Claims(user("alice")));
    assert_eq!(rig.feed.check_claims(&user("alice"), since), ENDED);
    assert_eq!(rig.feed.check_claims(&user("bob"), since), Life::Alive);
    assert_eq!(rig.feed.check_claims(&user("alice"), rig.feed.stamp()), Life::Alive);
}

#[test]
fn a_lease_counts_from_the_sending_of_its_heartbeat() {
    let rig = Rig::silent();
    let (traces, since) = (of_session(SID, 1), rig.feed.stamp());
    assert_eq!(rig.feed.check(&traces, since), Life::Unsure, "before the first heartbeat");
    let sent = rig.clock.mono();
    rig.clock.advance(just_before(LEASE));
    rig.feed.heed(FeedItem::Heartbeat { seq: 0, sent });
    assert_eq!(rig.feed.check(&traces, since), Life::Alive);
    rig.clock.advance(TICK);
    assert_eq!(rig.feed.check(&traces, since), Life::Unsure);
    rig.beat();
    assert_eq!(rig.feed.check(&traces, since), Life::Alive);
    rig.feed.heed(FeedItem::Heartbeat { seq: 0, sent });
    assert_eq!(rig.feed.check(&traces, since), Life::Alive, "an old heartbeat came late");
}

#[test]
fn a_heard_end_counts_without_a_lease() {
    let mut rig = Rig::new();
    let since = rig.feed.stamp();
    rig.end(end_of_session(1));
    rig.clock.advance(LEASE);
    assert_eq!(rig.feed.check(&of_session(SID, 1), since), ENDED);
    assert_eq!(rig.feed.check(&of_session(OTHER_SID, 1), since), Life::Unsure);
}

/// The stamp from before, and what it is worth after.
fn after(event: impl FnOnce(&mut Rig)) -> (Life, Life) {
    let mut rig = Rig::new();
    rig.end(end_of_session(1));
    let before = rig.feed.stamp();
    event(&mut rig);
    rig.beat();
    let traces = of_session(OTHER_SID, 1);
    (rig.feed.check(&traces, before), rig.feed.check(&traces, rig.feed.stamp()))
}

#[test]
fn nothing_from_before_a_break_is_believed() {
    let hole = |rig: &mut Rig| {
        rig.seq += 1;
        rig.end(end_of_session(1));
    };
    let restored = |rig: &mut Rig| {
        rig.seq = 0;
        rig.end(end_of_session(1));
    };
    let unheard = |rig: &mut Rig| rig.seq += 1;
    let gap = |rig: &mut Rig| {
        rig.seq = 70;
        rig.feed.heed(FeedItem::Gap { seq: 70 });
    };
    assert_eq!(after(|_| {}), (Life::Alive, Life::Alive), "no break");
    assert_eq!(after(|rig| rig.feed.resume()), (Life::Unsure, Life::Alive), "a lost connection");
    assert_eq!(after(gap), (Life::Unsure, Life::Alive), "a gap");
    assert_eq!(after(hole), (Life::Unsure, Life::Alive), "a hole in the numbers");
    assert_eq!(after(restored), (Life::Unsure, Life::Alive), "numbers that begin anew");
    assert_eq!(
        after(unheard),
        (Life::Unsure, Life::Alive),
        "a heartbeat that knows of an end we did not hear"
    );
}

/// What becomes of a stamp when its session ends and what is heard breaks off, in either order; then of a client.
fn across(break_off: impl Fn(&mut Rig)) -> [Life; 3] {
    let mut rigs = [(); 3].map(|()| Rig::new());
    let [first, last, client] = &mut rigs;
    let since = first.feed.stamp();
    first.end(end_of_session(1));
    break_off(first);
    break_off(last);
    last.end(end_of_session(1));
    break_off(client);
    client.end(Ended::Client("c".to_owned()));
    let traces = Traces { client: Some("c"), ..of_session(SID, 1) };
    rigs.map(|rig| {
        rig.beat();
        assert_eq!(rig.feed.check(&of_session(OTHER_SID, 1), since), Life::Unsure, "what has not ended");
        rig.feed.check(&traces, since)
    })
}

#[test]
fn an_end_counts_across_a_break_as_long_as_the_numbers_go_on() {
    let key = |rig: &mut Rig| rig.end(Ended::Key("k".to_owned()));
    let gap = |rig: &mut Rig| {
        rig.seq = 70;
        rig.feed.heed(FeedItem::Gap { seq: 70 });
    };
    let hole = |rig: &mut Rig| {
        rig.seq += 1;
        key(rig);
    };
    let restored = |rig: &mut Rig| {
        rig.seq = 0;
        key(rig);
    };
    // A client that was removed may be there again: whose tokens are meant is not known.
    assert_eq!(across(|rig| rig.feed.resume()), [ENDED, ENDED, Life::Unsure], "a lost connection");
    assert_eq!(across(key), [ENDED, ENDED, Life::Unsure], "the end of a signing key");
    assert_eq!(across(gap), [Life::Unsure; 3], "a gap");
    assert_eq!(across(hole), [Life::Unsure; 3], "a hole in the numbers");
    // Where nothing was heard before, it cannot be told from one that goes on.
    assert_eq!(across(restored)[0], Life::Unsure, "numbers that begin anew");
}

#[test]
fn an_end_after_a_break_is_heard_whatever_the_numbers_before_were() {
    let mut rig = Rig::new();
    rig.seq = 500;
    rig.feed.heed(FeedItem::Gap { seq: 500 });
    rig.seq = 400;
    rig.feed.heed(FeedItem::Gap { seq: 400 });
    rig.beat();
    let since = rig.feed.stamp();
    rig.end(end_of_session(1));
    assert_eq!(rig.feed.check(&of_session(SID, 1), since), ENDED);
}

#[test]
fn an_end_is_never_forgotten_while_something_older_is_believed() {
    let last = just_before(KEPT);
    for delay in [Duration::ZERO, TICK, Duration::from_mins(1), KEPT / 2, just_before(last)] {
        let mut rig = Rig::new();
        rig.end(Ended::Client("first".to_owned()));
        rig.pass(last);
        let (since, began) = (rig.feed.stamp(), rig.clock.mono());
        rig.pass(delay);
        rig.end(end_of_session(1));
        while rig.clock.mono().since(began) < last {
            assert_eq!(rig.feed.check(&of_session(SID, 1), since), ENDED, "{delay:?}");
            let left = last.saturating_sub(rig.clock.mono().since(began));
            rig.pass(left.min(Duration::from_secs(11)));
            rig.end(Ended::Client("another".to_owned()));
        }
        assert_eq!(rig.feed.check(&of_session(SID, 1), since), ENDED, "{delay:?}");
        rig.pass(TICK);
        assert_eq!(rig.feed.check(&of_session(SID, 1), since), Life::Unsure, "{delay:?}");
        assert_eq!(rig.feed.check(&of_session(OTHER_SID, 1), since), Life::Unsure, "{delay:?}");
    }
}

#[test]
fn old_ends_make_room() {
    let mut rig = Rig::new();
    for _ in 0..3 {
        rig.pass(KEPT);
        let since = rig.feed.stamp();
        for number in 0..ENDS_MAX / 2 {
            rig.end(Ended::Grant(number.to_string()));
        }
        assert_eq!(rig.feed.check(&of_session(SID, 1), since), Life::Alive);
    }
}

#[test]
fn more_ends_than_there_is_room_for_are_a_break() {
    let mut rig = Rig::new();
    let since = rig.feed.stamp();
    for number in 0..ENDS_MAX {
        rig.end(Ended::Grant(number.to_string()));
    }
    assert_eq!(rig.feed.check(&of_session(SID, 1), since), Life::Alive);
    rig.end(end_of_session(1));
    assert_eq!(rig.feed.check(&of_session(SID, 1), since), Life::Unsure);
    assert_eq!(rig.feed.check(&of_session(OTHER_SID, 1), since), Life::Unsure);
    let since = rig.feed.stamp();
    rig.end(end_of_session(1));
    assert_eq!(rig.feed.check(&of_session(SID, 1), since), ENDED);
    assert_eq!(rig.feed.check(&of_session(OTHER_SID, 1), since), Life::Alive);
}

#[test]
fn a_check_allocates_nothing() {
    let mut rig = Rig::new();
    let since = rig.feed.stamp();
    rig.end(end_of_session(1));
    let (alice, sign_on) = (user("alice"), SignOnId::parse("here").unwrap());
    let traces = Traces {
        session: Some((OTHER_SID, Epoch::FIRST)),
        sign_on: Some(&sign_on),
        grant: Some("g"),
        family: Some("f"),
        user: Some((&alice, Epoch::FIRST)),
        client: Some("c"),
    };
    let allocated = allocation_counter::measure(|| {
        assert_eq!(rig.feed.check(&traces, since), Life::Alive);
    });
    assert_eq!(allocated.count_total, 0);
}

#[test]
fn ends_and_breaks_are_news_and_heartbeats_are_not() {
    let mut rig = Rig::new();
    let mut news = rig.feed.news();
    news.mark_unchanged();
    rig.pass(LEASE);
    assert!(!news.has_changed().unwrap());
    rig.end(Ended::Session { sid: SID, ep: Epoch::FIRST });
    assert!(news.has_changed().unwrap());
    news.mark_unchanged();
    for (what, item) in [
        ("a gap", Some(FeedItem::Gap { seq: 9 })),
        ("an end that was not heard", Some(FeedItem::Heartbeat { seq: 10, sent: rig.clock.mono() })),
        ("a lost connection", None),
    ] {
        match item {
            Some(item) => rig.feed.heed(item),
            None => rig.feed.resume(),
        }
        assert!(news.has_changed().unwrap(), "{what}");
        news.mark_unchanged();
    }
}

#[test]
fn how_long_nothing_is_known_counts_from_the_lease_or_from_the_break() {
    let rig = Rig::new();
    let since = rig.feed.stamp();
    rig.clock.advance(LEASE);
    assert_eq!(rig.feed.unsure_for(since), Duration::ZERO);
    rig.clock.advance(TICK);
    assert_eq!(rig.feed.unsure_for(since), TICK);
    rig.beat();
    assert_eq!(rig.feed.unsure_for(since), Duration::ZERO);
    rig.feed.resume();
    rig.pass(LEASE * 2);
    assert_eq!(rig.feed.unsure_for(since), LEASE * 2, "heard again, but not what came in between");
    assert_eq!(rig.feed.unsure_for(rig.feed.stamp()), Duration::ZERO);
}

#[test]
fn a_feed_that_is_lost_again_and_again_makes_nothing_sure_again() {
    let rig = Rig::new();
    rig.pass(LEASE);
    let since = rig.feed.stamp();
    let short = just_before(LEASE);
    rig.pass(short);
    for number in 0..BREAKS_MAX * 2 {
        rig.feed.resume();
        assert!(rig.feed.has_broken(since));
        // Of a break that is forgotten it is only known that it came after the asking.
        let forgotten = if number < BREAKS_MAX { Duration::ZERO } else { short };
        let passed = TICK * u32::try_from(number).unwrap();
        assert_eq!(rig.feed.unsure_for(since), passed + forgotten, "break {number}");
        rig.pass(TICK);
    }
}

#[test]
fn a_break_makes_nothing_sure_that_was_not_when_the_lease_had_ended() {
    let rig = Rig::new();
    let since = rig.feed.stamp();
    rig.clock.advance(LEASE * 3);
    rig.feed.resume();
    rig.beat();
    assert_eq!(rig.feed.unsure_for(since), LEASE * 2);
}

#[test]
fn what_was_asked_for_without_a_lease_was_sure_when_it_was_asked_for() {
    let rig = Rig::new();
    rig.clock.advance(LEASE * 3);
    let since = rig.feed.stamp();
    rig.clock.advance(TICK);
    assert_eq!(rig.feed.unsure_for(since), TICK);
    rig.feed.resume();
    assert_eq!((rig.feed.unsure_for(since), rig.feed.has_broken(since)), (TICK, true));
}
