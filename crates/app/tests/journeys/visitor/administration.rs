//! An administrator's commands, run by the real binary against processes apart: each answers for what it holds, and what
//! is ordered at the log-in is seen by the proxy's and the gateway's next request.

use std::os::unix::fs::PermissionsExt as _;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use super::apart::Apart;
use super::browser::{Ask, Tab};
use super::house::{ALICE, FEED_BOUND, PASSWORD, eventually};

const NEW: &str = "another battery of horses";

#[test]
fn each_process_answers_for_what_it_holds() {
    let apart = Apart::start();
    let mut tab = Apart::browser().tab();
    apart.log_in(&mut tab);
    let handle = apart.told(&mut tab, "session").expect("a session");
    let user = apart.told(&mut tab, "user").expect("a user");

    let said = apart.run("proxy", &["audit", "session", &handle], "").expect("the proxy has it");
    assert!(said.starts_with(&format!("User {user} is logged on since ")), "{said}");
    let log_out = Ask::form(&apart.shop("/.vestibule/logout"), &apart.shop("/"), &[("scope", "this")]);
    tab.send(log_out).is(303);
    let said = apart.run("proxy", &["audit", "session", &handle], "").expect("the proxy has its tombstone");
    assert!(said.starts_with(&format!("User {user} was logged out at ")), "{said}");

    let said = apart.run("proxy", &["user", "revoke", ALICE], "").expect_err("no users there");
    let login = apart.log_in_origin();
    assert!(
        said.contains("This process has no users and no signing keys: they live at the identity provider, ")
            && said.contains(&login),
        "{said}"
    );
    let said = apart.run("idp", &["audit", "session", &handle], "").expect_err("no sessions there");
    assert!(said.contains("This process has no sessions: they live where the proxy is."), "{said}");
    let said = apart.run("gateway", &["user", "list"], "").expect_err("nothing there");
    assert!(said.contains("no listener serves admin"), "{said}");
    for role in ["idp", "proxy"] {
        let token = std::fs::metadata(apart.dir(role).join("admin.token")).expect("a token");
        assert_eq!(token.permissions().mode() & 0o777, 0o600, "{role}");
    }
}

#[test]
fn what_is_ordered_about_a_user_is_seen_at_the_next_request() {
    let apart = Apart::start();
    let mut tab = Apart::browser().tab();
    apart.log_in(&mut tab);

    ends(&apart, &mut tab, &["user", "revoke", ALICE], "", "An administrator ended the session.");
    apart.log_in(&mut tab);
    ends(&apart, &mut tab, &["user", "password", ALICE], NEW, "The user's password was changed.");
    apart.log_in_with(&mut tab, NEW);
    ends(&apart, &mut tab, &["user", "disable", ALICE], "", "The user was disabled.");
    let listed = apart.run("idp", &["user", "list"], "").expect("a list");
    assert!(listed.contains("alice  disabled"), "{listed}");
    apart.run("idp", &["user", "enable", ALICE], "").expect("she is let in");
    apart.log_in_with(&mut tab, NEW);

    let trail = apart.run("idp", &["audit", "user", ALICE], "").expect("her trail");
    let orders: Vec<_> = trail.lines().filter(|line| line.contains(" administrator ")).map(what).collect();
    assert_eq!(
        orders,
        [
            "The user was let in again.",
            "The user was kept out; everything of the user ended.",
            "A password was set; everything of the user ended.",
            "Everything of the user ended.",
            "The user was created.",
        ]
    );
    let newest = apart.run("idp", &["audit", "user", ALICE, "--last", "1"], "").expect("her trail");
    assert!(newest.ends_with("There are older records; --last N shows more.\n"), "{newest}");
    for said in [&trail, &newest] {
        assert!(!said.contains(NEW) && !said.contains(PASSWORD), "{said}");
    }
}

#[test]
fn what_apps_are_told_of_a_user_changes_while_the_user_is_logged_on() {
    let apart = Apart::start();
    let mut tab = Apart::browser().tab();
    apart.log_in(&mut tab);
    let claims = |tab: &mut Tab| -> Value {
        let told = apart.told(tab, "claims").expect("a user who is logged on has claims");
        serde_json::from_str(&told).expect("an object")
    };
    assert_eq!(claims(&mut tab), json!({"name": "Alice Larsen"}));
    let set = |words: &[&str]| {
        let words = [&["user", "set", ALICE], words].concat();
        apart.run("idp", &words, "").expect("it is set");
    };
    set(&[
        "--name",
        "Alice Berg",
        "--locale",
        "de-AT",
        "--email",
        "a@shop.example",
        "--role",
        "buyer",
        "--role",
        "chef",
    ]);
    let all = json!({"name": "Alice Berg", "locale": "de-AT", "email": "a@shop.example", "roles": ["buyer", "chef"]});
    eventually(FEED_BOUND, "the new claims", || claims(&mut tab) == all);
    set(&["--email", "", "--no-roles"]);
    let fewer = json!({"name": "Alice Berg", "locale": "de-AT"});
    eventually(FEED_BOUND, "fewer claims", || claims(&mut tab) == fewer);
    assert_eq!(apart.told(&mut tab, "standing").as_deref(), Some("logged-on"));
    let listed = apart.run("idp", &["user", "list"], "").expect("a list");
    assert!(listed.contains("  Alice Berg  -     de-AT   -"), "{listed}");
    let refused =
        apart.run("idp", &["user", "set", ALICE, "--locale", "de_AT"], "").expect_err("no language");
    assert!(refused.contains("must be a language tag"), "{refused}");
}

