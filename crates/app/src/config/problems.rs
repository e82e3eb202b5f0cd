//! What is wrong with a configuration as a whole: what one part of it needs of another. What each part knows of itself
//! is in the part's own file.

use std::net::SocketAddr;
use std::os::unix::ffi::OsStrExt as _;
use std::path::PathBuf;

use vestibule_routes::Problem;

use super::limits::{DAY_MS, out_of};
use super::{AccessLog, Config, FaceName, SiteConfig, StoreName};

/// Most threads that serve connections.
const CORES_MAX: u64 = 1_024;
/// Longest wait for load balancers: ten minutes.
const DELAY_MS_MAX: u64 = 600_000;

/// Whether one socket would keep the other from its address. Ours of IPv6 leave IPv4 alone.
fn overlap(one: SocketAddr, other: SocketAddr) -> bool {
    one.port() == other.port()
        && one.port() != 0
        && one.is_ipv4() == other.is_ipv4()
        && (one.ip() == other.ip() || one.ip().is_unspecified() || other.ip().is_unspecified())
}

impl Config {
    /// Problems with what this crate itself knows of.
    pub(crate) fn problems(&self) -> Vec<Problem> {
        let mut problems = self.limits.problems();
        let problem = |at: String, what: &str| Problem { at, what: what.to_owned() };
        if self.listeners.is_empty() {
            problems
                .push(problem("listener".to_owned(), "there is none: add [[listener]] with bind and serves"));
        }
        problems.extend(self.listener_problems());
        for (at, site) in self.sites.iter().enumerate() {
            if site.log_on_client.is_some() != site.anonymous_client.is_some() {
                problems.push(problem(
                    format!("site[{at}]"),
                    "names one of log_on_client and anonymous_client only",
                ));
            }
        }
        problems.extend(self.issuer_problems());
        problems.extend(self.sessions.problems());
        if self.serves(FaceName::Proxy) && self.routes.is_empty() {
            problems.push(problem(
                "route".to_owned(),
                "there is none: the proxy would answer every request with 421",
            ));
        }
        let numbers = [
            ("runtime.cores", self.runtime.cores.map(|cores| cores as u64), 1, CORES_MAX),
            ("drain.delay_ms", Some(self.drain.delay_ms), 0, DELAY_MS_MAX),
            ("drain.limit_ms", Some(self.drain.limit_ms), 0, DAY_MS),
        ];
        for (key, number, least, most) in numbers {
            let what = number.and_then(|number| out_of(number, least, most));
            problems.extend(what.map(|what| Problem { at: key.to_owned(), what }));
        }
        problems.extend(self.path_problems());
        problems.extend(self.alias_problems());
        problems
    }

    /// Paths that are none.
    fn path_problems(&self) -> Vec<Problem> {
        let log = match &self.log.access {
            AccessLog::File(path) => Some(path),
            AccessLog::Off | AccessLog::Stdout => None,
        };
        let fault = |(key, path): (&str, Option<&PathBuf>)| {
            let bytes = path?.as_os_str().as_bytes();
            let what = match bytes {
                [] => "is empty",
                _ if bytes.contains(&0) => "holds a NUL, and no path does",
                _ => return None,
            };
            Some(Problem { at: key.to_owned(), what: what.to_owned() })
        };
        [("data_dir", self.data_dir.as_ref()), ("log.access", log)].into_iter().filter_map(fault).collect()
    }

    /// Routes that no request reaches, because their host is another name of a site and redirects.
    fn alias_problems(&self) -> Vec<Problem> {
        let site_of = |host: &str| {
            let is_alias =
                |site: &&SiteConfig| site.aliases.iter().any(|alias| alias.eq_ignore_ascii_case(host));
            self.sites.iter().find(is_alias)
        };
        let dead = self.routes.iter().enumerate().filter_map(|(at, route)| {
            let site = site_of(&route.host)?;
            let what =
                format!("is an alias of {}, which redirects there: no request gets to the app", site.origin);
            Some(Problem { at: format!("route[{at}].host"), what })
        });
        dead.collect()
    }

    fn listener_problems(&self) -> Vec<Problem> {
        let mut problems = Vec::new();
        let problem = |at: String, what: &str| Problem { at, what: what.to_owned() };
        for (at, listener) in self.listeners.iter().enumerate() {
            let key = format!("listener[{at}].serves");
            if listener.serves.contains(&FaceName::IdpInside)
                && !listener.bind.ip().to_canonical().is_loopback()
            {
                let what = "serves idp-inside, so it must be a loopback address: secrets and tokens come here, and \
                            there is no TLS to it yet";
                problems.push(problem(format!("listener[{at}].bind"), what));
            }
            if listener.serves.is_empty() {
                problems.push(problem(key, "serves nothing: name at least one face"));
            } else if listener.serves.iter().filter(|face| **face != FaceName::Metrics).count() > 1 {
                problems
                    .push(problem(key, "names two faces besides metrics: give each a listener of its own"));
            } else if listener.serves.iter().enumerate().any(|(n, face)| listener.serves[..n].contains(face))
            {
                problems.push(problem(key, "names a face twice"));
            }
            if let Some(other) =
                self.listeners[..at].iter().position(|other| overlap(other.bind, listener.bind))
            {
                let what = format!("is taken by listener[{other}]: {}", self.listeners[other].bind);
                problems.push(Problem { at: format!("listener[{at}].bind"), what });
            }
        }
        problems
    }

