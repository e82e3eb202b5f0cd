//! A site's origin: what a browser shows and sends in `Origin` (RFC 6454).

use url::Url;
use vestibule_message::host::Host;

/// Scheme, host and perhaps a port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Origin {
    pub(crate) text: String,
    pub(crate) scheme: &'static str,
    pub(crate) host: Host,
}

impl Origin {
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let said = || {
            format!("'{text}' is not an origin such as https://shop.example (no path, no slash at the end)")
        };
        let url = Url::parse(text).map_err(|_| said())?;
        let scheme = match url.scheme() {
            "http" => "http",
            "https" => "https",
            _ => return Err(said()),
        };
        let origin = url.origin().ascii_serialization();
        if origin != text {
            return Err(said());
        }
        let host = Host::parse(&origin.as_bytes()[scheme.len() + 3..]).map_err(|_| said())?;
        Ok(Self { text: origin, scheme, host })
    }

    /// Whether an authority names the same port, written out or not (RFC 9110 4.2.3).
    pub(crate) fn has_port_of(&self, host: &Host) -> bool {
        let default = if self.scheme == "https" { 443 } else { 80 };
        host.port().unwrap_or(default) == self.host.port().unwrap_or(default)
    }

    /// Whether a browser keeps Secure cookies there: https, or this machine itself.
    pub(crate) fn keeps_cookies(&self) -> bool {
        self.scheme == "https" || self.is_loopback()
    }

    fn is_loopback(&self) -> bool {
        let name = self.host.name();
        matches!(name, "localhost" | "[::1]") || name.ends_with(".localhost") || name.starts_with("127.")
    }
}
