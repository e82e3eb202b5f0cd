//! Another user's log-on ends the session that was there, unless that has risen meanwhile.

use vestibule_domain::audit::Tombstone;
use vestibule_domain::identity::Epoch;
use vestibule_ports::issuer::Ended;
use vestibule_ports::session_store::Slot;

use super::*;
use crate::rig::{HANDLE, Rig};

fn call(rig: &Rig) -> Call<'_> {
    Call { proxy: &rig.proxy, visitors: rig.visitors(), site: rig.site(), visit: rig.visit(1) }
}

async fn bob_logs_on(rig: &Rig) -> Result<Handle, NotRisen> {
    let call = call(rig);
    rise(&call, &rig.proof("bob", 9), &NewSecrets::draw(rig.visitors())).await
}

#[tokio::test]
async fn the_session_of_another_user_ends_with_its_tokens_and_not_with_his_sign_on_session() {
    let rig = Rig::new();
    let _alice = rig.alice().await;
    let handle = bob_logs_on(&rig).await.ok().expect("bob is logged on");
    assert_ne!(handle, HANDLE);
    let Slot::Ended(kept) = rig.slot().await else { panic!() };
    assert_eq!(Tombstone::decode(&kept.body).unwrap().cause, Cause::OtherUser);
    assert_eq!(rig.ends().await, [Ended::Session { sid: HANDLE, ep: Epoch::FIRST }]);
    assert_eq!(rig.owed().await, 0);
}

#[tokio::test]
async fn an_idp_that_is_away_holds_nobody_up_and_is_owed_the_end() {
    let rig = Rig::new();
    let _alice = rig.alice().await;
    rig.issuer.set_unreachable(true);
    assert!(bob_logs_on(&rig).await.is_ok());
    assert_eq!(rig.owed().await, 1);
}

#[tokio::test(start_paused = true)]
async fn a_session_that_rises_between_the_look_and_the_end_lives_and_the_log_on_yields() {
    let rig = Rig::new();
    let _alice = rig.alice().await;
    // It reads the session, makes the new one, and writes down what will be owed; then it reads again, to end.
    let risen = rig.while_it_rises(3, "alice", bob_logs_on(&rig)).await;
    assert!(matches!(risen, Err(NotRisen::Refused(LogOnRefused::Moved))));
    assert!(matches!(rig.slot().await, Slot::Live(stored) if stored.version == 2));
    assert_eq!(rig.ends().await, []);
    let bobs = rig.live_sessions_of("bob").await;
    assert_eq!(bobs, 0, "nobody has the cookies of the session that was made");
}
