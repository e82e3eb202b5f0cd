//! JSON Web Signature in its compact form, for the tokens of one issuer: what we sign, and what we take.
//! RFC 7515 3.1, 4.1, 5 and 7.1; RFC 8725 3. Must not know claims. Nothing named in a header is ever fetched.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::es256;
use crate::json::Object;
use crate::jwk::{Alg, KeySet, PublicKey, is_kid};
use crate::token::{Malformed, SIGNED_BYTES_MAX};

/// Longest header, in bytes of its JSON.
pub const HEADER_BYTES_MAX: usize = 1024;

/// Header parameters that change what is signed or what the payload is. Those that only offer keys
/// (`jwk`, `jku`, `x5u`, `x5c`) are ignored like unknown ones.
const REFUSED_PARAMETERS: [&str; 5] = ["crit", "b64", "zip", "enc", "cty"];

/// Why a token's envelope is refused. The caller of a door learns only that the token is invalid.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum JwsRefused {
    /// Too long, not three parts, not canonical base64url, or a header that is not strict JSON.
    #[error("malformed compact serialisation")]
    Malformed,
    /// `crit`, `b64`, `zip`, `enc` or `cty`.
    #[error("a header parameter is not supported")]
    Parameter,
    /// `typ` is missing or another kind of token's.
    #[error("typ is not the expected one")]
    Typ,
    /// No key of this `kid`: perhaps a new one, so the key set may be read again, at a bounded rate.
    #[error("unknown kid")]
    KidUnknown,
    /// `alg` is not the one pinned to the key.
    #[error("alg is not the key's")]
    Alg,
    /// The signature is not this key's over this text.
    #[error("wrong signature")]
    Signature,
}

/// Header and payload, ready to be signed by whoever has the private key.
#[derive(Debug, Clone)]
pub struct SigningInput {
    text: String,
    alg: Alg,
}

impl SigningInput {
    /// Encodes a payload for the key that will sign it.
    pub fn new(key: &PublicKey, typ: &str, payload: &[u8]) -> Self {
        let alg = key.alg();
        let header = serde_json::json!({ "alg": alg, "kid": key.kid(), "typ": typ }).to_string();
        let text = format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(payload));
        Self { text, alg }
    }

    /// The bytes to sign (RFC 7515 5.1).
    pub fn as_bytes(&self) -> &[u8] {
        self.text.as_bytes()
    }

    /// The token, given the signature over these bytes. One of ES256 is brought to its low form.
    pub fn assemble(self, signature: &[u8]) -> Result<String, Malformed> {
        let signature = match self.alg {
            Alg::Es256 => {
                let fixed = signature.try_into().map_err(|_| Malformed)?;
                URL_SAFE_NO_PAD.encode(es256::to_low(fixed))
            }
            Alg::EdDsa | Alg::Rs256 => URL_SAFE_NO_PAD.encode(signature),
        };
        Ok(format!("{}.{signature}", self.text))
    }
}

/// Checks a token's envelope and returns its payload.
pub fn verify(keys: &KeySet, typ: &str, token: &str) -> Result<Vec<u8>, JwsRefused> {
    if token.len() > SIGNED_BYTES_MAX {
        return Err(JwsRefused::Malformed);
    }
    let (signed, signature) = token.rsplit_once('.').ok_or(JwsRefused::Malformed)?;
    let (header, payload) = signed.split_once('.').ok_or(JwsRefused::Malformed)?;
    let key = key_of_header(keys, typ, &decode(header)?)?;
    // A third dot would be in the payload, where base64url does not have it.
    let payload = decode(payload)?;
    let signature = decode(signature)?;
    if key.alg() == Alg::Es256 && !es256::is_low(&signature) {
        return Err(JwsRefused::Signature);
    }
    if key.verifies(signed.as_bytes(), &signature) { Ok(payload) } else { Err(JwsRefused::Signature) }
}

fn key_of_header<'k>(keys: &'k KeySet, typ: &str, header: &[u8]) -> Result<&'k PublicKey, JwsRefused> {
    if header.len() > HEADER_BYTES_MAX {
        return Err(JwsRefused::Malformed);
    }
    let header = Object::parse(header).map_err(|_| JwsRefused::Malformed)?;
    if REFUSED_PARAMETERS.iter().any(|parameter| header.has(parameter)) {
        return Err(JwsRefused::Parameter);
    }
    let text = |name| header.text(name).map_err(|_| JwsRefused::Malformed);
    // RFC 8725 3.11: explicit typing
    if text("typ")? != Some(typ) {
        return Err(JwsRefused::Typ);
    }
    let kid = text("kid")?.filter(|kid| is_kid(kid)).ok_or(JwsRefused::Malformed)?;
    let key = keys.find(kid).ok_or(JwsRefused::KidUnknown)?;
    // RFC 8725 3.1: the key says which algorithm, the header may only agree
    if text("alg")? == Some(key.alg().as_str()) { Ok(key) } else { Err(JwsRefused::Alg) }
}

/// RFC 7515 2: without padding; bits that no byte uses must be zero, or one token would have many texts.
fn decode(part: &str) -> Result<Vec<u8>, JwsRefused> {
    URL_SAFE_NO_PAD.decode(part).map_err(|_| JwsRefused::Malformed)
}

#[cfg(test)]
mod tests;
