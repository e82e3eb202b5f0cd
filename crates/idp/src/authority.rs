//! Administration in this process: users, their ends, their trail, and keys. Each order is one transaction with its
//! audit record.
//! Must not know who may give orders; that is checked where they come in.

mod key;

use async_trait::async_trait;
use vestibule_domain::identity::UserId;
use vestibule_domain::scope::check_grammar;
use vestibule_ports::authority::{
    self, Authority, AuthorityError, KeyPurpose, NewUser, Password, ProfileChange, SigningKey, TrailRecord,
    User,
};
use vestibule_ports::entropy::random;
use vestibule_ports::issuer::{Cause, End};
use vestibule_registry::audit::{self, Act, Subject};
use vestibule_registry::credential::PasswordHash;
use vestibule_registry::login_name::LoginName;
use vestibule_registry::user::{self, Changed, Created, Profile};

use crate::Idp;
use crate::passwords::{self, Busy};
use crate::reply::Unavailable;

#[async_trait]
impl Authority for Idp {
    async fn create_user(&self, user: NewUser, by: &str) -> Result<UserId, AuthorityError> {
        let login = LoginName::parse(&user.login).map_err(refused)?;
        let scopes = user.scopes;
        scopes.iter().try_for_each(check_grammar).map_err(refused)?;
        let password = self.new_password(&user.password, login.as_str()).await?;
        let profile = kept(user.profile);
        let id = UserId::from_random(&random(&*self.entropy));
        let (at, by, created_id) = (self.clock.wall(), by.to_owned(), id.clone());
        let created = self.ledger.call(move |registry| {
            let new = user::NewUser {
                id: &created_id,
                login: &login,
                login_typed: user.login.trim(),
                password: &password,
                profile: &profile,
                scopes: &scopes,
            };
            registry.create_user(&new, &Act { at, by: &by, from: None })
        });
        match created.await? {
            Created::Done => Ok(id),
            Created::Taken => Err(AuthorityError::Taken),
        }
    }

    async fn users(&self, after: Option<UserId>) -> Result<Vec<User>, AuthorityError> {
        let users = self.ledger.call(move |registry| registry.users(after.as_ref())).await?;
        Ok(users.into_iter().map(shown).collect())
    }

    async fn find_user(&self, login: &str) -> Result<Option<User>, AuthorityError> {
        // What can be no name is nobody's.
        let Ok(login) = LoginName::parse(login) else { return Ok(None) };
        let found = self.ledger.call(move |registry| registry.credentials(&login)).await?;
        Ok(found.map(|credentials| shown(credentials.user)))
    }

    async fn set_disabled(&self, user: &UserId, disabled: bool, by: &str) -> Result<(), AuthorityError> {
        let (user, at, by) = (user.clone(), self.clock.wall(), by.to_owned());
        let known = self.ledger.ending(move |registry| {
            let act = Act { at, by: &by, from: None };
            if disabled {
                registry.disable_user(&user, &act).map(|changed| changed != Changed::Unknown)
            } else {
                registry.enable_user(&user, &act)
            }
        });
        if known.await? { Ok(()) } else { Err(AuthorityError::NotFound) }
    }

    async fn set_password(&self, user: &UserId, password: Password, by: &str) -> Result<(), AuthorityError> {
        let id = user.clone();
        let found = self.ledger.call(move |registry| registry.user(&id)).await?;
        let login = found.ok_or(AuthorityError::NotFound)?.login;
        let hash = self.new_password(&password, &login).await?;
        let (user, at, by) = (user.clone(), self.clock.wall(), by.to_owned());
        let changed = self.ledger.ending(move |registry| {
            registry.set_password(&user, &hash, None, &Act { at, by: &by, from: None })
        });
        ended(changed.await?)
    }

    async fn set_profile(
        &self,
        user: &UserId,
        change: ProfileChange,
        by: &str,
    ) -> Result<(), AuthorityError> {
        let (user, at, by) = (user.clone(), self.clock.wall(), by.to_owned());
        let known = self.ledger.ending(move |registry| {
            let act = Act { at, by: &by, from: None };
            registry.change_profile(&user, &act, |profile| changed(profile, change))
        });
        if known.await? { Ok(()) } else { Err(AuthorityError::NotFound) }
    }

