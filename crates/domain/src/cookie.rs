//! Our cookies: their exact names, how strictly they are read, which answer sets which, and the lines that set them.
//! Must not know sessions; the texts of values are their owners'.

use std::time::Duration;

use crate::attempt::Tries;
use crate::identity::{Handle, NodeId, RANDOM_CHARS, SessionSecret};
use crate::key::SessionCookie;
use crate::limits::Limits;
use crate::mint::Fate;

/// Every cookie of ours begins so. None reaches an app, and no face reads another's.
pub const PREFIX: &str = "__Host-vst";

/// How long a browser says, with [`Cookie::At`], who wrote last: longer than other nodes take to hear of it.
pub const AT_LIFE: Duration = Duration::from_secs(2);

/// A cookie of ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Cookie {
    /// Finds the session; needed for logged-on. Gone with the browser's window.
    Vst,
    /// Finds the session for as long as it may live; never more than returning.
    Keep,
    /// Log-ins under way.
    Try,
    /// Which process wrote last.
    At,
    /// Which way a split route takes, and the affinity of the old system behind it.
    Way,
    /// The IDP's own session.
    Idp,
    /// A device that the IDP has seen a log-in from.
    Known,
}

impl Cookie {
    /// Every one.
    pub const ALL: [Self; 7] =
        [Self::Vst, Self::Keep, Self::Try, Self::At, Self::Way, Self::Idp, Self::Known];

    /// The name, byte for byte: browsers let look-alikes pass, so nothing is trimmed or folded.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Vst => "__Host-vst",
            Self::Keep => "__Host-vst-keep",
            Self::Try => "__Host-vst-try",
            Self::At => "__Host-vst-at",
            Self::Way => "__Host-vst-way",
            Self::Idp => "__Host-vst-idp",
            Self::Known => "__Host-vst-known",
        }
    }
}

/// The value of a session cookie: `<handle>.<secret>`.
#[derive(Debug, Clone)]
pub struct SessionValue {
    /// Which record.
    pub handle: Handle,
    /// What proves it.
    pub secret: SessionSecret,
}

impl SessionValue {
    /// Reads exactly what [`expose`](Self::expose) gives.
    pub fn parse(value: &[u8]) -> Option<Self> {
        let (handle, rest) = value.split_at_checked(RANDOM_CHARS)?;
        let secret = SessionSecret::parse(rest.strip_prefix(b".")?).ok()?;
        Some(Self { handle: str::from_utf8(handle).ok()?.parse().ok()?, secret })
    }

    /// The value itself: only for `Set-Cookie`.
    pub fn expose(&self) -> String {
        format!("{}.{}", self.handle, self.secret.expose())
    }
}

/// How a cookie came.
#[derive(Debug, Clone, Default)]
pub enum Carried<T> {
    /// Not at all.
    #[default]
    Absent,
    /// With a value that is none of ours.
    Unreadable,
    /// More than once.
    Doubled,
    /// Once, with a value that may be ours.
    Value(T),
}

impl<T> Carried<T> {
    fn add(&mut self, value: Option<T>) {
        *self = match (&self, value) {
            (Self::Absent, Some(value)) => Self::Value(value),
            (Self::Absent, None) => Self::Unreadable,
            _ => Self::Doubled,
        };
    }

    fn value(&self) -> Option<&T> {
        if let Self::Value(value) = self { Some(value) } else { None }
    }
}

/// The cookies of a request that the proxy reads.
#[derive(Debug, Default)]
pub struct Jar {
    vst: Carried<SessionValue>,
    keep: Carried<SessionValue>,
    tries: Carried<Tries>,
    at: Carried<NodeId>,
    any_of_ours: bool,
}

