//! Answers that stream: they end with the session or the log-on that let them in, in every tab and before a quarter of a
//! second has passed, and never as if they were whole. C08 is a class of failure.

use std::time::Duration;

use vestibule_ports::authority::Authority as _;
use vestibule_testkit::client::Raw;
use vestibule_testkit::patience::{PATIENCE, Patience};
use vestibule_testkit::strict::Fault;
use vestibule_testkit::upstream::Step;

use super::browser::{Ask, Tab};
use super::house::{FEED_BOUND, HOUR, House, MINUTE, SHOP};

/// Long enough for every story here: it comes byte by byte, so each byte is the next that must not be delivered.
const BYTES: usize = 2000;
const EVERY: Duration = Duration::from_millis(5);
/// By when a stream has noticed a limit of which nobody tells it: it is looked for twice a second.
const LIMIT_BOUND: Duration = Duration::from_secs(2);

/// An answer on its way to a tab's browser.
struct Stream {
    raw: Raw,
}

impl Stream {
    /// Of the app at this context root; its first byte is there.
    #[track_caller]
    fn open(house: &House, tab: &Tab, root: &str) -> Self {
        let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\nx", BYTES + 1);
        let path = house.app.playing(root, vec![Step::send(head), Step::Trickle(vec![b'x'; BYTES], EVERY)]);
        let cookies = tab.browser.cookies(SHOP);
        let cookies: Vec<_> = cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let cookies =
            if cookies.is_empty() { String::new() } else { format!("Cookie: {}\r\n", cookies.join("; ")) };
        let web = house.running().address("proxy").expect("the house serves a proxy");
        let mut raw = Raw::connect(web);
        raw.send(format!("GET {path} HTTP/1.1\r\nHost: {SHOP}:{}\r\n{cookies}\r\n", web.port()));
        assert_eq!(raw.head().status, 200);
        assert_eq!(raw.bytes(1).expect("the first byte"), b"x");
        Self { raw }
    }

    /// Not one byte comes later than this, nor the end of the answer.
    #[track_caller]
    fn is_cut_within(&mut self, bound: Duration) {
        let patience = Patience::new(PATIENCE);
        let (rest, end) = self.raw.until_end(PATIENCE);
        let took = patience.waited();
        assert!(end == Fault::Reset && rest.len() < BYTES, "{end:?} after {} bytes", rest.len());
        assert!(took < bound, "{took:?}");
    }

    #[track_caller]
    fn goes_on(&mut self) {
        assert_eq!(self.raw.bytes(20).map(|bytes| bytes.len()), Ok(20));
    }
}

#[track_caller]
fn log_out(house: &House, tab: &mut Tab) {
    let url = house.shop("/.vestibule/logout");
    tab.send(Ask::form(&url, &house.shop("/"), &[("scope", "this")])).is(303);
}

