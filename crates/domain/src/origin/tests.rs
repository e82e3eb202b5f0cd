//! Where a request came in x what it is.

use super::*;
use crate::fetch::Fields;

#[test]
fn only_reads_are_sent_on_and_in_the_clear_only_pages() {
    let page = Fields { accept: Some(b"text/html"), ..Fields::default() };
    let script = Fields { accept: Some(b"*/*"), ..Fields::default() };
    let framed = Fields { dest: Some(b"iframe"), ..page };
    use Entry::{Redirect, Refuse};
    // At another name or port, in the clear.
    let cases: [(&[u8], Fields<'_>, Entry, Entry); 8] = [
        (b"GET", page, Redirect, Redirect),
        (b"HEAD", page, Redirect, Redirect),
        (b"GET", script, Redirect, Refuse),
        (b"HEAD", script, Redirect, Refuse),
        (b"GET", framed, Redirect, Refuse),
        (b"OPTIONS", page, Refuse, Refuse),
        (b"POST", page, Refuse, Refuse),
        (b"DELETE", script, Refuse, Refuse),
    ];
    for (method, fields, elsewhere, clear) in cases {
        let fetch = Fetch::read(method, &fields, "https://shop.example");
        let what = (String::from_utf8_lossy(method), fields);
        assert_eq!(entry(Came::Home, &fetch), Entry::Serve, "{what:?}");
        assert_eq!(entry(Came::Elsewhere, &fetch), elsewhere, "{what:?}");
        assert_eq!(entry(Came::InTheClear, &fetch), clear, "{what:?}");
    }
}
