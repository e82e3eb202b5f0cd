//! Refresh tokens. Each has two halves, one that all of its family share and one of its own, and a seal over both. So a
//! token of any age is known as its family's, no other text is, and the row of a family does not grow: RFC 9700 4.14.2
//! without a row for each token. A child is derived from its parent and a salt, so that two requests with one parent
//! can get one and the same answer although only hashes are kept. The salt alone opens nothing.

use aws_lc_rs::constant_time;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use vestibule_domain::digest::{sha256, sha256_of_parts};
use vestibule_domain::identity::Timestamp;
use vestibule_domain::refresh::Generation;
use vestibule_oauth::scope::ScopeSet;
use vestibule_oauth::token::{AccessToken, RANDOM_BYTES, REFRESH_BYTES, RefreshToken};

use crate::audit::{Act, Event};
use crate::credential::Digest;
use crate::end;
use crate::family::{self, Family, Terms};
use crate::registry::Registry;
use crate::sql::{RegistryError, Row, Snapshot, Tx, binds};
use crate::user::{self, User};

/// Bytes of each half: 128 bits that nobody can guess.
const HALF_BYTES: usize = RANDOM_BYTES / 2;

/// Bytes of the seal.
const SEAL_BYTES: usize = REFRESH_BYTES - RANDOM_BYTES;

/// What is to become of a refresh.
#[derive(Debug, Clone)]
pub enum Rotation<E> {
    /// The token is used up and has a child, with an access token beside it. Only for the current one.
    Rotate {
        /// Random bytes that make the new tokens.
        salt: [u8; RANDOM_BYTES],
        /// What the access token is worth.
        terms: Terms,
        /// When the family is over from now on.
        ends_at: Timestamp,
    },
    /// The answer that the token got before. Only for the previous one.
    Repeat {
        /// What the access token in that answer has to allow.
        scopes: ScopeSet,
        /// No, if it allows something else.
        otherwise: E,
    },
    /// No, and the family ends: somebody has a copy.
    Revoke(E),
    /// No.
    Refuse(E),
}

/// What became of a refresh.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refreshed<E> {
    /// New tokens, or the same new tokens once more.
    Renewed(Box<Renewal>),
    /// The decision was no.
    Refused(E),
    /// No token of any family that lives.
    Unknown,
}

/// A refresh that was carried out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Renewal {
    /// Takes the place of the one presented.
    pub refresh: RefreshToken,
    /// A new access token.
    pub access: AccessToken,
    /// What that is worth.
    pub terms: Terms,
    /// The family as it was when the token was presented.
    pub family: Family,
    /// The user behind it, as of now.
    pub user: User,
}

/// A text that may be a refresh token, taken apart.
struct Text {
    halves: Halves,
    seal: [u8; SEAL_BYTES],
}

impl Text {
    /// None if no token of ours is so long or so short.
    fn split(token: &RefreshToken) -> Option<Self> {
        let bytes = URL_SAFE_NO_PAD.decode(token.expose()).ok()?;
        let (random, seal) = bytes.split_first_chunk()?;
        Some(Self { halves: Halves::of_random(random), seal: seal.try_into().ok()? })
    }

    /// Whether it was ever issued in this family: nobody outside knows its name, and a cut or mixed token fits none.
    fn is_issued(&self, family: &str) -> bool {
        constant_time::verify_slices_are_equal(&self.seal, &self.halves.seal(family)).is_ok()
    }
}

/// What is random in a refresh token.
pub(crate) struct Halves {
    family: [u8; HALF_BYTES],
    own: [u8; HALF_BYTES],
}

impl Halves {
    /// The token that these random bytes are.
    pub(crate) fn of_random(bytes: &[u8; RANDOM_BYTES]) -> Self {
        let (family, own) = bytes.split_at(HALF_BYTES);
        let half = |bytes: &[u8]| bytes.try_into().expect("both parts of 32 bytes split at 16 have 16");
        Self { family: half(family), own: half(own) }
    }

    /// The token, as one of the family of this name.
    pub(crate) fn join(&self, family: &str) -> RefreshToken {
        let mut bytes = [0; REFRESH_BYTES];
        bytes[..HALF_BYTES].copy_from_slice(&self.family);
        bytes[HALF_BYTES..RANDOM_BYTES].copy_from_slice(&self.own);
        bytes[RANDOM_BYTES..].copy_from_slice(&self.seal(family));
        RefreshToken::from_bytes(&bytes)
    }

    fn seal(&self, family: &str) -> [u8; SEAL_BYTES] {
        let whole = sha256_of_parts(&[b"seal", &self.family, &self.own, family.as_bytes()]);
        *whole.first_chunk().expect("32 bytes begin with 16")
    }

    /// What the family is found by.
    pub(crate) fn key(&self) -> Digest {
        sha256(&self.family)
    }

    /// What the token is known by within its family.
    pub(crate) fn secret(&self) -> Digest {
        sha256(&self.own)
    }

    /// The token that takes this one's place, and the access token beside it.
    fn children(&self, salt: &[u8; RANDOM_BYTES]) -> (Self, AccessToken) {
        let derived = sha256_of_parts(&[b"refresh", salt, &self.own]);
        let child = Self { family: self.family, own: Self::of_random(&derived).own };
        (child, AccessToken::from_random(&sha256_of_parts(&[b"access", salt, &self.own])))
    }
}

/// A family with what its tokens are told by.
struct Lineage {
    family: Family,
    current: Digest,
    former: Option<Digest>,
    salt: Option<[u8; RANDOM_BYTES]>,
}

