//! The sample apps, on a runtime of their own.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::time::Duration;

use anyhow::Context as _;
use tokio::sync::oneshot;
use vestibule_demo::shop;

/// How long running requests of the apps may take when the demo ends.
const SHUTDOWN_MAX: Duration = Duration::from_secs(1);

/// The apps, serving.
pub(super) struct Apps {
    pub(super) shop: SocketAddr,
    runtime: tokio::runtime::Runtime,
    stop: oneshot::Sender<()>,
}

impl Apps {
    pub(super) fn start() -> anyhow::Result<Self> {
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

    pub(super) fn stop(self) {
        // Fails only when the apps have ended already.
        let _ = self.stop.send(());
        self.runtime.shutdown_timeout(SHUTDOWN_MAX);
    }
}
