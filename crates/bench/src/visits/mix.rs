//! Who comes and what they want: four in five anonymous, the rest known, some of them logged on; pages, now and then an app
//! that wants something remembered, and somebody who logs on.

use std::fmt;

use crate::load;
use crate::store::Dice;

/// Of a thousand page views, those of returning and of logged-on visitors; the rest are anonymous.
const RETURNING: u64 = 150;
const LOGGED_ON: u64 = 50;
/// Of a thousand page views of a visitor who is known, those whose app patches the context.
const PATCHED: u64 = 70;
/// Page views between two log-ons: of somebody who is logged on that is one in fifty.
pub(super) const VIEWS_PER_LOG_ON: usize = 1_000;
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

/// What somebody does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// Asks for a page with this request.
    Page(Vec<u8>),
    /// Asks for a page whose app patches the context.
    Patch(Vec<u8>),
    /// Logs on with a password, by the form, and looks at a page.
    LogOn,
}

impl fmt::Display for Visitors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { returning, logged_on } = self;
        write!(
            f,
            "Of 1,000 page views {} are of anonymous visitors, {RETURNING} of {returning} returning ones, {LOGGED_ON} of \
             {logged_on} logged on; {PATCHED} of 1,000 of theirs patch the context; beside each {VIEWS_PER_LOG_ON} \
             somebody logs on",
            1_000 - RETURNING - LOGGED_ON
        )
    }
}

/// The script: what is wanted, in the order in which it comes. Cookies as `; name=value`.
pub(super) fn script(site: &str, returning: &[String], logged_on: &[String]) -> Vec<Step> {
    let (mut dice, mut known) = (Dice::new(8_711), 0);
    let mut view = || {
        let cookies = match dice.below(1_000) {
            one if one < LOGGED_ON => Some(&logged_on[dice.below(logged_on.len() as u64) as usize]),
            one if one < LOGGED_ON + RETURNING => {
                Some(&returning[dice.below(returning.len() as u64) as usize])
            }
            _ => None,
        };
        let request = |path| load::request(site, path, cookies.map_or("", String::as_str), "").into_bytes();
        known += u64::from(cookies.is_some());
        // Evenly, so that their share is exact.
        match cookies {
            Some(_) if known * PATCHED % 1_000 < PATCHED => Step::Patch(request(load::BASKET)),
            _ => Step::Page(request(load::PRODUCT)),
        }
    };
    let mut script = Vec::new();
    for number in 0..SCRIPT {
        script.push(view());
        // In the middle of its thousand, so that a short slice has its share.
        if number % VIEWS_PER_LOG_ON == VIEWS_PER_LOG_ON / 2 {
            script.push(Step::LogOn);
        }
    }
    script
}

#[cfg(test)]
mod tests;
