//! The proxy's configuration: sites, routes, trusted peers. Plain values; what they mean together is checked at once, so
//! that a bad file is refused with everything that is wrong with it.

use std::fmt;
use std::time::Duration;

use ipnet::IpNet;
use serde::Deserialize;
use url::Url;
use vestibule_domain::standing::Standing;
use vestibule_message::host::Host;
use vestibule_message::target::Target;
use vestibule_routes::{Conduct, Table, Upstream};

/// What the proxy serves.
#[derive(Clone, Debug, Default)]
pub struct Config {
    /// The sites, one origin each.
    pub sites: Vec<SiteConfig>,
    /// Which web app serves which host and path.
    pub routes: Vec<RouteConfig>,
    /// Networks of load balancers in front, whose `X-Forwarded-For` is believed. Default: none.
    pub trusted_peers: Vec<IpNet>,
}

/// One web site: one origin.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SiteConfig {
    /// Scheme, host and port as a browser shows them, such as `https://shop.example`.
    pub origin: String,
    /// Other hosts of the same site, which redirect to its origin.
    #[serde(default)]
    pub aliases: Vec<String>,
}

/// One route: a host and a context root, and the web app behind it.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RouteConfig {
    /// The host, with a port only when other ports of it have other routes.
    pub host: String,
    /// The context root: `/`, or a path such as `/shop`. The longest that fits wins.
    #[serde(default = "root")]
    pub path: String,
    /// Where the app listens, such as `http://127.0.0.1:9000`.
    pub app: String,
    /// The standing a visitor must have at least. Default `anonymous`.
    #[serde(default = "anonymous")]
    pub requires: Standing,
    /// Bytes a request body may have. Default 128 MiB.
    pub body_bytes_max: Option<u64>,
    /// Milliseconds to open a connection to the app. Default 2,000.
    pub connect_timeout_ms: Option<u64>,
    /// Milliseconds from the whole request sent to the head of the app's answer. Default 60,000.
    pub answer_timeout_ms: Option<u64>,
    /// Milliseconds the body of an answer may stand still. Default 60,000.
    pub stall_timeout_ms: Option<u64>,
}

fn root() -> String {
    "/".to_owned()
}

fn anonymous() -> Standing {
    Standing::Anonymous
}

/// Something wrong with a configuration: where, and what to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The setting, such as `route[2].app`.
    pub at: String,
    /// What is wrong with it and what it should be.
    pub what: String,
}

impl Problem {
    fn new(at: impl Into<String>, what: impl fmt::Display) -> Self {
        Self { at: at.into(), what: what.to_string() }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.at, self.what)
    }
}

/// A site's origin, taken apart.
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
        let host = Host::parse(origin[scheme.len() + 3..].as_bytes()).map_err(|_| said())?;
        Ok(Self { text: origin, scheme, host })
    }
}

/// Turns the configured routes into a table, gathering what is wrong.
pub(crate) fn table(routes: &[RouteConfig], problems: &mut Vec<Problem>) -> Option<Table<Standing>> {
    let before = problems.len();
    let routes: Vec<_> =
        routes.iter().enumerate().filter_map(|(at, route)| read_route(at, route, problems)).collect();
    match Table::new(routes) {
        Ok(table) if problems.len() == before => Some(table),
        Ok(_) => None,
        Err(faults) => {
            problems.extend(faults.into_iter().map(|fault| Problem::new("route", fault)));
            None
        }
    }
}

fn read_route(
    at: usize,
    route: &RouteConfig,
    problems: &mut Vec<Problem>,
) -> Option<vestibule_routes::Route<Standing>> {
    let mut problem =
        |key: &str, what: String| problems.push(Problem::new(format!("route[{at}].{key}"), what));
    let host = Host::parse(route.host.as_bytes()).map_err(|_| {
        problem("host", format!("'{}' is not a host name or address such as shop.example", route.host))
    });
    let prefix = Target::parse(route.path.as_bytes())
        .map_err(|fault| problem("path", format!("'{}' cannot be a context root: {fault}", route.path)));
    let upstream = Upstream::parse(&route.app).map_err(|fault| problem("app", fault.to_string()));
    let conduct = conduct(route, &mut problem);
    Some(vestibule_routes::Route {
        host: host.ok()?,
        prefix: prefix.ok()?,
        upstream: upstream.ok()?.into(),
        requires: route.requires,
        conduct: conduct.into(),
    })
}

fn conduct(route: &RouteConfig, problem: &mut impl FnMut(&str, String)) -> Conduct {
    let default = Conduct::default();
    let mut time = |key: &str, millis: Option<u64>, default: Duration| match millis {
        Some(0) => {
            problem(key, "must be at least 1 (milliseconds)".to_owned());
            default
        }
        Some(millis) => Duration::from_millis(millis),
        None => default,
    };
    Conduct {
        body_bytes_max: route.body_bytes_max.unwrap_or(default.body_bytes_max),
        connect_timeout: time("connect_timeout_ms", route.connect_timeout_ms, default.connect_timeout),
        answer_timeout: time("answer_timeout_ms", route.answer_timeout_ms, default.answer_timeout),
        stall_timeout: time("stall_timeout_ms", route.stall_timeout_ms, default.stall_timeout),
    }
}

#[cfg(test)]
mod tests;
