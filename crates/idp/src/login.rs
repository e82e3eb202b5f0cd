//! The log-in page: shows the form, takes user name and password, signs the browser on, goes back to the client.
//! Nothing is kept between form and answer but the browser's cookie, so unfinished log-ins cost nothing.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Request, State};
use axum::response::Response;
use http::HeaderMap;
use vestibule_domain::cookie::{self, Cookie};
use vestibule_domain::identity::SignOnId;
use vestibule_oauth::form::Form;
use vestibule_ports::entropy::random;
use vestibule_registry::audit::Act;
use vestibule_registry::device::Device;
use vestibule_registry::sign_on::{LogIn, LoggedIn, SignOn};

use crate::Idp;
use crate::asked::{Asked, Step};
use crate::authorize::{again_url, login_url, query};
use crate::browser::{self, BrowserSecret, Shown};
use crate::credentials::{Proved, Try, TryRefused};
use crate::fields::{self, Fields};
use crate::page::LoginForm;
use crate::reply::{self, PageRefused};

/// How strong a password is, of 1 password and 2 two factors.
const LEVEL: u8 = 1;

/// What a submitted form led to.
enum Submitted {
    /// To the client, with these `Set-Cookie` lines.
    Back { location: String, cookies: Vec<String> },
    /// To the form once more.
    Again { asked: Box<Asked>, user_name: String, refused: TryRefused },
}

/// `GET /login`
pub(crate) async fn show(State(idp): State<Arc<Idp>>, request: Request) -> Response {
    let step = match query(&request) {
        Ok(form) => idp.answer(&form, request.headers()).await,
        Err(refused) => Err(refused),
    };
    match step {
        Ok(Step::Back(location)) => reply::see_other(&location),
        Ok(Step::LogIn(asked)) => form_page(&idp, request.headers(), &asked, None, None),
        Err(refused) => reply::page_refused(&idp.pages, &refused),
    }
}

/// `POST /login`
pub(crate) async fn submit(State(idp): State<Arc<Idp>>, request: Request) -> Response {
    let form = query(&request);
    let (parts, body) = request.into_parts();
    let peer = browser::peer(&parts.extensions);
    let submitted = async {
        let fields = fields::read(&parts.headers, body).await?;
        let peer = peer?;
        idp.submitted(&form?, &parts.headers, peer, &fields).await
    };
    match submitted.await {
        Ok(Submitted::Back { location, cookies }) => {
            let mut response = reply::see_other(&location);
            for line in &cookies {
                reply::set_cookie(&mut response, line);
            }
            response
        }
        Ok(Submitted::Again { asked, user_name, refused }) => {
            let page = form_page(&idp, &parts.headers, &asked, Some(&user_name), Some(refused));
            reply::tried_again(refused, page)
        }
        Err(refused) => reply::page_refused(&idp.pages, &refused),
    }
}

impl Idp {
    async fn submitted(
        &self,
        form: &Form,
        headers: &HeaderMap,
        peer: IpAddr,
        fields: &Fields,
    ) -> Result<Submitted, PageRefused> {
        match browser::shown(headers, &self.config.issuer, fields.get("csrf")) {
            Shown::Here => {}
            shown => return self.outdated(form, headers, shown).await,
        }
        let asked = match self.read_asked(form).await? {
            Ok(asked) => asked,
            Err(location) => return Ok(Submitted::Back { location, cookies: Vec::new() }),
        };
        let user_name = fields.get("username").to_owned();
        let attempt = Try {
            peer,
            device: BrowserSecret::of(headers, Cookie::Known),
            user_name: user_name.clone(),
            password: fields.get("password"),
        };
        let again =
            |asked, user_name, refused| Ok(Submitted::Again { asked: Box::new(asked), user_name, refused });
        let proved = match self.prove(attempt).await? {
            Ok(proved) => proved,
            Err(refused) => return again(asked, user_name, refused),
        };
        // Asked for now: once the browser is signed on, its new cookies should not hang on one more call.
        let hinted = self.hinted(&asked.request).await?;
        let Some((sign_on, cookies)) = self.sign_on_browser(headers, peer, proved).await? else {
            return again(asked, user_name, TryRefused::Wrong);
        };
        match self.grant(&asked, hinted.as_ref(), &sign_on).await? {
            Some(location) => Ok(Submitted::Back { location, cookies }),
            None => again(asked, user_name, TryRefused::Wrong),
        }
    }

