//! A look at the database as a start would find it. Nothing is written.

use tokio::time::timeout;

use crate::config::Config;
use crate::dial::Dialer;
use crate::open::{OPEN_MAX, OpenError};
use crate::sql::Dialect;
use crate::{schema, warnings};

/// What a look has shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Examined {
    /// What the server's settings may lose, and what it lacks.
    pub warnings: Vec<String>,
    /// Whether our tables are not there yet.
    pub is_new: bool,
}

/// Says whether [`PostgresStore::open`](crate::PostgresStore::open) would succeed, as far as that can be seen without
/// writing anything.
pub async fn examine(config: Config) -> Result<Examined, OpenError> {
    let late =
        || OpenError::Unreachable { place: config.place(), why: "it does not answer in time".to_owned() };
    timeout(OPEN_MAX * 2, look(&config)).await.unwrap_or_else(|_| Err(late()))
}

async fn look(config: &Config) -> Result<Examined, OpenError> {
    let (client, link) = Dialer::new(config)?.dial(OPEN_MAX).await?;
    // Ends with the client.
    let _link = tokio::spawn(link);
    let name = schema::version(&client, &config.place()).await?;
    let is_new = schema::look(&client, config).await?;
    let mut warnings = Vec::from_iter(Dialect::of(&name).warning());
    match warnings::of_server(&client).await {
        Ok(found) => warnings.extend(found),
        Err(e) => warnings.push(format!("the server's settings could not be read: {e}")),
    }
    Ok(Examined { warnings, is_new })
}
