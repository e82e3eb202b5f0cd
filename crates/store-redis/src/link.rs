//! One connection to one server, kept up by a task of its own. Calls never dial: they use what is up, or fail at once.
//! A server that does not answer a ping is given up, so that a frozen one holds nothing for long.

use std::sync::Arc;
use std::time::Duration;

use redis::aio::MultiplexedConnection;
use redis::{Cmd, Pipeline, Value, cmd, pipe};
use tokio::sync::{Notify, watch};
use tokio::time::{sleep, timeout};

use crate::config::{COMMAND_MAX, Place};
use crate::description::Description;
use crate::dial::{Dialer, Login};
use crate::refusal::{Failure, answer, failure};
use crate::script::Scripts;
use crate::task::Task;

/// How often an idle or busy connection is asked whether it lives.
const PING_EVERY: Duration = Duration::from_millis(500);

/// How long the answer may take, behind all that was asked before.
const PING_MAX: Duration = Duration::from_secs(1);

/// How long to wait between two tries to connect.
const DIAL_EVERY: Duration = Duration::from_millis(100);

/// What is at the other end.
#[derive(Clone)]
pub(crate) enum Peer {
    /// A master with our entries, which knows these scripts.
    Master(Arc<Scripts>),
    /// A sentinel.
    Sentinel,
}

#[derive(Clone)]
enum State {
    Up(MultiplexedConnection),
    Down(String),
}

/// A connection that comes back by itself.
pub(crate) struct Link {
    place: Place,
    state: watch::Receiver<State>,
    doubt: Arc<Notify>,
    _keeper: Task,
}

impl Link {
    /// Starts to connect, and never ends until dropped.
    pub(crate) fn to(place: &Place, peer: Peer, dialer: &Arc<Dialer>) -> Self {
        let (report, state) = watch::channel(State::Down(format!("redis at {place} is not connected yet")));
        let doubt = Arc::new(Notify::new());
        let keeper = Keeper {
            place: place.clone(),
            peer,
            dialer: Arc::clone(dialer),
            report,
            doubt: Arc::clone(&doubt),
        };
        Self { place: place.clone(), state, doubt, _keeper: Task::spawn(keeper.keep()) }
    }

    /// Waits until it is up.
    pub(crate) async fn up(&self) {
        let mut state = self.state.clone();
        // The keeper holds the sender for as long as we hold the keeper.
        let _up = state.wait_for(|state| matches!(state, State::Up(_))).await;
    }

    /// Sends one command and waits for its answer.
    pub(crate) async fn send(&self, command: &Cmd) -> Result<Value, Failure> {
        let mut connection = self.connection()?;
        let answered = timeout(COMMAND_MAX, connection.send_packed_command(command)).await;
        let answered = answered.map_or_else(|_| Err(self.late()), answer);
        answered.inspect_err(|failure| self.weigh(failure))
    }

    /// Sends several commands as one, and waits for all answers.
    pub(crate) async fn send_all(&self, commands: &[Cmd]) -> Result<Vec<Result<Value, Failure>>, Failure> {
        let mut connection = self.connection()?;
        let batch = batch(commands);
        let answered = timeout(COMMAND_MAX, connection.send_packed_commands(&batch, 0, commands.len())).await;
        let values = match answered {
            Err(_) => Err(self.late()),
            Ok(values) => values.map_err(|error| failure(&error)),
        };
        let values = values.inspect_err(|failure| self.weigh(failure))?;
        let weighed = |value| answer(Ok(value)).inspect_err(|failure| self.weigh(failure));
        Ok(values.into_iter().map(weighed).collect())
    }

    fn connection(&self) -> Result<MultiplexedConnection, Failure> {
        match &*self.state.borrow() {
            State::Up(connection) => Ok(connection.clone()),
            State::Down(why) => Err(Failure::Unsent(why.clone())),
        }
    }

    fn late(&self) -> Failure {
        Failure::Lost(format!("redis at {} has not answered in {} s", self.place, COMMAND_MAX.as_secs()))
    }

