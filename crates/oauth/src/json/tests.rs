//! JSON that is read strictly: no repeated name, no depth, no trailing bytes.

use super::*;

fn parse(text: &str) -> Result<Object, NotStrict> {
    Object::parse(text.as_bytes())
}

fn nested(depth: usize) -> String {
    // the object around counts as one level
    format!(r#"{{"a":{}1{}}}"#, "[".repeat(depth - 1), "]".repeat(depth - 1))
}

#[test]
fn reads_members_of_one_type() {
    let object = parse(r#"{"t":"x","n":7,"many":["a","b"],"null":null,"o":[{"k":1}]}"#).unwrap();
    assert_eq!(object.text("t"), Ok(Some("x")));
    assert_eq!(object.text("n"), Err(NotStrict));
    assert_eq!(object.text("absent"), Ok(None));
    assert_eq!(object.whole("n"), Ok(Some(7)));
    assert_eq!(object.whole("t"), Err(NotStrict));
    assert_eq!(object.whole("absent"), Ok(None));
    assert_eq!(object.texts("many"), Ok(Some(vec!["a", "b"])));
    assert_eq!(object.texts("t"), Ok(Some(vec!["x"])));
    assert_eq!(object.texts("n"), Err(NotStrict));
    for read in [object.text("null").err(), object.whole("null").err(), object.texts("null").err()] {
        assert_eq!(read, Some(NotStrict), "null is not absence");
    }
    assert!(object.has("null") && !object.has("absent"));
    let objects = object.objects("o").unwrap().unwrap();
    assert_eq!(objects[0].whole("k"), Ok(Some(1)));
}

#[test]
fn repeated_names_are_refused_at_every_level() {
    for text in
        [r#"{"a":1,"a":1}"#, r#"{"a":1,"\u0061":2}"#, r#"{"x":{"a":1,"a":2}}"#, r#"{"x":[{"a":1,"a":2}]}"#]
    {
        assert_eq!(parse(text), Err(NotStrict), "{text}");
    }
}

#[test]
fn depth_is_bounded() {
    assert!(parse(&nested(DEPTH_MAX)).is_ok());
    assert_eq!(parse(&nested(DEPTH_MAX + 1)), Err(NotStrict));
    assert_eq!(parse(&nested(10_000)), Err(NotStrict));
}

#[test]
fn other_texts_are_refused() {
    for text in [
        "",
        "[]",
        "1",
        "null",
        "{",
        "{}{}",
        "{} x",
        "{'a':1}",
        r#"{"a":1,}"#,
        "\u{feff}{}",
        r#"{"a":NaN}"#,
        r#"{"a":1e400}"#,
    ] {
        assert_eq!(parse(text), Err(NotStrict), "{text}");
    }
    assert_eq!(Object::parse(b"{\"a\":\"\xff\"}"), Err(NotStrict));
}

#[test]
fn whole_numbers_are_written_as_such() {
    for number in ["-1", "-0", "1.0", "1.5", "1e3", "18446744073709551616", "\"1\"", "true", "[1]", "{}"] {
        let object = parse(&format!(r#"{{"n":{number}}}"#)).unwrap();
        assert_eq!(object.whole("n"), Err(NotStrict), "{number}");
    }
    assert_eq!(parse(r#"{"n":18446744073709551615}"#).unwrap().whole("n"), Ok(Some(u64::MAX)));
}

#[test]
fn empty_texts_are_no_texts() {
    let object = parse(r#"{"t":"","many":[],"some":["a",""],"mixed":["a",1]}"#).unwrap();
    assert_eq!(object.text("t"), Err(NotStrict));
    for name in ["t", "many", "some", "mixed"] {
        assert_eq!(object.texts(name), Err(NotStrict), "{name}");
    }
}