impl Jar {
    /// Reads all cookies of a request, from however many fields. Names and values exactly as they stand.
    pub fn read<'h>(pairs: impl IntoIterator<Item = (&'h [u8], &'h [u8])>) -> Self {
        let mut jar = Self::default();
        for (name, value) in pairs.into_iter().filter(|(name, _)| name.starts_with(PREFIX.as_bytes())) {
            jar.any_of_ours = true;
            match Cookie::ALL.into_iter().find(|cookie| cookie.name().as_bytes() == name) {
                Some(Cookie::Vst) => jar.vst.add(SessionValue::parse(value)),
                Some(Cookie::Keep) => jar.keep.add(SessionValue::parse(value)),
                Some(Cookie::Try) => jar.tries.add(Tries::parse(value)),
                Some(Cookie::At) => {
                    jar.at.add(str::from_utf8(value).ok().and_then(|text| text.parse().ok()));
                }
                Some(Cookie::Way | Cookie::Idp | Cookie::Known) | None => {}
            }
        }
        jar
    }

    /// Whether there was any cookie of ours, of whatever face.
    pub fn any_of_ours(&self) -> bool {
        self.any_of_ours
    }

    /// Whether a session cookie came twice: the visitor is anonymous, nothing is minted, and the audit is told.
    /// Never "the first that fits": somebody may have planted it.
    pub fn is_doubled(&self) -> bool {
        matches!(self.vst, Carried::Doubled) || matches!(self.keep, Carried::Doubled)
    }

    /// What to look up, in this order, until one opens a session that lives.
    pub fn candidates(&self) -> impl Iterator<Item = (SessionCookie, &SessionValue)> {
        let single = !self.is_doubled();
        let vst = self.vst.value().map(|value| (SessionCookie::Vst, value));
        let keep = self.keep.value().map(|value| (SessionCookie::Keep, value));
        vst.into_iter().chain(keep).filter(move |_| single)
    }

    /// What is known of a session cookie's fate before any look-up; `None` where a look-up has to tell.
    pub fn fate(&self, cookie: SessionCookie) -> Option<Fate> {
        let carried = match cookie {
            SessionCookie::Vst => &self.vst,
            SessionCookie::Keep => &self.keep,
        };
        match carried {
            Carried::Absent => Some(Fate::NotSent),
            Carried::Unreadable => Some(Fate::Gone),
            Carried::Doubled => Some(Fate::Doubled),
            Carried::Value(_) => None,
        }
    }

    /// The log-ins under way in this browser. What cannot be read or came twice is none.
    pub fn tries(&self) -> Tries {
        self.tries.value().cloned().unwrap_or_default()
    }

    /// Whether this browser has just written through another process, so that a copy here may be older than its own
    /// doing.
    pub fn must_read_through(&self, own: NodeId) -> bool {
        match &self.at {
            Carried::Absent => false,
            Carried::Value(writer) => *writer != own,
            Carried::Unreadable | Carried::Doubled => true,
        }
    }
}

/// What a request has committed. Only that decides about cookies: a late answer of any other request must not
/// overwrite those of a newer log-on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Committed {
    /// Nothing; or only what keeps the record in order, such as a fall or a confirmation.
    Nothing,
    /// A patch to a session that was there.
    Patch,
    /// A patch that made the session.
    FirstPatch,
    /// A log-on or a step-up.
    LogOn,
    /// A step-down by a rule.
    StepDown,
    /// A log-out.
    LogOut,
}

/// What an answer does to both session cookies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SessionCookies {
    /// Neither sets nor clears.
    Silent,
    /// Sets both, to new values.
    Set,
    /// Clears both.
    Clear,
}

impl Committed {
    /// What the answer does to the session cookies.
    pub const fn session_cookies(self) -> SessionCookies {
        match self {
            Self::FirstPatch | Self::LogOn => SessionCookies::Set,
            Self::LogOut => SessionCookies::Clear,
            Self::Nothing | Self::Patch | Self::StepDown => SessionCookies::Silent,
        }
    }

    /// Whether the answer says who wrote, with [`Cookie::At`].
    pub const fn names_writer(self) -> bool {
        matches!(self, Self::Patch | Self::FirstPatch | Self::LogOn)
    }
}

/// The `Set-Cookie` lines of a session that has just got new secrets.
pub fn set_session(
    handle: Handle,
    vst: &SessionSecret,
    keep: &SessionSecret,
    limits: &Limits,
) -> [String; 2] {
    let value = |secret: &SessionSecret| SessionValue { handle, secret: secret.clone() }.expose();
    [set(Cookie::Vst, &value(vst), None), set(Cookie::Keep, &value(keep), Some(limits.ceiling))]
}

/// The `Set-Cookie` lines of a log-out.
pub fn clear_session() -> [String; 2] {
    [clear(Cookie::Vst), clear(Cookie::Keep)]
}

/// The `Set-Cookie` line that names the process that wrote.
pub fn set_at(own: NodeId) -> String {
    set(Cookie::At, &own.to_string(), Some(AT_LIFE))
}

/// A `Set-Cookie` line. `value` must be of letters, digits, `-`, `_` and `.`, which all values of ours are. Without
/// `max_age` the cookie goes with the browser's window.
pub fn set(cookie: Cookie, value: &str, max_age: Option<Duration>) -> String {
    debug_assert!(
        value.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b)),
        "not a value of ours"
    );
    let mut line = format!("{}={value}; Path=/; Secure; HttpOnly; SameSite=Lax", cookie.name());
    if let Some(max_age) = max_age {
        line.push_str("; Max-Age=");
        line.push_str(&max_age.as_secs().to_string());
    }
    line
}

/// The `Set-Cookie` line that removes a cookie. Browsers heed it only with the attributes it was set with.
pub fn clear(cookie: Cookie) -> String {
    set(cookie, "", Some(Duration::ZERO))
}

#[cfg(test)]
mod tests;
