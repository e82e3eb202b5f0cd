//! From our types to the parameters of a statement.

use std::time::Duration;

use vestibule_domain::identity::{Epoch, Handle, SignOnId, SiteId, Timestamp, UserId, VisitorId};
use vestibule_domain::standing::Standing;

/// A value for one `$n`.
#[derive(Clone, Copy)]
pub(crate) enum Bind<'a> {
    Null,
    Integer(i64),
    Text(&'a str),
    Bytes(&'a [u8]),
}

/// Values for `$1`, `$2` and so on.
macro_rules! binds {
    ($($value:expr),* $(,)?) => { &[$($crate::sql::Bind::from($value)),*][..] };
}
pub(crate) use binds;

macro_rules! from {
    ($($kind:ty, $value:ident => $bind:expr;)+) => {$(
        impl<'a> From<$kind> for Bind<'a> {
            fn from($value: $kind) -> Self {
                $bind
            }
        }
    )+};
}

from! {
    i64, number => Self::Integer(number);
    u32, number => Self::Integer(number.into());
    u8, number => Self::Integer(number.into());
    // Sequence numbers count commits: the end of the range is out of reach.
    u64, number => Self::Integer(i64::try_from(number).unwrap_or(i64::MAX));
    bool, flag => Self::Integer(flag.into());
    Timestamp, at => Self::Integer(at.as_millis());
    Duration, length => Self::Integer(i64::try_from(length.as_millis()).unwrap_or(i64::MAX));
    Epoch, epoch => Self::Integer(epoch.get().into());
    Standing, standing => Self::Text(standing.as_str());
    &'a str, text => Self::Text(text);
    &'a String, text => Self::Text(text);
    &'a UserId, user => Self::Text(user.as_str());
    &'a SiteId, site => Self::Text(site.as_str());
    &'a SignOnId, sign_on => Self::Text(sign_on.as_str());
    &'a Handle, handle => Self::Bytes(handle.as_bytes());
    &'a VisitorId, visitor => Self::Bytes(visitor.as_bytes());
    &'a [u8], bytes => Self::Bytes(bytes);
}

impl<'a, const N: usize> From<&'a [u8; N]> for Bind<'a> {
    fn from(bytes: &'a [u8; N]) -> Self {
        Self::Bytes(bytes)
    }
}

impl<'a, T: Into<Bind<'a>>> From<Option<T>> for Bind<'a> {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}
