//! The server goes away, stands still, takes no changes: calls fail within bounds, say so, change nothing, and work again
//! at once when it is back.

use std::time::Duration;

use vestibule_ports::issuer::Cause;
use vestibule_registry::credential::PasswordHash;
use vestibule_registry::{ANSWER_MAX, CONNECT_MAX, Caps, LOCK_WAIT_MAX, Registry, RegistryError, Server};
use vestibule_testkit::patience::Patience;
use vestibule_testkit::server::postgres::{Postgres, SUPERUSER};

use super::fixture::*;

/// By when everything works as before once the server is back.
const HEALED_WITHIN: Duration = Duration::from_secs(2);

/// What one call may take at most while a server stands still: connecting, setting up, and one answer.
const CALL_MAX: Duration =
    Duration::from_millis(CONNECT_MAX.as_millis() as u64 + 2 * ANSWER_MAX.as_millis() as u64 + 500);

fn of_its_own() -> (Postgres, Registry) {
    let postgres = Postgres::start();
    let server = Server::at(&postgres.url(SUPERUSER, "postgres"));
    let registry = furnish(Registry::connect(&server, Caps::default()).unwrap());
    sign_on(&registry, "alice", "browser", START);
    grant(&registry, "grant", "browser", START);
    (postgres, registry)
}

fn is_away<T: std::fmt::Debug>(call: impl FnOnce() -> Result<T, RegistryError>) {
    let patience = Patience::new(CALL_MAX);
    let answer = call();
    assert!(matches!(answer, Err(RegistryError::Unavailable(_) | RegistryError::Busy)), "{answer:?}");
    assert!(!patience.left().is_zero(), "it took longer than {CALL_MAX:?}");
}

fn reads_and_writes_fail(registry: &Registry) {
    is_away(|| registry.log_on(&digest("grant"), START));
    is_away(|| registry.end_sign_on(&sign_on_id("browser"), Cause::LogOut, &act(START)));
    is_away(|| registry.feed_after(0));
}

/// Nothing has ended meanwhile, and changes are taken.
fn is_healed(registry: &Registry) {
    let patience = Patience::new(HEALED_WITHIN);
    while registry.log_on(&digest("grant"), START).is_err() || registry.feed_after(0).is_err() {
        assert!(!patience.left().is_zero(), "not healed within {HEALED_WITHIN:?}");
    }
    assert!(has_grant(registry, "grant", START));
    assert_eq!(told(registry), []);
    registry.end_sign_on(&sign_on_id("browser"), Cause::LogOut, &act(START)).unwrap();
    assert!(!has_grant(registry, "grant", START));
    assert_eq!(told(registry).len(), 1);
}

#[test]
fn a_killed_server_is_away_until_it_is_started_again() {
    let (mut postgres, registry) = of_its_own();
    postgres.kill();
    reads_and_writes_fail(&registry);
    postgres.restart();
    is_healed(&registry);
}

#[test]
fn a_server_that_ends_in_order_is_away_until_it_is_started_again() {
    let (mut postgres, registry) = of_its_own();
    postgres.stop();
    reads_and_writes_fail(&registry);
    postgres.restart();
    is_healed(&registry);
}

#[test]
fn a_server_that_stands_still_holds_nobody_for_ever() {
    let (postgres, registry) = of_its_own();
    let frozen = postgres.freeze();
    is_away(|| registry.log_on(&digest("grant"), START));
    // A question that cannot have been asked: what the server does with it later changes nothing.
    is_away(|| registry.feed_after(0));
    drop(frozen);
    is_healed(&registry);
}

#[test]
fn connections_that_the_server_cuts_are_made_anew() {
    let (postgres, registry) = of_its_own();
    for _ in 0..3 {
        let cut = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE pid <> pg_backend_pid() \
                   AND application_name = 'vestibule-registry'";
        assert_ne!(postgres.sql("postgres", cut), "0");
        let patience = Patience::new(HEALED_WITHIN);
        while registry.log_on(&digest("grant"), START).is_err() {
            assert!(!patience.left().is_zero(), "not healed within {HEALED_WITHIN:?}");
        }
    }
    is_healed(&registry);
}

#[test]
fn a_server_that_takes_no_changes_is_still_read() {
    let (postgres, registry) = of_its_own();
    let hash = PasswordHash::new("hash of bob");
    postgres.sql("postgres", "ALTER SYSTEM SET default_transaction_read_only TO on");
    postgres.sql("postgres", "SELECT pg_reload_conf()");
    let patience = Patience::new(HEALED_WITHIN);
    while registry.rehash_password(&user("bob"), &hash, &hash).is_ok() {
        assert!(!patience.left().is_zero(), "changes are still taken");
    }
    assert!(has_grant(&registry, "grant", START));
    postgres.sql("postgres", "ALTER SYSTEM RESET default_transaction_read_only");
    postgres.sql("postgres", "SELECT pg_reload_conf()");
    is_healed(&registry);
}

#[test]
fn who_waits_too_long_for_another_process_is_told_that_the_registry_is_busy() {
    let (postgres, registry) = of_its_own();
    let server = Server::at(&postgres.url(SUPERUSER, "postgres"));
    let other = Registry::connect(&server, Caps::default()).unwrap();
    let patience = Patience::new(LOCK_WAIT_MAX * 2);
    let busy = registry
        .throttle(&[digest("key")], HOUR, START, |_| {
            other.end_sign_on(&sign_on_id("browser"), Cause::LogOut, &act(START))
        })
        .unwrap();
    assert_eq!(busy, Err(RegistryError::Busy));
    assert!(!patience.left().is_zero());
    assert!(has_grant(&other, "grant", START), "readers wait for nobody");
    is_healed(&other);
}
