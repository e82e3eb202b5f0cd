//! A broken rule: the session steps down, the IDP hears of it once and at last, and no newer log-on pays for it.

use vestibule_domain::audit::Cause;
use vestibule_domain::identity::Epoch;
use vestibule_domain::rule::Footing;
use vestibule_domain::standing::Standing;
use vestibule_ports::issuer::Ended;
use vestibule_ports::memory::Fault;

use super::*;
use crate::rig::{HANDLE, Rig, sign_on};

const RULES: Rules = Rules { browser: true, network: false };

fn footing(user_agent: &str) -> Footing {
    Footing::of([user_agent.as_bytes()].into_iter(), [127, 0, 0, 1].into())
}

/// Alice's session with a log-on that began in a browser called `Fox`.
async fn watched(rig: &Rig) -> Visitor {
    rig.alice_from(Some(footing("Fox"))).await
}

fn visit<'r>(rig: &'r Rig, user_agent: &str) -> Visit<'r> {
    Visit { footing: Some(footing(user_agent)), ..rig.visit(1) }
}

fn watch<'a>(rig: &'a Rig, visit: &'a Visit<'a>) -> Watch<'a> {
    Watch { visitors: rig.visitors(), site: rig.site(), visit, rules: RULES, limits: rig.limits() }
}

fn standing(rig: &Rig, found: &Result<Option<Visitor>, Unavailable>) -> Option<Standing> {
    let visitor = found.as_ref().ok()?.as_ref()?;
    visitor.view(rig.now(), rig.limits()).map(|view| view.standing())
}

fn whole_fall() -> [Ended; 2] {
    [Ended::Session { sid: HANDLE, ep: Epoch::FIRST }, Ended::SignOn(sign_on(1))]
}

#[tokio::test]
async fn a_log_on_stays_with_its_browser_and_steps_down_in_another() {
    let rig = Rig::new();
    let alice = watched(&rig).await;
    let own = visit(&rig, "Fox");
    let kept = watch(&rig, &own).enforce_fresh(Some(alice)).await;
    assert_eq!(standing(&rig, &kept), Some(Standing::LoggedOn));
    assert_eq!(rig.ends().await, []);

    let foreign = visit(&rig, "Owl");
    let fallen = watch(&rig, &foreign).enforce_fresh(kept.ok().flatten()).await;
    assert_eq!(standing(&rig, &fallen), Some(Standing::Returning));
    assert_eq!(rig.ends().await, whole_fall());
    assert_eq!(rig.owed().await, 0);
    let alice = rig.open(1).await;
    assert_eq!(alice.known.session.life().logged_out(), Some((rig.now(), Cause::Rule)));
    assert_eq!(alice.known.session.epoch(), Epoch::FIRST.next());

    let again = watch(&rig, &foreign).enforce_fresh(Some(alice)).await;
    assert_eq!(standing(&rig, &again), Some(Standing::Returning));
    assert_eq!(rig.ends().await, whole_fall(), "it has fallen before");
}

#[tokio::test(start_paused = true)]
async fn an_idp_that_is_away_hears_of_it_later() {
    let rig = Rig::new();
    let alice = watched(&rig).await;
    rig.issuer.set_unreachable(true);
    let foreign = visit(&rig, "Owl");
    let fallen = watch(&rig, &foreign).enforce_fresh(Some(alice)).await;
    assert_eq!(standing(&rig, &fallen), Some(Standing::Returning));
    assert_eq!(rig.owed().await, 1);

    rig.issuer.set_unreachable(false);
    rig.restarted().run_for(owed::LOOK_EVERY * 2).await;
    assert_eq!(rig.ends().await, whole_fall());
    assert_eq!(rig.owed().await, 0);
}

#[tokio::test]
async fn what_cannot_be_saved_is_not_served_as_if_the_rule_were_kept() {
    let rig = Rig::new();
    let alice = watched(&rig).await;
    rig.store.set_fault(Fault::Unreachable);
    let foreign = visit(&rig, "Owl");
    let refused = watch(&rig, &foreign).enforce_fresh(Some(alice)).await;
    assert!(matches!(refused, Err(Unavailable::Unknown)));
}

#[tokio::test]
async fn a_log_on_that_came_meanwhile_stays() {
    let rig = Rig::new();
    let alice = watched(&rig).await;
    rig.rise_again("alice", 2).await;
    let foreign = visit(&rig, "Owl");
    watch(&rig, &foreign).fall(&alice).await.unwrap();
    assert_eq!(rig.ends().await, []);
    assert_eq!(rig.owed().await, 0);
    let newest = rig.open(2).await;
    assert!(newest.known.session.log_on().is_some());
}

#[tokio::test]
async fn a_fall_elsewhere_is_followed_once_and_bumps_the_epoch_even_of_a_log_on_that_is_over() {
    let rig = Rig::new();
    let alice = rig.alice().await;
    rig.clock.advance(rig.limits().idle);
    let visit = rig.visit(1);
    let followed = watch(&rig, &visit).follow_fresh(&alice).await;
    assert_eq!(standing(&rig, &followed), Some(Standing::Returning));
    let session = &rig.open(1).await.known.session;
    assert_eq!(session.epoch(), Epoch::FIRST.next());
    assert_eq!(session.life().logged_out().map(|(_, cause)| cause), Some(Cause::IdleLimit), "that was first");
    let _again = watch(&rig, &visit).follow_fresh(&alice).await;
    assert_eq!(rig.open(1).await.known.session.epoch(), Epoch::FIRST.next());
    assert_eq!(rig.ends().await, [], "whoever broke it has told");
}