/// The reasons in the access log, once it is written.
fn cuts(mut house: House) -> Vec<String> {
    house.stop();
    let log = std::fs::read_to_string(house.access_log()).expect("an access log");
    let cut = |line: &str| Some(line.split_once(r#""cut":""#)?.1.split_once('"')?.0.to_owned());
    log.lines().filter_map(cut).collect()
}

#[test]
fn c08_a_log_out_ends_what_streams_in_the_other_tabs() {
    let house = House::open();
    let (mut tab, other) = (house.logged_on(), house.logged_on());
    let stranger = house.browser().tab();
    let mut streams = ["/account", "/whoami", "/desk"].map(|root| Stream::open(&house, &tab, root));
    let mut others = [Stream::open(&house, &other, "/account"), Stream::open(&house, &stranger, "/whoami")];

    log_out(&house, &mut tab);

    let patience = Patience::new(FEED_BOUND);
    for stream in &mut streams {
        stream.is_cut_within(patience.left());
    }
    for stream in &mut others {
        stream.goes_on();
    }
    drop(others);
    assert_eq!(cuts(house).len(), 3);
}

#[test]
fn c08_a_user_who_is_disabled_loses_what_streams_to_every_browser() {
    let house = House::open();
    house.add_user("bob", "a battery of another horse");
    let tabs = [(); 2].map(|()| house.logged_on());
    let mut bob = house.browser().tab();
    bob.log_in_as(&house.shop("/account"), "bob", "a battery of another horse");
    let mut bobs = Stream::open(&house, &bob, "/account");
    let mut streams = tabs.each_ref().map(|tab| Stream::open(&house, tab, "/account"));

    let idp = house.running().idp().expect("a log-in");
    house.running().wait(idp.set_disabled(&house.alice(), true, "test")).expect("a disabled user");

    let patience = Patience::new(FEED_BOUND);
    for stream in &mut streams {
        stream.is_cut_within(patience.left());
    }
    bobs.goes_on();
    drop(bobs);
    assert_eq!(cuts(house), ["The user was disabled."; 2]);
}

#[test]
fn a_returning_visitors_stream_ends_with_the_session_and_not_with_a_rise() {
    let house = House::open();
    let mut tab = house.browser().tab();
    house.patch(&mut tab, r#"{"basket":["tea"]}"#).is(200);
    let mut stream = Stream::open(&house, &tab, "/desk");

    tab.log_in(&house.shop("/account"));
    stream.goes_on();
    log_out(&house, &mut tab);

    stream.is_cut_within(FEED_BOUND);
}

#[test]
fn a_stream_ends_at_the_log_ons_longest_life() {
    let house = House::open();
    let mut tab = house.logged_on();
    let mut stream = Stream::open(&house, &tab, "/account");
    let mut remembered = Stream::open(&house, &keep_only(&house, &tab), "/desk");
    // Seen again and again, or it would be idleness that ends it.
    for _ in 0..9 {
        house.advance(25 * MINUTE);
        house.whoami(&mut tab);
    }
    stream.goes_on();
    house.advance(HOUR / 4);

    stream.is_cut_within(LIMIT_BOUND);
    remembered.goes_on();
    drop(remembered);
    let cuts = cuts(house);
    assert!(cuts.len() == 1 && cuts[0].starts_with("The log-on reached its longest life."), "{cuts:?}");
}

#[test]
fn a_stream_is_no_visit_so_the_log_on_falls_idle_under_it() {
    let house = House::open();
    let tab = house.logged_on();
    let mut stream = Stream::open(&house, &tab, "/account");
    house.advance(29 * MINUTE);
    stream.goes_on();
    house.advance(2 * MINUTE);
    stream.is_cut_within(LIMIT_BOUND);
    assert_eq!(cuts(house), ["Nobody used this browser for longer than the idle limit."]);
}

#[test]
fn an_upload_is_refused_when_the_session_ends_under_it() {
    let house = House::open();
    let mut tab = house.logged_on();
    let path = house.app.new_path("/account");
    let cookie = tab.browser.cookie(SHOP, "__Host-vst").expect("a session");
    let web = house.running().address("proxy").expect("the house serves a proxy");
    let mut raw = Raw::connect(web);
    raw.send(format!(
        "POST {path} HTTP/1.1\r\nHost: {SHOP}:{port}\r\nOrigin: http://{SHOP}:{port}\r\n\
         Cookie: __Host-vst={cookie}\r\nContent-Length: 1000\r\n\r\nbegun",
        port = web.port()
    ));
    house.app.wait_for(&path);

    log_out(&house, &mut tab);

    let response = raw.response();
    assert!(response.status == 401 && response.says_close(), "{response:?}");
    assert!(response.fields.only("set-cookie").is_none(), "{response:?}");
}

/// A tab of a browser that has only the cookie that remembers.
fn keep_only(house: &House, tab: &Tab) -> Tab {
    let browser = house.browser();
    let keep = tab.browser.cookie(SHOP, "__Host-vst-keep").expect("a session");
    browser.put_cookie(SHOP, "__Host-vst-keep", &keep);
    browser.tab()
}
