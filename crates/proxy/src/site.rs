//! What is in force: the sites by host, the route table, the trusted peers.

use std::collections::HashMap;

use vestibule_domain::standing::Standing;
use vestibule_message::host::Host;
use vestibule_routes::Table;

use crate::config::{self, Config, Origin, Problem};
use crate::peers::TrustedPeers;

/// A checked configuration.
pub(crate) struct Live {
    pub(crate) table: Table<Standing>,
    pub(crate) peers: TrustedPeers,
    sites: HashMap<String, Place>,
}

/// What a host is.
struct Place {
    origin: Origin,
    is_alias: bool,
}

impl Live {
    pub(crate) fn new(config: &Config) -> Result<Self, Vec<Problem>> {
        let mut problems = Vec::new();
        let mut sites = HashMap::new();
        for (at, site) in config.sites.iter().enumerate() {
            let origin = match Origin::parse(&site.origin) {
                Ok(origin) => origin,
                Err(what) => {
                    problems.push(Problem { at: format!("site[{at}].origin"), what });
                    continue;
                }
            };
            let main = (format!("site[{at}].origin"), origin.host.to_string(), false);
            let named =
                |(n, alias): (usize, &String)| (format!("site[{at}].aliases[{n}]"), alias.clone(), true);
            let aliases = site.aliases.iter().enumerate().map(named);
            for (key, host, is_alias) in std::iter::once(main).chain(aliases) {
                let place = Place { origin: origin.clone(), is_alias };
                let what = match Host::parse(host.as_bytes()) {
                    Err(_) => format!("'{host}' is not a host name or address"),
                    Ok(host) if sites.insert(host.name().to_owned(), place).is_some() => {
                        format!("'{host}' belongs to a site already")
                    }
                    Ok(_) => continue,
                };
                problems.push(Problem { at: key, what });
            }
        }
        let table = config::table(&config.routes, &mut problems);
        match table {
            Some(table) if problems.is_empty() => {
                Ok(Self { table, peers: TrustedPeers(config.trusted_peers.clone()), sites })
            }
            _ => Err(problems),
        }
    }

    /// The origin to redirect to, when this host is only another name of a site.
    pub(crate) fn alias_of(&self, host: &Host) -> Option<&str> {
        self.sites.get(host.name()).filter(|place| place.is_alias).map(|place| place.origin.text.as_str())
    }

    /// The scheme that visitors of this host use.
    pub(crate) fn scheme(&self, host: &Host) -> &'static str {
        self.sites.get(host.name()).map_or("http", |place| place.origin.scheme)
    }
}
