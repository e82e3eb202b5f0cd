//! The scopes there are, and those that every user has. Must not know who gets which.

use vestibule_oauth::scope::{Scope, ScopeSet};

use crate::audit::{self, Act, Entry, Event};
use crate::registry::Registry;
use crate::sql::{RegistryError, Snapshot, binds};

/// The list of scopes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Scopes {
    /// All that clients may be registered with.
    pub known: ScopeSet,
    /// Those that every user has besides his own.
    pub everyone: ScopeSet,
}

impl Registry {
    /// The list of scopes.
    pub fn scopes(&self) -> Result<Scopes, RegistryError> {
        self.read(load)
    }

    /// Replaces the list of scopes. Writes nothing if it is the same. A scope for everyone is a known one.
    pub fn configure_scopes(&self, scopes: &Scopes, act: &Act<'_>) -> Result<(), RegistryError> {
        let known = scopes.known.union(&scopes.everyone);
        let wanted = Scopes { known, everyone: scopes.everyone.clone() };
        self.write(|tx| {
            if load(tx)? == wanted {
                return Ok(());
            }
            tx.execute("DELETE FROM scopes", &[])?;
            for scope in wanted.known.iter() {
                let for_everyone = wanted.everyone.contains(scope.as_str());
                tx.execute(
                    "INSERT INTO scopes (name, for_everyone) VALUES ($1, $2)",
                    binds![scope.as_str(), for_everyone],
                )?;
            }
            audit::append(tx, act, &Entry::of(Event::ScopesConfigured))
        })
    }
}

fn load(snapshot: &Snapshot<'_>) -> Result<Scopes, RegistryError> {
    let rows = snapshot.all("SELECT name, for_everyone FROM scopes", &[], |row| {
        let name: String = row.get("name")?;
        let scope = Scope::parse(&name);
        let scope = scope.map_err(|_| RegistryError::Inconsistent(format!("{name:?} is no scope")))?;
        Ok((scope, row.get::<bool>("for_everyone")?))
    })?;
    let everyone = rows.iter().filter(|(_, for_everyone)| *for_everyone).map(|(scope, _)| scope.clone());
    Ok(Scopes { everyone: everyone.collect(), known: rows.into_iter().map(|(scope, _)| scope).collect() })
}
