//! The database goes away or stands still: who asks is told within bounds that nobody knows, nothing is logged out, and
//! everything goes on when it is back.

use std::sync::Arc;
use std::time::Duration;

use http::StatusCode;
use vestibule_ports::issuer::{Cause, End, Issuer as _, IssuerError, Presented};
use vestibule_registry::{Caps, Registry, Server};
use vestibule_testkit::patience::Patience;
use vestibule_testkit::server::postgres::{Postgres, SUPERUSER};

use super::database::Door;
use super::house::{Asked, House, config};
use super::site::{log_on, logged_on};

/// By when everything works as before once the server is back.
const HEALED_WITHIN: Duration = Duration::from_secs(2);

/// What a question may take at most while the server stands still.
const ANSWERED_WITHIN: Duration = Duration::from_secs(9);

fn server(postgres: &Postgres) -> Server {
    Server::at(&postgres.url(SUPERUSER, "postgres"))
}

async fn house(postgres: &Postgres) -> House {
    let registry = Arc::new(Registry::connect(&server(postgres), Caps::default()).unwrap());
    House::over(config(), registry, Door::to(server(postgres))).await
}

/// Runs `away` with a server that is made unusable by `begin` and usable again by `end`.
async fn through(
    postgres: &mut Postgres,
    begin: impl FnOnce(&mut Postgres),
    end: impl FnOnce(&mut Postgres),
) {
    let house = house(postgres).await;
    let mut browser = house.browser();
    let log_on = log_on(&house, &mut browser, &Asked::shop()).await;
    let jpt = house.idp.mint(logged_on(&log_on.grant), None).await.unwrap().jpt;
    let jar = browser.jar.clone();

    begin(postgres);
    let patience = Patience::new(ANSWERED_WITHIN);
    let outlet = Asked::outlet().url();
    let (minted, swapped, ended, page) = tokio::join!(
        house.idp.mint(logged_on(&log_on.grant), None),
        house.idp.swap(Presented::Inside(jpt.clone())),
        house.idp.end(End::User { id: house.alice.clone(), by: None }, Cause::LogOutEverywhere),
        browser.get(&outlet),
    );
    assert!(!patience.left().is_zero(), "it took longer than {ANSWERED_WITHIN:?}");
    assert!(matches!(minted, Err(IssuerError::Unreachable(_))), "{minted:?}");
    assert!(matches!(swapped, Err(IssuerError::Unreachable(_))), "{swapped:?}");
    assert!(matches!(ended, Err(IssuerError::Unreachable(_))), "{ended:?}");
    assert_eq!((page.status, page.header("set-cookie")), (StatusCode::SERVICE_UNAVAILABLE, ""));
    assert_eq!(browser.jar, jar);

    end(postgres);
    let patience = Patience::new(HEALED_WITHIN);
    while house.idp.mint(logged_on(&log_on.grant), None).await.is_err() {
        assert!(!patience.left().is_zero(), "not healed within {HEALED_WITHIN:?}");
    }
    house.idp.swap(Presented::Inside(jpt)).await.unwrap();
    let page = browser.get(&outlet).await;
    assert!(page.parameter("code").is_some(), "still signed on: {}", page.body);
    house.idp.end(End::User { id: house.alice.clone(), by: None }, Cause::LogOutEverywhere).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_database_logs_nobody_out() {
    let mut postgres = Postgres::start();
    through(&mut postgres, Postgres::kill, Postgres::restart).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_that_stops_in_order_logs_nobody_out() {
    let mut postgres = Postgres::start();
    through(&mut postgres, Postgres::stop, Postgres::restart).await;
}
