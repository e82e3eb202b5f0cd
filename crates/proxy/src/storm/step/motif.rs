//! Steps that belong together: what is rare by chance alone and dangerous when it happens.

use super::{BROWSERS, ENDERS, Mood, NODES, Page, Step, USERS};
use crate::storm::dice::Dice;
use crate::storm::links::{Channel, Link};

/// Luck that is no luck at all.
const BAD: u64 = 1 << 16;

/// Adds one motif, of one browser at two nodes.
pub(super) fn play(dice: &mut Dice, mood: Mood, steps: &mut Vec<Step>) {
    let browser = dice.below(BROWSERS.into()) as u8;
    let user = dice.below(USERS.into()) as u8;
    let here = dice.below(NODES.into()) as u8;
    let there = (here + 1) % NODES;
    let motif = Motif { browser, user, here, there };
    match dice.below(9) {
        6 if mood.has_thieves => motif.stolen(dice, steps),
        7 if mood.has_steps => motif.end_in_the_wrong_time(dice, steps),
        8 => motif.whole_log_on(dice, mood, steps),
        6 | 7 => motif.step_up(dice, steps),
        0 => motif.end_unheard(dice, steps),
        1 => motif.end_while_cut_off(dice, steps),
        2 => motif.tabs_race(dice, steps),
        3 => motif.log_ons_race(dice, steps),
        4 => motif.end_unconfirmed(dice, steps),
        _ => motif.long_absence(dice, steps),
    }
}

struct Motif {
    browser: u8,
    user: u8,
    here: u8,
    there: u8,
}

impl Motif {
    fn log_on(&self, node: u8, luck: u32) -> Step {
        Step::LogOn { browser: self.browser, node, back: node, user: self.user, luck }
    }

    fn visit(&self, node: u8, page: Page, luck: u32) -> Step {
        Step::Visit { browser: self.browser, node, page, luck }
    }

    /// The session is in a cache here.
    fn begin(&self, steps: &mut Vec<Step>) {
        let wait = Step::Wait { millis: 50 };
        steps.extend([self.log_on(self.here, 0), wait, self.visit(self.here, Page::Account, 0), wait]);
    }

    /// Something ends there.
    fn end(&self, dice: &mut Dice) -> Step {
        match dice.below(5) {
            0 | 1 => Step::End { user: self.user, by: dice.pick(&ENDERS).0 },
            _ => Step::LogOut {
                browser: self.browser,
                node: self.there,
                everywhere: dice.percent(50),
                luck: 0,
            },
        }
    }

    fn look(&self, dice: &mut Dice) -> Step {
        let page = dice.pick(&[Page::Shop, Page::Account]);
        Step::Replay { browser: self.browser, node: self.here, page, luck: 0 }
    }

    /// An end that this node does not hear of, and the channel comes back.
    fn end_unheard(&self, dice: &mut Dice, steps: &mut Vec<Step>) {
        self.begin(steps);
        let node = self.here;
        let bad = dice.pick(&[Channel::Silent, Channel::Silent, Channel::Cut, Channel::Up { lag: 2_500 }]);
        steps.push(Step::Events { node, channel: bad });
        if dice.percent(30) {
            steps.push(Step::Ends { node, channel: bad });
        }
        steps.extend([self.end(dice), Step::Wait { millis: dice.pick(&[20, 260, 700, 1_400]) }]);
        steps.push(Step::Events { node, channel: Channel::Up { lag: 0 } });
        for _ in 0..2 {
            steps.extend([Step::Wait { millis: dice.pick(&[120, 400, 700, 1_600]) }, self.look(dice)]);
        }
    }

