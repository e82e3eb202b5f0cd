//! What the driver hears while it looks for a primary. Its own error is only that it found none; the reason, which the
//! operator needs, is in its heartbeats.

use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use mongodb::bson::Document;
use mongodb::error::{Error, ErrorKind};
use mongodb::event::EventHandler;
use mongodb::event::sdam::SdamEvent;

use crate::config::Config;
use crate::fault;
use crate::open::{OpenError, is_mongos, is_primary};

/// The last word of each server.
#[derive(Debug, Clone, Default)]
pub(crate) struct Ear(Arc<Mutex<BTreeMap<String, Word>>>);

#[derive(Debug)]
enum Word {
    Said(Document),
    Failed(Error),
}

impl Ear {
    pub(crate) fn handler(&self) -> EventHandler<SdamEvent> {
        let ear = self.clone();
        EventHandler::callback(move |event| match event {
            SdamEvent::ServerHeartbeatSucceeded(event) => {
                ear.words().insert(event.server_address.to_string(), Word::Said(event.reply));
            }
            SdamEvent::ServerHeartbeatFailed(event) => {
                ear.words().insert(event.server_address.to_string(), Word::Failed(event.failure));
            }
            _ => {}
        })
    }

    /// Why there is no primary, where waiting would not help.
    pub(crate) fn verdict(&self, config: &Config) -> Option<OpenError> {
        self.words().iter().find_map(|(server, word)| match word {
            Word::Said(hello) => of_hello(server, hello, config),
            Word::Failed(error) => of_failure(server, error, config),
        })
    }

    /// Why there was none as long as we waited.
    pub(crate) fn last_words(&self, config: &Config) -> OpenError {
        let words = self.words();
        if words.values().all(|word| matches!(word, Word::Failed(error) if hangs_up(error)))
            && !words.is_empty()
        {
            let servers = words.keys().cloned().collect::<Vec<_>>().join(",");
            return if config.uses_tls() {
                OpenError::Tls { server: servers, why: "it hung up; does it speak TLS at all?".to_owned() }
            } else {
                let why = "it hung up; if it demands TLS, add tls=true to the URL";
                OpenError::NotMongo { server: servers, why: why.to_owned() }
            };
        }
        let word = |(server, word): (&String, &Word)| match word {
            Word::Said(_) => format!("{server} answers and is no primary"),
            Word::Failed(error) => format!("{server}: {}", fault::text(error)),
        };
        let why = words.iter().map(word).collect::<Vec<_>>().join("; ");
        let why = if why.is_empty() { "nobody answers".to_owned() } else { why };
        OpenError::Unreachable { hosts: config.hosts(), why }
    }

    fn words(&self) -> MutexGuard<'_, BTreeMap<String, Word>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn of_hello(server: &str, hello: &Document, config: &Config) -> Option<OpenError> {
    let server = server.to_owned();
    if hello.get_bool("isreplicaset").unwrap_or(false) {
        return Some(OpenError::NotFounded { server });
    }
    match (hello.get_str("setName").ok(), config.set()) {
        (None, Some(_)) if !is_mongos(hello) && is_primary(hello) => Some(OpenError::Standalone { server }),
        (Some(found), Some(named)) if found != named => {
            Some(OpenError::OtherSet { server, found: found.to_owned(), named: named.to_owned() })
        }
        _ => None,
    }
}

fn of_failure(server: &str, error: &Error, config: &Config) -> Option<OpenError> {
    let (server, why) = (server.to_owned(), fault::text(error));
    match &*error.kind {
        // Certificates that do not convince reach us as data that is no good.
        ErrorKind::Io(cause) if cause.kind() == io::ErrorKind::InvalidData && config.uses_tls() => {
            Some(OpenError::Tls { server, why })
        }
        ErrorKind::InvalidTlsConfig { .. } => Some(OpenError::Tls { server, why }),
        ErrorKind::InvalidResponse { .. } | ErrorKind::Bson(_) => {
            let why = "what it answers is not MongoDB's protocol".to_owned();
            Some(OpenError::NotMongo { server, why })
        }
        ErrorKind::IncompatibleServer { .. } => Some(OpenError::TooOld { version: why }),
        _ => None,
    }
}

fn hangs_up(error: &Error) -> bool {
    matches!(&*error.kind, ErrorKind::Io(cause) if matches!(
        cause.kind(),
        io::ErrorKind::UnexpectedEof | io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe
    ))
}
