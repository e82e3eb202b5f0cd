//! The sample apps and services, on a runtime of their own.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use tokio::sync::watch;
use vestibule_demo::{services, shop};

/// How long running requests of the apps may take when the demo ends.
const SHUTDOWN_MAX: Duration = Duration::from_secs(1);

/// The apps, serving.
pub(super) struct Apps {
    pub(super) shop: SocketAddr,
    pub(super) services: SocketAddr,
    runtime: tokio::runtime::Runtime,
    stop: watch::Sender<bool>,
}

impl Apps {
    /// Starts shop and services; the shop calls the services through the gateway at this address.
    pub(super) fn start(gateway: &str, verify: services::Verify) -> anyhow::Result<Self> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .thread_name("demo-apps")
            .enable_all()
            .build()
            .context("the demo's apps cannot be started")?;
        let (stop, stopped) = watch::channel(false);
        let gateway = gateway.parse().context("the gateway's address is no URL")?;
        let shop = shop::Shop::router(shop::Settings { gateway: Some(gateway) });
        let services = services::router(services::Settings { verify: Some(verify) });
        let serve = |router| -> anyhow::Result<SocketAddr> {
            let listener =
                TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("no free port for the demo's apps")?;
            let address = listener.local_addr()?;
            let mut stopped = stopped.clone();
            runtime.spawn(vestibule_demo::serve(listener, router, async move {
                // Sent or dropped: both mean stop.
                let _ = stopped.wait_for(|stop| *stop).await;
            }));
            Ok(address)
        };
        Ok(Self { shop: serve(shop)?, services: serve(services)?, runtime, stop })
    }

    pub(super) fn stop(self) {
        self.stop.send_replace(true);
        self.runtime.shutdown_timeout(SHUTDOWN_MAX);
    }
}

/// A check of services' tokens that is put in place once there are keys to check with.
#[derive(Clone, Default)]
pub(super) struct LateCheck(Arc<std::sync::OnceLock<services::Verify>>);

impl LateCheck {
    /// The check as the services take it; until it is put in place it refuses everything.
    pub(super) fn verify(&self) -> services::Verify {
        let late = self.clone();
        Arc::new(move |token| late.0.get().and_then(|verify| verify(token)))
    }

    pub(super) fn put(&self, verify: services::Verify) {
        // Only the first counts; the demo starts once.
        let _ = self.0.set(verify);
    }
}
