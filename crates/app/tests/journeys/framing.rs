//! Attacks on framing. Each is sent in one piece and byte by byte; what must be refused is refused before anything
//! reaches the upstream, the connection ends, and no other visitor notices (RFC 9112).

mod table;

use std::time::Duration;

use table::{Case, Expect};
use vestibule_testkit::client::Raw;
use vestibule_testkit::strict::{Fault, latin1};
use vestibule_testkit::upstream::Seen;

use super::front::{Front, Victims};

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
    let front = Front::start();
    let mut victims = Victims::new(&front);
    let mut failures = Vec::new();
    let paces = |case: &Case| if case.bytes.len() > DRIBBLE_BYTES_MAX { 1 } else { 2 };
    let paced =
        |case| [Pace::Whole, Pace::ByteByByte].into_iter().take(paces(case)).map(move |pace| (case, pace));
    for (number, (case, pace)) in cases.iter().flat_map(paced).enumerate() {
        let attack = Attack { case, pace, target: format!("/attack-{number:04}") };
        let outcome = attack.carry_out(&front).and_then(|()| victims.visit(VISITS));
        if let Err(what) = outcome.and_then(|()| attack.judge(&front.upstream.take())) {
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
            (Expect::Passes, _) => heads == 1 && whole == 1,
        };
        match seen.faults()[..] {
            [] if fine => Ok(()),
            [] => Err(format!("the upstream saw {:?}", latin1(&seen.raw()))),
            _ => Err(format!("the upstream saw what is no HTTP: {:?}", seen.faults())),
        }
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