    /// An end that the IDP does not hear of at first, so that only the store's events can tell.
    fn end_unconfirmed(&self, dice: &mut Dice, steps: &mut Vec<Step>) {
        self.begin(steps);
        steps.push(Step::Idp { node: self.there, link: Link::Refusing });
        let silent = dice.percent(50);
        if silent {
            steps.push(Step::Events { node: self.here, channel: Channel::Silent });
        }
        let (browser, node, everywhere) = (self.browser, self.there, dice.percent(50));
        steps.push(Step::LogOut { browser, node, everywhere, luck: 0 });
        steps.push(Step::Wait { millis: 400 });
        if silent {
            // And the channel comes back before anybody has noticed that it was gone.
            let channel = Channel::Up { lag: 0 };
            steps.extend([Step::Events { node: self.here, channel }, Step::Wait { millis: 1_600 }]);
        }
        steps.extend([self.look(dice), self.look(dice)]);
    }

    /// The store is out of reach here while something ends there.
    fn end_while_cut_off(&self, dice: &mut Dice, steps: &mut Vec<Step>) {
        self.begin(steps);
        let node = self.here;
        let link = dice.pick(&[Link::Refusing, Link::Silent, Link::Deaf]);
        steps.extend([Step::Store { node, link }, Step::Events { node, channel: Channel::Silent }]);
        steps.push(self.end(dice));
        for millis in [1_600, 3_000, 6_000] {
            steps.extend([self.look(dice), Step::Wait { millis }]);
        }
        steps.extend([self.look(dice), Step::Store { node, link: Link::Up }, self.look(dice)]);
    }

    /// Tabs patch at the same time, and one of them logs on or out.
    fn tabs_race(&self, dice: &mut Dice, steps: &mut Vec<Step>) {
        self.begin(steps);
        for _ in 0..3 + dice.below(4) {
            let node = dice.pick(&[self.here, self.there]);
            let page = dice.pick(&[Page::Basket, Page::Basket, Page::Draft]);
            steps.push(self.visit(node, page, dice.below(BAD) as u32));
        }
        if dice.percent(50) {
            steps.insert(steps.len() - 2, self.end(dice));
        } else {
            steps.insert(steps.len() - 2, self.log_on(self.there, dice.below(BAD) as u32));
        }
        steps.push(Step::Wait { millis: 700 });
    }

    /// Tabs log on at the same time, perhaps as different users.
    fn log_ons_race(&self, dice: &mut Dice, steps: &mut Vec<Step>) {
        steps.push(self.visit(self.here, Page::Basket, 0));
        steps.push(Step::Wait { millis: 20 });
        for node in [self.here, self.there, self.here] {
            let user = dice.below(USERS.into()) as u8;
            let luck = dice.below(BAD) as u32;
            steps.push(Step::LogOn { browser: self.browser, node, back: self.there, user, luck });
        }
        steps.extend([
            Step::Wait { millis: dice.pick(&[20, 400, 6_000]) },
            self.visit(self.here, Page::Account, 0),
        ]);
        steps.push(Step::End { user: self.user, by: dice.pick(&ENDERS).0 });
        steps.push(self.visit(self.there, Page::Account, dice.below(BAD) as u32));
    }

    /// A limit passes, and then everybody comes at once.
    fn long_absence(&self, dice: &mut Dice, steps: &mut Vec<Step>) {
        self.begin(steps);
        steps.push(self.visit(self.here, Page::Draft, 0));
        let minutes = dice.pick(&[11, 29, 31, 239, 241, 7 * 24 * 60 - 1, 7 * 24 * 60 + 1]);
        steps.push(Step::Leap { minutes });
        for node in [self.here, self.there] {
            let page = dice.pick(&[Page::Shop, Page::Basket, Page::Account, Page::Draft]);
            let luck = if dice.percent(50) { dice.below(BAD) as u32 } else { 0 };
            steps.push(self.visit(node, page, luck));
        }
    }

