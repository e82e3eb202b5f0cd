//! Which requests break which rule, and that a watched log-on is a log-on in every other way.

use super::*;
use crate::fixture::*;
use crate::key::Key;
use crate::rise::{Proof, Risen, log_on};
use crate::session::Session;

const FIREFOX: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:142.0) Gecko/20100101 Firefox/142.0";
const FIREFOX_LATER: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:143.0.1) Gecko/20100101 Firefox/143.0.1";
const CHROME: &str = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/141.0.0.0 Safari/537.36";

fn footing(user_agent: &str, client: &str) -> Footing {
    Footing::of([user_agent.as_bytes()].into_iter(), client.parse().unwrap())
}

fn begun(footing: Option<Footing>) -> Session {
    let proof = Proof { footing, ..proof("alice", NOW) };
    match log_on(None, site(), proof, fresh(1), NOW, &limits()) {
        Ok(Risen::New { session, .. }) => session,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_rule_is_broken_by_what_it_compares_and_by_nothing_else() {
    let began = footing(FIREFOX, "192.0.2.7");
    let session = begun(Some(began));
    // Where it comes from · whether the rule of the browser is broken · that of the network
    let cases = [
        (began, false, false),
        (footing(FIREFOX_LATER, "192.0.2.7"), false, false),
        (footing(CHROME, "192.0.2.7"), true, false),
        (footing("", "192.0.2.7"), true, false),
        (footing(FIREFOX, "192.0.2.255"), false, false),
        (footing(FIREFOX, "::ffff:192.0.2.7"), false, false),
        (footing(FIREFOX, "192.0.3.7"), false, true),
        (footing(FIREFOX, "2001:db8::7"), false, true),
        (footing(CHROME, "192.0.3.7"), true, true),
    ];
    for (by, by_browser, by_network) in cases {
        for (browser, network) in [(false, false), (true, false), (false, true), (true, true)] {
            let rules = Rules { browser, network };
            let broken = rules.are_broken(&view(&session, Key::Vst, NOW), &by);
            assert_eq!(broken, (browser && by_browser) || (network && by_network), "{rules:?} {by:?}");
        }
    }
}

#[test]
fn two_lines_are_not_one_of_both_and_none_is_not_an_empty_one() {
    let of = |lines: &[&[u8]]| Footing::of(lines.iter().copied(), [192, 0, 2, 7].into());
    let all = [of(&[]), of(&[b""]), of(&[b"ab"]), of(&[b"a", b"b"])];
    for (number, one) in all.iter().enumerate() {
        assert!(all[..number].iter().all(|other| other != one), "{number}");
    }
}

#[test]
fn only_a_log_on_that_is_shown_and_watched_can_break_a_rule() {
    let (rules, elsewhere) = (Rules { browser: true, network: true }, footing(CHROME, "198.51.100.1"));
    let watched = begun(Some(footing(FIREFOX, "192.0.2.7")));
    for key in [Key::Keep, Key::Vst] {
        let broken = rules.are_broken(&view(&watched, key, NOW), &elsewhere);
        assert_eq!(broken, key == Key::Vst);
    }
    let ended = NOW + limits().log_on;
    assert!(!rules.are_broken(&view(&watched, Key::Vst, ended), &elsewhere));
    for unwatched in [begun(None), returning()] {
        assert!(!rules.are_broken(&view(&unwatched, Key::Vst, NOW), &elsewhere));
    }
}

#[test]
fn a_watched_log_on_is_a_log_on_in_every_other_way() {
    let watched = begun(Some(footing(FIREFOX, "192.0.2.7")));
    let plain = begun(None);
    assert_eq!(watched.log_on(), plain.log_on());
    assert_eq!(watched.newest_user(), plain.newest_user());
    assert_eq!(watched.sign_on(), plain.sign_on());
    assert_eq!(Session::decode(&watched.encode()), Ok(watched.clone()));
    let ended = NOW + limits().log_on;
    let settled = |session: &Session| view(session, Key::Vst, ended).settled(ended, &limits());
    assert_eq!(settled(&watched), settled(&plain));
}
