//! The stored form, and which secret opens what.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use proptest::prelude::*;

use super::*;
use crate::fixture::*;
use crate::key::SessionCookie::{Keep, Vst};

/// [`full`] as it is stored.
const FORMAT_1: [&str; 6] = [
    "AQRzaG9wAQEBAQEBAQEBAQEBAQEBAQEpKv3jtk5mNtaPESDZJC8fheOO978wbkQHwjA+tjeR71KWuvcDbgCfzieZ8zS4Y6LArq2P",
    "sT4xew1pKR/D/fclAcyM1BzvkHxNIWBpEixLiZNiETYfkFCnF6HjetGGLpUvQOyYSTfY5Rb2yJtmG2Ka5F1Jz0Wg1fw/+m5q4eWh",
    "uAOAwOKF42gBAgRub3RlAAV0aGVtZQABgMDiheNogMDiheNoAQEFYWxpY2UFZ3JhbnSAwOKF42iAwOKF42gBgKjAk+NoB3NpZ24t",
    "b24BBG5hbWUHIkFsaWNlIgADBmJhc2tldAdbInRlYSJdAARub3RlDnsiYSI6WzEsbnVsbF19AQV0aGVtZQoiZFx1MDBlOWoiAAeA",
    "wOKF42gAgMDiheNoAQVhbGljZQGAwOKF42gEBHNob3AGBHdhbGwBgMDiheNoBAR3YWxsCARub3RlrAKAwOKF42gCAoDA4oXjaAMC",
    "gMDiheNoBQw=",
];

#[test]
fn every_kind_of_session_is_read_back() {
    let noted =
        patched(&logged_on(), Key::Vst, r#"{"note":{"a":[1,null]},"theme":"d\u00e9j\u00e0"}"#, NOW).unwrap();
    let refused = noted.clone().with_refusal(app("shop"), PatchRefused::SessionTooLarge, NOW);
    let mut fallen = logged_on();
    fallen.fall(NOW, Cause::IdleLimit);
    for session in [begun(), returning(), logged_on(), fallen, noted, refused] {
        assert_eq!(Session::decode(&session.encode()), Ok(session));
    }
}

#[test]
fn a_usual_session_is_small() {
    assert!(logged_on().encode().len() < 600, "{}", logged_on().encode().len());
}

#[test]
fn what_is_damaged_is_corrupt_and_nothing_else() {
    let bytes = logged_on().encode();
    assert_eq!(Session::decode(&[]), Err(Corrupt::Empty));
    for end in 1..bytes.len() {
        assert!(Session::decode(&bytes[..end]).is_err(), "cut at {end}");
    }
    let mut newer = bytes;
    newer[0] += 1;
    assert_eq!(Session::decode(&newer), Err(Corrupt::Format(2)));
}

/// With something of everything that is stored.
fn full() -> Session {
    let noted =
        patched(&logged_on(), Key::Vst, r#"{"note":{"a":[1,null]},"theme":"d\u00e9j"}"#, NOW).unwrap();
    let mut session = noted.with_refusal(app("shop"), PatchRefused::ReadTooLarge(app("wall")), NOW);
    let refused = PatchRefused::NoLogOn(name("note"));
    session.life.push(NOW, Happening::PatchRefused { app: app("wall"), why: refused, times: 300 });
    session.life.push(NOW, Happening::SteppedUp { level: 2 });
    session.life.push(NOW, Happening::SteppedDown(Cause::Rule));
    session.life.push(NOW, Happening::Ended(Cause::UserDisabled));
    session
}

/// If this fails after the first release, sessions that are stored today would be lost: bring a new format instead.
#[test]
fn what_format_1_wrote_is_read() {
    let stored = STANDARD.decode(FORMAT_1.concat()).unwrap();
    assert_eq!(Session::decode(&stored), Ok(full()));
}

#[test]
fn each_secret_opens_its_own_cookie_of_its_own_site() {
    let session = logged_on();
    let other_site = SiteId::parse("outlet").unwrap();
    let cases = [
        (Vst, vst(2), Some(Key::Vst)),
        (Keep, keep(2), Some(Key::Keep)),
        (Vst, vst(1), Some(Key::OldVst)),
        (Keep, keep(1), Some(Key::OldKeep)),
        (Keep, vst(2), None),
        (Vst, keep(2), None),
        (Keep, vst(1), None),
        (Vst, keep(1), None),
        (Vst, vst(3), None),
    ];
    for (cookie, secret, key) in cases {
        assert_eq!(session.recognise(&site(), cookie, &secret, NOW, &limits()), key);
        assert_eq!(session.recognise(&other_site, cookie, &secret, NOW, &limits()), None);
    }
}

#[test]
fn a_session_has_risen_when_it_has_a_grant_that_it_had_not() {
    let mut fallen = logged_on();
    fallen.fall(NOW, Cause::IdleLimit);
    let mut again = logged_on();
    let Stage::LoggedOn(log_on) = &mut again.stage else { panic!() };
    log_on.grant = GrantToken::parse("newer").unwrap();
    let cases = [
        (returning(), returning(), false),
        (returning(), logged_on(), true),
        (logged_on(), logged_on(), false),
        (logged_on(), fallen.clone(), false),
        (logged_on(), again.clone(), true),
        (fallen, again, true),
    ];
    for (before, after, risen) in cases {
        assert_eq!(after.has_risen_since(&before), risen, "{before:?} {after:?}");
    }
}

#[test]
fn an_unconfirmed_session_is_kept_for_minutes_and_others_to_their_ceiling() {
    assert_eq!(begun().expires_at(&limits()), NOW + limits().unconfirmed);
    assert_eq!(returning().expires_at(&limits()), NOW + limits().ceiling);
    let later = seconds(86_400);
    let risen = risen(&returning(), Key::Vst, "alice", later, 2);
    assert_eq!(risen.expires_at(&limits()), later + limits().ceiling);
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic(mut bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        let _ = Session::decode(&bytes);
        if let Some(format) = bytes.first_mut() {
            *format = 1;
        }
        let _ = Session::decode(&bytes);
    }

    #[test]
    fn a_changed_byte_makes_another_session_or_none(at in 0_usize..200, change in 1_u8..) {
        let mut bytes = logged_on().encode();
        let at = at % bytes.len();
        bytes[at] ^= change;
        prop_assert_ne!(Session::decode(&bytes), Ok(logged_on()));
    }
}
