//! What happens in a storm, step by step. Steps are total: any part of a history can be played, so a failing one can
//! be made shorter. They have a text, so that a history can be kept in a list.

mod motif;

use std::fmt;
use std::str::FromStr;

use super::dice::Dice;
use super::links::{Channel, Link};

/// Browsers in a storm.
pub(super) const BROWSERS: u8 = 3;
/// Users in a storm.
pub(super) const USERS: u8 = 2;
/// Nodes in a storm.
pub(super) const NODES: u8 = 3;

/// What a browser asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Page {
    /// For everybody, and served degraded when nothing is known.
    Front,
    /// For everybody.
    Shop,
    /// For everybody; its app patches what survives a log-on.
    Basket,
    /// For users.
    Account,
    /// For users; its app patches what goes with the log-on.
    Draft,
    /// For everybody; its app logs the visitor out.
    Bye,
}

const PAGES: [(Page, &str); 6] = [
    (Page::Front, "front"),
    (Page::Shop, "shop"),
    (Page::Basket, "basket"),
    (Page::Account, "account"),
    (Page::Draft, "draft"),
    (Page::Bye, "bye"),
];

/// One step. `luck` decides what becomes of the calls that a request makes; 0 is good luck.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// A tab asks for a page.
    Visit { browser: u8, node: u8, page: Page, luck: u32 },
    /// Somebody shows the newest cookies that the browser was ever given, whatever has become of them.
    Replay { browser: u8, node: u8, page: Page, luck: u32 },
    /// A tab logs on: begun at one node, back at another.
    LogOn { browser: u8, node: u8, back: u8, user: u8, luck: u32 },
    /// A tab logs out.
    LogOut { browser: u8, node: u8, everywhere: bool, luck: u32 },
    /// An administrator revokes a user, at the IDP.
    Revoke { user: u8 },
    /// The browser's window is closed: what has no `Max-Age` goes.
    Close { browser: u8 },
    /// Time passes.
    Wait { millis: u32 },
    /// A long time passes in which nobody does anything.
    Leap { minutes: u32 },
    /// From a node to the store.
    Store { node: u8, link: Link },
    /// From a node to the IDP.
    Idp { node: u8, link: Link },
    /// The store's events on their way to a node.
    Events { node: u8, channel: Channel },
    /// The IDP's feed on its way to a node.
    Ends { node: u8, channel: Channel },
    /// A node dies with all that it was doing, and another takes its place.
    Crash { node: u8 },
}

/// What a seed makes happen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct History {
    /// Of everything that is random in the nodes.
    pub(super) seed: u64,
    pub(super) steps: Vec<Step>,
}

impl History {
    pub(super) fn of(seed: u64) -> Self {
        let mut dice = Dice::new(seed);
        let count = 10 + dice.below(50) as usize;
        // Some storms are of one kind, so that each kind is seen alone too.
        let rough = dice.below(4) * 12;
        let mut steps = Vec::new();
        while steps.len() < count {
            if dice.percent(5) {
                motif::play(&mut dice, &mut steps);
            } else {
                steps.push(Step::throw(&mut dice, rough));
            }
        }
        Self { seed, steps }
    }
}

impl Step {
    fn throw(dice: &mut Dice, rough: u64) -> Self {
        let (browser, node) = (dice.below(BROWSERS.into()) as u8, dice.below(NODES.into()) as u8);
        if dice.percent(rough) {
            return Self::fault(dice, node);
        }
        let luck = if dice.percent(rough + 10) { dice.below(1 << 16) as u32 } else { 0 };
        match dice.below(100) {
            0..4 => {
                let page = dice.pick(&[Page::Shop, Page::Account, Page::Account]);
                Self::Replay { browser, node, page, luck }
            }
            4..46 => {
                let pages = [
                    Page::Front,
                    Page::Shop,
                    Page::Shop,
                    Page::Basket,
                    Page::Basket,
                    Page::Account,
                    Page::Account,
                    Page::Draft,
                ];
                let page = if dice.percent(3) { Page::Bye } else { dice.pick(&pages) };
                Self::Visit { browser, node, page, luck }
            }
            46..63 => {
                let (back, user) = (dice.below(NODES.into()) as u8, dice.below(USERS.into()) as u8);
                Self::LogOn { browser, node, back, user, luck }
            }
            63..69 => Self::LogOut { browser, node, everywhere: dice.percent(30), luck },
            69..72 => Self::Revoke { user: dice.below(USERS.into()) as u8 },
            72..74 => Self::Close { browser },
            74..97 => {
                Self::Wait { millis: dice.pick(&[1, 2, 5, 20, 50, 120, 260, 400, 700, 1_600, 3_000, 6_000]) }
            }
            _ => Self::Leap { minutes: dice.pick(&[1, 6, 11, 31, 245, 8 * 24 * 60]) },
        }
    }

