//! A Vestibule with one store behind it, its visitors, and those who log on while it is measured.

use std::net::SocketAddr;
use std::path::Path;
use std::rc::Rc;
use std::thread::JoinHandle;
use std::time::Duration;

use tempfile::TempDir;

use super::mix::{self, Visitors};
use crate::cpu::Account;
use crate::fault::Fault;
use crate::progress::Progress;
use crate::server::{Kind, Server};
use crate::shop::{Shop, localhost};

/// Log-ons a second while page views come steadily; each hashes a password.
pub(super) const LOG_ONS_PER_SECOND: u32 = 2;
/// Sessions of one user stay below what a user may have.
const SESSIONS_PER_USER: usize = 25;
/// Who logs on while it is measured.
const NEWCOMER: &str = "newcomer";

/// A platform with its store and its visitors.
pub(super) struct House {
    kind: Kind,
    cached: bool,
    shop: Shop,
    server: Rc<Server>,
    requests: Vec<Vec<u8>>,
    _folder: TempDir,
}

/// Log-ons in the background.
pub(super) struct LoggingOn(JoinHandle<Result<(), Fault>>);

impl House {
    /// Every wanted store, with the near cache and without. Both share the server, each with a place of its own.
    pub(super) fn open_all(
        only: &[String],
        binary: &Path,
        core: Option<usize>,
        origin: SocketAddr,
        visitors: Visitors,
        progress: Progress,
    ) -> Result<Vec<Self>, Fault> {
        let mut houses = Vec::new();
        for kind in Kind::ALL.into_iter().filter(|kind| kind.is_among(only)) {
            let server = Rc::new(kind.start());
            for cached in [true, false] {
                let house = Self::open(kind, cached, Rc::clone(&server), binary, core, origin, visitors)?;
                progress.say(format_args!("{}: open, its visitors known", house.name()));
                houses.push(house);
            }
        }
        Ok(houses)
    }

    fn open(
        kind: Kind,
        cached: bool,
        server: Rc<Server>,
        binary: &Path,
        core: Option<usize>,
        origin: SocketAddr,
        visitors: Visitors,
    ) -> Result<Self, Fault> {
        let folder = tempfile::tempdir().map_err(Fault::at("making a folder"))?;
        let place = server.place(if cached { "visits_cached" } else { "visits_plain" });
        let mut sessions = place.map_or_else(String::new, |url| format!("store = \"{url}\"\n"));
        if !cached {
            sessions.push_str("cache_bytes = 0\n");
        }
        let shop = Shop::start(binary, folder.path(), core, origin, &sessions)?;
        let entrance = shop.entrance();
        shop.add_user(NEWCOMER)?;
        let returning: Result<Vec<_>, _> = (0..visitors.returning).map(|_| entrance.return_later()).collect();
        let mut logged_on = Vec::new();
        for number in 0..visitors.logged_on {
            let user = format!("visitor{}", number / SESSIONS_PER_USER);
            if number % SESSIONS_PER_USER == 0 {
                shop.add_user(&user)?;
            }
            logged_on.push(entrance.log_on(&user)?.cookies);
        }
        let requests = mix::script(&localhost(shop.web), &returning?, &logged_on);
        Ok(Self { kind, cached, shop, server, requests, _folder: folder })
    }

    pub(super) fn kind(&self) -> &'static str {
        self.kind.name()
    }

    pub(super) fn name(&self) -> String {
        format!("{}, {}", self.kind.name(), if self.cached { "on" } else { "off" })
    }

    pub(super) fn address(&self) -> SocketAddr {
        self.shop.web
    }

    pub(super) fn requests(&self) -> &[Vec<u8>] {
        &self.requests
    }

    pub(super) fn pid(&self) -> u32 {
        self.shop.program().pid()
    }

    pub(super) fn server_account(&self) -> Result<Account, Fault> {
        self.server.account()
    }

    pub(super) fn version(&self) -> Option<String> {
        self.server.version()
    }

    /// Has somebody log on again and again for so long.
    pub(super) fn log_on_steadily(&self, lasts: Duration) -> LoggingOn {
        let entrance = self.shop.entrance();
        let pause = Duration::from_secs(1) / LOG_ONS_PER_SECOND;
        let count = lasts.as_millis() / pause.as_millis();
        LoggingOn(std::thread::spawn(move || {
            for _ in 0..count {
                entrance.log_on(NEWCOMER)?;
                std::thread::park_timeout(pause);
            }
            Ok(())
        }))
    }
}

impl LoggingOn {
    /// Waits for the last of them.
    pub(super) fn finish(self) -> Result<(), Fault> {
        let failed = || Fault::Step("logging on meanwhile", "the thread died".to_owned());
        self.0.join().map_err(|_| failed())?
    }
}
