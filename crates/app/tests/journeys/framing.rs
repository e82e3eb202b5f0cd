//! Attacks on framing. Each is sent in one piece and byte by byte; what must be refused is refused before anything
//! reaches the upstream, the connection ends, and no other visitor notices (RFC 9112). What reaches the upstream is what
//! the access lines say that was let through.

mod table;

use std::collections::HashMap;
use std::time::Duration;

use serde_json::Value;
use table::{Case, Expect};
use vestibule_testkit::client::Raw;
use vestibule_testkit::strict::{Fault, Request, latin1};
use vestibule_testkit::upstream::Seen;

use super::front::{Front, HOST, Shape, Victims};

/// An attack that is not answered by then has failed.
const ANSWER_WAIT: Duration = Duration::from_secs(3);
/// A refused connection ends within this time.
const CLOSE_WAIT: Duration = Duration::from_secs(1);
/// Bytes a client sends after it was refused. They are never read as a request.
const AFTER: &str = "GET /after HTTP/1.1\r\nHost: shop.test\r\n\r\n";
/// Visits on each kind of connection after each attack, and after a whole table.
const VISITS: usize = 1;
const VISITS_AT_END: usize = 20;
/// Longer attacks are sent in one piece only.
const DRIBBLE_BYTES_MAX: usize = 2048;
/// What may stand in the head of a request that was let through: ours, and what these clients send.
const FIELDS: [&str; 10] = [
    "host",
    "x-nonce",
    "content-length",
    "transfer-encoding",
    "x-context-standing",
    "x-request-id",
    "traceparent",
    "x-forwarded-for",
    "x-forwarded-host",
    "x-forwarded-proto",
];
/// A table that is as wrong as this need not be read to its end.
const FAILURES_MAX: usize = 40;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Pace {
    Whole,
    ByteByByte,
}

#[test]
fn lengths() {
    run(&table::lengths());
}

#[test]
fn codings() {
    run(&table::codings());
}

#[test]
fn lines() {
    run(&table::lines());
}

#[test]
fn chunks() {
    run(&table::chunks());
}

#[test]
fn trailers() {
    run(&table::trailers());
}

#[test]
fn hosts() {
    run(&table::hosts());
}

#[test]
fn request_lines() {
    run(&table::request_lines());
}

#[test]
fn targets() {
    run(&table::targets());
}

#[test]
fn expectations() {
    run(&table::expectations());
}

#[test]
fn a_broken_body_ends_the_connection_at_any_split() {
    let front = Front::start();
    let bodies = [
        "5\r\nhello\r\n0\r\n: y\r\n\r\n",
        "5\r\nhello\r\n0\r\nX: y\r\n z\r\n\r\n",
        "0\r\n\n\r\n\r\n",
        "2\r\n\r\n0\r\n\r\n",
        "5\r\nhello\n0\r\n\r\n",
        "5;\r\nhello\r\n0\r\n\r\n",
        "5\r\nhello\r\n0x\r\n\r\n",
    ];
    for (body, at) in bodies.iter().flat_map(|body| (0..body.len()).map(move |at| (body, at))) {
        let head = "POST /attack HTTP/1.1\r\nHost: shop.test\r\nTransfer-Encoding: chunked\r\n\r\n";
        let mut client = Raw::connect_with(front.proxy, ANSWER_WAIT);
        client.send(format!("{head}{}", &body[..at]));
        // The server has read the first part, and perhaps refused it, when the second comes.
        let _ = client.is_quiet_for(Duration::from_millis(3));
        let _ = client.try_send(format!("{}{AFTER}", &body[at..]));
        let response = client.response();
        assert!(response.status == 400 && response.says_close(), "{body:?} split at {at}: {response:?}");
        client.expect_close_within(CLOSE_WAIT);
        let seen = front.upstream.take();
        let after = seen.heads.iter().any(|head| head.target == "/after");
        assert!(seen.requests.is_empty() && !after, "{body:?} split at {at}: {:?}", seen.heads);
    }
}

