//! What a visitor has just done is there with the next request, whichever node serves that.

use serde_json::json;

use super::super::visitor::house::{FEED_BOUND, SHOP, eventually};
use super::nodes::{At, Cluster, EVERYWHERE};
use super::store::{Kind, on_every_store};

/// So often a write and a read on the other node follow each other.
const ROUNDS: usize = 4;

on_every_store! {
    a_patch_on_one_node_is_read_on_the_other_that_has_not_heard_of_it,
    a_first_patch_makes_a_session_that_the_other_node_knows_at_once,
    a_log_on_through_one_node_is_one_on_the_other_and_no_loop,
    a_new_secret_is_known_where_only_the_old_one_is_cached,
    others_see_a_patch_on_every_node_soon,
}

/// Only the cookie that names the writer can tell.
fn a_patch_on_one_node_is_read_on_the_other_that_has_not_heard_of_it(kind: Kind) {
    let cluster = Cluster::open(&kind.place());
    let mut tab = cluster.logged_on(At::A);
    let mut proven = 0;
    for (round, (writer, reader)) in
        [(At::A, At::B), (At::B, At::A)].into_iter().cycle().take(ROUNDS).enumerate()
    {
        let deaf = cluster.deafen(reader, &mut tab);

        let page = cluster.patch(writer, &mut tab, &json!({ "basket": round }).to_string()).is(200);

        assert_eq!(page.sets(), ["vst-at"]);
        assert_eq!(deaf.whoami(&mut tab).attribute("basket"), json!(round));
        proven += usize::from(deaf.has_believed());
        assert_eq!(cluster.whoami(writer, &mut tab).attribute("basket"), json!(round));
    }
    // A machine that is busy with other tests may take a lease, and then the store is read in any case.
    assert_ne!(proven, 0, "no lease has lived through a round");
}

fn a_first_patch_makes_a_session_that_the_other_node_knows_at_once(kind: Kind) {
    let cluster = Cluster::open(&kind.place());
    for _ in 0..ROUNDS {
        let mut tab = cluster.tab();

        cluster.patch(At::A, &mut tab, r#"{"basket":["first"]}"#).is(200);

        let told = cluster.whoami(At::B, &mut tab);
        assert_eq!((told.standing(), told.attributes()), ("returning", json!({"basket": ["first"]})));
    }
}

fn a_log_on_through_one_node_is_one_on_the_other_and_no_loop(kind: Kind) {
    let cluster = Cluster::open(&kind.place());
    for (writer, reader) in [(At::A, At::B), (At::B, At::A)] {
        let mut tab = cluster.tab();
        cluster.patch(reader, &mut tab, r#"{"basket":["kept"]}"#).is(200);
        for at in EVERYWHERE {
            assert_eq!(cluster.whoami(at, &mut tab).standing(), "returning");
        }

        let back = cluster.until_callback(writer, &mut tab);
        let risen = tab.step(&back).is(303);
        cluster.turn(&tab, reader);
        let page = tab.step(&risen).is(200);

        assert_eq!(page.url.path(), "/account", "not asked to log in once more");
        for at in EVERYWHERE {
            let told = cluster.whoami(at, &mut tab);
            assert_eq!((told.standing(), told.attribute("basket")), ("logged-on", json!(["kept"])));
        }
    }
}

/// A cached copy may grant and never deny: without the cookie that names the writer, and without a word of it.
fn a_new_secret_is_known_where_only_the_old_one_is_cached(kind: Kind) {
    let cluster = Cluster::open(&kind.place());
    let mut proven = 0;
    for _ in 0..ROUNDS {
        let mut tab = cluster.tab();
        cluster.keep(At::A, &mut tab, r#"{"basket":["kept"]}"#);
        let back = cluster.until_callback(At::A, &mut tab);
        let deaf = cluster.deafen(At::B, &mut tab);

        cluster.turn(&tab, At::A);
        tab.step(&back).is(303);
        tab.browser.remove_cookie(SHOP, "__Host-vst-at");

        assert_eq!(deaf.whoami(&mut tab).standing(), "logged-on");
        proven += usize::from(deaf.has_believed());
    }
    assert_ne!(proven, 0, "no lease has lived through a round");
}

fn others_see_a_patch_on_every_node_soon(kind: Kind) {
    let cluster = Cluster::open(&kind.place());
    let mut tab = cluster.logged_on(At::A);
    cluster.be_known(&mut tab);
    // The same cookies; the one that names the writer comes later.
    let mut other = tab.browser.copy().tab();

    cluster.patch(At::A, &mut tab, r#"{"basket":["new"]}"#).is(200);

    eventually(FEED_BOUND, "the patch at the other node", || {
        cluster.whoami(At::B, &mut other).attribute("basket") == json!(["new"])
    });
}
