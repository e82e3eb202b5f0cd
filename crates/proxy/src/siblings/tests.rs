//! A log-out ends what came from its sign-on session elsewhere too, beside its answer and however often it takes.

use vestibule_domain::audit::Cause;
use vestibule_domain::identity::{Epoch, GrantDigest};
use vestibule_domain::session::Session;
use vestibule_ports::issuer::{End, Ended, Issuer as _};
use vestibule_ports::memory::Fault;
use vestibule_ports::session_store::{Record, SessionStore as _, Slot};

use super::*;
use crate::absorb::LogOut;
use crate::open::Visitor;
use crate::own::{LoggedOut, end_everything};
use crate::rig::{HANDLE, Rig, sign_on};

/// On another site, and fallen there.
const FALLEN: Handle = Handle::from_bytes([8; 16]);
/// Logged on.
const LIVE: Handle = Handle::from_bytes([10; 16]);
/// Another browser's.
const ELSEWHERE: Handle = Handle::from_bytes([9; 16]);

/// A session of alice's with its fall written down.
fn fallen(rig: &Rig, number: u8) -> Session {
    let (session, limits) = (rig.logged_on("alice", number), rig.limits());
    let reading = Reading { last_seen: Some(rig.now()), source: Source::Own };
    let later = rig.now() + limits.idle;
    match judge(&session, Key::Vst, reading, later, limits) {
        Verdict::Lives(view) => view.settled(later, limits),
        other => panic!("{other:?}"),
    }
}

/// A session ends as by a log-out whose process dies before it has told anybody.
async fn ended_untold(rig: &Rig, handle: Handle, reach: Reach) -> (Handle, Tombstone) {
    let (debt, deadline) = (Debt::Session(handle, reach), rig.visitors().sessions.deadline());
    let entry = owed::write_down(rig.visitors(), debt, rig.now(), deadline).await.unwrap();
    let end = |session: &Session| Some(rise::end(session, Cause::LogOut, rig.now()));
    match rig.visitors().sessions.end(handle, |known| end(&known.session)).await.unwrap() {
        Finished::Ended(tombstone) => (entry, *tombstone),
        other => panic!("{other:?}"),
    }
}

async fn log_out(rig: &Rig, visitor: &Visitor, asked: LogOut) -> LoggedOut {
    let deadline = rig.visitors().sessions.deadline();
    end_everything(rig.visitors(), rig.now(), visitor, asked, rig.limits(), deadline).await.outcome
}

/// The rounds of this time, without what ends siblings.
async fn only_tell(rig: &Rig, time: Duration) {
    let _cut = tokio::time::timeout(time, owed::keep_telling(rig.visitors())).await;
}

/// What ends siblings for this time, without the rounds.
async fn only_end(rig: &Rig, time: Duration) {
    let _cut = tokio::time::timeout(time, keep_ending(rig.visitors())).await;
}

async fn debt(rig: &Rig, entry: Handle) -> Debt {
    rig.visitors().sessions.due(entry).await.unwrap().expect("it is owed").owed.what
}

/// How often the IDP has ended everything of a user.
async fn users_ended(rig: &Rig) -> usize {
    rig.ends().await.iter().filter(|ended| matches!(ended, Ended::User { .. })).count()
}

/// The log-on elsewhere is newer than the log-out, which waits for the IDP.
#[tokio::test(start_paused = true)]
async fn a_log_out_everywhere_ends_what_had_fallen_everywhere_and_no_later_log_on() {
    let rig = Rig::new();
    let alice = rig.alice().await;
    rig.create(ELSEWHERE, &fallen(&rig, 2)).await;
    rig.clock.advance(SKEW);
    rig.issuer.set_unreachable(true);
    let left = log_out(&rig, &alice, LogOut::Everywhere).await;
    assert_eq!(left, LoggedOut::HereOnly);
    rig.clock.advance(owed::LOOK_EVERY);
    rig.create(FALLEN, &rig.logged_on("alice", 3)).await;
    rig.issuer.set_unreachable(false);
    rig.run_for(owed::LOOK_EVERY * 2).await;
    assert_eq!(cause_of(&rig, ELSEWHERE).await, Some(Cause::LogOutEverywhere));
    assert_eq!(cause_of(&rig, FALLEN).await, None);
    assert_eq!(rig.owed().await, 0);
}

/// Alice logs out, with one session that has fallen elsewhere in her browser and one in another browser.
async fn logged_out(rig: &Rig, is_idp_away: bool) -> LoggedOut {
    let alice = rig.alice().await;
    rig.issuer.set_unreachable(is_idp_away);
    for (handle, session) in [(FALLEN, fallen(rig, 1)), (ELSEWHERE, fallen(rig, 2))] {
        rig.create(handle, &session).await;
    }
    assert_eq!(rig.live_sessions_of("alice").await, 3);
    log_out(rig, &alice, LogOut::This).await
}

