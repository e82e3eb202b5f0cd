//! Turns the configured values into what is in force, gathering everything that is wrong.

use std::collections::{BTreeMap, HashSet};

use vestibule_domain::scope::check_grammar;
use vestibule_message::host::Host;
use vestibule_message::method::Method;
use vestibule_message::target::Target;
use vestibule_oauth::scope::{Scope, ScopeSet};
use vestibule_routes::{ConductSettings, Match, NoRoute, Problem, Route, Table, Upstream};
use vestibule_wire::TrustedPeers;

use super::{Config, ScopesConfig, ServiceConfig};
use crate::authorize::Clearance;
use crate::needs::{METHODS, Needs};

/// What is in force.
#[derive(Debug)]
pub(crate) struct Live {
    table: Table<Clearance>,
    /// By the number of the route.
    pub(crate) needs: Vec<Needs>,
    pub(crate) peers: TrustedPeers,
}

impl Live {
    /// The route for a request. Deny by default: there is none for what is not configured.
    pub(crate) fn find<'t>(
        &'t self,
        host: &Host,
        target: &'t Target,
    ) -> Result<Match<'t, Clearance>, NoRoute> {
        match self.table.find(host, target) {
            Err(NoRoute::Host) => self.table.find(&every_host(), target),
            found => found,
        }
    }
}

/// Under this the table keeps the services of every host: no request can name it.
fn every_host() -> Host {
    Host::default()
}

/// What is in force by this configuration, or everything that is wrong with it.
pub(crate) fn read(config: &Config) -> Result<Live, Vec<Problem>> {
    let mut reader = Reader { problems: Vec::new() };
    let numbered = || config.services.iter().enumerate();
    let needs: Vec<_> = numbered().map(|(at, service)| reader.needs(at, service)).collect();
    let routes: Vec<_> = numbered().filter_map(|(at, service)| reader.route(at, service)).collect();
    let table = Table::new(spread(routes));
    let faults = table.as_ref().err().into_iter().flatten();
    reader
        .problems
        .extend(faults.map(|fault| Problem::new(format!("service[{}].path", fault.number()), fault)));
    match table {
        Ok(table) if reader.problems.is_empty() => {
            Ok(Live { table, needs, peers: TrustedPeers(config.trusted_peers.clone()) })
        }
        _ => Err(reader.problems),
    }
}

/// Puts the services of every host under each host that has services of its own, where those have not the same path:
/// one table for a host, so that the longest prefix wins and look-alike paths find nothing.
fn spread(mut routes: Vec<Route<Clearance>>) -> Vec<Route<Clearance>> {
    let hosts: HashSet<_> = routes.iter().map(|route| route.host.clone()).collect();
    let taken: HashSet<_> = routes.iter().map(|route| (route.host.clone(), route.prefix.clone())).collect();
    let of_every_host: Vec<_> = routes.iter().filter(|route| route.host == every_host()).cloned().collect();
    for host in hosts {
        let missing =
            of_every_host.iter().filter(|route| !taken.contains(&(host.clone(), route.prefix.clone())));
        routes.extend(missing.map(|route| Route { host: host.clone(), ..route.clone() }));
    }
    routes
}

struct Reader {
    problems: Vec<Problem>,
}

impl Reader {
    fn needs(&mut self, at: usize, service: &ServiceConfig) -> Needs {
        match &service.scopes {
            ScopesConfig::All(scopes) => {
                Needs::for_all(&self.scopes(&format!("service[{at}].scopes"), scopes))
            }
            ScopesConfig::ByMethod(by_method) => {
                if by_method.is_empty() {
                    self.problems
                        .push(Problem::new(format!("service[{at}].scopes"), "name at least one method"));
                }
                let mut needs = BTreeMap::new();
                for (name, scopes) in by_method {
                    let key = format!("service[{at}].scopes.{name}");
                    let scopes = self.scopes(&key, scopes);
                    match Method::parse(name.as_bytes()).filter(|method| METHODS.contains(method)) {
                        Some(method) => drop(needs.insert(method, scopes)),
                        None => self.problems.push(Problem::new(key, "is not a method that can be served")),
                    }
                }
                Needs::by_method(needs)
            }
        }
    }

    fn scopes(&mut self, key: &str, texts: &[String]) -> ScopeSet {
        if texts.is_empty() {
            self.problems.push(Problem::new(key, "name a scope: without one every token would do"));
        }
        let mut scopes = Vec::new();
        for text in texts {
            match Scope::parse(text).map(|scope| (check_grammar(&scope), scope)) {
                Ok((Ok(()), scope)) => scopes.push(scope),
                Ok((Err(fault), _)) => self.problems.push(Problem::new(key, fault)),
                Err(fault) => self.problems.push(Problem::new(key, format!("'{text}': {fault}"))),
            }
        }
        scopes.into_iter().collect()
    }

    fn route(&mut self, at: usize, service: &ServiceConfig) -> Option<Route<Clearance>> {
        let mut problem =
            |key: &str, what: String| self.problems.push(Problem::new(format!("service[{at}].{key}"), what));
        let host = match &service.host {
            None => Ok(every_host()),
            Some(host) => Host::parse(host.as_bytes()).map_err(|_| {
                problem("host", format!("'{host}' is not a host name or address such as api.example"));
            }),
        };
        let prefix = Target::parse(service.path.as_bytes())
            .map_err(|fault| problem("path", format!("'{}' cannot be a path prefix: {fault}", service.path)));
        let upstream =
            Upstream::parse(&service.upstream).map_err(|fault| problem("upstream", fault.to_string()));
        let conduct = ConductSettings {
            body_bytes_max: service.body_bytes_max,
            connect_timeout_ms: service.connect_timeout_ms,
            answer_timeout_ms: service.answer_timeout_ms,
            stall_timeout_ms: service.stall_timeout_ms,
        }
        .conduct(&mut problem);
        Some(Route {
            number: at,
            host: host.ok()?,
            prefix: prefix.ok()?,
            upstream: upstream.ok()?.into(),
            requires: Clearance::Scopes,
            conduct: conduct.into(),
        })
    }
}
