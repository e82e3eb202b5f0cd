//! Every statement of a call: one each, so that a call is one round trip and one transaction.
//! Plain SQL; what only PostgreSQL has is left out where the server is none.

use futures_util::future::try_join_all;
use tokio_postgres::{Client, Error, Statement};

/// What a server lacks of PostgreSQL.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Dialect {
    /// Whether it has NOTIFY. Without it nothing is told, and no cache of sessions may be trusted.
    pub(crate) tells: bool,
}

impl Dialect {
    /// From what the server says of itself.
    pub(crate) fn of(version: &str) -> Self {
        Self { tells: !version.contains("CockroachDB") && !version.contains("-YB-") }
    }

    /// What an operator should know of it.
    pub(crate) fn warning(self) -> Option<String> {
        let what =
            "this server has no NOTIFY: nothing is told between processes, so every request reads the store";
        (!self.tells).then(|| what.to_owned())
    }
}

/// The statements, prepared on one connection.
pub(crate) struct Prepared {
    pub(crate) get: Statement,
    pub(crate) peek: Statement,
    pub(crate) create: Statement,
    pub(crate) update: Statement,
    pub(crate) touch: Statement,
    pub(crate) end: Statement,
    pub(crate) confirm: Statement,
    pub(crate) list_user: Statement,
    pub(crate) attempt_put: Statement,
    pub(crate) attempt_take: Statement,
    pub(crate) sweep_sessions: Statement,
    pub(crate) put_off: Statement,
    pub(crate) sweep_rest: Statement,
    pub(crate) tell: Statement,
    pub(crate) beat: Statement,
}

/// Where the tables are and which words the server knows.
#[derive(Debug, Clone)]
pub(crate) struct Sql {
    pub(crate) schema: String,
    pub(crate) dialect: Dialect,
}

impl Sql {
    /// All at once: one round trip for a new connection.
    pub(crate) async fn prepare(&self, client: &Client) -> Result<Prepared, Error> {
        let texts = self.texts();
        let prepared = try_join_all(texts.iter().map(|text| client.prepare(text))).await?;
        let [
            get,
            peek,
            create,
            update,
            touch,
            end,
            confirm,
            list_user,
            attempt_put,
            attempt_take,
            sweep_sessions,
            put_off,
            sweep_rest,
            tell,
            beat,
        ] = <[Statement; STATEMENTS]>::try_from(prepared)
            .unwrap_or_else(|_| unreachable!("one statement for each text"));
        Ok(Prepared {
            get,
            peek,
            create,
            update,
            touch,
            end,
            confirm,
            list_user,
            attempt_put,
            attempt_take,
            sweep_sessions,
            put_off,
            sweep_rest,
            tell,
            beat,
        })
    }

    /// What is prepared, in the order of [`Prepared`], as this server understands it.
    fn texts(&self) -> [String; STATEMENTS] {
        let tells = self.dialect.tells;
        // A server without NOTIFY gets the same parameters and does nothing with them.
        let notify = if tells { "pg_notify($1, $2)::text" } else { "$1::text || $2::text" };
        let notify_all = if tells { "pg_notify($1, told)::text" } else { "$1::text || told" };
        TEXTS.map(|text| {
            let text = text.replace("{s}", &self.schema);
            text.replace("{notify}", notify).replace("{notify_all}", notify_all)
        })
    }
}

const STATEMENTS: usize = 15;

/// In the order of [`Prepared`]. Each changes a table once at most: CockroachDB refuses more, and PostgreSQL leaves open
/// which change of a row would win.
const TEXTS: [&str; STATEMENTS] = [
    GET,
    PEEK,
    CREATE,
    UPDATE,
    TOUCH,
    END,
    CONFIRM,
    LIST_USER,
    ATTEMPT_PUT,
    ATTEMPT_TAKE,
    SWEEP_SESSIONS,
    PUT_OFF,
    SWEEP_REST,
    TELL,
    BEAT,
];

/// $1 handle.
const GET: &str = "
    SELECT s.version, s.expires_at, s.ended, s.user_id, s.body, seen.at
    FROM {s}.session AS s LEFT JOIN {s}.seen ON seen.handle = s.handle
    WHERE s.handle = $1";

/// $1 handle. Why a guarded write found nothing.
const PEEK: &str = "SELECT expires_at, ended FROM {s}.session WHERE handle = $1";

/// $1 handle, $2 expires, $3 user, $4 body. The row for touches comes along, so that a touch never inserts.
const CREATE: &str = "
    WITH made AS (
        INSERT INTO {s}.session (handle, version, expires_at, sweep_at, user_id, body)
        VALUES ($1, 1, $2, $2, $3, $4) ON CONFLICT (handle) DO NOTHING RETURNING handle)
    INSERT INTO {s}.seen (handle) SELECT handle FROM made";