    fn fault(dice: &mut Dice, node: u8) -> Self {
        let links = [Link::Up, Link::Up, Link::Refusing, Link::Silent, Link::Deaf];
        let channels = [
            Channel::Up { lag: 0 },
            Channel::Up { lag: 180 },
            Channel::Up { lag: 2_500 },
            Channel::Silent,
            Channel::Silent,
            Channel::Cut,
        ];
        match dice.below(9) {
            0..3 => Self::Store { node, link: dice.pick(&links) },
            3 => Self::Idp { node, link: dice.pick(&links) },
            4..7 => Self::Events { node, channel: dice.pick(&channels) },
            7 => Self::Ends { node, channel: dice.pick(&channels) },
            _ => Self::Crash { node },
        }
    }

    /// The same with better luck, if that is not perfect yet.
    pub(super) fn luckier(self) -> Option<Self> {
        let mut step = self;
        match &mut step {
            Self::Visit { luck, .. }
            | Self::Replay { luck, .. }
            | Self::LogOn { luck, .. }
            | Self::LogOut { luck, .. } => *luck = 0,
            _ => return None,
        }
        (step != self).then_some(step)
    }
}

impl fmt::Display for Page {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (_, name) = PAGES.iter().find(|(it, _)| it == self).expect("every page has a name");
        f.write_str(name)
    }
}

impl FromStr for Page {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let found = PAGES.into_iter().find(|(_, name)| *name == text);
        found.map(|(page, _)| page).ok_or_else(|| format!("'{text}' is no page"))
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Visit { browser, node, page, luck } => write!(f, "visit {browser} {node} {page} {luck}"),
            Self::Replay { browser, node, page, luck } => write!(f, "replay {browser} {node} {page} {luck}"),
            Self::LogOn { browser, node, back, user, luck } => {
                write!(f, "log-on {browser} {node} {back} {user} {luck}")
            }
            Self::LogOut { browser, node, everywhere, luck } => {
                write!(
                    f,
                    "log-out {browser} {node} {} {luck}",
                    if *everywhere { "everywhere" } else { "this" }
                )
            }
            Self::Revoke { user } => write!(f, "revoke {user}"),
            Self::Close { browser } => write!(f, "close {browser}"),
            Self::Wait { millis } => write!(f, "wait {millis}"),
            Self::Leap { minutes } => write!(f, "leap {minutes}"),
            Self::Store { node, link } => write!(f, "store {node} {link}"),
            Self::Idp { node, link } => write!(f, "idp {node} {link}"),
            Self::Events { node, channel } => write!(f, "events {node} {channel}"),
            Self::Ends { node, channel } => write!(f, "ends {node} {channel}"),
            Self::Crash { node } => write!(f, "crash {node}"),
        }
    }
}

impl FromStr for Step {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let words: Vec<&str> = text.split_whitespace().collect();
        let bad = || format!("'{text}' is no step");
        let word = |at: usize| words.get(at).copied().ok_or_else(bad);
        let small = |at: usize| word(at)?.parse::<u8>().map_err(|_| bad());
        let large = |at: usize| word(at)?.parse::<u32>().map_err(|_| bad());
        Ok(match word(0)? {
            "visit" => {
                Self::Visit { browser: small(1)?, node: small(2)?, page: word(3)?.parse()?, luck: large(4)? }
            }
            "replay" => {
                Self::Replay { browser: small(1)?, node: small(2)?, page: word(3)?.parse()?, luck: large(4)? }
            }
            "log-on" => Self::LogOn {
                browser: small(1)?,
                node: small(2)?,
                back: small(3)?,
                user: small(4)?,
                luck: large(5)?,
            },
            "log-out" => Self::LogOut {
                browser: small(1)?,
                node: small(2)?,
                everywhere: word(3)? == "everywhere",
                luck: large(4)?,
            },
            "revoke" => Self::Revoke { user: small(1)? },
            "close" => Self::Close { browser: small(1)? },
            "wait" => Self::Wait { millis: large(1)? },
            "leap" => Self::Leap { minutes: large(1)? },
            "store" => Self::Store { node: small(1)?, link: word(2)?.parse()? },
            "idp" => Self::Idp { node: small(1)?, link: word(2)?.parse()? },
            "events" => Self::Events { node: small(1)?, channel: word(2)?.parse()? },
            "ends" => Self::Ends { node: small(1)?, channel: word(2)?.parse()? },
            "crash" => Self::Crash { node: small(1)? },
            _ => return Err(bad()),
        })
    }
}

impl fmt::Display for History {
    /// The steps, as the list of regressions has them.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, step) in self.steps.iter().enumerate() {
            write!(f, "{}{step}", if at == 0 { "" } else { "; " })?;
        }
        Ok(())
    }
}

impl History {
    /// A history from the list of regressions.
    pub(super) fn parse(seed: u64, text: &str) -> Result<Self, String> {
        let steps = text.split(';').filter(|step| !step.trim().is_empty());
        Ok(Self { seed, steps: steps.map(str::parse).collect::<Result<_, _>>()? })
    }
}
