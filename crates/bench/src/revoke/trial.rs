//! One revocation: a visitor whom all nodes know is ended at one of them, and all are asked until they have refused.

use std::time::Duration;

use super::cluster::Cluster;
use super::probe::Probe;
use crate::fault::Fault;
use crate::stopwatch::Stopwatch;

/// What was measured over one store.
#[derive(Default)]
pub(super) struct Times {
    /// A visitor's log-out at the first proxy: at the other one, and at the gateways.
    pub(super) log_outs: Vec<Trial>,
    /// An administrator's disabling of a user, at the log-in: at every node.
    pub(super) disabled: Vec<Trial>,
}

/// One revocation.
#[derive(Clone, Copy, Debug)]
pub(super) struct Trial {
    /// The slowest proxy.
    pub(super) proxies: Duration,
    /// The slowest gateway.
    pub(super) gateways: Duration,
}

impl Trial {
    /// When it was true everywhere.
    pub(super) fn everywhere(&self) -> Duration {
        self.proxies.max(self.gateways)
    }
}

/// Every other revocation is a log-out, the rest is of a user.
pub(super) fn run(cluster: &Cluster, number: usize, times: &mut Times) -> Result<(), Fault> {
    let mut visitor = cluster.log_on(number)?;
    let probes = cluster.probes(&visitor);
    // Twice: once to read it, once to see that the copy serves.
    for probe in probes.iter().chain(&probes) {
        probe.is_served()?;
    }
    if number.is_multiple_of(2) {
        cluster.log_out(&mut visitor)?;
        times.log_outs.push(watch(&probes)?);
    } else {
        cluster.order("disable")?;
        times.disabled.push(watch(&probes)?);
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
