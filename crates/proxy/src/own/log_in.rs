//! `/.vestibule/login?to=...`: begins a log-in. Checks where it is to return, puts the attempt into the store and sends
//! the browser to the IDP (RFC 6749 4.1.1, RFC 7636).

use std::time::Duration;

use vestibule_domain::attempt::{ATTEMPT_LIFE, Attempt, ReturnTarget, TryValue};
use vestibule_domain::cookie::{self, Cookie};
use vestibule_message::target::Target;
use vestibule_oauth::authorize::{AuthorizeRequest, Prompt};
use vestibule_oauth::authorize_response::Callback;
use vestibule_oauth::form::Form;
use vestibule_oauth::pkce::Verifier;
use vestibule_oauth::redirect_uri::RedirectUri;
use vestibule_oauth::scope::ScopeSet;
use vestibule_ports::entropy::random;
use vestibule_wire::Answer;

use super::Call;
use crate::{Note, reply};

/// A log-in to be begun.
pub(crate) struct Ask {
    pub(crate) target: ReturnTarget,
    /// Whether an app demanded it.
    pub(crate) asked: bool,
    /// How long ago the credentials may have been given.
    pub(crate) max_age: Option<Duration>,
    /// Whether it takes the place of one that this browser had not begun.
    pub(crate) restarted: bool,
}

impl Ask {
    /// Where a browser begins it.
    pub(crate) fn location(&self) -> String {
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        query.append_pair("to", self.target.as_str());
        if self.asked {
            query.append_pair("asked", "1");
        }
        if let Some(age) = self.max_age {
            query.append_pair("max_age", &age.as_secs().to_string());
        }
        format!("/.vestibule/login?{}", query.finish())
    }
}

pub(crate) async fn serve(call: &Call<'_>, target: &Target, note: &mut Note) -> Answer {
    let form = Form::parse(target.query().unwrap_or_default().as_bytes()).ok();
    let get = |name: &str| form.as_ref().and_then(|form| form.get(name).ok().flatten());
    begin(
        call,
        &Ask {
            target: ReturnTarget::or_root(get("to").unwrap_or("/").as_bytes()),
            asked: get("asked") == Some("1"),
            max_age: get("max_age").and_then(|age| age.parse().ok()).map(Duration::from_secs),
            restarted: false,
        },
        note,
    )
    .await
}

/// Puts the attempt and sends the browser off.
pub(super) async fn begin(call: &Call<'_>, ask: &Ask, note: &mut Note) -> Answer {
    let (Some(client), Some(issuer)) = (&call.site.client, &call.proxy.live.issuer) else {
        return reply::no_log_in();
    };
    if call.visit.jar.is_doubled() {
        // Logging on would set one more pair of cookies beside the planted one, for ever.
        return reply::doubled_cookies();
    }
    if !call.visitors.limiter.admits(call.visit.client, call.visit.now) {
        return reply::too_many_log_ins();
    }
    let value = TryValue::from_random(&random(&*call.visitors.entropy));
    let verifier = Verifier::from_random(&random(&*call.visitors.entropy));
    let nonce = TryValue::from_random(&random(&*call.visitors.entropy)).state().as_str().to_owned();
    let state = value.state();
    let redirect_uri = redirect_uri(call);
    let callback = RedirectUri::register(&redirect_uri)
        .ok()
        .and_then(|uri| Callback::find(&[uri], Some(&redirect_uri)).ok())
        .and_then(|callback| callback.with_state(state.as_str()));
    let Some(callback) = callback else { return reply::no_log_in() };
    let request = AuthorizeRequest {
        client_id: client.clone(),
        callback,
        scope: ScopeSet::parse("openid").ok(),
        challenge: verifier.challenge(),
        nonce: Some(nonce.clone()),
        prompt: Prompt::Ask { login: false, consent: false, select_account: false },
        max_age: ask.max_age.and_then(|age| u32::try_from(age.as_secs()).ok()),
        login_hint: None,
        id_token_hint: None,
    };
    let attempt = Attempt {
        site: call.site.id.clone(),
        verifier,
        nonce,
        target: ask.target.clone(),
        // A log-on of any age is an answer to a demand that names none.
        asked: ask.asked && ask.max_age.is_some(),
        restarted: ask.restarted,
        begun_at: call.visit.now,
    };
    if let Err(why) = call.visitors.sessions.put_attempt(state.key(), &attempt).await {
        note.not_saved = Some(why.to_string());
        return reply::unavailable_page();
    }
    let mut tries = call.visit.jar.tries();
    tries.push(value);
    let cookie = cookie::set(Cookie::Try, &tries.expose(), Some(ATTEMPT_LIFE));
    reply::redirect(&request.url(&format!("{issuer}/authorize")), &[cookie])
}

/// Where the IDP sends the browser back to.
pub(super) fn redirect_uri(call: &Call<'_>) -> String {
    format!("{}/.vestibule/callback", call.site.origin.text)
}
