//! Which session store a configuration names, and opening it. What a store may lose is said at the start, on standard
//! error, and by `config check`.

use std::path::Path;
use std::sync::Arc;

use anyhow::Context as _;
use vestibule_ports::session_store::SessionStore;
use vestibule_store_embedded::{Condition, EmbeddedStore};

use crate::config::{SessionsConfig, StoreName};

/// The schemes of URLs that this program has a store for.
const SCHEMES: &[&str] = &[
    #[cfg(feature = "postgres")]
    "postgres",
    #[cfg(feature = "redis")]
    "redis, rediss, redis+sentinel, redis+cluster",
    #[cfg(feature = "mongo")]
    "mongodb, mongodb+srv",
];

/// What stands in files of their own, put into an adapter's settings. The three are alike and no type of theirs is shared.
#[cfg(any(feature = "mongo", feature = "postgres", feature = "redis"))]
macro_rules! equipped {
    ($config:ident, $parsed:ident) => {{
        let mut equipped = $parsed;
        if let Some(password) = &$config.store_password {
            equipped = equipped.with_password(password.expose().to_owned());
        }
        if let Some(ca) = &$config.store_ca {
            equipped = equipped.with_ca(ca.clone());
        }
        equipped
    }};
}

/// Opens an adapter's store, and asks both the URL and the server what may be lost. A fault names the setting to look at.
#[cfg(any(feature = "mongo", feature = "postgres", feature = "redis"))]
macro_rules! opened {
    ($open:path, $config:ident, $sessions:ident, $wrong_password:pat) => {{
        let mut warnings = $config.warnings();
        let store = $open($config).await.map_err(|fault| {
            let is_password = matches!(fault, $wrong_password) && $sessions.store_password_file.is_some();
            let setting = if is_password { "sessions.store_password_file" } else { "sessions.store" };
            anyhow::Error::new(fault).context(setting)
        })?;
        warnings.extend(store.warnings().await);
        Ok(Opened { store: Arc::new(store), warnings, file: None })
    }};
}

/// Looks at an adapter's server without writing to it. A fault names the setting to look at.
#[cfg(any(feature = "mongo", feature = "postgres", feature = "redis"))]
macro_rules! examined {
    ($examine:path, $config:ident, $sessions:ident, $wrong_password:pat) => {{
        let mut warnings = $config.warnings();
        let found = $examine($config).await.map_err(|fault| {
            let is_password = matches!(fault, $wrong_password) && $sessions.store_password_file.is_some();
            let setting = if is_password { "sessions.store_password_file" } else { "sessions.store" };
            format!("{setting}: {fault}")
        })?;
        warnings.extend(found.warnings);
        Ok(Seen { warnings, is_new: found.is_new })
    }};
}

/// A store that is named well enough to be opened.
pub(crate) enum Choice {
    Embedded,
    #[cfg(feature = "postgres")]
    Postgres(vestibule_store_postgres::Config),
    #[cfg(feature = "redis")]
    Redis(vestibule_store_redis::Config),
    #[cfg(feature = "mongo")]
    Mongo(Box<vestibule_store_mongo::Config>),
}

/// A store that is open.
pub(crate) struct Opened {
    pub(crate) store: Arc<dyn SessionStore>,
    /// What it may lose as it is set up, a sentence each.
    pub(crate) warnings: Vec<String>,
    /// The file that it is, if it is one.
    pub(crate) file: Option<Condition>,
}

/// What a look at the named store has shown.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    /// What it may lose as its server is set up now, a sentence each.
    pub(crate) warnings: Vec<String>,
    /// Whether nothing of ours is there yet.
    pub(crate) is_new: bool,
}