impl Lineage {
    fn generation(&self, secret: &Digest) -> Generation {
        let is = |digest: &Digest| constant_time::verify_slices_are_equal(digest, secret).is_ok();
        if is(&self.current) {
            Generation::Current
        } else if self.former.as_ref().is_some_and(is) {
            Generation::Previous
        } else {
            Generation::Older
        }
    }
}

impl Registry {
    /// Uses a refresh token up, or does what else `decide` says: it sees the family, over or not, its user, and
    /// which of the family's tokens was presented.
    pub fn refresh<E>(
        &self,
        presented: &RefreshToken,
        act: &Act<'_>,
        decide: impl FnOnce(&Family, &User, Generation) -> Rotation<E>,
    ) -> Result<Refreshed<E>, RegistryError> {
        let Some(presented) = Text::split(presented) else { return Ok(Refreshed::Unknown) };
        self.write(|tx| {
            let Some(lineage) = lineage(tx, &presented)? else { return Ok(Refreshed::Unknown) };
            let presented = &presented.halves;
            let Some(holder) = &lineage.family.holder else { return Ok(Refreshed::Unknown) };
            let user = user::named(tx, &holder.user)?;
            let generation = lineage.generation(&presented.secret());
            match decide(&lineage.family, &user, generation) {
                Rotation::Rotate { salt, terms, ends_at } => {
                    let (refresh, access) = rotate(tx, &lineage, presented, &salt, &terms, ends_at, act.at)?;
                    let family = lineage.family;
                    Ok(Refreshed::Renewed(Box::new(Renewal { refresh, access, terms, family, user })))
                }
                Rotation::Repeat { scopes, otherwise } => {
                    let Some(renewal) = repeat(tx, lineage, user, presented, act.at)? else {
                        return Ok(Refreshed::Unknown);
                    };
                    let is_asked_for = renewal.terms.scopes == scopes;
                    Ok(if is_asked_for { Refreshed::Renewed(renewal) } else { Refreshed::Refused(otherwise) })
                }
                Rotation::Revoke(refusal) => {
                    end::family(tx, &lineage.family.name, Event::RefreshReused, act)?;
                    Ok(Refreshed::Refused(refusal))
                }
                Rotation::Refuse(refusal) => Ok(Refreshed::Refused(refusal)),
            }
        })
    }

    /// Whether a refresh token can be used now: it is the newest of its family.
    pub fn is_unused(&self, token: &RefreshToken) -> Result<bool, RegistryError> {
        let Some(presented) = Text::split(token) else { return Ok(false) };
        self.read(|snapshot| {
            let lineage = lineage(snapshot, &presented)?;
            let generation = lineage.map(|lineage| lineage.generation(&presented.halves.secret()));
            Ok(generation == Some(Generation::Current))
        })
    }

    /// Ends the family of a refresh token of any age, if it is the client's own. Says whether it did (RFC 7009 2.1).
    pub fn revoke_refresh_token(
        &self,
        token: &RefreshToken,
        client: &str,
        act: &Act<'_>,
    ) -> Result<bool, RegistryError> {
        let Some(presented) = Text::split(token) else { return Ok(false) };
        self.write(|tx| {
            let family = lineage(tx, &presented)?.map(|lineage| lineage.family);
            let Some(family) = family.filter(|family| family.client == client) else { return Ok(false) };
            end::family(tx, &family.name, Event::TokensRevoked, act)?;
            Ok(true)
        })
    }
}

fn rotate(
    tx: &Tx<'_>,
    lineage: &Lineage,
    presented: &Halves,
    salt: &[u8; RANDOM_BYTES],
    terms: &Terms,
    ends_at: Timestamp,
    now: Timestamp,
) -> Result<(RefreshToken, AccessToken), RegistryError> {
    let name = &lineage.family.name;
    let (child, access) = presented.children(salt);
    // Whatever was decided, a token that is used up has no second child.
    let rotated = tx.execute(
        "UPDATE families SET former_secret = secret, secret = $3, salt = $4, rotated_at = $5, ends_at = $6 \
         WHERE name = $1 AND secret = $2",
        binds![name, &presented.secret(), &child.secret(), salt, now, ends_at],
    )?;
    if rotated == 0 {
        return Err(RegistryError::Inconsistent("a used refresh token was to be rotated".to_owned()));
    }
    family::insert_access_token(tx, name, &access.digest(), terms, now)?;
    Ok((child.join(name), access))
}

/// The answer to the previous token once more; `None` if its access token lives no more.
fn repeat(
    tx: &Tx<'_>,
    lineage: Lineage,
    user: User,
    presented: &Halves,
    now: Timestamp,
) -> Result<Option<Box<Renewal>>, RegistryError> {
    let Some(salt) = lineage.salt.filter(|_| lineage.generation(&presented.secret()) == Generation::Previous)
    else {
        return Err(RegistryError::Inconsistent(
            "only the previous refresh token can be repeated".to_owned(),
        ));
    };
    let (child, access) = presented.children(&salt);
    let Some((_, terms)) = family::terms(tx, &access.digest(), now)? else { return Ok(None) };
    let (refresh, family) = (child.join(&lineage.family.name), lineage.family);
    Ok(Some(Box::new(Renewal { refresh, access, terms, family, user })))
}

/// The family of a token of any age.
fn lineage(snapshot: &Snapshot<'_>, presented: &Text) -> Result<Option<Lineage>, RegistryError> {
    let row = |row: &Row<'_, '_>| {
        Ok(Lineage {
            family: family::family(row)?,
            current: row.get("secret")?,
            former: row.get("former_secret")?,
            salt: row.get("salt")?,
        })
    };
    let found = snapshot.one(family::select!("refresh_key"), binds![&presented.halves.key()], row)?;
    Ok(found.filter(|lineage| presented.is_issued(&lineage.family.name)))
}
