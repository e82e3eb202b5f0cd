//! The page on which people change their own password. The current one is asked for in any case, so it needs no
//! sign-on session; success ends everything of the user, this browser's sign-on session too. ASVS 6.2.3, 7.4.3.

use std::net::IpAddr;
use std::sync::Arc;

use axum::extract::{Request, State};
use axum::response::Response;
use http::HeaderMap;
use vestibule_domain::cookie::Cookie;
use vestibule_registry::audit::Act;
use vestibule_registry::credential::PasswordHash;
use vestibule_registry::user::Changed;

use crate::Idp;
use crate::browser::{self, BrowserSecret, Shown};
use crate::credentials::{Try, TryRefused};
use crate::fields::{self, Fields};
use crate::page::{PasswordForm, Problem};
use crate::passwords::{self, Weak};
use crate::paths;
use crate::reply::{self, PageRefused, Unavailable};

/// Why the form is shown once more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NotChanged {
    /// User name or current password.
    Try(TryRefused),
    /// The new password will not do.
    Weak(Weak),
    /// The new password is longer than any.
    TooLong,
    /// The two new passwords differ.
    Repeat,
}

/// `GET /password`
pub(crate) async fn show(State(idp): State<Arc<Idp>>, request: Request) -> Response {
    form_page(&idp, request.headers(), "", None)
}

/// `POST /password`
pub(crate) async fn submit(State(idp): State<Arc<Idp>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let changed = async {
        let fields = fields::read(&parts.headers, body).await?;
        if browser::shown(&parts.headers, &idp.config.issuer, fields.get("csrf")) != Shown::Here {
            return Err(PageRefused::ForeignForm { again: Some(paths::PASSWORD.to_owned()) });
        }
        let peer = browser::peer(&parts.extensions)?;
        let changed = idp.change_password(&parts.headers, peer, &fields).await?;
        Ok((changed, fields.get("username").to_owned()))
    };
    match changed.await {
        Ok((Ok(()), _)) => reply::page(idp.pages.done(
            "Your password is changed",
            "You are logged out everywhere. Log in with the new password from now on.",
        )),
        Ok((Err(not_changed), user_name)) => {
            let problem = reply::not_changed_problem(not_changed);
            let page = form_page(&idp, &parts.headers, &user_name, Some(problem));
            reply::not_changed(not_changed, page)
        }
        Err(refused) => reply::page_refused(&idp.pages, &refused),
    }
}

impl Idp {
    async fn change_password(
        &self,
        headers: &HeaderMap,
        peer: IpAddr,
        fields: &Fields,
    ) -> Result<Result<(), NotChanged>, Unavailable> {
        let new = match new_password(fields) {
            Ok(new) => new,
            Err(not_changed) => return Ok(Err(not_changed)),
        };
        let attempt = Try {
            peer,
            device: BrowserSecret::of(headers, Cookie::Known),
            user_name: fields.get("username").to_owned(),
            password: fields.get("password"),
        };
        let proved = match self.prove(attempt).await? {
            Ok(proved) => proved,
            Err(refused) => return Ok(Err(NotChanged::Try(refused))),
        };
        let (at, kept) = (self.clock.wall(), self.throttle.forgotten_after);
        let Ok(hash) = self.passwords.hash(new, &*self.entropy).await else {
            // The current one was right: that it could not be changed just now is no failure of the user's.
            self.ledger.call(move |registry| proved.counted_by.forgive(registry, kept, at)).await?;
            return Ok(Err(NotChanged::Try(TryRefused::Busy)));
        };
        let hash = PasswordHash::new(&hash);
        let changed = self.ledger.ending(move |registry| {
            let user = &proved.user;
            let act = Act { at, by: user.id.as_str(), from: Some(peer) };
            let changed = registry.set_password(&user.id, &hash, Some(user.epoch), &act)?;
            proved.counted_by.forgive(registry, kept, at)?;
            Ok(changed)
        });
        Ok(match changed.await? {
            Changed::Done(_) => Ok(()),
            // Somebody else has changed it in the meantime: what was proved counts no more.
            Changed::Moved | Changed::Unknown => Err(NotChanged::Try(TryRefused::Wrong)),
        })
    }
}

/// Checked before the current one is looked at, so that a refusal costs nothing and tells nothing about the user.
fn new_password(fields: &Fields) -> Result<vestibule_ports::authority::Password, NotChanged> {
    let new = passwords::typed(fields.get("new_password")).map_err(|_| NotChanged::TooLong)?;
    passwords::check_new(&new, fields.get("username").trim()).map_err(NotChanged::Weak)?;
    if fields.get("new_password") == fields.get("repeat_password") {
        Ok(new)
    } else {
        Err(NotChanged::Repeat)
    }
}

fn form_page(idp: &Idp, headers: &HeaderMap, user_name: &str, problem: Option<Problem>) -> Response {
    let (csrf, cookie) = idp.form_proof(headers);
    let mut response = reply::page(idp.pages.password(&PasswordForm { csrf: &csrf, user_name, problem }));
    if let Some(line) = cookie {
        reply::set_cookie(&mut response, &line);
    }
    response
}
