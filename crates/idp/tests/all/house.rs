//! A provider with two sites, three clients and one user, and a browser that keeps cookies as browsers do.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use http::{HeaderMap, Request, StatusCode};
use http_body_util::BodyExt as _;
use serde_json::Value;
use tower::ServiceExt as _;
use url::form_urlencoded;
use vestibule_domain::identity::{Timestamp, UserId};
use vestibule_idp::config::{Client, ClientScopes, Config, GrantType, PasswordCost, Site};
use vestibule_idp::{Cause, Idp, OverHttps, Peer};
use vestibule_oauth::pkce::Verifier;
use vestibule_oauth::scope::{Scope, ScopeSet};
use vestibule_oauth::token::ClientSecret;
use vestibule_ports::authority::{Authority as _, NewUser, Password, Profile};
use vestibule_ports::clock::{Clock, Mono, TestClock};
use vestibule_ports::entropy::SeededEntropy;
use vestibule_registry::{Caps, Registry};

use super::database::{self, Door, Hold};

pub(crate) const ISSUER: &str = "https://login.example";
pub(crate) const HOST: &str = "login.example";
pub(crate) const PASSWORD: &str = "correct horse battery";
pub(crate) const TILL_SECRET: &str = "till-secret-of-32-characters-or-so";
pub(crate) const OFFICE_SECRET: &str = "office-secret-of-32-characters-or-so";
pub(crate) const OFFICE_CALLBACK: &str = "https://office.example/cb";
pub(crate) const MOBILE_CALLBACK: &str = "http://127.0.0.1:4711/cb";
pub(crate) const SHOP_CALLBACK: &str = "https://shop.example/.vestibule/callback";
pub(crate) const OUTLET_CALLBACK: &str = "https://outlet.example/.vestibule/callback";
pub(crate) const BIRTH: i64 = 1_750_000_000;

pub(crate) struct House {
    pub(crate) idp: Arc<Idp>,
    pub(crate) registry: Arc<Registry>,
    door: Door,
    pub(crate) clock: Arc<TestClock>,
    pub(crate) alice: UserId,
    router: Router,
}

pub(crate) fn config() -> Config {
    Config {
        issuer: ISSUER.to_owned(),
        everyone_scopes: texts(&["products:read", "basket:write"]),
        sites: vec![site("shop"), site("outlet")],
        clients: vec![
            site_client("shop", &[SHOP_CALLBACK]),
            site_client("shop-anonymous", &[]),
            site_client("outlet", &[OUTLET_CALLBACK]),
            site_client("outlet-anonymous", &[]),
            mobile_app(),
            office(),
            till(),
        ],
        password_cost: cheap(),
        ..Config::default()
    }
}

pub(crate) fn cheap() -> PasswordCost {
    PasswordCost { memory_kib: 8, passes: 1, lanes: 1, at_once: 2, queue: 1_000 }
}

fn site(name: &str) -> Site {
    Site {
        name: name.to_owned(),
        origin: format!("https://{name}.example"),
        log_on_client: name.to_owned(),
        anonymous_client: format!("{name}-anonymous"),
    }
}

fn client(id: &str, redirect_uris: &[&str], grant_types: &[GrantType]) -> Client {
    Client {
        id: id.to_owned(),
        name: format!("The {id} client"),
        first_party: true,
        secret_file: None,
        secret: None,
        redirect_uris: texts(redirect_uris),
        grant_types: grant_types.to_vec(),
        scopes: ClientScopes::default(),
    }
}

fn site_client(id: &str, redirect_uris: &[&str]) -> Client {
    let grant_types: &[GrantType] =
        if redirect_uris.is_empty() { &[] } else { &[GrantType::AuthorizationCode] };
    Client {
        scopes: ClientScopes {
            own: Vec::new(),
            anonymous: texts(&["products:read"]),
            returning: texts(&["basket:write", "products:read"]),
            logged_on: texts(&["basket:write", "orders:read", "orders:write", "products:read"]),
        },
        ..client(id, redirect_uris, grant_types)
    }
}

fn mobile_app() -> Client {
    Client {
        scopes: ClientScopes {
            logged_on: texts(&["offline_access", "openid", "orders:read", "orders:write", "products:read"]),
            returning: texts(&["products:read"]),
            ..ClientScopes::default()
        },
        ..client(
            "mobile-app",
            &["http://127.0.0.1/cb"],
            &[GrantType::AuthorizationCode, GrantType::RefreshToken],
        )
    }
}

