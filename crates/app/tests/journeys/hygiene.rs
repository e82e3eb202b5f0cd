//! What only Vestibule may say reaches an app from nobody else and a browser never: context, addresses, credentials and
//! our cookies, in every spelling a lenient server might accept, in both directions.

use vestibule_testkit::client::{Raw, get};
use vestibule_testkit::strict::{Request, Response, folded, latin1};
use vestibule_testkit::upstream::{Step, answer};

use super::front::{Front, HOST, Shape};

/// Names that an app believes, and that no browser may say.
const OURS: [&str; 30] = [
    "x-context-standing",
    "x-context-visitor",
    "x-context-user",
    "x-context-remembered-user",
    "x-context-session",
    "x-context-authenticated-at",
    "x-context-level",
    "x-context-claims",
    "x-context-attributes",
    "x-context-token",
    "x-context-degraded",
    "x-context-anything-new",
    "x-request-id",
    "traceparent",
    "tracestate",
    "authorization",
    "forwarded",
    "x-forwarded-for",
    "x-forwarded-proto",
    "x-forwarded-host",
    "x-forwarded-port",
    "x-forwarded-prefix",
    "x-forwarded-uri",
    "x-forwarded-method",
    "x-forwarded-server",
    "x-real-ip",
    "x-original-url",
    "x-rewrite-url",
    "x-http-method-override",
    "proxy-authorization",
];
/// Names that an app may say to us and never to a browser.
const FROM_APPS: [&str; 12] = [
    "x-context-update",
    "x-context-require",
    "x-context-login",
    "x-context-logout",
    "x-context-token",
    "x-context-user",
    "x-context-standing",
    "x-context-session",
    "x-context-attributes",
    "x-context-claims",
    "x-context-visitor",
    "x-context-anything-new",
];
const FORGED: &str = "forged";

/// Spellings of one name: case, `-` as `_`, `.` and mixed, and as CGI has them.
pub(super) fn spellings(name: &str) -> Vec<String> {
    let with = |sign: &str| name.replace('-', sign);
    let title: String =
        name.split('-').map(|word| word[..1].to_uppercase() + &word[1..]).collect::<Vec<_>>().join("-");
    let mixed: String = name
        .char_indices()
        .map(|(at, c)| match c {
            '-' if at % 2 == 0 => '_',
            '-' => '.',
            c if at % 3 == 0 => c.to_ascii_uppercase(),
            c => c,
        })
        .collect();
    let mut all = vec![
        name.to_owned(),
        name.to_uppercase(),
        title.clone(),
        with("_"),
        with("."),
        title.replace('-', "_"),
        title.replace('-', "."),
        mixed,
    ];
    // As CGI spells them for its programs.
    all.push(format!("http_{}", with("_")));
    all.push(format!("HTTP_{}", with("_").to_uppercase()));
    all.sort();
    all.dedup();
    all
}

fn forged(request: &Request) -> Vec<String> {
    let line = |(name, value): (&str, &str)| value.contains(FORGED).then(|| format!("{name}: {value}"));
    request.fields.iter().filter_map(line).collect()
}

/// Sends one GET with these lines and tells what the upstream received.
fn upstream_sees(front: &Front, lines: &[u8]) -> Request {
    let mut client = Raw::connect(front.proxy);
    client.send([format!("GET /seen HTTP/1.1\r\nHost: {HOST}\r\n").as_bytes(), lines, b"\r\n\r\n"].concat());
    let response = client.response();
    assert_eq!(response.status, 200, "{:?}", latin1(lines));
    front.upstream.take().requests.remove(0)
}

#[test]
fn where_it_is_so_configured_a_forged_context_calls_no_app() {
    let refuses = "[proxy]\nforged_context = \"refuse\"";
    let front = Front::with(&Shape { sites: refuses, ..Shape::default() });
    for name in OURS.iter().filter(|name| name.starts_with("x-context-")) {
        for spelling in spellings(name) {
            let response = get(front.proxy, HOST, "/", &[&format!("{spelling}: {FORGED}")]);
            assert_eq!(response.status, 400, "{spelling}");
            assert!(response.text().contains("forged-context"), "{response:?}");
        }
    }
    assert!(front.upstream.take().requests.is_empty());
    // What load balancers add as a rule is no forgery.
    assert_eq!(get(front.proxy, HOST, "/", &["X-Forwarded-For: 10.0.0.1", "X-Contextual: 1"]).status, 200);
}

