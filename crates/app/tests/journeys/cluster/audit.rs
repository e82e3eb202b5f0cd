//! Nodes that share a store each know why somebody was logged out, whichever of them did it, and without the log-in.

use super::nodes::{At, Cluster, EVERYWHERE};
use super::store::{Kind, on_every_store};

on_every_store! {
    every_node_can_say_why_somebody_was_logged_out,
}

fn every_node_can_say_why_somebody_was_logged_out(kind: Kind) {
    let cluster = Cluster::open(&kind.place());
    let mut tab = cluster.logged_on(At::A);
    let told = cluster.whoami(At::A, &mut tab);
    let handle = told.context("session").expect("a session").to_owned();
    for at in EVERYWHERE {
        assert_eq!(cluster.audit(at, &handle)["standing"], "logged-on", "{at:?}");
    }

    cluster.log_out(At::A, &mut tab, "this").is(303);

    for at in EVERYWHERE {
        let audit = cluster.audit(at, &handle);
        assert_eq!((&audit["standing"], &audit["user"]), (&"anonymous".into(), &told.context("user").into()));
        assert_eq!(audit["logged_out"]["why"], "The visitor logged out in this browser.", "{at:?}");
    }
}
