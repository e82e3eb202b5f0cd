//! A request for a log-in: read, compared with the sign-on session of the browser, answered with a code.
//! Shared by `/authorize`, which never shows a page, and `/login`, which does. Nothing of it is kept meanwhile: the
//! request travels in the URL and is read anew each time. RFC 6749 4.1.1 and 4.1.2, OpenID Connect Core 3.1.2.

use std::sync::Arc;
use std::time::Duration;

use http::HeaderMap;
use vestibule_domain::cookie::Cookie;
use vestibule_domain::identity::{Timestamp, UserId};
use vestibule_domain::scope::{self, Bearer};
use vestibule_oauth::authorize::{self, AuthorizeRefused, AuthorizeRequest, PageError, Prompt};
use vestibule_oauth::error::{AuthorizeError, AuthorizeErrorCode};
use vestibule_oauth::form::Form;
use vestibule_oauth::scope::ScopeSet;
use vestibule_oauth::token::Code;
use vestibule_ports::entropy::random;
use vestibule_registry::client::{Client, GrantType};
use vestibule_registry::code::NewCode;
use vestibule_registry::sign_on::SignOn;

use crate::Idp;
use crate::browser::BrowserSecret;
use crate::reply::{PageRefused, Unavailable};

/// A request that may be answered, by a client that may ask.
#[derive(Debug)]
pub(crate) struct Asked {
    pub(crate) request: AuthorizeRequest,
    pub(crate) client: Client,
}

/// Where a request leads.
#[derive(Debug)]
pub(crate) enum Step {
    /// Back to the client, with a code or an error. Holds a code, so it is for `Location` only.
    Back(String),
    /// To the person, who has to log in.
    LogIn(Box<Asked>),
}

impl Idp {
    /// Reads a request and answers it, if the browser's sign-on session is enough.
    pub(crate) async fn answer(&self, form: &Form, headers: &HeaderMap) -> Result<Step, PageRefused> {
        let asked = match self.read_asked(form).await? {
            Ok(asked) => asked,
            Err(location) => return Ok(Step::Back(location)),
        };
        let now = self.clock.wall();
        let sign_on = self.sign_on(headers).await?;
        if let Some(sign_on) = sign_on.filter(|sign_on| self.is_enough(&asked.request, sign_on, now))
            && self.hinted(&asked.request).await?.is_none_or(|hinted| hinted.is(&sign_on))
            && let Some(location) = self.issue(&asked, &sign_on).await?
        {
            return Ok(Step::Back(location));
        }
        if asked.request.prompt == Prompt::Silent {
            // OpenID Connect Core 3.1.2.6
            let error = AuthorizeError::new(AuthorizeErrorCode::LoginRequired, "nobody is logged in");
            return Ok(Step::Back(self.refusal(&asked.request, &error)));
        }
        Ok(Step::LogIn(Box::new(asked)))
    }

    /// Reads a request. An error that may be told to the client is its callback's URL.
    pub(crate) async fn read_asked(&self, form: &Form) -> Result<Result<Asked, String>, PageRefused> {
        let id = authorize::client_id(form)?;
        let client = self.ledger.call(move |registry| registry.client(&id)).await?;
        let client = client.ok_or(PageError::ClientUnknown)?;
        let request = match AuthorizeRequest::parse(form, &client.redirect_uris) {
            Ok(request) => request,
            Err(AuthorizeRefused::Page(error)) => return Err(error.into()),
            Err(AuthorizeRefused::Client { callback, error }) => {
                return Ok(Err(callback.refused_url(&error, &self.config.issuer)));
            }
        };
        match may_ask(&client) {
            Ok(()) => Ok(Ok(Asked { request, client })),
            Err(error) => Ok(Err(self.refusal(&request, &error))),
        }
    }

    /// The sign-on session of the browser.
    pub(crate) async fn sign_on(&self, headers: &HeaderMap) -> Result<Option<SignOn>, Unavailable> {
        let Some(secret) = BrowserSecret::of(headers, Cookie::Idp) else { return Ok(None) };
        let now = self.clock.wall();
        self.ledger.call(move |registry| registry.sign_on(&secret.digest(), now)).await
    }

    /// The callback's URL after a log-in, with a code if it was the right person's; `None` if the sign-on session has
    /// ended meanwhile.
    pub(crate) async fn grant(
        &self,
        asked: &Asked,
        hinted: Option<&Hinted>,
        sign_on: &SignOn,
    ) -> Result<Option<String>, PageRefused> {
        match hinted {
            // OpenID Connect Core 3.1.2.1: the answer is about the user of the hint, or an error
            Some(Hinted::User(user)) if *user != sign_on.user => {
                let description = "somebody else has logged in than id_token_hint names";
                let error = AuthorizeError::new(AuthorizeErrorCode::LoginRequired, description);
                Ok(Some(self.refusal(&asked.request, &error)))
            }
            _ => self.issue(asked, sign_on).await,
        }
    }

