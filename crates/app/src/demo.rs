//! `vestibule demo`: the sample shop behind the proxy, on this machine only, with nothing to set up. Apps and proxy run in
//! one process, but speak to each other over sockets like anywhere else.

mod record;

use std::io::Write as _;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::Path;
use std::time::Duration;

use anyhow::Context as _;
use tokio::sync::oneshot;
use vestibule_demo::shop;

use crate::config::{AccessLog, Config, DrainConfig, FaceName, ListenerConfig};
use crate::lifecycle::Signals;
use crate::serve;

use record::Record;

/// Context roots of the shop, each a route of its own.
const CONTEXT_ROOTS: [&str; 7] = ["/", "/shop", "/basket", "/account", "/orders", "/legacy", "/whoami"];
/// Health and metrics listen this far above the shop.
const METRICS_OFFSET: u16 = 19;

/// Serves the demo until the process is told to end.
pub fn run(data_dir: &Path, port_base: u16) -> anyhow::Result<()> {
    let signals = Signals::listen()?;
    std::fs::create_dir_all(data_dir)
        .with_context(|| format!("cannot make the data directory {}", data_dir.display()))?;
    let apps = Apps::start()?;
    let config = config(data_dir, port_base, apps.shop)?;
    let running = serve::start(config).with_context(|| {
        format!(
            "the demo needs the ports {port_base} and {}: --port-base N takes others",
            port_base + METRICS_OFFSET
        )
    })?;
    let record = Record { web: format!("http://localhost:{port_base}") };
    let path = record.write(data_dir)?;
    writeln!(
        std::io::stdout(),
        "The shop is open:  {}\nHealth, metrics:   http://localhost:{}/readyz, /metrics\nAddresses are in   {}\n\
         Access lines go to {}\nCtrl-C ends it.",
        record.web,
        port_base + METRICS_OFFSET,
        path.display(),
        data_dir.join("access.log").display(),
    )?;
    signals.wait_and_drain(running);
    apps.stop();
    Ok(())
}

fn config(data_dir: &Path, port_base: u16, shop: SocketAddr) -> anyhow::Result<Config> {
    let routes: String = CONTEXT_ROOTS
        .iter()
        .map(|root| format!("[[route]]\nhost = \"localhost\"\npath = \"{root}\"\napp = \"http://{shop}\"\n"))
        .collect();
    let site = format!("[[site]]\norigin = \"http://localhost:{port_base}\"\naliases = [\"127.0.0.1\"]\n");
    let mut config = Config::parse(&format!("{site}{routes}"), "the demo's configuration")?;
    let local = |port, face| ListenerConfig { bind: (Ipv4Addr::LOCALHOST, port).into(), serves: vec![face] };
    config.listeners =
        vec![local(port_base, FaceName::Proxy), local(port_base + METRICS_OFFSET, FaceName::Metrics)];
    config.log.access = AccessLog::File(data_dir.join("access.log"));
    config.drain = DrainConfig { delay_ms: 0, limit_ms: 1_000 };
    Ok(config)
}

/// The sample apps, on a runtime of their own.
struct Apps {
    shop: SocketAddr,
    runtime: tokio::runtime::Runtime,
    stop: oneshot::Sender<()>,
}

impl Apps {
    fn start() -> anyhow::Result<Self> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .thread_name("demo-apps")
            .enable_all()
            .build()
            .context("the demo's apps cannot be started")?;
        let listener =
            TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("no free port for the demo's apps")?;
        let shop = listener.local_addr()?;
        let (stop, stopped) = oneshot::channel::<()>();
        let router = shop::Shop::router(shop::Settings::default());
        runtime.spawn(vestibule_demo::serve(listener, router, async {
            // Sent or dropped: both mean stop.
            let _ = stopped.await;
        }));
        Ok(Self { shop, runtime, stop })
    }

    fn stop(self) {
        // Fails only when the apps have ended already.
        let _ = self.stop.send(());
        self.runtime.shutdown_timeout(Duration::from_secs(1));
    }
}
