//! Settings of routes that are well-formed and cannot do what they say: each would be dead, or hurt in an outage.

use std::collections::{BTreeMap, HashMap};

use vestibule_domain::attribute::{AttributeName, Declared};
use vestibule_domain::claims;
use vestibule_domain::standing::Standing;
use vestibule_message::host::Host;
use vestibule_routes::Problem;

use super::{Config, RouteConfig, TokenNeed, WhenUnknown};
use crate::own;
use crate::site::Place;

/// What is wrong with the routes, given the hosts of the sites and the attributes that are declared.
pub(super) fn problems(
    config: &Config,
    hosts: &HashMap<String, Place>,
    declared: &BTreeMap<AttributeName, Declared>,
    sites_are_known: bool,
) -> Vec<Problem> {
    let mut problems = Vec::new();
    for (at, route) in config.routes.iter().enumerate() {
        let mut problem =
            |key: &str, what: String| problems.push(Problem::new(format!("route[{at}].{key}"), what));
        check_path(route, &mut problem);
        check_outage(route, &mut problem);
        let unknown = route.claims.iter().filter(|claim| !claims::NAMES.contains(&claim.as_str()));
        for claim in unknown {
            let known = claims::NAMES.join(", ");
            problem("claims", format!("there is no claim '{claim}', only {known}"));
        }
        let Ok(host) = Host::parse(route.host.as_bytes()) else { continue };
        if hosts.contains_key(host.name()) {
            check_attributes(route, declared, &mut problem);
        } else if sites_are_known {
            check_stranger(route, &mut problem);
        }
    }
    problems
}

/// The proxy's own pages are at every host, and go before any route.
fn check_path(route: &RouteConfig, problem: &mut impl FnMut(&str, String)) {
    let own = own::PREFIX.trim_end_matches('/');
    if route.path.strip_prefix(own).is_some_and(|rest| rest.is_empty() || rest.starts_with('/')) {
        let what =
            format!("'{}' is the proxy's own on every host, so that no request reaches the app", route.path);
        problem("path", format!("{what}: choose a path that does not begin with {own}"));
    }
}

/// A visitor who is logged on must not be sent to log in because the store is away.
fn check_outage(route: &RouteConfig, problem: &mut impl FnMut(&str, String)) {
    if route.when_unknown == WhenUnknown::Anonymous && route.requires > Standing::Anonymous {
        let what = format!(
            "is for routes that require nothing: in an outage it would ask visitors to log on who are, where requires is \
             '{}'; leave it out, and they are answered with 503",
            route.requires
        );
        problem("when_unknown", what);
    }
}

fn check_attributes(
    route: &RouteConfig,
    declared: &BTreeMap<AttributeName, Declared>,
    problem: &mut impl FnMut(&str, String),
) {
    for (key, names) in [("reads", &route.reads), ("writes", &route.writes)] {
        // What is no name has been told of.
        let names = names.iter().filter_map(|name| AttributeName::parse(name).ok());
        for name in names.filter(|name| !declared.contains_key(name)) {
            problem(key, format!("attribute {name} is not declared"));
        }
    }
}

/// On a host of no site nobody is ever known.
fn check_stranger(route: &RouteConfig, problem: &mut impl FnMut(&str, String)) {
    let dead = [
        ("requires", route.requires > Standing::Anonymous),
        ("reads", !route.reads.is_empty()),
        ("writes", !route.writes.is_empty()),
        ("claims", !route.claims.is_empty()),
        ("token", route.token == Some(TokenNeed::Required)),
    ];
    for (key, _) in dead.iter().filter(|(_, is_said)| *is_said) {
        let what = format!(
            "does nothing, as nobody is ever known at '{}': make it the host of a [[site]], or leave this out",
            route.host
        );
        problem(key, what);
    }
}
