//! Identify: the one token of a request, as the kind that the door takes. RFC 6750 2.1; its other two ways are refused.
//! Must not know whether a token is any good.

use vestibule_message::field::Known;
use vestibule_message::head::RequestHead;
use vestibule_oauth::bearer::{self, Bearer, BearerRefused};
use vestibule_ports::issuer::Presented;

use crate::Door;

/// Why a request shows no token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unidentified {
    /// A token in the query, where it ends in logs and histories.
    InQuery,
    /// More than one `Authorization`.
    Several,
    /// No `Authorization`, or another scheme.
    Missing,
    /// It cannot be a token of this door.
    Malformed,
}

/// Reads the token of a request.
pub(crate) fn presented(head: &RequestHead<'_>, door: Door) -> Result<Presented, Unidentified> {
    // RFC 6750 2: one way only; RFC 9700 4.3.2: never in the query
    if head.target().query().is_some_and(bearer::is_in_query) {
        return Err(Unidentified::InQuery);
    }
    let bearer = match Bearer::from_fields(head.fields().all(Known::Authorization)) {
        Ok(Some(bearer)) => bearer,
        // RFC 6750 3.1: a caller that tries another scheme does not know that a token is needed
        Ok(None) | Err(BearerRefused::Scheme) => return Err(Unidentified::Missing),
        Err(BearerRefused::Several) => return Err(Unidentified::Several),
        Err(BearerRefused::Malformed) => return Err(Unidentified::Malformed),
    };
    let presented = match door {
        Door::Outside => bearer.access_token().map(Presented::Outside),
        Door::Inside => bearer.jpt().map(Presented::Inside),
    };
    presented.map_err(|_| Unidentified::Malformed)
}

#[cfg(test)]
mod tests;
