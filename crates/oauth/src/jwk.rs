//! Public keys as JSON Web Keys, and sets of them. One algorithm per key, pinned when the key is made.
//! RFC 7517, RFC 7518 6, RFC 8037 2, RFC 7638. Must not hold or accept anything private.

use std::fmt;

use aws_lc_rs::signature::{self, ParsedPublicKey, RsaPublicKeyComponents, VerificationAlgorithm};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Serialize, Serializer};

use crate::json::{NotStrict, Object};
use crate::token::sha256;

/// Most keys in one set.
pub const KEYS_MAX: usize = 16;

/// Longest document of a set, in bytes.
pub const KEY_SET_BYTES_MAX: usize = 64 * 1024;

/// Longest key id, in bytes. Ours have 43.
pub const KID_BYTES_MAX: usize = 128;

/// Bits of an RSA modulus, fewest and most.
pub const RSA_BITS: std::ops::RangeInclusive<usize> = 2048..=4096;

/// Members that only private or symmetric keys have (RFC 7518 6.2.2, 6.3.2, 6.4).
const PRIVATE_MEMBERS: [&str; 8] = ["d", "p", "q", "dp", "dq", "qi", "oth", "k"];

/// The only public exponent taken: 65537.
const RSA_EXPONENT: [u8; 3] = [1, 0, 1];

/// Why a key or a set of keys is refused, as a whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum KeyRefused {
    /// Not a JWK Set as text, or over a limit.
    #[error("malformed key set")]
    Malformed,
    /// `kid` is missing, too long or not printable ASCII.
    #[error("malformed kid")]
    Kid,
    /// Two keys of one `kid`.
    #[error("two keys have the same kid")]
    KidRepeated,
    /// The document shows a secret.
    #[error("a key has private members")]
    Private,
    /// `kty`, `crv`, `alg` or `use` is missing, unknown or at odds with the others.
    #[error("unsupported kind of key or algorithm")]
    Unsupported,
    /// Wrong length, a point off the curve, a weak modulus or exponent.
    #[error("invalid key material")]
    Material,
}

impl From<NotStrict> for KeyRefused {
    fn from(_: NotStrict) -> Self {
        Self::Malformed
    }
}

/// Signature algorithms (RFC 7518 3.1, RFC 8037 3.1). A closed set: nothing else has a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Alg {
    /// ECDSA on P-256 with SHA-256
    Es256,
    /// Ed25519
    EdDsa,
    /// RSASSA-PKCS1-v1_5 with SHA-256
    Rs256,
}

impl Alg {
    /// The value of `alg`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Es256 => "ES256",
            Self::EdDsa => "EdDSA",
            Self::Rs256 => "RS256",
        }
    }
}

impl Serialize for Alg {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

/// A public key that passed every check, ready to verify.
#[derive(Clone)]
pub struct PublicKey {
    kid: String,
    material: Material,
    parsed: ParsedPublicKey,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "kty")]
