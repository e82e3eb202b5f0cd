//! `demo.json`: where the demo listens and what it generated, for scripts. Readable by its owner only; the same over a
//! restart.

use std::fs::{OpenOptions, Permissions};
use std::io::{ErrorKind, Write as _};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use serde::{Deserialize, Serialize};
use vestibule_oauth::token::ClientSecret;
use vestibule_ports::entropy::{SystemEntropy, random};

use super::settings;

const NAME: &str = "demo.json";

/// What stands in the file.
#[derive(Serialize, Deserialize)]
pub(super) struct Record {
    /// The shop.
    pub(super) web: String,
    /// The gateway for clients with access tokens.
    pub(super) gateway: String,
    /// The gateway for web apps with JPTs.
    pub(super) gateway_inside: String,
    /// The identity provider.
    pub(super) issuer: String,
    /// The admin API.
    pub(super) admin: String,
    pub(super) users: Users,
    pub(super) clients: Clients,
    /// Whether anything was drawn now, so that users of a run before have other passwords.
    #[serde(skip)]
    pub(super) is_new: bool,
}

#[derive(Serialize, Deserialize)]
pub(super) struct Users {
    pub(super) alice: User,
    /// A record of before there was such a user has none; then there is no such user either.
    #[serde(default = "User::draw")]
    pub(super) admin: User,
}

#[derive(Serialize, Deserialize)]
pub(super) struct User {
    pub(super) password: String,
}

#[derive(Serialize, Deserialize)]
pub(super) struct Clients {
    #[serde(rename = "mobile-app")]
    pub(super) mobile_app: Client,
    pub(super) till: Client,
}

#[derive(Serialize, Deserialize)]
pub(super) struct Client {
    pub(super) client_id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) client_secret: Option<String>,
}

impl User {
    /// Somebody with a password that nobody guesses and a person can type.
    fn draw() -> Self {
        Self { password: secret()[..20].to_owned() }
    }
}

impl Record {
    /// What a run before this one generated, at this run's addresses; or new secrets.
    pub(super) fn read_or_draw(dir: &Path, port_base: u16) -> anyhow::Result<Self> {
        let path = dir.join(NAME);
        let mut record = match std::fs::read(&path) {
            Ok(text) => serde_json::from_slice(&text).with_context(|| {
                format!(
                    "{} is not a record of this demo: move it away, or choose another --data-dir",
                    path.display()
                )
            })?,
            Err(error) if error.kind() == ErrorKind::NotFound => Self::draw(),
            Err(error) => return Err(error).with_context(|| format!("cannot read {}", path.display())),
        };
        let ports = settings::Ports::from(port_base);
        let url = |port: u16| format!("http://localhost:{port}");
        record.web = url(ports.web);
        record.gateway = url(ports.gateway);
        record.gateway_inside = url(ports.gateway_inside);
        record.issuer = url(ports.idp);
        record.admin = url(ports.inside);
        Ok(record)
    }

    fn draw() -> Self {
        let client = |id: &str, client_secret| Client { client_id: id.to_owned(), client_secret };
        Self {
            web: String::new(),
            gateway: String::new(),
            gateway_inside: String::new(),
            issuer: String::new(),
            admin: String::new(),
            users: Users { alice: User::draw(), admin: User::draw() },
            clients: Clients { mobile_app: client("mobile-app", None), till: client("till", Some(secret())) },
            is_new: true,
        }
    }

    /// Writes the file whole or not at all, and says where it is.
    pub(super) fn write(&self, dir: &Path) -> anyhow::Result<PathBuf> {
        let path = dir.join(NAME);
        let draft = dir.join(format!("{NAME}.new"));
        let write = || -> std::io::Result<()> {
            let mut file =
                OpenOptions::new().create(true).write(true).truncate(true).mode(0o600).open(&draft)?;
            // The file may have been there with other rights.
            file.set_permissions(Permissions::from_mode(0o600))?;
            file.write_all(&serde_json::to_vec_pretty(self)?)?;
            file.write_all(b"\n")?;
            file.sync_all()?;
            std::fs::rename(&draft, &path)
        };
        write().with_context(|| format!("cannot write {}", path.display()))?;
        Ok(path)
    }
}

fn secret() -> String {
    ClientSecret::from_random(&random(&SystemEntropy)).expose().to_owned()
}

#[cfg(test)]
mod tests;
