//! The words and the order.

use super::*;

#[test]
fn each_word_is_read_back_in_text_and_json() {
    for standing in Standing::ALL {
        assert_eq!(standing.to_string().parse(), Ok(standing));
        assert_eq!(serde_json::to_string(&standing).unwrap(), format!("\"{standing}\""));
    }
    for text in ["", "Anonymous", "logged_on", "loggedon", "returning "] {
        assert_eq!(text.parse::<Standing>(), Err(NoStanding));
    }
}

#[test]
fn more_is_known_further_up() {
    assert!(Standing::Anonymous < Standing::Returning && Standing::Returning < Standing::LoggedOn);
    assert!(Standing::ALL.is_sorted());
}
