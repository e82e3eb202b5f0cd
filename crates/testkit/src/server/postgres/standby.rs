//! A standby: a copy of a running server that follows it by streaming, and takes its place when told.

use std::path::Path;
use std::process::Command;

use super::{PASSWORD, PROGRAMS, Postgres, SUPERUSER, data};
use crate::patience::{PATIENCE, Patience};
use crate::server::{ASK_EVERY, Account, directory, pause, program};

impl Postgres {
    /// A standby that follows this server, which from now on acknowledges no commit that the standby does not have.
    pub fn standby(&self) -> Self {
        let account = Account::instead_of_root(SUPERUSER);
        let directory = directory(account.as_ref());
        let mut command = Command::new(program("pg_basebackup", Some(Path::new(PROGRAMS))));
        command.arg("-D").arg(data(directory.path())).args(["-R", "-X", "stream", "-c", "fast", "--no-sync"]);
        command.args(["-h", "127.0.0.1", "-p", &self.port().to_string(), "-U", SUPERUSER]);
        command.env("PGPASSWORD", PASSWORD);
        if let Some(account) = &account {
            account.wear(&mut command);
        }
        let answer = command.current_dir(directory.path()).output().expect("it comes with the server");
        assert!(answer.status.success(), "pg_basebackup: {}", String::from_utf8_lossy(&answer.stderr));
        let standby = Self::over(directory, &["hot_standby=on", "max_connections=400"], account.as_ref());
        // Not by the standby too, which would have to wait for another once it is promoted.
        self.set("synchronous_standby_names", "*");
        self.until("SELECT sync_state FROM pg_stat_replication", "sync");
        standby
    }

    /// A standby takes writes from now on.
    pub fn promote(&self) {
        self.sql("postgres", "SELECT pg_promote()");
        self.until("SELECT pg_is_in_recovery()", "f");
    }

    fn until(&self, sql: &str, answer: &str) {
        let patience = Patience::new(PATIENCE);
        while self.sql("postgres", sql) != answer {
            assert!(!patience.left().is_zero(), "{sql} never answers {answer}: {}", self.log());
            pause(ASK_EVERY);
        }
    }
}
