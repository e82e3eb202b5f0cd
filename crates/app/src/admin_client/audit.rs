//! `vestibule audit`: what happened to a session, with the answer to "why was I logged out?" in the first line; and what
//! was done to a user and by him, newest first.

use anyhow::Context as _;
use clap::Subcommand;
use vestibule_admin::session_audit::SessionAudit;
use vestibule_admin::trail::{TrailPage, TrailRecord};
use vestibule_domain::identity::Handle;
use vestibule_domain::standing::Standing;

use super::connection::Connection;
use super::table::aligned;
use super::user;

/// What can be asked.
#[derive(Debug, Subcommand)]
pub(crate) enum AuditCommand {
    /// Say what happened to a session, and why its visitor was logged out.
    Session {
        /// The session's handle: an app gets it as x-context-session, the access log has it too.
        #[arg(allow_hyphen_values = true, value_parser = handle)]
        handle: Handle,
    },
    /// Say what was done to a user and by the user, the newest first.
    User {
        /// The name to log in with.
        login: String,
        /// How many records at most.
        #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u16).range(1..=LISTED_MAX))]
        last: u16,
    },
}

/// Most records that one command lists.
const LISTED_MAX: i64 = 10_000;

pub(super) fn carry_out(command: &AuditCommand, connection: &Connection) -> anyhow::Result<String> {
    match command {
        AuditCommand::Session { handle } => session(*handle, connection),
        AuditCommand::User { login, last } => trail(login, usize::from(*last), connection),
    }
}

/// Reads a handle, or says what one looks like and where it stands.
fn handle(text: &str) -> Result<Handle, &'static str> {
    text.parse().map_err(|_| {
        "a session's handle has 22 letters, digits, '-' and '_'; the access log has it as \"session\", and an app gets it \
         as x-context-session"
    })
}

fn session(handle: Handle, connection: &Connection) -> anyhow::Result<String> {
    let name = handle.to_string();
    let audit: SessionAudit =
        connection.get(&["sessions", &name, "audit"], &[]).with_context(|| format!("session {name}"))?;
    Ok(told(&audit))
}

/// Page by page, until there are as many as were asked for.
fn trail(login: &str, last: usize, connection: &Connection) -> anyhow::Result<String> {
    let user = user::find(connection, login)?;
    let path = ["users", user.id.as_str(), "audit"];
    let mut records = Vec::new();
    let mut page: TrailPage = connection.get(&path, &[]).with_context(|| user::about(login))?;
    loop {
        records.append(&mut page.records);
        match page.next {
            Some(before) if records.len() < last => {
                let before = before.to_string();
                page = connection.get(&path, &[("before", &before)]).with_context(|| user::about(login))?;
            }
            next => {
                let there_are_more = next.is_some() || records.len() > last;
                records.truncate(last);
                return Ok(listed(&records, there_are_more));
            }
        }
    }
}

fn listed(records: &[TrailRecord], there_are_more: bool) -> String {
    let mut rows = vec![["WHEN", "BY", "FROM", "WHAT", "ABOUT"].map(str::to_owned)];
    rows.extend(records.iter().map(|record| {
        let session = record.session.map(|handle| handle.to_string());
        let about = [&record.client, &session, &record.note].map(Clone::clone);
        let about = about.into_iter().flatten().collect::<Vec<_>>().join(", ");
        [
            record.at.to_string(),
            record.by.clone(),
            record.from.map_or_else(|| "-".to_owned(), |from| from.to_string()),
            record.what.clone(),
            about,
        ]
    }));
    let more = if there_are_more { "There are older records; --last N shows more.\n" } else { "" };
    format!("{}{more}", aligned(&rows))
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
