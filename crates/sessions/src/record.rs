//! Between the domain's records and the store's.

use vestibule_domain::audit;
use vestibule_domain::identity::Handle;
use vestibule_domain::limits::Limits;
use vestibule_domain::session::Session;
use vestibule_ports::session_store::{Record, StoreError, Tombstone};

pub(crate) fn record(session: &Session, limits: &Limits) -> Record {
    Record {
        body: session.encode().into(),
        user: session.newest_user().map(|user| user.as_str().to_owned()),
        expires_at: session.expires_at(limits),
    }
}

pub(crate) fn tombstone(tombstone: &audit::Tombstone, limits: &Limits) -> Tombstone {
    Tombstone { body: tombstone.encode().into(), expires_at: tombstone.expires_at(limits) }
}

/// One record that is damaged makes one session invalid and no other. One of a newer release says nothing here.
pub(crate) fn session(handle: Handle, record: &Record) -> Result<Session, StoreError> {
    Session::decode(&record.body).map_err(|why| {
        let told = format!("session {handle}: {why}");
        if why.may_be_newer() { StoreError::Newer(told) } else { StoreError::Corrupt(told) }
    })
}
