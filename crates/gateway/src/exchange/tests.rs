//! One swap at a time for each token, and answers that an end overtakes, on tokio's paused time: nothing here is late
//! because the machine is busy.

use vestibule_oauth::token::AccessToken;
use vestibule_ports::clock::TestClock;

use super::*;
use crate::issuer::{Desk, Mood};

const LIVES: Duration = Duration::from_hours(1);
/// Turns that other tasks get before a test gives up waiting for them.
const TURNS_MAX: usize = 1_000;

struct Rig {
    desk: Arc<Desk>,
    feed: Arc<Feed>,
    swaps: Arc<Swaps>,
}

fn token() -> Presented {
    Presented::Outside(AccessToken::parse("token").unwrap())
}

impl Rig {
    /// With one token, under a lease.
    async fn new(mood: Mood) -> Self {
        let clock = Arc::new(TestClock::new(Timestamp::from_secs(1_800_000_000)));
        let desk = Arc::new(Desk::new(clock.clone()));
        desk.admit(&token(), "echo:read", LIVES);
        desk.set_mood(mood);
        let feed = Arc::new(Feed::new(clock.clone()));
        let (following, provider) = (Arc::clone(&feed), Arc::clone(&desk));
        tokio::spawn(async move { following.run(&*provider).await });
        let swaps = Swaps::new(Services { issuer: desk.clone(), feed: Arc::clone(&feed), clock });
        let rig = Self { desk, feed, swaps };
        until(|| rig.feed.check(&Traces::default(), rig.feed.stamp()) == Life::Alive).await;
        rig
    }

    /// A request that is being served; it has begun to wait when this returns.
    async fn request(&self) -> tokio::task::JoinHandle<Outcome> {
        let swaps = Arc::clone(&self.swaps);
        let request = tokio::spawn(async move { swaps.swap(&token()).await });
        turn().await;
        request
    }

    /// Ends the token, and the feed has told it.
    async fn end(&self) {
        let before = self.feed.stamp();
        self.desk.end_token(&token()).await;
        until(|| self.feed.stamp() != before).await;
    }
}

/// Gives each other task a turn.
async fn turn() {
    for _ in 0..8 {
        tokio::task::yield_now().await;
    }
}

async fn until(holds: impl Fn() -> bool) {
    for _ in 0..TURNS_MAX {
        if holds() {
            return;
        }
        tokio::task::yield_now().await;
    }
    panic!("it never came");
}

/// The JWT of an outcome, or in a word why there is none.
fn word(outcome: Outcome) -> String {
    match outcome {
        Ok(swap) => swap.swapped.jwt.expose().to_owned(),
        Err(NotExchanged::Refused) => "refused".to_owned(),
        Err(NotExchanged::Unavailable(error)) => error.to_string(),
    }
}

#[tokio::test(start_paused = true)]
async fn all_who_ask_at_once_share_one_swap() {
    let rig = Rig::new(Mood::Waits).await;
    let mut requests = Vec::new();
    for _ in 0..100 {
        requests.push(rig.request().await);
    }
    rig.desk.set_mood(Mood::Answers);
    for request in requests {
        assert_eq!(word(request.await.unwrap()), "jwt.1.x");
    }
    assert_eq!(rig.desk.asked(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_failed_swap_fails_for_all_who_waited_and_is_not_repeated_for_each() {
    let rig = Rig::new(Mood::Waits).await;
    let mut requests = Vec::new();
    for _ in 0..20 {
        requests.push(rig.request().await);
    }
    for request in requests {
        assert_eq!(word(request.await.unwrap()), "issuer did not answer in time");
    }
    assert_eq!(rig.desk.asked(), 1);
}

#[tokio::test(start_paused = true)]
async fn nobody_waits_longer_than_the_limit() {
    let rig = Rig::new(Mood::Hangs).await;
    let began = tokio::time::Instant::now();
    let request = rig.request().await;
    assert_eq!(word(request.await.unwrap()), "issuer did not answer in time");
    assert_eq!(began.elapsed(), token::WAIT_MAX);
}

#[tokio::test(start_paused = true)]
async fn a_swap_lands_though_the_first_to_ask_has_gone() {
    let rig = Rig::new(Mood::Waits).await;
    let first = rig.request().await;
    let second = rig.request().await;
    first.abort();
    turn().await;
    rig.desk.set_mood(Mood::Answers);
    assert_eq!(word(second.await.unwrap()), "jwt.1.x");
    assert_eq!(rig.desk.asked(), 1);
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_was_under_way_when_its_token_ended_is_not_used() {
    let rig = Rig::new(Mood::Dawdles(1)).await;
    let early = rig.request().await;
    assert_eq!(rig.desk.asked(), 1);
    rig.end().await;
    let late = rig.request().await;
    rig.desk.set_mood(Mood::Answers);
    assert_eq!(
        (word(early.await.unwrap()), word(late.await.unwrap())),
        ("refused".to_owned(), "refused".to_owned())
    );
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_was_overtaken_by_an_end_is_asked_for_once_more() {
    let rig = Rig::new(Mood::Dawdles(1)).await;
    let request = rig.request().await;
    rig.end().await;
    rig.desk.admit(&token(), "echo:read", LIVES);
    rig.desk.set_mood(Mood::Answers);
    assert_eq!(word(request.await.unwrap()), "jwt.2.x");
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_is_overtaken_again_is_a_refusal() {
    let rig = Rig::new(Mood::Dawdles(1)).await;
    let request = rig.request().await;
    for next in [Mood::Dawdles(2), Mood::Answers] {
        rig.end().await;
        rig.desk.admit(&token(), "echo:read", LIVES);
        rig.desk.set_mood(next);
        turn().await;
    }
    assert_eq!(word(request.await.unwrap()), "refused");
    assert_eq!(rig.desk.asked(), 2);
}

#[tokio::test(start_paused = true)]
async fn no_more_swaps_than_there_is_room_for_are_begun() {
    let rig = Rig::new(Mood::Waits).await;
    for number in 0..FLIGHTS_MAX {
        let other = AccessToken::parse(&number.to_string()).unwrap();
        rig.swaps.board(other.digest(), &Presented::Outside(other));
    }
    let request = rig.request().await;
    assert_eq!(word(request.await.unwrap()), "issuer unreachable: too many swaps are under way");
    assert_eq!(rig.desk.asked(), FLIGHTS_MAX);
    rig.desk.set_mood(Mood::Answers);
    turn().await;
    assert_eq!(word(rig.request().await.await.unwrap()), format!("jwt.{}.x", FLIGHTS_MAX + 1));
}

#[tokio::test(start_paused = true)]
async fn a_swap_that_dies_is_no_refusal_and_leaves_nothing_behind() {
    let rig = Rig::new(Mood::Panics).await;
    assert_eq!(word(rig.request().await.await.unwrap()), "issuer misbehaved: the swap was lost");
    rig.desk.set_mood(Mood::Answers);
    assert_eq!(word(rig.request().await.await.unwrap()), "jwt.2.x");
}

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
