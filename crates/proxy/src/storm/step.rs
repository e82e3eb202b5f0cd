//! What happens in a storm, step by step. Steps are total: any part of a history can be played, so a failing one can
//! be made shorter. They have a text, so that a history can be kept in a list.

mod motif;

use std::fmt;
use std::str::FromStr;

use super::dice::Dice;
use super::links::{Channel, Copies, Link};

/// Browsers in a storm, each at one site. The last is the first once more, at the other site: cookies of its own, and the
/// same sign-on sessions.
pub(super) const BROWSERS: u8 = 4;
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
    /// For everybody; its app patches what survives a log-on, and demands one.
    Checkout,
    /// For users; its app patches what goes with the log-on, and demands a young one.
    Pay,
}

const PAGES: [(Page, &str); 8] = [
    (Page::Front, "front"),
    (Page::Shop, "shop"),
    (Page::Basket, "basket"),
    (Page::Account, "account"),
    (Page::Draft, "draft"),
    (Page::Bye, "bye"),
    (Page::Checkout, "checkout"),
    (Page::Pay, "pay"),
];

/// How a log-on ends that the IDP itself ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ender {
    /// An administrator revokes everything of the user.
    Revoke,
    /// The user is disabled, and soon enabled again.
    Disable,
    /// The user has changed the password.
    Password,
    /// The user has too many sessions: the oldest log-on goes.
    Cap,
}

const ENDERS: [(Ender, &str); 4] = [
    (Ender::Revoke, "revoke"),
    (Ender::Disable, "disable"),
    (Ender::Password, "password"),
    (Ender::Cap, "cap"),
];

/// One step. `luck` decides what becomes of the calls that a request makes; 0 is good luck.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// A tab asks for a page.
    Visit { browser: u8, node: u8, page: Page, luck: u32 },
    /// Somebody shows the newest cookies that the browser was ever given, whatever has become of them.
    Replay { browser: u8, node: u8, page: Page, luck: u32 },
    /// Somebody else's browser shows them.
    Steal { browser: u8, node: u8, page: Page, luck: u32 },
    /// A tab logs on: begun at one node, back at another.
    LogOn { browser: u8, node: u8, back: u8, user: u8, luck: u32 },
    /// A tab asks for the page that demands a young log-on; it does what is demanded, and asks again where it comes back.
    ProveAgain { browser: u8, node: u8, back: u8, user: u8, luck: u32 },
    /// A tab logs out.
    LogOut { browser: u8, node: u8, everywhere: bool, luck: u32 },
    /// Something of a user ends at the IDP.
    End { user: u8, by: Ender },
    /// The browser's window is closed: what has no `Max-Age` goes.
    Close { browser: u8 },
    /// Time passes.
    Wait { millis: u32 },
    /// A long time passes in which nobody does anything.
    Leap { minutes: u32 },
    /// From a node to the store.
    Store { node: u8, link: Link },
    /// Behind the store.
    Copies { copies: Copies },
    /// From a node to the IDP.
    Idp { node: u8, link: Link },
    /// The store's events on their way to a node.
    Events { node: u8, channel: Channel },
    /// The IDP's feed on its way to a node.
    Ends { node: u8, channel: Channel },
    /// A node dies with all that it was doing, and another takes its place.
    Crash { node: u8 },
    /// The time of day of a node's machine steps: from here on it is so many seconds ahead.
    Clock { node: u8, seconds: i32 },
}

/// What may happen in a storm besides the usual. Some storms have neither, so that all else is seen alone too.
#[derive(Clone, Copy, Debug)]
struct Mood {
    has_thieves: bool,
    has_steps: bool,
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
        let mood = Mood { has_thieves: dice.percent(40), has_steps: dice.percent(40) };
        let mut steps = Vec::new();
        while steps.len() < count {
            if dice.percent(5) {
                motif::play(&mut dice, mood, &mut steps);
            } else {
                steps.push(Step::throw(&mut dice, mood, rough));
            }
        }
        copy(seed, &mut steps);
        Self { seed, steps }
    }

    /// Whether somebody's cookies are shown by another browser. Only then rules are on.
    pub(super) fn has_thieves(&self) -> bool {
        self.steps.iter().any(|step| matches!(step, Step::Steal { .. }))
    }
}

/// In some storms the store is copied, and what is written is not always safe at once. By dice of its own, so that all
/// else is as it would be.
fn copy(seed: u64, steps: &mut Vec<Step>) {
    let mut dice = Dice::new(!seed);
    if !dice.percent(30) {
        return;
    }
    for _ in 0..=dice.below(3) {
        let at = dice.below(steps.len() as u64) as usize;
        let to = (at + 1 + dice.below(12) as usize).min(steps.len());
        steps.insert(to, Step::Copies { copies: Copies::Kept });
        steps.insert(at, Step::Copies { copies: dice.pick(&[Copies::Late, Copies::Late, Copies::Stuck]) });
    }
    steps.insert(0, Step::Copies { copies: Copies::Kept });
}