    /// Problems with who issues tokens, and with who needs that.
    fn issuer_problems(&self) -> Vec<Problem> {
        let mut problems = Vec::new();
        let problem = |at: String, what: &str| Problem { at, what: what.to_owned() };
        let has_issuer = self.idp.is_some() || self.issuer.is_some();
        if let Some(issuer) = &self.issuer {
            if self.idp.is_some() {
                problems
                    .push(problem("issuer".to_owned(), "is another process's, and there is an [idp] here"));
            }
            if let Err(bad) = vestibule_issuer_http::check_url(&issuer.url) {
                problems.push(problem("issuer.url".to_owned(), &bad.to_string()));
            }
            if let Some(fault) = issuer.public_url.as_deref().and_then(vestibule_idp::config::origin_fault) {
                problems.push(problem("issuer.public_url".to_owned(), fault));
            }
            if issuer.secret.as_ref().is_some_and(|secret| !secret.is_long_enough()) {
                let what = "holds a secret that can be guessed: it must have at least 32 characters";
                problems.push(problem("issuer.secret_file".to_owned(), what));
            }
            let has_clients = self.sites.iter().any(|site| site.log_on_client.is_some());
            if self.serves(FaceName::Proxy) && has_clients && issuer.public_url.is_none() {
                let what = "public_url is missing: browsers could not be sent to log in";
                problems.push(problem("issuer".to_owned(), what));
            }
        }
        let knows_visitors = has_issuer && self.serves(FaceName::Proxy);
        let keeps_sessions = knows_visitors && self.sessions.store == StoreName::Embedded;
        if self.data_dir.is_none() && (self.idp.is_some() || keeps_sessions) {
            problems.push(problem(
                "data_dir".to_owned(),
                "is missing: sessions and users have to be kept somewhere",
            ));
        } else if self.data_dir.is_none() && self.serves(FaceName::Admin) {
            problems.push(problem(
                "data_dir".to_owned(),
                "is missing: a listener serves admin, and its token has to be kept somewhere",
            ));
        }
        if self.serves(FaceName::Admin) && self.idp.is_none() && !knows_visitors {
            let what =
                "a listener serves admin, and there is neither an [idp] nor a proxy with an [issuer] here";
            problems.push(problem("listener".to_owned(), what));
        }
        for face in [FaceName::Idp, FaceName::IdpInside] {
            if self.serves(face) && self.idp.is_none() {
                let what = format!("a listener serves {}, and there is no [idp]", face.as_str());
                problems.push(Problem { at: "idp".to_owned(), what });
            }
        }
        for face in [FaceName::Gateway, FaceName::GatewayInside] {
            if self.serves(face) && !has_issuer {
                let what = format!("a listener serves {}, and there is no [idp] or [issuer]", face.as_str());
                problems.push(Problem { at: "idp".to_owned(), what });
            }
        }
        problems
    }

    /// What can be served and can hardly be meant.
    pub(crate) fn warnings(&self) -> Vec<String> {
        let in_the_clear = |(at, site): (usize, &SiteConfig)| {
            (site.origin.starts_with("https:") && self.proxy.trusted_peers.is_empty()).then(|| {
                format!(
                    "site[{at}].origin: is https, our listeners have no TLS, and proxy.trusted_peers names no load \
                     balancer that has: every page would be sent to where it is"
                )
            })
        };
        let in_the_clear = self.sites.iter().enumerate().filter_map(in_the_clear);
        let in_the_clear = in_the_clear.chain(self.log_in_in_the_clear());
        in_the_clear.chain(self.source.open_to_others.iter().cloned()).collect()
    }

    fn log_in_in_the_clear(&self) -> Option<String> {
        let idp = self.idp.as_ref()?;
        let is_served = self.listeners.iter().any(|listener| listener.serves.contains(&FaceName::Idp));
        (is_served && idp.issuer.starts_with("https:") && idp.trusted_peers.is_empty()).then(|| {
            "idp.issuer: is https, our listeners have no TLS, and idp.trusted_peers names no load balancer that has: \
             nobody could log in"
                .to_owned()
        })
    }
}
