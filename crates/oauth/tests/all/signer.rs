//! A signer that signs whatever a test wants, good or not.

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use vestibule_oauth::jwk::{KeySet, PublicKey};
use vestibule_oauth::jwt::{Signed, Unsigned};

pub(crate) struct Signer {
    pair: Ed25519KeyPair,
}

impl Signer {
    pub(crate) fn new(seed: u8) -> Self {
        Self { pair: Ed25519KeyPair::from_seed_unchecked(&[seed; 32]).expect("any 32 bytes are a seed") }
    }

    pub(crate) fn public_key(&self) -> PublicKey {
        PublicKey::eddsa(self.pair.public_key().as_ref()).expect("a fresh public key is valid")
    }

    pub(crate) fn keys(&self) -> KeySet {
        KeySet::of(vec![self.public_key()]).expect("one key has no twin")
    }

    /// A token as the issuer makes it.
    pub(crate) fn sign<T: Signed>(&self, claims: &T::Claims) -> T {
        let unsigned = Unsigned::<T>::new(&self.public_key(), claims);
        let signature = self.pair.sign(unsigned.signing_input());
        unsigned.assemble(signature.as_ref()).expect("the claims of tests are short")
    }

    /// A token of any header and payload; `KID` in the header stands for this signer's key.
    pub(crate) fn forge(&self, header: &str, payload: &[u8]) -> String {
        let header = header.replace("KID", self.public_key().kid());
        self.seal(&format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(payload)))
    }

    /// Any text with a good signature over it.
    pub(crate) fn seal(&self, signed: &str) -> String {
        format!("{signed}.{}", URL_SAFE_NO_PAD.encode(self.pair.sign(signed.as_bytes())))
    }
}
