//! What was done to a user and by him: the audit trail, newest first, a page at a time.

use std::net::IpAddr;
use std::sync::Arc;

use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::response::Response;
use serde::{Deserialize, Serialize};
use vestibule_domain::identity::Handle;
use vestibule_ports::authority::{self, Authority, TRAIL_PAGE_MAX};

use crate::moment::Moment;
use crate::reply::{self, Refused};
use crate::user::{self, Named};

/// One record.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
pub struct TrailRecord {
    /// When.
    pub at: Moment,
    /// Who did it: a user, a client, an administrator, the program itself.
    pub by: String,
    /// The address that the order came from, where it came from outside.
    pub from: Option<IpAddr>,
    /// What has been done, in a sentence.
    pub what: String,
    /// The client that it concerns.
    pub client: Option<String>,
    /// The session that it concerns.
    pub session: Option<Handle>,
    /// A cause or a name.
    pub note: Option<String>,
}

/// Records, the newest first.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
pub struct TrailPage {
    /// At most [`TRAIL_PAGE_MAX`].
    pub records: Vec<TrailRecord>,
    /// The value of `before` that gives the next page, where there may be one.
    pub next: Option<u64>,
}

/// Where a page begins.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Paging {
    before: Option<u64>,
}

/// `GET /admin/users/{id}/audit?before=`
pub(crate) async fn show(
    State(authority): State<Arc<dyn Authority>>,
    named: Named,
    paging: Result<Query<Paging>, QueryRejection>,
) -> Result<Response, Refused> {
    let Query(Paging { before }) = paging.map_err(|_| Refused::TrailQuery)?;
    let records = authority.trail(&user::id(named)?, before).await?;
    let is_full = records.len() >= TRAIL_PAGE_MAX;
    let next = records.last().filter(|_| is_full).map(|record| record.id);
    Ok(reply::found(&TrailPage { records: records.into_iter().map(TrailRecord::from).collect(), next }))
}

impl From<authority::TrailRecord> for TrailRecord {
    fn from(record: authority::TrailRecord) -> Self {
        let authority::TrailRecord { id: _, at, by, from, what, client, session, note } = record;
        Self { at: at.into(), by, from, what: what.to_owned(), client, session, note }
    }
}
