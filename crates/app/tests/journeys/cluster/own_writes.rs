//! What a visitor has just done is there with the next request, whichever node serves that.

use serde_json::json;

use super::super::visitor::house::{FEED_BOUND, SHOP, eventually};
use super::nodes::{At, Cluster, EVERYWHERE};
use super::store::{Kind, on_every_store};

/// So often a write and a read on the other node follow each other.
const ROUNDS: usize = 10;

on_every_store! {
    a_patch_on_one_node_is_read_on_the_other_at_once,
    a_first_patch_makes_a_session_that_the_other_node_knows_at_once,
    a_log_on_through_one_node_is_one_on_the_other_and_no_loop,
    a_new_secret_is_known_where_only_the_old_one_was_cached,
    others_see_a_patch_on_every_node_soon,
}

fn a_patch_on_one_node_is_read_on_the_other_at_once(kind: Kind) {
    let cluster = Cluster::open(&kind.place());
    let mut tab = cluster.logged_on(At::A);
    for round in 0..ROUNDS {
        let (writer, reader) = if round % 2 == 0 { (At::A, At::B) } else { (At::B, At::A) };
        cluster.be_known(&mut tab);

        let page = cluster.patch(writer, &mut tab, &json!({ "basket": round }).to_string()).is(200);

        assert_eq!(page.sets(), ["vst-at"]);
        assert_eq!(cluster.whoami(reader, &mut tab).attribute("basket"), json!(round));
        assert_eq!(cluster.whoami(writer, &mut tab).attribute("basket"), json!(round));
    }
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

/// A cached copy may grant and never deny, so this holds without the cookie that names the writer, too.
fn a_new_secret_is_known_where_only_the_old_one_was_cached(kind: Kind) {
    let cluster = Cluster::open(&kind.place());
    let mut tab = cluster.tab();
    cluster.patch(At::A, &mut tab, r#"{"basket":["kept"]}"#).is(200);
    for at in EVERYWHERE {
        cluster.whoami(at, &mut tab);
    }

    let back = cluster.until_callback(At::A, &mut tab);
    tab.step(&back).is(303);
    tab.browser.remove_cookie(SHOP, "__Host-vst-at");

    assert_eq!(cluster.whoami(At::B, &mut tab).standing(), "logged-on");
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
