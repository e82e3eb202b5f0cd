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

/// A hash (64 bit) of a folded name. Equal for every spelling of one name; of no use against somebody who looks for
/// names that share one. Eight bytes at a time, because each name of each head is hashed.
pub const fn fold_hash(name: &[u8]) -> u64 {
    let mut hash = name.len() as u64;
    let mut rest = name;
    while rest.len() > 8
        && let Some((word, left)) = rest.split_first_chunk()
    {
        hash = mix(hash, fold_word(u64::from_le_bytes(*word)));
        rest = left;
    }
    mix(hash, fold_word(last_word(name)))
}

/// Whether `name` is `lower`, a name in lower case, in any case.
const fn is_in_any_case(name: &[u8], lower: &[u8]) -> bool {
    if name.len() != lower.len() {
        return false;
    }
    let (mut rest, mut rest_lower) = (name, lower);
    while rest.len() > 8
        && let (Some((word, left)), Some((word_lower, left_lower))) =
            (rest.split_first_chunk(), rest_lower.split_first_chunk())
    {
        if lower_word(u64::from_le_bytes(*word)) != u64::from_le_bytes(*word_lower) {
            return false;
        }
        (rest, rest_lower) = (left, left_lower);
    }
    lower_word(last_word(name)) == last_word(lower)
}

const fn mix(hash: u64, word: u64) -> u64 {
    let mixed = (hash ^ word).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    mixed ^ (mixed >> 29)
}

/// The last eight bytes, or all of a shorter name.
const fn last_word(name: &[u8]) -> u64 {
    if let Some(word) = name.last_chunk() {
        return u64::from_le_bytes(*word);
    }
    if let (Some(first), Some(last)) = (name.first_chunk(), name.last_chunk()) {
        // Where they overlap, both have the same bytes at the same places.
        return u32::from_le_bytes(*first) as u64
            | (u32::from_le_bytes(*last) as u64) << (8 * (name.len() - 4));
    }
    match name {
        [a, b, c] => u32::from_le_bytes([*a, *b, *c, 0]) as u64,
        [a, b] => u16::from_le_bytes([*a, *b]) as u64,
        [a] => *a as u64,
        _ => 0,
    }
}

const ONES: u64 = u64::MAX / 0xff;
const HIGH_BITS: u64 = ONES << 7;

/// [`fold_byte`] for eight bytes at once.
const fn fold_word(word: u64) -> u64 {
    replace(replace(lower_word(word), b'_', b'-'), b'.', b'-')
}

/// Eight bytes, the letters among them in lower case.
const fn lower_word(word: u64) -> u64 {
    let low = word & !HIGH_BITS;
    let (from_a, beyond_z) = (low + ONES * (0x80 - b'A' as u64), low + ONES * (0x7f - b'Z' as u64));
    // The high bit of each byte says whether it is a capital letter.
    word | ((from_a & !beyond_z & !word & HIGH_BITS) >> 2)
}

/// The word with each byte `from` made `to`.
const fn replace(word: u64, from: u8, to: u8) -> u64 {
    let differs = word ^ (ONES * from as u64);
    let equal = !(((differs & !HIGH_BITS) + ONES * 0x7f) | differs) & HIGH_BITS;
    word ^ ((equal >> 7) * (from ^ to) as u64)
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
    const TOKEN_BYTES: [bool; 256] = {
        let mut table = [false; 256];
        let mut byte = 0;
        while byte < table.len() {
            table[byte] = is_token_byte(byte as u8);
            byte += 1;
        }
        table
    };
    !bytes.is_empty() && bytes.iter().fold(true, |all, b| all & TOKEN_BYTES[usize::from(*b)])
}

/// RFC 9110 5.5: bytes that may stand in a field value, without bytes above 0x7f.
pub fn is_ascii_value(bytes: &[u8]) -> bool {
    // Without a branch in it, so that the compiler looks at many bytes at once.
    bytes.iter().fold(1, |all, b| all & u8::from(matches!(b, b'\t' | b' '..=b'~'))) == 1
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
    Proxy "proxy",
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

/// Where the hash of each known name leads to it: a place of its own for each.
struct Places {
    factor: u64,
    names: [(u64, Known); 1 << PLACE_BITS],
}

const PLACE_BITS: u32 = 9;

static PLACES: Places = Places::find();

impl Places {
    const fn find() -> Self {
        let mut factor = 1;
        loop {
            if let Some(found) = Self::with_factor(factor) {
                return found;
            }
            factor += 2;
        }
    }

    /// `None` when two names would have one place.
    const fn with_factor(factor: u64) -> Option<Self> {
        let mut names = [(0, Known::Other); 1 << PLACE_BITS];
        let mut at = 0;
        while at < Known::ALL.len() {
            let hash = fold_hash(Known::ALL[at].as_str().as_bytes());
            let place = place(hash, factor);
            if !matches!(names[place].1, Known::Other) {
                return None;
            }
            names[place] = (hash, Known::ALL[at]);
            at += 1;
        }
        Some(Self { factor, names })
    }
}

const fn place(hash: u64, factor: u64) -> usize {
    (hash.wrapping_mul(factor) >> (64 - PLACE_BITS)) as usize
}

impl Known {
    /// The known name `name` is a spelling of, its hash, and whether it is spelled right (case apart).
    pub fn of(name: &[u8]) -> (Self, u64, bool) {
        let hash = fold_hash(name);
        let (of, known) = PLACES.names[place(hash, PLACES.factor)];
        if of != hash {
            return (Self::Other, hash, false);
        }
        (known, hash, is_in_any_case(name, known.as_str().as_bytes()))
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
