//! Makes a failing history short: parts are left out, and luck made good, as long as the same invariant fails.

use super::book::Invariant;
use super::play::play;
use super::step::History;
use super::store::Planted;

/// Plays that a shrinking may take.
const PLAYS_MAX: usize = 2_000;

/// The shortest history found in which this invariant fails.
pub(super) fn shrink(history: &History, planted: Planted, invariant: Invariant) -> History {
    let mut shrinking = Shrinking { planted, invariant, plays: 0 };
    let mut shortest = history.clone();
    loop {
        let before = shortest.clone();
        shortest = shrinking.leave_out(shortest);
        shortest = shrinking.be_lucky(shortest);
        if shortest == before || shrinking.plays >= PLAYS_MAX {
            return shortest;
        }
    }
}

struct Shrinking {
    planted: Planted,
    invariant: Invariant,
    plays: usize,
}

impl Shrinking {
    fn fails(&mut self, history: &History) -> bool {
        self.plays += 1;
        let violation = play(history, self.planted).violation;
        violation.is_some_and(|violation| violation.invariant == self.invariant)
    }

    /// Halves first, then smaller parts, then single steps.
    fn leave_out(&mut self, mut history: History) -> History {
        let mut size = history.steps.len().div_ceil(2).max(1);
        loop {
            let mut at = 0;
            while at < history.steps.len() && self.plays < PLAYS_MAX {
                let mut shorter = history.clone();
                shorter.steps.drain(at..(at + size).min(history.steps.len()));
                if self.fails(&shorter) {
                    history = shorter;
                } else {
                    at += size;
                }
            }
            if size == 1 {
                return history;
            }
            size = size.div_ceil(2);
        }
    }

    fn be_lucky(&mut self, mut history: History) -> History {
        for at in 0..history.steps.len() {
            let Some(luckier) = history.steps[at].luckier() else { continue };
            let mut milder = history.clone();
            milder.steps[at] = luckier;
            if self.plays < PLAYS_MAX && self.fails(&milder) {
                history = milder;
            }
        }
        history
    }
}
