//! An authority that remembers what it was told, with a switch for faults.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard};
use std::time::Duration;

use async_trait::async_trait;
use vestibule_domain::identity::{Timestamp, UserId};
use vestibule_ports::authority::{
    Authority, AuthorityError, KeyPurpose, NewUser, Password, Profile, ProfileChange, SigningKey,
    TRAIL_PAGE_MAX, TrailRecord, USERS_PAGE_MAX, User,
};
use vestibule_ports::issuer::End;

/// How many records each user's trail has.
pub(crate) const RECORDS: u64 = 201;

/// Users in this process.
#[derive(Default)]
pub(crate) struct Users(Mutex<State>);

#[derive(Default)]
struct State {
    users: BTreeMap<UserId, User>,
    orders: Vec<String>,
    fault: Option<AuthorityError>,
}

impl Users {
    /// From here on every call fails like this.
    pub(crate) fn fail(&self, fault: AuthorityError) {
        self.state().fault = Some(fault);
    }

    /// What was carried out, in order.
    pub(crate) fn orders(&self) -> Vec<String> {
        self.state().orders.clone()
    }

    /// A user who is simply there.
    pub(crate) fn add(&self, id: &str, login: &str) {
        let id = UserId::parse(id).unwrap();
        let user = User {
            id: id.clone(),
            login: login.to_owned(),
            profile: Profile::default(),
            disabled: false,
            created_at: Timestamp::from_secs(1_800_000_000),
        };
        self.state().users.insert(id, user);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap()
    }

    fn healthy(&self) -> Result<MutexGuard<'_, State>, AuthorityError> {
        let state = self.state();
        match &state.fault {
            Some(fault) => Err(fault.clone()),
            None => Ok(state),
        }
    }

    fn carry_out(&self, user: &UserId, order: &str, by: &str) -> Result<(), AuthorityError> {
        let mut state = self.healthy()?;
        if !state.users.contains_key(user) {
            return Err(AuthorityError::NotFound);
        }
        state.orders.push(format!("{order} {user} by {by}"));
        Ok(())
    }
}

/// A signing key that retires so many seconds after it was made, or signs.
fn key(retires_after: Option<u64>) -> SigningKey {
    let created_at = Timestamp::from_secs(1_800_000_000);
    SigningKey {
        kid: "k".to_owned(),
        purpose: KeyPurpose::Jpt,
        algorithm: "ES256".to_owned(),
        created_at,
        retires_at: retires_after.map(|seconds| created_at + Duration::from_secs(seconds)),
    }
}

#[async_trait]
impl Authority for Users {
    async fn create_user(&self, user: NewUser, by: &str) -> Result<UserId, AuthorityError> {
        let mut state = self.healthy()?;
        if state.users.values().any(|known| known.login == user.login) {
            return Err(AuthorityError::Taken);
        }
        let Profile { name, locale, email, roles } = user.profile;
        let told = format!("{} {name:?} {email:?} {locale:?} {roles:?} [{}]", user.login, user.scopes);
        state.orders.push(format!("create {told} with {} by {by}", user.password.expose()));
        drop(state);
        self.add("new", &user.login);
        Ok(UserId::parse("new").unwrap())
    }

    async fn users(&self, after: Option<UserId>) -> Result<Vec<User>, AuthorityError> {
        let state = self.healthy()?;
        let users = state.users.values().filter(|user| after.as_ref().is_none_or(|after| user.id > *after));
        Ok(users.take(USERS_PAGE_MAX).cloned().collect())
    }

    async fn find_user(&self, login: &str) -> Result<Option<User>, AuthorityError> {
        Ok(self.healthy()?.users.values().find(|user| user.login == login).cloned())
    }

    async fn set_disabled(&self, user: &UserId, disabled: bool, by: &str) -> Result<(), AuthorityError> {
        self.carry_out(user, if disabled { "disable" } else { "enable" }, by)
    }

    async fn set_password(&self, user: &UserId, password: Password, by: &str) -> Result<(), AuthorityError> {
        self.carry_out(user, &format!("password {}", password.expose()), by)
    }

    async fn set_profile(
        &self,
        user: &UserId,
        change: ProfileChange,
        by: &str,
    ) -> Result<(), AuthorityError> {
        let ProfileChange { name, locale, email, roles } = change;
        self.carry_out(user, &format!("set {name:?} {locale:?} {email:?} {roles:?} of"), by)
    }

    async fn trail(&self, user: &UserId, before: Option<u64>) -> Result<Vec<TrailRecord>, AuthorityError> {
        let state = self.healthy()?;
        let at = state.users.get(user).ok_or(AuthorityError::NotFound)?.created_at;
        let record = |id: u64| TrailRecord {
            id,
            at,
            by: "test".to_owned(),
            from: None,
            what: "The user was created.",
            client: None,
            session: None,
            note: None,
        };
        Ok((1..before.unwrap_or(RECORDS + 1)).rev().map(record).take(TRAIL_PAGE_MAX).collect())
    }

    async fn revoke(&self, end: End, by: &str) -> Result<(), AuthorityError> {
        let End::User { id: user, .. } = end else {
            return Err(AuthorityError::Bug("only users are revoked here".into()));
        };
        self.carry_out(&user, "revoke", by)
    }

    async fn keys(&self) -> Result<Vec<SigningKey>, AuthorityError> {
        drop(self.healthy()?);
        Ok(vec![key(Some(3)), key(None)])
    }

    async fn rotate_key(&self, purpose: KeyPurpose, by: &str) -> Result<SigningKey, AuthorityError> {
        self.healthy()?.orders.push(format!("rotate {} by {by}", purpose.as_str()));
        Ok(SigningKey { purpose, ..key(None) })
    }

    async fn end_key(&self, kid: &str, by: &str) -> Result<Option<String>, AuthorityError> {
        if kid != "k" {
            return Err(AuthorityError::NotFound);
        }
        self.healthy()?.orders.push(format!("end {kid} by {by}"));
        Ok(Some("next".to_owned()))
    }
}