    /// A connection that has lost an answer, or leads to a replica, is looked at now and not at the next ping.
    fn weigh(&self, failure: &Failure) {
        let doubtful = match failure {
            Failure::Lost(_) => true,
            Failure::Refused(refusal) => refusal.code == "READONLY",
            Failure::Unsent(_) | Failure::Unsafe(_) => false,
        };
        if doubtful {
            self.doubt.notify_one();
        }
    }
}

fn batch(commands: &[Cmd]) -> Pipeline {
    let mut batch = pipe();
    for command in commands {
        batch.add_command(command.clone());
    }
    batch
}

struct Keeper {
    place: Place,
    peer: Peer,
    dialer: Arc<Dialer>,
    report: watch::Sender<State>,
    doubt: Arc<Notify>,
}

impl Keeper {
    async fn keep(self) {
        loop {
            let why = match self.dial().await {
                Ok(connection) => {
                    self.report.send_replace(State::Up(connection.clone()));
                    self.until_lost(connection).await
                }
                Err(why) => why,
            };
            self.report.send_replace(State::Down(why));
            sleep(DIAL_EVERY).await;
        }
    }

    async fn dial(&self) -> Result<MultiplexedConnection, String> {
        match &self.peer {
            Peer::Sentinel => {
                let dial = self.dialer.commands(&self.place, Login::Nobody);
                let mut connection = dial.await.map_err(|no| no.to_string())?;
                // A sentinel that wants a user wants ours, as far as we know.
                if ping(&mut connection).await.is_ok() {
                    return Ok(connection);
                }
                let dial = self.dialer.commands(&self.place, Login::WithoutDatabase);
                dial.await.map_err(|no| no.to_string())
            }
            Peer::Master(scripts) => {
                let dial = self.dialer.commands(&self.place, Login::Own);
                let mut connection = dial.await.map_err(|no| no.to_string())?;
                match timeout(PING_MAX, ready(&mut connection, scripts)).await {
                    Ok(Ok(())) => Ok(connection),
                    Ok(Err(why)) => Err(format!("redis at {}: {why}", self.place)),
                    Err(_) => Err(format!("redis at {} does not answer", self.place)),
                }
            }
        }
    }

    /// Watches a connection, and says why it is one no more.
    async fn until_lost(&self, mut connection: MultiplexedConnection) -> String {
        loop {
            // Either is a reason to ask.
            let _reason = timeout(PING_EVERY, self.doubt.notified()).await;
            let fine = match &self.peer {
                Peer::Sentinel => ping(&mut connection).await,
                Peer::Master(_) => see_master(&mut connection).await,
            };
            if let Err(why) = fine {
                return format!("redis at {}: {why}", self.place);
            }
        }
    }
}

/// Asks whether anybody is there who takes commands from us.
async fn ping(connection: &mut MultiplexedConnection) -> Result<(), String> {
    asked(connection, &cmd("PING")).await.map(drop)
}

/// A master, still: a replica would answer reads with the past.
async fn see_master(connection: &mut MultiplexedConnection) -> Result<(), String> {
    let mut info = cmd("INFO");
    info.arg("replication");
    match Description::read(&asked(connection, &info).await?) {
        Some(info) if info.is_replica() => Err("it is a replica, not a master".to_owned()),
        _ => Ok(()),
    }
}

async fn asked(connection: &mut MultiplexedConnection, command: &Cmd) -> Result<Value, String> {
    match timeout(PING_MAX, connection.send_packed_command(command)).await.map(answer) {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(Failure::Refused(refusal))) => Err(refusal.text()),
        Ok(Err(Failure::Lost(why) | Failure::Unsent(why) | Failure::Unsafe(why))) => Err(why),
        Err(_) => Err("it does not answer".to_owned()),
    }
}

/// Loads the scripts into a master.
async fn ready(connection: &mut MultiplexedConnection, scripts: &Scripts) -> Result<(), String> {
    for script in scripts.all() {
        asked(connection, &script.load()).await?;
    }
    see_master(connection).await
}
