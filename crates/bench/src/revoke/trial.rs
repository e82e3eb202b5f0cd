//! One revocation: a visitor whom all nodes know is ended at one of them, and all are asked until they have refused.

use std::collections::BTreeMap;
use std::time::Duration;

use super::cluster::Cluster;
use super::probe::Probe;
use crate::fault::Fault;
use crate::stopwatch::Stopwatch;

/// Why a visitor is out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Cause {
    /// The visitor has logged out at the first proxy.
    LogOut,
    /// The visitor has logged out there of all browsers.
    Everywhere,
    /// The user has chosen another password at the log-in.
    Password,
    /// An administrator has disabled the user.
    Disabled,
    /// An administrator has ended all that the user has.
    Administrator,
    /// The user has logged on in more browsers than one may have, and this was the oldest.
    Cap,
}

/// What was measured over one store.
pub(super) type Times = BTreeMap<Cause, Vec<Trial>>;

/// One revocation.
#[derive(Clone, Copy, Debug)]
pub(super) struct Trial {
    /// The slowest proxy.
    pub(super) proxies: Duration,
    /// The slowest gateway.
    pub(super) gateways: Duration,
}

impl Cause {
    pub(super) const ALL: [Self; 6] =
        [Self::LogOut, Self::Everywhere, Self::Password, Self::Disabled, Self::Administrator, Self::Cap];

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::LogOut => "log-out",
            Self::Everywhere => "log-out everywhere",
            Self::Password => "password changed",
            Self::Disabled => "user disabled",
            Self::Administrator => "ended by an administrator",
            Self::Cap => "too many browsers",
        }
    }
}

impl Trial {
    /// When it was true everywhere.
    pub(super) fn everywhere(&self) -> Duration {
        self.proxies.max(self.gateways)
    }
}

/// The causes take turns.
pub(super) fn run(cluster: &mut Cluster, number: usize, times: &mut Times) -> Result<(), Fault> {
    let cause = Cause::ALL[number % Cause::ALL.len()];
    let mut visitor = cluster.log_on()?;
    let probes = cluster.probes(&visitor);
    // Twice: once to read it, once to see that the copy serves.
    for probe in probes.iter().chain(&probes) {
        probe.is_served()?;
    }
    match cause {
        Cause::LogOut => cluster.log_out(&mut visitor, "this")?,
        Cause::Everywhere => cluster.log_out(&mut visitor, "everywhere")?,
        Cause::Password => cluster.change_password(&mut visitor)?,
        Cause::Disabled => cluster.order("disable")?,
        Cause::Administrator => cluster.order("revoke")?,
        Cause::Cap => cluster.log_on_elsewhere()?,
    }
    let trial = watch(&probes)?;
    times.entry(cause).or_default().push(trial);
    if cause == Cause::Disabled {
        cluster.order("enable")?;
    }
    Ok(())
}

/// Asks all nodes at once, from the acknowledgement on, which is now.
fn watch(probes: &[Probe; 4]) -> Result<Trial, Fault> {
    let acknowledged = Stopwatch::start();
    let times = std::thread::scope(|scope| {
        let asking = probes.each_ref().map(|probe| scope.spawn(move || probe.until_refused(acknowledged)));
        asking.map(|asked| asked.join().unwrap_or_else(|_| Err(Fault::Step("a probe", "died".to_owned()))))
    });
    let [proxy_a, proxy_b, gateway_a, gateway_b] = times;
    Ok(Trial { proxies: proxy_a?.max(proxy_b?), gateways: gateway_a?.max(gateway_b?) })
}
