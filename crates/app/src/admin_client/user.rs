//! `vestibule user`: users by the name they log in with.

use std::path::PathBuf;

use anyhow::Context as _;
use clap::Subcommand;
use vestibule_admin::profile::NewProfile;
use vestibule_admin::user::NewPassword;
use vestibule_admin::users::{CreatedUser, NewUser, User, UserPage};

use super::connection::Connection;
use super::password;
use super::table::{aligned, harmless};

/// Most users that one command lists.
const LISTED_MAX: usize = 10_000;

/// What can be done about users.
#[derive(Debug, Subcommand)]
pub(crate) enum UserCommand {
    /// Create a user who can log in at once. The password is read from a file or from the standard input.
    Add {
        /// The name to log in with.
        login: String,
        /// The full name, for apps to show.
        #[arg(long)]
        name: Option<String>,
        /// The mail address.
        #[arg(long, value_name = "ADDRESS")]
        email: Option<String>,
        /// The language, such as de-AT.
        #[arg(long, value_name = "TAG")]
        locale: Option<String>,
        /// What the user is, for apps to decide by. Several times for several.
        #[arg(long = "role", value_name = "ROLE")]
        roles: Vec<String>,
        /// Where the password stands, in one line.
        #[arg(long, value_name = "FILE")]
        password_file: Option<PathBuf>,
    },
    /// List all users.
    List,
    /// Change what apps are told of a user. What is not named stays; an empty text removes it. Nobody is logged out.
    #[command(group = clap::ArgGroup::new("change").required(true).multiple(true))]
    Set {
        /// The name to log in with.
        login: String,
        /// The full name.
        #[arg(long, group = "change")]
        name: Option<String>,
        /// The mail address.
        #[arg(long, value_name = "ADDRESS", group = "change")]
        email: Option<String>,
        /// The language, such as de-AT.
        #[arg(long, value_name = "TAG", group = "change")]
        locale: Option<String>,
        /// A role that the user is to have. Several times for several; the user has no others then.
        #[arg(long = "role", value_name = "ROLE", group = "change")]
        roles: Vec<String>,
        /// Take all roles away.
        #[arg(long, group = "change", conflicts_with = "roles")]
        no_roles: bool,
    },
    /// Keep a user out and end everything the user has.
    Disable {
        /// The name to log in with.
        login: String,
    },
    /// Let a user in again.
    Enable {
        /// The name to log in with.
        login: String,
    },
    /// Set a user's password and end everything the user has.
    Password {
        /// The name to log in with.
        login: String,
        /// Where the password stands, in one line.
        #[arg(long, value_name = "FILE")]
        password_file: Option<PathBuf>,
    },
    /// End everything a user has, on all sites; one who is not disabled may log in again.
    Revoke {
        /// The name to log in with.
        login: String,
    },
}

pub(super) fn carry_out(command: UserCommand, connection: &Connection) -> anyhow::Result<String> {
    Ok(match command {
        UserCommand::Add { login, name, email, locale, roles, password_file } => {
            let password = password::read(password_file.as_deref())?;
            let new = NewUser { login, password, name, locale, email, roles, scope: None };
            let created: CreatedUser =
                connection.create(&["users"], &new).with_context(|| about(&new.login))?;
            format!(
                "User {} was created. Apps and services know the user as {}.\n",
                harmless(&new.login),
                created.id
            )
        }
        UserCommand::List => list(connection)?,
        UserCommand::Set { login, name, email, locale, roles, no_roles } => {
            let user = find(connection, &login)?;
            let roles = (no_roles || !roles.is_empty()).then_some(roles);
            let change = NewProfile { name, locale, email, roles };
            let path = ["users", user.id.as_str(), "profile"];
            connection.order_with(&path, &change).with_context(|| about(&login))?;
            format!("User {} is changed; apps are told with the next request.\n", harmless(&login))
        }
        UserCommand::Disable { login } => {
            order(connection, &login, "disable")?;
            format!("User {} is kept out, and everything the user had has ended.\n", harmless(&login))
        }
        UserCommand::Enable { login } => {
            order(connection, &login, "enable")?;
            format!("User {} may log in again.\n", harmless(&login))
        }
        UserCommand::Password { login, password_file } => {
            let user = find(connection, &login)?;
            let new = NewPassword { password: password::read(password_file.as_deref())? };
            let path = ["users", user.id.as_str(), "password"];
            connection.order_with(&path, &new).with_context(|| about(&login))?;
            format!("User {} has a new password, and everything the user had has ended.\n", harmless(&login))
        }
        UserCommand::Revoke { login } => {
            let user = order(connection, &login, "revoke")?;
            let login = harmless(&login);
            let next = if user.disabled {
                format!("The user is kept out, until `vestibule user enable {login}`.")
            } else {
                "The user may log in again.".to_owned()
            };
            format!("Everything that user {login} had has ended. {next}\n")
        }
    })
}

/// Has an order about a user carried out, and gives the user as he was before.
fn order(connection: &Connection, login: &str, order: &str) -> anyhow::Result<User> {
    let user = find(connection, login)?;
    connection.order(&["users", user.id.as_str(), order]).with_context(|| about(login))?;
    Ok(user)
}

pub(super) fn find(connection: &Connection, login: &str) -> anyhow::Result<User> {
    connection.get(&["users", "by-login", login], &[]).with_context(|| about(login))
}

pub(super) fn about(login: &str) -> String {
    format!("user {}", harmless(login))
}

fn list(connection: &Connection) -> anyhow::Result<String> {
    let mut users = Vec::new();
    let mut page: UserPage = connection.get(&["users"], &[])?;
    loop {
        users.append(&mut page.users);
        let Some(after) = page.next else { return Ok(listed(&users, false)) };
        if users.len() >= LISTED_MAX {
            return Ok(listed(&users, true));
        }
        page = connection.get(&["users"], &[("after", after.as_str())])?;
    }
}

fn listed(users: &[User], there_are_more: bool) -> String {
    let header = ["LOGIN", "ACCOUNT", "CREATED", "IDENTIFIER", "NAME", "MAIL", "LOCALE", "ROLES"];
    let mut rows = vec![header.map(str::to_owned)];
    rows.extend(users.iter().map(|user| {
        let text = |value: &Option<String>| value.clone().unwrap_or_else(|| "-".to_owned());
        [
            user.login.clone(),
            if user.disabled { "disabled" } else { "active" }.to_owned(),
            user.created_at.to_string(),
            user.id.to_string(),
            text(&user.name),
            text(&user.email),
            text(&user.locale),
            if user.roles.is_empty() { "-".to_owned() } else { user.roles.join(", ") },
        ]
    }));
    let more = if there_are_more { "There are more users; the list ends here.\n" } else { "" };
    format!("{}{more}", aligned(&rows))
}

#[cfg(test)]
mod tests;
