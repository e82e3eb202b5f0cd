//! A registry with people and clients in it, and short ways to bring about what a test begins with.

use std::sync::{Condvar, Mutex};
use std::time::Duration;

use vestibule_domain::digest::sha256;
use vestibule_domain::identity::{Epoch, SignOnId, SiteId, Timestamp, UserId, VisitorId};
use vestibule_domain::scope::ByStanding;
use vestibule_domain::standing::Standing;
use vestibule_oauth::pkce::CodeChallenge;
use vestibule_oauth::redirect_uri::RedirectUri;
use vestibule_oauth::scope::ScopeSet;
use vestibule_oauth::token::{ClientSecret, RefreshToken};
use vestibule_ports::issuer::Ended;
use vestibule_registry::audit::Act;
use vestibule_registry::client::{Client, ClientKind, GrantType};
use vestibule_registry::code::{Issue, NewCode, Redeemed};
use vestibule_registry::credential::{Digest, PasswordHash, SecretHash};
use vestibule_registry::family::{NewFamily, Terms};
use vestibule_registry::grant::NewGrant;
use vestibule_registry::login_name::LoginName;
use vestibule_registry::outbox::FeedPage;
use vestibule_registry::sign_on::{LogIn, LoggedIn, SignOn};
use vestibule_registry::user::{Created, NewUser, Profile};
use vestibule_registry::{Caps, Registry};

use super::database;

pub(crate) const HOUR: Duration = Duration::from_hours(1);
pub(crate) const MINUTE: Duration = Duration::from_mins(1);

/// When every test begins.
pub(crate) const START: Timestamp = Timestamp::from_secs(1_800_000_000);

/// Why a decision of a test is no.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct No;

/// Calls that are let in at the same time: four times what a provider lets in, and more than there are connections.
/// With all of a race inside, the last of a hundred would wait for ninety-nine commits, and where those take 50 ms each it would be
/// told `Busy` (`CONNECTION_WAIT_MAX`). That is right, and not what is told here.
const AT_ONCE: usize = 16;

/// Where threads wait, as long as it takes, until they are let in.
pub(crate) struct Gate {
    free: Mutex<usize>,
    left: Condvar,
}

/// Leave to be inside, given back also by a thread that panics.
pub(crate) struct Pass<'g>(&'g Gate);

impl Default for Gate {
    fn default() -> Self {
        Self { free: Mutex::new(AT_ONCE), left: Condvar::new() }
    }
}

impl Gate {
    pub(crate) fn enter(&self) -> Pass<'_> {
        let free = self.free.lock().unwrap();
        *self.left.wait_while(free, |free| *free == 0).unwrap() -= 1;
        Pass(self)
    }
}

impl Drop for Pass<'_> {
    fn drop(&mut self) {
        *self.0.free.lock().unwrap() += 1;
        self.0.left.notify_one();
    }
}

pub(crate) fn act(at: Timestamp) -> Act<'static> {
    Act { at, by: "test", from: None }
}

/// The hash of the credential of this name.
pub(crate) fn digest(name: &str) -> Digest {
    sha256(name.as_bytes())
}

pub(crate) fn scopes(text: &str) -> ScopeSet {
    if text.is_empty() { ScopeSet::default() } else { ScopeSet::parse(text).unwrap() }
}

pub(crate) fn registry() -> Registry {
    with_caps(Caps::default())
}

pub(crate) fn with_caps(caps: Caps) -> Registry {
    furnish(database::passing(caps))
}

/// Adds two users, a site's client, an app and a till.
pub(crate) fn furnish(registry: Registry) -> Registry {
    add_user(&registry, "alice");
    add_user(&registry, "bob");
    let clients = [
        Client { site: Some(site()), ..client("shop", ClientKind::Confidential) },
        client("mobile-app", ClientKind::Public),
        client("till", ClientKind::Confidential),
    ];
    registry.configure_clients(&clients, &act(START)).unwrap();
    registry
}

/// Starts with a configuration that does not name this client any more.
pub(crate) fn remove_client(registry: &Registry, id: &str, at: Timestamp) {
    let mut clients = registry.clients().unwrap();
    clients.retain(|client| client.id != id);
    registry.configure_clients(&clients, &act(at)).unwrap();
}

pub(crate) fn add_user(registry: &Registry, name: &str) {
    let new = NewUser {
        id: &user(name),
        login: &login(name),
        login_typed: name,
        password: &PasswordHash::new(&format!("hash of {name}")),
        profile: &Profile {
            name: Some(name.to_owned()),
            roles: vec!["a \"b\"".to_owned()],
            ..Profile::default()
        },
        scopes: &scopes("orders:read"),
    };
    assert_eq!(registry.create_user(&new, &act(START)), Ok(Created::Done));
}

pub(crate) fn user(name: &str) -> UserId {
    format!("u-{name}").parse().unwrap()
}

pub(crate) fn login(name: &str) -> LoginName {
    LoginName::parse(name).unwrap()
}

pub(crate) fn site() -> SiteId {
    "shop".parse().unwrap()
}

