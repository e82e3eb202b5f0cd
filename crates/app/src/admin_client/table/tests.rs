//! Columns, and what is shown of hostile text.

use super::*;

fn rows<const N: usize, const M: usize>(rows: [[&str; N]; M]) -> Vec<[String; N]> {
    rows.map(|row| row.map(str::to_owned)).to_vec()
}

#[test]
fn columns_stand_under_each_other() {
    let shown = aligned(&rows([["LOGIN", "NAME"], ["zoë", "Zoë"], ["alexander", ""]]));
    assert_eq!(shown, "LOGIN      NAME\nzoë        Zoë\nalexander\n");
    assert_eq!(aligned::<2>(&[]), "");
}

#[test]
fn text_cannot_play_tricks() {
    assert_eq!(harmless("a\u{1b}[2Jb\r\nc\u{9b}\u{202e}d"), "a�[2Jb��c��d");
    assert_eq!(harmless("Zoë O'Brien नमस्ते"), "Zoë O'Brien नमस्ते");
    assert_eq!(aligned(&rows([["a\nb", "c"]])), "a�b  c\n");
}
