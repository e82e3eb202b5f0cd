//! How a client says who it is at the token, revocation and introspection endpoints.
//! RFC 6749 2.3.1 and 3.2.1. Must not know whether the client exists or its secret is right.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::error::{TokenError, TokenErrorCode};
use crate::form::{self, Form};
use crate::token::ClientSecret;

/// Longest client id, in bytes.
pub const CLIENT_ID_BYTES_MAX: usize = 128;

/// A client as it presents itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PresentedClient {
    /// The id it claims.
    pub client_id: String,
    /// What it shows for the claim.
    pub proof: Proof,
}

/// The ways to authenticate that we take; the names are those of OpenID Connect Core 9.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Proof {
    /// `client_secret_basic`
    Basic(ClientSecret),
    /// `client_secret_post`
    Post(ClientSecret),
    /// `none`: a public client
    None,
}

impl PresentedClient {
    /// Reads `authorization` (the values of all such fields) and the form body. A query must be empty.
    pub fn parse<'a>(
        authorization: impl IntoIterator<Item = &'a [u8]>,
        query: Option<&str>,
        body: &Form,
    ) -> Result<Self, TokenError> {
        // RFC 6749 2.3.1: secrets MUST NOT be in the request URI; we have no other use for a query here
        if query.is_some_and(|query| !query.is_empty()) {
            return Err(TokenError::invalid_request("this endpoint takes no query"));
        }
        let mut fields = authorization.into_iter();
        let basic = fields.next().map(parse_basic).transpose()?;
        let named = body.get("client_id")?;
        let secret = body.get("client_secret")?;
        let has_secret = body.has("client_secret");
        let has_assertion = body.has("client_assertion") || body.has("client_assertion_type");
        // RFC 6749 2.3: the client MUST NOT use more than one authentication method
        let methods = usize::from(basic.is_some()) + usize::from(has_secret) + usize::from(has_assertion);
        if methods > 1 || fields.next().is_some() {
            return Err(TokenError::invalid_request("more than one way of client authentication"));
        }
        if has_assertion {
            return Err(invalid_client("client assertions are not supported"));
        }
        if let Some(basic) = basic {
            // RFC 6749 3.2.1: a client_id beside the header is allowed, another one is not
            if named.is_some_and(|named| named != basic.client_id) {
                return Err(TokenError::invalid_request("client_id differs from the authenticated client"));
            }
            return Ok(basic);
        }
        let client_id = client_id(named.ok_or(NOT_IDENTIFIED)?).ok_or(NOT_AUTHENTICATED)?;
        // An empty client_secret is a failed attempt, not a public client.
        let proof = match (has_secret, secret) {
            (false, _) => Proof::None,
            (true, secret) => {
                Proof::Post(ClientSecret::parse(secret.unwrap_or_default()).map_err(|_| NOT_AUTHENTICATED)?)
            }
        };
        Ok(Self { client_id, proof })
    }
}

const NOT_IDENTIFIED: TokenError = invalid_client("no client authentication included");
const NOT_AUTHENTICATED: TokenError = invalid_client("client authentication failed");

const fn invalid_client(description: &'static str) -> TokenError {
    TokenError::new(TokenErrorCode::InvalidClient, description)
}

/// RFC 6749 appendix A.1: client-id = *VSCHAR; ours are never empty.
pub(crate) fn client_id(text: &str) -> Option<String> {
    let fits = !text.is_empty()
        && text.len() <= CLIENT_ID_BYTES_MAX
        && text.bytes().all(|byte| byte.is_ascii_graphic());
    fits.then(|| text.to_owned())
}

/// RFC 6749 2.3.1: id and secret are form-encoded each, then joined and encoded as RFC 7617 says.
fn parse_basic(field: &[u8]) -> Result<PresentedClient, TokenError> {
    let (scheme, rest) = field.split_at(field.iter().position(|&byte| byte == b' ').unwrap_or(field.len()));
    if !scheme.eq_ignore_ascii_case(b"Basic") {
        return Err(invalid_client("unsupported way of client authentication"));
    }
    let decoded =
        rest.strip_prefix(b" ").and_then(|text| STANDARD.decode(text).ok()).ok_or(NOT_AUTHENTICATED)?;
    let colon = decoded.iter().position(|&byte| byte == b':').ok_or(NOT_AUTHENTICATED)?;
    let id = form::decode(&decoded[..colon]).map_err(|_| NOT_AUTHENTICATED)?;
    let secret = form::decode(&decoded[colon + 1..]).map_err(|_| NOT_AUTHENTICATED)?;
    let client_id = client_id(&id).ok_or(NOT_AUTHENTICATED)?;
    let secret = ClientSecret::parse(&secret).map_err(|_| NOT_AUTHENTICATED)?;
    Ok(PresentedClient { client_id, proof: Proof::Basic(secret) })
}

#[cfg(test)]
mod tests;
