//! The token request: a closed set of grant types.
//! RFC 6749 4.1.3, 4.4.2 and 6; RFC 7636 4.5. The password grant type is absent (RFC 9700 2.4).

use crate::error::{TokenError, TokenErrorCode};
use crate::form::Form;
use crate::pkce::Verifier;
use crate::scope::ScopeSet;
use crate::token::{Code, RefreshToken};

/// What a token request may have besides its client authentication.
const PARAMETERS: [&str; 6] =
    ["grant_type", "code", "redirect_uri", "code_verifier", "refresh_token", "scope"];

/// What a client asks the token endpoint for. Its authentication is read apart, by `client_auth`.
#[derive(Debug, Clone)]
pub enum TokenRequest {
    /// Redeem a code.
    AuthorizationCode {
        /// The code.
        code: Code,
        /// As named in the authorization request; absent if it named none.
        redirect_uri: Option<String>,
        /// The proof; without it no code of ours can be redeemed.
        verifier: Option<Verifier>,
    },
    /// Continue a grant.
    RefreshToken {
        /// The newest token of its family.
        refresh_token: RefreshToken,
        /// Narrower scopes; `None` for those of the grant.
        scope: Option<ScopeSet>,
    },
    /// A machine asks for itself.
    ClientCredentials {
        /// The wanted scopes; `None` for all that the client has.
        scope: Option<ScopeSet>,
    },
}

/// The grant types that clients may present. An exchange of tokens (RFC 8693) is for our own roles, which have a door
/// of their own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GrantType {
    /// RFC 6749 4.1.3
    AuthorizationCode,
    /// RFC 6749 6
    RefreshToken,
    /// RFC 6749 4.4.2
    ClientCredentials,
}

impl GrantType {
    /// The grant type that a form names.
    pub fn parse(form: &Form) -> Result<Self, TokenError> {
        let named = form.get("grant_type")?;
        match named.ok_or(TokenError::invalid_request("grant_type is missing"))? {
            "authorization_code" => Ok(Self::AuthorizationCode),
            "refresh_token" => Ok(Self::RefreshToken),
            "client_credentials" => Ok(Self::ClientCredentials),
            _ => {
                let code = TokenErrorCode::UnsupportedGrantType;
                Err(TokenError::new(code, "this grant_type is not supported"))
            }
        }
    }
}

impl TokenRequest {
    /// Reads the rest of a form body that names this grant type.
    pub fn parse(grant_type: GrantType, form: &Form) -> Result<Self, TokenError> {
        // RFC 6749 3.2: no parameter more than once, not even one that this grant type has no use for
        for name in PARAMETERS {
            form.get(name)?;
        }
        match grant_type {
            GrantType::AuthorizationCode => Self::parse_code(form),
            GrantType::RefreshToken => Self::parse_refresh(form),
            GrantType::ClientCredentials => Ok(Self::ClientCredentials { scope: scope(form)? }),
        }
    }

    fn parse_code(form: &Form) -> Result<Self, TokenError> {
        let code = form.get("code")?.ok_or(TokenError::invalid_request("code is missing"))?;
        let verifier = form.get("code_verifier")?.map(Verifier::parse).transpose();
        Ok(Self::AuthorizationCode {
            code: Code::parse(code).map_err(|_| TokenError::invalid_grant("unknown code"))?,
            redirect_uri: form.get("redirect_uri")?.map(str::to_owned),
            // RFC 7636 4.6: what cannot match is invalid_grant
            verifier: verifier.map_err(|_| TokenError::invalid_grant("wrong code_verifier"))?,
        })
    }

    fn parse_refresh(form: &Form) -> Result<Self, TokenError> {
        let token = form.get("refresh_token")?;
        let token = token.ok_or(TokenError::invalid_request("refresh_token is missing"))?;
        let refresh_token =
            RefreshToken::parse(token).map_err(|_| TokenError::invalid_grant("unknown refresh_token"))?;
        Ok(Self::RefreshToken { refresh_token, scope: scope(form)? })
    }
}

fn scope(form: &Form) -> Result<Option<ScopeSet>, TokenError> {
    Ok(form.get("scope")?.map(ScopeSet::parse).transpose()?)
}

#[cfg(test)]
mod tests;
