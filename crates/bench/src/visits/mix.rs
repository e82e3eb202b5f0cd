//! Who comes and what they ask: four in five anonymous, the rest known, some of them logged on; pages, and now and then an
//! app that wants something remembered.

use std::fmt;

use crate::load;
use crate::store::Dice;

/// Of a thousand page views, those of returning and of logged-on visitors; the rest are anonymous.
const RETURNING: u64 = 150;
const LOGGED_ON: u64 = 50;
/// Of a thousand page views of a visitor who is known, those whose app patches the context.
const PATCHED: u64 = 70;
/// Page views in the script, which is then read from its beginning.
const SCRIPT: usize = 20_000;

/// How many different visitors there are.
#[derive(Clone, Copy, Debug)]
pub(super) struct Visitors {
    pub(super) returning: usize,
    pub(super) logged_on: usize,
}

pub(super) const USUAL: Visitors = Visitors { returning: 2_000, logged_on: 20 };
pub(super) const QUICK: Visitors = Visitors { returning: 10, logged_on: 2 };

impl fmt::Display for Visitors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { returning, logged_on } = self;
        write!(
            f,
            "Of 1,000 page views {} are of anonymous visitors, {RETURNING} of {returning} returning ones, {LOGGED_ON} of \
             {logged_on} logged on; {PATCHED} of 1,000 of theirs patch the context",
            1_000 - RETURNING - LOGGED_ON
        )
    }
}

/// The script: requests in the order in which they come. Cookies as `; name=value`.
pub(super) fn script(site: &str, returning: &[String], logged_on: &[String]) -> Vec<Vec<u8>> {
    let mut dice = Dice::new(8_711);
    let mut request = || {
        let cookies = match dice.below(1_000) {
            one if one < LOGGED_ON => Some(&logged_on[dice.below(logged_on.len() as u64) as usize]),
            one if one < LOGGED_ON + RETURNING => {
                Some(&returning[dice.below(returning.len() as u64) as usize])
            }
            _ => None,
        };
        let path = match cookies {
            Some(_) if dice.below(1_000) < PATCHED => load::BASKET,
            _ => load::PRODUCT,
        };
        load::request(site, path, cookies.map_or("", String::as_str), "").into_bytes()
    };
    (0..SCRIPT).map(|_| request()).collect()
}
