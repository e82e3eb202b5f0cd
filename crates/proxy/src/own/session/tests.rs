//! A call that extends nothing extends nothing: not here, and not at the IDP.

use std::time::Duration;

use super::*;
use crate::rig::Rig;

async fn call(rig: &Rig, target: &str) {
    let visit = rig.visit(1);
    let call = Call { proxy: &rig.proxy, visitors: rig.visitors(), site: rig.site(), visit };
    let answer = serve(&call, &Target::parse(target.as_bytes()).unwrap()).await;
    assert_eq!(answer.status().code(), 200);
}

#[tokio::test]
async fn only_a_call_that_slides_moves_the_last_seen_time_of_both() {
    for (query, slides) in
        [("", true), ("?slide=true", true), ("?other=slide=false", true), ("?slide=false", false)]
    {
        let rig = Rig::new();
        let _alice = rig.alice().await;
        let begin = rig.now();
        rig.clock.advance(Duration::from_mins(20));

        call(&rig, &format!("/.vestibule/session{query}")).await;

        let seen = if slides { rig.now() } else { begin };
        assert_eq!(rig.issuer.seen(), Some(seen), "at the IDP, {query}");
        rig.visitors().sessions.flush_touches().await.unwrap();
        let known = rig.open(1).await.known;
        assert_eq!(known.last_seen(), slides.then(|| rig.now()), "here, {query}");
    }
}
