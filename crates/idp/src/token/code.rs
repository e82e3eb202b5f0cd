//! Grant type `authorization_code`: a code becomes tokens, once. RFC 6749 4.1.3 and 4.1.4, RFC 7636 4.5,
//! OpenID Connect Core 3.1.3. A second showing ends what the first one got.

use std::sync::Arc;
use std::time::Duration;

use vestibule_domain::identity::{Timestamp, VisitorId};
use vestibule_domain::refresh;
use vestibule_domain::standing::Standing;
use vestibule_oauth::error::{TokenError, TokenErrorCode};
use vestibule_oauth::id_claims::IdClaims;
use vestibule_oauth::jwt::Registered;
use vestibule_oauth::pkce::Verifier;
use vestibule_oauth::token::{AccessToken, Code, IdToken, RANDOM_BYTES};
use vestibule_oauth::token_response::TokenResponse;
use vestibule_ports::entropy::random;
use vestibule_registry::audit::Act;
use vestibule_registry::client::{Client, GrantType};
use vestibule_registry::code::{Authorization, Issue, Redeemed, Redemption};
use vestibule_registry::family::{Holder, NewFamily, Terms};
use vestibule_registry::user::User;

use super::TokenRefused;
use super::client::may_present;
use super::family::{self, Rules};
use crate::Idp;
use crate::bearer::seconds;
use crate::keyring::Keys;
use crate::redemption::{self, CodeRefused, Shown};

/// What was drawn by lot for a family before it is known whether there will be one.
struct Lot {
    name: String,
    visitor: VisitorId,
    access: AccessToken,
    refresh: [u8; RANDOM_BYTES],
}

impl Idp {
    pub(super) async fn redeem_code(
        &self,
        client: Client,
        code: Code,
        redirect_uri: Option<String>,
        verifier: Option<Verifier>,
    ) -> Result<TokenResponse, TokenRefused> {
        may_present(&client, GrantType::AuthorizationCode)?;
        let shown = Shown { client: client.id.clone(), redirect_uri, verifier };
        let lot = Lot {
            name: self.name(),
            visitor: VisitorId::from_bytes(random(&*self.entropy)),
            access: AccessToken::from_random(&random(&*self.entropy)),
            refresh: random(&*self.entropy),
        };
        let (access, rules, now) = (lot.access.clone(), self.family_rules(), self.clock.wall());
        let keyring = Arc::clone(&self.keyring);
        let redeemed = self.ledger.ending(move |registry| {
            let mut terms = None;
            let act = Act { at: now, by: &shown.client, from: None };
            let redeemed = registry.redeem_code(&code.digest(), &act, |authorization, user| {
                redemption::check(authorization, user, &shown, now)?;
                let family = new_family(client, authorization, user, lot, &rules, now);
                terms = Some(family.terms.clone());
                Ok::<_, CodeRefused>(Issue::Family(family))
            })?;
            // The code is used up: its tokens should not be lost for a look at the keys.
            let keys = keyring.as_of(registry, now).unwrap_or_else(|_| keyring.held());
            Ok((redeemed, terms, keys))
        });
        let (redemption, terms, keys) = match redeemed.await? {
            (Redeemed::Issued(redemption), Some(terms), keys) => (redemption, terms, keys),
            (Redeemed::Refused(refused), ..) => return Err(invalid(refused.description()).into()),
            _ => return Err(invalid("the code is unknown, used or expired").into()),
        };
        Ok(TokenResponse {
            access_token: access,
            expires_in: terms.expires_at.since(now).as_secs(),
            id_token: self.id_token(&redemption, &terms, &keys, now)?,
            scope: terms.scopes,
            refresh_token: redemption.refresh,
        })
    }

    pub(super) fn family_rules(&self) -> Rules {
        Rules {
            limits: self.limits.clone(),
            access_life: Duration::from_secs(self.config.lifetimes.access_token_seconds.into()),
            everyone: self.everyone.clone(),
        }
    }

    /// OpenID Connect Core 3.1.3.3: with `openid` among the scopes.
    fn id_token(
        &self,
        redemption: &Redemption,
        terms: &Terms,
        keys: &Keys,
        now: Timestamp,
    ) -> Result<Option<IdToken>, TokenRefused> {
        if !terms.scopes.contains("openid") {
            return Ok(None);
        }
        let Redemption { authorization, user, .. } = redemption;
        let expires_at = now + Duration::from_secs(self.config.lifetimes.id_token_seconds.into());
        let (issuer, sub, client) = (&self.config.issuer, user.id.as_str(), &authorization.client);
        let mut claims =
            IdClaims::new(Registered::new(issuer, sub, client, seconds(now), seconds(expires_at)));
        claims.nonce.clone_from(&authorization.nonce);
        claims.auth_time = Some(seconds(authorization.auth_time));
        claims.acr = Some(authorization.level.to_string());
        Ok(Some(keys.oidc.sign(&claims)?))
    }
}

/// What a code becomes that has passed its checks.
fn new_family(
    client: Client,
    authorization: &Authorization,
    user: &User,
    lot: Lot,
    rules: &Rules,
    now: Timestamp,
) -> NewFamily {
    let offline = authorization.scopes.contains("offline_access")
        && client.grant_types.contains(&GrantType::RefreshToken);
    let ruled = refresh::Family {
        party: family::party(&client),
        born_at: now,
        auth_time: authorization.auth_time,
        rotated_at: now,
        ended: false,
    };
    let Authorization { auth_time, level, .. } = *authorization;
    let holder = Holder { user: user.id.clone(), visitor: lot.visitor, auth_time, level };
    let bearer = family::bearer(client, Standing::LoggedOn, &holder, user);
    let terms = rules.terms(&bearer, &authorization.scopes, &ruled, now);
    NewFamily {
        name: lot.name,
        visitor: lot.visitor,
        refresh: offline.then_some(lot.refresh),
        ends_with_sign_on: !offline,
        scopes: terms.scopes.clone(),
        ends_at: if offline { rules.family_ends_at(&ruled, now) } else { terms.expires_at },
        access: lot.access.digest(),
        terms,
    }
}

fn invalid(description: &'static str) -> TokenError {
    TokenError::new(TokenErrorCode::InvalidGrant, description)
}
