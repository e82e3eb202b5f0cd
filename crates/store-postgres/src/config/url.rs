//! The URL of a database, by libpq's rules: several hosts, so no general URL parser takes it. Errors quote nothing but what
//! stands behind the last `@`, and without an `@` nothing at all: so never a piece of a password.

use tokio_postgres::config::Host;

use crate::lanes::WAIT_MAX;

use super::{CONNECTIONS, CONNECTIONS_MIN, Config, SCHEMA, SslMode};

/// Connections beyond this are a mistake: a PostgreSQL takes 100 in all, as it is delivered.
const CONNECTIONS_MAX: usize = 1_000;

/// The longest name that PostgreSQL keeps.
const NAME_BYTES_MAX: usize = 63;

const PORT: u16 = 5432;

/// What is wrong with the URL.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadUrl {
    /// Another scheme.
    #[error("the URL of a PostgreSQL begins with postgres:// or postgresql://")]
    Scheme,
    /// A part is missing.
    #[error("the URL names no {0}; write postgres://USER@HOST/DATABASE")]
    Missing(&'static str),
    /// More than a database behind the host.
    #[error("what follows the host is more than the name of a database; write %2F for a / in it")]
    Path,
    /// `%` without two hexadecimal digits, or bytes that are no text.
    #[error("the {0} holds a % that begins no character; write %25 for the sign itself")]
    Escape(&'static str),
    /// The account's end is not where it seems to be.
    #[error("a password with / or ? in it hides the host; write %2F for /, %3F for ? and %40 for @")]
    Unescaped,
    /// No port number.
    #[error("the port {0:?} is no number from 1 to 65535")]
    Port(String),
    /// A key that we do not know.
    #[error("the key {0:?} is unknown here; known are sslmode, schema, connections_max")]
    Key(String),
    /// A key that stands in the configuration instead.
    #[error("{key} does not belong into the URL; write {instead}")]
    Elsewhere {
        /// The key.
        key: &'static str,
        /// What to write.
        instead: &'static str,
    },
    /// A value that does not fit its key.
    #[error("{key}={value} is not allowed; write {wants}")]
    Value {
        /// The key.
        key: &'static str,
        /// The value.
        value: String,
        /// What would be right.
        wants: &'static str,
    },
}

pub(super) fn parse(url: &str) -> Result<Config, BadUrl> {
    let rest = ["postgres://", "postgresql://"].into_iter().find_map(|scheme| url.strip_prefix(scheme));
    let rest = rest.ok_or(BadUrl::Scheme)?;
    let (authority, tail) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
    if tail.contains('@') {
        return Err(BadUrl::Unescaped);
    }
    let (path, query) = tail.split_once('?').unwrap_or((tail, ""));
    let database = path.strip_prefix('/').unwrap_or(path);
    if database.contains('/') {
        return Err(BadUrl::Path);
    }
    // Before anything else is looked at: what seems to be a host may be a password that lost its `@`.
    let (account, hosts) = authority.rsplit_once('@').ok_or(BadUrl::Missing("user"))?;
    let (user, password) = match account.split_once(':') {
        Some((user, password)) => (user, Some(unescape(password, "password")?)),
        None => (account, None),
    };
    let mut config = Config {
        hosts: hosts.split(',').map(host).collect::<Result<_, _>>()?,
        user: named(user, "user")?,
        password,
        database: named(database, "database")?,
        sslmode: SslMode::VerifyFull,
        ca: None,
        schema: SCHEMA.to_owned(),
        connections_max: CONNECTIONS,
        wait_max: WAIT_MAX,
    };
    if config.is_local() {
        config.sslmode = SslMode::Prefer;
    }
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
        set(&mut config, key, &unescape(value, "value of a key")?)?;
    }
    Ok(config)
}

fn set(config: &mut Config, key: &str, value: &str) -> Result<(), BadUrl> {
    let bad = |key, wants| BadUrl::Value { key, value: value.to_owned(), wants };
    match key {
        "sslmode" => {
            let modes =
                [SslMode::Disable, SslMode::Prefer, SslMode::Require, SslMode::VerifyCa, SslMode::VerifyFull];
            let known = modes.into_iter().find(|mode| mode.name() == value);
            config.sslmode =
                known.ok_or_else(|| bad("sslmode", "disable, prefer, require, verify-ca or verify-full"))?;
        }
        "schema" => {
            let fits = value.len() <= NAME_BYTES_MAX
                && value.starts_with(|c: char| c.is_ascii_lowercase() || c == '_')
                && value.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
                && !value.starts_with("pg_");
            if !fits {
                return Err(bad("schema", "at most 63 of a to z, 0 to 9 and _, beginning with a letter"));
            }
            value.clone_into(&mut config.schema);
        }
        "connections_max" => {
            let number = value.parse().ok().filter(|n| (CONNECTIONS_MIN..=CONNECTIONS_MAX).contains(n));
            config.connections_max =
                number.ok_or_else(|| bad("connections_max", "a number from 5 to 1000"))?;
        }
        "target_session_attrs" if value == "read-write" => {}
        "target_session_attrs" => {
            return Err(bad("target_session_attrs", "read-write or nothing: sessions are written"));
        }
        "password" => return Err(elsewhere("password", "store_password_file = \"PATH\"")),
        "sslrootcert" => return Err(elsewhere("sslrootcert", "store_ca_file = \"PATH\"")),
        _ => return Err(BadUrl::Key(key.to_owned())),
    }
    Ok(())
}

fn elsewhere(key: &'static str, instead: &'static str) -> BadUrl {
    BadUrl::Elsewhere { key, instead }
}

fn named(text: &str, part: &'static str) -> Result<String, BadUrl> {
    if text.is_empty() { Err(BadUrl::Missing(part)) } else { unescape(text, part) }
}

/// `name`, `name:port`, `[v6]`, `[v6]:port`, or the folder of a socket with its slashes as `%2F`.
fn host(text: &str) -> Result<(Host, u16), BadUrl> {
    let (name, port) = match text.strip_prefix('[').and_then(|text| text.split_once(']')) {
        Some((name, "")) => (name, None),
        Some((name, port)) => (name, Some(port.strip_prefix(':').unwrap_or(port))),
        None => text.split_once(':').map_or((text, None), |(name, port)| (name, Some(port))),
    };
    let port = match port {
        None => PORT,
        Some(port) => match port.parse() {
            Ok(0) | Err(_) => return Err(BadUrl::Port(port.to_owned())),
            Ok(port) => port,
        },
    };
    let name = named(name, "host")?;
    let host = if name.starts_with('/') { Host::Unix(name.into()) } else { Host::Tcp(name) };
    Ok((host, port))
}

fn unescape(text: &str, part: &'static str) -> Result<String, BadUrl> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, after)) = rest.split_first() {
        rest = after;
        if first != b'%' {
            bytes.push(first);
            continue;
        }
        let (digits, after) = rest.split_at_checked(2).ok_or(BadUrl::Escape(part))?;
        let digit = |at: usize| char::from(digits[at]).to_digit(16).ok_or(BadUrl::Escape(part));
        let byte = digit(0)? * 16 + digit(1)?;
        bytes.push(u8::try_from(byte).map_err(|_| BadUrl::Escape(part))?);
        rest = after;
    }
    String::from_utf8(bytes).map_err(|_| BadUrl::Escape(part))
}