fn run(cases: &[Case]) {
    let dir = tempfile::tempdir().unwrap();
    let log = dir.path().join("access.log");
    let front = Front::with(&Shape { access_log: Some(&log), ..Shape::default() });
    let mut passed = Vec::new();
    let mut victims = Victims::new(&front);
    let mut failures = Vec::new();
    let paces = |case: &Case| if case.bytes.len() > DRIBBLE_BYTES_MAX { 1 } else { 2 };
    let paced =
        |case| [Pace::Whole, Pace::ByteByByte].into_iter().take(paces(case)).map(move |pace| (case, pace));
    for (number, (case, pace)) in cases.iter().flat_map(paced).enumerate() {
        let attack = Attack { case, pace, target: format!("/attack-{number:04}") };
        let outcome = attack.carry_out(&front).and_then(|()| victims.visit(VISITS));
        let seen = front.upstream.take();
        passed.extend(seen.requests.iter().cloned());
        if let Err(what) = outcome.and_then(|()| attack.judge(&seen)) {
            let sent = latin1(&case.bytes[..case.bytes.len().min(240)]);
            failures.push(format!("{} {pace:?}: {what}\n    sent {sent:?}", case.id));
            victims = Victims::new(&front);
        }
        if failures.len() == FAILURES_MAX {
            break;
        }
    }
    if let Err(what) = victims.visit(VISITS_AT_END) {
        failures.push(format!("after the whole table: {what}"));
    }
    passed.extend(front.upstream.take().requests);
    front.running.stop();
    failures.extend(differences(&passed, &std::fs::read_to_string(&log).unwrap()));
    let (failed, all) = (failures.len(), cases.len());
    assert!(failures.is_empty(), "{failed} of {all} attacks succeed:\n{}", failures.join("\n"));
}

/// One attack at one pace, told apart from the others by its target: what the one before left half sent may reach the
/// upstream's record only now.
struct Attack<'c> {
    case: &'c Case,
    pace: Pace,
    target: String,
}

impl Attack<'_> {
    /// What the client sees: one answer with the right status, then the end of the connection.
    fn carry_out(&self, front: &Front) -> Result<(), String> {
        let mut client = Raw::connect_with(front.proxy, ANSWER_WAIT);
        let bytes = with_target(&self.case.bytes, &self.target);
        // The server may refuse, and close, before it was sent everything.
        let _ = match self.pace {
            Pace::Whole => client.try_send(&bytes),
            Pace::ByteByByte => client.try_dribble(&bytes),
        };
        let response = client.try_response_to("GET").map_err(|ended| format!("no answer: {ended:?}"))?;
        let statuses = match self.case.expect {
            Expect::Passes if response.status == 200 => return Ok(()),
            Expect::Passes => &[200],
            Expect::Refused(statuses) | Expect::BodyRefused(statuses) => statuses,
        };
        if !statuses.contains(&response.status) {
            return Err(format!("status {}, not in {statuses:?}", response.status));
        }
        if !response.says_close() {
            return Err("the refusal does not say Connection: close".to_owned());
        }
        let _ = client.try_send(AFTER);
        match client.until_end(CLOSE_WAIT) {
            (_, Fault::Late) => Err(format!("still open {CLOSE_WAIT:?} after the refusal")),
            (rest, _) if !rest.is_empty() => {
                Err(format!("more bytes after the refusal: {:?}", latin1(&rest)))
            }
            _ => Ok(()),
        }
    }

    /// What the upstream saw, once the victims have been there as well.
    fn judge(&self, seen: &Seen) -> Result<(), String> {
        let heads = seen.heads.iter().filter(|head| !self.is_others(&head.target)).count();
        let whole = seen.requests.iter().filter(|request| !self.is_others(&request.target)).count();
        let fine = match (self.case.expect, self.pace) {
            (Expect::Refused(_), _) | (Expect::BodyRefused(_), Pace::Whole) => {
                heads == 0 && self.left_no_byte(seen)
            }
            // Its head was fine and has gone on; the request must never be completed.
            (Expect::BodyRefused(_), Pace::ByteByByte) => heads <= 1 && whole == 0,
            (Expect::Passes, _) => heads == 1 && whole == 1 && self.is_whole(seen),
        };
        match seen.faults()[..] {
            [] if fine => Ok(()),
            [] => Err(format!("the upstream saw {:?}", latin1(&seen.raw()))),
            _ => Err(format!("the upstream saw what is no HTTP: {:?}", seen.faults())),
        }
    }

    /// Its body came as it was sent: none, or this one word.
    fn is_whole(&self, seen: &Seen) -> bool {
        let own = seen.requests.iter().filter(|request| !self.is_others(&request.target));
        let expected: &[u8] = if latin1(&self.case.bytes).contains("hello") { b"hello" } else { b"" };
        own.into_iter().all(|request| request.body == expected)
    }

    /// A victim's, or an earlier attack's.
    fn is_others(&self, target: &str) -> bool {
        target == "/victim" || target.starts_with("/attack-") && !target.starts_with(&self.target)
    }

    /// No request line on the wire but others', and no word of this attack anywhere.
    fn left_no_byte(&self, seen: &Seen) -> bool {
        let raw = latin1(&seen.raw());
        let targets = raw.lines().filter_map(|line| line.strip_suffix(" HTTP/1.1")?.split_once(' '));
        let words = [&self.target, "/smuggled", "/after"];
        targets.into_iter().all(|(_, target)| self.is_others(target))
            && words.iter().all(|word| !raw.contains(word))
    }
}

