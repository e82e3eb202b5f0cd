//! Finds out who is master: from the sentinels, or from the cluster. Looks again when told to, and every second.

use std::collections::{BTreeSet, HashMap};
use std::ops::RangeInclusive;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use redis::{Cmd, Value, cmd};
use tokio::sync::{Notify, watch};
use tokio::time::{sleep, timeout};

use crate::config::{Arrangement, DIAL_MAX, Place};
use crate::dial::{Dialer, Login, NoConnection};
use crate::link::{Link, Peer};
use crate::script::Scripts;
use crate::topology::{Layout, Master, SLOTS, Topology};

/// How often to look without being told to.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// The least time between two looks.
const LOOK_PAUSE: Duration = Duration::from_millis(100);

/// Why no master was found.
#[derive(Debug, Clone)]
pub(crate) enum NotFound {
    /// None of the places in the URL could be connected to; the last reason.
    NoConnection(NoConnection),
    /// The sentinels know no master of this name.
    NoSuchMaster(String),
    /// Somebody answered, and not with what was asked for.
    WrongAnswer(Place, String),
}

/// Looks for masters.
pub(crate) struct Scout {
    dialer: Arc<Dialer>,
    scripts: Arc<Scripts>,
    sentinels: Vec<Link>,
}

impl Scout {
    /// Connects to the sentinels, where there are some.
    pub(crate) fn new(dialer: &Arc<Dialer>, scripts: &Arc<Scripts>) -> Self {
        let places = match &dialer.config.arrangement {
            Arrangement::Sentinel { .. } => dialer.config.places.as_slice(),
            Arrangement::Single | Arrangement::Cluster => &[],
        };
        let link = |place| Link::to(place, Peer::Sentinel, dialer);
        let sentinels = places.iter().map(link).collect();
        Self { dialer: Arc::clone(dialer), scripts: Arc::clone(scripts), sentinels }
    }

    /// The first look, with the reason where it finds nothing.
    pub(crate) async fn find(&self) -> Result<Layout, NotFound> {
        let config = &self.dialer.config;
        let question = match &config.arrangement {
            Arrangement::Single => return Ok(Layout::of_one(config.places[0].clone())),
            Arrangement::Sentinel { master } => master_of(master),
            Arrangement::Cluster => cluster_slots(),
        };
        let asked = join_all(config.places.iter().map(|place| self.ask(place, &question))).await;
        let mut why = None;
        for result in asked {
            match result {
                Ok(layout) => return Ok(layout),
                // An answer tells more than silence.
                Err(NotFound::NoConnection(_)) if why.is_some() => {}
                Err(reason) => why = Some(reason),
            }
        }
        let nowhere = || NotFound::WrongAnswer(config.places[0].clone(), "no place to ask".to_owned());
        Err(why.unwrap_or_else(nowhere))
    }

    async fn ask(&self, place: &Place, question: &Cmd) -> Result<Layout, NotFound> {
        let sentinel = match &self.dialer.config.arrangement {
            Arrangement::Sentinel { master } => Some(master),
            Arrangement::Single | Arrangement::Cluster => None,
        };
        let login = if sentinel.is_some() { Login::Nobody } else { Login::Own };
        let mut value = self.ask_as(place, login, question).await?;
        if sentinel.is_some() && matches!(&value, Err(refused) if refused.starts_with("NOAUTH")) {
            value = self.ask_as(place, Login::WithoutDatabase, question).await?;
        }
        let value = value.map_err(|why| NotFound::WrongAnswer(place.clone(), why))?;
        let wrong = |what: &str| NotFound::WrongAnswer(place.clone(), what.to_owned());
        match sentinel {
            Some(master) if value == Value::Nil => Err(NotFound::NoSuchMaster(master.clone())),
            Some(_) => named_master(&value).map(Layout::of_one).ok_or_else(|| wrong("names no master")),
            None => layout_of(&value, place).ok_or_else(|| wrong("its cluster serves no slots")),
        }
    }

    /// The outer error is about the connection, the inner one the server's own.
    async fn ask_as(
        &self,
        place: &Place,
        login: Login,
        question: &Cmd,
    ) -> Result<Result<Value, String>, NotFound> {
        let dialed = self.dialer.commands(place, login).await;
        let mut connection = dialed.map_err(NotFound::NoConnection)?;
        let silent = |_| NotFound::WrongAnswer(place.clone(), "does not answer".to_owned());
        let asked = timeout(DIAL_MAX, connection.send_packed_command(question)).await.map_err(silent)?;
        Ok(match asked {
            Ok(Value::ServerError(error)) => {
                Err(format!("{} {}", error.code(), error.details().unwrap_or_default()))
            }
            Ok(value) => Ok(value),
            Err(error) => Err(error.to_string()),
        })
    }

