//! The revocation endpoint: a client gives a token back, and its whole family ends. RFC 7009.
//! Success is told only when the end is committed; a token that is unknown or another client's is success too.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::Response;
use http::request::Parts;
use vestibule_oauth::revocation::RevocationRequest;
use vestibule_registry::audit::Act;

use crate::Idp;
use crate::reply;
use crate::token::{TokenRefused, presented, read_form};

/// `POST /revoke`
pub(crate) async fn serve(State(idp): State<Arc<Idp>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    reply::revoked(idp.revoke(&parts, body).await)
}

impl Idp {
    async fn revoke(&self, parts: &Parts, body: Body) -> Result<(), TokenRefused> {
        let form = read_form(parts, body).await?;
        let client = self.authenticate(presented(parts, &form)?).await?;
        // The hint only says where to look first; both places are one look-up each.
        let token = RevocationRequest::parse(&form)?.token;
        let at = self.clock.wall();
        let revoked = self.ledger.ending(move |registry| {
            let act = Act { at, by: &client.id, from: None };
            if let Ok(refresh) = token.refresh_token()
                && registry.revoke_refresh_token(&refresh, &client.id, &act)?
            {
                return Ok(());
            }
            if let Ok(access) = token.access_token() {
                registry.revoke_access_token(&access.digest(), &client.id, &act)?;
            }
            Ok(())
        });
        Ok(revoked.await?)
    }
}
