//! Tries of one browser, and what becomes of callbacks.

use super::*;
use crate::fixture::*;

fn value(number: u8) -> TryValue {
    TryValue::from_random(&[number; 16])
}

fn attempt(restarted: bool) -> Attempt {
    Attempt {
        site: site(),
        verifier: Verifier::from_random(&[1; 32]),
        nonce: "nonce".to_owned(),
        target: ReturnTarget::or_root(b"/account?tab=1"),
        asked: false,
        restarted,
        begun_at: NOW,
    }
}

#[test]
fn a_browser_holds_five_and_the_oldest_goes() {
    let mut tries = Tries::default();
    assert!(tries.is_empty() && tries.expose().is_empty());
    for number in 0..7 {
        tries.push(value(number));
    }
    let mut again = Tries::parse(tries.expose().as_bytes()).unwrap();
    for (number, held) in [(0, false), (1, false), (2, true), (3, true), (6, true), (6, false), (9, false)] {
        assert_eq!(again.take(&value(number).state()), held, "{number}");
    }
    assert_eq!(again.expose().split('.').count(), 2);
}

#[test]
fn the_cookie_is_read_strictly() {
    let one = value(1).0;
    let too_many = [&*one; 6].join(".");
    for text in
        ["", ".", "x", &format!("{one}."), &format!("{one}A"), &format!("{one}.{one}."), &too_many, "\u{e9}"]
    {
        assert!(Tries::parse(text.as_bytes()).is_none(), "{text:?}");
    }
    assert!(Tries::parse(one.as_bytes()).is_some());
}

#[test]
fn neither_state_nor_key_tells_the_value() {
    let state = value(1).state();
    assert_eq!(state.as_str().len(), 43);
    assert_ne!(state.as_str(), &*value(1).0);
    assert_eq!(
        State::parse(state.as_str()).map(|state| state.key()),
        Some(sha256(state.as_str().as_bytes()))
    );
    assert!(State::parse(&value(1).0).is_none());
    assert_eq!(format!("{:?}", value(1)), "TryValue(..)");
}

#[test]
fn an_attempt_is_read_back() {
    let bytes = attempt(true).encode();
    let again = Attempt::decode(&bytes).unwrap();
    assert_eq!(again.encode(), bytes);
    assert_eq!(again.verifier.expose(), attempt(true).verifier.expose());
    assert!(Attempt::decode(&bytes[..bytes.len() - 1]).is_err());
}

#[test]
fn only_the_browser_that_began_it_redeems_and_others_restart_once() {
    let other = SiteId::parse("outlet").unwrap();
    let over = NOW + ATTEMPT_LIFE;
    let cases = [
        (true, site(), Some(attempt(false)), NOW, "redeem"),
        (true, site(), Some(attempt(true)), NOW, "redeem"),
        (false, site(), Some(attempt(false)), NOW, "restart"),
        (false, site(), Some(attempt(true)), NOW, "refuse"),
        (true, site(), None, NOW, "refuse"),
        (false, site(), None, NOW, "refuse"),
        (true, other.clone(), Some(attempt(false)), NOW, "refuse"),
        (false, other, Some(attempt(false)), NOW, "refuse"),
        (true, site(), Some(attempt(false)), over, "refuse"),
        (false, site(), Some(attempt(false)), over, "refuse"),
    ];
    for (begun_here, site, taken, now, expected) in cases {
        let outcome = match callback(begun_here, &site, taken, now) {
            Callback::Redeem(attempt) => {
                assert_eq!(attempt.nonce, "nonce");
                "redeem"
            }
            Callback::Restart(target) => {
                assert_eq!(target.as_str(), "/account?tab=1");
                "restart"
            }
            Callback::Refuse => "refuse",
        };
        assert_eq!(outcome, expected);
    }
}
