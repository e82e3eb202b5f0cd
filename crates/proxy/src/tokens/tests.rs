//! A token that is under way when something ends, or when what is heard breaks off.

use async_trait::async_trait;
use tokio::sync::Semaphore;
use tokio::task::yield_now;
use vestibule_feed::LEASE;
use vestibule_ports::issuer::{self, End, LogOn, Presented, Redeem, Swapped};
use vestibule_ports::memory::MemoryIssuer;

use super::*;
use crate::open::Visitor;
use crate::rig::{HANDLE, Rig};

const DISABLED: Cause = Cause::UserDisabled;

/// The rig's IDP, far away: what it says to a mint is on its way until the test lets it arrive.
struct Far {
    idp: Arc<MemoryIssuer>,
    /// A permit for each mint that was answered.
    answered: Semaphore,
    /// A permit for each answer that may arrive.
    arrives: Semaphore,
}

#[async_trait]
impl Issuer for Far {
    async fn redeem(&self, redeem: Redeem) -> Result<LogOn, IssuerError> {
        self.idp.redeem(redeem).await
    }

    async fn mint(&self, mint: Mint, seen: Option<Timestamp>) -> Result<Minted, IssuerError> {
        let answer = self.idp.mint(mint, seen).await;
        self.answered.add_permits(1);
        self.arrives.acquire().await.unwrap().forget();
        answer
    }

    async fn swap(&self, presented: Presented) -> Result<Swapped, IssuerError> {
        self.idp.swap(presented).await
    }

    async fn end(&self, end: End, cause: Cause) -> Result<(), IssuerError> {
        self.idp.end(end, cause).await
    }

    async fn feed(&self, after: u64) -> Result<issuer::Feed, IssuerError> {
        self.idp.feed(after).await
    }
}

/// Alice's pages.
struct Pages {
    rig: Rig,
    far: Arc<Far>,
    tokens: Arc<Tokens>,
    alice: Visitor,
}

impl Pages {
    async fn new() -> Self {
        let rig = Rig::new();
        let alice = rig.alice().await;
        rig.follow_ends().await;
        let (answered, arrives) = (Semaphore::new(0), Semaphore::new(0));
        let far = Arc::new(Far { idp: Arc::clone(&rig.issuer), answered, arrives });
        let (feed, clock) = (Arc::clone(&rig.feed), rig.clock.clone());
        let tokens = Tokens::new(far.clone(), feed, clock, std::iter::empty());
        Self { rig, far, tokens, alice }
    }

    async fn open(&self) -> Result<Arc<Token>, NoToken> {
        let (rig, now) = (&self.rig, self.rig.now());
        let view = self.alice.view(now, rig.limits()).unwrap();
        self.tokens.of(rig.site(), Some((HANDLE, &view)), now, now).await
    }

    /// A page, and what happens between the IDP's answer and its arrival.
    async fn open_while(&self, happens: impl AsyncFnOnce()) -> Result<Arc<Token>, NoToken> {
        let meanwhile = async {
            self.far.answered.acquire().await.unwrap().forget();
            happens().await;
            // Also for another that is asked for because of it.
            self.far.arrives.add_permits(2);
        };
        tokio::join!(self.open(), meanwhile).0
    }

    /// A page whose token arrives at once.
    async fn opened(&self) -> Arc<Token> {
        self.far.arrives.add_permits(1);
        let token = self.open().await.ok().unwrap();
        self.far.answered.acquire().await.unwrap().forget();
        token
    }

    /// Until what has just ended is heard.
    async fn heard(&self, end: impl Future<Output = ()>) {
        let before = self.rig.feed.stamp();
        end.await;
        while self.rig.feed.stamp() == before {
            yield_now().await;
        }
    }

    async fn disable(&self) {
        let end = End::User { id: UserId::parse("alice").unwrap(), by: None };
        self.heard(async { self.rig.issuer.end(end, DISABLED).await.unwrap() }).await;
    }

    async fn end_key(&self) {
        self.heard(async { self.rig.issuer.end_key("a key") }).await;
    }
}

fn why(got: Result<Arc<Token>, NoToken>) -> NoToken {
    got.err().expect("there is no token")
}

#[tokio::test(start_paused = true)]
async fn a_token_that_ends_on_its_way_is_not_handed_out() {
    let pages = Pages::new().await;
    let got = pages.open_while(async || pages.disable().await).await;
    assert_eq!(why(got), NoToken::Ended(DISABLED));
}