/// $1 channel, $2 event, $3 handle, $4 version, $5 now, $6 expires, $7 user, $8 body.
///
/// `sweep_at` only moves down here: an expiry that slides leaves every indexed column alone, and the row is rewritten
/// within its page (HOT). The event goes out with the commit where the user came, went or changed.
const UPDATE: &str = "
    WITH done AS (
        UPDATE {s}.session
        SET version = version + 1, expires_at = $6, sweep_at = LEAST(sweep_at, $6),
            user_moved = (user_id IS DISTINCT FROM $7), user_id = $7, body = $8
        WHERE handle = $3 AND version = $4 AND NOT ended AND expires_at > $5
        RETURNING user_moved)
    SELECT user_moved, CASE WHEN user_moved THEN {notify} END FROM done";

/// $1 handles, each once, $2 times.
const TOUCH: &str = "
    WITH moved AS (
        UPDATE {s}.seen SET at = touched.at
        FROM unnest($1::bytea[], $2::bigint[]) AS touched (handle, at)
        WHERE seen.handle = touched.handle AND (seen.at IS NULL OR seen.at < touched.at))
    SELECT set_config('synchronous_commit', 'off', true)";

/// $1 channel, $2 event, $3 handle, $4 expected version or null, $5 now, $6 expires, $7 body.
const END: &str = "
    WITH done AS (
        UPDATE {s}.session
        SET ended = true, expires_at = $6, sweep_at = LEAST(sweep_at, $6), user_id = NULL, body = $7
        WHERE handle = $3 AND NOT ended AND expires_at > $5 AND ($4::bigint IS NULL OR version = $4)
        RETURNING handle),
    unseen AS (DELETE FROM {s}.seen USING done WHERE seen.handle = done.handle)
    SELECT {notify} FROM done";

/// $1 handle, $2 now. A tombstone is written once more as it is: when this commit is where the server's settings want it, so is
/// the first one.
const CONFIRM: &str = "UPDATE {s}.session SET ended = true WHERE handle = $1 AND ended AND expires_at > $2";

/// $1 user, $2 now, $3 limit.
const LIST_USER: &str = "
    SELECT handle FROM {s}.session WHERE user_id = $1 AND NOT ended AND expires_at > $2 LIMIT $3";

/// $1 key, $2 expires, $3 body.
const ATTEMPT_PUT: &str = "
    INSERT INTO {s}.attempt (key, expires_at, body) VALUES ($1, $2, $3)
    ON CONFLICT (key) DO UPDATE SET expires_at = excluded.expires_at, body = excluded.body";

/// $1 key.
const ATTEMPT_TAKE: &str = "DELETE FROM {s}.attempt WHERE key = $1 RETURNING expires_at, body";

/// $1 now, $2 limit. What is due and has slid on since is named, to be put off. Rows that somebody is writing are left for the
/// next time: no sweep waits, and no two sweeps meet.
const SWEEP_SESSIONS: &str = "
    WITH due AS (
        SELECT handle, expires_at FROM {s}.session
        WHERE sweep_at <= $1 ORDER BY sweep_at LIMIT $2 FOR UPDATE SKIP LOCKED),
    removed AS (
        DELETE FROM {s}.session USING due
        WHERE session.handle = due.handle AND due.expires_at <= $1 RETURNING session.handle),
    unseen AS (DELETE FROM {s}.seen USING removed WHERE seen.handle = removed.handle)
    SELECT (SELECT count(*) FROM removed), (SELECT count(*) FROM due),
        (SELECT array_agg(handle) FROM due WHERE expires_at > $1),
        set_config('synchronous_commit', 'off', true)";

/// $1 handles. They are due again when they expire, whatever has become of them meanwhile.
const PUT_OFF: &str = "
    WITH slid AS (SELECT handle FROM {s}.session WHERE handle = ANY ($1) FOR UPDATE SKIP LOCKED),
    put_off AS (
        UPDATE {s}.session SET sweep_at = session.expires_at FROM slid WHERE session.handle = slid.handle)
    SELECT set_config('synchronous_commit', 'off', true)";

/// $1 now, $2 limit. Attempts, and the beats of processes that are long gone.
const SWEEP_REST: &str = "
    WITH due AS (
        SELECT key FROM {s}.attempt WHERE expires_at <= $1 LIMIT $2 FOR UPDATE SKIP LOCKED),
    removed AS (DELETE FROM {s}.attempt USING due WHERE attempt.key = due.key RETURNING 1),
    silent AS (DELETE FROM {s}.beat WHERE at < now() - interval '1 day')
    SELECT (SELECT count(*) FROM removed), set_config('synchronous_commit', 'off', true)";

/// $1 channel, $2 payloads. Only says what has been committed before, so it need not be durable itself.
const TELL: &str = "
    SELECT {notify_all}, set_config('synchronous_commit', 'off', true) FROM unnest($2::text[]) AS told";

/// $1 channel, $2 payloads, $3 watchers, each once. The rows are what makes the standby be asked: a transaction that only
/// notifies writes nothing, and PostgreSQL commits it without asking anybody. Says which standbys commits wait for.
const BEAT: &str = "
    WITH alive AS (
        INSERT INTO {s}.beat (watcher, at) SELECT watcher, now() FROM unnest($3::bigint[]) AS watcher
        ON CONFLICT (watcher) DO UPDATE SET at = excluded.at)
    SELECT {notify_all}, current_setting('synchronous_standby_names', true) FROM unnest($2::text[]) AS told";

#[cfg(test)]
mod tests;
