//! The commands. Exit codes: 0 fine, 1 failed, 2 wrong usage or configuration.

use std::io::Write as _;
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::bail;
use clap::{Parser, Subcommand};

use crate::admin_client::{self, AdminCommand, Connection};
use crate::config::{BadConfig, Config, FaceName};
use crate::serve::Asked;
use crate::{admin_token, demo, lifecycle, reference, serve};

/// The edge and identity layer: browsers come in by the front door, web apps learn who is there.
#[derive(Parser)]
#[command(name = "vestibule", version, arg_required_else_help = true)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Serve a sample shop behind the proxy, on this machine only.
    Demo {
        /// Where addresses and generated secrets are kept.
        #[arg(long, value_name = "DIR", default_value = "vestibule-demo")]
        data_dir: PathBuf,
        /// The shop's port; the others follow from it (health and metrics: plus 19).
        #[arg(long, value_name = "N", default_value_t = 8080, value_parser = clap::value_parser!(u16).range(1..=65_000))]
        port_base: u16,
    },
    /// Serve what a configuration file says.
    Serve {
        /// The configuration, TOML.
        #[arg(long, value_name = "FILE")]
        config: PathBuf,
    },
    /// Work on configuration files.
    #[command(subcommand)]
    Config(ConfigCommand),
    #[command(flatten)]
    Admin(AdminCommand),
}

#[derive(Subcommand)]
enum ConfigCommand {
    /// Say everything that is wrong with a file, or that it is fine. The databases that it names are asked whether a
    /// process could start, and what they may lose; nothing is written to them.
    Check {
        /// The configuration, TOML.
        #[arg(long, value_name = "FILE")]
        config: PathBuf,
    },
    /// Print a file as a process would read it: with what the environment sets, and without passwords.
    Print {
        /// The configuration, TOML.
        #[arg(long, value_name = "FILE")]
        config: PathBuf,
    },
    /// Print what every key is, as a JSON Schema.
    Schema,
    /// Print the same as a page in Markdown.
    Reference,
}

/// Runs the command that the process was started with.
pub fn run() -> ExitCode {
    let done = match Arguments::parse().command {
        Command::Demo { data_dir, port_base } => demo::run(&data_dir, port_base),
        Command::Serve { config } => serve_file(&config),
        Command::Config(command) => configure(command),
        Command::Admin(command) => administer(command),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Nothing is left to be done when even this cannot be written.
            let _ = writeln!(std::io::stderr(), "vestibule: {error:#}");
            ExitCode::from(if error.is::<BadConfig>() { 2 } else { 1 })
        }
    }
}

fn serve_file(path: &Path) -> anyhow::Result<()> {
    let config = Config::read(path)?;
    let signals = lifecycle::Signals::listen()?;
    let running = serve::start(config)?;
    signals.wait_and_drain(running);
    Ok(())
}

/// Finds the running process, and asks it.
fn administer(command: AdminCommand) -> anyhow::Result<()> {
    let connection = match &command.whereabouts().config {
        None => Connection::from_data_dir(&command.whereabouts().data_dir)?,
        Some(path) => {
            let config = Config::read(path)?;
            let listener =
                config.listeners.iter().find(|listener| listener.serves.contains(&FaceName::Admin));
            let (Some(listener), Some(data_dir)) = (listener, &config.data_dir) else {
                bail!("{}: no listener serves admin, or there is no data_dir", path.display());
            };
            let mut address = listener.bind;
            if address.ip().is_unspecified() {
                // Every address of this machine, so this one too.
                address.set_ip(Ipv4Addr::LOCALHOST.into());
            }
            Connection::new(&format!("http://{address}"), &data_dir.join(admin_token::NAME))?
        }
    };
    admin_client::run(command, &connection)
}

fn configure(command: ConfigCommand) -> anyhow::Result<()> {
    let text = match command {
        ConfigCommand::Check { config } => return check(&config),
        ConfigCommand::Print { config } => Config::print(&config)?,
        ConfigCommand::Schema => serde_json::to_string_pretty(&reference::schema())? + "\n",
        ConfigCommand::Reference => reference::page(),
    };
    Ok(std::io::stdout().write_all(text.as_bytes())?)
}

fn check(path: &Path) -> anyhow::Result<()> {
    let config = Config::read(path)?;
    serve::check(&config)?;
    let Asked { warnings, refusals, notes } = serve::ask(&config)?;
    for note in notes {
        writeln!(std::io::stdout(), "{}: {note}", path.display())?;
    }
    for warning in warnings {
        writeln!(std::io::stderr(), "{}: warning: {warning}", path.display())?;
    }
    if !refusals.is_empty() {
        bail!("{}: a process would not start now: {}", path.display(), refusals.join("\n"));
    }
    writeln!(std::io::stdout(), "{}: fine", path.display())?;
    Ok(())
}
