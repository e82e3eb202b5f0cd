//! Clients: what the configuration says, and tokens that clients hold for themselves.

use vestibule_oauth::token::ClientSecret;
use vestibule_ports::issuer::Ended;
use vestibule_registry::audit::{Event, Subject};
use vestibule_registry::client::{Client, ClientKind};
use vestibule_registry::family::NewClientToken;
use vestibule_registry::{Caps, Registry};

use super::fixture::*;

#[test]
fn a_client_is_read_as_it_was_written() {
    let registry = registry();
    let shop = Client { site: Some(site()), ..client("shop", ClientKind::Confidential) };
    assert_eq!(registry.client("shop"), Ok(Some(shop)));
    assert_eq!(registry.client("SHOP"), Ok(None));
    let ids: Vec<_> = registry.clients().unwrap().into_iter().map(|client| client.id).collect();
    assert_eq!(ids, ["mobile-app", "shop", "till"]);
}

#[test]
fn only_the_right_secret_matches() {
    let secret = registry().client("till").unwrap().unwrap().secret.unwrap();
    let right = ClientSecret::from_random(&digest("till"));
    let cut = ClientSecret::parse(&right.expose()[..42]).unwrap();
    assert!(secret.matches(&right));
    assert!(!secret.matches(&cut));
    assert!(!secret.matches(&ClientSecret::from_random(&digest("shop"))));
}

#[test]
fn the_configuration_is_what_is_served_and_a_restart_leaves_no_trace() {
    let registry = registry();
    let renamed = Client { name: "New name".to_owned(), ..client("till", ClientKind::Confidential) };
    let wanted = [renamed.clone(), client("mobile-app", ClientKind::Public)];
    let later = START + HOUR;
    for _restart in 0..2 {
        registry.configure_clients(&wanted, &act(later)).unwrap();
    }
    let ids: Vec<_> = registry.clients().unwrap().into_iter().map(|client| client.id).collect();
    assert_eq!(ids, ["mobile-app", "till"]);
    assert_eq!(registry.client("till"), Ok(Some(renamed)));
    assert_eq!(told(&registry), [Ended::Client("shop".to_owned())]);
    let events = |id| {
        let records = registry.audit(Subject::Client(id), None).unwrap();
        records.into_iter().map(|record| record.event).collect::<Vec<_>>()
    };
    assert_eq!(events("shop"), [Event::ClientRemoved, Event::ClientConfigured]);
    assert_eq!(events("till"), [Event::ClientConfigured, Event::ClientConfigured]);
    assert_eq!(events("mobile-app"), [Event::ClientConfigured]);
}

#[test]
fn everything_of_a_removed_client_is_gone() {
    let registry = registry();
    sign_on(&registry, "alice", "browser", START);
    let token = family(&registry, "family", "browser", false, START);
    grant(&registry, "grant", "browser", START);
    remove_client(&registry, "mobile-app", START);
    assert!(!has_family(&registry, "family", START));
    assert_eq!(super::refresh::refused(&registry, &token, START), None);
    assert!(has_grant(&registry, "grant", START), "another client's");
    assert_eq!(told(&registry), [Ended::Client("mobile-app".to_owned())]);
}

fn client_token(registry: &Registry, client: &str, name: &str, minutes: u32) -> bool {
    let new = NewClientToken {
        client,
        name,
        access: &digest(name),
        scopes: &scopes("products:read"),
        expires_at: START + 2 * HOUR,
    };
    registry.issue_client_token(&new, &act(START + MINUTE * minutes)).unwrap()
}

#[test]
fn a_clients_own_token_has_no_user_and_no_standing() {
    let registry = registry();
    assert!(client_token(&registry, "till", "token", 0));
    let held = registry.access_token(&digest("token"), START).unwrap().unwrap();
    assert_eq!((held.user, held.terms.standing), (None, None));
    assert_eq!((held.terms.scopes, held.family.client.as_str()), (scopes("products:read"), "till"));
    assert_eq!((held.family.holder, held.family.sign_on), (None, None));
    assert_eq!(registry.access_token(&digest("token"), START + 2 * HOUR), Ok(None));
    assert!(!client_token(&registry, "nobody", "other", 0));
}

#[test]
fn with_one_token_too_many_the_oldest_of_the_client_ends() {
    let registry = with_caps(Caps { tokens_per_client: 2, ..Caps::default() });
    sign_on(&registry, "alice", "browser", START);
    family(&registry, "family", "browser", false, START);
    for (minutes, name) in (0..).zip(["first", "second", "third"]) {
        assert!(client_token(&registry, "mobile-app", name, minutes));
    }
    assert!(client_token(&registry, "till", "tills", 0));
    let is_alive = |name| registry.access_token(&digest(name), START + HOUR).unwrap().is_some();
    assert_eq!(["first", "second", "third", "tills"].map(is_alive), [false, true, true, true]);
    assert!(has_family(&registry, "family", START), "a user's is not counted among them");
    assert_eq!(told(&registry), [Ended::Family("first".to_owned())]);
}