fn office() -> Client {
    Client {
        secret: Some(ClientSecret::parse(OFFICE_SECRET).unwrap()),
        scopes: ClientScopes {
            logged_on: texts(&["offline_access", "openid", "orders:read"]),
            ..ClientScopes::default()
        },
        ..client("office", &[OFFICE_CALLBACK], &[GrantType::AuthorizationCode, GrantType::RefreshToken])
    }
}

fn till() -> Client {
    Client {
        secret: Some(ClientSecret::parse(TILL_SECRET).unwrap()),
        scopes: ClientScopes { own: texts(&["orders:write", "products:read"]), ..ClientScopes::default() },
        ..client("till", &[], &[GrantType::ClientCredentials])
    }
}

fn texts(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}

pub(crate) fn scopes(texts: &[&str]) -> ScopeSet {
    texts.iter().map(|text| Scope::parse(text).unwrap()).collect()
}

impl House {
    pub(crate) async fn new() -> Self {
        Self::of(config()).await
    }

    pub(crate) async fn of(config: Config) -> Self {
        let (registry, door) = database::fresh(Caps::from(&config.caps));
        Self::over(config, registry, door).await
    }

    /// One whose clock goes on by a millisecond whenever it is looked at.
    pub(crate) async fn ticking() -> Self {
        let (registry, door) = database::fresh(Caps::default());
        let clock = Arc::new(TestClock::new(Timestamp::from_secs(BIRTH)));
        Self::at(config(), registry, door, Arc::clone(&clock), Arc::new(Ticking(clock))).await
    }

    /// One over this registry.
    pub(crate) async fn over(config: Config, registry: Arc<Registry>, door: Door) -> Self {
        let clock = Arc::new(TestClock::new(Timestamp::from_secs(BIRTH)));
        Self::at(config, registry, door, Arc::clone(&clock), clock).await
    }

    async fn at(
        config: Config,
        registry: Arc<Registry>,
        door: Door,
        clock: Arc<TestClock>,
        shown: Arc<dyn Clock>,
    ) -> Self {
        let entropy = Arc::new(SeededEntropy::new(7));
        let idp = Idp::new(config, Arc::clone(&registry), shown, entropy).unwrap();
        let alice = idp.create_user(new_user("alice", PASSWORD), "test").await.unwrap();
        let router = idp.router();
        Self { idp, registry, door, clock, alice, router }
    }

    /// The same after a restart with another configuration.
    pub(crate) fn restarted(self, config: Config) -> Self {
        let (registry, clock, entropy) =
            (Arc::clone(&self.registry), Arc::clone(&self.clock), Arc::new(SeededEntropy::new(8)));
        let idp = Idp::new(config, registry, clock, entropy).unwrap();
        Self { router: idp.router(), idp, ..self }
    }

    /// Keeps everybody else from the registry.
    pub(crate) fn hold(&self) -> Hold {
        self.door.hold(self.clock.wall())
    }

    /// A fresh browser at an address of its own network.
    pub(crate) fn browser(&self) -> Browser {
        Browser {
            router: self.router.clone(),
            peer: IpAddr::V4(Ipv4Addr::new(192, 0, 2, 7)),
            over_https: true,
            host: HOST,
            jar: BTreeMap::new(),
        }
    }

    /// A request of a client without a browser.
    pub(crate) async fn post(&self, path: &str, fields: &[(&str, &str)]) -> Reply {
        self.browser().post(path, fields).await
    }

    pub(crate) async fn post_as(&self, path: &str, id: &str, secret: &str, fields: &[(&str, &str)]) -> Reply {
        let basic = STANDARD.encode(format!("{id}:{secret}"));
        let authorization = format!("Basic {basic}");
        self.browser().post_with(path, fields, &[("authorization", &authorization)]).await
    }

    /// Tokens of the mobile app, after a log-in in a new browser.
    pub(crate) async fn mobile_tokens(&self, scope: &str) -> Value {
        let asked = Asked { scope, ..Asked::mobile() };
        let code = self.browser().log_in(&asked).await.code();
        let reply = self.post("/token", &redemption(&asked, &code)).await;
        assert_eq!(reply.status, StatusCode::OK, "{}", reply.body);
        reply.json()
    }
}

