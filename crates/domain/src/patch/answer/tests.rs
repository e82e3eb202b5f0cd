//! Every kind of status, once and twice, alone and beside a log-out.

use super::*;
use crate::patch_refused::Unheeded::{BesideLogOut, Doubled, Failed, NotFinal};

#[test]
fn only_a_final_head_below_500_counts_that_has_one_patch_and_no_log_out() {
    for status in [100, 101, 103, 199] {
        assert_eq!(heed(status, 1, false), Err(NotFinal), "{status}");
    }
    for status in [200, 204, 303, 304, 404, 499] {
        assert_eq!(heed(status, 1, false), Ok(()), "{status}");
        assert_eq!(heed(status, 2, false), Err(Doubled), "{status}");
        assert_eq!(heed(status, 1, true), Err(BesideLogOut), "{status}");
    }
    for status in [500, 503, 599] {
        assert_eq!(heed(status, 1, false), Err(Failed), "{status}");
    }
}
