//! The attacks as data. Each row of the catalogue is a matrix here, because a fix for one spelling of an attack is no
//! fix for its class.

/// One attack.
pub(super) struct Case {
    pub(super) id: String,
    pub(super) bytes: Vec<u8>,
    pub(super) expect: Expect,
}

/// What it must come to.
#[derive(Clone, Copy, Debug)]
pub(super) enum Expect {
    /// One of these statuses; nothing reaches the upstream.
    Refused(&'static [u16]),
    /// The same, but the fault is in the body: when the body comes after its head, the head may have gone on.
    BodyRefused(&'static [u16]),
    /// 200, and exactly one request at the upstream.
    Passes,
}

const BAD: Expect = Expect::Refused(&[400]);
const BAD_BODY: Expect = Expect::BodyRefused(&[400]);
const SMUGGLED: &str = "GET /smuggled HTTP/1.1\r\nHost: shop.test\r\n\r\n";

fn case(id: impl Into<String>, bytes: impl AsRef<[u8]>, expect: Expect) -> Case {
    Case { id: id.into(), bytes: bytes.as_ref().to_vec(), expect }
}

fn post(fields: &str, body: &str) -> String {
    format!("POST /attack HTTP/1.1\r\nHost: shop.test\r\n{fields}\r\n{body}")
}

fn get(fields: &str) -> String {
    format!("GET /attack HTTP/1.1\r\nHost: shop.test\r\n{fields}\r\n")
}

/// A GET with a byte or some that text cannot have.
fn get_raw(fields: &[&[u8]]) -> Vec<u8> {
    [b"GET /attack HTTP/1.1\r\nHost: shop.test\r\n", &fields.concat()[..], b"\r\n\r\n"].concat()
}

/// A01 to A06: `Content-Length`, alone and beside `Transfer-Encoding`.
pub(super) fn lengths() -> Vec<Case> {
    let mut cases = Vec::new();
    let body = format!("0\r\n\r\n{SMUGGLED}");
    for (what, body) in [("plain", "0\r\n\r\n"), ("with a request inside", &body[..])] {
        for length in [0, 3, 4, 5, body.len()] {
            for close in ["", "Connection: close\r\n"] {
                let (cl, te) = (format!("Content-Length: {length}\r\n"), "Transfer-Encoding: chunked\r\n");
                cases.push(case(
                    format!("A01 CL {length} then TE {what} {close:?}"),
                    post(&format!("{cl}{te}{close}"), body),
                    BAD,
                ));
                cases.push(case(
                    format!("A01 TE then CL {length} {what} {close:?}"),
                    post(&format!("{te}{cl}{close}"), body),
                    BAD,
                ));
            }
        }
    }
    let hidden = format!("{:x}\r\n{SMUGGLED}\r\n0\r\n\r\n", SMUGGLED.len());
    for length in [3, 4, 6] {
        let fields = format!("Transfer-Encoding: chunked\r\nContent-Length: {length}\r\n");
        cases.push(case(format!("A02 length {length} ends in the chunk size"), post(&fields, &hidden), BAD));
    }
    for (one, two) in [("5", "10"), ("10", "5"), ("0", "5"), ("5", "0"), ("5", "x"), ("5", ""), ("", "5")] {
        let fields = format!("Content-Length: {one}\r\nContent-Length: {two}\r\n");
        cases.push(case(format!("A03 lines {one:?} and {two:?}"), post(&fields, "hello12345"), BAD));
        let fields = format!("Content-Length: {one}, {two}\r\n");
        cases.push(case(format!("A03 list {one:?}, {two:?}"), post(&fields, "hello12345"), BAD));
    }
    for fields in [
        "Content-Length: 5\r\nContent-Length: 5\r\n",
        "Content-Length: 5, 5\r\n",
        "Content-Length: 5,5\r\n",
        "Content-Length: 5\r\ncontent-length: 5\r\n",
        "Content-Length: 0\r\nContent-Length: 0\r\n",
    ] {
        cases.push(case(format!("A04 {fields:?}"), post(fields, "hello"), BAD));
    }
    for value in [
        "+5",
        "-5",
        "-0",
        "0x5",
        "0o5",
        "1_0",
        "1 0",
        "5a",
        "",
        "5.0",
        "5;",
        "\x0b5",
        "99999999999999999999999",
        // The same class: wraps of 32 and 64 bits, other digits, other blanks, other notations.
        "5\x0b",
        "5\x0c",
        "\x0c5",
        "5 5",
        "\"5\"",
        "5e0",
        "0b101",
        "'5'",
        "18446744073709551621",
        "4294967301 ",
        "\u{ff15}",
        "\u{665}",
        "5,",
        ",5",
        "#5",
        "5\x00",
    ] {
        let expect = if value == "4294967301 " { Expect::Refused(&[413]) } else { BAD };
        cases.push(case(
            format!("A05 {value:?}"),
            post(&format!("Content-Length: {value}\r\n"), "hello"),
            expect,
        ));
    }
    for value in ["005", "05", "0200", "00", "000000000000000000005"] {
        cases.push(case(format!("A06 {value}"), post(&format!("Content-Length: {value}\r\n"), "hello"), BAD));
    }
    cases
}

/// A07 to A12: `Transfer-Encoding` that is not exactly `chunked`, once, in HTTP/1.1, by its right name.
pub(super) fn codings() -> Vec<Case> {
    let mut cases = Vec::new();
    let body = format!("0\r\n\r\n{SMUGGLED}");
    for value in [
        "xchunked",
        "identity",
        "",
        "\"chunked\"",
        "chunked;x=y",
        "chunked\0",
        "\x0bchunked",
        "\x0cchunked",
        "chun\u{212a}ed",
        "chunked,",
        "chunked, gzip",
        "chunke",
        "chunked\x0b",
        "chunked ;",
        "'chunked'",
        "chunked/1",
        "x chunked",
        "gzip",
        "trailers",
        "\u{a0}chunked",
    ] {
        let bytes = post(&format!("Transfer-Encoding: {value}\r\n"), &body);
        cases.push(case(format!("A07 {value:?}"), bytes, Expect::Refused(&[400, 501])));
    }
    for value in [
        "chunked, chunked",
        "gzip, chunked",
        ", chunked",
        "identity, chunked",
        "chunked,chunked",
        ",chunked",
        "chunked, identity",
    ] {
        cases.push(case(
            format!("A08 {value:?}"),
            post(&format!("Transfer-Encoding: {value}\r\n"), &body),
            BAD,
        ));
    }
    for (one, two) in [
        ("identity", "chunked"),
        ("chunked", "identity"),
        ("chunked", "chunked"),
        ("chunked", ""),
        ("", "chunked"),
        ("gzip", "chunked"),
        ("chunked", "x"),
    ] {
        let fields = format!("Transfer-Encoding: {one}\r\nTransfer-Encoding: {two}\r\n");
        cases.push(case(format!("A08 lines {one:?} and {two:?}"), post(&fields, &body), BAD));
    }
    for name in ["Transfer-Encoding", "Content-Length", "Host", "X-Any"] {
        let value = if name == "Content-Length" { "5" } else { "chunked" };
        for blank in [" ", "\t", "  ", " \t", "\x0b", "\x0c", "\u{a0}"] {
            let bytes = post(&format!("{name}{blank}: {value}\r\n"), &body);
            cases.push(case(format!("A09 {name} and {blank:?} before the colon"), bytes, BAD));
        }
        for fold in [" ", "\t"] {
            cases.push(case(
                format!("A09 {name} folded by {fold:?}"),
                post(&format!("{name}:\r\n{fold}{value}\r\n"), &body),
                BAD,
            ));
            cases.push(case(
                format!("A09 {name} in a fold by {fold:?}"),
                post(&format!("X: y\r\n{fold}{name}: {value}\r\n"), &body),
                BAD,
            ));
            let first =
                format!("POST /attack HTTP/1.1\r\n{fold}{name}: {value}\r\nHost: shop.test\r\n\r\n{body}");
            cases.push(case(format!("A09 {fold:?} before the first field {name}"), first, BAD));
        }
    }
    for fields in ["", "Content-Length: 5\r\n", "Connection: keep-alive\r\n", "Connection: close\r\n"] {
        let bytes = format!(
            "POST /attack HTTP/1.0\r\nHost: shop.test\r\nTransfer-Encoding: chunked\r\n{fields}\r\n{body}"
        );
        cases.push(case(format!("A10 {fields:?}"), bytes, BAD));
    }
    for name in [
        "Transfer_Encoding",
        "Content_Length",
        "Transfer.Encoding",
        "Content.Length",
        "transfer_encoding",
        "TRANSFER.ENCODING",
        "cOnTeNt_LeNgTh",
    ] {
        let value = if name.to_ascii_lowercase().starts_with('c') { "5" } else { "chunked" };
        cases.push(case(format!("A12 {name}"), post(&format!("{name}: {value}\r\n"), ""), BAD));
        let beside = format!("{name}: {value}\r\nContent-Length: {}\r\n", body.len());
        cases.push(case(format!("A12 {name} beside Content-Length"), post(&beside, &body), BAD));
    }
    cases
}

/// A13, A14, A41, A42, A43: line ends, and field lines that are none.
pub(super) fn lines() -> Vec<Case> {
    let mut cases = Vec::new();
    for end in ["\n", "\r", "\n\r", "\r\r", "\r\r\n", "\0\n", "\x0b\r\n\x0b"] {
        for field in ["Transfer-Encoding: chunked", "Content-Length: 44", "Y: z"] {
            let bytes = get(&format!("X: y{end}{field}\r\n"));
            cases.push(case(format!("A13/A14 {end:?} before {field}"), bytes, BAD));
        }
        cases.push(case(
            format!("A13/A14 {end:?} ends the request line"),
            format!("GET /attack HTTP/1.1{end}Host: shop.test\r\n\r\n"),
            BAD,
        ));
        cases.push(case(
            format!("A13/A14 {end:?} ends the last field"),
            format!("GET /attack HTTP/1.1\r\nHost: shop.test{end}\r\n{SMUGGLED}"),
            BAD,
        ));
        cases.push(case(
            format!("A13/A14 {end:?} is the empty line"),
            format!("GET /attack HTTP/1.1\r\nHost: shop.test\r\n{end}{SMUGGLED}"),
            BAD,
        ));
    }
    cases.push(case("A42 all bare LF", "GET /attack HTTP/1.1\nHost: shop.test\n\n", BAD));
    cases.push(case("A42 all bare CR", format!("GET /attack HTTP/1.1\rHost: shop.test\r\r{SMUGGLED}"), BAD));
    cases.push(case("A42 all bare CR and nothing more", "GET /attack HTTP/1.1\rHost: shop.test\r\r", BAD));
    cases.push(case(
        "A42 LF, then a smuggled request",
        format!("GET /attack HTTP/1.1\nHost: shop.test\n\n{SMUGGLED}"),
        BAD,
    ));
    for line in ["NoColon", ": no name", ":", " : y", "a b: c", "Host", "X"] {
        cases.push(case(format!("A41 {line:?}"), get(&format!("{line}\r\n")), BAD));
        cases.push(case(
            format!("A41 {line:?} between others"),
            get(&format!("A: b\r\n{line}\r\nC: d\r\n")),
            BAD,
        ));
    }
    for byte in (0..=0x20).chain([0x7f]).chain(*b"\"(),/;<=>?@[\\]{}").chain([0x80, 0xa0, 0xff]) {
        if !matches!(byte, b'\r' | b'\n') {
            cases.push(case(
                format!("A41 byte {byte:#04x} in a name"),
                get_raw(&[b"X-", &[byte], b"a: b"]),
                BAD,
            ));
        }
    }
    for byte in (0..0x20).chain([0x7f]) {
        if !matches!(byte, b'\t' | b'\r' | b'\n') {
            cases.push(case(
                format!("A41 byte {byte:#04x} in a value"),
                get_raw(&[b"X: a", &[byte], b"b"]),
                BAD,
            ));
            cases.push(case(format!("A41 byte {byte:#04x} ends a value"), get_raw(&[b"X: a", &[byte]]), BAD));
        }
    }
    for fold in ["\r\n ", "\r\n\t", "\n ", "\r "] {
        cases.push(case(format!("A41 folded by {fold:?}"), get(&format!("X: a{fold}b\r\n")), BAD));
        cases.push(case(format!("A41 fold {fold:?} at the end"), get(&format!("X: a{fold}\r\n")), BAD));
    }
    cases.push(case("A43 one empty line first", format!("\r\n{}", get("")), Expect::Passes));
    cases.push(case("A43 1,000 empty lines first", format!("{}{}", "\r\n".repeat(1000), get("")), BAD));
    cases.push(case("A43 a bare LF first", format!("\n{}", get("")), BAD));
    cases.push(case("A43 a bare CR first", format!("\r{}", get("")), BAD));
    cases.push(case("A43 a space first", format!(" {}", get("")), BAD));
    cases.push(case("A43 a NUL first", format!("\0{}", get("")), BAD));
    cases
}

fn chunked(body: &str) -> String {
    post("Transfer-Encoding: chunked\r\n", body)
}

/// A15 to A20: chunk sizes, line ends, extensions, data.
pub(super) fn chunks() -> Vec<Case> {
    let mut cases = Vec::new();
    for size in [
        "0x5",
        "+5",
        "-5",
        "0_5",
        " 5",
        "",
        "10000000000000005",
        "5\rX",
        "5\r",
        "5 ",
        "5\t",
        "5\x0b",
        "\t5",
        "5g",
        "g",
        "5.",
        "5,",
        "\"5\"",
        "00000000000000005",
        "\u{ff15}",
        "0X5",
        "5h",
        "-0",
        "5\0",
        "#5",
    ] {
        let id = if matches!(size, "5 " | "5\t") { "A16" } else { "A15" };
        cases.push(case(
            format!("{id} size {size:?}"),
            chunked(&format!("{size}\r\nhello\r\n0\r\n\r\n")),
            BAD_BODY,
        ));
        cases.push(case(
            format!("{id} last size 0 as {size:?}"),
            chunked(&format!("5\r\nhello\r\n{}\r\n\r\n{SMUGGLED}", size.replace('5', "0"))),
            BAD_BODY,
        ));
    }
    for end in ["\n", "\r", "\r\r", "\n\r", "", "XX", "\r\n\n", "\r\n\r\n", "\r\n ", "\0\n"] {
        let bodies = [
            ("the size", format!("5{end}hello\r\n0\r\n\r\n")),
            ("an extension", format!("5;a{end}hello\r\n0\r\n\r\n")),
            ("the data", format!("5\r\nhello{end}0\r\n\r\n{SMUGGLED}")),
            (
                "the last size",
                format!("5\r\nhello\r\n0{end}{}\r\n\r\n{SMUGGLED}", if end.is_empty() { "x" } else { "" }),
            ),
            ("the whole", format!("5\r\nhello\r\n0\r\n{end}{SMUGGLED}")),
        ];
        for (place, body) in bodies {
            let fine = match place {
                // These end the body, and what follows is another request.
                "the whole" => end.starts_with("\r\n"),
                "the last size" => end == "\r\n\r\n",
                // A longer extension.
                "an extension" => matches!(end, "" | "XX"),
                _ => false,
            };
            if !fine {
                cases.push(case(format!("A17 {end:?} after {place}"), chunked(&body), BAD_BODY));
            }
        }
    }
    // Extensions that hide a line end from one of two parsers.
    for body in [
        "2;\nxx\r\n0\r\n\r\n",
        "2;a\nxx\r\n0\r\n\r\n",
        "2;\n\r\nxx\r\n0\r\n\r\n",
        "2;a=\"\n\"\r\nxx\r\n0\r\n\r\n",
        "2;a=\"\r\n\"\r\nxx\r\n0\r\n\r\n",
        "2;\rxx\r\n0\r\n\r\n",
        "2;a\rb\r\nxx\r\n0\r\n\r\n",
        "0;\n\r\n\r\n",
        "0;\r\r\n\r\n",
    ] {
        cases.push(case(format!("A17/A18 {body:?}"), chunked(body), BAD_BODY));
    }
    for extension in [
        ";",
        ";;",
        ";a=",
        ";=b",
        ";a=b;",
        ";a\0",
        ";a=b\0",
        ";a=\x01",
        ";\x7f",
        ";a=\"b",
        ";a=\"b\"c",
        ";a b",
        ";a=(",
        ";\u{e9}",
    ] {
        cases.push(case(
            format!("A18 {extension:?}"),
            chunked(&format!("5{extension}\r\nhello\r\n0\r\n\r\n")),
            BAD_BODY,
        ));
        cases.push(case(
            format!("A18 {extension:?} last"),
            chunked(&format!("5\r\nhello\r\n0{extension}\r\n\r\n")),
            BAD_BODY,
        ));
    }
    for extension in [";a", ";a=b", ";a=\"b c\"", ";a=\"\\\"\"", ";a=b;c=d"] {
        cases.push(case(
            format!("A18 fine: {extension:?}"),
            chunked(&format!("5{extension}\r\nhello\r\n0{extension}\r\n\r\n")),
            Expect::Passes,
        ));
    }
    for body in [
        "5\r\nhello12\r\n0\r\n\r\n",
        "5\r\nabc\r\n0\r\n\r\n",
        "5\r\nhell\r\n0\r\n\r\n",
        "5\r\nhello!\r\n0\r\n\r\n",
        "0\r\nhello\r\n0\r\n\r\n",
        "1\r\n\r\n0\r\n\r\n",
    ] {
        cases.push(case(format!("A20 {body:?}"), chunked(body), BAD_BODY));
    }
    cases
}

/// A21: trailers. Fine ones are dropped, malformed ones refused.
pub(super) fn trailers() -> Vec<Case> {
    let mut cases = Vec::new();
    for line in [
        "Content-Length: 5",
        "Transfer-Encoding: chunked",
        "Host: evil.test",
        "Authorization: Basic eA==",
        "Cookie: a=b",
        "X-Context-User: admin",
        "x_context_user: admin",
        "X.Context.Token: t",
        "X-Forwarded-For: 1.2.3.4",
        "Connection: close",
        "X: \u{e9}",
        "X:",
    ] {
        cases.push(case(
            format!("A21 fine: {line}"),
            chunked(&format!("5\r\nhello\r\n0\r\n{line}\r\n\r\n")),
            Expect::Passes,
        ));
    }
    for line in [
        "NoColon",
        ": y",
        "X : y",
        "X\t: y",
        " X: y",
        "X: y\r\n z",
        "X: \0",
        "X: y\nZ: z",
        "X: y\rZ: z",
        "a b: c",
        "X: \x7f",
        "(: y",
        "GET /smuggled HTTP/1.1",
    ] {
        cases.push(case(
            format!("A21 malformed: {line:?}"),
            chunked(&format!("5\r\nhello\r\n0\r\n{line}\r\n\r\n")),
            BAD_BODY,
        ));
    }
    cases
}

/// A31 to A33: hosts that are none, or two.
pub(super) fn hosts() -> Vec<Case> {
    let mut cases = Vec::new();
    let request = |target: &str, hosts: &str| format!("GET {target} HTTP/1.1\r\n{hosts}\r\n");
    cases.push(case("A31 missing", request("/attack", ""), BAD));
    for (one, two) in [
        ("shop.test", "shop.test"),
        ("shop.test", "evil.test"),
        ("evil.test", "shop.test"),
        ("shop.test", ""),
        ("", "shop.test"),
    ] {
        cases.push(case(
            format!("A31 {one:?} and {two:?}"),
            request("/attack", &format!("Host: {one}\r\nHost: {two}\r\n")),
            BAD,
        ));
    }
    for host in [
        "a, b",
        "shop.test, shop.test",
        "u@a",
        "u@shop.test",
        "shop.test@evil.test",
        "a/x",
        "shop.test/",
        "",
        "a b",
        "shop.test evil.test",
        "shop.test:",
        "shop.test:x",
        "shop.test:65536",
        "shop.test:99999",
        "shop.test:-1",
        "shop.test:+80",
        "shop.test:080",
        "shop.test:80:80",
        ":80",
        "[fe80::1%25eth0]",
        "[fe80::1%eth0]",
        "[::1",
        "::1",
        "[]",
        "[::1]x",
        "[shop.test]",
        "shop.test?",
        "shop.test#",
        "shop.test\\",
        "shop..test",
        ".shop.test",
        "shop.test.",
        "shop.test..",
        "sh%6fp.test",
        "shop.test%00",
        "sh\u{f6}p.test",
        "shop\u{3002}test",
        "http://shop.test",
        "shop.test;",
        "*",
        "1.2.3",
        "1.2.3.4.5",
        "256.1.1.1",
        "0x7f.1",
    ] {
        cases.push(case(format!("A31 {host:?}"), request("/attack", &format!("Host: {host}\r\n")), BAD));
    }
    for (target, host) in [
        ("http://shop.test/attack", "evil.test"),
        ("http://evil.test/attack", "shop.test"),
        ("http://shop.test:81/attack", "shop.test"),
        ("http://shop.test/attack", "shop.test:81"),
        ("http://u@shop.test/attack", "shop.test"),
        ("http://169.254.169.254/latest", "shop.test"),
        ("http:///attack", "shop.test"),
        ("http://shop.test@evil.test/", "shop.test"),
        ("ftp://shop.test/attack", "shop.test"),
        ("//shop.test/attack", "shop.test"),
        ("http:/attack", "shop.test"),
        ("http:\\\\shop.test/attack", "shop.test"),
        ("file:///attack", "shop.test"),
    ] {
        cases.push(case(
            format!("A32 {target} with {host}"),
            request(target, &format!("Host: {host}\r\n")),
            BAD,
        ));
    }
    cases.push(case("A32 absolute with no Host", request("http://shop.test/attack", ""), BAD));
    cases.push(case(
        "A32 absolute, the same host",
        request("http://shop.test/attack", "Host: shop.test\r\n"),
        Expect::Passes,
    ));
    cases
}

/// A34 to A38: request lines.
pub(super) fn request_lines() -> Vec<Case> {
    let mut cases = Vec::new();
    let host = "Host: shop.test\r\n\r\n";
    for target in
        ["shop.test:443", "shop.test", "/attack", "http://shop.test/attack", "169.254.169.254:80", "*"]
    {
        let bytes = format!("CONNECT {target} HTTP/1.1\r\n{host}{SMUGGLED}");
        cases.push(case(format!("A34 {target}"), bytes, Expect::Refused(&[405, 501])));
    }
    for line in [
        "GET * HTTP/1.1",
        "GET a HTTP/1.1",
        "GET attack HTTP/1.1",
        "GET  HTTP/1.1",
        "GET HTTP/1.1",
        "GET",
        "GET ?a HTTP/1.1",
        "GET #a HTTP/1.1",
        "GET :80/ HTTP/1.1",
        "GET ./attack HTTP/1.1",
    ] {
        cases.push(case(format!("A35 {line:?}"), format!("{line}\r\n{host}"), BAD));
    }
    for version in [
        "HTTP/0.9",
        "HTTP/1.2",
        "HTTP/2.0",
        "HTTP/2",
        "HTTP/3",
        "http/1.1",
        "HTTP/01.01",
        "HTTP/1.01",
        "HTTP/1.10",
        "HTTP/1.",
        "HTTP/.1",
        "HTTP/11",
        "HTTP 1.1",
        "HTTP/1,1",
        "HTTP/1.1 ",
        "HTTP/1.1\t",
        "HTTP/1.1x",
        "HTTPS/1.1",
        "HTTP\\1.1",
        "HTTP/+1.1",
        "HTTP/1.1 HTTP/1.1",
        "ICY/1.1",
        "HTTP/\u{661}.1",
    ] {
        cases.push(case(
            format!("A37 {version:?}"),
            format!("GET /attack {version}\r\n{host}"),
            Expect::Refused(&[400, 505]),
        ));
    }
    for line in [
        "GET /attack",
        "GET /attack ",
        "GET  /attack HTTP/1.1",
        "GET /attack  HTTP/1.1",
        "GET\t/attack HTTP/1.1",
        "GET /attack\tHTTP/1.1",
        "GET\x0b/attack HTTP/1.1",
        " GET /attack HTTP/1.1",
        "GET /attack HTTP/1.1 ",
        "GET\u{a0}/attack HTTP/1.1",
        "GET /attack\x0cHTTP/1.1",
    ] {
        cases.push(case(
            format!("A37 {line:?}"),
            format!("{line}\r\n{host}"),
            Expect::Refused(&[400, 405, 501, 505]),
        ));
    }
    cases.push(case(
        "A37 HTTP/2 preface",
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        Expect::Refused(&[400, 501, 505]),
    ));
    let long = "M".repeat(100 * 1024);
    for method in [
        "get", "Get", "gET", "FOO", "G", "GET/", "G@T", "GET,", "POST\0", "\"GET\"", "GÉT", "PROPFIND",
        "GETT", &long,
    ] {
        let name: String = method.chars().take(12).collect();
        cases.push(case(
            format!("A38 {name:?}"),
            format!("{method} /attack HTTP/1.1\r\n{host}"),
            Expect::Refused(&[400, 405, 501]),
        ));
    }
    for line in [
        "GET /admin /attack HTTP/1.1",
        "/attack HTTP/1.1",
        " /attack HTTP/1.1",
        "GET /admin HTTP/1.1 /attack HTTP/1.1",
        "GE T /attack HTTP/1.1",
        "GET POST /attack HTTP/1.1",
        "GET /attack b HTTP/1.1",
    ] {
        cases.push(case(format!("A38 {line:?}"), format!("{line}\r\n{host}"), BAD));
    }
    cases
}

/// A39, A40: bytes a target cannot have.
pub(super) fn targets() -> Vec<Case> {
    let mut cases = Vec::new();
    let request = |target: &[u8]| [b"GET ", target, b" HTTP/1.1\r\nHost: shop.test\r\n\r\n"].concat();
    let controls = (0..=0x20).chain([0x7f]).filter(|b| !matches!(b, b'\r' | b'\n'));
    for byte in controls.chain(*b"\"<>#\\").chain([0x80, 0xa0, 0xc3, 0xe9, 0xff]) {
        for (place, before) in [("path", &b"/attack"[..]), ("query", b"/attack?a"), ("first segment", b"/")] {
            if (byte, place) == (b'\\', "query") {
                // There browsers send it raw.
                continue;
            }
            let target = [before, &[byte], b"b"].concat();
            cases.push(case(format!("A39/A40 byte {byte:#04x} in the {place}"), request(&target), BAD));
        }
    }
    for target in [
        "/attack\u{e9}",
        "/attack?\u{e9}",
        "/\u{ff0e}\u{ff0e}/attack",
        "/attack%00",
        "/attack?a=%00",
        "/attack%0d%0aX:%20y",
        "/attack%0a",
        "/attack%0d",
        "/attack%c0%af",
        "/attack%e0%80%af",
        "/attack%f0%80%80%af",
        "/attack%c0%ae%c0%ae",
        "/attack%ed%a0%80",
        "/attack%ff",
        "/attack%",
        "/attack%4",
        "/attack%zz",
        "/attack%u002f",
        "/attack%1f",
        "/attack%7f",
        "/attack%5c",
        "/attack%ef%bc%8f",
        "/attack%25%32%66",
    ] {
        cases.push(case(format!("A40 {target}"), request(target.as_bytes()), BAD));
    }
    cases
}

/// A28: `Expect` in any form but the one there is.
pub(super) fn expectations() -> Vec<Case> {
    let mut cases = Vec::new();
    for lines in [
        "Expect: y 100-continue",
        "Expect: 100-continue, 100-continue",
        "Expect: 100-continue\r\nExpect: 100-continue",
        "Expect: 100-continue\r\nExpect: y",
        "Expect:\r\n 100-continue",
        "Expect: 100",
        "Expect: 200-ok",
        "Expect: 100-continue;a=b",
        "Expect: \"100-continue\"",
        "Expect: ",
        "Expect : 100-continue",
        "Expect: 100-continue\0",
        "Expect: 100_continue",
        "Expect: x",
    ] {
        for (length, body) in [
            ("Content-Length: 5\r\n", "hello"),
            ("Transfer-Encoding: chunked\r\n", "5\r\nhello\r\n0\r\n\r\n"),
            ("", ""),
        ] {
            cases.push(case(
                format!("A28 {lines:?} {length:?}"),
                post(&format!("{length}{lines}\r\n"), body),
                Expect::Refused(&[400, 417]),
            ));
        }
    }
    cases
}
