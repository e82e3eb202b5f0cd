//! The keys in use. The registry has them; here is a copy that is compared with it before each use that counts, so that
//! a key which another process has made or ended is made or ended here too, at once. Must not know who asks.

use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use vestibule_domain::identity::Timestamp;
use vestibule_domain::token::{LIFE_MAX, SKEW};
use vestibule_oauth::jwk::KEYS_MAX;
use vestibule_oauth::jwt::{Signed, Verifier};
use vestibule_oauth::token::{IdToken, Jpt, Jwt};
use vestibule_registry::key::{NewKey, Pkcs8, Purpose, SigningKey};
use vestibule_registry::{Registry, RegistryError};

use crate::Idp;
use crate::keys::{self, KeyUnusable, SigningKeys};

/// How long a key is still verified with that no longer signs: longer than anything lives that it has signed. Those of
/// ID tokens stay longer (`overlap`).
const OVERLAP: Duration = LIFE_MAX.saturating_add(SKEW.saturating_mul(2));

/// How long whoever reads the public keys waits for the registry.
const PUBLISH_MAX: Duration = Duration::from_secs(1);

/// All private keys of the provider.
pub(crate) struct Keys {
    /// For the tokens that services verify.
    pub(crate) services: SigningKeys<Jwt>,
    /// For the tokens that web apps hold.
    pub(crate) jpt: SigningKeys<Jpt>,
    /// Takes those back.
    pub(crate) jpt_verifier: Verifier<Jpt>,
    /// For ID tokens.
    pub(crate) oidc: SigningKeys<IdToken>,
    /// The names of all of them, in the registry's order.
    kids: Vec<String>,
}

/// What the copy is made for.
pub(crate) struct Keyring {
    jpt_issuer: String,
    jpt_audience: String,
    held: RwLock<Arc<Keys>>,
}

impl Keyring {
    /// Takes all keys that there are.
    pub(crate) fn read(
        stored: &[SigningKey],
        jpt_issuer: String,
        jpt_audience: String,
    ) -> Result<Self, KeyUnusable> {
        let held = Keys::read(stored, &jpt_issuer, &jpt_audience)?;
        Ok(Self { jpt_issuer, jpt_audience, held: RwLock::new(Arc::new(held)) })
    }

    /// The copy, as it was last compared.
    pub(crate) fn held(&self) -> Arc<Keys> {
        Arc::clone(&self.held.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// The keys as the registry has them now. Blocks.
    pub(crate) fn as_of(&self, registry: &Registry, now: Timestamp) -> Result<Arc<Keys>, RegistryError> {
        let held = self.held();
        // The names tell everything: which there are, and by their order which of them sign.
        if held.kids == registry.kids(now)? {
            return Ok(held);
        }
        let read = Keys::read(&registry.keys(now)?, &self.jpt_issuer, &self.jpt_audience);
        let read = Arc::new(read.map_err(|unusable| RegistryError::Inconsistent(unusable.to_string()))?);
        *self.held.write().unwrap_or_else(PoisonError::into_inner) = Arc::clone(&read);
        Ok(read)
    }
}

impl Keys {
    fn read(stored: &[SigningKey], jpt_issuer: &str, jpt_audience: &str) -> Result<Self, KeyUnusable> {
        let jpt: SigningKeys<Jpt> = of(stored, Purpose::Jpt)?;
        Ok(Self {
            services: of(stored, Purpose::Services)?,
            jpt_verifier: jpt.verifier(jpt_issuer, jpt_audience),
            jpt,
            oidc: of(stored, Purpose::Oidc)?,
            kids: stored.iter().map(|key| key.kid.clone()).collect(),
        })
    }
}

impl Idp {
    /// How long a key of this purpose is still verified with when it no longer signs.
    pub(crate) fn overlap(&self, purpose: Purpose) -> Duration {
        match purpose {
            Purpose::Services | Purpose::Jpt => OVERLAP,
            // An ID token comes back as a hint long after it has expired (`asked.rs`), as long as there may be a sign-on
            // session from before the rotation. Until then its key is published too: what it has signed has expired.
            Purpose::Oidc => OVERLAP.max(self.limits.log_on),
        }
    }

    /// The keys as the registry has them now, or the copy if it does not say so in time: for what anybody may read, one
    /// after another, so that a crowd takes no place from those who log in.
    pub(crate) async fn published_keys(&self) -> Arc<Keys> {
        let read = async {
            let _turn = self.reading_keys.lock().await;
            let (keyring, now) = (Arc::clone(&self.keyring), self.clock.wall());
            self.ledger.call(move |registry| keyring.as_of(registry, now)).await
        };
        match tokio::time::timeout(PUBLISH_MAX, read).await {
            Ok(Ok(keys)) => keys,
            _ => self.keyring.held(),
        }
    }
}

/// A new key for the registry.
pub(crate) fn new_key(new: keys::NewKey, purpose: Purpose) -> NewKey {
    NewKey {
        kid: new.kid,
        purpose,
        algorithm: new.algorithm.to_owned(),
        pkcs8: Pkcs8::new(&new.pkcs8),
        public_jwk: new.public_jwk,
    }
}

fn of<T: Signed>(stored: &[SigningKey], purpose: Purpose) -> Result<SigningKeys<T>, KeyUnusable> {
    let mine: Vec<_> = stored.iter().filter(|key| key.purpose == purpose).collect();
    // Who rotates more often than a document has room for gives up the oldest, not the provider.
    let newest = &mine[mine.len().saturating_sub(KEYS_MAX)..];
    SigningKeys::read(newest.iter().map(|key| key.pkcs8.expose()))
}
