//! Each transition, and that no order of them raises a standing without a cause.

use std::time::Duration;

use proptest::prelude::*;
use proptest::sample::select;

use super::*;
use crate::fixture::*;
use crate::judge::{Reading, Source, Upkeep, Verdict, judge};
use crate::patch::Opened;
use crate::standing::Standing;

fn try_log_on(
    session: &Session,
    key: Key,
    name: &str,
    now: Timestamp,
    number: u8,
) -> Result<Risen, LogOnRefused> {
    log_on(Some(&view(session, key, now)), site(), proof(name, now), fresh(number), now, &limits())
}

#[test]
fn a_first_log_on_keeps_the_record_and_changes_its_secrets() {
    let (before, after) = (returning(), logged_on());
    assert_eq!(
        (before.visitor, before.epoch, before.created_at),
        (after.visitor, after.epoch, after.created_at)
    );
    assert_ne!(before.secrets, after.secrets);
    assert_eq!(before.attributes, after.attributes);
    assert_eq!(view(&after, Key::Vst, NOW).log_on().map(|log_on| &log_on.user), Some(&user("alice")));
}

#[test]
fn the_remembered_user_continues_and_anybody_else_begins_anew() {
    let noted = patched(&logged_on(), Key::Vst, r#"{"note":"private"}"#, NOW).unwrap();
    let end = NOW + limits().log_on;
    // Fallen by the limit, stepped down by a rule, and still logged-on.
    let by_rule = step_down(&view(&noted, Key::Vst, NOW), NOW, &limits()).unwrap();
    for (session, now) in [(&noted, end), (&by_rule, end), (&noted, NOW)] {
        let same = try_log_on(session, Key::Vst, "alice", now, 3);
        assert!(matches!(same, Ok(Risen::Same(same)) if same.visitor == session.visitor));
        let Ok(Risen::New { session: new, ended: Some(ended) }) =
            try_log_on(session, Key::Vst, "bob", now, 3)
        else {
            panic!("bob got the record of alice");
        };
        assert!(new.attributes.is_empty());
        assert_ne!(new.visitor, session.visitor);
        assert_eq!(new.before, None);
        assert_eq!(ended.cause, Cause::OtherUser);
    }
}

#[test]
fn a_log_on_after_a_fall_does_not_bring_private_attributes_back() {
    let noted = patched(&logged_on(), Key::Vst, r#"{"note":"private"}"#, NOW).unwrap();
    let again = risen(&noted, Key::Vst, "alice", NOW + limits().log_on, 3);
    assert!(!again.attributes.contains_key(&name("note")));
    assert!(again.attributes.contains_key(&name("basket")));
    let step_up = risen(&noted, Key::Vst, "alice", NOW, 3);
    assert!(step_up.attributes.contains_key(&name("note")));
    let by_keep = risen(&noted, Key::Keep, "alice", NOW, 3);
    assert!(!by_keep.attributes.contains_key(&name("note")));
}

#[test]
fn without_a_session_a_log_on_makes_one_that_is_confirmed() {
    let risen = log_on(None, site(), proof("alice", NOW), fresh(1), NOW, &limits());
    let Ok(Risen::New { session, ended: None }) = risen else { panic!() };
    assert_eq!(session.expires_at(&limits()), NOW + limits().ceiling);
    assert_eq!(view(&session, Key::Vst, NOW).upkeep(), Upkeep::Touch);
}

#[test]
fn credentials_that_were_given_too_long_ago_log_nobody_on() {
    let cases = [
        (Duration::from_hours(4), Duration::from_hours(8), true),
        (Duration::from_secs(4 * 3_600 - 1), Duration::from_hours(8), false),
        (Duration::ZERO, Duration::ZERO, true), // the IDP's own end
    ];
    for (age, ends_after, over) in cases {
        let now = NOW + age;
        let proof = Proof { ends_at: NOW + ends_after, ..proof("alice", NOW) };
        let risen = log_on(None, site(), proof, fresh(1), now, &limits());
        assert_eq!(matches!(risen, Err(LogOnRefused::Over)), over);
    }
}

#[test]
fn a_fast_clock_at_the_idp_gives_no_time_as_a_present() {
    let proof = proof("alice", after(Duration::from_hours(1)));
    let Ok(Risen::New { session, .. }) = log_on(None, site(), proof, fresh(1), NOW, &limits()) else {
        panic!()
    };
    let end = NOW + limits().log_on;
    assert_eq!(view(&session, Key::Vst, end).standing(), Standing::Returning);
}

#[test]
fn a_rule_steps_down_and_kills_the_tokens_and_a_limit_does_not() {
    let session = patched(&logged_on(), Key::Vst, r#"{"note":"private"}"#, NOW).unwrap();
    let down = step_down(&view(&session, Key::Vst, NOW), NOW, &limits()).unwrap();
    assert_eq!(down.epoch, session.epoch.next());
    assert_eq!(down.secrets, session.secrets);
    assert!(!down.attributes.contains_key(&name("note")));
    assert_eq!(view(&down, Key::Vst, NOW).remembered_user(), Some(&user("alice")));
    assert_eq!(down.life().logged_out(), Some((NOW, Cause::Rule)));
    let end = NOW + limits().log_on;
    let fallen = view(&session, Key::Vst, end).settled(end, &limits());
    assert_eq!(fallen.epoch, session.epoch);
    let again = step_down(&view(&session, Key::Vst, end), end, &limits()).unwrap();
    assert_eq!((again.epoch, &again.life), (session.epoch.next(), &fallen.life), "a limit was first");
}

#[test]
fn an_end_leaves_a_tombstone_that_says_why_and_what_is_still_to_be_told() {
    let session = logged_on();
    let tombstone = end(&session, Cause::LogOut, seconds(9));
    assert_eq!(tombstone.life.logged_out(), Some((seconds(9), Cause::LogOut)));
    assert_eq!((&tombstone.user, tombstone.epoch), (&Some(user("alice")), session.epoch));
    assert_eq!(tombstone.sign_on.as_ref().map(SignOnId::as_str), Some("sign-on"));
    assert_eq!(tombstone.expires_at(&limits()), seconds(9) + limits().tombstone);
    assert_eq!(Tombstone::decode(&tombstone.encode()), Ok(tombstone));
    assert_eq!(end(&returning(), Cause::Ceiling, NOW).sign_on, None);
}

/// What has become of a log-on, and what an end still knows of the sign-on session that it came from.
#[test]
fn an_end_knows_the_sign_on_session_of_the_newest_log_on_however_that_fell() {
    let (idle, absolute) = (NOW + limits().idle, NOW + limits().log_on);
    let logged_on = logged_on();
    let settled = |session: &Session, at, last_seen| {
        let reading = Reading { last_seen: Some(last_seen), source: Source::Own };
        let Verdict::Lives(view) = judge(session, Key::Vst, reading, at, &limits()) else { panic!() };
        view.settled(at, &limits())
    };
    let fallen = settled(&logged_on, idle, NOW);
    let by_rule = step_down(&view(&logged_on, Key::Vst, NOW), NOW, &limits()).unwrap();
    let patched = patched(&fallen, Key::Vst, r#"{"basket":[1]}"#, idle).unwrap();
    let again = risen(&fallen, Key::Vst, "alice", idle, 3);
    let cases = [
        ("never logged on", &returning(), NOW, None),
        ("logged on", &logged_on, NOW, Some("sign-on")),
        ("fallen by the idle limit, nobody has noticed", &logged_on, idle, Some("sign-on")),
        ("fallen by the idle limit, written down", &fallen, idle, Some("sign-on")),
        ("and patched since", &patched, idle, Some("sign-on")),
        ("fallen by the absolute limit", &settled(&logged_on, absolute, absolute), absolute, Some("sign-on")),
        ("stepped down by a rule", &by_rule, NOW, Some("sign-on")),
        ("and logged on again", &again, idle, Some("sign-on")),
    ];
    for (what, session, at, sign_on) in cases {
        assert_eq!(session.sign_on().map(SignOnId::as_str), sign_on, "{what}");
        let session = Session::decode(&session.encode()).unwrap();
        let tombstone = end(&session, Cause::LogOut, at);
        assert_eq!(tombstone.sign_on.as_ref().map(SignOnId::as_str), sign_on, "{what}");
    }
    let fallen = end(&fallen, Cause::LogOut, idle);
    assert_eq!(
        (fallen.user, fallen.newest_user),
        (None, Some(user("alice"))),
        "nobody is logged on any more"
    );
}

/// Something that happens to a session.
#[derive(Debug, Clone, Copy)]
enum Act {
    Wait(u64),
    Request(Key, bool),
    Patch(Key, &'static str),
    LogOn(Key, &'static str),
    Rule(Key),
}

fn acts() -> impl Strategy<Value = Vec<Act>> {
    let key = || select(Key::ALL.to_vec());
    let patch = select(vec![r#"{"note":"n"}"#, r#"{"basket":[1]}"#, r#"{"note":null,"theme":"t"}"#]);
    let wait = select(vec![1, 4, 7, 700, 1_900, 5_000, 90_000]);
    let act = prop_oneof![
        wait.prop_map(Act::Wait),
        (key(), any::<bool>()).prop_map(|(key, slides)| Act::Request(key, slides)),
        (key(), patch).prop_map(|(key, json)| Act::Patch(key, json)),
        (key(), select(vec!["alice", "bob"])).prop_map(|(key, name)| Act::LogOn(key, name)),
        key().prop_map(Act::Rule),
    ];
    proptest::collection::vec(act, 1..40)
}

/// A browser, its record as a store keeps it, and what a plain reading of the rules allows.
struct Model {
    session: Session,
    last_seen: Timestamp,
    now: Timestamp,
    /// Who may be logged on, and until when at most.
    allowed: Option<(&'static str, Timestamp)>,
    rises: u8,
}

impl Model {
    fn commit(&mut self, next: &Session) {
        self.session = Session::decode(&next.encode()).unwrap();
    }

    /// Carries one act out; whether the session still lives.
    fn act(&mut self, act: Act) -> bool {
        let (session, now) = (self.session.clone(), self.now);
        let judged = |key| {
            judge(
                &session,
                key,
                Reading { last_seen: Some(self.last_seen), source: Source::Own },
                now,
                &limits(),
            )
        };
        match act {
            Act::Wait(seconds) => self.now = now + Duration::from_secs(seconds),
            Act::Request(key, slides) => {
                let Verdict::Lives(view) = judged(key) else { return false };
                if view.upkeep().commits() {
                    self.commit(&view.settled(now, &limits()));
                }
                if slides && view.upkeep().touches() {
                    self.last_seen = now;
                }
            }
            Act::Patch(key, json) => {
                let Verdict::Lives(view) = judged(key) else { return false };
                let catalogue = catalogue();
                if let Ok(Some(next)) =
                    admitted(&catalogue, json).apply(&view, Opened::of(&view), now, &limits())
                {
                    self.commit(&next);
                }
            }
            Act::LogOn(key, name) => {
                let Verdict::Lives(view) = judged(key) else { return false };
                self.rises += 1;
                let proof = proof(name, now);
                let end = now + limits().log_on;
                if let Ok(Risen::Same(next) | Risen::New { session: next, .. }) =
                    log_on(Some(&view), site(), proof, fresh(self.rises), now, &limits())
                {
                    self.commit(&next);
                    self.allowed = Some((name, end));
                }
            }
            Act::Rule(key) => {
                let Verdict::Lives(view) = judged(key) else { return false };
                if let Some(next) = step_down(&view, now, &limits()) {
                    self.commit(&next);
                    self.allowed = None;
                }
            }
        }
        true
    }
}

proptest! {
    #[test]
    fn no_order_of_acts_raises_a_standing_without_a_log_on(acts in acts()) {
        let mut model =
            Model { session: returning(), last_seen: NOW, now: NOW, allowed: None, rises: 1 };
        for act in acts {
            if !model.act(act) {
                break;
            }
            for key in Key::ALL {
                let reading = Reading { last_seen: Some(model.last_seen), source: Source::Own };
                let Verdict::Lives(view) = judge(&model.session, key, reading, model.now, &limits()) else { continue };
                if key != Key::Vst {
                    prop_assert_eq!(view.log_on(), None);
                }
                if key == Key::Unmoved {
                    prop_assert_eq!((view.standing(), view.remembered_user()), (Standing::Returning, None));
                }
                if let Some(log_on) = view.log_on() {
                    let (name, end) = model.allowed.expect("logged on without a log-on");
                    prop_assert_eq!(log_on.user.as_str(), name);
                    prop_assert!(model.now < end);
                    prop_assert!(model.now.since(model.last_seen.max(log_on.risen_at)) < limits().idle);
                } else if key == Key::Vst {
                    // Fallen: only another log-on may bring it back.
                    model.allowed = model.allowed.filter(|_| view.upkeep() == Upkeep::Settle);
                }
            }
        }
    }

    #[test]
    fn an_idle_fall_that_was_used_once_never_heals(minutes in 31_u64..200) {
        let mut model =
            Model { session: logged_on(), last_seen: NOW, now: NOW, allowed: None, rises: 2 };
        model.now = after(Duration::from_mins(minutes));
        prop_assert!(model.act(Act::Request(Key::Vst, true)));
        prop_assert_eq!(view(&model.session, Key::Vst, model.now).standing(), Standing::Returning);
    }
}