async fn cause_of(rig: &Rig, handle: Handle) -> Option<Cause> {
    match rig.store.get(handle, rig.now()).await.unwrap() {
        Slot::Ended(kept) => Some(Tombstone::decode(&kept.body).unwrap().cause),
        _ => None,
    }
}

/// Everything that belongs to the log-out has ended, and nothing else.
async fn check_all_ended(rig: &Rig) {
    assert_eq!(cause_of(rig, FALLEN).await, Some(Cause::LogOut));
    assert_eq!(cause_of(rig, ELSEWHERE).await, None);
    assert_eq!(rig.owed().await, 0);
    let ends = rig.ends().await;
    let session = |sid| Ended::Session { sid, ep: Epoch::FIRST };
    assert!(ends.starts_with(&[session(HANDLE), Ended::SignOn(sign_on(1))]), "{ends:?}");
    assert!(ends.contains(&session(FALLEN)), "its tokens end too: {ends:?}");
    assert!(!ends.contains(&session(ELSEWHERE)), "{ends:?}");
}

#[tokio::test(start_paused = true)]
async fn what_came_from_the_same_sign_on_session_ends_after_the_answer() {
    let rig = Rig::new();
    assert_eq!(logged_out(&rig, false).await, LoggedOut::Done);
    assert_eq!(cause_of(&rig, FALLEN).await, None, "the answer does not wait for it");
    rig.run_for(owed::AGAIN_AFTER).await;
    check_all_ended(&rig).await;
}

#[tokio::test(start_paused = true)]
async fn a_store_that_fails_or_a_process_that_dies_only_delays_it() {
    let rig = Rig::new();
    assert_eq!(logged_out(&rig, false).await, LoggedOut::Done);
    rig.store.set_fault(Fault::Unreachable);
    rig.run_for(owed::LOOK_EVERY).await;
    rig.store.set_fault(Fault::None);
    assert_eq!(cause_of(&rig, FALLEN).await, None);
    rig.restarted().run_for(owed::LOOK_EVERY).await;
    check_all_ended(&rig).await;
}

#[tokio::test(start_paused = true)]
async fn an_idp_that_confirms_later_is_waited_for() {
    let rig = Rig::new();
    assert_eq!(logged_out(&rig, true).await, LoggedOut::HereOnly);
    rig.run_for(owed::AGAIN_AFTER).await;
    assert_eq!(cause_of(&rig, FALLEN).await, None);
    rig.issuer.set_unreachable(false);
    rig.run_for(owed::LOOK_EVERY).await;
    check_all_ended(&rig).await;
}

/// The process dies once the IDP has confirmed, and alice logs on anew before another one looks after the rest.
#[tokio::test(start_paused = true)]
async fn what_the_idp_has_confirmed_it_is_not_told_again_by_any_process() {
    let rig = Rig::new();
    let alice = rig.alice().await;
    rig.create(ELSEWHERE, &fallen(&rig, 2)).await;
    rig.clock.advance(SKEW);
    let left = log_out(&rig, &alice, LogOut::Everywhere).await;
    assert_eq!((left, users_ended(&rig).await), (LoggedOut::Done, 1));
    rig.create(FALLEN, &rig.logged_on("alice", 3)).await;
    rig.restarted().run_for(owed::LOOK_EVERY).await;
    assert_eq!(cause_of(&rig, ELSEWHERE).await, Some(Cause::LogOutEverywhere));
    assert_eq!(cause_of(&rig, FALLEN).await, None);
    assert_eq!((users_ended(&rig).await, rig.owed().await), (1, 0));
}

#[tokio::test(start_paused = true)]
async fn what_it_has_confirmed_and_could_not_be_written_is_known_to_this_process() {
    let rig = Rig::new();
    let _alice = rig.alice().await;
    let (entry, tombstone) = ended_untold(&rig, HANDLE, Reach::User).await;
    rig.store.set_fault(Fault::Unreachable);
    assert!(owed::tell(rig.visitors(), entry, HANDLE, Reach::User, &tombstone).await);
    rig.store.set_fault(Fault::None);
    assert_eq!(debt(&rig, entry).await, Debt::Session(HANDLE, Reach::User));

    only_tell(&rig, owed::LOOK_EVERY * 2).await;
    assert_eq!(debt(&rig, entry).await, Debt::Siblings(HANDLE, Reach::User));
    assert_eq!(users_ended(&rig).await, 1);
    rig.run_for(owed::LOOK_EVERY).await;
    assert_eq!((users_ended(&rig).await, rig.owed().await), (1, 0));
}

