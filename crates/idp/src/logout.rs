//! The log-out page of the provider itself: ends the browser's sign-on session with every log-on that came from it.
//! Only a form of ours does it, never a link: nobody can log somebody else out by an image. ASVS 10.6.2.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::response::Response;
use http::HeaderMap;
use vestibule_domain::cookie::{self, Cookie};
use vestibule_ports::issuer::Cause;
use vestibule_registry::audit::Act;

use crate::Idp;
use crate::browser::{self, Shown};
use crate::fields;
use crate::paths;
use crate::reply::{self, PageRefused};

/// `GET /logout`
pub(crate) async fn ask(State(idp): State<Arc<Idp>>, request: Request) -> Response {
    let (csrf, cookie) = idp.form_proof(request.headers());
    let mut response = reply::page(idp.pages.logout(&csrf));
    if let Some(line) = cookie {
        reply::set_cookie(&mut response, &line);
    }
    response
}

/// `POST /logout`
pub(crate) async fn submit(State(idp): State<Arc<Idp>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let ended = async {
        let fields = fields::read(&parts.headers, body).await?;
        if browser::shown(&parts.headers, &idp.config.issuer, fields.get("csrf")) != Shown::Here {
            return Err(PageRefused::ForeignForm { again: Some(paths::LOGOUT.to_owned()) });
        }
        let peer = browser::peer(&parts.extensions)?;
        idp.end_sign_on_of(&parts.headers, peer).await
    };
    match ended.await {
        Ok(()) => {
            let html = idp.pages.done("You are logged out", "You can close this window.");
            let mut response = reply::page(html);
            reply::set_cookie(&mut response, &cookie::clear(Cookie::Idp));
            response
        }
        Err(refused) => reply::page_refused(&idp.pages, &refused),
    }
}

impl Idp {
    async fn end_sign_on_of(&self, headers: &HeaderMap, peer: std::net::IpAddr) -> Result<(), PageRefused> {
        let Some(sign_on) = self.sign_on(headers).await? else { return Ok(()) };
        let now = self.clock.wall();
        let ended = self.ledger.ending(move |registry| {
            let act = Act { at: now, by: sign_on.user.as_str(), from: Some(peer) };
            registry.end_sign_on(&sign_on.id, Cause::LogOut, &act)
        });
        Ok(ended.await?)
    }
}
