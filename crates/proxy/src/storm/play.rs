//! Plays a history: one thread, time that moves when a step says so, and everything random from the seed.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::task::{JoinError, JoinHandle};
use vestibule_domain::rule::Rules;
use vestibule_ports::issuer::{Cause, End, Issuer as _};
use vestibule_ports::memory::MemoryIssuer;

use super::book::{Book, Invariant, Violation};
use super::clock::StormClock;
use super::links::{FORTUNE, Fortune, Links};
use super::node::{Node, World};
use super::own_pages::user_id;
use super::request::{Outcome, Shows, Tab};
use super::step::{BROWSERS, Ender, History, NODES, Page, Step};
use super::store::{Planted, Truth};

/// How often the IDP beats.
const BEAT_EVERY: Duration = Duration::from_millis(500);
/// Until then a node has begun its standing work.
const READY: Duration = Duration::from_millis(20);
/// Until then every request has its answer.
const REQUEST_MAX: Duration = Duration::from_secs(30);
/// Until then every touch has been tried to be saved.
const TOUCHED: Duration = Duration::from_secs(11);
/// Until then a node that was healed is as good as new: what was late has come, and what was broken is open again.
const HEALED: Duration = Duration::from_secs(8);

/// What came of a history.
pub(super) struct Played {
    pub(super) violation: Option<Violation>,
    /// What happened, line by line.
    pub(super) log: Vec<String>,
}

/// Plays a history from its beginning until something does not hold.
pub(super) fn play(history: &History, planted: Planted) -> Played {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
    let runtime = runtime.expect("a runtime without I/O needs nothing");
    runtime.block_on(async {
        let mut storm = Storm::begin(history, planted).await;
        for step in &history.steps {
            storm.take(*step).await;
            storm.reap().await;
            if storm.watch() {
                return storm.end();
            }
        }
        storm.heal().await;
        storm.end()
    })
}

struct Storm {
    world: World,
    seed: u64,
    clock: Arc<StormClock>,
    links: Vec<Arc<Links>>,
    nodes: Vec<Arc<Node>>,
    /// Nodes that were ever started.
    started: u64,
    /// Requests under way, with the nodes that serve them.
    running: Vec<(Vec<usize>, JoinHandle<()>)>,
    beats: JoinHandle<()>,
}

impl Storm {
    async fn begin(history: &History, planted: Planted) -> Self {
        let seed = history.seed;
        let clock = Arc::new(StormClock::new());
        let truth = Truth::new(planted);
        let links: Vec<_> = (0..NODES).map(|_| Arc::new(Links::new())).collect();
        let idp = Arc::new(MemoryIssuer::new(clock.clone()));
        let book = Book::new(seed, Arc::clone(&clock), Arc::clone(&truth), links.clone());
        let beating = Arc::clone(&idp);
        let beats = tokio::spawn(async move {
            loop {
                beating.beat();
                tokio::time::sleep(BEAT_EVERY).await;
            }
        });
        let rules = Rules { browser: history.has_thieves(), network: false };
        let world = World { truth, idp, book: Arc::new(Mutex::new(book)), rules };
        let mut storm =
            Self { world, seed, clock, links, nodes: Vec::new(), started: 0, running: Vec::new(), beats };
        for number in 0..usize::from(NODES) {
            let node = storm.start(number);
            storm.nodes.push(node);
        }
        // Nobody comes before a node is ready.
        tokio::time::sleep(READY).await;
        storm
    }

    fn start(&mut self, number: usize) -> Arc<Node> {
        self.started += 1;
        let seed = self.seed.wrapping_mul(1_000).wrapping_add(self.started);
        Node::start(&self.world, number, &self.links[number], seed)
    }

