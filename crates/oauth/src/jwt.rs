//! JSON Web Tokens of our own issuer: registered claims, and a verifier that takes exactly one kind of token.
//! RFC 7519 4.1 and 7.2, RFC 8725 3. Must not know what a claim allows; time is a parameter.

use std::marker::PhantomData;

use serde::{Serialize, Serializer};

use crate::access_claims::AccessClaims;
use crate::id_claims::IdClaims;
use crate::json::{NotStrict, Object};
use crate::jwk::{KeySet, PublicKey};
use crate::jws::{self, JwsRefused, SigningInput};
use crate::token::{IdToken, Jpt, Jwt, Malformed};

/// How far ahead of ours the clock of a signer may be, in seconds: for `nbf` and `iat`, never for `exp`.
pub const SKEW_SECONDS: u64 = 30;

/// Why a token is refused. The caller of a door learns only that it is invalid.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum JwtRefused {
    /// The envelope.
    #[error(transparent)]
    Jws(#[from] JwsRefused),
    /// A claim is missing or of the wrong type, or the payload is not strict JSON.
    #[error("malformed claims")]
    Claims,
    /// `iss` is not, byte for byte, the expected issuer.
    #[error("token of another issuer")]
    Issuer,
    /// `aud` does not have the expected audience as a member.
    #[error("token for another audience")]
    Audience,
    /// `exp` has come.
    #[error("token has expired")]
    Expired,
    /// `nbf` or `iat` is ahead of us by more than the skew.
    #[error("token is not valid yet")]
    NotYet,
}

impl From<NotStrict> for JwtRefused {
    fn from(_: NotStrict) -> Self {
        Self::Claims
    }
}

/// The claims that every kind of token has. Times are Unix seconds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Registered {
    /// Issuer of this kind of token.
    pub iss: String,
    /// Whom the token speaks for.
    pub sub: String,
    /// Who may take it.
    #[serde(serialize_with = "one_or_many")]
    pub aud: Vec<String>,
    /// The first second in which it is dead.
    pub exp: u64,
    /// When it was signed.
    pub iat: u64,
    /// The first second in which it is good, if later than `iat`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nbf: Option<u64>,
}

impl Registered {
    /// Claims of a token for one audience, good at once.
    pub fn new(iss: &str, sub: &str, aud: &str, iat: u64, exp: u64) -> Self {
        Self { iss: iss.to_owned(), sub: sub.to_owned(), aud: vec![aud.to_owned()], exp, iat, nbf: None }
    }

    fn read(claims: &Object) -> Result<Self, NotStrict> {
        let aud = claims.texts("aud")?.ok_or(NotStrict)?;
        Ok(Self {
            iss: claims.text("iss")?.ok_or(NotStrict)?.to_owned(),
            sub: claims.text("sub")?.ok_or(NotStrict)?.to_owned(),
            aud: aud.into_iter().map(str::to_owned).collect(),
            exp: claims.whole("exp")?.ok_or(NotStrict)?,
            iat: claims.whole("iat")?.ok_or(NotStrict)?,
            nbf: claims.whole("nbf")?,
        })
    }
}

/// RFC 7519 4.1.3: one audience is a text, which simple readers expect.
fn one_or_many<S: Serializer>(aud: &[String], serializer: S) -> Result<S::Ok, S::Error> {
    if let [one] = aud { serializer.serialize_str(one) } else { serializer.collect_seq(aud) }
}

/// A kind of token. A closed set: service tokens, JPTs and ID tokens.
pub trait Signed: Sized {
    /// What a token of this kind says.
    type Claims: Serialize;
    /// Its `typ`, compared byte for byte.
    const TYP: &'static str;
    /// Takes a text whose form allows it to be such a token.
    fn from_text(text: &str) -> Result<Self, Malformed>;
    /// The text of the token.
    fn text(&self) -> &str;
    /// Reads the claims of this kind.
    fn read(registered: Registered, claims: &Object) -> Result<Self::Claims, NotStrict>;
}

macro_rules! signed {
    ($name:ident, $claims:ident, $typ:literal) => {
        impl Signed for $name {
            type Claims = $claims;
            const TYP: &'static str = $typ;

            fn from_text(text: &str) -> Result<Self, Malformed> {
                Self::parse(text)
            }

            fn text(&self) -> &str {
                self.expose()
            }

            fn read(registered: Registered, claims: &Object) -> Result<$claims, NotStrict> {
                $claims::read(registered, claims)
            }
        }
    };
}

// RFC 9068 2.1
signed!(Jwt, AccessClaims, "at+jwt");
signed!(Jpt, AccessClaims, "jpt+jwt");
signed!(IdToken, IdClaims, "JWT");

/// Takes tokens of one kind, from one issuer, for one audience, signed by one set of keys.
#[derive(Debug, Clone)]
pub struct Verifier<T: Signed> {
    issuer: String,
    audience: String,
    keys: KeySet,
    kind: PhantomData<fn() -> T>,
}

impl<T: Signed> Verifier<T> {
    /// A verifier; a rotation of keys makes another one.
    pub fn new(issuer: String, audience: String, keys: KeySet) -> Self {
        Self { issuer, audience, keys, kind: PhantomData }
    }

    /// The claims of a good token. `now` is Unix seconds; for `skew` see [`SKEW_SECONDS`].
    pub fn verify(&self, token: &T, now: u64, skew: u64) -> Result<T::Claims, JwtRefused> {
        let payload = jws::verify(&self.keys, T::TYP, token.text())?;
        let claims = Object::parse(&payload)?;
        let registered = Registered::read(&claims)?;
        // RFC 8725 3.8: texts are compared as they are, without any idea of URLs
        if registered.iss != self.issuer {
            return Err(JwtRefused::Issuer);
        }
        // RFC 7519 4.1.3
        if !registered.aud.contains(&self.audience) {
            return Err(JwtRefused::Audience);
        }
        // RFC 7519 4.1.4: on or after exp
        if now >= registered.exp {
            return Err(JwtRefused::Expired);
        }
        // RFC 7519 4.1.5 and 4.1.6
        if registered.iat.max(registered.nbf.unwrap_or(0)) > now.saturating_add(skew) {
            return Err(JwtRefused::NotYet);
        }
        Ok(T::read(registered, &claims)?)
    }
}

/// A token that lacks only its signature. The private key is elsewhere: with the only signer.
#[derive(Debug, Clone)]
pub struct Unsigned<T: Signed> {
    input: SigningInput,
    kind: PhantomData<fn() -> T>,
}

impl<T: Signed> Unsigned<T> {
    /// Encodes claims for the key that will sign them.
    pub fn new(key: &PublicKey, claims: &T::Claims) -> Self {
        let payload = serde_json::to_vec(claims).expect("claims are structs of texts and numbers");
        Self { input: SigningInput::new(key, T::TYP, &payload), kind: PhantomData }
    }

    /// The bytes to sign.
    pub fn signing_input(&self) -> &[u8] {
        self.input.as_bytes()
    }

    /// The token, given the signature over these bytes. Refuses a token too long to be taken by anyone, and
    /// a signature that cannot be one of ES256.
    pub fn assemble(self, signature: &[u8]) -> Result<T, Malformed> {
        T::from_text(&self.input.assemble(signature)?)
    }
}
