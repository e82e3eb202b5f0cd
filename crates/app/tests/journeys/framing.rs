//! Attacks on framing. Each is sent in one piece and byte by byte; what must be refused is refused before anything
//! reaches the upstream, the connection ends, and no other visitor notices (RFC 9112, and the ids of docs/testing.md).

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
    let head = "POST /attack HTTP/1.1\r\nHost: shop.test\r\nTransfer-Encoding: chunked\r\n\r\n";
    for body in [
        "5\r\nhello\r\n0\r\n: y\r\n\r\n",
        "5\r\nhello\r\n0\r\nX: y\r\n z\r\n\r\n",
        "0\r\n\n\r\n\r\n",
        "2\r\n\r\n0\r\n\r\n",
        "5\r\nhello\n0\r\n\r\n",
        "5;\r\nhello\r\n0\r\n\r\n",
        "5\r\nhello\r\n0x\r\n\r\n",
    ] {
        for at in 0..body.len() {
            let mut client = Raw::connect_with(front.proxy, ANSWER_WAIT);
            client.send(format!("{head}{}", &body[..at]));
            // The server has read the first part, and perhaps refused it, when the second comes.
            let _ = client.is_quiet_for(Duration::from_millis(3));
            let _ = client.try_send(format!("{}{AFTER}", &body[at..]));
            let response = client.response();
            assert!(response.status == 400 && response.says_close(), "{body:?} split at {at}: {response:?}");
            client.expect_close_within(CLOSE_WAIT);
            let seen = front.upstream.take();
            assert!(
                seen.requests.is_empty() && seen.heads.len() <= 1,
                "{body:?} split at {at}: {:?}",
                seen.heads
            );
        }
    }
}

fn run(cases: &[Case]) {
    let front = Front::start();
    let mut victims = Victims::new(&front);
    let mut failures = Vec::new();
    let paces = |case: &Case| if case.bytes.len() > DRIBBLE_BYTES_MAX { 1 } else { 2 };
    for (case, pace) in cases
        .iter()
        .flat_map(|c| [Pace::Whole, Pace::ByteByByte].into_iter().take(paces(c)).map(move |p| (c, p)))
    {
        let outcome = attack(&front, case, pace).and_then(|()| victims.visit(VISITS));
        let recorded = outcome.and_then(|()| judge(&front, case, pace));
        if let Err(what) = recorded {
            let sent = latin1(&case.bytes[..case.bytes.len().min(240)]);
            failures.push(format!("{} {pace:?}: {what}\n    sent {sent:?}", case.id));
            victims = Victims::new(&front);
            front.upstream.take();
        }
        if failures.len() == FAILURES_MAX {
            break;
        }
    }
    if let Err(what) = victims.visit(VISITS_AT_END) {
        failures.push(format!("after the whole table: {what}"));
    }
    assert!(
        failures.is_empty(),
        "{} of {} attacks succeed:\n{}",
        failures.len(),
        cases.len(),
        failures.join("\n")
    );
}

/// What the client sees: one answer with the right status, then the end of the connection.
fn attack(front: &Front, case: &Case, pace: Pace) -> Result<(), String> {
    let mut client = Raw::connect_with(front.proxy, ANSWER_WAIT);
    // The server may refuse, and close, before it was sent everything.
    let _ = match pace {
        Pace::Whole => client.try_send(&case.bytes),
        Pace::ByteByByte => client.try_dribble(&case.bytes),
    };
    let response = client.try_response_to("GET").map_err(|ended| format!("no answer: {ended:?}"))?;
    match case.expect {
        Expect::Passes => {
            return if response.status == 200 { Ok(()) } else { Err(format!("status {}", response.status)) };
        }
        Expect::Refused(statuses) | Expect::BodyRefused(statuses) if !statuses.contains(&response.status) => {
            return Err(format!("status {}, not in {statuses:?}", response.status));
        }
        Expect::Refused(_) | Expect::BodyRefused(_) => {}
    }
    if !response.says_close() {
        return Err("the refusal does not say Connection: close".to_owned());
    }
    let _ = client.try_send(AFTER);
    match client.until_end(CLOSE_WAIT) {
        (_, Fault::Late) => Err(format!("still open {CLOSE_WAIT:?} after the refusal")),
        (rest, _) if !rest.is_empty() => Err(format!("more bytes after the refusal: {:?}", latin1(&rest))),
        _ => Ok(()),
    }
}

/// What the upstream saw, once the victims have been there as well.
fn judge(front: &Front, case: &Case, pace: Pace) -> Result<(), String> {
    let seen = front.upstream.take();
    let attacks = seen.heads.iter().filter(|head| head.target != "/victim").count();
    let whole = seen.requests.iter().filter(|request| request.target != "/victim").count();
    let fine = match (case.expect, pace) {
        (Expect::Refused(_), _) | (Expect::BodyRefused(_), Pace::Whole) => {
            attacks == 0 && only_victims(&seen)
        }
        // Its head was fine and has gone on; the request must never be completed.
        (Expect::BodyRefused(_), Pace::ByteByByte) => attacks <= 1 && whole == 0,
        (Expect::Passes, _) => attacks == 1 && whole == 1,
    };
    match seen.faults()[..] {
        [] if fine => Ok(()),
        [] => Err(format!("the upstream saw {:?}", latin1(&seen.raw()))),
        _ => Err(format!("the upstream saw what is no HTTP: {:?}", seen.faults())),
    }
}

/// Not one byte of the attack: what stands on the wire is the victims' request lines and no other.
fn only_victims(seen: &Seen) -> bool {
    let raw = latin1(&seen.raw());
    let lines = raw.matches("HTTP/1.1\r\n").count();
    lines == 2 * VISITS && ["/attack", "/smuggled", "/after"].iter().all(|target| !raw.contains(target))
}
