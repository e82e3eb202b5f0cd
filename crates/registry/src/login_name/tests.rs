//! One spelling for each log-in name, whatever was typed.

use proptest::prelude::*;

use super::{LOGIN_CHARS_MAX, LoginName, LoginNameRefused};

fn spelled(typed: &str) -> Result<String, LoginNameRefused> {
    LoginName::parse(typed).map(|name| name.to_string())
}

#[test]
fn spellings_that_look_or_sound_the_same_to_a_person_are_one_name() {
    let alice = Ok("alice".to_owned());
    for typed in ["alice", "ALICE", "aLiCe", " alice\n", "\u{ff21}\u{ff2c}\u{ff29}\u{ff23}\u{ff25}"] {
        assert_eq!(spelled(typed), alice, "{typed:?}");
    }
    // The Kelvin sign, the long s, a ligature, a composed and a decomposed letter, the last sigma's large form.
    assert_eq!(spelled("\u{212a}arl"), spelled("karl"));
    assert_eq!(spelled("\u{17f}am"), spelled("sam"));
    assert_eq!(spelled("\u{fb01}n"), spelled("fin"));
    assert_eq!(spelled("Jose\u{301}"), spelled("JOS\u{c9}"));
    assert_eq!(spelled("\u{3a3}\u{3a3}"), spelled("\u{3c3}\u{3c3}"));
}

#[test]
fn what_cannot_be_seen_or_told_apart_is_refused() {
    let refused = Err(LoginNameRefused::Character);
    // Zero width, direction override, soft hyphen, NUL, a space inside, the dotted capital I, a stray accent.
    let typed = [
        "a\u{200b}b",
        "a\u{202e}b",
        "a\u{ad}b",
        "a\0b",
        "a b",
        "\u{130}van",
        "x\u{307}\u{307}",
        "a/b",
        "a:b",
        "a\u{feff}",
    ];
    for typed in typed {
        assert_eq!(spelled(typed), refused, "{typed:?}");
    }
}

#[test]
fn length_is_counted_in_the_one_spelling() {
    let refused = Err(LoginNameRefused::Length);
    assert_eq!(spelled(""), refused);
    assert_eq!(spelled("  \t"), refused);
    assert!(spelled(&"a".repeat(LOGIN_CHARS_MAX)).is_ok());
    assert_eq!(spelled(&"a".repeat(LOGIN_CHARS_MAX + 1)), refused);
    assert_eq!(spelled(&"\u{fb03}".repeat(LOGIN_CHARS_MAX)), refused);
    assert_eq!(spelled(&"\u{fdfa}".repeat(1_000_000)), refused);
}

proptest! {
    #[test]
    fn the_one_spelling_is_its_own_spelling(typed in any::<String>()) {
        if let Ok(name) = LoginName::parse(&typed) {
            prop_assert_eq!(LoginName::parse(name.as_str()), Ok(name));
        }
    }

    #[test]
    fn letters_of_any_script_may_be_typed_small_or_as_they_are(typed in "\\w{1,20}") {
        if let Ok(name) = LoginName::parse(&typed) {
            let small: String = typed.chars().flat_map(char::to_lowercase).collect();
            prop_assert_eq!(LoginName::parse(&small), Ok(name));
        }
    }
}
