//! Settings of the server under which something acknowledged may be lost, or calls wait for ever.

use tokio_postgres::{Client, Error};

/// What the server's own settings say.
pub(crate) async fn of_server(client: &Client) -> Result<Vec<String>, Error> {
    // Where a server does not know a setting it has no say in the matter.
    let ask = "SELECT current_setting('synchronous_commit', true), current_setting('fsync', true),
        current_setting('full_page_writes', true), current_setting('synchronous_standby_names', true),
        (SELECT count(*) FROM pg_catalog.pg_stat_replication)";
    let row = client.query_one(ask, &[]).await?;
    let setting = |at: usize| row.try_get::<_, Option<String>>(at).map(Option::unwrap_or_default);
    let (commit, fsync, pages, standbys) = (setting(0)?, setting(1)?, setting(2)?, setting(3)?);
    let replicas: i64 = row.try_get(4)?;
    let mut warnings = Vec::new();
    if commit == "off" {
        warnings.push(
            "synchronous_commit is off: a crash of the server loses what it acknowledged in the last moments, \
             log-outs too"
                .to_owned(),
        );
    }
    if commit == "local" && !standbys.is_empty() {
        warnings.push(
            "synchronous_commit is local: a failover loses what the standby had not received, log-outs too"
                .to_owned(),
        );
    }
    if fsync == "off" || pages == "off" {
        warnings.push("fsync or full_page_writes is off: a crash may damage everything".to_owned());
    }
    if replicas > 0 && standbys.is_empty() {
        warnings.push(
            "no standby is synchronous: a failover loses what the standby had not received, log-outs too; \
             set synchronous_standby_names"
                .to_owned(),
        );
    }
    Ok(warnings)
}