/// Nobody is logged out by it: the next page has a token of the new key, of an anonymous visitor too, and the gateway another
/// JWT.
#[test]
fn a_key_that_ends_takes_its_tokens_along_and_nobodys_log_on() {
    let apart = Apart::start();
    let [mut tab, mut other, mut nobody] = [(); 3].map(|()| Apart::browser().tab());
    apart.log_in(&mut tab);
    let token = |tab: &mut Tab| apart.told(tab, "token").expect("a JPT");
    let bearer = |tab: &mut Tab| {
        let told = tab.open(&apart.shop("/whoami/echo")).is(200).json();
        let bearer = told["headers"]["authorization"].as_str().expect("the service was shown a token");
        bearer.strip_prefix("Bearer ").expect("a JWT").to_owned()
    };
    let old = token(&mut tab);
    assert_eq!(apart.echo(&old), 200);
    let said = apart.run("idp", &["key", "rotate", "jpt"], "").expect("a new key");
    let new = said.split(' ').nth(2).expect("its name").to_owned();
    apart.log_in(&mut other);
    assert_eq!(kid(&token(&mut other)), new, "signs at once");
    assert_eq!((token(&mut tab), apart.echo(&old)), (old.clone(), 200), "believed while it lives");
    assert_eq!(kid(&token(&mut nobody)), kid(&old));

    let old_key = kid(&old);
    apart.run("idp", &["key", "end", &old_key], "").expect("it ends");
    eventually(FEED_BOUND, "the end of the old token at the gateway", || apart.echo(&old) == 401);
    eventually(FEED_BOUND, "a token of the new key", || kid(&token(&mut tab)) == new);
    eventually(FEED_BOUND, "one that everybody shares", || kid(&token(&mut nobody)) == new);
    assert_eq!(apart.echo(&token(&mut tab)), 200);
    let services_key = kid(&bearer(&mut tab));
    apart.run("idp", &["key", "end", &services_key], "").expect("it ends");
    eventually(FEED_BOUND, "a JWT of another key", || kid(&bearer(&mut tab)) != services_key);
    assert_eq!(apart.told(&mut tab, "standing").as_deref(), Some("logged-on"));

    let listed = apart.run("idp", &["key", "list"], "").expect("a list");
    assert!(
        listed.contains(&new) && !listed.contains(&old_key) && !listed.contains(&services_key),
        "{listed}"
    );
    let said = apart.run("idp", &["key", "end", &old_key], "").expect_err("it has ended");
    assert!(said.contains("No such signing key"), "{said}");
}

/// The name of the key that has signed a token.
fn kid(token: &str) -> String {
    let header = token.split('.').next().expect("a head");
    let header: Value =
        serde_json::from_slice(&URL_SAFE_NO_PAD.decode(header).expect("base64url")).expect("JSON");
    header["kid"].as_str().expect("a name").to_owned()
}

/// Whether this command ends all that the tab's user has, at the proxy and at the gateway, and the proxy can say why.
#[track_caller]
fn ends(apart: &Apart, tab: &mut Tab, words: &[&str], input: &str, why: &str) {
    let (token, handle) = (apart.told(tab, "token"), apart.told(tab, "session"));
    let (token, handle) = (token.expect("a JPT"), handle.expect("a session"));
    assert_eq!(apart.told(tab, "standing").as_deref(), Some("logged-on"), "{words:?}");
    assert_eq!(apart.echo(&token), 200, "{words:?}");
    apart.run("idp", words, input).unwrap_or_else(|said| panic!("{words:?}: {said}"));
    eventually(FEED_BOUND, "the end at the gateway", || apart.echo(&token) == 401);
    eventually(FEED_BOUND, "the end at the proxy", || {
        apart.told(tab, "standing").is_none_or(|standing| standing != "logged-on")
    });
    let said = apart.run("proxy", &["audit", "session", &handle], "").expect("the proxy has its tombstone");
    assert!(said.lines().next().is_some_and(|line| line.ends_with(why)), "{words:?}: {said}");
}

/// The sentence in a line of a trail.
fn what(line: &str) -> &str {
    let columns: Vec<_> = line.split("  ").map(str::trim).filter(|column| !column.is_empty()).collect();
    columns[3]
}