    /// The callback's URL with a code; `None` if the sign-on session has ended meanwhile.
    async fn issue(&self, asked: &Asked, sign_on: &SignOn) -> Result<Option<String>, PageRefused> {
        let code = Code::from_random(&random(&*self.entropy));
        let now = self.clock.wall();
        let expires_at = now + Duration::from_secs(self.config.lifetimes.code_seconds.into());
        let (digest, sign_on) = (code.digest(), sign_on.clone());
        let (client, request) = (asked.client.clone(), asked.request.clone());
        let everyone = self.everyone.clone();
        let issued = self.ledger.call(move |registry| {
            let Some(user) = registry.user(&sign_on.user)? else { return Ok(Some(false)) };
            let scopes = granted(&client, &user.scopes, &everyone, request.scope.as_ref());
            let Some(scopes) = scopes else { return Ok(None) };
            registry.touch_sign_ons(&[(sign_on.id.clone(), now)])?;
            let new = NewCode {
                digest: &digest,
                client: &client.id,
                sign_on: &sign_on.id,
                redirect_uri: request.callback.is_named().then(|| request.callback.redirect_uri()),
                challenge: &request.challenge,
                nonce: request.nonce.as_deref(),
                scopes: &scopes,
                expires_at,
            };
            registry.issue_code(&new, now).map(Some)
        });
        Ok(match issued.await? {
            Some(true) => Some(asked.request.callback.granted_url(&code, &self.config.issuer)),
            Some(false) => None,
            None => {
                let error = AuthorizeError::new(AuthorizeErrorCode::InvalidScope, "none of these scopes");
                Some(self.refusal(&asked.request, &error))
            }
        })
    }

    fn refusal(&self, request: &AuthorizeRequest, error: &AuthorizeError) -> String {
        request.callback.refused_url(error, &self.config.issuer)
    }

    /// Whether the sign-on session answers the request, so that nobody is asked for credentials.
    fn is_enough(&self, request: &AuthorizeRequest, sign_on: &SignOn, now: Timestamp) -> bool {
        let asks = matches!(
            request.prompt,
            Prompt::Ask { login: true, .. } | Prompt::Ask { select_account: true, .. }
        );
        let is_idle = now >= sign_on.seen_at + self.limits.idle;
        !asks && !is_idle && is_recent(request.max_age, sign_on.auth_time, now)
    }

    /// OpenID Connect Core 3.1.2.1: the hint names the user that the answer must be about. It may have expired, and its
    /// key may sign no more. What an ended key has signed is not believed: so the registry says which keys there are.
    pub(crate) async fn hinted(&self, request: &AuthorizeRequest) -> Result<Option<Hinted>, Unavailable> {
        let Some(hint) = &request.id_token_hint else { return Ok(None) };
        let (keyring, now) = (Arc::clone(&self.keyring), self.clock.wall());
        let keys = self.ledger.call(move |registry| keyring.as_of(registry, now)).await?;
        let verifier = keys.oidc.verifier(&self.config.issuer, &request.client_id);
        let ageless = verifier.verify(hint, 0, u64::MAX);
        let user = ageless.ok().and_then(|claims| UserId::parse(&claims.registered.sub).ok());
        Ok(Some(user.map_or(Hinted::Nobody, Hinted::User)))
    }
}

/// Whom a hint names.
pub(crate) enum Hinted {
    /// This user.
    User(UserId),
    /// Nobody that we would believe: whoever is there has to log in, and may then be anybody.
    Nobody,
}

impl Hinted {
    fn is(&self, sign_on: &SignOn) -> bool {
        matches!(self, Self::User(user) if *user == sign_on.user)
    }
}

/// OpenID Connect Core 3.1.2.1 `max_age`; 0 asks in any case.
fn is_recent(max_age: Option<u32>, auth_time: Timestamp, now: Timestamp) -> bool {
    max_age.is_none_or(|seconds| now < auth_time + Duration::from_secs(seconds.into()))
}

fn may_ask(client: &Client) -> Result<(), AuthorizeError> {
    let refused = |description| Err(AuthorizeError::new(AuthorizeErrorCode::UnauthorizedClient, description));
    if !client.grant_types.contains(&GrantType::AuthorizationCode) {
        return refused("this client may not use the code flow");
    }
    if !client.first_party {
        return refused("a third-party client needs consent, which cannot be given here yet");
    }
    Ok(())
}

/// The scopes of a code. A site asks for nothing in particular: whatever client, standing and user allow is decided
/// at each token. `None` if somebody else asked, and for nothing that can be had.
fn granted(
    client: &Client,
    user: &ScopeSet,
    everyone: &ScopeSet,
    requested: Option<&ScopeSet>,
) -> Option<ScopeSet> {
    let requested = requested.filter(|_| client.site.is_none());
    let bearer = Bearer::User { client: &client.scopes, user, everyone, consented: None };
    let scopes = scope::effective(&bearer, requested);
    (!scopes.is_empty() || requested.is_none()).then_some(scopes)
}
