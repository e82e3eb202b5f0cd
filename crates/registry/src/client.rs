//! OAuth clients: what they are, where answers to them may go, what they may be given. Decides nothing about them.

use vestibule_domain::identity::SiteId;
use vestibule_domain::scope::ByStanding;
use vestibule_domain::standing::Standing;
use vestibule_oauth::redirect_uri::RedirectUri;
use vestibule_oauth::scope::ScopeSet;
use vestibule_ports::issuer::{Cause, Ended};

use crate::audit::{self, Act, Entry, Event};
use crate::credential::SecretHash;
use crate::outbox;
use crate::registry::Registry;
use crate::sql::{RegistryError, Row, Snapshot, Tx, binds, column, stored_words};
use crate::user::list;

stored_words! {
    /// What a client is.
    ClientKind {
        /// Runs where secrets cannot be kept (RFC 6749 2.1).
        Public = "public",
        /// Keeps a secret.
        Confidential = "confidential",
    }
}

stored_words! {
    /// What a client may present at the token endpoint.
    GrantType {
        /// RFC 6749 4.1
        AuthorizationCode = "authorization_code",
        /// RFC 6749 6
        RefreshToken = "refresh_token",
        /// RFC 6749 4.4
        ClientCredentials = "client_credentials",
    }
}

/// A client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Client {
    /// `client_id`.
    pub id: String,
    /// The name that people read.
    pub name: String,
    /// What it is.
    pub kind: ClientKind,
    /// What its secret is compared with. Public clients have none.
    pub secret: Option<SecretHash>,
    /// Where answers may be sent.
    pub redirect_uris: Vec<RedirectUri>,
    /// What it may present at the token endpoint.
    pub grant_types: Vec<GrantType>,
    /// What it may be given for itself.
    pub own_scopes: ScopeSet,
    /// What it may be given for a visitor.
    pub scopes: ByStanding,
    /// Whether it is the house's own and needs no consent.
    pub first_party: bool,
    /// The site that it acts for, of a log-on client or an anonymous client.
    pub site: Option<SiteId>,
}

macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT id, name, kind, secret, redirect_uris, grant_types, scopes_own, scopes_anonymous, \
             scopes_returning, scopes_logged_on, first_party, site FROM clients ",
            $rest
        )
    };
}

impl Registry {
    /// The client with this `client_id`.
    pub fn client(&self, id: &str) -> Result<Option<Client>, RegistryError> {
        self.read(|snapshot| by_id(snapshot, id))
    }

    /// All clients, in the order of their identifiers.
    pub fn clients(&self) -> Result<Vec<Client>, RegistryError> {
        self.read(|snapshot| snapshot.all(select!("ORDER BY id"), &[], client))
    }

    /// Makes the clients what the configuration says, and removes those that it no longer names, with everything of
    /// theirs. There is no other way to register one.
    pub fn configure_clients(&self, clients: &[Client], act: &Act<'_>) -> Result<(), RegistryError> {
        self.write(|tx| {
            let known = tx.all("SELECT id FROM clients", &[], |row| row.get::<String>("id"))?;
            for id in known.iter().filter(|id| clients.iter().all(|client| client.id != **id)) {
                remove(tx, id, act)?;
            }
            clients.iter().try_for_each(|client| put(tx, client, act))
        })
    }
}

fn by_id(snapshot: &Snapshot<'_>, id: &str) -> Result<Option<Client>, RegistryError> {
    snapshot.one(select!("WHERE id = $1"), binds![id], client)
}

/// Writes a client, unless it is the same already: a restart leaves no trace in the audit.
fn put(tx: &Tx<'_>, client: &Client, act: &Act<'_>) -> Result<(), RegistryError> {
    if by_id(tx, &client.id)?.is_some_and(|known| known == *client) {
        return Ok(());
    }
    let uris: Vec<_> = client.redirect_uris.iter().map(|uri| uri.as_str().to_owned()).collect();
    let grant_types: Vec<_> = client.grant_types.iter().map(|word| word.as_str().to_owned()).collect();
    let of = |standing| client.scopes.of(standing).to_string();
    tx.execute(
        "INSERT INTO clients (id, name, kind, secret, redirect_uris, grant_types, scopes_own, scopes_anonymous, \
         scopes_returning, scopes_logged_on, first_party, site) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) \
         ON CONFLICT (id) DO UPDATE SET name = excluded.name, kind = excluded.kind, secret = excluded.secret, \
         redirect_uris = excluded.redirect_uris, grant_types = excluded.grant_types, \
         scopes_own = excluded.scopes_own, scopes_anonymous = excluded.scopes_anonymous, \
         scopes_returning = excluded.scopes_returning, scopes_logged_on = excluded.scopes_logged_on, \
         first_party = excluded.first_party, site = excluded.site",
        binds![
            &client.id,
            &client.name,
            client.kind,
            client.secret.as_ref(),
            &list(&uris),
            &list(&grant_types),
            &client.own_scopes.to_string(),
            &of(Standing::Anonymous),
            &of(Standing::Returning),
            &of(Standing::LoggedOn),
            client.first_party,
            client.site.as_ref(),
        ],
    )?;
    audit::append(tx, act, &Entry { client: Some(&client.id), ..Entry::of(Event::ClientConfigured) })
}

/// Codes, grants and families go with their client.
fn remove(tx: &Tx<'_>, id: &str, act: &Act<'_>) -> Result<(), RegistryError> {
    tx.execute("DELETE FROM clients WHERE id = $1", binds![id])?;
    outbox::announce(tx, act.at, &Ended::Client(id.to_owned()), Cause::Revoked)?;
    audit::append(tx, act, &Entry { client: Some(id), ..Entry::of(Event::ClientRemoved) })
}

fn client(row: &Row<'_, '_>) -> Result<Client, RegistryError> {
    let id: String = row.get("id")?;
    let scopes = ByStanding::new(
        row.get("scopes_anonymous")?,
        row.get("scopes_returning")?,
        row.get("scopes_logged_on")?,
    );
    let scopes =
        scopes.map_err(|_| RegistryError::Inconsistent(format!("the scopes of client {id} break a rule")))?;
    Ok(Client {
        id,
        name: row.get("name")?,
        kind: row.get("kind")?,
        secret: row.get("secret")?,
        redirect_uris: row.get("redirect_uris")?,
        grant_types: row.get("grant_types")?,
        own_scopes: row.get("scopes_own")?,
        scopes,
        first_party: row.get("first_party")?,
        site: row.get("site")?,
    })
}

column! {
    Vec<GrantType>: Vec<String>, |words| words.iter().map(|word| GrantType::of_word(word)).collect();
}
