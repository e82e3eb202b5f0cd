//! Which codes leave a write in doubt, and which end the connection.

use super::*;

#[test]
fn a_code_says_whether_a_write_may_have_happened_and_the_connection_may_serve_on() {
    for (code, doubt, spares) in [
        // A pooler has lost the server; the connection to it was lost, was never there, broke the protocol.
        ("08P01", true, false),
        ("08006", true, false),
        ("08003", true, false),
        ("08000", true, false),
        // Shut down, crashed, not up yet, database dropped.
        ("57P01", true, false),
        ("57P02", true, false),
        ("57P03", true, false),
        ("57P04", true, false),
        // Nobody knows what became of the commit.
        ("40003", true, true),
        // Taken back: deadlock, serialization, lock, statement too long, constraint.
        ("40P01", false, true),
        ("40001", false, true),
        ("55P03", false, true),
        ("57014", false, true),
        ("23505", false, true),
        // Taken back: no disk for a table, none for anything, no memory, no place, a file that is broken off, and the word
        // that PostgreSQL has for other errors of its files.
        ("53100", false, true),
        ("53000", false, true),
        ("53200", false, true),
        ("53300", false, true),
        ("58030", false, true),
        ("XX000", false, true),
        // Taken back: a page or an index of the server's is damaged.
        ("XX001", false, true),
        ("XX002", false, true),
        // Not begun: our account has lost the right.
        ("42501", false, true),
        // Not begun: a standby, and statements that somebody between has lost.
        ("25006", false, false),
        ("26000", false, false),
        ("0A000", false, false),
    ] {
        let state = SqlState::from_code(code);
        assert_eq!((leaves_doubt(&state), spares_the_connection(&state)), (doubt, spares), "{code}");
    }
}

#[test]
fn only_a_notice_about_the_standby_makes_a_commit_unsafe() {
    for (code, unsafe_) in [("01000", true), ("57P01", true), ("00000", false), ("57P02", false)] {
        assert_eq!(is_unreplicated(&SqlState::from_code(code)), unsafe_, "{code}");
    }
}