/// Where the requests that reached the upstream are not, one by one, those that the access lines say were let through.
fn differences(passed: &[Request], log: &str) -> Vec<String> {
    let lines = log.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let mut lines: HashMap<String, Value> = lines.map(|line| (text(&line, "id"), line)).collect();
    assert_eq!(lines.len(), log.lines().count(), "two lines of one request");
    let mut differences = Vec::new();
    for request in passed {
        let id = request.fields.only("x-request-id").unwrap_or_default();
        let Some(line) = lines.remove(id) else {
            differences.push(format!("no line of {request:?}"));
            continue;
        };
        let (path, host) = (request.target.split('?').next(), request.fields.only("host"));
        let is_the_same = text(&line, "method") == request.method
            && Some(&*text(&line, "path")) == path
            && text(&line, "host") == HOST
            && host.is_some_and(|host| host.split(':').next() == Some(HOST))
            && request.fields.only("x-forwarded-for") == Some(&text(&line, "peer"))
            && line["bytes_in"] == request.body.len()
            && line["status"] == 200
            && request.fields.iter().all(|(name, _)| FIELDS.contains(&&*name.to_ascii_lowercase()))
            && request.fields.all("content-length").len() + request.fields.all("transfer-encoding").len()
                <= 1;
        if !is_the_same {
            differences.push(format!("{line} is a line of {request:?}"));
        }
    }
    let more = lines.into_values().filter(|line| line["status"] == 200);
    differences.extend(more.map(|line| format!("{line} reached nobody")));
    differences
}

fn text(line: &Value, key: &str) -> String {
    line[key].as_str().unwrap_or_default().to_owned()
}

/// The bytes with `/attack` replaced.
fn with_target(bytes: &[u8], target: &str) -> Vec<u8> {
    const PLACE: &[u8] = b"/attack";
    let mut replaced = Vec::new();
    let mut rest = bytes;
    while let Some(at) = rest.windows(PLACE.len()).position(|window| window == PLACE) {
        replaced.extend_from_slice(&rest[..at]);
        replaced.extend_from_slice(target.as_bytes());
        rest = &rest[at + PLACE.len()..];
    }
    replaced.extend_from_slice(rest);
    replaced
}