#[test]
fn no_spelling_of_our_names_passes_from_a_browser() {
    let front = Front::start();
    for name in OURS {
        for spelling in spellings(name) {
            for line in [
                format!("{spelling}: {FORGED}"),
                format!("{spelling}:{FORGED}\r\n{spelling}: {FORGED}-twice"),
                format!("{spelling}:\t {FORGED} \t"),
            ] {
                let seen = upstream_sees(&front, line.as_bytes());
                assert_eq!(forged(&seen), Vec::<String>::new(), "B03 {line:?}");
                assert!(seen.fields.spellings_of(name).len() <= 1, "B03 {line:?}");
            }
        }
    }
    // All at once, between lines that are to stay.
    let all: Vec<String> = OURS
        .iter()
        .flat_map(|name| spellings(name))
        .map(|name| format!("{name}: {FORGED}\r\nX-Kept: yes"))
        .collect();
    for part in all.chunks(40) {
        let seen = upstream_sees(&front, part.join("\r\n").as_bytes());
        assert_eq!(forged(&seen), Vec::<String>::new());
        assert_eq!(seen.fields.all("x-kept").len(), part.len());
    }
}

#[test]
fn names_that_only_look_like_ours_reach_the_app_or_are_refused() {
    let front = Front::start();
    // Another name is another name; a byte that no name may have is no name.
    for name in
        ["x-contextual", "xcontext-user", "y-x-context-user", "x-forwarded", "user", "x--context-user"]
    {
        let seen = upstream_sees(&front, format!("{name}: mine").as_bytes());
        assert_eq!(seen.fields.only(name), Some("mine"));
    }
    for name in [
        "X-Context-User ",
        "X-Context-User\t",
        " X-Context-User",
        "X Context User",
        "X-Context-User\u{a0}",
        "\u{ff38}-Context-User",
        "X-Conte\u{445}t-User",
        "X-Context-U\u{17f}er",
    ] {
        let mut client = Raw::connect(front.proxy);
        client.send(format!("GET /seen HTTP/1.1\r\nHost: {HOST}\r\n{name}: {FORGED}\r\n\r\n"));
        assert_eq!(client.response().status, 400, "{name:?}");
    }
    assert!(front.upstream.take().raw().is_empty());
}

#[test]
fn what_we_say_is_there_once_and_true() {
    let front = Front::start();
    let claims = b"X-Forwarded-For: 1.2.3.4\r\nForwarded: for=1.2.3.4\r\nX-Forwarded-Host: evil.test\r\n\
        X-Forwarded-Proto: https\r\nX-Context-Standing: logged-on";
    let seen = upstream_sees(&front, claims);
    for (name, value) in [
        ("x-context-standing", "anonymous"),
        ("x-forwarded-for", "127.0.0.1"),
        ("x-forwarded-host", HOST),
        ("x-forwarded-proto", "http"),
    ] {
        assert_eq!(seen.fields.only(name), Some(value), "{name}");
    }
    // Of an anonymous visitor there is nothing else to tell.
    for name in OURS.iter().filter(|name| name.starts_with("x-context-") && **name != "x-context-standing") {
        assert!(seen.fields.spellings_of(name).is_empty(), "B05 {name}");
    }
    let id = seen.fields.only("x-request-id").unwrap().to_owned();
    let next = upstream_sees(&front, format!("X-Request-Id: {id}").as_bytes());
    assert_ne!(next.fields.only("x-request-id"), Some(&id[..]));
    assert!(!seen.fields.has("forwarded"));
}

#[test]
fn a_browser_cannot_nominate_our_lines_away() {
    let front = Front::start();
    // B08: what `Connection` names goes from the browser's message before ours is added.
    let kept = [
        "x-context-standing",
        "x-forwarded-for",
        "x-forwarded-host",
        "x-forwarded-proto",
        "x-request-id",
        "traceparent",
        "host",
    ];
    for name in kept {
        for spelling in spellings(name) {
            for value in [
                spelling.clone(),
                format!("close, {spelling}"),
                format!("{spelling}, x-any , keep-alive"),
                format!(" ,,{spelling},"),
            ] {
                let seen = upstream_sees(
                    &front,
                    format!("Connection: {value}\r\n{name}: {FORGED}")
                        .replace(&format!("\r\nhost: {FORGED}"), "")
                        .as_bytes(),
                );
                for name in kept {
                    assert!(
                        seen.fields.only(name).is_some_and(|value| !value.contains(FORGED)),
                        "B08 {value:?} took {name}"
                    );
                }
                assert!(!seen.fields.has("connection"), "B08 {value:?}");
            }
        }
    }
    // The browser's own lines do go, in every spelling of theirs and of the nomination.
    for spelling in spellings("x-hop").iter().filter(|spelling| folded(spelling) == "x-hop") {
        let seen = upstream_sees(
            &front,
            format!(
                "X-Hop: {FORGED}\r\nx_hop: {FORGED}\r\nConnection: a\r\nX-Stay: y\r\nConnection: {spelling}"
            )
            .as_bytes(),
        );
        assert_eq!(forged(&seen), Vec::<String>::new(), "{spelling}");
        assert!(seen.fields.has("x-stay"));
    }
    let seen =
        upstream_sees(&front, b"Connection: content-length, transfer-encoding, cookie\r\nCookie: a=forged");
    assert_eq!(forged(&seen), Vec::<String>::new());
}

