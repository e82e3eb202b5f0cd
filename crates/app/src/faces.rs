//! The faces of one listener as one: metrics claims its paths under any host, the proxy has the rest.

use std::sync::Arc;

use vestibule_proxy::Proxy;
use vestibule_wire::{Exchange, Face, Line, Served};

use crate::health::Health;

/// What a listener serves.
pub(crate) enum Faces {
    /// Health and metrics alone.
    Metrics(Health),
    /// The proxy, and perhaps health and metrics on the same address.
    Proxy(Arc<Proxy>, Option<Health>),
}

/// What each face notes of a request.
#[derive(Default)]
pub(crate) struct Note {
    proxy: vestibule_proxy::Note,
}

impl Face for Faces {
    type Note = Note;

    async fn serve<'c>(&'c self, x: Exchange<'c, Note>) -> Served {
        match self {
            Self::Proxy(_, Some(health)) if Health::claims(x.head().target().path()) => health.serve(x).await,
            Self::Proxy(proxy, _) => proxy.serve(x.with_note(|note| &mut note.proxy)).await,
            Self::Metrics(health) => health.serve(x).await,
        }
    }

    fn log(&self, note: &Note, served: &Served, line: &mut Line<'_>) {
        if let Self::Proxy(proxy, _) = self {
            proxy.log(&note.proxy, served, line);
        }
    }
}