    /// The cookies are in other hands, at a node that may be cut off from what has to hear of it; and the same person is
    /// logged on at the other site.
    fn stolen(&self, dice: &mut Dice, steps: &mut Vec<Step>) {
        let (first, last) = (0, BROWSERS - 1);
        let twin = if self.browser == last { first } else { last };
        let other = Self { browser: twin, ..*self };
        self.begin(steps);
        other.begin(steps);
        let page = dice.pick(&[Page::Basket, Page::Draft]);
        steps.extend([self.visit(self.here, page, 0), Step::Wait { millis: 400 }]);
        let (node, link) = (self.there, dice.pick(&[Link::Refusing, Link::Deaf]));
        match dice.below(6) {
            0 => steps.push(Step::Idp { node, link }),
            1 => steps.push(Step::Store { node, link }),
            2 => steps.push(Step::Events { node: self.here, channel: Channel::Silent }),
            3 => steps.push(Step::Ends { node: self.here, channel: Channel::Silent }),
            _ => {}
        }
        let luck = if dice.percent(30) { dice.below(BAD) as u32 } else { 0 };
        steps.push(Step::Steal { browser: self.browser, node, page: Page::Account, luck });
        for millis in [20, 260, 700] {
            steps.extend([Step::Wait { millis: dice.pick(&[millis, 4 * millis]) }, self.look(dice)]);
            steps.push(other.visit(dice.pick(&[self.here, self.there]), Page::Account, 0));
        }
        steps.push(self.log_on(self.here, 0));
    }

    /// The clock of a node that does not hear of an end is set back or forward.
    fn end_in_the_wrong_time(&self, dice: &mut Dice, steps: &mut Vec<Step>) {
        let node = self.here;
        self.begin(steps);
        steps.push(Step::Events { node, channel: Channel::Silent });
        if dice.percent(50) {
            steps.push(Step::Ends { node, channel: Channel::Silent });
        }
        let seconds = dice.pick(&[-540, -31, -4, 4, 540]);
        steps.extend([Step::Wait { millis: 20 }, Step::Clock { node, seconds }, self.end(dice)]);
        for millis in [260, 2_000, 700] {
            steps.extend([Step::Wait { millis }, self.look(dice)]);
        }
        steps.push(Step::Clock { node, seconds: dice.pick(&[0, -seconds]) });
        steps.extend([Step::Events { node, channel: Channel::Up { lag: 0 } }, self.look(dice)]);
    }

    /// A log-on that is used until its limit, by clocks that may differ.
    fn whole_log_on(&self, dice: &mut Dice, mood: Mood, steps: &mut Vec<Step>) {
        self.begin(steps);
        steps.push(self.visit(self.here, Page::Basket, 0));
        for _ in 0..8 {
            steps.extend([Step::Leap { minutes: 29 }, self.visit(self.here, Page::Account, 0)]);
        }
        if mood.has_steps {
            steps.push(Step::step_clock(dice, self.here));
        }
        for _ in 0..4 {
            let node = dice.pick(&[self.here, self.here, self.there]);
            let minutes = dice.pick(&[1, 1, 5]);
            steps.extend([
                Step::Leap { minutes },
                self.visit(node, dice.pick(&[Page::Shop, Page::Account]), 0),
            ]);
        }
    }

    /// An app demands a young log-on while something happens to the old one.
    fn step_up(&self, dice: &mut Dice, steps: &mut Vec<Step>) {
        self.begin(steps);
        if dice.percent(60) {
            steps.push(Step::Leap { minutes: dice.pick(&[1, 6]) });
        }
        let luck = if dice.percent(50) { dice.below(BAD) as u32 } else { 0 };
        let (browser, user) = (self.browser, self.user);
        let step_up = |node, back, luck| Step::ProveAgain { browser, node, back, user, luck };
        steps.push(step_up(self.here, self.there, luck));
        if dice.percent(50) {
            steps.extend([Step::Wait { millis: dice.pick(&[1, 20, 120]) }, self.end(dice)]);
        }
        steps
            .extend([Step::Wait { millis: dice.pick(&[20, 400, 6_000]) }, step_up(self.there, self.here, 0)]);
        steps.push(self.visit(self.there, Page::Pay, 0));
    }
}
