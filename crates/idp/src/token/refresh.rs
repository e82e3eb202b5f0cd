//! Grant type `refresh_token`: the newest token of a family becomes the next. RFC 6749 6, RFC 9700 4.14.
//! A token that comes twice ends its family, unless both requests were under way at once.

use std::sync::Arc;

use vestibule_domain::identity::Timestamp;
use vestibule_domain::refresh::{self, Generation, RefreshRefused};
use vestibule_oauth::error::{TokenError, TokenErrorCode};
use vestibule_oauth::scope::ScopeSet;
use vestibule_oauth::token::{RANDOM_BYTES, RefreshToken};
use vestibule_oauth::token_response::{Issued, TokenResponse};
use vestibule_ports::entropy::random;
use vestibule_registry::audit::Act;
use vestibule_registry::client::{Client, GrantType};
use vestibule_registry::family::Family;
use vestibule_registry::refresh::{Refreshed, Rotation};
use vestibule_registry::user::User;

use super::TokenRefused;
use super::client::may_present;
use super::family::{self, Rules};
use super::flights::Flight;
use crate::Idp;

/// What is asked, and when.
pub(super) struct Asked {
    pub(super) refresh_token: RefreshToken,
    pub(super) scope: Option<ScopeSet>,
    pub(super) received_at: Timestamp,
    pub(super) flight: Flight,
}

/// All that the decision needs beside the family.
struct Wanted {
    client: Client,
    scope: Option<ScopeSet>,
    received_at: Timestamp,
    flight: Arc<Flight>,
    salt: [u8; RANDOM_BYTES],
    rules: Rules,
}

/// Why there is no new token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Refused {
    /// The family is another client's.
    Client,
    /// More than was granted.
    Scope,
    /// By the rules of families.
    Rule(RefreshRefused),
}

impl Idp {
    pub(super) async fn refresh(&self, client: Client, asked: Asked) -> Result<TokenResponse, TokenRefused> {
        may_present(&client, GrantType::RefreshToken)?;
        let Asked { refresh_token, scope, received_at, flight } = asked;
        let flight = Arc::new(flight);
        let wanted = Wanted {
            client,
            scope,
            received_at,
            flight: Arc::clone(&flight),
            salt: random(&*self.entropy),
            rules: self.family_rules(),
        };
        let clock = Arc::clone(&self.clock);
        let refreshed = self.ledger.call(move |registry| {
            let now = clock.wall();
            let act = Act { at: now, by: &wanted.client.id, from: None };
            let decide =
                |family: &Family, user: &User, generation| wanted.decide(family, user, generation, now);
            Ok((registry.refresh(&refresh_token, &act, decide)?, now))
        });
        match refreshed.await? {
            (Refreshed::Renewed(renewal), now) => {
                flight.answers();
                Ok(TokenResponse {
                    issued: Issued::AccessToken(renewal.access),
                    expires_in: renewal.terms.expires_at.since(now).as_secs(),
                    scope: renewal.terms.scopes,
                    refresh_token: Some(renewal.refresh),
                    id_token: None,
                })
            }
            (Refreshed::Refused(refused), _) => Err(refused.into()),
            (Refreshed::Unknown, _) => Err(Refused::Rule(RefreshRefused::Ended).into()),
        }
    }
}

impl Wanted {
    fn decide(
        &self,
        family: &Family,
        user: &User,
        generation: Generation,
        now: Timestamp,
    ) -> Rotation<Refused> {
        let Some(holder) = family.holder.as_ref().filter(|_| family.client == self.client.id) else {
            return Rotation::Refuse(Refused::Client);
        };
        let ruled = family::as_ruled(&self.client, family, holder, user);
        // Under way together: as good as received at the moment of the rotation.
        let received_at = if self.flight.has_twin() { family.rotated_at } else { self.received_at };
        let standing = match refresh::refresh(&ruled, generation, received_at, now, &self.rules.limits) {
            Ok(refresh::Refreshed::Rotated { standing }) => standing,
            Ok(refresh::Refreshed::Repeated) => return Rotation::Repeat,
            Err(reused @ RefreshRefused::Reused) => return Rotation::Revoke(Refused::Rule(reused)),
            Err(refused) => return Rotation::Refuse(Refused::Rule(refused)),
        };
        // RFC 6749 6: no scope that was not granted before
        if self.scope.as_ref().is_some_and(|scope| !scope.is_subset(&family.scopes)) {
            return Rotation::Refuse(Refused::Scope);
        }
        self.flight.rotates();
        let requested = self.scope.as_ref().unwrap_or(&family.scopes);
        let bearer = family::bearer(self.client.clone(), standing, holder, user);
        Rotation::Rotate {
            salt: self.salt,
            terms: self.rules.terms(&bearer, requested, &ruled, now),
            ends_at: self.rules.family_ends_at(&ruled, now),
        }
    }
}

impl From<Refused> for TokenRefused {
    /// Which of the reasons it was is nobody's business but ours.
    fn from(refused: Refused) -> Self {
        let error = match refused {
            Refused::Scope => {
                TokenError::new(TokenErrorCode::InvalidScope, "the scope is wider than what was granted")
            }
            Refused::Client | Refused::Rule(_) => {
                TokenError::new(TokenErrorCode::InvalidGrant, "the refresh token is unknown, used or ended")
            }
        };
        Self::Error(error)
    }
}
