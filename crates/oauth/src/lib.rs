//! The words of OAuth 2, OpenID Connect and JOSE: requests, responses, errors, scopes, tokens on the wire.
//! Pure: no I/O, no async, no clock, no random numbers, no other crate of ours. One file per word of an RFC.

pub mod access_claims;
pub mod authorize;
pub mod authorize_response;
pub mod bearer;
pub mod challenge;
pub mod client_auth;
pub mod discovery;
pub mod error;
mod es256;
pub mod form;
pub mod id_claims;
pub mod json;
pub mod jwk;
pub mod jws;
pub mod jwt;
pub mod pkce;
pub mod redirect_uri;
pub mod revocation;
pub mod scope;
pub mod token;
pub mod token_request;
pub mod token_response;