#[tokio::test(start_paused = true)]
async fn what_began_so_short_before_that_two_clocks_may_disagree_is_spared() {
    let rig = Rig::new();
    let alice = rig.alice().await;
    let moment = Duration::from_millis(1);
    rig.create(ELSEWHERE, &fallen(&rig, 2)).await;
    rig.clock.advance(moment);
    rig.create(FALLEN, &fallen(&rig, 3)).await;
    rig.clock.advance(SKEW.saturating_sub(moment));
    log_out(&rig, &alice, LogOut::Everywhere).await;
    rig.run_for(owed::LOOK_EVERY).await;
    assert_eq!(cause_of(&rig, ELSEWHERE).await, Some(Cause::LogOutEverywhere));
    assert_eq!(cause_of(&rig, FALLEN).await, None);
    assert_eq!(rig.owed().await, 0);
}

/// Alice asks for everywhere, and is found to have fallen when her session ends.
#[tokio::test(start_paused = true)]
async fn who_fell_meanwhile_ends_what_is_of_this_browser_and_no_more() {
    let rig = Rig::new();
    for (handle, number) in [(HANDLE, 1), (FALLEN, 1), (ELSEWHERE, 2)] {
        rig.create(handle, &fallen(&rig, number)).await;
    }
    rig.clock.advance(SKEW);
    let (_, tombstone) = ended_untold(&rig, HANDLE, Reach::User).await;
    assert_eq!(tombstone.user, None);
    rig.run_for(owed::LOOK_EVERY).await;
    check_all_ended(&rig).await;
}

#[tokio::test(start_paused = true)]
async fn a_round_tells_of_every_end_and_waits_for_nobodys_siblings() {
    let rig = Rig::new();
    rig.create(HANDLE, &rig.logged_on("alice", 1)).await;
    rig.create(FALLEN, &fallen(&rig, 1)).await;
    rig.create(ELSEWHERE, &rig.logged_on("bob", 4)).await;
    for handle in [HANDLE, ELSEWHERE] {
        ended_untold(&rig, handle, Reach::SignOn).await;
    }
    only_tell(&rig, owed::AGAIN_AFTER).await;
    let ends = rig.ends().await;
    for number in [1, 4] {
        assert!(ends.contains(&Ended::SignOn(sign_on(number))), "{ends:?}");
    }
    assert_eq!((cause_of(&rig, FALLEN).await, rig.owed().await), (None, 2));
    only_end(&rig, owed::AGAIN_AFTER).await;
    assert_eq!((cause_of(&rig, FALLEN).await, rig.owed().await), (Some(Cause::LogOut), 0));
}

/// Alice has logged out, and has as many sessions more as one look sees, and one besides.
async fn with_many(rig: &Rig, session: &Session) {
    let alice = rig.alice().await;
    let expires_at = rig.now() + rig.limits().ceiling;
    let record = Record { body: session.encode().into(), user: Some("alice".to_owned()), expires_at };
    for number in 0..=SESSIONS_MAX {
        let mut handle = [1; 16];
        handle[..8].copy_from_slice(&number.to_be_bytes());
        rig.store.create(Handle::from_bytes(handle), record.clone()).await.unwrap();
    }
    let left = log_out(rig, &alice, LogOut::This).await;
    assert_eq!(left, LoggedOut::Done);
    only_end(rig, owed::AGAIN_AFTER).await;
}

