//! What is wrong with a configuration as a whole: what one part of it needs of another. What each part knows of itself
//! is in the part's own file.

use vestibule_proxy::Problem;

use super::{Config, FaceName, SiteConfig, StoreName};

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
        if self.runtime.cores == Some(0) {
            problems.push(problem("runtime.cores".to_owned(), "must be at least 1"));
        }
        problems
    }

    fn listener_problems(&self) -> Vec<Problem> {
        let mut problems = Vec::new();
        let problem = |at: String, what: &str| Problem { at, what: what.to_owned() };
        for (at, listener) in self.listeners.iter().enumerate() {
            let key = format!("listener[{at}].serves");
            if listener.serves.is_empty() {
                problems.push(problem(key, "serves nothing: name at least one face"));
            } else if listener.serves.iter().filter(|face| **face != FaceName::Metrics).count() > 1 {
                problems
                    .push(problem(key, "names two faces besides metrics: give each a listener of its own"));
            } else if listener.serves.iter().enumerate().any(|(n, face)| listener.serves[..n].contains(face))
            {
                problems.push(problem(key, "names a face twice"));
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
        self.sites.iter().enumerate().filter_map(in_the_clear).collect()
    }
}