#[tokio::test(start_paused = true)]
async fn a_token_whose_signing_key_may_have_ended_on_its_way_is_asked_for_once_more() {
    let pages = Pages::new().await;
    let got = pages.open_while(async || pages.end_key().await).await.ok().unwrap();
    assert!(!pages.rig.feed.has_broken(got.since));
    assert_eq!(pages.rig.issuer.minted(), 2);

    let pages = Pages::new().await;
    let lost = async || {
        pages.end_key().await;
        pages.rig.issuer.set_unreachable(true);
    };
    let got = pages.open_while(lost).await;
    assert!(got.is_ok_and(|got| pages.rig.feed.has_broken(got.since)), "the first one serves");
}

#[tokio::test(start_paused = true)]
async fn a_token_at_hand_that_ends_while_another_is_waited_for_does_not_stand_in() {
    let pages = Pages::new().await;
    pages.opened().await;
    pages.rig.clock.advance(LEASE);
    pages.rig.issuer.set_unreachable(true);
    let heard_after_all = async || {
        pages.rig.issuer.set_unreachable(false);
        pages.disable().await;
    };
    assert_eq!(why(pages.open_while(heard_after_all).await), NoToken::Ended(DISABLED));
}

/// What was heard before and after it is of one provider.
#[tokio::test(start_paused = true)]
async fn an_end_that_is_heard_after_a_break_is_believed_without_asking() {
    let pages = Pages::new().await;
    pages.opened().await;
    pages.end_key().await;
    pages.disable().await;
    pages.rig.issuer.set_unreachable(true);
    assert_eq!(why(pages.open().await), NoToken::Ended(DISABLED));
}

/// Its end is on the IDP's clock, and read by ours.
#[tokio::test(start_paused = true)]
async fn a_clock_that_is_set_back_makes_no_token_live_longer() {
    let pages = Pages::new().await;
    let token = pages.opened().await;
    let clock = &pages.rig.clock;
    clock.step_wall(clock.wall().minus(token::LIFE_MAX));
    let worth = || token.worth_by_life(clock.wall(), clock.mono());
    assert_eq!(worth(), Cached::Use);
    clock.advance(token::LIFE_MAX / 2);
    assert_eq!(worth(), Cached::UseAndRenew);
    clock.advance((token::LIFE_MAX / 2).saturating_sub(token::LEFT_MIN) + Duration::from_millis(1));
    assert_eq!(worth(), Cached::Wait);
}

impl Pages {
    /// Lets time pass and hears from the IDP again.
    async fn pass(&self, time: Duration) {
        self.rig.clock.advance(time);
        self.rig.hear().await;
    }
}

/// What it brings is for the next page; this one has what is at hand.
#[tokio::test(start_paused = true)]
async fn from_half_of_its_life_on_a_token_is_renewed_beside_the_pages() {
    let pages = Pages::new().await;
    let first = pages.opened().await;
    let is_first = |got: Result<Arc<Token>, NoToken>| Arc::ptr_eq(&got.ok().unwrap(), &first);
    pages.pass((token::LIFE_MAX / 2).saturating_sub(Duration::from_secs(1))).await;
    assert!(is_first(pages.open().await));
    yield_now().await;
    assert_eq!(pages.rig.issuer.minted(), 1, "it is young");

    pages.pass(Duration::from_secs(1)).await;
    for _ in 0..3 {
        assert!(is_first(pages.open().await), "nobody waits");
        yield_now().await;
        assert_eq!(pages.rig.issuer.minted(), 2, "one is asked for, once");
    }
    pages.far.arrives.add_permits(1);
    for _ in 0..100 {
        yield_now().await;
    }

    assert!(!is_first(pages.open().await));
    assert_eq!(pages.rig.issuer.minted(), 2);
}

#[tokio::test(start_paused = true)]
async fn in_the_last_fifth_of_its_life_a_page_waits_for_a_new_one() {
    let pages = Pages::new().await;
    let first = pages.opened().await;
    pages.pass(token::LIFE_MAX * 4 / 5 + Duration::from_secs(1)).await;
    let got = pages.open_while(async || {}).await.ok().unwrap();
    assert!(!Arc::ptr_eq(&got, &first));
    assert_eq!(pages.rig.issuer.minted(), 2);
}
