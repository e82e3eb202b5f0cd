//! A Vestibule with one store behind it, its visitors, and those who log on while it is measured.

use std::cell::Cell;
use std::net::SocketAddr;
use std::path::Path;
use std::rc::Rc;

use tempfile::TempDir;

use super::drive::Course;
use super::mix::{self, Step, Visitors};
use crate::cpu::Account;
use crate::fault::Fault;
use crate::progress::Progress;
use crate::server::{Kind, Server};
use crate::shop::{Entrance, Shop, localhost};

/// Sessions of one user stay below what a user may have.
const SESSIONS_PER_USER: usize = 25;
/// Who logs on while it is measured. So many that none has too many sessions in the end.
const NEWCOMERS: usize = 6;
/// Each log-on comes from another address, as it does in life: one address may not begin many.
const BALANCED: &str = "[proxy]\ntrusted_peers = [\"127.0.0.0/8\"]\n";

/// A platform with its store and its visitors.
pub(super) struct House {
    kind: Kind,
    cached: bool,
    shop: Shop,
    server: Rc<Server>,
    script: Rc<[Step]>,
    place: Cell<usize>,
    entrance: Entrance,
    newcomers: Rc<[String]>,
    _folder: TempDir,
}

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
        sessions.push_str(BALANCED);
        let shop = Shop::start(binary, folder.path(), core, origin, &sessions)?;
        let entrance = shop.entrance();
        let newcomers: Vec<_> = (0..NEWCOMERS).map(|number| format!("newcomer{number}")).collect();
        newcomers.iter().try_for_each(|newcomer| shop.add_user(newcomer))?;
        let returning: Result<Vec<_>, _> = (0..visitors.returning).map(|_| entrance.return_later()).collect();
        let mut logged_on = Vec::new();
        for number in 0..visitors.logged_on {
            let user = format!("visitor{}", number / SESSIONS_PER_USER);
            if number % SESSIONS_PER_USER == 0 {
                shop.add_user(&user)?;
            }
            logged_on.push(entrance.log_on(&user)?.cookies);
        }
        let script = mix::script(&localhost(shop.web), &returning?, &logged_on).into();
        let (place, newcomers) = (Cell::new(0), newcomers.into());
        Ok(Self { kind, cached, shop, server, script, place, entrance, newcomers, _folder: folder })
    }

    pub(super) fn kind(&self) -> &'static str {
        self.kind.name()
    }

    pub(super) fn name(&self) -> String {
        format!("{}, {}", self.kind.name(), if self.cached { "on" } else { "off" })
    }

    /// The mix of its visitors, from where the last slice has ended.
    pub(super) fn course(&self) -> Course<'_> {
        Course {
            to: self.shop.web,
            script: &self.script,
            place: &self.place,
            entrance: &self.entrance,
            newcomers: &self.newcomers,
        }
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
}