    /// Looks for ever, and tells when something has changed.
    pub(crate) async fn run(self, report: watch::Sender<Arc<Topology>>, look: Arc<Notify>) {
        loop {
            // Either is a reason to look.
            let _reason = timeout(LOOK_EVERY, look.notified()).await;
            let now = Arc::clone(&report.borrow());
            if let Some(layout) = self.look(&now).await
                && layout != now.layout
            {
                let next = Topology::new(layout, Some(&now), &self.dialer, &self.scripts);
                report.send_replace(Arc::new(next));
            }
            sleep(LOOK_PAUSE).await;
        }
    }

    async fn look(&self, now: &Topology) -> Option<Layout> {
        let config = &self.dialer.config;
        match &config.arrangement {
            Arrangement::Single => None,
            Arrangement::Sentinel { master } => {
                let question = master_of(master);
                let asked = self.sentinels.iter().map(|sentinel| timeout(DIAL_MAX, sentinel.send(&question)));
                let answers = join_all(asked).await.into_iter().flatten().flatten();
                let named = answers.filter_map(|value| named_master(&value).map(Layout::of_one));
                most_named(named, &now.layout)
            }
            Arrangement::Cluster => {
                let views = join_all(now.nodes.iter().map(|node| view(&node.link, &node.master.place))).await;
                let found = most_named(views.into_iter().flatten(), &now.layout);
                if found.is_some() { found } else { self.find().await.ok() }
            }
        }
    }
}

/// What one master of a cluster believes.
async fn view(link: &Link, place: &Place) -> Option<Layout> {
    let asked = timeout(DIAL_MAX, link.send(&cluster_slots())).await;
    layout_of(&asked.ok()?.ok()?, place)
}

/// Who the masters are, as one of them believes.
pub(crate) async fn masters(link: &Link, place: &Place) -> Option<BTreeSet<Master>> {
    let asked = timeout(DIAL_MAX, link.send(&cluster_slots())).await;
    let ranges = ranges(&asked.ok()?.ok()?, place)?;
    Some(ranges.into_iter().map(|(_, master)| master).collect())
}

/// One alone may be cut off and live in the past. Where two answers are named equally often, what was before stays.
fn most_named(layouts: impl Iterator<Item = Layout>, before: &Layout) -> Option<Layout> {
    let mut named: HashMap<Layout, usize> = HashMap::new();
    for layout in layouts {
        *named.entry(layout).or_default() += 1;
    }
    named.into_iter().max_by_key(|(layout, times)| (*times, layout == before)).map(|(layout, _)| layout)
}

fn master_of(name: &str) -> Cmd {
    let mut question = cmd("SENTINEL");
    question.arg("GET-MASTER-ADDR-BY-NAME").arg(name);
    question
}

fn cluster_slots() -> Cmd {
    let mut question = cmd("CLUSTER");
    question.arg("SLOTS");
    question
}

fn named_master(value: &Value) -> Option<Place> {
    let Value::Array(parts) = value else { return None };
    let [host, port] = parts.as_slice() else { return None };
    Some(Place { host: text(host)?, port: text(port)?.parse().ok()? })
}

/// The answer to `CLUSTER SLOTS`: for each range of slots its ends, its master, its replicas.
fn ranges(value: &Value, asked: &Place) -> Option<Vec<(RangeInclusive<usize>, Master)>> {
    let Value::Array(ranges) = value else { return None };
    let range = |range: &Value| {
        let Value::Array(parts) = range else { return None };
        let [Value::Int(first), Value::Int(last), Value::Array(master), ..] = parts.as_slice() else {
            return None;
        };
        let range = usize::try_from(*first).ok()?..=usize::try_from(*last).ok()?;
        Some((range, master_in(master, asked)?))
    };
    ranges.iter().map(range).collect()
}

/// The masters come in an order of their own: two servers list the same ranges differently.
fn layout_of(value: &Value, asked: &Place) -> Option<Layout> {
    let ranges = ranges(value, asked)?;
    let masters: BTreeSet<Master> = ranges.iter().map(|(_, master)| master.clone()).collect();
    let masters: Vec<Master> = masters.into_iter().collect();
    let mut slots = vec![None; usize::from(SLOTS)];
    for (range, master) in ranges {
        let at = masters.binary_search(&master).ok()?;
        slots.get_mut(range)?.fill(Some(u16::try_from(at).ok()?));
    }
    (!masters.is_empty()).then_some(Layout { masters, slots: Some(slots) })
}

fn master_in(parts: &[Value], asked: &Place) -> Option<Master> {
    let [host, Value::Int(port), id, ..] = parts else { return None };
    // A node that does not know its own address leaves it to whoever has reached it.
    let host =
        text(host).filter(|host| !host.is_empty() && host != "?").unwrap_or_else(|| asked.host.clone());
    Some(Master { id: text(id)?, place: Place { host, port: u16::try_from(*port).ok()? } })
}

fn text(value: &Value) -> Option<String> {
    match value {
        Value::BulkString(bytes) => String::from_utf8(bytes.clone()).ok(),
        Value::SimpleString(text) => Some(text.clone()),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
