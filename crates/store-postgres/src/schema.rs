//! The tables: made and migrated under a lock by whoever comes first, left alone by everyone else. Once they are there, an
//! account that only reads and writes rows is enough.

use tokio_postgres::error::SqlState;
use tokio_postgres::{Client, Error};

use crate::config::Config;
use crate::failure::describe;
use crate::open::OpenError;

/// The newest format of the tables that this program knows.
pub const FORMAT: i32 = 1;

/// The oldest server, as it counts its versions.
const SERVER_MIN: i32 = 130_000;

/// What brings the tables from each format to the next; the first one makes them.
///
/// `session`: handle, version and body of a record, or of what is left of it after its end. Room for the next version of a
/// row stays free on each page, and no index names a column that an ordinary update changes. `seen`: the newest touch, in
/// a table of its own, so that touches neither rewrite bodies nor wait for commits; half of it is room, since sessions that
/// were made together are touched together.
const STEPS: [&str; FORMAT as usize] = ["
    CREATE TABLE {s}.session (
        version bigint NOT NULL,
        expires_at bigint NOT NULL,
        sweep_at bigint NOT NULL,
        ended boolean NOT NULL DEFAULT false,
        user_moved boolean NOT NULL DEFAULT false,
        handle bytea PRIMARY KEY,
        user_id bytea,
        body bytea NOT NULL
    ) WITH (fillfactor = 80);
    CREATE INDEX session_sweep_at ON {s}.session (sweep_at);
    CREATE INDEX session_user_id ON {s}.session (user_id) WHERE user_id IS NOT NULL;
    CREATE TABLE {s}.seen (handle bytea PRIMARY KEY, at bigint) WITH (fillfactor = 50);
    CREATE TABLE {s}.attempt (key bytea PRIMARY KEY, expires_at bigint NOT NULL, body bytea NOT NULL);
    CREATE INDEX attempt_expires_at ON {s}.attempt (expires_at);
    CREATE TABLE {s}.beat (watcher bigint PRIMARY KEY, at timestamptz NOT NULL) WITH (fillfactor = 50);
    CREATE TABLE {s}.format (format integer NOT NULL);
    INSERT INTO {s}.format (format) VALUES (1)"];

/// What an account must be able to do with each table.
const TABLES: [&str; 4] = ["session", "seen", "attempt", "beat"];
const RIGHTS: [&str; 4] = ["SELECT", "INSERT", "UPDATE", "DELETE"];

/// Refuses a server that is too old, and returns what it calls itself.
pub(crate) async fn version(client: &Client, place: &str) -> Result<String, OpenError> {
    let ask =
        "SELECT version(), current_setting('server_version_num')::int, current_setting('server_version')";
    let row = client.query_one(ask, &[]).await.map_err(|e| refused("tell its version", &e))?;
    let (name, number, found): (String, i32, String) = (row.get(0), row.get(1), row.get(2));
    judge(number, found, place).map(|()| name)
}

/// Whether a server of this version is new enough.
fn judge(number: i32, found: String, place: &str) -> Result<(), OpenError> {
    if number < SERVER_MIN { Err(OpenError::TooOld { place: place.to_owned(), found }) } else { Ok(()) }
}

/// Brings the tables to our format, if they are older, and checks that we may use them.
pub(crate) async fn prepare(client: &mut Client, config: &Config) -> Result<(), OpenError> {
    if format(client, config).await? != Some(FORMAT) {
        migrate(client, config).await?;
    }
    rights(client, config).await
}

/// Says whether `prepare` would succeed, and whether our tables are not there yet. Changes nothing.
pub(crate) async fn look(client: &Client, config: &Config) -> Result<bool, OpenError> {
    let found = format(client, config).await?;
    if found == Some(FORMAT) {
        rights(client, config).await?;
    } else {
        right_to_make(client, config).await?;
    }
    Ok(found.is_none())
}

/// Whether we may make tables in the schema, or else the schema itself.
async fn right_to_make(client: &Client, config: &Config) -> Result<(), OpenError> {
    let cannot_tell = |e: Error| refused("tell our privileges", &e);
    let (schema, quoted_schema) = (&config.schema, config.quoted_schema());
    let ask =
        "SELECT has_schema_privilege(n.oid, 'CREATE') FROM pg_catalog.pg_namespace n WHERE n.nspname = $1";
    if let Some(row) = client.query_opt(ask, &[schema]).await.map_err(cannot_tell)? {
        if row.get(0) {
            return Ok(());
        }
        let grant = format!("USAGE, CREATE ON SCHEMA {quoted_schema}");
        return Err(lacks(config, format!("CREATE on schema {schema}"), &grant));
    }
    let ask = "SELECT has_database_privilege(current_database(), 'CREATE')";
    if client.query_one(ask, &[]).await.map_err(cannot_tell)?.get(0) {
        return Ok(());
    }
    Err(OpenError::Privilege {
        user: config.user.clone(),
        lacks: format!("CREATE on database {}, to make schema {schema}", config.database),
        grant: format!("CREATE SCHEMA {quoted_schema} AUTHORIZATION {}", quoted(&config.user)),
    })
}

async fn migrate(client: &mut Client, config: &Config) -> Result<(), OpenError> {
    let (schema, quoted_schema) = (&config.schema, config.quoted_schema());
    let make = |e: Error| match e.code() {
        Some(code) if *code == SqlState::INSUFFICIENT_PRIVILEGE => OpenError::Privilege {
            user: config.user.clone(),
            lacks: describe(&e),
            grant: format!("CREATE SCHEMA {quoted_schema} AUTHORIZATION {}", quoted(&config.user)),
        },
        _ => refused("make our tables", &e),
    };
    let transaction = client.transaction().await.map_err(make)?;
    // Whoever waits here finds the work done. The lock goes with the transaction, and is one for each schema.
    let lock = "SELECT pg_advisory_xact_lock(hashtext('vestibule'), hashtext($1::text))";
    transaction.query(lock, &[schema]).await.map_err(make)?;
    let there = "SELECT 1 FROM pg_catalog.pg_namespace WHERE nspname = $1";
    if transaction.query_opt(there, &[schema]).await.map_err(make)?.is_none() {
        transaction.batch_execute(&format!("CREATE SCHEMA {quoted_schema}")).await.map_err(make)?;
    }
    let found = format(transaction.client(), config).await?;
    let steps = STEPS.iter().skip(usize::try_from(found.unwrap_or(0)).unwrap_or_default());
    for step in steps {
        transaction.batch_execute(&step.replace("{s}", &quoted_schema)).await.map_err(make)?;
    }
    transaction.commit().await.map_err(make)
}

/// The format of the tables that are there. Refuses one that is newer than ours.
async fn format(client: &Client, config: &Config) -> Result<Option<i32>, OpenError> {
    let (schema, quoted) = (&config.schema, config.quoted_schema());
    let there = "SELECT has_schema_privilege(n.oid, 'USAGE'), EXISTS (
            SELECT FROM pg_catalog.pg_class c WHERE c.relnamespace = n.oid AND c.relname = 'format')
        FROM pg_catalog.pg_namespace n WHERE n.nspname = $1";
    let row = client.query_opt(there, &[schema]).await.map_err(|e| refused("look for our tables", &e))?;
    let (may, there) = row.map_or((true, false), |row| (row.get(0), row.get(1)));
    if !there {
        return Ok(None);
    }
    if !may {
        return Err(lacks(config, format!("USAGE on schema {schema}"), &format!("USAGE ON SCHEMA {quoted}")));
    }
    let ask = format!("SELECT format FROM {quoted}.format");
    let row = client.query_one(&ask, &[]).await.map_err(|e| match e.code() {
        Some(code) if *code == SqlState::INSUFFICIENT_PRIVILEGE => {
            lacks(config, format!("SELECT on {schema}.format"), &format!("SELECT ON {quoted}.format"))
        }
        _ => refused("tell the format of our tables", &e),
    })?;
    match row.get(0) {
        found if found > FORMAT => {
            Err(OpenError::NewerSchema { schema: schema.clone(), found, known: FORMAT })
        }
        found => Ok(Some(found)),
    }
}

async fn rights(client: &Client, config: &Config) -> Result<(), OpenError> {
    let ask = "SELECT has_table_privilege($1::text, $2::text)";
    for table in TABLES {
        let table = format!("{}.{table}", config.quoted_schema());
        for right in RIGHTS {
            let row = client.query_one(ask, &[&table, &right]).await;
            let has: bool = row.map_err(|e| refused("tell our privileges", &e))?.get(0);
            if !has {
                let grant =
                    format!("{} ON ALL TABLES IN SCHEMA {}", RIGHTS.join(", "), config.quoted_schema());
                return Err(lacks(config, format!("{right} on {table}").replace('"', ""), &grant));
            }
        }
    }
    Ok(())
}

fn lacks(config: &Config, lacks: String, grant: &str) -> OpenError {
    let user = config.user.clone();
    let grant = format!("GRANT {grant} TO {}", quoted(&user));
    OpenError::Privilege { user, lacks, grant }
}

fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

fn refused(task: &'static str, error: &Error) -> OpenError {
    OpenError::Refused { task, why: describe(error) }
}

#[cfg(test)]
mod tests;
