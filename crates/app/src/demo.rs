//! `vestibule demo`: the sample shop behind the proxy, on this machine only, with nothing to set up. Apps and platform run
//! in one process, but speak to each other over sockets like anywhere else.

mod apps;
mod record;
mod settings;
mod verify;

use std::io::Write as _;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::Path;

use anyhow::Context as _;
use vestibule_idp::Idp;
use vestibule_oauth::scope::ScopeSet;
use vestibule_ports::authority::{Authority, NewUser, Password, Profile};

use crate::lifecycle::Signals;
use crate::platform::Nature;
use crate::serve;

use apps::{Apps, LateCheck};
use record::Record;

/// The log-in name of the sample visitor.
const VISITOR: &str = "alice";
/// The log-in name of the sample administrator.
const ADMINISTRATOR: &str = "admin";
/// Who the audit says has made the sample users.
const BY: &str = "demo";

/// Serves the demo until the process is told to end.
pub fn run(data_dir: &Path, port_base: u16) -> anyhow::Result<()> {
    let signals = Signals::listen()?;
    std::fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(data_dir)
        .with_context(|| format!("cannot make the data directory {}", data_dir.display()))?;
    let record = Record::read_or_draw(data_dir, port_base)?;
    let check = LateCheck::default();
    let apps = Apps::start(&record.gateway_inside, check.verify())?;
    let config = settings::config(data_dir, port_base, &apps, &record)?;
    let audience = config.idp.as_ref().map(|idp| idp.service_audience.clone()).unwrap_or_default();
    let running = serve::prepare(config, Nature::of_machine()).with_context(|| {
        let ports = settings::Ports::from(port_base).all().map(|port| port.to_string()).join(", ");
        format!("the demo could not start; it needs the ports {ports}, and --port-base N takes others")
    })?;
    if let Some(idp) = running.idp() {
        let people = [
            (VISITOR, "Alice Larsen", &record.users.alice),
            (ADMINISTRATOR, "Ada Minster", &record.users.admin),
        ];
        for (login, name, user) in people {
            running.wait(ensure_user(idp, login, name, user, record.is_new))?;
        }
    }
    check.put(running.wait(verify::with_keys_of(&record.issuer, &audience))?);
    let path = record.write(data_dir)?;
    running.want_traffic();
    let out = &mut std::io::stdout();
    writeln!(out, "The shop is open:   {}", record.web)?;
    writeln!(out, "Log in as:          {VISITOR}, password {}", record.users.alice.password)?;
    writeln!(
        out,
        "Health, metrics:    http://localhost:{}/readyz, /metrics (and the admin API)",
        settings::Ports::from(port_base).inside
    )?;
    writeln!(out, "All addresses:      {}", path.display())?;
    writeln!(out, "Access lines:       {}", data_dir.join("access.log").display())?;
    writeln!(out, "Ctrl-C ends it.")?;
    signals.wait_and_drain(running);
    apps.stop();
    Ok(())
}

/// A sample user, with the password that the record has. One of a run before, whose record is gone, gets it too.
async fn ensure_user(
    idp: &Idp,
    login: &str,
    name: &str,
    record::User { password }: &record::User,
    is_new: bool,
) -> anyhow::Result<()> {
    match idp.find_user(login).await? {
        Some(there) if is_new => {
            let set = idp.set_password(&there.id, Password::new(password), BY).await;
            return set.with_context(|| format!("the sample user {login} cannot be given the new password"));
        }
        Some(_) => return Ok(()),
        None => {}
    }
    let user = NewUser {
        login: login.to_owned(),
        password: Password::new(password),
        profile: Profile {
            name: Some(name.to_owned()),
            email: Some(format!("{login}@shop.example")),
            ..Profile::default()
        },
        scopes: ScopeSet::default(),
    };
    let made = idp.create_user(user, BY).await;
    made.with_context(|| format!("the sample user {login} cannot be made"))?;
    Ok(())
}

#[cfg(test)]
mod tests;
