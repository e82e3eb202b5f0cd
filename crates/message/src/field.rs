//! Field names (RFC 9110 5.1): the ones we act on, and folding, so that every spelling of a name counts as that
//! name. Many servers read `_` and `.` as `-`; what is compared folded cannot slip past in another spelling.

/// One byte of a name as it counts in comparisons: lower case, `_` and `.` as `-`.
pub const fn fold_byte(byte: u8) -> u8 {
    match byte {
        b'A'..=b'Z' => byte | 0x20,
        b'_' | b'.' => b'-',
        other => other,
    }
}

/// The hash (FNV-1a, 64 bit) of a folded name. Equal for every spelling of one name.
pub const fn fold_hash(name: &[u8]) -> u64 {
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    let mut at = 0;
    while at < name.len() {
        hash = (hash ^ fold_byte(name[at]) as u64).wrapping_mul(0x0000_0100_0000_01b3);
        at += 1;
    }
    hash
}

/// Whether `name`, folded, begins with `prefix`, which must be folded already.
pub fn has_folded_prefix(name: &[u8], prefix: &str) -> bool {
    name.len() >= prefix.len() && name.iter().zip(prefix.as_bytes()).all(|(n, p)| fold_byte(*n) == *p)
}

/// RFC 9110 5.6.2: a byte that may stand in a token.
pub const fn is_token_byte(byte: u8) -> bool {
    matches!(byte, b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z' | b'!' | b'#' | b'$' | b'%' | b'&' | b'\'' | b'*'
        | b'+' | b'-' | b'.' | b'^' | b'_' | b'`' | b'|' | b'~')
}

/// RFC 9110 5.6.2: a token, such as a field name.
pub fn is_token(bytes: &[u8]) -> bool {
    !bytes.is_empty() && bytes.iter().all(|b| is_token_byte(*b))
}

/// RFC 9110 5.5: bytes that may stand in a field value, without bytes above 0x7f.
pub fn is_ascii_value(bytes: &[u8]) -> bool {
    bytes.iter().all(|b| matches!(b, b'\t' | b' '..=b'~'))
}

/// `bytes` without the spaces and tabs around it (RFC 9110 5.6.3).
pub fn trim_ows(bytes: &[u8]) -> &[u8] {
    let blank = |b: &u8| matches!(b, b' ' | b'\t');
    let start = bytes.iter().position(|b| !blank(b)).unwrap_or(bytes.len());
    let end = bytes.iter().rposition(|b| !blank(b)).map_or(start, |at| at + 1);
    &bytes[start..end]
}

macro_rules! known_names {
    ($($id:ident $name:literal,)+) => {
        /// A field name that some part of the data path acts on.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(u8)]
        pub enum Known {
            /// Any other name.
            Other,
            $(#[doc = concat!("`", $name, "`")] $id,)+
        }

        impl Known {
            /// The name in lower case; empty for [`Known::Other`].
            pub const fn as_str(self) -> &'static str {
                match self { Self::Other => "", $(Self::$id => $name,)+ }
            }

            /// The known name that any spelling with this [`fold_hash`] stands for.
            fn of_hash(hash: u64) -> Self {
                mod hashes { $(#[expect(non_upper_case_globals, reason = "named after the variant")]
                    pub(super) const $id: u64 = super::fold_hash($name.as_bytes());)+ }
                match hash { $(hashes::$id => Self::$id,)+ _ => Self::Other }
            }

            #[cfg(test)]
            const ALL: &[Self] = &[$(Self::$id,)+];
        }
    };
}

known_names! {
    Accept "accept",
    Age "age",
    Authorization "authorization",
    CacheControl "cache-control",
    Connection "connection",
    ContentEncoding "content-encoding",
    ContentLength "content-length",
    ContentType "content-type",
    Cookie "cookie",
    Date "date",
    Etag "etag",
    Expect "expect",
    Expires "expires",
    Forwarded "forwarded",
    Host "host",
    Http2Settings "http2-settings",
    KeepAlive "keep-alive",
    Location "location",
    Origin "origin",
    Pragma "pragma",
    ProxyAuthenticate "proxy-authenticate",
    ProxyAuthorization "proxy-authorization",
    ProxyConnection "proxy-connection",
    RetryAfter "retry-after",
    SecFetchDest "sec-fetch-dest",
    SecFetchMode "sec-fetch-mode",
    SecFetchSite "sec-fetch-site",
    SecFetchUser "sec-fetch-user",
    Server "server",
    SetCookie "set-cookie",
    Te "te",
    Traceparent "traceparent",
    Tracestate "tracestate",
    Trailer "trailer",
    TransferEncoding "transfer-encoding",
    Upgrade "upgrade",
    UserAgent "user-agent",
    Vary "vary",
    Via "via",
    WwwAuthenticate "www-authenticate",
    XContextLogin "x-context-login",
    XContextLogout "x-context-logout",
    XContextRequire "x-context-require",
    XContextUpdate "x-context-update",
    XForwardedFor "x-forwarded-for",
    XForwardedHost "x-forwarded-host",
    XForwardedProto "x-forwarded-proto",
    XHttpMethod "x-http-method",
    XHttpMethodOverride "x-http-method-override",
    XMethodOverride "x-method-override",
    XOriginalUrl "x-original-url",
    XRealIp "x-real-ip",
    XRequestId "x-request-id",
    XRewriteUrl "x-rewrite-url",
}

impl Known {
    /// The known name `name` is a spelling of, its hash, and whether it is spelled right (case apart).
    pub fn of(name: &[u8]) -> (Self, u64, bool) {
        let hash = fold_hash(name);
        let known = Self::of_hash(hash);
        (known, hash, name.eq_ignore_ascii_case(known.as_str().as_bytes()))
    }

    /// Names whose meaning decides where a message ends or where it goes. In a wrong spelling they are refused,
    /// because a server behind us might read them.
    pub const fn decides_framing(self) -> bool {
        matches!(
            self,
            Self::ContentLength | Self::TransferEncoding | Self::Host | Self::Connection | Self::Expect
        )
    }
}

/// A set of known names.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct KnownSet(u64);

impl KnownSet {
    /// RFC 9110 7.6.1: fields of one connection, never forwarded. `Content-Length` and `Host` are with them because
    /// both are written anew for the next connection.
    pub const HOP_BY_HOP: Self = Self::of(&[
        Known::Connection,
        Known::ContentLength,
        Known::Expect,
        Known::Host,
        Known::Http2Settings,
        Known::KeepAlive,
        Known::ProxyAuthenticate,
        Known::ProxyAuthorization,
        Known::ProxyConnection,
        Known::Te,
        Known::Trailer,
        Known::TransferEncoding,
        Known::Upgrade,
    ]);

    /// The set of these names.
    pub const fn of(names: &[Known]) -> Self {
        let mut bits = 0;
        let mut at = 0;
        while at < names.len() {
            bits |= 1 << names[at] as u8;
            at += 1;
        }
        Self(bits)
    }

    /// Both sets together.
    pub const fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether `name` is in the set. [`Known::Other`] never is, unless it was put there.
    pub const fn has(self, name: Known) -> bool {
        self.0 & (1 << name as u8) != 0
    }
}

#[cfg(test)]
mod tests;
