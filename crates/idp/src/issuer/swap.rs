//! `swap`: a JWT for a token that was presented at the door of its kind, if everything behind it lives. The JWT
//! never allows more and never lives longer than what it is swapped for. RFC 8693 in this process.

use std::sync::Arc;

use vestibule_domain::identity::{Epoch, Handle, SignOnId, Timestamp, UserId, VisitorId};
use vestibule_domain::standing::Standing;
use vestibule_domain::token::jwt_expires_at;
use vestibule_oauth::access_claims::{AccessClaims, SessionClaims};
use vestibule_oauth::jwt::SKEW_SECONDS;
use vestibule_oauth::scope::ScopeSet;
use vestibule_oauth::token::{AccessToken, Jpt};
use vestibule_ports::issuer::{IssuerError, Refusal, Swapped};
use vestibule_registry::family::{HeldToken, Holder};

use super::load::{self, ByGrant, Named};
use crate::Idp;
use crate::bearer::{Bearer, Frame, Whom, seconds};
use crate::keyring::Keys;

const INVALID: IssuerError = IssuerError::Refused(Refusal::Token);

/// What a token was found to stand for.
struct Cause {
    bearer: Bearer,
    scopes: ScopeSet,
    expires_at: Timestamp,
    grant: Option<String>,
    family: Option<String>,
    user: Option<(UserId, Epoch)>,
    sign_on: Option<SignOnId>,
}

impl Idp {
    /// At the outside door.
    pub(super) async fn swap_access_token(&self, token: &AccessToken) -> Result<Swapped, IssuerError> {
        let (digest, now, keyring) = (token.digest(), self.clock.wall(), Arc::clone(&self.keyring));
        let found = self.ledger.call(move |registry| {
            let Some(held) = registry.access_token(&digest, now)? else { return Ok(None) };
            let Some(client) = registry.client(&held.family.client)? else { return Ok(None) };
            Ok(Some((held, client, keyring.as_of(registry, now)?)))
        });
        let (held, client, keys) = found.await?.ok_or(INVALID)?;
        if held.user.as_ref().is_some_and(|user| user.disabled_at.is_some()) {
            return Err(INVALID);
        }
        let whom = whom(&held).ok_or(INVALID)?;
        let bearer = Bearer { client, whom, session: None };
        self.sign_jwt(
            Cause {
                scopes: bearer.scopes(&self.everyone, Some(&held.terms.scopes)),
                bearer,
                expires_at: held.terms.expires_at,
                grant: None,
                family: Some(held.family.name),
                user: held.user.map(|user| (user.id, user.epoch)),
                sign_on: held.family.sign_on,
            },
            &keys,
            now,
        )
    }

    /// At the inside door.
    pub(super) async fn swap_jpt(&self, jpt: &Jpt) -> Result<Swapped, IssuerError> {
        let (jpt, now, keyring) = (jpt.clone(), self.clock.wall(), Arc::clone(&self.keyring));
        let found = self.ledger.call(move |registry| {
            let keys = keyring.as_of(registry, now)?;
            let verified = keys.jpt_verifier.verify(&jpt, seconds(now), SKEW_SECONDS);
            let Some((claims, named)) =
                verified.ok().and_then(|claims| named(&claims).map(|named| (claims, named)))
            else {
                return Ok(None);
            };
            Ok(load::load(registry, &named, now)?.ok().map(|loaded| (claims, loaded, keys)))
        });
        let (claims, loaded, keys) = found.await?.ok_or(INVALID)?;
        let user = match &loaded.bearer.whom {
            Whom::LoggedOn { user, .. } => Some((user.id.clone(), user.epoch)),
            Whom::Client | Whom::Anonymous | Whom::Returning(_) => None,
        };
        let expires_at = i64::try_from(claims.registered.exp).map_or(now, Timestamp::from_secs);
        self.sign_jwt(
            Cause {
                scopes: loaded.bearer.scopes(&self.everyone, Some(&claims.scope)),
                bearer: loaded.bearer,
                expires_at,
                grant: loaded.grant.as_ref().map(|grant| grant.name.clone()),
                family: None,
                user,
                sign_on: loaded.grant.map(|grant| grant.sign_on),
            },
            &keys,
            now,
        )
    }

    fn sign_jwt(&self, cause: Cause, keys: &Keys, now: Timestamp) -> Result<Swapped, IssuerError> {
        // What is told to the caller is what the token says: whole seconds.
        let expires_at = Timestamp::from_secs(jwt_expires_at(now, cause.expires_at).as_secs());
        if expires_at <= now {
            return Err(INVALID);
        }
        let frame = Frame {
            issuer: &self.services_issuer,
            audience: &self.config.service_audience,
            name: &self.name(),
            now,
            expires_at,
        };
        let jwt = keys.services.sign(&cause.bearer.claims(cause.scopes.clone(), &frame))?;
        Ok(Swapped {
            jwt,
            expires_at,
            scopes: cause.scopes,
            client: cause.bearer.client.id,
            session: cause.bearer.session,
            grant: cause.grant,
            family: cause.family,
            user: cause.user,
            sign_on: cause.sign_on,
            key: keys.services.kid().to_owned(),
        })
    }
}

/// Whom an access token is about.
fn whom(held: &HeldToken) -> Option<Whom> {
    match (held.terms.standing, &held.family.holder, &held.user) {
        (None, None, None) => Some(Whom::Client),
        (Some(Standing::LoggedOn), Some(Holder { visitor, auth_time, level, .. }), Some(user)) => {
            let (visitor, auth_time, level) = (*visitor, *auth_time, *level);
            Some(Whom::LoggedOn { user: Box::new(user.clone()), visitor, auth_time, level })
        }
        (Some(Standing::Returning), Some(holder), Some(_)) => Some(Whom::Returning(holder.visitor)),
        _ => None,
    }
}

/// Of whom a JPT speaks. It is ours, so what does not fit is no caller's attempt but a mistake; refused all the same.
fn named(claims: &AccessClaims) -> Option<Named> {
    let client = claims.client_id.clone();
    let session = claims.session.as_ref();
    match claims.standing.as_deref()?.parse().ok()? {
        Standing::Anonymous => Some(Named::Anonymous { client }),
        Standing::Returning => {
            let visitor = claims.registered.sub.strip_prefix("v:")?;
            Some(Named::Returning { client, visitor: visitor.parse().ok()?, session: read(session?)? })
        }
        Standing::LoggedOn => {
            let (grant, _) = claims.jti.split_once('.')?;
            let visitor: VisitorId = claims.visitor.as_deref()?.parse().ok()?;
            Some(Named::LoggedOn {
                grant: ByGrant::Name(grant.to_owned()),
                visitor,
                session: read(session?)?,
            })
        }
    }
}

fn read(session: &SessionClaims) -> Option<(Handle, Epoch)> {
    Some((session.sid.parse().ok()?, Epoch::new(session.ep.try_into().ok()?)))
}