#[test]
fn a_nomination_cannot_unframe_a_body() {
    let front = Front::start();
    for (fields, body) in
        [("Content-Length: 5", "hello"), ("Transfer-Encoding: chunked", "5\r\nhello\r\n0\r\n\r\n")]
    {
        let mut client = Raw::connect(front.proxy);
        client.send(format!(
            "POST /seen HTTP/1.1\r\nHost: {HOST}\r\nConnection: content-length, transfer-encoding, host\r\n\
             {fields}\r\n\r\n{body}"
        ));
        assert_eq!(client.response().status, 200);
        let seen = front.upstream.take();
        assert_eq!((seen.faults(), seen.requests[0].body.as_slice()), (Vec::new(), &b"hello"[..]));
    }
}

#[test]
fn lines_of_one_connection_end_with_it() {
    let front = Front::start();
    let hops = b"Keep-Alive: timeout=5\r\nProxy-Connection: keep-alive\r\nTE: trailers\r\nTrailer: X-A\r\nUpgrade: h2c\r\n\
        HTTP2-Settings: AAMA\r\nProxy-Authorization: Basic eA==\r\nProxy-Authenticate: x";
    let seen = upstream_sees(&front, hops);
    for name in [
        "connection",
        "keep-alive",
        "proxy-connection",
        "te",
        "trailer",
        "upgrade",
        "http2-settings",
        "proxy-authorization",
        "proxy-authenticate",
        "transfer-encoding",
    ] {
        assert!(seen.fields.spellings_of(name).is_empty(), "{name}");
    }
    front.upstream.on(
        "/hop",
        [Step::Send(answer(
            200,
            &[
                "Keep-Alive: timeout=5",
                "Proxy-Connection: close",
                "Connection: x-hop",
                "X-Hop: y",
                "Trailer: X-A",
                "Upgrade: h2c",
                "Proxy-Authenticate: Basic",
            ],
            "ok",
        ))],
    );
    let mut client = Raw::connect(front.proxy);
    client.send(format!("GET /hop HTTP/1.1\r\nHost: {HOST}\r\n\r\n"));
    let response = client.response();
    for name in
        ["keep-alive", "proxy-connection", "x-hop", "trailer", "upgrade", "proxy-authenticate", "connection"]
    {
        assert!(response.fields.spellings_of(name).is_empty(), "{name}");
    }
}

/// Names of ours, and look-alikes, which go as well: better one cookie too few than one that some server trims.
const OUR_COOKIES: [&str; 12] = [
    "__Host-vst",
    "__Host-vst-keep",
    "__Host-vst-try",
    "__Host-vst-at",
    "__Host-vst-way",
    "__Host-vst-idp",
    "__Host-vst-known",
    "__Host-vst-anything",
    "__Host-vst2",
    "__host-vst",
    "__HOST-VST",
    "__Host-Vst-Keep",
];