    /// One step; what it starts goes on in the steps after it.
    async fn take(&mut self, step: Step) {
        self.world.book.lock().unwrap().begin(step);
        match step {
            Step::Visit { browser, node, page, luck } => {
                let tab = self.tab(browser, node, luck);
                self.run(&[node], &tab.fortune.clone(), async move {
                    // What the browser was told is in the book.
                    let _outcome = tab.visit(page).await;
                });
            }
            Step::Replay { browser, node, page, luck } => {
                let tab = Tab { shows: Shows::Copied, ..self.tab(browser, node, luck) };
                self.run(&[node], &tab.fortune.clone(), async move {
                    let _outcome = tab.visit(page).await;
                });
            }
            Step::Steal { browser, node, page, luck } => {
                let tab = Tab { shows: Shows::Stolen, ..self.tab(browser, node, luck) };
                self.run(&[node], &tab.fortune.clone(), async move {
                    let _outcome = tab.visit(page).await;
                });
            }
            Step::LogOn { browser, node, back, user, luck } => {
                let (tab, to) = (self.tab(browser, node, luck), Arc::clone(&self.nodes[index(back, NODES)]));
                self.run(&[node, back], &tab.fortune.clone(), tab.log_on(to, user));
            }
            Step::ProveAgain { browser, node, back, user, luck } => {
                let (tab, to) = (self.tab(browser, node, luck), Arc::clone(&self.nodes[index(back, NODES)]));
                self.run(&[node, back], &tab.fortune.clone(), tab.step_up(to, user));
            }
            Step::LogOut { browser, node, everywhere, luck } => {
                let tab = self.tab(browser, node, luck);
                self.run(&[node], &tab.fortune.clone(), tab.log_out(everywhere));
            }
            Step::End { user, by } => self.end_at_the_idp(user, by).await,
            Step::Close { browser } => {
                self.world.book.lock().unwrap().jars[index(browser, BROWSERS)].close();
            }
            Step::Wait { millis } => tokio::time::sleep(Duration::from_millis(millis.into())).await,
            Step::Leap { minutes } => {
                self.calm().await;
                tokio::time::sleep(TOUCHED).await;
                self.clock.leap(Duration::from_mins(minutes.into()));
            }
            Step::Store { node, link } => *self.links[index(node, NODES)].store.lock().unwrap() = link,
            Step::Copies { copies } => self.world.truth.set_copies(copies),
            Step::Idp { node, link } => self.links[index(node, NODES)].set_idp(link),
            Step::Events { node, channel } => self.links[index(node, NODES)].events.set(channel),
            Step::Ends { node, channel } => self.links[index(node, NODES)].ends.set(channel),
            Step::Crash { node } => self.crash(index(node, NODES)),
            Step::Clock { node, seconds } => {
                self.world.book.lock().unwrap().clocks[index(node, NODES)].set(seconds);
            }
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
    }

    /// Whoever asks for it is told as soon as the IDP has done it.
    async fn end_at_the_idp(&self, user: u8, by: Ender) {
        let user = user_id(user);
        let (end, cause) = match by {
            Ender::Revoke => (Some(End::User { id: user, by: None }), Cause::Revoked),
            Ender::Disable => (Some(End::User { id: user, by: None }), Cause::UserDisabled),
            Ender::Password => (Some(End::User { id: user, by: None }), Cause::PasswordChanged),
            Ender::Cap => (self.world.book.lock().unwrap().oldest_of(user.as_str()), Cause::TooMany),
        };
        let Some(end) = end else { return };
        self.world.idp.end(end.clone(), cause).await.expect("the IDP itself is well");
        let mut book = self.world.book.lock().unwrap();
        book.ended(end.clone(), cause);
        book.acknowledge(|it| *it == end);
    }

    fn tab(&self, browser: u8, node: u8, luck: u32) -> Tab {
        Tab {
            world: self.world.clone(),
            node: Arc::clone(&self.nodes[index(node, NODES)]),
            browser: index(browser, BROWSERS),
            shows: Shows::Own,
            fortune: Fortune::new(luck),
        }
    }

    fn run(
        &mut self,
        nodes: &[u8],
        fortune: &Arc<Fortune>,
        request: impl Future<Output = ()> + Send + 'static,
    ) {
        let nodes = nodes.iter().map(|node| index(*node, NODES)).collect();
        self.running.push((nodes, tokio::spawn(FORTUNE.scope(Arc::clone(fortune), request))));
    }

    /// A node dies, its requests without an answer, and another begins in its place.
    fn crash(&mut self, number: usize) {
        for (_, request) in self.running.iter().filter(|(nodes, _)| nodes.contains(&number)) {
            request.abort();
        }
        self.nodes[number].kill();
        self.world.book.lock().unwrap().forget(number);
        self.links[number].note_idp_failure();
        self.nodes[number] = self.start(number);
    }

    /// Waits until every request has its answer.
    async fn calm(&mut self) {
        for (_, mut request) in std::mem::take(&mut self.running) {
            match tokio::time::timeout(REQUEST_MAX, &mut request).await {
                Ok(ended) => self.judge(ended),
                Err(_) => {
                    request.abort();
                    let mut book = self.world.book.lock().unwrap();
                    book.accuse(Invariant::AllIsWellAfterHealing, "a request has no answer");
                }
            }
        }
    }

    /// Looks at requests that have ended.
    async fn reap(&mut self) {
        for (nodes, request) in std::mem::take(&mut self.running) {
            if request.is_finished() {
                let ended = request.await;
                self.judge(ended);
            } else {
                self.running.push((nodes, request));
            }
        }
    }

    fn judge(&self, ended: Result<(), JoinError>) {
        if ended.is_err_and(|why| why.is_panic()) {
            self.world.book.lock().unwrap().accuse(Invariant::NobodyPanics, "a request panicked");
        }
    }

    /// Whether something does not hold.
    fn watch(&mut self) -> bool {
        let mut book = self.world.book.lock().unwrap();
        book.watch();
        book.violation().is_some()
    }

    /// All faults end, and then everybody is served, by every node, with what is stored.
    async fn heal(&mut self) {
        self.world.book.lock().unwrap().heal();
        self.links.iter().for_each(|links| links.heal());
        self.world.truth.heal();
        self.calm().await;
        tokio::time::sleep(HEALED).await;
        for node in 0..NODES {
            for browser in 0..BROWSERS {
                let tab = self.tab(browser, node, 0);
                let fortune = Arc::clone(&tab.fortune);
                let outcome = FORTUNE.scope(fortune, tab.visit(Page::Shop)).await;
                let mut book = self.world.book.lock().unwrap();
                book.watch();
                if outcome != (Outcome::Served { degraded: false }) {
                    let what = format!("browser {browser} at node {node}: {outcome:?}");
                    book.accuse(Invariant::AllIsWellAfterHealing, what);
                }
            }
        }
        self.world.book.lock().unwrap().must_be_paid();
    }

    fn end(self) -> Played {
        self.beats.abort();
        let mut book = self.world.book.lock().unwrap();
        let (log, violation) = book.take_parts();
        Played { violation, log }
    }
}

/// Steps are total: whatever the number, it is one of so many.
fn index(number: u8, of: u8) -> usize {
    usize::from(number % of)
}