impl Choice {
    /// The store that `[sessions]` names, or what is wrong with the name.
    pub(crate) fn of(config: &SessionsConfig) -> Result<Self, String> {
        let StoreName::Url(url) = &config.store else { return Ok(Self::Embedded) };
        let Some((scheme, _)) = url.split_once("://") else {
            // Not repeated: half a URL may hold a whole password.
            return Err("is neither \"embedded\" nor a URL such as postgres://USER@HOST/DATABASE".to_owned());
        };
        match scheme {
            #[cfg(feature = "postgres")]
            "postgres" | "postgresql" => {
                let parsed = vestibule_store_postgres::Config::parse(url).map_err(|bad| bad.to_string())?;
                Ok(Self::Postgres(equipped!(config, parsed)))
            }
            #[cfg(feature = "redis")]
            "redis" | "rediss" | "redis+sentinel" | "rediss+sentinel" | "redis+cluster"
            | "rediss+cluster" => {
                let parsed = vestibule_store_redis::Config::parse(url).map_err(|bad| bad.to_string())?;
                Ok(Self::Redis(equipped!(config, parsed)))
            }
            #[cfg(feature = "mongo")]
            "mongodb" | "mongodb+srv" => {
                let parsed = vestibule_store_mongo::Config::parse(url).map_err(|bad| bad.to_string())?;
                let parsed = parsed.with_deadline(config.deadline());
                Ok(Self::Mongo(Box::new(equipped!(config, parsed))))
            }
            _ => {
                Err(format!("there is no store for {scheme}://; there are: embedded, {}", SCHEMES.join(", ")))
            }
        }
    }

    /// Opens it. The embedded store is a file in `data_dir`.
    pub(crate) async fn open(
        self,
        sessions: &SessionsConfig,
        data_dir: Option<&Path>,
    ) -> anyhow::Result<Opened> {
        match self {
            Self::Embedded => {
                let data_dir = data_dir.context("data_dir is missing")?;
                let path = data_dir.join("sessions.redb");
                let store = EmbeddedStore::open(&vestibule_store_embedded::Config::new(&path))
                    .with_context(|| format!("the session store {} cannot be opened", path.display()))?;
                let (file, warnings) =
                    (Some(store.condition()), vestibule_store_embedded::warnings(data_dir));
                Ok(Opened { store: Arc::new(store), warnings, file })
            }
            #[cfg(feature = "postgres")]
            Self::Postgres(config) => {
                use vestibule_store_postgres::{OpenError, PostgresStore};
                opened!(PostgresStore::open, config, sessions, OpenError::Account { .. })
            }
            #[cfg(feature = "redis")]
            Self::Redis(config) => {
                use vestibule_store_redis::{OpenError, open};
                opened!(open, config, sessions, OpenError::WrongPassword { .. })
            }
            #[cfg(feature = "mongo")]
            Self::Mongo(config) => {
                use vestibule_store_mongo::{MongoStore, OpenError};
                let config = *config;
                opened!(MongoStore::open, config, sessions, OpenError::Password { .. })
            }
        }
    }
}

/// What the named store may lose as its server is set up now, or why a start could not use it. A database is looked at,
/// and nothing in it changes; of the embedded store, which may be in use, only the room is looked at.
pub(crate) async fn ask(config: &SessionsConfig, data_dir: Option<&Path>) -> Result<Seen, String> {
    match Choice::of(config) {
        // What is wrong with the name is told by the check of the file.
        Err(_) => Ok(Seen::default()),
        Ok(Choice::Embedded) => {
            let warnings = data_dir.map(vestibule_store_embedded::warnings).unwrap_or_default();
            Ok(Seen { warnings, is_new: false })
        }
        #[cfg(feature = "postgres")]
        Ok(Choice::Postgres(store)) => {
            use vestibule_store_postgres::{OpenError, examine};
            examined!(examine, store, config, OpenError::Account { .. })
        }
        #[cfg(feature = "redis")]
        Ok(Choice::Redis(store)) => {
            use vestibule_store_redis::{OpenError, examine};
            examined!(examine, store, config, OpenError::WrongPassword { .. })
        }
        #[cfg(feature = "mongo")]
        Ok(Choice::Mongo(store)) => {
            use vestibule_store_mongo::{OpenError, examine};
            let store = *store;
            examined!(examine, store, config, OpenError::Password { .. })
        }
    }
}

#[cfg(all(test, feature = "mongo", feature = "postgres", feature = "redis"))]
mod tests;
