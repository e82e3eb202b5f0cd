//! PostgreSQL: connections that are made when they are wanted, readers who wait for nobody, and one lock for all who
//! write, of whatever process. So changes run one after another, as on SQLite, and the outbox is numbered in the order
//! of the commits: docs/decisions/0013. Must not know which statements there are.

mod server;
mod session;
mod value;
mod wait;

use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::{Builder, Handle, Runtime};
use tokio::sync::watch;
use tokio_postgres::Client;
use vestibule_domain::digest::sha256_of_parts;

use super::pool::{Lease, Pool};
use super::{CONNECTION_WAIT_MAX, LOCK_WAIT_MAX, RegistryError, Snapshot, Tx, binds};
use server::Address;

pub use server::{CONNECT_MAX, ConnectError, DEFAULT_SCHEMA, Server};
pub use session::ANSWER_MAX;
pub(crate) use session::Session;

/// Connections that only read.
const READERS: usize = 8;

/// Connections that write. One at a time does: the others have their first statement waiting at the server.
const WRITERS: usize = 3;

/// How often the outbox is looked at for what other processes have committed.
pub const LOOK_EVERY: Duration = Duration::from_millis(100);

/// The oldest version that has all that we use.
const VERSION_MIN: i32 = 130_000;

/// Begins a transaction that reads one state of the database.
const READ: &str = "BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY";

/// How a new connection is set up. The server ends by itself what we cannot tell it to end any more, and with it the
/// writers' lock. A commit that was acknowledged is on the disk, whatever the server's own default.
fn set_up(schema: &str) -> String {
    let answer = (ANSWER_MAX + ANSWER_MAX).as_millis();
    let lock = LOCK_WAIT_MAX.as_millis();
    format!(
        "SET search_path TO {schema}; SET statement_timeout TO {answer}; SET lock_timeout TO {lock}; \
         SET idle_in_transaction_session_timeout TO {answer}; \
         SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off'"
    )
}

/// The connections.
pub(crate) struct Postgres {
    address: Arc<Address>,
    writers: Pool<Option<Session>>,
    readers: Pool<Option<Session>>,
    /// Begins a transaction that is the only one to write.
    write: String,
    /// Drives the connections. None once this value is on its way out.
    runtime: Option<Runtime>,
    handle: Handle,
}

impl Postgres {
    /// Connects, and looks whether this is a server that we can use.
    pub(crate) fn connect(server: &Server) -> Result<Self, ConnectError> {
        let address = Arc::new(Address::read(server)?);
        let runtime = Builder::new_multi_thread()
            .worker_threads(1)
            .thread_name("registry")
            .enable_all()
            .build()
            .map_err(|fault| ConnectError::Other {
                place: address.place.clone(),
                reason: fault.to_string(),
            })?;
        let handle = runtime.handle().clone();
        let nobody =
            |count| Pool::new(std::iter::repeat_with(|| None).take(count).collect(), CONNECTION_WAIT_MAX);
        let postgres = Self {
            write: begin_writing(&address.schema),
            address,
            writers: nobody(WRITERS),
            readers: nobody(READERS),
            runtime: Some(runtime),
            handle,
        };
        postgres.examine()?;
        Ok(postgres)
    }

