//! Where everything of the public face is, under the issuer. Written once: the router, the discovery document, the pages
//! and redirects take it from here.

/// Clients send browsers here. RFC 6749 3.1.
pub(crate) const AUTHORIZE: &str = "/authorize";
/// A person logs in.
pub(crate) const LOGIN: &str = "/login";
/// A person logs out.
pub(crate) const LOGOUT: &str = "/logout";
/// A person changes a password.
pub(crate) const PASSWORD: &str = "/password";
/// Clients get tokens. RFC 6749 3.2.
pub(crate) const TOKEN: &str = "/token";
/// Clients end tokens. RFC 7009 2.
pub(crate) const REVOKE: &str = "/revoke";
/// Keys of ID tokens, which clients verify.
pub(crate) const OIDC_KEYS: &str = "/jwks";
/// Keys of JWTs, which services verify.
pub(crate) const SERVICE_KEYS: &str = "/jwks/services";
/// Keys of JPTs, which the gateway verifies.
pub(crate) const JPT_KEYS: &str = "/jwks/jpt";
/// The style sheet of all pages.
pub(crate) const STYLE: &str = "/style.css";
/// The icon of all pages.
pub(crate) const ICON: &str = "/icon.svg";
