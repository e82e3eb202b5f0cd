//! Turns the configured values into what is in force, gathering everything that is wrong.

use std::collections::{BTreeMap, HashMap};

use vestibule_domain::attribute::{AttributeName, Catalogue, Declared, Rights, SESSION_BYTES_MAX};
use vestibule_domain::caching::RouteCache;
use vestibule_domain::identity::{AppId, SiteId};
use vestibule_domain::outage;
use vestibule_domain::standing::Standing;
use vestibule_domain::token::Need;
use vestibule_message::host::Host;
use vestibule_message::target::Target;
use vestibule_routes::{ConductSettings, Problem, Route, Table, Upstream};
use vestibule_wire::TrustedPeers;

use super::{
    Cache, Config, CrossSite, ForgedContext, OnPatchFailure, Origin, RouteConfig, TokenNeed, WhenUnknown,
    sense,
};
use crate::site::{App, Live, Place, Site};

/// How long browsers come back by https alone, unless a site says otherwise: a year (ASVS 3.4.1).
const HSTS_SECONDS: u32 = 31_536_000;

/// What is in force by this configuration, or everything that is wrong with it.
pub(crate) fn read(config: &Config) -> Result<Live, Vec<Problem>> {
    let mut reader = Reader { config, problems: Vec::new() };
    let declared = reader.attributes();
    let apps: Vec<_> = config.routes.iter().enumerate().map(|(at, route)| reader.app(at, route)).collect();
    let (mut sites, hosts) = reader.sites();
    let sites_are_known = !reader.problems.iter().any(|problem| problem.at.starts_with("site["));
    reader.fill_catalogues(&mut sites, &hosts, &declared, &apps);
    reader.problems.extend(sense::problems(config, &hosts, &declared, sites_are_known));
    let table = reader.table();
    reader.problems.extend(config.limits.faults().iter().map(|fault| Problem::new("sessions", fault)));
    match (table, apps.into_iter().collect::<Option<Vec<_>>>()) {
        (Some(table), Some(apps)) if reader.problems.is_empty() => Ok(Live {
            table,
            apps,
            sites,
            hosts,
            peers: TrustedPeers(config.trusted_peers.clone()),
            refuses_forged: config.forged_context == ForgedContext::Refuse,
            issuer: config.issuer.clone(),
            limits: config.limits.clone(),
            rules: config.rules,
        }),
        _ => Err(reader.problems),
    }
}

struct Reader<'c> {
    config: &'c Config,
    problems: Vec<Problem>,
}

impl<'c> Reader<'c> {
    fn problem(&mut self, at: impl Into<String>, what: impl std::fmt::Display) {
        self.problems.push(Problem::new(at, what));
    }

    fn attributes(&mut self) -> BTreeMap<AttributeName, Declared> {
        let mut declared = BTreeMap::new();
        for (at, attribute) in self.config.attributes.iter().enumerate() {
            let value = Declared { survives: attribute.survives, bytes_max: attribute.max_bytes };
            if !(1..=SESSION_BYTES_MAX).contains(&attribute.max_bytes) {
                let what = format!("must be between 1 and {SESSION_BYTES_MAX}, all that a session may hold");
                self.problem(format!("attribute[{at}].max_bytes"), what);
            }
            match AttributeName::parse(&attribute.name) {
                Err(why) => {
                    self.problem(format!("attribute[{at}].name"), format!("'{}' is {why}", attribute.name));
                }
                Ok(name) => {
                    if declared.insert(name, value).is_some() {
                        self.problem(
                            format!("attribute[{at}].name"),
                            format!("'{}' is there twice", attribute.name),
                        );
                    }
                }
            }
        }
        declared
    }

    fn app(&mut self, at: usize, route: &RouteConfig) -> Option<App> {
        let name = route.name.clone().unwrap_or_else(|| default_name(&route.path));
        let id = AppId::parse(&name)
            .map_err(|_| self.problem(format!("route[{at}].name"), not_a_name(&name, route)))
            .ok();
        let mut names = |key: &str, texts: &[String]| {
            let parse =
                |text: &String| AttributeName::parse(text).map_err(|why| format!("'{text}' is {why}"));
            let (good, bad): (Vec<_>, Vec<_>) = texts.iter().map(parse).partition(Result::is_ok);
            for why in bad.into_iter().filter_map(Result::err) {
                self.problem(format!("route[{at}].{key}"), why);
            }
            good.into_iter().filter_map(Result::ok).collect()
        };
        let rights = Rights { reads: names("reads", &route.reads), writes: names("writes", &route.writes) };
        Some(App {
            number: at,
            id: id?,
            rights,
            claims: route.claims.clone(),
            need: match route.token {
                Some(TokenNeed::Required) => Need::Required,
                Some(TokenNeed::Wanted) => Need::Wanted,
                None => Need::of_route(route.requires),
            },
            when_unknown: match route.when_unknown {
                WhenUnknown::Refuse => outage::WhenUnknown::Refuse,
                WhenUnknown::Anonymous => outage::WhenUnknown::Anonymous,
            },
            delivers_unsaved: route.on_patch_failure == OnPatchFailure::Deliver,
            cache: match route.cache {
                Cache::Personal => RouteCache::Personal,
                Cache::Shared => RouteCache::Shared,
            },
            allows_cross_site: route.cross_site == CrossSite::Allow,
        })
    }

