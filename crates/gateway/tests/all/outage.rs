//! The identity provider down, slow or broken: nobody is refused for it, nobody waits long, nobody gets another's answer,
//! and it heals by itself.

use std::time::Duration;

use vestibule_feed::LEASE;
use vestibule_gateway::Door;
use vestibule_testkit::client::Raw;
use vestibule_testkit::patience::{PATIENCE, Patience};
use vestibule_testkit::strict::Response;

use super::gate::{ACCESS, Gate, HOUR, JPT, challenge, request, wait_until};
use super::issuer::Mood;

/// The wait for a swap, and what a busy machine may add.
const WAIT: std::ops::Range<Duration> = Duration::from_millis(290)..Duration::from_secs(3);

fn is_unavailable(response: &Response) -> bool {
    response.status == 503
        && response.fields.only("retry-after") == Some("1")
        && challenge(response).is_none()
}

#[test]
fn e24_a_provider_that_is_down_is_503_and_never_401() {
    let gate = Gate::start();
    assert_eq!(gate.status(Door::Outside, ACCESS), 200);
    for mood in [Mood::Unreachable, Mood::Misconfigured] {
        gate.desk.set_mood(mood);
        assert_eq!(gate.status(Door::Outside, ACCESS), 200, "cached, and under a lease");
        for token in ["unknown", "another"] {
            assert!(is_unavailable(&gate.get(Door::Outside, "/echo", token)), "{mood:?}");
        }
        assert!(is_unavailable(&gate.get(Door::Inside, "/echo", JPT)), "{mood:?}");
    }
    gate.clock.advance(LEASE);
    assert!(is_unavailable(&gate.get(Door::Outside, "/echo", ACCESS)), "cached, and without a lease");
    gate.desk.set_mood(Mood::Answers);
    assert_eq!(gate.status(Door::Outside, ACCESS), 200);
    assert_eq!(gate.status(Door::Inside, JPT), 200);
    assert_eq!(gate.status(Door::Outside, "unknown"), 401);
}

#[test]
fn e25_a_slow_provider_is_waited_for_at_most_so_long_and_holds_up_nobody_else() {
    let gate = Gate::start();
    assert_eq!(gate.status(Door::Outside, ACCESS), 200);
    gate.admit(Door::Outside, "slow", "echo:read", HOUR);
    gate.desk.set_mood(Mood::Waits);
    let patience = Patience::new(PATIENCE);
    let mut slow = Raw::connect(gate.outside);
    slow.send(request("GET", "/echo", &["Authorization: Bearer slow"]));
    wait_until("the swap", || gate.desk.asked() == 2);
    assert_eq!(gate.status(Door::Outside, ACCESS), 200);
    assert!(is_unavailable(&slow.response()));
    assert!(WAIT.contains(&patience.waited()), "{:?}", patience.waited());
    gate.desk.set_mood(Mood::Answers);
    assert_eq!(gate.status(Door::Outside, "slow"), 200);
}

#[test]
fn a_swap_that_never_comes_back_is_given_up_and_asked_for_anew() {
    let gate = Gate::start();
    gate.desk.set_mood(Mood::Hangs);
    assert!(is_unavailable(&gate.get(Door::Outside, "/echo", ACCESS)));
    gate.desk.set_mood(Mood::Answers);
    // The first may still join the swap that is just being given up.
    let healed = || gate.status(Door::Outside, ACCESS) == 200;
    assert!(healed() || healed());
    assert_eq!(gate.desk.asked(), 2);
}

#[test]
fn a_hundred_requests_with_one_token_are_one_swap() {
    const REQUESTS: usize = 100;
    let gate = Gate::start();
    let mut clients: Vec<_> = (0..REQUESTS).map(|_| Raw::connect(gate.outside)).collect();
    for client in &mut clients {
        client.send(request("GET", "/echo", &[&format!("Authorization: Bearer {ACCESS}")]));
    }
    for client in &mut clients {
        assert_eq!(client.response().status, 200);
    }
    assert_eq!(gate.desk.asked(), 1);
    let seen = gate.upstream.take().requests;
    assert_eq!(seen.len(), REQUESTS);
    assert!(seen.iter().all(|request| request.fields.only("authorization") == Some("Bearer jwt.1.x")));
}

#[test]
fn each_token_gets_its_own_jwt_when_many_are_asked_for_at_once() {
    const TOKENS: usize = 50;
    let gate = Gate::start();
    let mut clients = Vec::new();
    for number in 0..TOKENS {
        let token = format!("token-{number}");
        let scopes = if number % 2 == 0 { "echo:read" } else { "orders:read" };
        gate.admit(Door::Outside, &token, scopes, HOUR);
        let mut client = Raw::connect(gate.outside);
        client.send(request("GET", "/echo", &[&format!("Authorization: Bearer {token}")]));
        clients.push(client);
    }
    for (number, client) in clients.iter_mut().enumerate() {
        let expected = if number % 2 == 0 { 200 } else { 403 };
        assert_eq!(client.response().status, expected, "token-{number}");
    }
    assert_eq!(gate.desk.asked(), TOKENS);
}
