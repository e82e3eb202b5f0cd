//! `vestibule key`: the signing keys, which of them sign, and until when what no longer does is believed.

use anyhow::Context as _;
use clap::Subcommand;
use vestibule_admin::keys::{EndedKey, SigningKey, SigningKeys};
use vestibule_ports::authority::KeyPurpose;

use super::connection::Connection;
use super::table::{aligned, harmless};

/// What can be done about signing keys.
#[derive(Debug, Subcommand)]
pub(crate) enum KeyCommand {
    /// List all signing keys.
    List,
    /// Make a new signing key, which signs at once. The one before it is verified with until its last token has ended.
    Rotate {
        /// What it signs: services, jpt or oidc.
        purpose: KeyPurpose,
    },
    /// End a signing key that others may have, with everything that it has signed. If it was the one that signs, a new one does.
    End {
        /// Its name, as the list and tokens have it.
        #[arg(allow_hyphen_values = true)]
        kid: String,
    },
}

pub(super) fn carry_out(command: &KeyCommand, connection: &Connection) -> anyhow::Result<String> {
    Ok(match command {
        KeyCommand::List => {
            let SigningKeys { keys } = connection.get(&["keys"], &[])?;
            listed(&keys)
        }
        KeyCommand::Rotate { purpose } => {
            let key: SigningKey = connection.answered(&["keys", purpose.as_str(), "rotate"])?;
            format!("Signing key {} signs for {} from now on.\n", harmless(&key.kid), purpose.as_str())
        }
        KeyCommand::End { kid } => {
            let about = || format!("signing key {}", harmless(kid));
            let ended: EndedKey = connection.answered(&["keys", kid, "end"]).with_context(about)?;
            let next = ended.successor.map(|kid| format!(" Signing key {} signs now.", harmless(&kid)));
            let next = next.unwrap_or_default();
            format!("Signing key {} has ended, with everything that it had signed.{next}\n", harmless(kid))
        }
    })
}

fn listed(keys: &[SigningKey]) -> String {
    let mut rows = vec![["KEY", "FOR", "ALGORITHM", "MADE", "STATE"].map(str::to_owned)];
    rows.extend(keys.iter().map(|key| {
        let state =
            key.retires_at.map_or_else(|| "signs".to_owned(), |at| format!("verified with until {at}"));
        [
            key.kid.clone(),
            key.purpose.as_str().to_owned(),
            key.algorithm.clone(),
            key.created_at.to_string(),
            state,
        ]
    }));
    aligned(&rows)
}

#[cfg(test)]
mod tests;
