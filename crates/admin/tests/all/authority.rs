//! An authority that remembers what it was told, with a switch for faults.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard};

use async_trait::async_trait;
use vestibule_domain::identity::{Timestamp, UserId};
use vestibule_ports::authority::{Authority, AuthorityError, NewUser, Password, USERS_PAGE_MAX, User};
use vestibule_ports::issuer::End;

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
            name: None,
            email: None,
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

#[async_trait]
impl Authority for Users {
    async fn create_user(&self, user: NewUser, by: &str) -> Result<UserId, AuthorityError> {
        let mut state = self.healthy()?;
        if state.users.values().any(|known| known.login == user.login) {
            return Err(AuthorityError::Taken);
        }
        let told = format!("{} {:?} {:?} [{}]", user.login, user.name, user.email, user.scopes);
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

    async fn revoke(&self, end: End, by: &str) -> Result<(), AuthorityError> {
        let End::User(user) = end else {
            return Err(AuthorityError::Bug("only users are revoked here".into()));
        };
        self.carry_out(&user, "revoke", by)
    }
}