    async fn trail(&self, user: &UserId, before: Option<u64>) -> Result<Vec<TrailRecord>, AuthorityError> {
        let user = user.clone();
        let records = self.ledger.call(move |registry| {
            // Nobody's trail is empty too, and that must not pass for an answer.
            let Some(_) = registry.user(&user)? else { return Ok(None) };
            registry.audit(Subject::User(&user), before).map(Some)
        });
        let records = records.await?.ok_or(AuthorityError::NotFound)?;
        Ok(records.into_iter().map(told).collect())
    }

    async fn revoke(&self, end: End, by: &str) -> Result<(), AuthorityError> {
        Ok(self.commit_end(end, Cause::Revoked, by).await?)
    }

    async fn keys(&self) -> Result<Vec<SigningKey>, AuthorityError> {
        self.all_keys().await
    }

    async fn rotate_key(&self, purpose: KeyPurpose, by: &str) -> Result<SigningKey, AuthorityError> {
        self.rotate(purpose, by).await
    }

    async fn end_key(&self, kid: &str, by: &str) -> Result<Option<String>, AuthorityError> {
        self.end_one_key(kid, by).await
    }
}

impl Idp {
    /// The hash of a password that will do, whoever chose it.
    async fn new_password(&self, password: &Password, login: &str) -> Result<PasswordHash, AuthorityError> {
        let password = passwords::typed(password.expose()).map_err(refused)?;
        passwords::check_new(&password, login).map_err(refused)?;
        let hash = self.passwords.hash(password, &*self.entropy).await;
        Ok(PasswordHash::new(&hash.map_err(|Busy| Unavailable::Busy)?))
    }
}

impl From<Unavailable> for AuthorityError {
    fn from(unavailable: Unavailable) -> Self {
        match unavailable {
            Unavailable::Busy | Unavailable::Registry(_) => Self::Unreachable(unavailable.to_string()),
            Unavailable::Bug(text) => Self::Bug(text),
        }
    }
}

fn ended(changed: Changed) -> Result<(), AuthorityError> {
    match changed {
        Changed::Done(_) => Ok(()),
        Changed::Unknown => Err(AuthorityError::NotFound),
        Changed::Moved => Err(AuthorityError::Bug("no epoch was expected".to_owned())),
    }
}

fn refused<E: std::error::Error>(refused: E) -> AuthorityError {
    AuthorityError::Refused(refused.to_string())
}

fn shown(user: user::User) -> User {
    let Profile { name, locale, email, email_verified: _, roles } = user.profile;
    User {
        id: user.id,
        login: user.login,
        profile: authority::Profile { name, locale, email, roles },
        disabled: user.disabled_at.is_some(),
        created_at: user.created_at,
    }
}

/// A profile as the registry keeps it. Nobody has shown yet that he reads mail at the address.
fn kept(profile: authority::Profile) -> Profile {
    let authority::Profile { name, locale, email, roles } = profile;
    Profile { name, locale, email, email_verified: false, roles }
}

/// The profile after a change: what it does not name stays.
fn changed(profile: Profile, change: ProfileChange) -> Profile {
    let next = |old: Option<String>, new: Option<String>| {
        new.map_or(old, |new| Some(new).filter(|new| !new.is_empty()))
    };
    let email = next(profile.email.clone(), change.email);
    Profile {
        name: next(profile.name, change.name),
        locale: next(profile.locale, change.locale),
        // It was shown for that address and no other.
        email_verified: profile.email_verified && email == profile.email,
        email,
        roles: change.roles.unwrap_or(profile.roles),
    }
}

fn told(record: audit::Record) -> TrailRecord {
    TrailRecord {
        id: record.id,
        at: record.at,
        by: record.by,
        from: record.from,
        what: record.event.sentence(),
        client: record.client,
        session: record.session,
        note: record.note,
    }
}