#[test]
fn our_cookies_stay_here_and_others_pass_byte_for_byte() {
    let front = Front::start();
    for name in OUR_COOKIES {
        for (sent, arrives) in [
            (format!("{name}=secret"), None),
            (format!("a=1; {name}=secret"), Some("a=1")),
            (format!("{name}=secret; a=1"), Some("a=1")),
            (format!("a=1; {name}=secret; b=2"), Some("a=1; b=2")),
            (format!("a=1;{name}=secret;b=2"), Some("a=1;b=2")),
            (format!("{name}=secret; a=1; {name}=secret"), Some("a=1")),
            (format!("a=\"x y\"; {name}=\"secret\"; b=%20; c==d; e"), Some("a=\"x y\"; b=%20; c==d; e")),
            (format!("{name}; a=1"), Some("a=1")),
            (format!("{name}==secret; a=1"), Some("a=1")),
        ] {
            let seen = upstream_sees(&front, format!("Cookie: {sent}").as_bytes());
            assert_eq!(seen.fields.all("cookie"), arrives.into_iter().collect::<Vec<_>>(), "B15 {sent:?}");
        }
    }
    // Without one of ours not a byte changes.
    for cookie in [
        "a=1;b=2;  c=3",
        "  ",
        ";;",
        "a",
        "=x",
        "a=\"b;c\"",
        "a=__Host-vst=x",
        "x__Host-vst=1",
        "host-vst=1",
        "$Version=1; a=b; $Path=/",
        "a=\u{e9}",
    ] {
        let seen = upstream_sees(&front, format!("Cookie: {cookie}").as_bytes());
        let cookie = latin1(cookie.as_bytes());
        assert_eq!(seen.fields.all("cookie"), [cookie.trim_matches(' ')], "B15 {cookie:?}");
    }
}

#[test]
fn look_alikes_of_our_cookies_are_never_made_real() {
    let front = Front::start();
    // B27: names are compared byte for byte, so these are not ours. What a server may trim by the rules of ASCII goes
    // with ours; what none may trim is another cookie and stays as it is.
    for name in ["=__Host-vst", "__Host-vst ", " __Host-vst", "\t__Host-vst", "==__Host-vst", " =__Host-vst"]
    {
        let seen = upstream_sees(&front, format!("Cookie: a=1; {name}=secret; b=2").as_bytes());
        assert_eq!(seen.fields.all("cookie"), ["a=1; b=2"], "B27 {name:?}");
    }
    for name in ["\u{2000}__Host-vst", "\u{a0}__Host-vst", "\u{85}__Host-vst", "\"__Host-vst\""] {
        let cookie = format!("a=1; {name}=x; b=2");
        let seen = upstream_sees(&front, format!("Cookie: {cookie}").as_bytes());
        assert_eq!(seen.fields.all("cookie"), [latin1(cookie.as_bytes())], "B27 {name:?}");
    }
    // B28: a quote swallows nothing.
    let seen = upstream_sees(&front, b"Cookie: $Version=1; a=\"x; __Host-vst=secret; b=y\"; c=z");
    assert_eq!(seen.fields.only("cookie"), Some("$Version=1; a=\"x; b=y\"; c=z"));
}

#[test]
fn several_cookie_lines_count_as_one() {
    let front = Front::start();
    let lines = b"Cookie: a=1\r\nCookie: __Host-vst=secret\r\nX-Between: y\r\n\
        COOKIE: b=2; __Host-vst-keep=secret\r\ncookie: c=3";
    let seen = upstream_sees(&front, lines);
    assert_eq!(seen.fields.all("cookie").join("; "), "a=1; b=2; c=3", "B29");
    // A misspelt name is not the cookie line, but some server may take it for one.
    for name in ["Cookie_", "COOKIE", "cookie"] {
        let seen = upstream_sees(&front, format!("{name}: __Host-vst=secret").as_bytes());
        let leaked = seen.fields.iter().any(|(n, value)| folded(n) == "cookie" && value.contains("secret"));
        assert!(!leaked, "B29 {name}");
    }
}

/// What the browser gets when the app answers with these lines.
fn browser_sees(front: &Front, status: u16, method: &str, lines: &[&str]) -> Response {
    let bodiless = method == "HEAD" || matches!(status, 204 | 304);
    let bytes = if bodiless {
        let fields: String = lines.iter().flat_map(|line| [*line, "\r\n"]).collect();
        format!("HTTP/1.1 {status} Scripted\r\n{fields}\r\n").into_bytes()
    } else {
        answer(status, lines, "body")
    };
    front.upstream.on("/says", [Step::ReadBody, Step::Send(bytes)]);
    let mut client = Raw::connect(front.proxy);
    client.send(format!("{method} /says HTTP/1.1\r\nHost: {HOST}\r\n\r\n"));
    let response = client.response_to(method);
    assert_eq!(response.status, status);
    response
}