/// A request to the provider's own origin.
pub(crate) fn over_https(request: http::request::Builder) -> http::request::Builder {
    request.header("host", HOST).extension(OverHttps(true))
}

struct Ticking(Arc<TestClock>);

impl Clock for Ticking {
    fn wall(&self) -> Timestamp {
        self.0.advance(std::time::Duration::from_millis(1));
        self.0.wall()
    }

    fn mono(&self) -> Mono {
        self.0.mono()
    }
}

pub(crate) fn new_user(login: &str, password: &str) -> NewUser {
    NewUser {
        login: login.to_owned(),
        password: Password::new(password),
        profile: Profile { name: Some("Alice Baker".to_owned()), ..Profile::default() },
        scopes: scopes(&["orders:read"]),
    }
}

/// An authorization request.
#[derive(Clone, Copy)]
pub(crate) struct Asked<'a> {
    pub(crate) client: &'a str,
    pub(crate) callback: &'a str,
    pub(crate) scope: &'a str,
    /// More parameters, each beginning with `&`.
    pub(crate) more: &'a str,
}

/// The verifier of every test's request.
pub(crate) const VERIFIER: &str = "a-verifier-of-at-least-43-characters-as-required";

pub(crate) fn verifier() -> Verifier {
    Verifier::parse(VERIFIER).unwrap()
}

impl<'a> Asked<'a> {
    pub(crate) fn mobile() -> Self {
        Self {
            client: "mobile-app",
            callback: MOBILE_CALLBACK,
            scope: "openid offline_access orders:read",
            more: "",
        }
    }

    pub(crate) fn office() -> Self {
        Self { client: "office", callback: OFFICE_CALLBACK, scope: "openid orders:read", more: "" }
    }

    pub(crate) fn shop() -> Self {
        Self { client: "shop", callback: SHOP_CALLBACK, scope: "openid", more: "" }
    }

    pub(crate) fn outlet() -> Self {
        Self { client: "outlet", callback: OUTLET_CALLBACK, ..Self::shop() }
    }

    pub(crate) fn with(self, more: &'a str) -> Self {
        Self { more, ..self }
    }

    pub(crate) fn url(&self) -> String {
        let query = form_urlencoded::Serializer::new(String::new())
            .append_pair("response_type", "code")
            .append_pair("client_id", self.client)
            .append_pair("redirect_uri", self.callback)
            .append_pair("scope", self.scope)
            .append_pair("state", "a-state")
            .append_pair("nonce", "a-nonce")
            .append_pair("code_challenge", &verifier().challenge().to_string())
            .append_pair("code_challenge_method", "S256")
            .finish();
        format!("/authorize?{query}{}", self.more)
    }
}

/// The token request of a public client for a code.
pub(crate) fn redemption<'a>(asked: &Asked<'a>, code: &'a str) -> [(&'static str, &'a str); 5] {
    [
        ("grant_type", "authorization_code"),
        ("client_id", asked.client),
        ("code", code),
        ("redirect_uri", asked.callback),
        ("code_verifier", VERIFIER),
    ]
}

pub(crate) struct Browser {
    router: Router,
    pub(crate) peer: IpAddr,
    pub(crate) over_https: bool,
    pub(crate) host: &'static str,
    pub(crate) jar: BTreeMap<String, String>,
}

impl Browser {
    pub(crate) async fn get(&mut self, target: &str) -> Reply {
        self.send(Request::get(target).body(Body::empty()).unwrap()).await
    }

    pub(crate) async fn post(&mut self, target: &str, fields: &[(&str, &str)]) -> Reply {
        self.post_with(target, fields, &[]).await
    }

    pub(crate) async fn post_with(
        &mut self,
        target: &str,
        fields: &[(&str, &str)],
        headers: &[(&str, &str)],
    ) -> Reply {
        let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        let mut request = Request::post(target).header("content-type", "application/x-www-form-urlencoded");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        self.send(request.body(Body::from(body)).unwrap()).await
    }

