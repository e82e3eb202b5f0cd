//! The forms of a store's URL. Written by hand: several hosts in one URL are no URL to a parser of URLs.

use std::time::Duration;

use super::{Arrangement, BadUrl, Config, PORT, PREFIX, Place, SENTINEL_PORT, WAIT};

/// Longest wait for replicas that makes sense: requests give up after less.
const WAIT_MAX_MS: u64 = 10_000;

/// Most replicas that a master can be asked to wait for here.
const WAIT_REPLICAS_MAX: u32 = 16;

const PREFIX_BYTES_MAX: usize = 64;

const SCHEMES: &str = "a store URL begins with redis:// or rediss://";

pub(super) fn parse(url: &str) -> Result<Config, BadUrl> {
    let Some((scheme, rest)) = url.split_once("://") else {
        return bad(SCHEMES);
    };
    let (tls, kind) = scheme_of(scheme)?;
    // Before anything is read, and so perhaps shown: what looks like a path or an option may be the end of a password.
    if rest.split_once(['/', '?']).is_some_and(|(_, behind)| behind.contains('@')) {
        return bad(
            "an @ stands behind the hosts; in a user or password write %40 for @, %2F for /, %3F for ?",
        );
    }
    let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
    let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
    let (login, hosts) = match authority.rsplit_once('@') {
        Some((login, hosts)) => (Some(login), hosts),
        None => (None, authority),
    };
    let (user, password) = login_of(login)?;
    let (arrangement, database) = path_of(kind, path)?;
    let port = if kind == Kind::Sentinel { SENTINEL_PORT } else { PORT };
    let places = hosts.split(',').map(|host| place_of(host, port)).collect::<Result<Vec<_>, _>>()?;
    if kind == Kind::Single && places.len() > 1 {
        return bad("redis:// takes one host: several are redis+sentinel:// or redis+cluster://");
    }
    let password_in_url = password.is_some();
    let config = Config {
        arrangement,
        places,
        tls,
        user,
        password,
        database,
        prefix: PREFIX.to_owned(),
        wait_replicas: 0,
        wait: WAIT,
        ca: None,
        password_in_url,
    };
    query.split('&').filter(|part| !part.is_empty()).try_fold(config, with_option)
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Single,
    Sentinel,
    Cluster,
}

fn bad<T>(why: impl Into<String>) -> Result<T, BadUrl> {
    Err(BadUrl(why.into()))
}

fn scheme_of(scheme: &str) -> Result<(bool, Kind), BadUrl> {
    if !scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'+') {
        return bad(SCHEMES);
    }
    let (base, kind) = match scheme.split_once('+') {
        None => (scheme, Kind::Single),
        Some((base, "sentinel")) => (base, Kind::Sentinel),
        Some((base, "cluster")) => (base, Kind::Cluster),
        Some((_, other)) => {
            return bad(format!("redis+{other}:// is unknown: write redis+sentinel:// or redis+cluster://"));
        }
    };
    match base {
        "redis" | "valkey" => Ok((false, kind)),
        "rediss" | "valkeys" => Ok((true, kind)),
        _ => bad(format!("{base}:// is no store of this kind: write redis:// or rediss://")),
    }
}

fn login_of(login: Option<&str>) -> Result<(Option<String>, Option<String>), BadUrl> {
    let Some(login) = login else { return Ok((None, None)) };
    let (user, password) = match login.split_once(':') {
        Some((user, password)) => (user, Some(decode(password, "password")?)),
        None => (login, None),
    };
    let user = decode(user, "user")?;
    Ok(((!user.is_empty()).then_some(user), password))
}

fn path_of(kind: Kind, path: &str) -> Result<(Arrangement, i64), BadUrl> {
    let mut parts = path.split('/').filter(|part| !part.is_empty());
    let arrangement = match kind {
        Kind::Single => Arrangement::Single,
        Kind::Cluster => Arrangement::Cluster,
        Kind::Sentinel => match parts.next() {
            Some(master) => Arrangement::Sentinel { master: decode(master, "master's name")? },
            None => {
                return bad("redis+sentinel:// names the master behind the hosts: .../mymaster");
            }
        },
    };
    let database = match parts.next().map(str::parse) {
        None => 0,
        Some(Ok(number @ 0..=65_535)) => number,
        Some(_) => return bad("the database is a number: redis://host:6379/0"),
    };
    if kind == Kind::Cluster && database != 0 {
        return bad("a cluster has database 0 only: leave it out");
    }
    match parts.next() {
        None => Ok((arrangement, database)),
        Some(_) => bad("the URL goes on behind the database"),
    }
}

fn place_of(text: &str, default: u16) -> Result<Place, BadUrl> {
    let place = match text.strip_prefix('[') {
        Some(inside) => match inside.split_once(']') {
            Some((host, "")) => Some((host, None)),
            Some((host, rest)) => rest.strip_prefix(':').map(|port| (host, Some(port))),
            None => None,
        },
        None => match text.split_once(':') {
            Some((host, port)) => Some((host, Some(port))),
            None => Some((text, None)),
        },
    };
    let Some((host, port)) = place.filter(|(host, _)| !host.is_empty()) else {
        return bad("a host is missing: write redis://host:6379");
    };
    match port.map(str::parse) {
        None => Ok(Place { host: host.to_owned(), port: default }),
        Some(Ok(port)) if port != 0 => Ok(Place { host: host.to_owned(), port }),
        // The text is not shown: a password with an unescaped `@` or `/` would be part of it.
        Some(_) => bad(
            "a port is no number from 1 to 65535; in a user or password write %40 for @, %2F for /, %3A for :",
        ),
    }
}

fn with_option(config: Config, part: &str) -> Result<Config, BadUrl> {
    let (key, value) = part.split_once('=').unwrap_or((part, ""));
    match key {
        "prefix" => {
            let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.:".contains(&byte);
            if value.is_empty() || value.len() > PREFIX_BYTES_MAX || !value.bytes().all(allowed) {
                return bad("prefix takes up to 64 letters, digits and - _ . :");
            }
            Ok(Config { prefix: value.to_owned(), ..config })
        }
        "wait_replicas" => match value.parse() {
            Ok(wait_replicas @ 0..=WAIT_REPLICAS_MAX) => Ok(Config { wait_replicas, ..config }),
            _ => bad("wait_replicas is a number from 0 to 16"),
        },
        "wait_ms" => match value.parse() {
            Ok(wait_ms @ 1..=WAIT_MAX_MS) => Ok(Config { wait: Duration::from_millis(wait_ms), ..config }),
            _ => bad("wait_ms is a number from 1 to 10000"),
        },
        // The text is not shown, for the same reason.
        _ => bad("an option is none of prefix, wait_replicas and wait_ms"),
    }
}

/// Turns `%40` back into `@`.
fn decode(text: &str, what: &str) -> Result<String, BadUrl> {
    let wrong = || BadUrl(format!("the {what} has a % without two hexadecimal digits: write %25 for %"));
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte == b'%' {
            let mut digit = || rest.next().and_then(|digit| char::from(digit).to_digit(16)).ok_or_else(wrong);
            bytes.push((digit()? * 16 + digit()?) as u8);
        } else {
            bytes.push(byte);
        }
    }
    String::from_utf8(bytes).map_err(|_| BadUrl(format!("the {what} is not UTF-8")))
}
