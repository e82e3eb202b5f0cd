//! Grant type `refresh_token`: the newest token of a family becomes the next. RFC 6749 6, RFC 9700 4.14.
//! A token that comes twice ends its family, unless both requests were under way at once.

use std::sync::Arc;

use vestibule_domain::identity::Timestamp;
use vestibule_domain::refresh::{self, Arrival, Generation, RefreshRefused};
use vestibule_oauth::error::{TokenError, TokenErrorCode};
use vestibule_oauth::scope::ScopeSet;
use vestibule_oauth::token::{RANDOM_BYTES, RefreshToken};
use vestibule_oauth::token_response::TokenResponse;
use vestibule_ports::entropy::random;
use vestibule_registry::audit::Act;
use vestibule_registry::client::{Client, GrantType};
use vestibule_registry::family::{Family, Terms};
use vestibule_registry::refresh::{Refreshed, Rotation};
use vestibule_registry::user::User;

use super::TokenRefused;
use super::client::may_present;
use super::family::{self, Rules};
use super::flights::Flight;
use crate::Idp;
use crate::bearer::Bearer;

/// What is asked, and what is known of when.
pub(super) struct Asked {
    pub(super) refresh_token: RefreshToken,
    pub(super) scope: Option<ScopeSet>,
    /// The registry had the token as unused when the request was here already.
    pub(super) came_unused: bool,
    pub(super) flight: Flight,
}

/// All that the decision needs beside the family.
struct Wanted {
    client: Client,
    scope: Option<ScopeSet>,
    came_unused: bool,
    flight: Arc<Flight>,
    salt: [u8; RANDOM_BYTES],
    rules: Rules,
}

/// Why there is no new token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Refused {
    /// The family is another client's.
    Client,
    /// More than was granted, or nothing that can be had now.
    Scope,
    /// Something else than a request that was under way together with this one.
    Twin,
    /// Nothing is left of what was granted.
    Empty,
    /// By the rules of families.
    Rule(RefreshRefused),
}

impl Idp {
    pub(super) async fn refresh(&self, client: Client, asked: Asked) -> Result<TokenResponse, TokenRefused> {
        may_present(&client, GrantType::RefreshToken)?;
        let Asked { refresh_token, scope, came_unused, flight } = asked;
        let flight = Arc::new(flight);
        let wanted = Wanted {
            client,
            scope,
            came_unused,
            flight: Arc::clone(&flight),
            salt: random(&*self.entropy),
            rules: self.family_rules(),
        };
        let clock = Arc::clone(&self.clock);
        let refreshed = self.ledger.ending(move |registry| {
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
                    access_token: renewal.access,
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
        let (standing, is_repeated) =
            match refresh::refresh(&ruled, generation, self.arrival(), now, &self.rules.limits) {
                Ok(refresh::Refreshed::Rotated { standing }) => (standing, false),
                Ok(refresh::Refreshed::Repeated { standing }) => (standing, true),
                Err(reused @ RefreshRefused::Reused) => return Rotation::Revoke(Refused::Rule(reused)),
                Err(refused) => return Rotation::Refuse(Refused::Rule(refused)),
            };
        let bearer = family::bearer(self.client.clone(), standing, holder, user);
        let terms = match self.terms(&bearer, family, &ruled, now) {
            Ok(terms) => terms,
            Err(refused) => return Rotation::Refuse(refused),
        };
        if is_repeated {
            return Rotation::Repeat { scopes: terms.scopes, otherwise: Refused::Twin };
        }
        self.flight.rotates();
        Rotation::Rotate { salt: self.salt, terms, ends_at: self.rules.family_ends_at(&ruled, now) }
    }

    /// Two witnesses, and either is enough: this process, which had both requests at once, and the registry, which
    /// still had the token as unused and may have seen it used by another process since. Neither looks at a clock.
    fn arrival(&self) -> Arrival {
        if self.came_unused || self.flight.has_twin() { Arrival::BeforeUse } else { Arrival::AfterUse }
    }

    /// What the new access token is worth. It is worth something, or there is none.
    fn terms(
        &self,
        bearer: &Bearer,
        family: &Family,
        ruled: &refresh::Family,
        now: Timestamp,
    ) -> Result<Terms, Refused> {
        // RFC 6749 6: no scope that was not granted before
        if self.scope.as_ref().is_some_and(|scope| !scope.is_subset(&family.scopes)) {
            return Err(Refused::Scope);
        }
        let whole = self.rules.terms(bearer, &family.scopes, ruled, now);
        if whole.scopes.is_empty() {
            return Err(Refused::Empty);
        }
        let Some(requested) = &self.scope else { return Ok(whole) };
        let terms = self.rules.terms(bearer, requested, ruled, now);
        // RFC 6749 3.3: what cannot be given at all is an error, no token without a scope
        if terms.scopes.is_empty() { Err(Refused::Scope) } else { Ok(terms) }
    }
}

impl From<Refused> for TokenRefused {
    /// Which of the reasons it was is nobody's business but ours.
    fn from(refused: Refused) -> Self {
        let error = match refused {
            Refused::Scope => TokenError::new(
                TokenErrorCode::InvalidScope,
                "the scope is wider than what was granted, or nothing of it is left",
            ),
            Refused::Twin => {
                let description = "another request refreshed this token at the same moment, for other scopes";
                TokenError::new(TokenErrorCode::InvalidScope, description)
            }
            Refused::Client | Refused::Empty | Refused::Rule(_) => {
                TokenError::new(TokenErrorCode::InvalidGrant, "the refresh token is unknown, used or ended")
            }
        };
        Self::Error(error)
    }
}