    /// A form without the proof that this browser was shown it with the cookie that it has now. Perhaps another tab of
    /// it has logged in since: then the request goes on as if it came anew. What was typed counts for nothing.
    async fn outdated(
        &self,
        form: &Form,
        headers: &HeaderMap,
        shown: Shown,
    ) -> Result<Submitted, PageRefused> {
        let asked = self.read_asked(form).await?.ok();
        match asked.map(|asked| again_url(&asked.request)) {
            Some(location) if shown == Shown::Before && self.sign_on(headers).await?.is_some() => {
                Ok(Submitted::Back { location, cookies: Vec::new() })
            }
            again => Err(PageRefused::ForeignForm { again }),
        }
    }

    /// Signs the browser on with new cookies; `None` if the user was ended while the password was compared.
    async fn sign_on_browser(
        &self,
        headers: &HeaderMap,
        peer: IpAddr,
        proved: Proved,
    ) -> Result<Option<(SignOn, Vec<String>)>, PageRefused> {
        let now = self.clock.wall();
        let known_age = Duration::from_secs(self.config.lifetimes.known_device_seconds.into());
        let secret = BrowserSecret::from_random(random(&*self.entropy));
        let former = BrowserSecret::of(headers, Cookie::Idp);
        // Other people may have logged in with this browser: it keeps its name.
        let device = BrowserSecret::of(headers, Cookie::Known)
            .unwrap_or_else(|| BrowserSecret::from_random(random(&*self.entropy)));
        let cookies = vec![
            cookie::set(Cookie::Idp, &secret.expose(), None),
            cookie::set(Cookie::Known, &device.expose(), Some(known_age)),
        ];
        let (id, ends_at) = (SignOnId::from_random(&random(&*self.entropy)), now + self.limits.log_on);
        let logged_in = self.ledger.ending(move |registry| {
            let former = former.map(|secret| secret.digest());
            let log_in = LogIn {
                user: &proved.user.id,
                epoch: proved.user.epoch,
                id: &id,
                secret: &secret.digest(),
                former: former.as_ref(),
                level: LEVEL,
                ends_at,
                device: Some(Device { digest: &device.digest(), expires_at: now + known_age }),
                forgive: &proved.counted_by.of_user,
                take_back: proved.counted_by.take_back.as_ref(),
            };
            registry.log_in(&log_in, &Act { at: now, by: proved.user.id.as_str(), from: Some(peer) })
        });
        Ok(match logged_in.await? {
            LoggedIn::SignedOn(sign_on) => Some((sign_on, cookies)),
            LoggedIn::Moved => None,
        })
    }

    /// The proof for a form, and the `Set-Cookie` line that goes with it if the browser has no cookie yet.
    pub(crate) fn form_proof(&self, headers: &HeaderMap) -> (String, Option<String>) {
        if let Some(secret) = BrowserSecret::of(headers, Cookie::Idp) {
            return (secret.form_proof(), None);
        }
        let secret = BrowserSecret::from_random(random(&*self.entropy));
        (secret.form_proof(), Some(cookie::set(Cookie::Idp, &secret.expose(), None)))
    }
}

fn form_page(
    idp: &Idp,
    headers: &HeaderMap,
    asked: &Asked,
    typed: Option<&str>,
    refused: Option<TryRefused>,
) -> Response {
    let (csrf, cookie) = idp.form_proof(headers);
    let html = idp.pages.login(&LoginForm {
        action: &login_url(&asked.request),
        csrf: &csrf,
        client: &asked.client.name,
        user_name: typed.or(asked.request.login_hint.as_deref()).unwrap_or_default(),
        problem: refused.map(reply::try_problem),
    });
    let mut response = reply::page_towards(asked.request.callback.redirect_uri(), html);
    if let Some(line) = cookie {
        reply::set_cookie(&mut response, &line);
    }
    response
}
