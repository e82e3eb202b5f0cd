//! Nothing secret is printed.

use super::{print, without_password};

#[test]
fn a_password_in_a_url_is_not_printed() {
    let said = print("[sessions]\nstore = \"postgres://shop:secret@one,two:5433/vestibule\"\n").unwrap();
    assert_eq!(said, "[sessions]\nstore = \"postgres://shop:***@one,two:5433/vestibule\"\n");
}

#[test]
fn a_url_without_a_password_stays_as_it_is() {
    for url in ["embedded", "redis://localhost:6379/0", "mongodb://shop@one,two/?w=majority"] {
        assert_eq!(without_password(url), url);
    }
    assert_eq!(without_password("redis://:p@ss:word@one"), "redis://:***@one");
}