    pub(crate) async fn send(&mut self, mut request: Request<Body>) -> Reply {
        let cookies: Vec<String> = self.jar.iter().map(|(name, value)| format!("{name}={value}")).collect();
        if !cookies.is_empty() {
            request.headers_mut().insert("cookie", cookies.join("; ").parse().unwrap());
        }
        request.extensions_mut().insert(Peer(self.peer));
        request.extensions_mut().insert(OverHttps(self.over_https));
        if !request.headers().contains_key("host") {
            request.headers_mut().insert("host", self.host.parse().unwrap());
        }
        let (parts, body) = self.router.clone().oneshot(request).await.unwrap().into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        let reply = Reply {
            status: parts.status,
            body: String::from_utf8(body.to_vec()).unwrap(),
            cause: parts.extensions.get::<Cause>().map(|cause| cause.0.clone()).unwrap_or_default(),
            headers: parts.headers,
        };
        for line in reply.headers.get_all("set-cookie") {
            self.keep(line.to_str().unwrap());
        }
        reply
    }

    fn keep(&mut self, line: &str) {
        let (pair, attributes) = line.split_once("; ").unwrap();
        assert!(attributes.starts_with("Path=/; Secure; HttpOnly; SameSite=Lax"), "{line}");
        let (name, value) = pair.split_once('=').unwrap();
        assert!(name.starts_with("__Host-vst-"), "{line}");
        if attributes.contains("Max-Age=0") {
            self.jar.remove(name);
        } else {
            self.jar.insert(name.to_owned(), value.to_owned());
        }
    }

    /// From the authorization endpoint to the log-in form.
    pub(crate) async fn open_form(&mut self, asked: &Asked<'_>) -> Form {
        let reply = self.get(&asked.url()).await;
        assert_eq!(reply.status, StatusCode::SEE_OTHER, "{}", reply.body);
        let page = self.get(reply.location()).await;
        assert_eq!(page.status, StatusCode::OK, "{}", page.body);
        page.form()
    }

    pub(crate) async fn try_password(&mut self, form: &Form, user_name: &str, password: &str) -> Reply {
        let fields = [("csrf", form.csrf.as_str()), ("username", user_name), ("password", password)];
        self.post_with(&form.action, &fields, &[("origin", ISSUER), ("sec-fetch-site", "same-origin")]).await
    }

    /// The whole way to a code, for alice.
    pub(crate) async fn log_in(&mut self, asked: &Asked<'_>) -> Reply {
        let form = self.open_form(asked).await;
        let reply = self.try_password(&form, "alice", PASSWORD).await;
        assert_eq!(reply.status, StatusCode::SEE_OTHER, "{}", reply.body);
        reply
    }
}

/// A form as the page shows it.
#[derive(Debug, Clone)]
pub(crate) struct Form {
    pub(crate) action: String,
    pub(crate) csrf: String,
}

pub(crate) struct Reply {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
    /// What the log would say.
    pub(crate) cause: String,
}

impl Reply {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    pub(crate) fn location(&self) -> &str {
        self.header("location")
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|_| panic!("no JSON: {}", self.body))
    }

    pub(crate) fn error(&self) -> String {
        self.json()["error"].as_str().unwrap_or_default().to_owned()
    }

    /// A parameter of the callback that the answer leads to.
    pub(crate) fn parameter(&self, name: &str) -> Option<String> {
        let (_, query) = self.location().split_once('?')?;
        let mut pairs = form_urlencoded::parse(query.as_bytes());
        pairs.find(|(known, _)| known == name).map(|(_, value)| value.into_owned())
    }

    pub(crate) fn code(&self) -> String {
        self.parameter("code").unwrap_or_else(|| panic!("no code: {}", self.location()))
    }

    pub(crate) fn form(&self) -> Form {
        Form { action: self.attribute("action=\""), csrf: self.attribute("name=\"csrf\" value=\"") }
    }

    pub(crate) fn attribute(&self, before: &str) -> String {
        let (_, rest) = self.body.split_once(before).unwrap_or_else(|| panic!("no {before}: {}", self.body));
        let (value, _) = rest.split_once('"').unwrap();
        value.replace("&#x2f;", "/").replace("&amp;", "&")
    }
}

/// Claims of a signed token, unverified.
pub(crate) fn claims(token: &str) -> Value {
    let payload = token.split('.').nth(1).unwrap();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).unwrap()).unwrap()
}
