//! What a browser itself says of a request: its method, where it comes from and what it is for (Fetch Metadata,
//! RFC 6454 7). Three decisions rest on it: minting, cross-site requests, and whether an answer may be a redirect.
//! Must not know cookies or sessions.

use vestibule_message::accept::names_html;

/// The methods that decisions tell apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// `GET`.
    Get,
    /// `HEAD`.
    Head,
    /// `OPTIONS`.
    Options,
    /// Any other, known or not.
    Unsafe,
}

impl Method {
    /// Reads a method. RFC 9110 9.1: methods are case-sensitive, so `get` is no `GET`.
    pub fn of(name: &[u8]) -> Self {
        match name {
            b"GET" => Self::Get,
            b"HEAD" => Self::Head,
            b"OPTIONS" => Self::Options,
            _ => Self::Unsafe,
        }
    }

    /// RFC 9110 9.2.1, without `TRACE`, which nobody may use here.
    pub fn is_safe(self) -> bool {
        self != Self::Unsafe
    }

    /// `GET` and `HEAD`.
    pub fn is_read(self) -> bool {
        matches!(self, Self::Get | Self::Head)
    }
}

/// `Sec-Fetch-Site`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FetchSite {
    /// No `Sec-Fetch-Site`: an old browser, or none.
    Absent,
    /// Made by the visitor: address bar, bookmark.
    None,
    /// Made by a page of this origin.
    SameOrigin,
    /// Made by a page of another host of the domain, or of another port.
    SameSite,
    /// Made by anyone else's page, or unreadable.
    CrossSite,
}

/// `Origin`, compared with the site's own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// No `Origin`.
    Absent,
    /// The site's own, byte for byte.
    Own,
    /// Another, `null`, or unreadable.
    Foreign,
}

/// The header fields a [`Fetch`] is read from. A field that came more than once is given as an empty value, which
/// is nobody's.
#[derive(Debug, Clone, Copy, Default)]
pub struct Fields<'h> {
    /// `Origin`
    pub origin: Option<&'h [u8]>,
    /// `Sec-Fetch-Site`
    pub site: Option<&'h [u8]>,
    /// `Sec-Fetch-Mode`
    pub mode: Option<&'h [u8]>,
    /// `Sec-Fetch-Dest`
    pub dest: Option<&'h [u8]>,
    /// `Accept`
    pub accept: Option<&'h [u8]>,
}

/// A request as its browser describes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fetch {
    /// The method.
    pub method: Method,
    /// Whose page made the request.
    pub site: FetchSite,
    /// The origin it names.
    pub origin: Origin,
    /// `Sec-Fetch-Mode: navigate` to `Sec-Fetch-Dest: document`: what the address bar will show. Not a frame.
    navigates: bool,
    /// Whether the answer is to be a page in the window: see [`is_page`](Self::is_page).
    to_page: bool,
}

impl Fetch {
    /// Reads the fields of a request to a site of this origin (`https://shop.example`, without a default port).
    pub fn read(method: &[u8], fields: &Fields<'_>, own_origin: &str) -> Self {
        let document = fields.dest.map(|dest| dest == b"document");
        let described = fields.site.is_some() || fields.mode.is_some() || fields.dest.is_some();
        let html = || fields.accept.is_some_and(names_html);
        Self {
            method: Method::of(method),
            site: match fields.site {
                None => FetchSite::Absent,
                Some(b"none") => FetchSite::None,
                Some(b"same-origin") => FetchSite::SameOrigin,
                Some(b"same-site") => FetchSite::SameSite,
                Some(_) => FetchSite::CrossSite,
            },
            origin: match fields.origin {
                None => Origin::Absent,
                Some(origin) if origin == own_origin.as_bytes() => Origin::Own,
                Some(_) => Origin::Foreign,
            },
            navigates: fields.mode == Some(b"navigate") && document == Some(true),
            to_page: document == Some(true) || (!described && html()),
        }
    }

    /// Whether a redirect to a log-in page makes sense as the answer. A script would follow it blindly.
    pub fn is_page(&self) -> bool {
        self.method == Method::Get && self.to_page
    }

    /// Whether it asks for what a page would be, by whatever method.
    pub(crate) fn is_for_page(self) -> bool {
        self.to_page
    }

    /// Whether the window itself goes there by `GET`: cookies with `SameSite=Lax` travel on it. They do not on a
    /// frame or on a cross-site `POST`.
    pub fn is_top_navigation(&self) -> bool {
        self.method == Method::Get && self.navigates
    }
}

#[cfg(test)]
mod tests;