#[tokio::test(start_paused = true)]
async fn a_user_with_more_sessions_than_one_look_sees_is_looked_at_again() {
    let rig = Rig::new();
    with_many(&rig, &fallen(&rig, 1)).await;
    assert_eq!((rig.live_sessions_of("alice").await, rig.owed().await), (1, 1));
    rig.run_for(owed::LOOK_EVERY).await;
    assert_eq!((rig.live_sessions_of("alice").await, rig.owed().await), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn one_whose_looks_see_only_others_is_looked_at_seldom_and_for_an_hour() {
    let rig = Rig::new();
    with_many(&rig, &fallen(&rig, 2)).await;
    let looks = || rig.store.reads() / SESSIONS_MAX as u64;
    let before = looks();
    rig.run_for(REST / 2).await;
    assert_eq!((looks(), rig.owed().await), (before, 1));
    rig.run_for(REST).await;
    assert_eq!((looks(), rig.owed().await), (before + 1, 1));
    rig.clock.advance(LOOKED_AFTER);
    rig.run_for(REST).await;
    assert_eq!((looks(), rig.owed().await), (before + 2, 0));
}

#[tokio::test(start_paused = true)]
async fn a_user_who_was_ended_at_the_idp_is_remembered_nowhere_and_logs_on_again_undisturbed() {
    let rig = Rig::new();
    let _alice = rig.alice().await;
    rig.create(FALLEN, &fallen(&rig, 2)).await;
    rig.clock.advance(rig.limits().idle);
    rig.create(LIVE, &rig.logged_on("alice", 4)).await;
    rig.clock.advance(SKEW);
    rig.create(ELSEWHERE, &fallen(&rig, 3)).await;
    rig.follow_ends().await;
    clear_after(&rig, Cause::UserDisabled).await;
    assert_eq!(cause_of(&rig, FALLEN).await, Some(Cause::UserDisabled));
    assert_eq!(cause_of(&rig, ELSEWHERE).await, None, "its log-on may be newer than the end");
    assert_eq!(cause_of(&rig, HANDLE).await, Some(Cause::UserDisabled), "its fall is not written down");
    assert_eq!(cause_of(&rig, LIVE).await, Some(Cause::UserDisabled), "nobody may ask for it in time");
}

/// Whoever has the cookie comes back when a limit of the log-on has passed, so that nothing needs the dead grant.
#[tokio::test(start_paused = true)]
async fn a_user_who_was_ended_while_logged_on_is_not_remembered_after_the_limit() {
    for cause in [Cause::Revoked, Cause::UserDisabled, Cause::PasswordChanged, Cause::LogOutEverywhere] {
        let rig = Rig::new();
        let _alice = rig.alice().await;
        rig.create(ELSEWHERE, &rig.logged_on("bob", 2)).await;
        rig.clock.advance(SKEW);
        rig.follow_ends().await;
        clear_after(&rig, cause).await;
        rig.clock.advance(rig.limits().idle);
        assert!(rig.find(1).await.is_none(), "{cause:?}");
        assert_eq!(cause_of(&rig, HANDLE).await, Some(cause));
        assert_eq!((cause_of(&rig, ELSEWHERE).await, rig.owed().await), (None, 0), "somebody else's");
    }
}

/// The clock of the node where alice has logged on again is minutes behind, or this one's is ahead.
#[tokio::test]
async fn a_log_on_from_after_the_end_lives_although_it_looks_older() {
    let rig = Rig::new();
    let alice = UserId::parse("alice").unwrap();
    rig.issuer.end(End::User { id: alice.clone(), by: None }, Cause::Revoked).await.unwrap();
    let _alice = rig.alice().await;
    rig.clock.advance(SKEW * 10);
    let (which, cause) = (Which::Ended(rig.limits()), Cause::Revoked);
    let kin = Kin { user: &alice, which, ended_at: rig.now(), cause };
    assert!(matches!(end_all(rig.visitors(), &kin).await, Ok(Look::All)));
    assert_eq!(cause_of(&rig, HANDLE).await, None);

    rig.issuer.set_unreachable(true);
    let other = rig.restarted();
    assert!(end_all(other.visitors(), &kin).await.is_err(), "nobody can tell, and it is looked at again");
    assert_eq!(cause_of(&rig, HANDLE).await, None);
}

/// What ends less than a user clears nothing: a fallen session stays, and a standing one is found by its next request.
#[tokio::test(start_paused = true)]
async fn an_end_of_one_log_on_or_of_one_sign_on_session_clears_nobody() {
    let rig = Rig::new();
    let _alice = rig.alice().await;
    rig.create(FALLEN, &fallen(&rig, 1)).await;
    rig.clock.advance(SKEW);
    rig.follow_ends().await;
    let grant = GrantDigest::of(&rig.proof("alice", 1).grant);
    for end in [End::Grant(grant), End::SignOn(sign_on(1)), End::Session { sid: HANDLE, ep: Epoch::FIRST }] {
        clear_after_end(&rig, end, Cause::TooMany).await;
    }
    assert_eq!((cause_of(&rig, HANDLE).await, cause_of(&rig, FALLEN).await), (None, None));
}

/// Everything of alice ends at the IDP, and what follows is done.
async fn clear_after(rig: &Rig, cause: Cause) {
    let alice = UserId::parse("alice").unwrap();
    clear_after_end(rig, End::User { id: alice, by: None }, cause).await;
}

async fn clear_after_end(rig: &Rig, end: End, cause: Cause) {
    let clears =
        async { tokio::time::timeout(owed::LOOK_EVERY, keep_clearing(rig.visitors(), rig.limits())).await };
    let ended = async {
        tokio::task::yield_now().await;
        rig.issuer.end(end, cause).await.unwrap();
    };
    let _cut = tokio::join!(biased; clears, ended);
}
