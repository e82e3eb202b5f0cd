//! For whom a token is: a client for itself, a visitor, or a user; what it then allows and says. One place for all
//! tokens, so that none says more than another. RFC 9068 2.2. Must not know keys or the registry's tables.

use vestibule_domain::identity::{Epoch, Handle, Timestamp, VisitorId};
use vestibule_domain::scope;
use vestibule_domain::standing::Standing;
use vestibule_domain::token::Subject;
use vestibule_oauth::access_claims::{AccessClaims, SessionClaims};
use vestibule_oauth::jwt::Registered;
use vestibule_oauth::scope::ScopeSet;
use vestibule_registry::client::Client;
use vestibule_registry::user::User;

/// Whom a token is about, with everything as of now.
#[derive(Debug, Clone)]
pub(crate) struct Bearer {
    /// The client that it is issued to.
    pub(crate) client: Client,
    /// Whom it is about.
    pub(crate) whom: Whom,
    /// The session of the proxy behind it.
    pub(crate) session: Option<(Handle, Epoch)>,
}

/// Whom a token is about.
#[derive(Debug, Clone)]
pub(crate) enum Whom {
    /// The client itself.
    Client,
    /// All visitors of a site of whom nothing is known.
    Anonymous,
    /// A visitor.
    Returning(VisitorId),
    /// A user.
    LoggedOn {
        /// Who.
        user: Box<User>,
        /// The same person as a visitor.
        visitor: VisitorId,
        /// When the credentials were given.
        auth_time: Timestamp,
        /// How strong they were.
        level: u8,
    },
}

/// Who says it to whom, and from when to when.
#[derive(Debug)]
pub(crate) struct Frame<'a> {
    /// `iss`
    pub(crate) issuer: &'a str,
    /// `aud`
    pub(crate) audience: &'a str,
    /// `jti`
    pub(crate) name: &'a str,
    /// `iat`
    pub(crate) now: Timestamp,
    /// `exp`
    pub(crate) expires_at: Timestamp,
}

impl Bearer {
    /// What a token may allow now; `requested` is `None` where nothing in particular was asked for.
    pub(crate) fn scopes(&self, everyone: &ScopeSet, requested: Option<&ScopeSet>) -> ScopeSet {
        let client = &self.client.scopes;
        let bearer = match &self.whom {
            Whom::Client => scope::Bearer::Client { own: &self.client.own_scopes },
            Whom::Anonymous => scope::Bearer::Visitor { client, returning: false },
            Whom::Returning(_) => scope::Bearer::Visitor { client, returning: true },
            Whom::LoggedOn { user, .. } => {
                scope::Bearer::User { client, user: &user.scopes, everyone, consented: None }
            }
        };
        scope::effective(&bearer, requested)
    }

    /// The claims of a JWT or a JPT.
    pub(crate) fn claims(&self, scopes: ScopeSet, frame: &Frame<'_>) -> AccessClaims {
        let sub = self.subject().sub();
        let (iat, exp) = (seconds(frame.now), seconds(frame.expires_at));
        let registered = Registered::new(frame.issuer, &sub, frame.audience, iat, exp);
        let mut claims = AccessClaims::new(registered, frame.name, &self.client.id);
        claims.scope = scopes;
        claims.standing = self.standing().map(|standing| standing.as_str().to_owned());
        claims.session =
            self.session.map(|(sid, ep)| SessionClaims { sid: sid.to_string(), ep: ep.get().into() });
        if let Whom::LoggedOn { visitor, auth_time, level, .. } = &self.whom {
            claims.visitor = Some(visitor.to_string());
            claims.auth_time = Some(seconds(*auth_time));
            claims.acr = Some(level.to_string());
        }
        claims
    }

    fn subject(&self) -> Subject<'_> {
        match &self.whom {
            Whom::Client | Whom::Anonymous => Subject::Anonymous { client: &self.client.id },
            Whom::Returning(visitor) => Subject::Returning(*visitor),
            Whom::LoggedOn { user, .. } => Subject::LoggedOn(&user.id),
        }
    }

    /// Its standing; a client for itself has none.
    pub(crate) fn standing(&self) -> Option<Standing> {
        match &self.whom {
            Whom::Client => None,
            Whom::Anonymous => Some(Standing::Anonymous),
            Whom::Returning(_) => Some(Standing::Returning),
            Whom::LoggedOn { .. } => Some(Standing::LoggedOn),
        }
    }
}

/// Seconds since 1970, as tokens count.
pub(crate) fn seconds(at: Timestamp) -> u64 {
    at.as_secs().try_into().unwrap_or_default()
}