#[test]
fn what_an_app_says_to_us_never_reaches_the_browser() {
    let front = Front::start();
    let lines: Vec<String> =
        FROM_APPS.iter().flat_map(|name| spellings(name)).map(|name| format!("{name}: {FORGED}")).collect();
    for (status, method) in [
        (200, "GET"),
        (200, "HEAD"),
        (204, "GET"),
        (302, "GET"),
        (304, "GET"),
        (404, "GET"),
        (500, "GET"),
        (503, "POST"),
    ] {
        for part in lines.chunks(50) {
            let mut part: Vec<&str> = part.iter().map(String::as_str).collect();
            part.push("X-Kept: yes");
            let response = browser_sees(&front, status, method, &part);
            let leaked: Vec<_> = response.fields.iter().filter(|(_, value)| value.contains(FORGED)).collect();
            assert!(leaked.is_empty(), "B16 {status} {method}: {leaked:?}");
            assert_eq!(response.fields.only("x-kept"), Some("yes"));
        }
    }
}

#[test]
fn an_app_cannot_set_our_cookies() {
    let front = Front::start();
    for name in OUR_COOKIES {
        for line in [
            format!("{name}=x; Path=/; Secure"),
            format!("{name}=x; Domain=shop.test"),
            format!("{name}="),
            format!(" {name}=x"),
            format!("\t{name}=x"),
            format!("={name}=x"),
            format!(" = {name}=x"),
            format!("{name} =x"),
            name.to_owned(),
        ] {
            for field in ["Set-Cookie", "set-cookie", "SET-COOKIE"] {
                let response = browser_sees(
                    &front,
                    200,
                    "GET",
                    &[&format!("{field}: {line}"), "Set-Cookie: app=1; Path=/shop; HttpOnly"],
                );
                assert_eq!(
                    response.fields.all("set-cookie"),
                    ["app=1; Path=/shop; HttpOnly"],
                    "B25 {field}: {line:?}"
                );
            }
        }
    }
    let fine = ["a=b", "x__Host-vst=1", "__Host-app=1; Path=/; Secure", "a=__Host-vst"];
    let lines: Vec<String> = fine.iter().map(|cookie| format!("Set-Cookie: {cookie}")).collect();
    let response = browser_sees(&front, 200, "GET", &lines.iter().map(String::as_str).collect::<Vec<_>>());
    assert_eq!(response.fields.all("set-cookie"), fine);
}

#[test]
fn nobody_learns_what_stands_behind() {
    let front = Front::start();
    let response =
        browser_sees(&front, 200, "GET", &["Server: Apache/2.4.1", "Via: 1.1 inner", "X-Request-Id: inner"]);
    assert!(!response.fields.has("server") && !response.fields.has("via"));
    assert!(response.fields.only("x-request-id").is_some_and(|id| id != "inner"));
    // F21: our own error pages say nothing either.
    for (host, target) in [("elsewhere.test", "/"), (HOST, "/%00"), (HOST, "/a//b")] {
        let response = get(front.proxy, host, target, &["Accept: text/html"]);
        assert!(!response.fields.has("server") && !response.fields.has("via"));
        let text = response.text().to_ascii_lowercase();
        assert!(
            !text.contains("vestibule") && !text.contains("127.0.0.1") && !text.contains("rust"),
            "{text}"
        );
        assert_eq!(response.fields.only("x-content-type-options"), Some("nosniff"));
        assert_eq!(response.fields.only("cache-control"), Some("no-store"));
    }
}

#[test]
fn a_browser_cannot_choose_its_method_or_path_by_a_header() {
    let front = Front::with(&Shape { more: &[("api.test", "/open")], ..Shape::default() });
    // B10, B11, B46: no route is found by them.
    for line in [
        "X-Original-URL: /open",
        "X-Rewrite-URL: /open",
        "X-Forwarded-Uri: /open",
        "X-Forwarded-Prefix: /open",
        "X-Forwarded-Host: shop.test",
        "Forwarded: host=shop.test",
        "X-HTTP-Method-Override: GET",
        "User-Agent: kube-probe/1.0",
    ] {
        assert_eq!(get(front.proxy, "api.test", "/closed", &[line]).status, 404, "{line}");
        assert_eq!(get(front.proxy, "unknown.test", "/open", &[line]).status, 421, "{line}");
    }
    assert!(front.upstream.take().raw().is_empty());
    for name in ["X-HTTP-Method", "X-HTTP-Method-Override", "X-Method-Override", "x_http_method_override"] {
        let seen = upstream_sees(&front, format!("{name}: DELETE").as_bytes());
        assert!(seen.method == "GET" && seen.fields.spellings_of(name).is_empty(), "{name}");
    }
}
