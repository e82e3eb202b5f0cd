//! Form fields as they were typed.

use super::*;

const FORM: Option<&[u8]> = Some(b"application/x-www-form-urlencoded; charset=utf-8");

#[test]
fn values_keep_every_character() {
    let fields = Fields::parse(FORM, b"username=a%20b&password=%00+%C3%A9%0D%0A&empty=").unwrap();
    assert_eq!(fields.get("username"), "a b");
    assert_eq!(fields.get("password"), "\0 \u{e9}\r\n");
    assert_eq!(fields.get("empty"), "");
    assert_eq!(fields.get("absent"), "");
}

#[test]
fn what_could_be_read_in_two_ways_is_no_form() {
    let many = "a1=&a2=&a3=&a4=&a5=&a6=&a7=&a8=&a9=&b1=&b2=&b3=&b4=&b5=&b6=&b7=&b8=";
    let cases: [(Option<&[u8]>, &[u8]); 6] = [
        (None, b"a=b"),
        (Some(b"application/json"), b"{}"),
        (Some(b"multipart/form-data; boundary=x"), b"a=b"),
        (FORM, b"username=a&username=b"),
        (FORM, b"password=%ff"),
        (FORM, many.as_bytes()),
    ];
    for (content_type, body) in cases {
        assert_eq!(Fields::parse(content_type, body).unwrap_err(), NotAForm, "{body:?}");
    }
}

#[test]
fn fields_do_not_print() {
    assert_eq!(format!("{:?}", Fields::parse(FORM, b"password=secret").unwrap()), "Fields(1)");
}
