//! Guessing passwords: counted before it is looked at, the same whether the user exists, slow after ten failures,
//! and no way to keep somebody out of a browser that he has used before.

use std::net::IpAddr;
use std::time::Duration;

use http::StatusCode;
use vestibule_idp::config::{Config, PasswordCost};
use vestibule_ports::authority::Authority as _;
use vestibule_testkit::patience::{PATIENCE, Patience};

use super::house::{Asked, Browser, Form, House, PASSWORD, cheap, config};

async fn guess(browser: &mut Browser, form: &Form, times: usize) -> Vec<StatusCode> {
    let mut statuses = Vec::new();
    for _ in 0..times {
        statuses.push(browser.try_password(form, "alice", "wrong").await.status);
    }
    statuses
}

#[tokio::test]
async fn after_ten_failures_there_is_one_try_a_minute_right_or_wrong() {
    let house = House::new().await;
    let mut browser = house.browser();
    let form = browser.open_form(&Asked::shop()).await;
    assert_eq!(guess(&mut browser, &form, 10).await, [StatusCode::FORBIDDEN; 10]);
    let throttled = browser.try_password(&form, "alice", PASSWORD).await;
    assert_eq!(throttled.status, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(throttled.header("retry-after"), "60");
    house.clock.advance(Duration::from_mins(1));
    assert_eq!(guess(&mut browser, &form, 2).await, [StatusCode::FORBIDDEN, StatusCode::TOO_MANY_REQUESTS]);
    house.clock.advance(Duration::from_mins(1));
    assert_eq!(browser.try_password(&form, "alice", PASSWORD).await.status, StatusCode::SEE_OTHER);
    let form = browser.open_form(&Asked::shop().with("&prompt=login")).await;
    assert_eq!(guess(&mut browser, &form, 10).await, [StatusCode::FORBIDDEN; 10], "success counts anew");
}

#[tokio::test]
async fn other_spellings_of_a_name_and_other_pages_share_the_counter() {
    let house = House::new().await;
    let mut browser = house.browser();
    let form = browser.open_form(&Asked::shop()).await;
    for name in ["alice", "ALICE", " Alice ", "\u{ff41}lice", "aLiCe"] {
        assert_eq!(browser.try_password(&form, name, "wrong").await.status, StatusCode::FORBIDDEN, "{name}");
        assert_eq!(change(&mut browser, &form, name).await, StatusCode::FORBIDDEN, "{name}");
    }
    assert_eq!(guess(&mut browser, &form, 1).await, [StatusCode::TOO_MANY_REQUESTS]);
    assert_eq!(change(&mut browser, &form, "alice").await, StatusCode::TOO_MANY_REQUESTS);
}

async fn change(browser: &mut Browser, form: &Form, name: &str) -> StatusCode {
    let new = "an entirely new password";
    let fields = [
        ("csrf", form.csrf.as_str()),
        ("username", name),
        ("password", "wrong"),
        ("new_password", new),
        ("repeat_password", new),
    ];
    browser.post("/password", &fields).await.status
}

#[tokio::test]
async fn addresses_of_one_network_share_the_counter() {
    let networks: [(&[&str], &str); 2] = [
        (&["192.0.2.1", "192.0.2.200", "::ffff:192.0.2.9"], "198.51.100.1"),
        (&["2001:db8:1:2::1", "2001:db8:1:2:ffff::2"], "2001:db8:1:3::1"),
    ];
    for (addresses, elsewhere) in networks {
        let house = House::new().await;
        let mut browser = house.browser();
        let form = browser.open_form(&Asked::shop()).await;
        let mut at = addresses.iter().cycle();
        for _ in 0..10 {
            browser.peer = at.next().unwrap().parse().unwrap();
            assert_eq!(guess(&mut browser, &form, 1).await, [StatusCode::FORBIDDEN]);
        }
        for address in addresses {
            browser.peer = address.parse().unwrap();
            assert_eq!(guess(&mut browser, &form, 1).await, [StatusCode::TOO_MANY_REQUESTS], "{address}");
        }
        browser.peer = elsewhere.parse().unwrap();
        assert_eq!(guess(&mut browser, &form, 1).await, [StatusCode::FORBIDDEN], "{elsewhere}");
    }
}

/// One guess at each of many names is a guess, too.
#[tokio::test]
async fn a_network_that_guesses_at_many_names_has_a_hundred_failures_and_then_one_a_second() {
    let house = House::new().await;
    let mut own = house.browser();
    own.log_in(&Asked::shop()).await;
    let own_form = own.open_form(&Asked::shop().with("&prompt=login")).await;
    let mut attacker = house.browser();
    let form = attacker.open_form(&Asked::shop()).await;
    for number in 0..100 {
        let name = format!("user{number}");
        let status = attacker.try_password(&form, &name, "wrong").await.status;
        assert_eq!(status, StatusCode::FORBIDDEN, "{name}");
    }
    let hashed = house.idp.passwords_hashed();
    for name in ["somebody", "alice", "a b!c"] {
        let reply = attacker.try_password(&form, name, PASSWORD).await;
        assert_eq!(
            (reply.status, reply.header("retry-after")),
            (StatusCode::TOO_MANY_REQUESTS, "1"),
            "{name}"
        );
    }
    assert_eq!(house.idp.passwords_hashed(), hashed, "nothing was compared");
    // Its own log-in in between helps nobody to a fresh counter.
    house.clock.advance(Duration::from_secs(1));
    assert_eq!(attacker.try_password(&form, "alice", PASSWORD).await.status, StatusCode::SEE_OTHER);
    attacker.jar.remove("__Host-vst-known");
    let form = attacker.open_form(&Asked::shop().with("&prompt=login")).await;
    let tried = [
        attacker.try_password(&form, "user1", "wrong").await.status,
        attacker.try_password(&form, "user2", "wrong").await.status,
    ];
    assert!(tried.contains(&StatusCode::TOO_MANY_REQUESTS), "{tried:?}");
    // A browser that has logged in before is not held to what its neighbours do, nor is another network.
    assert_eq!(own.try_password(&own_form, "alice", PASSWORD).await.status, StatusCode::SEE_OTHER);
    attacker.peer = IpAddr::from([198, 51, 100, 1]);
    let elsewhere = attacker.try_password(&form, "user3", "wrong").await;
    assert_eq!(elsewhere.status, StatusCode::FORBIDDEN);
    house.clock.advance(Duration::from_mins(10));
    attacker.peer = house.browser().peer;
    for number in 0..10 {
        let status = attacker.try_password(&form, &format!("user{number}"), "wrong").await.status;
        assert_eq!(status, StatusCode::FORBIDDEN, "forgotten after ten minutes");
    }
}

/// Most likely a load balancer that nobody listed: behind it is everybody.
#[tokio::test]
async fn failures_at_a_private_address_add_up_by_network_only_where_load_balancers_are_listed() {
    for (listed, after_a_hundred) in [(false, StatusCode::FORBIDDEN), (true, StatusCode::TOO_MANY_REQUESTS)] {
        let trusted_peers = if listed { vec!["10.9.0.0/24".parse().unwrap()] } else { Vec::new() };
        let house = House::of(Config { trusted_peers, ..config() }).await;
        let mut browser = house.browser();
        browser.peer = IpAddr::from([10, 0, 0, 7]);
        let form = browser.open_form(&Asked::shop()).await;
        for number in 0..100 {
            let status = browser.try_password(&form, &format!("user{number}"), "wrong").await.status;
            assert_eq!(status, StatusCode::FORBIDDEN, "{number}");
        }
        let next = browser.try_password(&form, "somebody", "wrong").await.status;
        assert_eq!(next, after_a_hundred, "{listed}");
        // A user and network together are counted in any case.
        assert_eq!(guess(&mut browser, &form, 10).await.contains(&StatusCode::TOO_MANY_REQUESTS), listed);
        assert_eq!(guess(&mut browser, &form, 1).await, [StatusCode::TOO_MANY_REQUESTS]);
    }
}

/// A shop's own hall: a hundred people behind one address, none of whom fails.
#[tokio::test]
async fn log_ins_that_succeed_use_nothing_up_of_their_network() {
    let house = House::new().await;
    for _ in 0..105 {
        house.browser().log_in(&Asked::shop()).await;
    }
}

#[tokio::test]
async fn nobody_is_kept_out_of_a_browser_that_he_has_used() {
    let house = House::new().await;
    let mut own = house.browser();
    own.log_in(&Asked::shop()).await;
    let own_form = own.open_form(&Asked::shop().with("&prompt=login")).await;
    // Somebody guesses from everywhere, a hundred times and more.
    let mut attacker = house.browser();
    let form = attacker.open_form(&Asked::shop()).await;
    for network in 0..20_u8 {
        attacker.peer = IpAddr::from([203, 0, network, 1]);
        guess(&mut attacker, &form, 6).await;
    }
    attacker.peer = IpAddr::from([203, 0, 200, 1]);
    assert_eq!(guess(&mut attacker, &form, 1).await, [StatusCode::TOO_MANY_REQUESTS]);
    assert_eq!(own.try_password(&own_form, "alice", PASSWORD).await.status, StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn a_known_browser_has_a_hundred_failures_and_not_one_more() {
    let house = House::new().await;
    let mut own = house.browser();
    own.log_in(&Asked::shop()).await;
    let form = own.open_form(&Asked::shop().with("&prompt=login")).await;
    assert_eq!(guess(&mut own, &form, 100).await, [StatusCode::FORBIDDEN; 100]);
    assert_eq!(guess(&mut own, &form, 1).await, [StatusCode::TOO_MANY_REQUESTS]);
    assert!(own.jar.contains_key("__Host-vst-known"));
}

/// The neighbour is in the very same network.
#[tokio::test]
async fn what_a_stranger_in_the_same_network_does_neither_stops_nor_slows_a_known_browser() {
    let house = House::new().await;
    let mut own = house.browser();
    own.log_in(&Asked::shop()).await;
    let own_form = own.open_form(&Asked::shop().with("&prompt=login")).await;
    let mut neighbour = house.browser();
    let form = neighbour.open_form(&Asked::shop()).await;
    assert_eq!(guess(&mut neighbour, &form, 10).await, [StatusCode::FORBIDDEN; 10]);
    for _ in 0..3 {
        assert_eq!(guess(&mut neighbour, &form, 1).await, [StatusCode::TOO_MANY_REQUESTS]);
        assert_eq!(own.try_password(&own_form, "alice", "mistyped").await.status, StatusCode::FORBIDDEN);
        house.clock.advance(Duration::from_mins(1));
        assert_eq!(guess(&mut neighbour, &form, 1).await, [StatusCode::FORBIDDEN]);
    }
    assert_eq!(own.try_password(&own_form, "alice", PASSWORD).await.status, StatusCode::SEE_OTHER);
    // Nor does its log-in give the neighbour ten more.
    assert_eq!(guess(&mut neighbour, &form, 1).await, [StatusCode::TOO_MANY_REQUESTS]);
}

/// A stolen cookie of a known browser is worth a hundred guesses, however many networks it is shown from.
#[tokio::test]
async fn a_known_browser_is_the_same_one_in_every_network() {
    let house = House::new().await;
    let mut thief = house.browser();
    thief.log_in(&Asked::shop()).await;
    let form = thief.open_form(&Asked::shop().with("&prompt=login")).await;
    for network in 0..4_u8 {
        thief.peer = IpAddr::from([203, 0, network, 1]);
        assert_eq!(guess(&mut thief, &form, 25).await, [StatusCode::FORBIDDEN; 25]);
    }
    for network in 0..8_u8 {
        thief.peer = IpAddr::from([203, 0, network, 1]);
        assert_eq!(guess(&mut thief, &form, 1).await, [StatusCode::TOO_MANY_REQUESTS], "{network}");
    }
    // Nor is it worth more without the cookie: the user has used up what is free everywhere.
    thief.jar.remove("__Host-vst-known");
    assert_eq!(guess(&mut thief, &form, 1).await, [StatusCode::TOO_MANY_REQUESTS]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_five_hundred_guesses_at_one_instant_ten_are_compared() {
    let house = House::new().await;
    let mut browser = house.browser();
    let form = browser.open_form(&Asked::shop()).await;
    let jar = browser.jar.clone();
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..500 {
        let (mut browser, form) = (house.browser(), form.clone());
        browser.jar.clone_from(&jar);
        tasks.spawn(async move { browser.try_password(&form, "alice", "wrong").await.status });
    }
    let statuses = tasks.join_all().await;
    let compared = statuses.iter().filter(|status| **status == StatusCode::FORBIDDEN).count();
    assert_eq!(compared, 10, "{statuses:?}");
}

/// Status, headers, body and the work done: nothing tells whether a user exists.
#[tokio::test]
async fn an_unknown_user_looks_like_a_wrong_password() {
    let house = House::new().await;
    let mut known = house.browser();
    known.log_in(&Asked::shop()).await;
    for with_device in [false, true] {
        let mut seen = Vec::new();
        for name in ["alice", "bobby", "a b!c", "ab\u{200b}"] {
            let mut browser = house.browser();
            let form = browser.open_form(&Asked::shop()).await;
            if with_device {
                browser.jar.insert("__Host-vst-known".to_owned(), known.jar["__Host-vst-known"].clone());
            }
            let hashed = house.idp.passwords_hashed();
            let reply = browser.try_password(&form, name, "wrong").await;
            let body = reply.body.replace(&form.csrf, "CSRF").replace(&escaped(name), "NAME");
            seen.push((
                reply.status,
                reply.headers,
                body,
                reply.cause,
                house.idp.passwords_hashed() - hashed,
            ));
        }
        assert_eq!(seen[0].4, 1);
        assert!(seen.iter().all(|other| *other == seen[0]), "{seen:?}");
    }
}

fn escaped(name: &str) -> String {
    format!("value=\"{name}\"")
}

#[tokio::test]
async fn a_huge_password_is_refused_before_it_is_hashed() {
    let house = House::new().await;
    let mut browser = house.browser();
    let form = browser.open_form(&Asked::shop()).await;
    let hashed = house.idp.passwords_hashed();
    for length in [129, 10_000, 1 << 20] {
        let reply = browser.try_password(&form, "alice", &"x".repeat(length)).await;
        assert_eq!(reply.status, StatusCode::BAD_REQUEST, "{length}");
    }
    assert_eq!(house.idp.passwords_hashed(), hashed);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn too_many_log_ins_at_once_are_put_off() {
    let cost = PasswordCost { memory_kib: 16 * 1024, passes: 2, at_once: 1, queue: 1, ..cheap() };
    let house = House::of(Config { password_cost: cost, ..config() }).await;
    let mut browser = house.browser();
    let form = browser.open_form(&Asked::shop()).await;
    let jar = browser.jar.clone();
    let mut tasks = tokio::task::JoinSet::new();
    for number in 0..50_u8 {
        let (mut browser, form) = (house.browser(), form.clone());
        browser.jar.clone_from(&jar);
        tasks.spawn(async move {
            let reply = browser.try_password(&form, &format!("user{number}"), "wrong").await;
            (reply.status, reply.header("retry-after").to_owned())
        });
    }
    let replies = tasks.join_all().await;
    let put_off = replies.iter().filter(|reply| **reply == (StatusCode::SERVICE_UNAVAILABLE, "1".to_owned()));
    let compared = replies.iter().filter(|reply| **reply == (StatusCode::FORBIDDEN, String::new()));
    let (put_off, compared) = (put_off.count(), compared.count());
    assert_eq!(put_off + compared, 50, "{replies:?}");
    assert!(put_off > 0 && compared > 0, "{replies:?}");
}

/// What was not looked at is no failure.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_try_that_was_put_off_counts_for_nothing() {
    let cost = PasswordCost { memory_kib: 4 * 1024, passes: 2, at_once: 1, queue: 0, ..cheap() };
    let house = House::of(Config { password_cost: cost, ..config() }).await;
    let mut browser = house.browser();
    let form = browser.open_form(&Asked::shop()).await;
    let (mut put_off, mut looked_at) = (0, 0);
    while put_off < 11 && looked_at < 9 {
        // While somebody else's password is being compared there is no place for another.
        let (mut other, others_form) = (house.browser(), form.clone());
        other.jar.clone_from(&browser.jar);
        let name = format!("user{put_off}");
        let (hashed, patience) = (house.idp.passwords_hashed(), Patience::new(PATIENCE));
        let occupied =
            tokio::spawn(async move { other.try_password(&others_form, &name, "wrong").await.status });
        while house.idp.passwords_hashed() == hashed {
            assert!(!patience.left().is_zero(), "nothing is compared");
            tokio::task::yield_now().await;
        }
        match browser.try_password(&form, "alice", "wrong").await.status {
            StatusCode::SERVICE_UNAVAILABLE => put_off += 1,
            // That other one was over first.
            StatusCode::FORBIDDEN => looked_at += 1,
            other => panic!("{other} after {put_off} put off and {looked_at} looked at"),
        }
        occupied.await.unwrap();
    }
    assert!(put_off > 10, "{put_off} put off, {looked_at} looked at");
    assert_eq!(browser.try_password(&form, "alice", PASSWORD).await.status, StatusCode::SEE_OTHER);
}

/// ASVS 16.3.1: the trail says that somebody guesses, in a line for each doubling, and does so for users only.
#[tokio::test]
async fn the_trail_tells_of_guesses_and_grows_slowly() {
    let house = House::new().await;
    let mut browser = house.browser();
    let form = browser.open_form(&Asked::shop()).await;
    guess(&mut browser, &form, 9).await;
    assert_eq!(slowed(&house).await, [] as [String; 0]);
    guess(&mut browser, &form, 30).await;
    assert_eq!(slowed(&house).await, ["10 tries in a row from one network"]);
    for _ in 0..35 {
        house.clock.advance(Duration::from_mins(1));
        guess(&mut browser, &form, 1).await;
    }
    for network in 0..5_u8 {
        browser.peer = IpAddr::from([203, 0, network, 1]);
        guess(&mut browser, &form, 11).await;
    }
    let told = slowed(&house).await;
    let of_network = |count: usize| told.iter().filter(|told| told.starts_with(&format!("{count} "))).count();
    assert_eq!((of_network(10), of_network(20), of_network(40)), (6, 1, 1), "{told:?}");
    browser.peer = IpAddr::from([203, 0, 100, 1]);
    guess(&mut browser, &form, 9).await;
    assert_eq!(slowed(&house).await[0], "100 tries in a row from all networks together");
}

/// What the trail of alice says of guesses, the newest first.
async fn slowed(house: &House) -> Vec<String> {
    let trail = house.idp.trail(&house.alice, None).await.unwrap();
    let slowed = trail.into_iter().filter(|record| record.what.starts_with("Many passwords"));
    slowed
        .map(|record| {
            assert_eq!(record.by, "unknown");
            assert!(record.from.is_some());
            record.note.unwrap()
        })
        .collect()
}
