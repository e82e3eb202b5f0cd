//! The commands that go through the admin API of a running process: users, keys, what happened, and why somebody was
//! logged out. They speak plain HTTP on this machine alone, with the token that only its owner can read.
//! Must not know how an order is carried out.

mod audit;
mod connection;
mod key;
mod password;
mod table;
mod user;

use std::io::Write as _;
use std::path::PathBuf;

use clap::{Args, Subcommand};

pub(crate) use audit::AuditCommand;
pub(crate) use connection::Connection;
pub(crate) use key::KeyCommand;
pub(crate) use user::UserCommand;

/// The commands.
#[derive(Debug, Subcommand)]
pub(crate) enum AdminCommand {
    /// Create users, change what apps are told of them, keep them out, end what they have.
    User {
        #[command(flatten)]
        whereabouts: Whereabouts,
        #[command(subcommand)]
        command: UserCommand,
    },
    /// See, renew and end the keys that sign tokens.
    Key {
        #[command(flatten)]
        whereabouts: Whereabouts,
        #[command(subcommand)]
        command: KeyCommand,
    },
    /// Ask what happened and why.
    Audit {
        #[command(flatten)]
        whereabouts: Whereabouts,
        #[command(subcommand)]
        command: AuditCommand,
    },
}

/// How the running process is found.
#[derive(Clone, Debug, Args)]
pub(crate) struct Whereabouts {
    /// The data directory of a running demo.
    #[arg(
        long,
        global = true,
        value_name = "DIR",
        default_value = "vestibule-demo",
        conflicts_with = "config"
    )]
    pub(crate) data_dir: PathBuf,
    /// The configuration of a running server.
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
}

impl AdminCommand {
    /// Where to look for the process.
    pub(crate) fn whereabouts(&self) -> &Whereabouts {
        match self {
            Self::User { whereabouts, .. }
            | Self::Key { whereabouts, .. }
            | Self::Audit { whereabouts, .. } => whereabouts,
        }
    }
}

/// Carries a command out and says what came of it.
pub(crate) fn run(command: AdminCommand, connection: &Connection) -> anyhow::Result<()> {
    let said = match command {
        AdminCommand::User { command, .. } => user::carry_out(command, connection)?,
        AdminCommand::Key { command, .. } => key::carry_out(&command, connection)?,
        AdminCommand::Audit { command, .. } => audit::carry_out(&command, connection)?,
    };
    std::io::stdout().write_all(said.as_bytes())?;
    Ok(())
}

#[cfg(test)]
mod scripted;
#[cfg(test)]
mod tests;