impl Step {
    fn throw(dice: &mut Dice, mood: Mood, rough: u64) -> Self {
        let (browser, node) = (dice.below(BROWSERS.into()) as u8, dice.below(NODES.into()) as u8);
        if dice.percent(rough) {
            return Self::fault(dice, node);
        }
        let luck = if dice.percent(rough + 10) { dice.below(1 << 16) as u32 } else { 0 };
        let (back, user) = (dice.below(NODES.into()) as u8, dice.below(USERS.into()) as u8);
        match dice.below(100) {
            0..4 => {
                let page = dice.pick(&[Page::Shop, Page::Account, Page::Account]);
                if mood.has_thieves && dice.percent(50) {
                    Self::Steal { browser, node, page, luck }
                } else {
                    Self::Replay { browser, node, page, luck }
                }
            }
            4..44 => Self::Visit { browser, node, page: Page::throw(dice), luck },
            44..58 => Self::LogOn { browser, node, back, user, luck },
            58..62 => Self::ProveAgain { browser, node, back, user, luck },
            62..67 => Self::LogOut { browser, node, everywhere: dice.percent(30), luck },
            67..71 => Self::End { user, by: dice.pick(&ENDERS).0 },
            71..73 => Self::Close { browser },
            73..75 if mood.has_steps => Self::step_clock(dice, node),
            73..97 => {
                Self::Wait { millis: dice.pick(&[1, 2, 5, 20, 50, 120, 260, 400, 700, 1_600, 3_000, 6_000]) }
            }
            _ => Self::Leap { minutes: dice.pick(&[1, 6, 10, 11, 31, 245, 8 * 24 * 60]) },
        }
    }

    fn step_clock(dice: &mut Dice, node: u8) -> Self {
        Self::Clock { node, seconds: dice.pick(&[0, 1, -1, 4, -4, 31, -31, 90, -90, 540, -540]) }
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
            | Self::Steal { luck, .. }
            | Self::LogOn { luck, .. }
            | Self::ProveAgain { luck, .. }
            | Self::LogOut { luck, .. } => *luck = 0,
            _ => return None,
        }
        (step != self).then_some(step)
    }
}

impl Page {
    fn throw(dice: &mut Dice) -> Self {
        let pages = [
            Self::Front,
            Self::Shop,
            Self::Shop,
            Self::Basket,
            Self::Basket,
            Self::Account,
            Self::Account,
            Self::Draft,
        ];
        match dice.below(100) {
            0..3 => Self::Bye,
            3..7 => Self::Checkout,
            7..11 => Self::Pay,
            _ => dice.pick(&pages),
        }
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

impl fmt::Display for Ender {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (_, name) = ENDERS.iter().find(|(it, _)| it == self).expect("every ender has a name");
        f.write_str(name)
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Visit { browser, node, page, luck } => write!(f, "visit {browser} {node} {page} {luck}"),
            Self::Replay { browser, node, page, luck } => write!(f, "replay {browser} {node} {page} {luck}"),
            Self::Steal { browser, node, page, luck } => write!(f, "steal {browser} {node} {page} {luck}"),
            Self::LogOn { browser, node, back, user, luck } => {
                write!(f, "log-on {browser} {node} {back} {user} {luck}")
            }
            Self::ProveAgain { browser, node, back, user, luck } => {
                write!(f, "step-up {browser} {node} {back} {user} {luck}")
            }
            Self::LogOut { browser, node, everywhere, luck } => {
                write!(
                    f,
                    "log-out {browser} {node} {} {luck}",
                    if *everywhere { "everywhere" } else { "this" }
                )
            }
            Self::End { user, by } => write!(f, "{by} {user}"),
            Self::Close { browser } => write!(f, "close {browser}"),
            Self::Wait { millis } => write!(f, "wait {millis}"),
            Self::Leap { minutes } => write!(f, "leap {minutes}"),
            Self::Store { node, link } => write!(f, "store {node} {link}"),
            Self::Copies { copies } => write!(f, "copies {copies}"),
            Self::Idp { node, link } => write!(f, "idp {node} {link}"),
            Self::Events { node, channel } => write!(f, "events {node} {channel}"),
            Self::Ends { node, channel } => write!(f, "ends {node} {channel}"),
            Self::Crash { node } => write!(f, "crash {node}"),
            Self::Clock { node, seconds } => write!(f, "clock {node} {seconds}"),
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
            "steal" => {
                Self::Steal { browser: small(1)?, node: small(2)?, page: word(3)?.parse()?, luck: large(4)? }
            }
            "log-on" => Self::LogOn {
                browser: small(1)?,
                node: small(2)?,
                back: small(3)?,
                user: small(4)?,
                luck: large(5)?,
            },
            "step-up" => Self::ProveAgain {
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
            "close" => Self::Close { browser: small(1)? },
            "wait" => Self::Wait { millis: large(1)? },
            "leap" => Self::Leap { minutes: large(1)? },
            "store" => Self::Store { node: small(1)?, link: word(2)?.parse()? },
            "copies" => Self::Copies { copies: word(1)?.parse()? },
            "idp" => Self::Idp { node: small(1)?, link: word(2)?.parse()? },
            "events" => Self::Events { node: small(1)?, channel: word(2)?.parse()? },
            "ends" => Self::Ends { node: small(1)?, channel: word(2)?.parse()? },
            "crash" => Self::Crash { node: small(1)? },
            "clock" => Self::Clock { node: small(1)?, seconds: word(2)?.parse().map_err(|_| bad())? },
            name => {
                let (by, _) = ENDERS.into_iter().find(|(_, it)| *it == name).ok_or_else(bad)?;
                Self::End { user: small(1)?, by }
            }
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
