//! What cached sessions take: the near cache of a real node over a store that knows everybody, and this program's resident
//! memory before and after.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use vestibule_domain::claims::Claims;
use vestibule_domain::identity::{
    Handle, SecretDigest, SessionSecret, SignOnId, SiteId, Timestamp, UserId, VisitorId,
};
use vestibule_domain::key::Secrets;
use vestibule_domain::limits::Limits;
use vestibule_domain::rise::{self, Fresh, Proof, Risen};
use vestibule_oauth::token::GrantToken;
use vestibule_ports::clock::{Clock as _, SystemClock};
use vestibule_ports::session_store::{
    Attempt, AttemptKey, Beat, Broadcast, Capabilities, Created, Ended, Event, FIRST_VERSION, Record,
    SessionStore, Slot, StoreError, Stored, Swept, Tombstone, Updated, Version, Watch,
};
use vestibule_sessions::{Config, Found, Sessions};

use crate::fault::Fault;
use crate::store::{BODY_BYTES, handle};

/// How many sessions are cached when it is looked.
const COUNTS: [u64; 2] = [100_000, 1_000_000];
const QUICK_COUNTS: [u64; 2] = [1_000, 10_000];
/// More than any of these needs.
const CACHE_BYTES: u64 = 16 << 30;

/// How the benchmark runs.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// Fewer sessions: shows that it works
    #[arg(long)]
    quick: bool,
}

/// What was seen.
pub(crate) struct Report {
    body: usize,
    /// Sessions and KiB above the empty cache.
    seen: Vec<(u64, u64)>,
}

/// Runs it.
pub(crate) fn run(options: &Options) -> Result<Report, Fault> {
    const STEP: &str = "caching sessions";
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    let runtime = runtime.map_err(Fault::at(STEP))?;
    let clock = Arc::new(SystemClock::new());
    let body = body(clock.wall()).map_err(|why| Fault::Step(STEP, why))?;
    let everyone = Everyone { body: body.clone(), events: Broadcast::new(), now: clock.wall() };
    let config = Config { cache_bytes: CACHE_BYTES, ..Config::default() };
    let sessions = Arc::new(Sessions::<()>::new(Arc::new(everyone), clock, 1, config));
    let working = Arc::clone(&sessions);
    let work = runtime.spawn(async move {
        working.run().await;
    });
    let empty = resident_kib()?;
    let mut seen = Vec::new();
    let mut next = 0;
    for count in if options.quick { QUICK_COUNTS } else { COUNTS } {
        runtime.block_on(async {
            for number in next..count {
                match sessions.get(handle(number)).await {
                    Ok(Found::Live(..)) => {}
                    other => return Err(Fault::Step(STEP, format!("{other:?}"))),
                }
            }
            Ok(())
        })?;
        next = count;
        seen.push((count, resident_kib()?.saturating_sub(empty)));
    }
    work.abort();
    Ok(Report { body: body.len(), seen })
}

fn resident_kib() -> Result<u64, Fault> {
    crate::program::resident_kib(std::process::id())
}

/// A session of somebody logged on, as long as the others that are measured.
fn body(now: Timestamp) -> Result<Bytes, String> {
    let secret = |byte| -> SecretDigest { SessionSecret::from_bytes([byte; 16]).digest() };
    let text = |why: &dyn fmt::Display| why.to_string();
    let mut fill = 0;
    loop {
        let claims = format!(r#"{{"name":"Ben Channing","address":"{}"}}"#, "a".repeat(fill));
        let proof = Proof {
            user: UserId::parse("3f9d2c1b7a").map_err(|why| text(&why))?,
            grant: GrantToken::parse(&"g".repeat(43)).map_err(|why| text(&why))?,
            auth_time: now,
            level: 1,
            ends_at: now + Limits::default().log_on,
            sign_on: SignOnId::parse("s-1").map_err(|why| text(&why))?,
            claims: Claims::parse(&claims).map_err(|why| text(&why))?,
            asked: false,
            footing: None,
        };
        let fresh = Fresh {
            visitor: VisitorId::from_bytes([3; 16]),
            secrets: Secrets { vst: secret(1), keep: secret(2) },
        };
        let site = SiteId::parse("shop").map_err(|why| text(&why))?;
        let risen =
            rise::log_on(None, site, proof, fresh, now, &Limits::default()).map_err(|why| text(&why))?;
        let (Risen::Same(session) | Risen::New { session, .. }) = risen;
        let body = session.encode();
        if body.len() >= BODY_BYTES {
            return Ok(body.into());
        }
        fill += BODY_BYTES - body.len();
    }
}

/// A store that knows a session under every handle.
struct Everyone {
    body: Bytes,
    events: Broadcast,
    now: Timestamp,
}

impl Everyone {
    fn record(&self) -> Record {
        // Copied, as an answer of a real store is.
        let body = Bytes::copy_from_slice(&self.body);
        Record { body, user: None, expires_at: self.now + Limits::default().ceiling }
    }
}

fn read_only<T>() -> Result<T, StoreError> {
    Err(StoreError::Unreachable("only reads are measured here".to_owned()))
}

#[async_trait]
impl SessionStore for Everyone {
    async fn get(&self, _: Handle, _: Timestamp) -> Result<Slot, StoreError> {
        Ok(Slot::Live(Stored { version: FIRST_VERSION, record: self.record(), last_seen: None }))
    }

    async fn create(&self, _: Handle, _: Record) -> Result<Created, StoreError> {
        read_only()
    }

    async fn update(&self, _: Handle, _: Version, _: Record, _: Timestamp) -> Result<Updated, StoreError> {
        read_only()
    }

    async fn touch(&self, _: &[(Handle, Timestamp)]) -> Result<(), StoreError> {
        read_only()
    }

    async fn end(
        &self,
        _: Handle,
        _: Option<Version>,
        _: Tombstone,
        _: Timestamp,
    ) -> Result<Ended, StoreError> {
        read_only()
    }

    async fn list_user(&self, _: &str, _: usize, _: Timestamp) -> Result<Vec<Handle>, StoreError> {
        read_only()
    }

    async fn attempt_put(&self, _: AttemptKey, _: Attempt) -> Result<(), StoreError> {
        read_only()
    }

    async fn attempt_take(&self, _: AttemptKey, _: Timestamp) -> Result<Option<Bytes>, StoreError> {
        read_only()
    }

    async fn sweep(&self, _: Timestamp, _: usize) -> Result<Swept, StoreError> {
        read_only()
    }

    async fn watch(&self) -> Result<Watch, StoreError> {
        Ok(self.events.watch())
    }

    async fn beat(&self, beat: Beat) -> Result<(), StoreError> {
        self.events.send(Event::Alive(beat));
        Ok(())
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities { shared: true, durable: false, sweeps: true, reading_proves: true }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "Resident memory of the near cache, sessions of {} bytes\n", self.body)?;
        writeln!(f, "| cached sessions | MiB | bytes a session |\n|---:|---:|---:|")?;
        for (count, kib) in &self.seen {
            let each = *kib as f64 * 1024.0 / *count as f64;
            writeln!(
                f,
                "| {} | {:.0} | {each:.0} |",
                crate::store::grouped(*count as f64),
                *kib as f64 / 1024.0
            )?;
        }
        Ok(())
    }
}
