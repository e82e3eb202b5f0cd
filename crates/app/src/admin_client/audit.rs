//! `vestibule audit`: what happened to a session, with the answer to "why was I logged out?" in the first line.

use anyhow::Context as _;
use clap::Subcommand;
use vestibule_admin::session_audit::SessionAudit;
use vestibule_domain::identity::Handle;
use vestibule_domain::standing::Standing;

use super::connection::Connection;
use super::table::aligned;

/// What can be asked.
#[derive(Debug, Subcommand)]
pub(crate) enum AuditCommand {
    /// Say what happened to a session, and why its visitor was logged out.
    Session {
        /// The session's handle: an app gets it as x-context-session, the access log has it too.
        #[arg(allow_hyphen_values = true)]
        handle: Handle,
    },
}

pub(super) fn carry_out(command: &AuditCommand, connection: &Connection) -> anyhow::Result<String> {
    let AuditCommand::Session { handle } = command;
    let name = handle.to_string();
    let audit: SessionAudit =
        connection.get(&["sessions", &name, "audit"], &[]).with_context(|| format!("session {name}"))?;
    Ok(told(&audit))
}

fn told(audit: &SessionAudit) -> String {
    let events = audit.events.iter().map(|event| [event.at.to_string(), event.what.clone()]);
    let header = ["WHEN", "WHAT"].map(str::to_owned);
    let events: Vec<_> = std::iter::once(header).chain(events).collect();
    format!("{}\n\n{}\n{}", reason(audit), aligned(&facts(audit)), aligned(&events))
}

/// The first line.
fn reason(audit: &SessionAudit) -> String {
    match (&audit.logged_out, &audit.log_on, &audit.user) {
        (Some(end), _, Some(user)) => format!("User {user} was logged out at {}. {}", end.at, end.why),
        (Some(end), ..) => format!("The session ended at {}, with nobody logged on. {}", end.at, end.why),
        (None, Some(log_on), Some(user)) => {
            let (since, until) = (log_on.authenticated_at, log_on.ends_at);
            format!("User {user} is logged on since {since}, at most until {until}.")
        }
        _ => "Nobody was logged out: no log-on of this session is known.".to_owned(),
    }
}

fn facts(audit: &SessionAudit) -> Vec<[String; 2]> {
    let user = match (audit.standing, &audit.log_on) {
        (Standing::Anonymous, _) => "last user",
        (_, None) => "remembered user",
        (_, Some(_)) => "user",
    };
    [
        ("session", Some(audit.handle.to_string())),
        ("standing", Some(audit.standing.to_string())),
        ("site", audit.site.as_ref().map(ToString::to_string)),
        (user, audit.user.as_ref().map(ToString::to_string)),
        ("level", audit.log_on.as_ref().map(|log_on| log_on.level.to_string())),
        ("last seen", audit.last_seen.map(|at| at.to_string())),
        ("kept until", Some(audit.kept_until.to_string())),
    ]
    .into_iter()
    .filter_map(|(label, value)| Some([label.to_owned(), value?]))
    .collect()
}

#[cfg(test)]
mod tests;
