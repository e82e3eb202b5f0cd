//! The revocation request. RFC 7009 2.1. There is nothing to answer but success, whatever the token was.

use crate::error::TokenError;
use crate::form::Form;
use crate::token::UnsortedToken;

/// A token to end, by the client it was issued to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RevocationRequest {
    /// May be of any kind, or nothing of ours.
    pub token: UnsortedToken,
    /// What the client believes it to be; never more than an order to look in.
    pub hint: Option<TokenHint>,
}

/// Value of `token_type_hint`. Unknown values count as none (RFC 7009 2.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TokenHint {
    /// `access_token`
    AccessToken,
    /// `refresh_token`
    RefreshToken,
}

impl RevocationRequest {
    /// Reads a form body.
    pub fn parse(form: &Form) -> Result<Self, TokenError> {
        let token = form.get("token")?.ok_or(TokenError::invalid_request("token is missing"))?;
        let hint = match form.get("token_type_hint")? {
            Some("access_token") => Some(TokenHint::AccessToken),
            Some("refresh_token") => Some(TokenHint::RefreshToken),
            _ => None,
        };
        Ok(Self { token: UnsortedToken::of(token), hint })
    }
}

#[cfg(test)]
mod tests;
