//! Enrich: what an app is told. Every spelling of what only we may say is stripped from the request, then our own is
//! added; from the app's answer, what is meant for us alone is stripped.

use vestibule_domain::caching::{self, Caching};
use vestibule_domain::context;
use vestibule_domain::identity::Handle;
use vestibule_domain::judge::View;
use vestibule_domain::standing::Standing;
use vestibule_message::field::{self, Known, KnownSet};
use vestibule_message::head::RequestHead;
use vestibule_message::lines::{LineFault, Lines};
use vestibule_ports::session_store::Version;
use vestibule_wire::{AddressText, Edit, Strip};

use crate::site::App;
use crate::tokens::Token;
use crate::visit::Visit;

/// Room for the lines of a visitor, token and all.
const LINES_BYTES: usize = 2048;
/// Beginning of the names of all our cookies.
const COOKIES: &str = vestibule_domain::cookie::PREFIX;

/// Says that browsers come back by https alone. Of the site as a whole: no app speaks for the others.
pub(crate) const POLICY: &str = "strict-transport-security";

/// What no browser may say to an app. `http-` is how CGI spells a header as a variable.
static FROM_BROWSERS: Strip = Strip {
    names: KnownSet::of(&[
        Known::Authorization,
        Known::Forwarded,
        // As a variable of CGI it would send the app's own calls elsewhere (CVE-2016-5385).
        Known::Proxy,
        Known::Traceparent,
        Known::Tracestate,
        Known::XHttpMethod,
        Known::XHttpMethodOverride,
        Known::XMethodOverride,
        Known::XRealIp,
        Known::XRequestId,
    ]),
    prefixes: &["x-context-", "x-forwarded-", "x-original-", "x-rewrite-", "http-"],
    cookies: Some(COOKIES),
};

/// Whether a request has a field that only we may send, in any spelling.
pub(crate) fn is_forged(head: &RequestHead<'_>) -> bool {
    let fields = head.fields();
    let begins = |name: &[u8]| OURS.iter().any(|ours| field::has_folded_prefix(name, ours));
    fields.lines().iter().any(|line| begins(fields.name(line)))
}

/// How the names of fields begin that only we may send.
const OURS: [&str; 2] = ["x-context-", "http-x-context-"];

/// What no app may say to a browser.
static FROM_APPS: Strip = Strip {
    names: KnownSet::of(&[Known::Server, Known::Via, Known::XRequestId]),
    prefixes: &["x-context-", "http-", "clear-site-data", POLICY],
    cookies: Some(COOKIES),
};

/// The same for an answer that the app keeps from shared caches itself.
static FROM_APPS_PERSONAL: Strip = Strip {
    names: KnownSet::of(&[Known::Server, Known::Via, Known::XRequestId]),
    prefixes: OVERRIDING,
    cookies: Some(COOKIES),
};

/// Beginnings of names that no personal answer has: ours, and those by which a cache would be told otherwise.
const OVERRIDING: &[&str] = &[
    "x-context-",
    "http-",
    "clear-site-data",
    POLICY,
    caching::OVERRIDING[0],
    caching::OVERRIDING[1],
    // The same in the words of single products.
    "akamai-cache-control",
    "cloudflare-cdn-cache-control",
    "edge-control",
    "fastly-cache-control",
    "netlify-cdn-cache-control",
    "vercel-cdn-cache-control",
    "x-accel-expires",
];

/// The same for an answer that no cache may keep.
static FROM_APPS_PRIVATE: Strip = Strip {
    names: KnownSet::of(&[Known::Server, Known::Via, Known::XRequestId, Known::CacheControl]),
    prefixes: OVERRIDING,
    cookies: Some(COOKIES),
};

/// What a request may see of a session.
pub(crate) struct Shown<'t> {
    pub(crate) handle: Handle,
    pub(crate) version: Version,
    pub(crate) view: View<'t>,
}

/// What an app is told besides the request.
pub(crate) struct Told<'t> {
    pub(crate) visitor: Option<Shown<'t>>,
    pub(crate) token: Option<&'t Token>,
    pub(crate) degraded: bool,
}

