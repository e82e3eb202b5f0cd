//! `mint`: a JPT for whom the proxy speaks of. It can name a visitor; a user comes from the grant's row alone.

use std::sync::Arc;

use vestibule_domain::identity::{SiteId, Timestamp};
use vestibule_domain::token::jpt_expires_at;
use vestibule_ports::issuer::{IssuerError, Mint, Minted, Refusal};

use super::load::{self, ByGrant, Dead, Loaded, Named};
use crate::bearer::{Frame, Whom};
use crate::config::Site;
use crate::inside::Sites;
use crate::keyring::Keys;
use crate::{Idp, claims};

impl Idp {
    /// With `sites`, for those alone: the site is that of the row, whatever the caller says.
    pub(crate) async fn mint_jpt(
        &self,
        mint: Mint,
        seen: Option<Timestamp>,
        sites: Option<Sites>,
    ) -> Result<Minted, IssuerError> {
        let named = self.named(mint)?;
        let (now, keyring) = (self.clock.wall(), Arc::clone(&self.keyring));
        let loaded = self.ledger.call(move |registry| {
            let loaded = load::load(registry, &named, now)?.and_then(|loaded| {
                match (&sites, &loaded.bearer.client.site) {
                    (Some(sites), site) if !site.as_ref().is_some_and(|site| sites.contains(site)) => {
                        Err(Dead::Client)
                    }
                    _ => Ok(loaded),
                }
            });
            let grant = loaded.as_ref().ok().and_then(|loaded| loaded.grant.as_ref());
            if let (Some(grant), Some(seen)) = (grant, seen) {
                // A clock ahead of ours must not keep a sign-on session awake.
                registry.touch_sign_ons(&[(grant.sign_on.clone(), seen.min(now))])?;
            }
            Ok((loaded, keyring.as_of(registry, now)?))
        });
        let (loaded, keys) = loaded.await?;
        let loaded = loaded.map_err(|dead| match dead {
            Dead::Client => IssuerError::Refused(Refusal::Client),
            Dead::Ended => IssuerError::Refused(Refusal::Grant),
        })?;
        self.sign_jpt(&loaded, &keys, now)
    }

    fn sign_jpt(&self, loaded: &Loaded, keys: &Keys, now: Timestamp) -> Result<Minted, IssuerError> {
        let ends_at = loaded.grant.as_ref().map(|grant| grant.ends_at);
        // What is told to the caller is what the token says: whole seconds.
        let expires_at = Timestamp::from_secs(jpt_expires_at(now, ends_at).as_secs());
        if expires_at <= now {
            return Err(IssuerError::Refused(Refusal::Grant));
        }
        let scopes = loaded.bearer.scopes(&self.everyone, None);
        let name = match &loaded.grant {
            // `swap` finds the log-on by this part of the name.
            Some(grant) => format!("{}.{}", grant.name, self.name()),
            None => self.name(),
        };
        let frame = Frame {
            issuer: &self.jpt_issuer,
            audience: &self.config.gateway_audience,
            name: &name,
            now,
            expires_at,
        };
        let jpt = keys.jpt.sign(&loaded.bearer.claims(scopes, &frame))?;
        let claims = match &loaded.bearer.whom {
            Whom::LoggedOn { user, .. } => claims::of(&user.profile),
            Whom::Client | Whom::Anonymous | Whom::Returning(_) => "{}".to_owned(),
        };
        let user = match &loaded.bearer.whom {
            Whom::LoggedOn { user, .. } => Some((user.id.clone(), user.epoch)),
            Whom::Client | Whom::Anonymous | Whom::Returning(_) => None,
        };
        let grant = loaded.grant.as_ref();
        Ok(Minted {
            jpt,
            expires_at,
            claims,
            grant: grant.map(|grant| grant.name.clone()),
            user,
            sign_on: grant.map(|grant| grant.sign_on.clone()),
        })
    }

    fn named(&self, mint: Mint) -> Result<Named, IssuerError> {
        Ok(match mint {
            Mint::Anonymous { site } => {
                Named::Anonymous { client: self.site(&site)?.anonymous_client.clone() }
            }
            Mint::Returning { site, visitor, sid, ep } => Named::Returning {
                client: self.site(&site)?.log_on_client.clone(),
                visitor,
                session: (sid, ep),
            },
            Mint::LoggedOn { grant, visitor, sid, ep } => {
                Named::LoggedOn { grant: ByGrant::Token(grant.digest()), visitor, session: (sid, ep) }
            }
        })
    }

    pub(super) fn site(&self, site: &SiteId) -> Result<&Site, IssuerError> {
        self.sites.get(site).ok_or(IssuerError::Refused(Refusal::Client))
    }
}