    fn sites(&mut self) -> (Vec<Site>, HashMap<String, Place>) {
        let (mut sites, mut hosts) = (Vec::new(), HashMap::new());
        for (at, site) in self.config.sites.iter().enumerate() {
            let id = SiteId::parse(&site.name).map_err(|_| {
                self.problem(format!("site[{at}].name"), format!("'{}' is not a name", site.name));
            });
            let origin =
                Origin::parse(&site.origin).map_err(|what| self.problem(format!("site[{at}].origin"), what));
            let (Ok(id), Ok(origin)) = (id, origin) else { continue };
            if !origin.keeps_cookies() {
                let what = "must be https, or http on this machine: browsers keep no Secure cookie elsewhere";
                self.problem(format!("site[{at}].origin"), what);
            }
            if site.log_on_client.is_some() && self.config.issuer.is_none() {
                self.problem(
                    format!("site[{at}].log_on_client"),
                    "there is no identity provider to log on with",
                );
            }
            if sites.iter().any(|other: &Site| other.id == id) {
                self.problem(format!("site[{at}].name"), format!("'{id}' is there twice"));
            }
            let main = (format!("site[{at}].origin"), origin.host.to_string(), false);
            let named =
                |(n, alias): (usize, &String)| (format!("site[{at}].aliases[{n}]"), alias.clone(), true);
            for (key, host, is_alias) in
                std::iter::once(main).chain(site.aliases.iter().enumerate().map(named))
            {
                let place = Place { site: sites.len(), is_alias };
                match Host::parse(host.as_bytes()) {
                    Err(_) => self.problem(key, format!("'{host}' is not a host name or address")),
                    Ok(host) => {
                        if hosts.insert(host.name().to_owned(), place).is_some() {
                            self.problem(key, format!("'{host}' belongs to a site already"));
                        }
                    }
                }
            }
            let is_https = origin.scheme == "https";
            let policy = Some(format!("max-age={}", site.hsts_seconds.unwrap_or(HSTS_SECONDS)));
            sites.push(Site {
                id,
                origin,
                client: site.log_on_client.clone(),
                catalogue: Catalogue::default(),
                policy: policy.filter(|_| is_https),
            });
        }
        (sites, hosts)
    }

    /// Each site knows the apps of its own routes only.
    fn fill_catalogues(
        &mut self,
        sites: &mut [Site],
        hosts: &HashMap<String, Place>,
        declared: &BTreeMap<AttributeName, Declared>,
        apps: &[Option<App>],
    ) {
        for (number, site) in sites.iter_mut().enumerate() {
            let mut rights = BTreeMap::new();
            for (at, route) in self.config.routes.iter().enumerate() {
                let host = Host::parse(route.host.as_bytes()).ok();
                let place = host.as_ref().and_then(|host| hosts.get(host.name()));
                if place.is_some_and(|place| place.site == number)
                    && host.is_some_and(|host| host.port().is_some() && !site.origin.has_port_of(&host))
                {
                    let what =
                        format!("'{}' is another origin than its site's, {}", route.host, site.origin.text);
                    self.problem(format!("route[{at}].host"), what);
                }
                let (Some(app), true) = (&apps[at], place.is_some_and(|place| place.site == number)) else {
                    continue;
                };
                if rights.insert(app.id.clone(), app.rights.clone()).is_some() {
                    let what = format!("'{}' is there twice on this site{}", app.id, made_of_path(route));
                    self.problem(format!("route[{at}].name"), what);
                }
            }
            // What is wrong with it is told where it stands, at the attribute or at the route.
            site.catalogue = Catalogue::new(declared.clone(), rights).unwrap_or_default();
        }
    }

    fn table(&mut self) -> Option<Table<Standing>> {
        let config: &'c Config = self.config;
        let routes: Vec<_> =
            config.routes.iter().enumerate().filter_map(|(at, route)| self.route(at, route)).collect();
        match Table::new(routes) {
            Ok(table) => Some(table),
            Err(faults) => {
                for fault in faults {
                    self.problem(format!("route[{}].path", fault.number()), fault);
                }
                None
            }
        }
    }

    fn route(&mut self, at: usize, route: &RouteConfig) -> Option<Route<Standing>> {
        let mut problem = |key: &str, what: String| self.problem(format!("route[{at}].{key}"), what);
        let host = Host::parse(route.host.as_bytes());
        if host.is_err() {
            problem("host", format!("'{}' is not a host name or address such as shop.example", route.host));
        }
        let prefix = Target::parse(route.path.as_bytes())
            .map_err(|fault| problem("path", format!("'{}' cannot be a context root: {fault}", route.path)));
        let upstream = Upstream::parse(&route.app).map_err(|fault| problem("app", fault.to_string()));
        let conduct = ConductSettings {
            body_bytes_max: route.body_bytes_max,
            connect_timeout_ms: route.connect_timeout_ms,
            answer_timeout_ms: route.answer_timeout_ms,
            stall_timeout_ms: route.stall_timeout_ms,
        }
        .conduct(&mut problem);
        Some(Route {
            number: at,
            host: host.ok()?,
            prefix: prefix.ok()?,
            upstream: upstream.ok()?.into(),
            requires: route.requires,
            conduct: conduct.into(),
        })
    }
}

fn not_a_name(name: &str, route: &RouteConfig) -> String {
    format!("'{name}' is not a name{}", made_of_path(route))
}

/// What to do about a name that nobody wrote.
fn made_of_path(route: &RouteConfig) -> String {
    match route.name {
        Some(_) => String::new(),
        None => format!(": it was made of the path '{}'; write a name of your own", route.path),
    }
}

/// `/` is `root`, `/a/b` is `a-b`.
fn default_name(path: &str) -> String {
    match path.trim_matches('/') {
        "" => "root".to_owned(),
        inner => inner.replace('/', "-"),
    }
}
