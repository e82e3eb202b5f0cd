//! Layouts from the answers of sentinels and clusters.

use super::*;

fn place(host: &str, port: u16) -> Place {
    Place { host: host.to_owned(), port }
}

fn bulk(text: &str) -> Value {
    Value::BulkString(text.as_bytes().to_vec())
}

fn range(first: i64, last: i64, host: &str, id: &str) -> Value {
    let master = Value::Array(vec![bulk(host), Value::Int(6379), bulk(id)]);
    let replica = Value::Array(vec![bulk("elsewhere"), Value::Int(6379), bulk("replica")]);
    Value::Array(vec![Value::Int(first), Value::Int(last), master, replica])
}

#[test]
fn the_order_of_the_ranges_makes_no_difference() {
    let (a, b) = (range(0, 99, "a", "id-a"), range(100, 16_383, "b", "id-b"));
    let one = layout_of(&Value::Array(vec![a.clone(), b.clone()]), &place("x", 1)).unwrap();
    assert_eq!(layout_of(&Value::Array(vec![b, a]), &place("x", 1)), Some(one.clone()));
    let slots = one.slots.unwrap();
    assert_eq!(one.masters[usize::from(slots[99].unwrap())].id, "id-a");
    assert_eq!(one.masters[usize::from(slots[100].unwrap())].id, "id-b");
}

#[test]
fn a_node_without_an_address_is_where_it_was_asked() {
    let layout = layout_of(&Value::Array(vec![range(0, 9, "", "id")]), &place("asked", 1)).unwrap();
    assert_eq!(layout.masters, [Master { id: "id".to_owned(), place: place("asked", 6379) }]);
    assert_eq!(layout.slots.unwrap()[10], None, "a slot that nobody serves");
}

#[test]
fn what_is_no_layout_is_none() {
    for value in [
        Value::Nil,
        Value::Array(Vec::new()),
        Value::Array(vec![Value::Int(1)]),
        Value::Array(vec![range(0, 16_384, "a", "id")]),
    ] {
        assert_eq!(layout_of(&value, &place("x", 1)), None, "{value:?}");
    }
}

#[test]
fn the_answer_of_the_most_counts_and_a_tie_changes_nothing() {
    let (old, new) = (Layout::of_one(place("old", 1)), Layout::of_one(place("new", 1)));
    let named = |layouts: &[&Layout]| most_named(layouts.iter().map(|layout| (*layout).clone()), &old);
    assert_eq!(named(&[&old, &new, &new]), Some(new.clone()));
    assert_eq!(named(&[&new, &old]), Some(old.clone()));
    assert_eq!(named(&[&new]), Some(new.clone()));
    assert_eq!(named(&[]), None);
}
