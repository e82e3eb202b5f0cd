//! Which servers are taken, by their version.

use super::*;

#[test]
fn a_server_is_old_by_its_number() {
    for (number, found) in [(90_624, "9.6.24"), (100_023, "10.23"), (120_022, "12.22")] {
        let refused = judge(number, found.to_owned(), "h:5432").unwrap_err().to_string();
        assert_eq!(refused, format!("h:5432 runs PostgreSQL {found}; 13 or newer is needed"));
    }
    for (number, found) in [(130_000, "13.0"), (150_018, "15.18"), (180_001, "18.1")] {
        assert_eq!(judge(number, found.to_owned(), "h:5432"), Ok(()), "{found}");
    }
}
