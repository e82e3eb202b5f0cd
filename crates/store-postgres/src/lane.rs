//! One connection with its statements. It serves one call at a time and is thrown away when in doubt.

use std::future::poll_fn;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures_util::future::join;
use tokio::task::{AbortHandle, JoinHandle};
use tokio::time::timeout;
use tokio_postgres::{AsyncMessage, CancelToken, Client, Error};

use crate::dial::{DIAL_MAX, Dialer, Link, session_settings};
use crate::failure::{describe, is_unreplicated};
use crate::open::OpenError;
use crate::sql::{Prepared, Sql};

/// How long a server may take to hear that an answer is no longer wanted.
const CANCEL_MAX: Duration = Duration::from_secs(2);

/// A connection that is ready for a call. Closed when it is dropped.
pub(crate) struct Lane {
    pub(crate) client: Client,
    pub(crate) sql: Prepared,
    link: AbortHandle,
    /// The server has said that a commit of ours stands on it alone.
    alone: Arc<AtomicBool>,
    /// Nothing where the server keeps no list of its processes.
    backend: Option<Backend>,
}

/// The server's process behind a connection. Numbers come back, so its birth belongs to it.
#[derive(Debug, Clone)]
struct Backend {
    pid: String,
    born: String,
}

/// Ends the task when the connection could not be made ready.
struct Abort(Option<AbortHandle>);

impl Drop for Abort {
    fn drop(&mut self) {
        if let Some(task) = &self.0 {
            task.abort();
        }
    }
}

impl Lane {
    /// Connects and prepares. The second value ends when the connection does.
    pub(crate) async fn open(dialer: &Dialer, sql: &Sql) -> Result<(Self, JoinHandle<()>), OpenError> {
        let (client, link) = dialer.dial(DIAL_MAX).await?;
        let alone = Arc::new(AtomicBool::new(false));
        let ended = tokio::spawn(drive(link, Arc::clone(&alone)));
        let mut abort = Abort(Some(ended.abort_handle()));
        let ready = async {
            client.batch_execute(&session_settings()).await?;
            let (prepared, backend) = join(sql.prepare(&client), Backend::of(&client)).await;
            Ok::<_, Error>((prepared?, backend))
        };
        let refused = |why| OpenError::Refused { task: "prepare statements", why };
        let (sql, backend) = match timeout(DIAL_MAX, ready).await {
            Ok(Ok(ready)) => ready,
            Ok(Err(e)) => return Err(refused(describe(&e))),
            Err(_) => return Err(refused("no answer in time".to_owned())),
        };
        abort.0 = None;
        // What was said up to here was about the database, not about a commit.
        alone.store(false, Ordering::Release);
        Ok((Self { client, sql, link: ended.abort_handle(), alone, backend }, ended))
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.client.is_closed()
    }

    /// Whether the server has said, since this was asked last, that a commit stands on it alone.
    pub(crate) fn was_alone(&self) -> bool {
        self.alone.swap(false, Ordering::AcqRel)
    }

    /// Whether the server is still busy with this lane's call, as a commit is that waits for a standby. A new connection asks, so
    /// the answer comes from whoever takes writes now.
    pub(crate) async fn is_awaited(&self, dialer: &Dialer) -> bool {
        let Some(backend) = &self.backend else { return false };
        match dialer.dial(DIAL_MAX).await {
            Ok((client, link)) => {
                let link = tokio::spawn(link);
                let _link = Abort(Some(link.abort_handle()));
                timeout(DIAL_MAX, backend.is_busy(&client))
                    .await
                    .is_ok_and(|busy| busy.is_ok_and(|busy| busy))
            }
            // It lives, and has no place for another one of ours either.
            Err(OpenError::Full { .. }) => true,
            Err(_) => false,
        }
    }

    /// Asks the server to stop what it does for this lane. For reads alone: a commit that waits for a standby and is cancelled
    /// stands on this server only, for all to see.
    pub(crate) fn cancel(&self, dialer: &Dialer) {
        let (token, dialer) = (self.client.cancel_token(), dialer.clone());
        tokio::spawn(async move { drop(timeout(CANCEL_MAX, cancel(token, dialer)).await) });
    }
}

impl Drop for Lane {
    fn drop(&mut self) {
        // The driver would wait for answers that are still out.
        self.link.abort();
    }
}

impl Backend {
    async fn of(client: &Client) -> Option<Self> {
        let ask = "SELECT pid::text, backend_start::text FROM pg_catalog.pg_stat_activity WHERE pid = pg_backend_pid()";
        let row = client.query_opt(ask, &[]).await.ok()??;
        Some(Self { pid: row.try_get(0).ok()?, born: row.try_get(1).ok()? })
    }

    async fn is_busy(&self, client: &Client) -> Result<bool, Error> {
        let ask = "SELECT FROM pg_catalog.pg_stat_activity
            WHERE pid::text = $1 AND backend_start::text = $2 AND state <> 'idle'";
        Ok(client.query_opt(ask, &[&self.pid, &self.born]).await?.is_some())
    }
}

/// Moves bytes until the connection ends. What it ends with is told to whoever waits for an answer; what the server says
/// beside its answers comes before them.
async fn drive(mut link: Link, alone: Arc<AtomicBool>) {
    while let Some(Ok(message)) = poll_fn(|cx| link.poll_message(cx)).await {
        if let AsyncMessage::Notice(notice) = message
            && is_unreplicated(notice.code())
        {
            alone.store(true, Ordering::Release);
        }
    }
}

async fn cancel(token: CancelToken, dialer: Dialer) {
    // A server that does not hear it ends the statement by its own limits.
    let _unheard = token.cancel_query(dialer.tls()).await;
}
