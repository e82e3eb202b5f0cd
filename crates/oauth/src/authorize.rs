//! The authorization request: code flow with PKCE and nothing else.
//! RFC 6749 4.1.1, RFC 7636 4.3, OpenID Connect Core 3.1.2.1. Must not know who is logged on.

use crate::authorize_response::{Callback, CallbackRefused};
use crate::client_auth;
use crate::error::{AuthorizeError, AuthorizeErrorCode};
use crate::form::{self, Form, FormRefused, Repeated};
use crate::pkce::CodeChallenge;
use crate::redirect_uri::RedirectUri;
use crate::scope::ScopeSet;
use crate::token::IdToken;

/// Longest `nonce`, in bytes.
pub const NONCE_BYTES_MAX: usize = 512;

/// Longest `login_hint`, in bytes.
pub const LOGIN_HINT_BYTES_MAX: usize = 256;

/// A request that may be answered at its callback.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuthorizeRequest {
    /// The asking client.
    pub client_id: String,
    /// Where the answer goes.
    pub callback: Callback,
    /// The wanted scopes; `None` leaves the choice to the server.
    pub scope: Option<ScopeSet>,
    /// What the code will be redeemed against.
    pub challenge: CodeChallenge,
    /// Goes into the ID token unchanged.
    pub nonce: Option<String>,
    /// What to show.
    pub prompt: Prompt,
    /// Most seconds since the user authenticated; 0 demands a new log-in.
    pub max_age: Option<u32>,
    /// Log-in name to fill in. A caller's text: never trust, always encode.
    pub login_hint: Option<String>,
    /// The user that the client expects. Not verified yet.
    pub id_token_hint: Option<IdToken>,
}

/// OpenID Connect Core 3.1.2.1 `prompt`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Prompt {
    /// `none`: show nothing, answer with an error instead.
    Silent,
    /// Show what is due, and these in any case.
    Ask {
        /// Ask for credentials even if logged on.
        login: bool,
        /// Ask for consent even if given.
        consent: bool,
        /// Let the user pick an account.
        select_account: bool,
    },
}