pub(crate) fn client(id: &str, kind: ClientKind) -> Client {
    let secret = ClientSecret::from_random(&digest(id));
    Client {
        id: id.to_owned(),
        name: format!("The {id}"),
        kind,
        secret: (kind != ClientKind::Public).then(|| SecretHash::of(&secret)),
        redirect_uris: vec![RedirectUri::register("http://127.0.0.1/cb").unwrap()],
        grant_types: vec![GrantType::AuthorizationCode, GrantType::RefreshToken],
        own_scopes: scopes("products:read"),
        scopes: ByStanding::new(scopes(""), scopes("basket:write"), scopes("basket:write orders:read"))
            .unwrap(),
        first_party: true,
        site: None,
    }
}

pub(crate) fn epoch(registry: &Registry, name: &str) -> Epoch {
    registry.user(&user(name)).unwrap().unwrap().epoch
}

/// A log-in of `name` in a browser that has no cookie yet.
pub(crate) fn sign_on(registry: &Registry, name: &str, browser: &str, at: Timestamp) -> SignOn {
    let (user, id, secret) = (user(name), sign_on_id(browser), digest(browser));
    let log_in = LogIn {
        user: &user,
        epoch: epoch(registry, name),
        id: &id,
        secret: &secret,
        former: None,
        level: 1,
        ends_at: at + 4 * HOUR,
        device: None,
        forgive: &[],
        take_back: None,
    };
    match registry.log_in(&log_in, &act(at)).unwrap() {
        LoggedIn::SignedOn(sign_on) => sign_on,
        LoggedIn::Moved => panic!("{name} has just been read"),
    }
}

pub(crate) fn sign_on_id(browser: &str) -> SignOnId {
    format!("sign-on-of-{browser}").parse().unwrap()
}

/// A code of this name for the client, from the sign-on session of a browser.
pub(crate) fn code(registry: &Registry, name: &str, client: &str, browser: &str, now: Timestamp) -> bool {
    let new = NewCode {
        digest: &digest(name),
        client,
        sign_on: &sign_on_id(browser),
        redirect_uri: Some("http://127.0.0.1:5000/cb"),
        challenge: &CodeChallenge::from(digest("challenge")),
        nonce: Some("nonce"),
        scopes: &scopes("openid orders:read"),
        expires_at: now + MINUTE,
    };
    registry.issue_code(&new, now).unwrap()
}

pub(crate) fn new_grant(name: &str, now: Timestamp) -> Issue {
    Issue::Grant(NewGrant {
        digest: digest(name),
        name: name.to_owned(),
        site: site(),
        ends_at: now + 4 * HOUR,
    })
}

pub(crate) fn new_family(name: &str, ends_with_sign_on: bool, now: Timestamp) -> Issue {
    Issue::Family(NewFamily {
        name: name.to_owned(),
        visitor: VisitorId::from_bytes([7; 16]),
        refresh: Some(digest(&format!("refresh of {name}"))),
        ends_with_sign_on,
        scopes: scopes("openid orders:read"),
        ends_at: now + 24 * HOUR,
        access: digest(&format!("access of {name}")),
        terms: terms(now),
    })
}

pub(crate) fn terms(now: Timestamp) -> Terms {
    Terms { scopes: scopes("orders:read"), standing: Some(Standing::LoggedOn), expires_at: now + 2 * HOUR }
}

/// A grant of this name, from the sign-on session of a browser.
pub(crate) fn grant(registry: &Registry, name: &str, browser: &str, now: Timestamp) {
    let code_name = format!("code of {name}");
    assert!(code(registry, &code_name, "shop", browser, now));
    let redeemed =
        registry.redeem_code(&digest(&code_name), &act(now), |_, _| Ok::<_, No>(new_grant(name, now)));
    assert!(matches!(redeemed, Ok(Redeemed::Issued(_))), "{redeemed:?}");
}

/// A family of this name, from the sign-on session of a browser; with its refresh token.
pub(crate) fn family(
    registry: &Registry,
    name: &str,
    browser: &str,
    ends_with_sign_on: bool,
    now: Timestamp,
) -> RefreshToken {
    let code_name = format!("code of {name}");
    assert!(code(registry, &code_name, "mobile-app", browser, now));
    let issue = new_family(name, ends_with_sign_on, now);
    match registry.redeem_code(&digest(&code_name), &act(now), |_, _| Ok::<_, No>(issue)).unwrap() {
        Redeemed::Issued(redemption) => redemption.refresh.unwrap(),
        other => panic!("{other:?}"),
    }
}

pub(crate) fn has_grant(registry: &Registry, name: &str, now: Timestamp) -> bool {
    let by_token = registry.log_on(&digest(name), now).unwrap();
    assert_eq!(by_token, registry.log_on_named(name, now).unwrap());
    by_token.is_some()
}

pub(crate) fn has_family(registry: &Registry, name: &str, now: Timestamp) -> bool {
    registry.access_token(&digest(&format!("access of {name}")), now).unwrap().is_some()
}

/// Everything in the outbox.
pub(crate) fn told(registry: &Registry) -> Vec<Ended> {
    match registry.feed_after(0).unwrap() {
        FeedPage::Rows { rows, .. } => rows.into_iter().map(|told| told.ended).collect(),
        FeedPage::Gap { .. } => panic!("nothing was pruned"),
    }
}
