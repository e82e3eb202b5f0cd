//! Passwords: hashed within bounds, compared at one cost, refused when well known.

use vestibule_ports::entropy::SeededEntropy;

use super::*;

fn cheap(at_once: usize, queue: usize) -> Passwords {
    let cost = PasswordCost { memory_kib: 8, passes: 1, lanes: 1, at_once, queue };
    Passwords::new(&cost, &SeededEntropy::new(1)).unwrap()
}

fn password(text: &str) -> Password {
    typed(text).unwrap()
}

impl Passwords {
    /// Takes a place, then compares.
    async fn compare(&self, password: Password, stored: Option<String>) -> Result<Verdict, Busy> {
        self.verify(self.places().take()?, password, stored).await
    }
}

#[tokio::test]
async fn a_password_is_compared_exactly_as_it_was_typed() {
    let passwords = cheap(1, 0);
    let entropy = SeededEntropy::new(2);
    let long = "x".repeat(PASSWORD_CHARS_MAX);
    let composed = "caf\u{e9} au lait";
    let with_nul = "before\0after";
    for text in [long.as_str(), composed, with_nul, " leading and trailing "] {
        let stored = passwords.hash(password(text), &entropy).await.unwrap();
        let right = passwords.compare(password(text), Some(stored.clone())).await;
        assert_eq!(right, Ok(Verdict::Right { stale: false }), "{text:?}");
        let near_misses =
            [text.trim(), &text[..text.len() - 1], "before", "cafe\u{301} au lait", &text.to_uppercase()];
        for other in near_misses.into_iter().filter(|other| *other != text) {
            assert_eq!(passwords.compare(password(other), Some(stored.clone())).await, Ok(Verdict::Wrong));
        }
    }
}

#[test]
fn a_password_of_more_than_128_characters_is_refused_before_hashing() {
    assert!(typed(&"\u{1f511}".repeat(PASSWORD_CHARS_MAX)).is_ok());
    assert_eq!(typed(&"x".repeat(PASSWORD_CHARS_MAX + 1)).unwrap_err(), TooLong);
    assert_eq!(typed(&"x".repeat(1 << 20)).unwrap_err(), TooLong);
}

#[test]
fn a_new_password_is_long_enough_and_not_the_first_guess() {
    let cases = [
        ("1234567", Err(Weak::Short)),
        ("", Err(Weak::Short)),
        ("PassWord1", Err(Weak::WellKnown)),
        ("Alice.Baker", Err(Weak::UserName)),
        ("correct horse battery staple", Ok(())),
        ("\u{1f511}\u{1f511}\u{1f511}\u{1f511}\u{1f511}\u{1f511}\u{1f511}\u{1f511}", Ok(())),
    ];
    for (text, expected) in cases {
        assert_eq!(check_new(&password(text), "alice.baker"), expected, "{text:?}");
    }
}

/// ASVS 6.2.4: at least the first 3,000 that the other rules would let pass.
#[test]
fn the_list_holds_three_thousand_passwords_that_would_pass_otherwise() {
    let listed = &*WELL_KNOWN;
    assert!(listed.len() >= 3_000, "{}", listed.len());
    assert!(listed.windows(2).all(|pair| pair[0] < pair[1]), "sorted, and none twice");
    for &text in listed {
        assert!(text.chars().count() >= PASSWORD_CHARS_MIN, "{text}");
        for spelling in [text.to_owned(), text.to_uppercase()] {
            assert_eq!(check_new(&password(&spelling), "alice.baker"), Err(Weak::WellKnown), "{spelling}");
        }
    }
}

#[tokio::test]
async fn an_absent_user_costs_one_hash_like_a_wrong_password() {
    let passwords = cheap(1, 0);
    let stored = passwords.hash(password("correct horse"), &SeededEntropy::new(3)).await.unwrap();
    let before = passwords.hashed();
    assert_eq!(passwords.compare(password("wrong horse"), Some(stored)).await, Ok(Verdict::Wrong));
    let known = passwords.hashed() - before;
    assert_eq!(passwords.compare(password("wrong horse"), None).await, Ok(Verdict::Wrong));
    assert_eq!(passwords.hashed() - before - known, known);
}

#[tokio::test]
async fn the_hash_for_nobody_has_the_parameters_of_a_real_one() {
    let passwords = cheap(1, 0);
    let stored = passwords.hash(password("correct horse"), &SeededEntropy::new(3)).await.unwrap();
    let nobody = &passwords.hasher.nobody;
    let head = |phc: &str| phc.split('$').take(4).map(str::to_owned).collect::<Vec<_>>();
    assert_eq!(head(nobody), head(&stored));
    assert_eq!(nobody.len(), stored.len());
}

#[tokio::test]
async fn a_hash_with_other_parameters_is_right_and_stale() {
    let stored = cheap(1, 0).hash(password("correct horse"), &SeededEntropy::new(3)).await.unwrap();
    let cost = PasswordCost { memory_kib: 16, passes: 1, lanes: 1, at_once: 1, queue: 0 };
    let dearer = Passwords::new(&cost, &SeededEntropy::new(1)).unwrap();
    let verdict = dearer.compare(password("correct horse"), Some(stored)).await;
    assert_eq!(verdict, Ok(Verdict::Right { stale: true }));
}

#[tokio::test]
async fn a_full_queue_refuses_instead_of_growing() {
    let passwords = cheap(1, 1);
    let held = passwords.running.acquire().await.unwrap();
    let mut first = Box::pin(passwords.compare(password("a"), None));
    let mut second = Box::pin(passwords.compare(password("b"), None));
    assert!(poll_once(&mut first).await.is_none());
    assert!(poll_once(&mut second).await.is_none());
    assert_eq!(passwords.compare(password("c"), None).await, Err(Busy));
    drop(held);
    assert_eq!(first.await, Ok(Verdict::Wrong));
    assert_eq!(second.await, Ok(Verdict::Wrong));
}

async fn poll_once<F: Future + Unpin>(future: &mut F) -> Option<F::Output> {
    std::future::poll_fn(|cx| {
        use std::task::Poll;
        Poll::Ready(match std::pin::Pin::new(&mut *future).poll(cx) {
            Poll::Ready(output) => Some(output),
            Poll::Pending => None,
        })
    })
    .await
}
