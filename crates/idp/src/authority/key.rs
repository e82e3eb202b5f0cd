//! Orders about signing keys. A new key is in the registry before it signs, and an ended one is out of it before the
//! order is acknowledged; whoever signs or verifies looks there (`keyring`).

use aws_lc_rs::error::Unspecified;
use vestibule_ports::authority::{AuthorityError, KeyPurpose, SigningKey};
use vestibule_registry::audit::Act;
use vestibule_registry::key::{self, KeyEnd, Purpose};

use crate::Idp;
use crate::keyring::new_key;
use crate::keys::NewKey;

impl Idp {
    pub(super) async fn all_keys(&self) -> Result<Vec<SigningKey>, AuthorityError> {
        let now = self.clock.wall();
        let keys = self.ledger.call(move |registry| registry.keys(now)).await?;
        Ok(keys.into_iter().map(shown).collect())
    }

    pub(super) async fn rotate(&self, purpose: KeyPurpose, by: &str) -> Result<SigningKey, AuthorityError> {
        let new = new_key(NewKey::generate().map_err(no_key)?, stored(purpose));
        let (at, by) = (self.clock.wall(), by.to_owned());
        let retire_at = at + self.overlap(new.purpose);
        let (kid, algorithm) = (new.kid.clone(), new.algorithm.clone());
        self.ledger
            .call(move |registry| registry.rotate_key(&new, retire_at, &Act { at, by: &by, from: None }))
            .await?;
        Ok(SigningKey { kid, purpose, algorithm, created_at: at, retires_at: None })
    }

    pub(super) async fn end_one_key(&self, kid: &str, by: &str) -> Result<Option<String>, AuthorityError> {
        // Made before it is known whether it is needed: in the transaction nothing should be left that can fail.
        let spare = NewKey::generate().map_err(no_key)?;
        let (kid, at, by) = (kid.to_owned(), self.clock.wall(), by.to_owned());
        let ended = self.ledger.ending(move |registry| {
            let act = Act { at, by: &by, from: None };
            registry.end_key(&kid, &act, |purpose| new_key(spare, purpose))
        });
        match ended.await? {
            KeyEnd::Done { successor } => Ok(successor),
            KeyEnd::Unknown => Err(AuthorityError::NotFound),
        }
    }
}

fn no_key(_: Unspecified) -> AuthorityError {
    AuthorityError::Bug("no signing key could be made".to_owned())
}

fn stored(purpose: KeyPurpose) -> Purpose {
    match purpose {
        KeyPurpose::Services => Purpose::Services,
        KeyPurpose::Jpt => Purpose::Jpt,
        KeyPurpose::Oidc => Purpose::Oidc,
    }
}

fn shown(key: key::SigningKey) -> SigningKey {
    let purpose = match key.purpose {
        Purpose::Services => KeyPurpose::Services,
        Purpose::Jpt => KeyPurpose::Jpt,
        Purpose::Oidc => KeyPurpose::Oidc,
    };
    let key::SigningKey { kid, algorithm, created_at, retire_at, .. } = key;
    SigningKey { kid, purpose, algorithm, created_at, retires_at: retire_at }
}
