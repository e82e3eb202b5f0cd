//! The disk of a node takes nothing more: neither what it knows of its visitors, nor its logs. Nobody is logged out, nothing
//! is said to be done that is not, and when there is room again all goes on without a restart.

use std::time::Duration;

use vestibule_domain::outage::UNFRESH_MAX;
use vestibule_testkit::patience::Patience;

use super::browser::{Ask, Reply, Tab};
use super::form::Form;
use super::house::{ALICE, PASSWORD, SHOP, eventually};
use super::split::Split;

/// How often the disk fills up. A machine that is so busy that a copy has grown too old before it was asked for shows
/// nothing of it, and gets another try.
const ROUNDS_MAX: u32 = 5;

/// When there is room again, everything works by then.
const RECOVERED_WITHIN: Duration = Duration::from_secs(2);

#[test]
fn a_node_with_a_full_disk_logs_nobody_out_and_needs_no_restart() {
    let split = Split::start();
    let mut tab = split.log_on(PASSWORD).tab;
    let cookies = session_cookie(&tab);
    let in_time = (0..ROUNDS_MAX).any(|_| fills_up(&split, &mut tab));
    assert!(in_time, "the last copy was never asked for while it serves");

    for scope in ["this", "everywhere"] {
        let refused = log_out(&split, &mut tab, scope).is(503).sets_nothing();
        assert!(refused.body.contains("still logged on") && refused.fields.has("retry-after"), "{refused:?}");
    }
    let mut nobody = Split::browser().tab();
    assert_eq!(told(&split, &mut nobody).0, "anonymous");
    let asked = nobody.open(&split.shop("/account")).is(303).sets_nothing();
    let refused = nobody.step(&asked).is(503).sets_nothing();
    assert!(refused.fields.has("retry-after"), "{refused:?}");
    assert_eq!(nobody.browser.cookies(SHOP), []);

    split.node_has_room(true);
    let healed = Patience::new(RECOVERED_WITHIN);
    eventually(healed.left(), "a visitor who is new", || {
        patch(&split, &mut Split::browser().tab(), "new").status == 200
    });
    eventually(healed.left(), "a visitor who was there", || patch(&split, &mut tab, "kept").status == 200);

    println!("everything worked again {:?} after there was room", healed.waited());
    assert_eq!(told(&split, &mut tab), kept());
    assert_eq!(session_cookie(&tab), cookies);
    assert_eq!(log_out(&split, &mut tab, "this").is(303).sets(), ["-vst", "-vst-keep"]);
    assert_eq!(told(&split, &mut tab).0, "anonymous");
}

/// As at a shared store: `cluster/callback.rs`.
#[test]
fn a_log_on_that_comes_back_to_a_full_disk_is_no_half_log_on() {
    let split = Split::start();
    let mut tab = Split::browser().tab();
    eventually(RECOVERED_WITHIN, "a basket", || patch(&split, &mut tab, "kept").status == 200);
    let asked = tab.open(&split.shop("/account"));
    let form = tab.follow(asked).is(200);
    let mut back = Form::of(&form).submit(&mut tab, &[("username", ALICE), ("password", PASSWORD)]).is(303);
    while !back.location().path().ends_with("/callback") {
        back = tab.step(&back);
    }
    let cookie = session_cookie(&tab);

    split.node_has_room(false);
    let refused = tab.step(&back).is(503).sets_nothing();
    assert!(refused.fields.has("retry-after"), "{refused:?}");
    assert_eq!(session_cookie(&tab), cookie);

    split.node_has_room(true);
    eventually(RECOVERED_WITHIN, "a visitor who is new", || {
        patch(&split, &mut Split::browser().tab(), "new").status == 200
    });
    assert_eq!(told(&split, &mut tab).0, "returning", "nothing has risen unseen");
    // The attempt was not taken, so the same way leads to the page.
    let again = tab.step(&back);
    assert_eq!(tab.follow(again).is(200).url.path(), "/account");
    assert_eq!(told(&split, &mut tab), kept());
}

/// What the app is told of who was there.
fn kept() -> (String, Option<String>) {
    ("logged-on".to_owned(), Some(r#"{"basket":["kept"]}"#.to_owned()))
}

fn session_cookie(tab: &Tab) -> (String, String) {
    let cookies = tab.browser.cookies(SHOP);
    cookies.into_iter().find(|(name, _)| name == "__Host-vst").expect("who is logged on has one")
}

/// The disk fills up: somebody new finds out, and who was there sees pages by the last copy. Whether that copy was asked
/// for while it serves; if not, nothing was shown, and there is room again.
#[track_caller]
fn fills_up(split: &Split, tab: &mut Tab) -> bool {
    let copy = Patience::new(UNFRESH_MAX);
    eventually(RECOVERED_WITHIN, "a patch", || patch(split, tab, "kept").status == 200);
    // What names the writer of a patch has the store asked; two seconds later it is gone.
    tab.browser.remove_cookie(SHOP, "__Host-vst-at");
    assert_eq!(told(split, tab), kept());

    split.node_has_room(false);

    // Whether this was saved is not known.
    is_unsaved(&patch(split, &mut Split::browser().tab(), "lost").is(503).sets_nothing());
    let path = split.app.new_path("/basket");
    let page = tab.open(&split.shop(&path));
    let refused = patch(split, tab, "lost").is(503).sets_nothing();
    if copy.left().is_zero() {
        split.node_has_room(true);
        return false;
    }
    page.is(200).sets_nothing();
    assert_eq!(told_at(split, &path), kept());
    is_unsaved(&refused);
    true
}

#[track_caller]
fn is_unsaved(refused: &Reply) {
    assert!(refused.body.contains("could not be saved"), "{refused:?}");
}

/// Sends a form to an app that puts this into the basket.
fn patch(split: &Split, tab: &mut Tab, item: &str) -> Reply {
    let path = split.app.patching("/basket", &format!(r#"{{"basket":["{item}"]}}"#));
    tab.send(Ask::form(&split.shop(&path), &split.shop("/"), &[("item", item)]))
}

fn log_out(split: &Split, tab: &mut Tab, scope: &str) -> Reply {
    tab.send(Ask::form(&split.shop("/.vestibule/logout"), &split.shop("/"), &[("scope", scope)]))
}

/// The standing and the attributes that an app is told.
#[track_caller]
fn told(split: &Split, tab: &mut Tab) -> (String, Option<String>) {
    let path = split.app.new_path("/basket");
    tab.open(&split.shop(&path)).is(200).sets_nothing();
    told_at(split, &path)
}

fn told_at(split: &Split, path: &str) -> (String, Option<String>) {
    let told = split.app.told(path);
    (told.standing().to_owned(), told.context("attributes").map(str::to_owned))
}
