//! The private keys: one set per kind of token, made at the first start, used by the only signer there is.
//! A set signs its own kind and no other, by its type. RFC 7515, RFC 7518 3.4. Must not know what claims mean.

use std::marker::PhantomData;

use aws_lc_rs::error::{KeyRejected, Unspecified};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};
use vestibule_oauth::jwk::{KeyRefused, KeySet, PublicKey};
use vestibule_oauth::jwt::{Signed, Unsigned, Verifier};

/// The keys of one kind of token: the newest signs, all of them are published.
pub(crate) struct SigningKeys<T> {
    pair: EcdsaKeyPair,
    public: PublicKey,
    published: KeySet,
    kind: PhantomData<fn() -> T>,
}

/// A new private key on its way to the registry.
pub(crate) struct NewKey {
    /// Its name: the thumbprint of its public half (RFC 7638).
    pub(crate) kid: String,
    /// What it signs with (RFC 7518 3.1).
    pub(crate) algorithm: &'static str,
    /// PKCS#8, version 1.
    pub(crate) pkcs8: Vec<u8>,
    /// Its public half, as a JWK Set of one.
    pub(crate) public_jwk: String,
}

/// Why stored keys cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeyUnusable {
    /// No key at all.
    #[error("no signing key")]
    Missing,
    /// Not a P-256 key in PKCS#8.
    #[error("a stored signing key cannot be read: {0}")]
    Private(String),
    /// The public half does not pass.
    #[error("a stored signing key cannot be published: {0}")]
    Public(#[from] KeyRefused),
}

/// Why there is no signature. Neither depends on who asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum SigningFailed {
    /// The cryptographic library could not.
    #[error("the key could not sign")]
    Key,
    /// The claims are too long for a token that anybody would take.
    #[error("the token would be too long")]
    TooLong,
}

impl NewKey {
    /// A new P-256 key. Its randomness is the library's own: a seeded one has no business here.
    pub(crate) fn generate() -> Result<Self, Unspecified> {
        let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING)?;
        let public = PublicKey::es256(pair.public_key().as_ref()).map_err(|_| Unspecified)?;
        Ok(Self {
            kid: public.kid().to_owned(),
            algorithm: public.alg().as_str(),
            pkcs8: pair.to_pkcs8v1()?.as_ref().to_vec(),
            public_jwk: KeySet::of(vec![public]).map_err(|_| Unspecified)?.to_json(),
        })
    }
}

impl<T: Signed> SigningKeys<T> {
    /// Takes stored keys, oldest first.
    pub(crate) fn read<'a>(stored: impl IntoIterator<Item = &'a [u8]>) -> Result<Self, KeyUnusable> {
        let mut newest = None;
        let mut published = Vec::new();
        for pkcs8 in stored {
            let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, pkcs8)
                .map_err(|rejected: KeyRejected| KeyUnusable::Private(rejected.to_string()))?;
            let public = PublicKey::es256(pair.public_key().as_ref())?;
            published.push(public.clone());
            newest = Some((pair, public));
        }
        let (pair, public) = newest.ok_or(KeyUnusable::Missing)?;
        Ok(Self { pair, public, published: KeySet::of(published)?, kind: PhantomData })
    }

    /// The token that says this.
    pub(crate) fn sign(&self, claims: &T::Claims) -> Result<T, SigningFailed> {
        let unsigned = Unsigned::<T>::new(&self.public, claims);
        let signature = self.pair.sign(&SystemRandom::new(), unsigned.signing_input());
        let signature = signature.map_err(|_| SigningFailed::Key)?;
        unsigned.assemble(signature.as_ref()).map_err(|_| SigningFailed::TooLong)
    }

    /// Name of the key that signs.
    pub(crate) fn kid(&self) -> &str {
        self.public.kid()
    }

    /// The JWK Set that verifiers of this kind read.
    pub(crate) fn document(&self) -> String {
        self.published.to_json()
    }

    /// Takes back what these keys have signed.
    pub(crate) fn verifier(&self, issuer: &str, audience: &str) -> Verifier<T> {
        Verifier::new(issuer.to_owned(), audience.to_owned(), self.published.clone())
    }
}

#[cfg(test)]
mod tests;
