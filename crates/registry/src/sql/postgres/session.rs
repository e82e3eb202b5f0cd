//! One connection to PostgreSQL with the transaction that runs on it, and the faults that it may meet.
//! Must not know what the statements are for.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::error::Error as _;
use std::future::Future;
use std::time::Duration;

use futures_util::future::{FutureExt as _, join};
use futures_util::{TryStreamExt as _, pin_mut};
use tokio::runtime::Handle;
use tokio_postgres::error::SqlState;
use tokio_postgres::{Client, Error, Row, Statement};

use super::wait::wait;
use crate::sql::{Bind, RegistryError};

/// Longest wait for the answer to one statement. Longer than the server itself waits for a lock, so that it is the
/// server who says so and the connection stays good.
pub const ANSWER_MAX: Duration = Duration::from_secs(3);

/// A connection. What cannot be trusted any more is marked and not used again.
pub(crate) struct Session {
    runtime: Handle,
    client: Client,
    statements: RefCell<HashMap<Box<str>, Statement>>,
    /// What begins the transaction, until the first statement has taken it along.
    begin: RefCell<Option<String>>,
    /// A statement of this transaction has failed, so the server would not commit it.
    failed: RefCell<Option<RegistryError>>,
    is_lost: Cell<bool>,
    /// The server is in a transaction of ours.
    is_inside: Cell<bool>,
}

impl Session {
    pub(super) fn new(runtime: Handle, client: Client) -> Self {
        Self {
            runtime,
            client,
            statements: RefCell::default(),
            begin: RefCell::new(None),
            failed: RefCell::new(None),
            is_lost: Cell::new(false),
            is_inside: Cell::new(false),
        }
    }

    pub(super) fn is_usable(&self) -> bool {
        !self.is_lost.get() && !self.client.is_closed()
    }

    /// Every row of an answer.
    pub(crate) fn rows(&self, sql: &str, binds: &[Bind<'_>]) -> Result<Vec<Row>, RegistryError> {
        Ok(self.ask(sql, binds)?.0)
    }

    /// Changes rows and says how many.
    pub(crate) fn execute(&self, sql: &str, binds: &[Bind<'_>]) -> Result<usize, RegistryError> {
        Ok(usize::try_from(self.ask(sql, binds)?.1).unwrap_or(usize::MAX))
    }

    /// Several statements without values.
    pub(crate) fn batch(&self, sql: &str) -> Result<(), RegistryError> {
        self.in_transaction(self.client.batch_execute(sql))
    }

    /// The next statement begins a transaction, and the beginning costs no way of its own.
    pub(super) fn begin(&self, how: &str) {
        self.begin.replace(Some(how.to_owned()));
        self.failed.replace(None);
    }

    /// Makes what the transaction did hold.
    pub(super) fn commit(&self) -> Result<(), RegistryError> {
        if !self.is_inside.get() {
            return Ok(());
        }
        // To commit after a fault is to roll back, and the server would not call that an error.
        if let Some(fault) = self.failed.take() {
            return Err(fault);
        }
        self.until_answered(self.client.batch_execute("COMMIT"))?;
        self.is_inside.set(false);
        Ok(())
    }

    /// Leaves the transaction. Nobody waits for the answer: whatever comes next on this connection comes after it.
    pub(super) fn leave(&self) {
        if self.is_inside.take() && self.is_usable() {
            let _sent = self.client.batch_execute("ROLLBACK").now_or_never();
        }
    }

    fn ask(&self, sql: &str, binds: &[Bind<'_>]) -> Result<(Vec<Row>, u64), RegistryError> {
        self.in_transaction(async {
            let known = self.statements.borrow().get(sql).cloned();
            let statement = match known {
                Some(statement) => statement,
                None => {
                    let statement = self.client.prepare(sql).await?;
                    self.statements.borrow_mut().insert(sql.into(), statement.clone());
                    statement
                }
            };
            let rows = self.client.query_raw(&statement, binds.iter().copied()).await?;
            pin_mut!(rows);
            let mut found = Vec::new();
            while let Some(row) = rows.try_next().await? {
                found.push(row);
            }
            Ok((found, rows.rows_affected().unwrap_or(0)))
        })
    }

    /// Runs a statement, behind the beginning of its transaction if that is still to come.
    fn in_transaction<T>(&self, work: impl Future<Output = Result<T, Error>>) -> Result<T, RegistryError> {
        let outcome = match self.begin.take() {
            None => self.until_answered(work),
            // Sent in this order without waiting. If the beginning fails, the server refuses what follows it.
            Some(begin) => {
                self.is_inside.set(true);
                self.until_answered(async {
                    let (begun, done) = join(self.client.batch_execute(&begin), work).await;
                    begun.and(done)
                })
            }
        };
        outcome.inspect_err(|fault| {
            self.failed.replace(Some(fault.clone()));
        })
    }

    fn until_answered<T>(&self, work: impl Future<Output = Result<T, Error>>) -> Result<T, RegistryError> {
        match wait(&self.runtime, ANSWER_MAX, work) {
            Some(Ok(answer)) => Ok(answer),
            Some(Err(error)) => {
                self.is_lost.set(self.is_lost.get() || is_end(&error));
                Err(fault(&error))
            }
            None => {
                // An answer that is still to come must not be taken for that of the next question.
                self.is_lost.set(true);
                Err(RegistryError::Unavailable(format!("no answer within {} s", ANSWER_MAX.as_secs())))
            }
        }
    }
}

/// Whether the connection is no good after this.
fn is_end(error: &Error) -> bool {
    match error.code() {
        // A standby that was the primary: another connection may find the new one.
        Some(code) => *code == SqlState::READ_ONLY_SQL_TRANSACTION || code.code().starts_with("57P"),
        None => true,
    }
}

/// What a fault means to the caller. Values of rows are never in it.
pub(super) fn fault(error: &Error) -> RegistryError {
    let Some(fault) = error.as_db_error() else {
        return RegistryError::Unavailable(whole(error));
    };
    let code = fault.code();
    let is_busy = [
        SqlState::LOCK_NOT_AVAILABLE,
        SqlState::QUERY_CANCELED,
        SqlState::T_R_DEADLOCK_DETECTED,
        SqlState::T_R_SERIALIZATION_FAILURE,
        SqlState::TOO_MANY_CONNECTIONS,
    ];
    let text = format!("{} ({})", fault.message(), code.code());
    if is_busy.contains(code) {
        RegistryError::Busy
    } else if *code != SqlState::INSUFFICIENT_PRIVILEGE && ["22", "23", "42"].contains(&&code.code()[..2]) {
        RegistryError::Inconsistent(text)
    } else {
        RegistryError::Unavailable(text)
    }
}

/// An error with what caused it.
pub(super) fn whole(error: &Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(deeper) = cause {
        text = format!("{text}: {deeper}");
        cause = deeper.source();
    }
    text
}
