//! What the services remember: a basket and a few orders per subject, in memory, bounded. Knows no tokens.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde::Serialize;

use crate::catalogue::{self, Line};

/// Subjects remembered; the one that came first is forgotten first.
const SUBJECTS_MAX: usize = 256;
/// Orders remembered per subject; the oldest is forgotten first.
const ORDERS_MAX: usize = 50;

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Order {
    id: String,
    lines: Vec<Line>,
    total_cents: u64,
}

#[derive(Default)]
pub(super) struct Desk {
    files: Mutex<VecDeque<File>>,
}

/// Everything about one subject.
struct File {
    subject: String,
    basket: Vec<Line>,
    orders: VecDeque<Order>,
    orders_placed: u32,
}

impl Desk {
    pub(super) fn basket(&self, subject: &str) -> Vec<Line> {
        self.with(subject, |file| file.basket.clone())
    }

    pub(super) fn keep_basket(&self, subject: &str, lines: Vec<Line>) {
        self.with(subject, |file| file.basket = lines);
    }

    /// Oldest first.
    pub(super) fn orders(&self, subject: &str) -> Vec<Order> {
        self.with(subject, |file| file.orders.iter().cloned().collect())
    }

    pub(super) fn place_order(&self, subject: &str, lines: Vec<Line>) -> Order {
        self.with(subject, |file| file.place(lines))
    }

    fn with<T>(&self, subject: &str, act: impl FnOnce(&mut File) -> T) -> T {
        let mut files = self.lock();
        if let Some(file) = files.iter_mut().find(|file| file.subject == subject) {
            return act(file);
        }
        if files.len() == SUBJECTS_MAX {
            files.pop_front();
        }
        let mut file = File::open(subject);
        let result = act(&mut file);
        files.push_back(file);
        result
    }

    /// A panic elsewhere leaves sample records that are still good enough.
    fn lock(&self) -> MutexGuard<'_, VecDeque<File>> {
        self.files.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl File {
    /// A new subject starts with two past orders, so that there is something to see.
    fn open(subject: &str) -> Self {
        let mut file = Self {
            subject: subject.to_owned(),
            basket: Vec::new(),
            orders: VecDeque::new(),
            orders_placed: 0,
        };
        let line = |item: &str, quantity| Line { item: item.to_owned(), quantity };
        file.place(vec![line("boots", 1), line("doormat", 1)]);
        file.place(vec![line("lantern", 2)]);
        file
    }

    fn place(&mut self, lines: Vec<Line>) -> Order {
        self.orders_placed += 1;
        let order = Order {
            id: format!("F-{:04}", self.orders_placed),
            total_cents: catalogue::total_cents(&lines),
            lines,
        };
        if self.orders.len() == ORDERS_MAX {
            self.orders.pop_front();
        }
        self.orders.push_back(order.clone());
        order
    }
}

#[cfg(test)]
mod tests;