/// The edit that makes a visitor's request one that an app may believe.
pub(crate) fn for_app(
    head: &RequestHead<'_>,
    visit: &Visit<'_>,
    app: &App,
    told: &Told<'_>,
) -> Result<Edit, LineFault> {
    let mut lines = Lines::with_capacity(LINES_BYTES);
    match (&told.visitor, told.token) {
        (None, token) => {
            lines.push("x-context-standing", Standing::Anonymous.as_str())?;
            push_token(&mut lines, token)?;
        }
        // To a secret from before a rise the same version shows something else.
        (Some(shown), Some(token)) if shown.view.key().is_newest() => {
            lines.append(&*token.block(app.number, shown.version, || about(shown, app, Some(token)))?);
        }
        (Some(shown), token) => lines.append(&about(shown, app, token)?),
    }
    if told.degraded {
        lines.push("x-context-degraded", "1")?;
    }
    lines.push("x-request-id", visit.id.hex())?;
    lines.push("traceparent", visit.id.traceparent())?;
    lines.push("x-forwarded-for", AddressText::of(visit.client))?;
    lines.push("x-forwarded-proto", visit.scheme)?;
    lines.push("x-forwarded-host", head.host().as_str())?;
    Ok(Edit { strip: &FROM_BROWSERS, lines })
}

/// All lines about a visitor, the token among them.
fn about(shown: &Shown<'_>, app: &App, token: Option<&Token>) -> Result<Lines, LineFault> {
    let mut lines = Lines::with_capacity(LINES_BYTES);
    push_visitor(&mut lines, shown, app, token)?;
    push_token(&mut lines, token)?;
    Ok(lines)
}

fn push_token(lines: &mut Lines, token: Option<&Token>) -> Result<(), LineFault> {
    token.map_or(Ok(()), |token| lines.push("x-context-token", token.jpt.expose()))
}

fn push_visitor(
    lines: &mut Lines,
    Shown { handle, view, .. }: &Shown<'_>,
    app: &App,
    token: Option<&Token>,
) -> Result<(), LineFault> {
    lines.push("x-context-standing", view.standing().as_str())?;
    lines.push("x-context-visitor", view.visitor().to_string())?;
    lines.push("x-context-session", handle.to_string())?;
    if let Some(log_on) = view.log_on() {
        lines.push("x-context-user", log_on.user.as_str())?;
        lines.push("x-context-authenticated-at", log_on.auth_time.as_secs().to_string())?;
        lines.push("x-context-level", log_on.level.to_string())?;
        if !app.claims.is_empty() {
            // What came with the token is newer than what came with the log-on.
            let claims = token.map_or(&log_on.claims, |token| &token.claims);
            lines.push("x-context-claims", claims.render(app.claims.iter().map(String::as_str)))?;
        }
    }
    if let Some(user) = view.remembered_user() {
        lines.push("x-context-remembered-user", user.as_str())?;
    }
    if !app.rights.reads.is_empty()
        && let Some(attributes) = context::attributes(view, &app.rights)
    {
        lines.push("x-context-attributes", attributes)?;
    }
    Ok(())
}

/// The edit that makes an app's answer one that a browser may see.
pub(crate) fn for_browser(
    visit: &Visit<'_>,
    cookies: &[String],
    caching: Caching,
    is_personal: bool,
) -> Result<Edit, LineFault> {
    let mut lines = Lines::with_capacity(64);
    lines.push("x-request-id", visit.id.hex())?;
    if let Some(policy) = visit.policy() {
        lines.push(POLICY, policy)?;
    }
    for cookie in cookies {
        lines.push("set-cookie", cookie)?;
    }
    let strip = match caching {
        Caching::AsIs if is_personal => &FROM_APPS_PERSONAL,
        Caching::AsIs => &FROM_APPS,
        Caching::Vary => {
            lines.push("vary", caching::VARY)?;
            &FROM_APPS
        }
        Caching::Private => {
            lines.push("cache-control", caching::PRIVATE)?;
            &FROM_APPS_PRIVATE
        }
    };
    Ok(Edit { strip, lines })
}
