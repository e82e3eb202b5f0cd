//! The document in which the issuer describes itself. OpenID Connect Discovery 3, RFC 8414 2, RFC 9207 3.
//! Every URL comes from configuration, never from a request.

use serde::Serialize;

use crate::jwk::Alg;

/// Path under the issuer (OpenID Connect Discovery 4).
pub const OPENID_PATH: &str = "/.well-known/openid-configuration";
/// Path at the issuer's origin (RFC 8414 3).
pub const OAUTH_PATH: &str = "/.well-known/oauth-authorization-server";

/// Where the issuer's endpoints are, as absolute URLs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Endpoints {
    /// Browsers come here.
    #[serde(rename = "authorization_endpoint")]
    pub authorization: String,
    /// Clients come here.
    #[serde(rename = "token_endpoint")]
    pub token: String,
    /// Keys of ID tokens only.
    #[serde(rename = "jwks_uri")]
    pub jwks: String,
    /// RFC 7009
    #[serde(rename = "revocation_endpoint")]
    pub revocation: String,
}

/// The document.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Discovery {
    issuer: String,
    #[serde(flatten)]
    endpoints: Endpoints,
    scopes_supported: Vec<String>,
    response_types_supported: [&'static str; 1],
    response_modes_supported: [&'static str; 1],
    grant_types_supported: [&'static str; 3],
    prompt_values_supported: [&'static str; 2],
    subject_types_supported: [&'static str; 1],
    id_token_signing_alg_values_supported: Vec<Alg>,
    code_challenge_methods_supported: [&'static str; 1],
    token_endpoint_auth_methods_supported: [&'static str; 3],
    revocation_endpoint_auth_methods_supported: [&'static str; 3],
    claims_supported: [&'static str; 8],
    authorization_response_iss_parameter_supported: bool,
    claims_parameter_supported: bool,
    request_parameter_supported: bool,
    request_uri_parameter_supported: bool,
}

impl Discovery {
    /// Describes what this crate reads and writes, at these places. `scopes` are told to anyone.
    pub fn new(issuer: String, endpoints: Endpoints, scopes: Vec<String>, id_token_algs: Vec<Alg>) -> Self {
        Self {
            issuer,
            endpoints,
            scopes_supported: scopes,
            response_types_supported: ["code"],
            response_modes_supported: ["query"],
            grant_types_supported: ["authorization_code", "refresh_token", "client_credentials"],
            prompt_values_supported: ["none", "login"],
            subject_types_supported: ["public"],
            id_token_signing_alg_values_supported: id_token_algs,
            code_challenge_methods_supported: ["S256"],
            token_endpoint_auth_methods_supported: ["client_secret_basic", "client_secret_post", "none"],
            revocation_endpoint_auth_methods_supported: ["client_secret_basic", "client_secret_post", "none"],
            // What `id_claims` can say of a user.
            claims_supported: ["iss", "sub", "aud", "exp", "iat", "nonce", "auth_time", "acr"],
            authorization_response_iss_parameter_supported: true,
            claims_parameter_supported: false,
            request_parameter_supported: false,
            request_uri_parameter_supported: false,
        }
    }

    /// The JSON document.
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).expect("a struct of texts and flags always serialises")
    }
}

#[cfg(test)]
mod tests;