enum Material {
    #[serde(rename = "EC")]
    P256 { crv: &'static str, x: String, y: String },
    #[serde(rename = "OKP")]
    Ed25519 { crv: &'static str, x: String },
    #[serde(rename = "RSA")]
    Rsa { n: String, e: String },
}

impl PublicKey {
    /// A P-256 key from its uncompressed point, 65 bytes. The `kid` is the thumbprint, here and below.
    pub fn es256(point: &[u8]) -> Result<Self, KeyRefused> {
        let [4, coordinates @ ..] = point else { return Err(KeyRefused::Material) };
        if coordinates.len() != 64 {
            return Err(KeyRefused::Material);
        }
        let parsed = parse(&signature::ECDSA_P256_SHA256_FIXED, point)?;
        let (x, y) = coordinates.split_at(32);
        let material =
            Material::P256 { crv: "P-256", x: URL_SAFE_NO_PAD.encode(x), y: URL_SAFE_NO_PAD.encode(y) };
        Ok(Self::of(material, parsed))
    }

    /// An Ed25519 key from its 32 bytes.
    pub fn eddsa(bytes: &[u8]) -> Result<Self, KeyRefused> {
        let parsed = parse(&signature::ED25519, bytes)?;
        let material = Material::Ed25519 { crv: "Ed25519", x: URL_SAFE_NO_PAD.encode(bytes) };
        Ok(Self::of(material, parsed))
    }

    /// An RSA key from modulus and exponent, big endian without leading zeros.
    pub fn rs256(n: &[u8], e: &[u8]) -> Result<Self, KeyRefused> {
        let top_bits = n.first().filter(|&&top| top != 0).map_or(0, |top| 8 - top.leading_zeros() as usize);
        let bits = n.len().saturating_sub(1) * 8 + top_bits;
        if top_bits == 0 || !RSA_BITS.contains(&bits) || e != RSA_EXPONENT {
            return Err(KeyRefused::Material);
        }
        let parsed =
            RsaPublicKeyComponents { n, e }.to_parsed_public_key(&signature::RSA_PKCS1_2048_8192_SHA256);
        let parsed = parsed.map_err(|_| KeyRefused::Material)?;
        Ok(Self::of(Material::Rsa { n: URL_SAFE_NO_PAD.encode(n), e: URL_SAFE_NO_PAD.encode(e) }, parsed))
    }

    fn of(material: Material, parsed: ParsedPublicKey) -> Self {
        Self { kid: material.thumbprint(), material, parsed }
    }

    /// The key's name in token headers.
    pub fn kid(&self) -> &str {
        &self.kid
    }

    /// The one algorithm that this key verifies.
    pub fn alg(&self) -> Alg {
        match self.material {
            Material::P256 { .. } => Alg::Es256,
            Material::Ed25519 { .. } => Alg::EdDsa,
            Material::Rsa { .. } => Alg::Rs256,
        }
    }

    /// RFC 7638: base64url of SHA-256 of the required members in the order of their names.
    pub fn thumbprint(&self) -> String {
        self.material.thumbprint()
    }

    /// Whether the signature, as JWS carries it, is over this message.
    pub fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
        self.parsed.verify_sig(message, signature).is_ok()
    }

    fn document(&self) -> KeyDocument<'_> {
        KeyDocument { kid: &self.kid, alg: self.alg(), r#use: "sig", material: &self.material }
    }

    fn read(jwk: &Object) -> Result<Self, KeyRefused> {
        if PRIVATE_MEMBERS.iter().any(|member| jwk.has(member)) {
            return Err(KeyRefused::Private);
        }
        let key = match (jwk.text("kty")?, jwk.text("crv")?, jwk.text("alg")?) {
            (Some("EC"), Some("P-256"), Some("ES256")) => {
                // RFC 7518 6.2.1.2: each coordinate has the full 32 octets
                let point = [&[4], &bytes(jwk, "x")?[..], &bytes(jwk, "y")?[..]].concat();
                Self::es256(&point)
            }
            (Some("OKP"), Some("Ed25519"), Some("EdDSA")) => Self::eddsa(&bytes(jwk, "x")?),
            (Some("RSA"), None, Some("RS256")) => Self::rs256(&bytes(jwk, "n")?, &bytes(jwk, "e")?),
            _ => Err(KeyRefused::Unsupported),
        }?;
        if !matches!(jwk.text("use")?, None | Some("sig")) {
            return Err(KeyRefused::Unsupported);
        }
        let kid = jwk.text("kid")?.filter(|kid| is_kid(kid)).ok_or(KeyRefused::Kid)?.to_owned();
        Ok(Self { kid, ..key })
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicKey({} {})", self.alg().as_str(), self.kid)
    }
}

impl Material {
    fn thumbprint(&self) -> String {
        // RFC 7638 3: base64url needs no escapes, so plain formatting is canonical JSON
        let canonical = match self {
            Self::P256 { crv, x, y } => format!(r#"{{"crv":"{crv}","kty":"EC","x":"{x}","y":"{y}"}}"#),
            Self::Ed25519 { crv, x } => format!(r#"{{"crv":"{crv}","kty":"OKP","x":"{x}"}}"#),
            Self::Rsa { n, e } => format!(r#"{{"e":"{e}","kty":"RSA","n":"{n}"}}"#),
        };
        URL_SAFE_NO_PAD.encode(sha256(canonical.as_bytes()))
    }
}

fn parse(algorithm: &'static dyn VerificationAlgorithm, key: &[u8]) -> Result<ParsedPublicKey, KeyRefused> {
    ParsedPublicKey::new(algorithm, key).map_err(|_| KeyRefused::Material)
}

fn bytes(jwk: &Object, name: &str) -> Result<Vec<u8>, KeyRefused> {
    let text = jwk.text(name)?.ok_or(KeyRefused::Material)?;
    URL_SAFE_NO_PAD.decode(text).map_err(|_| KeyRefused::Material)
}

pub(crate) fn is_kid(text: &str) -> bool {
    text.len() <= KID_BYTES_MAX && text.bytes().all(|byte| byte.is_ascii_graphic())
}

/// The keys of one kind of token. Immutable: a rotation makes another set.
#[derive(Debug, Clone, Default)]
pub struct KeySet(Vec<PublicKey>);

#[derive(Serialize)]
struct SetDocument<'a> {
    keys: Vec<KeyDocument<'a>>,
}

#[derive(Serialize)]
struct KeyDocument<'a> {
    kid: &'a str,
    alg: Alg,
    r#use: &'static str,
    #[serde(flatten)]
    material: &'a Material,
}

impl KeySet {
    /// A set of keys that have a `kid` each.
    pub fn of(keys: Vec<PublicKey>) -> Result<Self, KeyRefused> {
        if keys.len() > KEYS_MAX {
            return Err(KeyRefused::Malformed);
        }
        let repeated =
            |(index, key): (usize, &PublicKey)| keys[..index].iter().any(|other| other.kid == key.kid);
        if keys.iter().enumerate().any(repeated) { Err(KeyRefused::KidRepeated) } else { Ok(Self(keys)) }
    }

    /// Reads a JWK Set. It comes from our own issuer, so one bad key condemns the whole set.
    pub fn parse(json: &[u8]) -> Result<Self, KeyRefused> {
        if json.len() > KEY_SET_BYTES_MAX {
            return Err(KeyRefused::Malformed);
        }
        let keys = Object::parse(json)?.objects("keys")?.ok_or(KeyRefused::Malformed)?;
        if keys.len() > KEYS_MAX {
            return Err(KeyRefused::Malformed);
        }
        Self::of(keys.iter().map(PublicKey::read).collect::<Result<_, _>>()?)
    }

    /// The key of this id.
    pub fn find(&self, kid: &str) -> Option<&PublicKey> {
        self.0.iter().find(|key| key.kid == kid)
    }

    /// The JWK Set document.
    pub fn to_json(&self) -> String {
        let set = SetDocument { keys: self.0.iter().map(PublicKey::document).collect() };
        serde_json::to_string(&set).expect("a struct of texts always serialises")
    }
}

#[cfg(test)]
mod tests;
