//! The token request: a closed set of grant types.
//! RFC 6749 4.1.3, 4.4.2 and 6; RFC 7636 4.5. The password grant type is absent (RFC 9700 2.4).

use crate::error::{TokenError, TokenErrorCode};
use crate::form::Form;
use crate::pkce::Verifier;
use crate::scope::ScopeSet;
use crate::token::{Code, RefreshToken};
use crate::token_exchange::TokenExchange;

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
    /// Turn one token into another.
    TokenExchange(TokenExchange),
}

impl TokenRequest {
    /// Reads a form body.
    pub fn parse(form: &Form) -> Result<Self, TokenError> {
        let grant_type = form.get("grant_type")?;
        match grant_type.ok_or(TokenError::invalid_request("grant_type is missing"))? {
            "authorization_code" => Self::parse_code(form),
            "refresh_token" => Self::parse_refresh(form),
            "client_credentials" => Ok(Self::ClientCredentials { scope: scope(form)? }),
            "urn:ietf:params:oauth:grant-type:token-exchange" => {
                TokenExchange::parse(form).map(Self::TokenExchange)
            }
            _ => {
                let code = TokenErrorCode::UnsupportedGrantType;
                Err(TokenError::new(code, "this grant_type is not supported"))
            }
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
