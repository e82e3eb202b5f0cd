//! A running proxy with one recording upstream behind it: what each journey starts from. The only file here that knows
//! how Vestibule is configured and started.

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::path::Path;

use vestibule::config::Config;
use vestibule::serve::{self, Running};
use vestibule_testkit::client::Raw;
use vestibule_testkit::upstream::Upstream;

/// The host that the one route serves.
pub(super) const HOST: &str = "shop.test";

/// What differs from the plain front: TOML lines.
#[derive(Default)]
pub(super) struct Shape<'s> {
    /// Lines of `[limits]`.
    pub(super) limits: &'s str,
    /// Lines of `[drain]`.
    pub(super) drain: &'s str,
    /// Lines of the route that serves [`HOST`] and `/`.
    pub(super) route: &'s str,
    /// Sites, and whom in front of us to believe: whole tables.
    pub(super) sites: &'s str,
    /// Further routes to the same upstream, as host and path.
    pub(super) more: &'s [(&'s str, &'s str)],
    /// Where sessions are kept, if anywhere.
    pub(super) data_dir: Option<&'s Path>,
    /// Where access lines go, if anywhere.
    pub(super) access_log: Option<&'s Path>,
}

/// Vestibule, started, and what stands behind it.
pub(super) struct Front {
    pub(super) proxy: SocketAddr,
    pub(super) metrics: SocketAddr,
    pub(super) upstream: Upstream,
    pub(super) running: Running,
}

impl Front {
    /// One route, default limits.
    pub(super) fn start() -> Self {
        Self::with(&Shape::default())
    }

    pub(super) fn with(shape: &Shape<'_>) -> Self {
        let upstream = Upstream::start();
        let running = serve_before(&upstream.url(), shape);
        let (proxy, metrics) = (address(&running, "proxy"), address(&running, "metrics"));
        Self { proxy, metrics, upstream, running }
    }
}

pub(super) fn address(running: &Running, face: &str) -> SocketAddr {
    running.address(face).expect("the tests' configuration serves every face")
}

/// Starts Vestibule before the upstream with this URL.
pub(super) fn serve_before(app: &str, shape: &Shape<'_>) -> Running {
    let mut text = String::new();
    if let Some(dir) = shape.data_dir {
        let _ = writeln!(text, "data_dir = \"{}\"", dir.display());
    }
    for face in ["proxy", "metrics"] {
        let _ = writeln!(text, "[[listener]]\nbind = \"127.0.0.1:0\"\nserves = [\"{face}\"]");
    }
    let log = shape.access_log.map_or("off".into(), Path::to_string_lossy);
    let _ = writeln!(text, "[log]\naccess = \"{log}\"\n[limits]\n{}\n[drain]\n{}", shape.limits, shape.drain);
    let _ = writeln!(text, "{}", shape.sites);
    let _ = writeln!(text, "[[route]]\nhost = \"{HOST}\"\npath = \"/\"\napp = \"{app}\"\n{}", shape.route);
    for (host, path) in shape.more {
        let _ = writeln!(text, "[[route]]\nhost = \"{host}\"\npath = \"{path}\"\napp = \"{app}\"");
    }
    let config = Config::parse(&text, "test.toml").expect("the tests' configuration is valid");
    serve::start(config).expect("the loopback address has free ports")
}

/// Visitors who must never notice what others do: each has a nonce of its own and must get that one back.
pub(super) struct Victims {
    proxy: SocketAddr,
    kept: Raw,
    count: usize,
}

impl Victims {
    pub(super) fn new(front: &Front) -> Self {
        Self { proxy: front.proxy, kept: Raw::connect(front.proxy), count: 0 }
    }

    /// The same, with a new connection to be kept.
    pub(super) fn renewed(self, front: &Front) -> Self {
        Self { kept: Raw::connect(front.proxy), ..self }
    }

    /// This many visits on the connection kept open, and as many on new ones.
    pub(super) fn visit(&mut self, times: usize) -> Result<(), String> {
        for _ in 0..times {
            visit(&mut self.kept, &format!("kept-{}", self.count))?;
            visit(&mut Raw::connect(self.proxy), &format!("fresh-{}", self.count))?;
            self.count += 1;
        }
        Ok(())
    }
}

fn visit(client: &mut Raw, nonce: &str) -> Result<(), String> {
    let request = format!("GET /victim HTTP/1.1\r\nHost: {HOST}\r\nX-Nonce: {nonce}\r\n\r\n");
    client.try_send(request).map_err(|e| format!("victim {nonce} cannot send: {e}"))?;
    let response = client.try_response_to("GET").map_err(|ended| format!("victim {nonce}: {ended:?}"))?;
    let own =
        response.status == 200 && response.text() == nonce && response.fields.only("x-nonce") == Some(nonce);
    if own { Ok(()) } else { Err(format!("victim {nonce} got {response:?}")) }
}
