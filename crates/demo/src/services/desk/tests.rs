//! Who sees what, and what is forgotten first.

use super::*;

fn lines(item: &str) -> Vec<Line> {
    vec![Line { item: item.into(), quantity: 1 }]
}

#[test]
fn subjects_do_not_see_each_other() {
    let desk = Desk::default();
    desk.keep_basket("alice", lines("doormat"));
    let order = desk.place_order("alice", lines("bench"));

    assert_eq!(desk.basket("alice"), lines("doormat"));
    assert_eq!(desk.orders("alice").last(), Some(&order));
    assert_eq!(desk.basket("bob"), []);
    assert_eq!(desk.orders("bob").len(), 2);
}

#[test]
fn the_oldest_orders_are_forgotten_and_numbers_go_on() {
    let desk = Desk::default();
    for _ in 0..ORDERS_MAX {
        desk.place_order("alice", lines("key-bowl"));
    }

    let orders = desk.orders("alice");
    assert_eq!(orders.len(), ORDERS_MAX);
    assert_eq!(orders.first().unwrap().id, "F-0003");
    assert_eq!(orders.last().unwrap().id, "F-0052");
}

#[test]
fn the_first_subject_is_forgotten_first() {
    let desk = Desk::default();
    for n in 0..=SUBJECTS_MAX {
        desk.keep_basket(&n.to_string(), lines("mirror"));
    }

    assert_eq!(desk.basket("1"), lines("mirror"));
    assert_eq!(desk.lock().len(), SUBJECTS_MAX);
    assert_eq!(desk.basket("0"), []);
}