    pub(super) fn read<T>(
        &self,
        work: impl FnOnce(&Snapshot<'_>) -> Result<T, RegistryError>,
    ) -> Result<T, RegistryError> {
        let held = self.hold(&self.readers)?;
        let transaction = Transaction::begin(held.session()?, READ);
        work(&Snapshot::Postgres(transaction.0))
    }

    pub(super) fn write<T, E: From<RegistryError>>(
        &self,
        work: impl FnOnce(&Tx<'_>) -> Result<T, E>,
        committed: impl FnOnce(u64),
    ) -> Result<T, E> {
        let held = self.hold(&self.writers)?;
        let transaction = Transaction::begin(held.session()?, &self.write);
        let tx = Tx::on(Snapshot::Postgres(transaction.0));
        let outcome = work(&tx)?;
        transaction.0.commit()?;
        if let Some(seq) = tx.announced.get() {
            committed(seq);
        }
        Ok(outcome)
    }

    /// Tells `newest` of what is committed by others, for as long as this value lives.
    pub(crate) fn follow(&self, newest: Arc<watch::Sender<u64>>) {
        self.handle.spawn(follow(Arc::clone(&self.address), newest));
    }

    /// Makes our schema, unless it is there: whoever may use it need not be allowed to make one.
    pub(super) fn make_schema(&self, tx: &Tx<'_>) -> Result<(), RegistryError> {
        let schema = self.address.schema.as_str();
        let there = "SELECT nspname FROM pg_catalog.pg_namespace WHERE nspname = $1";
        if tx.any(there, binds![schema])? { Ok(()) } else { tx.batch(&format!("CREATE SCHEMA {schema}")) }
    }

    /// A connection that is good, as far as one can tell.
    fn hold<'p>(&'p self, pool: &'p Pool<Option<Session>>) -> Result<Held<'p>, RegistryError> {
        let mut lease = pool.lease()?;
        if !lease.as_ref().is_some_and(Session::is_usable) {
            *lease = None;
            let client = self.wait_for(open(&self.address))?;
            *lease = Some(Session::new(self.handle.clone(), client));
        }
        Ok(Held(lease))
    }

    fn wait_for<T>(
        &self,
        work: impl Future<Output = Result<T, tokio_postgres::Error>>,
    ) -> Result<T, RegistryError> {
        match wait::wait(&self.handle, ANSWER_MAX, work) {
            Some(outcome) => outcome.map_err(|error| session::fault(&error)),
            None => Err(RegistryError::Unavailable(format!("{} does not answer", self.address.place))),
        }
    }

    /// The first connection tells who is there.
    fn examine(&self) -> Result<(), ConnectError> {
        let place = || self.address.place.clone();
        let work = async {
            let client = self.address.connect().await?;
            let row = client
                .query_one(
                    "SELECT current_setting('server_version_num')::INT4, version(), \
                     current_setting('server_encoding'), pg_is_in_recovery()",
                    &[],
                )
                .await?;
            Ok((
                row.get::<_, i32>(0),
                row.get::<_, String>(1),
                row.get::<_, String>(2),
                row.get::<_, bool>(3),
            ))
        };
        let found = wait::wait(&self.handle, ANSWER_MAX, work).ok_or_else(|| ConnectError::Unreachable {
            place: place(),
            reason: format!("no answer within {} s", ANSWER_MAX.as_secs()),
        })?;
        let (number, version, encoding, is_standby) = found.map_err(|error| self.address.refusal(&error))?;
        if number < VERSION_MIN || version.contains("Cockroach") {
            return Err(ConnectError::Version { place: place(), found: version });
        }
        if encoding != "UTF8" {
            return Err(ConnectError::Encoding { place: place(), encoding });
        }
        if is_standby {
            return Err(ConnectError::ReadOnly { place: place() });
        }
        Ok(())
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        // Without waiting: whoever drops this may be a task.
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

/// A lent connection. One that was lost in this caller's hands goes at once, and with it the server's locks.
struct Held<'p>(Lease<'p, Option<Session>>);

impl Held<'_> {
    fn session(&self) -> Result<&Session, RegistryError> {
        self.0.as_ref().ok_or(RegistryError::Busy)
    }
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        if !self.0.as_ref().is_some_and(Session::is_usable) {
            *self.0 = None;
        }
    }
}

/// A transaction, rolled back unless it was committed, also when its work panics.
struct Transaction<'s>(&'s Session);

impl<'s> Transaction<'s> {
    fn begin(session: &'s Session, how: &str) -> Self {
        session.begin(how);
        Self(session)
    }
}

impl Drop for Transaction<'_> {
    fn drop(&mut self) {
        self.0.leave();
    }
}

/// Names of the tables in our schema, whosever they are.
pub(super) fn tables(snapshot: &Snapshot<'_>) -> Result<Vec<String>, RegistryError> {
    snapshot.all(
        "SELECT c.relname AS name FROM pg_catalog.pg_class AS c \
         JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace \
         WHERE n.nspname = (current_schemas(false))[1] AND c.relkind IN ('r', 'p', 'v', 'f')",
        &[],
        |row| row.get("name"),
    )
}

/// The lock's number comes from the schema's name, so that registries in one database do not wait for each other. At
/// READ COMMITTED each statement sees what is committed when it begins, which is after the lock was got.
fn begin_writing(schema: &str) -> String {
    let digest = sha256_of_parts(&[b"vestibule registry", schema.as_bytes()]);
    let (number, _) = digest.split_first_chunk().expect("32 bytes begin with 8");
    let lock = i64::from_be_bytes(*number);
    format!("BEGIN ISOLATION LEVEL READ COMMITTED; SELECT pg_advisory_xact_lock({lock})")
}

async fn open(address: &Address) -> Result<Client, tokio_postgres::Error> {
    let client = address.connect().await?;
    client.batch_execute(&set_up(&address.schema)).await?;
    Ok(client)
}

/// Looks at the outbox for ever, on a connection of its own. Losing it is no fault here: whoever follows looks himself
/// every half second.
async fn follow(address: Arc<Address>, newest: Arc<watch::Sender<u64>>) {
    let mut round = tokio::time::interval(LOOK_EVERY);
    // After a database that hung, the looks that were missed are not made up for.
    round.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut connection = None;
    loop {
        round.tick().await;
        let looked = tokio::time::timeout(ANSWER_MAX, async {
            let client = match connection.take() {
                Some(client) => client,
                None => open(&address).await?,
            };
            let row = client.query_one("SELECT newest FROM outbox_head", &[]).await?;
            Ok::<_, tokio_postgres::Error>((client, row.try_get::<_, i64>(0)?))
        });
        if let Ok(Ok((client, seq))) = looked.await {
            connection = Some(client);
            raise(&newest, u64::try_from(seq).unwrap_or(0));
        }
    }
}

/// Tells of a newer number. An older one comes late, from who looked before somebody else committed.
pub(crate) fn raise(newest: &watch::Sender<u64>, seq: u64) {
    newest.send_if_modified(|known| {
        let is_newer = seq > *known;
        *known = seq.max(*known);
        is_newer
    });
}
