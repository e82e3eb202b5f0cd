//! An OAuth client outside a browser: it sends the person's browser to the log-in and talks to the token endpoint.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use url::form_urlencoded;
use vestibule_oauth::pkce::Verifier;

use super::browser::{Ask, Browser, Reply, Tab};
use super::form::Form;
use super::house::{ALICE, House, PASSWORD};

/// Where the mobile app waits for the browser: any port of the loopback address.
pub(super) const CALLBACK: &str = "http://127.0.0.1:4711/cb";

/// The mobile app with one log-in under way.
pub(in crate::journeys) struct Mobile {
    /// Origin of the log-in.
    login: String,
    /// As the person's browser is before the log-in.
    browser: Browser,
    pub(super) verifier: Verifier,
}

impl Mobile {
    pub(super) fn new(house: &House) -> Self {
        Self::at(house.login(""), house.browser())
    }

    /// With a log-in that has this origin.
    pub(in crate::journeys) fn at(login: String, browser: Browser) -> Self {
        Self { login, browser, verifier: Verifier::from_random(&[7; 32]) }
    }

    /// Where it sends the browser.
    pub(super) fn url(&self, scope: &str) -> String {
        let query = form_urlencoded::Serializer::new(String::new())
            .append_pair("response_type", "code")
            .append_pair("client_id", "mobile-app")
            .append_pair("redirect_uri", CALLBACK)
            .append_pair("scope", scope)
            .append_pair("state", "a-state")
            .append_pair("nonce", "a-nonce")
            .append_pair("code_challenge", &self.verifier.challenge().to_string())
            .append_pair("code_challenge_method", "S256")
            .finish();
        format!("{}/authorize?{query}", self.login)
    }

    /// The address with a code, after the person has filled in the form if there is one.
    #[track_caller]
    pub(super) fn authorize(&self, tab: &mut Tab, scope: &str) -> Reply {
        let mut reply = tab.open(&self.url(scope));
        while reply.is_redirect() && !reply.location().as_str().starts_with(CALLBACK) {
            reply = tab.step(&reply);
        }
        if !reply.is_redirect() {
            reply = Form::of(&reply.is(200)).submit(tab, &[("username", ALICE), ("password", PASSWORD)]);
        }
        assert!(reply.location().as_str().starts_with(CALLBACK), "{reply:?}");
        reply
    }

    #[track_caller]
    pub(in crate::journeys) fn code(&self, scope: &str) -> String {
        let mut tab = self.browser.copy().tab();
        self.authorize(&mut tab, scope).parameter("code").expect("a code")
    }

    #[track_caller]
    pub(in crate::journeys) fn redeem(&self, code: &str) -> Reply {
        self.redeem_with(code, self.verifier.expose())
    }

    #[track_caller]
    pub(super) fn redeem_with(&self, code: &str, verifier: &str) -> Reply {
        let fields = [
            ("grant_type", "authorization_code"),
            ("client_id", "mobile-app"),
            ("code", code),
            ("redirect_uri", CALLBACK),
            ("code_verifier", verifier),
        ];
        self.token(&fields)
    }

    #[track_caller]
    pub(super) fn refresh(&self, refresh_token: &str) -> Reply {
        let fields =
            [("grant_type", "refresh_token"), ("client_id", "mobile-app"), ("refresh_token", refresh_token)];
        self.token(&fields)
    }

    #[track_caller]
    fn token(&self, fields: &[(&str, &str)]) -> Reply {
        let url = format!("{}/token", self.login);
        self.browser.copy().tab().send(Ask::form(&url, &url, fields).silent()).sets_nothing()
    }
}

/// Asks the token endpoint; with a name and a secret in HTTP Basic.
#[track_caller]
pub(super) fn token(house: &House, fields: &[(&str, &str)], basic: Option<(&str, &str)>) -> Reply {
    let url = house.login("/token");
    let mut ask = Ask::form(&url, &url, fields).silent();
    if let Some((id, secret)) = basic {
        ask = ask.with(&format!("Authorization: Basic {}", STANDARD.encode(format!("{id}:{secret}"))));
    }
    house.browser().tab().send(ask).sets_nothing()
}

impl Reply {
    /// A text of the JSON document.
    #[track_caller]
    pub(in crate::journeys) fn text(&self, name: &str) -> String {
        let json = self.json();
        json[name].as_str().unwrap_or_else(|| panic!("no {name} in {json}")).to_owned()
    }
}
