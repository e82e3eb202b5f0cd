//! A broken rule: the session steps down, the IDP hears of it once and at last, and no newer log-on pays for it.

use vestibule_domain::audit::Cause;
use vestibule_domain::identity::Epoch;
use vestibule_domain::owed::SETTLED_AFTER;
use vestibule_domain::rule::{Footing, Rules};
use vestibule_domain::standing::Standing;
use vestibule_ports::issuer::Ended;
use vestibule_ports::memory::Fault;

use super::*;
use crate::rig::{HANDLE, Rig, sign_on};
use crate::visit::Visit;

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

fn porter<'a>(rig: &'a Rig, visit: &'a Visit<'a>) -> Porter<'a> {
    Porter { rules: RULES, ..rig.porter(visit) }
}

/// Whether a request of this browser's makes the log-on fall, and what the visitor is after it.
async fn falls(rig: &Rig, user_agent: &str) -> (bool, Standing) {
    let (alice, visit) = (rig.open(1).await, visit(rig, user_agent));
    let falls = porter(rig, &visit).falls(Some(&alice)).await.unwrap();
    (falls, standing(rig).await)
}

async fn standing(rig: &Rig) -> Standing {
    rig.open(1).await.view(rig.now(), rig.limits()).expect("the session lives").standing()
}

fn whole_fall() -> [Ended; 2] {
    [Ended::Session { sid: HANDLE, ep: Epoch::FIRST }, Ended::SignOn(sign_on(1))]
}

#[tokio::test]
async fn a_log_on_stays_with_its_browser_and_steps_down_in_another() {
    let rig = Rig::new();
    let _alice = watched(&rig).await;
    assert_eq!(falls(&rig, "Fox").await, (false, Standing::LoggedOn));
    assert_eq!(rig.ends().await, []);

    assert_eq!(falls(&rig, "Owl").await, (true, Standing::Returning));
    assert_eq!(rig.ends().await, whole_fall());
    assert_eq!(rig.owed().await, 0);
    let alice = rig.open(1).await;
    assert_eq!(alice.known.session.life().logged_out(), Some((rig.now(), Cause::Rule)));
    assert_eq!(alice.known.session.epoch(), Epoch::FIRST.next());

    assert_eq!(falls(&rig, "Owl").await, (false, Standing::Returning));
    assert_eq!(rig.ends().await, whole_fall(), "it has fallen before");
}

#[tokio::test(start_paused = true)]
async fn an_idp_that_is_away_hears_of_it_later() {
    let rig = Rig::new();
    let _alice = watched(&rig).await;
    rig.issuer.set_unreachable(true);
    assert_eq!(falls(&rig, "Owl").await, (true, Standing::Returning));
    assert_eq!(rig.owed().await, 1);

    rig.issuer.set_unreachable(false);
    rig.restarted().run_for(owed::LOOK_EVERY * 2).await;
    assert_eq!(rig.ends().await, whole_fall());
    assert_eq!(rig.owed().await, 0);
}

#[tokio::test]
async fn what_cannot_be_saved_is_not_served_as_if_the_rule_were_kept_and_the_log_says_why() {
    let rig = Rig::new();
    let alice = watched(&rig).await;
    rig.store.set_fault(Fault::Unreachable);
    let foreign = visit(&rig, "Owl");
    let why = Unknown("session store unreachable: switched off".to_owned());
    assert_eq!(porter(&rig, &foreign).falls(Some(&alice)).await, Err(why.clone()));
    assert_eq!(porter(&rig, &foreign).follow(&alice).await, Err(why));
}

/// Another node looks through what is owed between the debt and the fall, and the session has just risen: nobody may be
/// told of a fall that may never be, for it would end the newer log-on, whose tokens have the same epoch.
#[tokio::test(start_paused = true)]
async fn a_fall_is_told_by_no_node_before_it_has_come_about() {
    let rig = Rig::new();
    let alice = watched(&rig).await;
    let (session, deadline) = (&alice.known.session, rig.visitors().sessions.deadline());
    let sign_on = session.sign_on().unwrap().clone();
    let fall = Debt::Fall { session: HANDLE, epoch: session.epoch(), sign_on };
    owed::write_down(rig.visitors(), fall, rig.now(), deadline).await.unwrap();
    rig.rise_again("alice", 2).await;
    rig.restarted().run_for(owed::LOOK_EVERY * 2).await;
    assert_eq!(rig.ends().await, []);

    rig.clock.advance(SETTLED_AFTER);
    rig.restarted().run_for(owed::LOOK_EVERY * 2).await;
    assert_eq!((rig.ends().await, rig.visitors().sessions.owed(10).await.unwrap()), (vec![], vec![]));
    assert!(rig.open(2).await.known.session.log_on().is_some());
}

#[tokio::test]
async fn a_log_on_that_came_meanwhile_stays() {
    let rig = Rig::new();
    let alice = watched(&rig).await;
    rig.rise_again("alice", 2).await;
    let foreign = visit(&rig, "Owl");
    porter(&rig, &foreign).fall(&alice).await.unwrap();
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
    porter(&rig, &visit).follow(&alice).await.unwrap();
    assert_eq!(standing(&rig).await, Standing::Returning);
    let session = &rig.open(1).await.known.session;
    assert_eq!(session.epoch(), Epoch::FIRST.next());
    assert_eq!(session.life().logged_out().map(|(_, cause)| cause), Some(Cause::IdleLimit), "that was first");
    porter(&rig, &visit).follow(&alice).await.unwrap();
    assert_eq!(rig.open(1).await.known.session.epoch(), Epoch::FIRST.next());
    assert_eq!(rig.ends().await, [], "whoever broke it has told");
}