/// Why a request has no safe callback: shown on a page of our own, never redirected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PageError {
    /// The parameters cannot be read.
    #[error(transparent)]
    Form(#[from] FormRefused),
    /// `client_id` is missing, malformed or repeated.
    #[error("client_id is missing or malformed")]
    ClientMalformed,
    /// No such client; for the caller that looked it up.
    #[error("unknown client")]
    ClientUnknown,
    /// `redirect_uri` is repeated.
    #[error("redirect_uri is repeated")]
    CallbackRepeated,
    /// `redirect_uri` is missing or not registered.
    #[error(transparent)]
    Callback(#[from] CallbackRefused),
}

/// Why a request is refused, and to whom that may be told.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AuthorizeRefused {
    /// To the person in front of the browser only.
    #[error(transparent)]
    Page(#[from] PageError),
    /// To the client, at its callback.
    #[error("{error}")]
    Client {
        /// Where to send the error.
        callback: Callback,
        /// What to send.
        error: AuthorizeError,
    },
}

/// The client that a request claims to come from, to look up before the rest is read.
pub fn client_id(form: &Form) -> Result<String, PageError> {
    let named = form.get("client_id").ok().flatten();
    named.and_then(client_auth::client_id).ok_or(PageError::ClientMalformed)
}

impl AuthorizeRequest {
    /// Reads a request of a client that has these redirect URIs.
    pub fn parse(form: &Form, registered: &[RedirectUri]) -> Result<Self, AuthorizeRefused> {
        let client_id = client_id(form)?;
        let named = form.get("redirect_uri").map_err(|Repeated| PageError::CallbackRepeated)?;
        let callback = Callback::find(registered, named).map_err(PageError::Callback)?;
        let callback = match add_state(form, callback.clone()) {
            Ok(callback) => callback,
            Err(error) => return Err(AuthorizeRefused::Client { callback, error }),
        };
        Self::parse_for(form, client_id, callback.clone())
            .map_err(|error| AuthorizeRefused::Client { callback, error })
    }

    fn parse_for(form: &Form, client_id: String, callback: Callback) -> Result<Self, AuthorizeError> {
        refuse_unsupported(form)?;
        let scope = form.get("scope")?.map(ScopeSet::parse).transpose()?;
        // OpenID Connect Core 3.1.2.1: redirect_uri is REQUIRED
        if !callback.is_named() && scope.as_ref().is_some_and(|scope| scope.contains("openid")) {
            return Err(AuthorizeError::invalid_request("redirect_uri is missing"));
        }
        let id_token_hint = form.get("id_token_hint")?.map(IdToken::parse).transpose();
        Ok(Self {
            client_id,
            callback,
            scope,
            challenge: challenge(form)?,
            nonce: bounded(form, "nonce", NONCE_BYTES_MAX)?,
            prompt: prompt(form)?,
            max_age: max_age(form)?,
            login_hint: bounded(form, "login_hint", LOGIN_HINT_BYTES_MAX)?,
            id_token_hint: id_token_hint
                .map_err(|_| AuthorizeError::invalid_request("malformed id_token_hint"))?,
        })
    }

    /// The URL that a client sends a browser to.
    pub fn url(&self, endpoint: &str) -> String {
        let challenge = self.challenge.to_string();
        let scope = self.scope.as_ref().map(ToString::to_string);
        let max_age = self.max_age.map(|seconds| seconds.to_string());
        let prompt = self.prompt.text();
        let redirect_uri = self.callback.is_named().then_some(self.callback.redirect_uri());
        let optional = [
            ("redirect_uri", redirect_uri),
            ("state", self.callback.state()),
            ("scope", scope.as_deref()),
            ("nonce", self.nonce.as_deref()),
            ("prompt", prompt.as_deref()),
            ("max_age", max_age.as_deref()),
            ("login_hint", self.login_hint.as_deref()),
            ("id_token_hint", self.id_token_hint.as_ref().map(IdToken::expose)),
        ];
        let fixed = [
            ("response_type", "code"),
            ("client_id", &self.client_id),
            ("code_challenge", &challenge),
            ("code_challenge_method", "S256"),
        ];
        let optional = optional.into_iter().filter_map(|(name, value)| Some((name, value?)));
        form::append(endpoint, fixed.into_iter().chain(optional))
    }
}

impl Default for Prompt {
    fn default() -> Self {
        Self::Ask { login: false, consent: false, select_account: false }
    }
}

impl Prompt {
    fn parse(text: &str) -> Option<Self> {
        if text == "none" {
            return Some(Self::Silent);
        }
        let (mut login, mut consent, mut select_account) = (false, false, false);
        for value in text.split(' ') {
            match value {
                "login" => login = true,
                "consent" => consent = true,
                "select_account" => select_account = true,
                // OpenID Connect Core 3.1.2.1: none with any other value is an error
                _ => return None,
            }
        }
        Some(Self::Ask { login, consent, select_account })
    }

    fn text(self) -> Option<String> {
        let Self::Ask { login, consent, select_account } = self else { return Some("none".to_owned()) };
        let values = [(login, "login"), (consent, "consent"), (select_account, "select_account")];
        let values: Vec<&str> = values.into_iter().filter_map(|(set, value)| set.then_some(value)).collect();
        (!values.is_empty()).then(|| values.join(" "))
    }
}

fn add_state(form: &Form, callback: Callback) -> Result<Callback, AuthorizeError> {
    match form.get("state")? {
        Some(state) => callback.with_state(state).ok_or(AuthorizeError::invalid_request("malformed state")),
        None => Ok(callback),
    }
}

fn refuse_unsupported(form: &Form) -> Result<(), AuthorizeError> {
    // OpenID Connect Core 6: a server that ignored request objects would grant what they forbid
    for (name, code) in [
        ("request", AuthorizeErrorCode::RequestNotSupported),
        ("request_uri", AuthorizeErrorCode::RequestUriNotSupported),
        ("registration", AuthorizeErrorCode::RegistrationNotSupported),
    ] {
        if form.has(name) {
            return Err(AuthorizeError::new(code, "this parameter is not supported"));
        }
    }
    match form.get("response_type")? {
        Some("code") => {}
        Some(_) => {
            let code = AuthorizeErrorCode::UnsupportedResponseType;
            return Err(AuthorizeError::new(code, "only response_type code is supported"));
        }
        None => return Err(AuthorizeError::invalid_request("response_type is missing")),
    }
    match form.get("response_mode")? {
        None | Some("query") => Ok(()),
        Some(_) => Err(AuthorizeError::invalid_request("only response_mode query is supported")),
    }
}

fn challenge(form: &Form) -> Result<CodeChallenge, AuthorizeError> {
    // RFC 7636 4.4.1; RFC 9700 2.1.1 for the demand from every client
    let text = form.get("code_challenge")?;
    let text = text.ok_or(AuthorizeError::invalid_request("code_challenge is missing"))?;
    // RFC 7636 4.3: without a method it would be plain
    if form.get("code_challenge_method")? != Some("S256") {
        return Err(AuthorizeError::invalid_request("code_challenge_method must be S256"));
    }
    CodeChallenge::parse(text).map_err(|_| AuthorizeError::invalid_request("malformed code_challenge"))
}

fn prompt(form: &Form) -> Result<Prompt, AuthorizeError> {
    match form.get("prompt")? {
        Some(text) => Prompt::parse(text).ok_or(AuthorizeError::invalid_request("malformed prompt")),
        None => Ok(Prompt::default()),
    }
}

fn max_age(form: &Form) -> Result<Option<u32>, AuthorizeError> {
    let Some(text) = form.get("max_age")? else { return Ok(None) };
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    let seconds = text.parse().ok().filter(|_| digits);
    seconds.map(Some).ok_or(AuthorizeError::invalid_request("malformed max_age"))
}

fn bounded(form: &Form, name: &str, bytes_max: usize) -> Result<Option<String>, AuthorizeError> {
    let value = form.get(name)?;
    if value.is_some_and(|value| value.len() > bytes_max) {
        return Err(AuthorizeError::invalid_request("nonce or login_hint is too long"));
    }
    Ok(value.map(str::to_owned))
}

#[cfg(test)]
mod tests;
