//! Storms without bugs, storms with planted ones, and what failed once.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::process::Command;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use vestibule_ports::clock::{Clock as _, SystemClock};

use super::book::{Invariant, Violation};
use super::play::play;
use super::shrink::shrink;
use super::step::{History, Step};
use super::store::Planted;

/// Storms of an ordinary run.
const STORMS: u64 = 400;
/// In so many storms a planted bug is found.
const STORMS_WITH_A_BUG_MAX: u64 = 400;
/// A bug is understood from so many steps.
const STEPS_MAX: usize = 16;

/// Histories that failed once: the reason, the seed and the steps.
const REGRESSIONS: &[(&str, u64, &str)] = &[
    (
        "a log-on from a sign-on session that a log-out in another tab is just ending",
        132,
        "log-on 2 1 1 1 0; wait 20; log-out 2 0 this 0; log-on 2 2 1 1 0",
    ),
    (
        "a fall that the last request finds",
        11_504,
        "log-on 0 0 0 1 0; store 2 deaf; wait 50; wait 50; leap 29; leap 1; wait 1600; replay 0 2 account 0",
    ),
    ("a touch right before a leap", 21_017, "log-on 2 0 0 0 0; leap 29; visit 2 0 account 0; leap 6"),
    (
        "a log-on whose commit is not answered, while another tab reads by what stood before",
        322,
        "leap 6; log-on 2 1 0 1 14528; visit 2 2 basket 0",
    ),
    (
        "a log-on whose commit is not answered, and the basket of the cookies that the browser still has",
        51,
        "events 0 silent; wait 3000; visit 0 2 basket 0; log-on 0 2 0 1 10816",
    ),
    (
        "the same, and a patch that was on its way says nothing of the new cookies",
        574,
        "log-on 2 2 2 0 0; wait 50; visit 2 2 basket 58075; events 0 cut; log-on 2 1 0 0 49035; wait 1600",
    ),
    (
        "a log-on that is over by the IDP's clock, and by that of a node not yet",
        88,
        "log-on 2 0 0 1 0; leap 29; visit 2 0 account 0; leap 29; visit 2 0 account 0; leap 29; visit 2 0 account 0; \
         leap 29; visit 2 0 account 0; leap 29; visit 2 0 account 0; leap 29; visit 2 0 account 0; \
         leap 29; visit 2 0 account 0; leap 29; clock 0 -540; leap 5; leap 1; leap 1; visit 2 0 shop 0",
    ),
    (
        "a log-on that falls by a rule while the IDP refuses it to a request beside",
        713,
        "step-up 1 1 2 0 0; wait 5; steal 1 0 account 0; password 0; visit 1 0 basket 0",
    ),
    (
        "a process that has just begun hears of a user's end from before a newer session of his",
        46,
        "idp 1 silent; revoke 1; log-on 2 2 2 1 0; leap 239; crash 1; visit 2 2 basket 0",
    ),
    (
        "a log-on from after its user's end, by a clock that is behind, while a node still clears what was before it",
        764,
        "wait 400; clock 2 -540; wait 50; wait 50; store 1 silent; revoke 0; log-on 2 2 2 0 0; wait 260",
    ),
    (
        "the same, and one whose grant is dead because its commit was not answered: the basket stays",
        2_056,
        "events 2 +180; visit 1 0 shop 53083; leap 11; store 2 deaf; wait 260; disable 0; step-up 2 0 0 0 0; \
         log-on 2 0 2 0 22952",
    ),
    (
        "the same, and one that has fallen by the time that the node can look for it",
        2_384,
        "wait 400; wait 50; wait 50; store 2 refusing; disable 0; clock 0 -540; log-on 3 0 0 0 0; leap 10079",
    ),
];

#[test]
fn everything_holds_in_every_storm() {
    let number = |text: &str| text.parse().expect("a number of storms, as 5000, or of seconds, as 60s");
    let seed = asked("VESTIBULE_STORM_SEED").map(|seed| number(&seed));
    let usual = seed.map_or(STORMS, |_| 1).to_string();
    let (first, wanted) = (seed.unwrap_or(0), asked("VESTIBULE_STORM").unwrap_or(usual));
    let (count, time) = match wanted.strip_suffix('s') {
        Some(seconds) => (u64::MAX, Duration::from_secs(number(seconds))),
        None => (number(&wanted), Duration::MAX),
    };
    let clock = SystemClock::new();
    let began = clock.mono();
    let passed = || clock.mono().since(began);
    let (played, failed) = blow(first, |done| done < count && passed() < time);
    println!("{played} storms in {:?}", passed());
    if let Some((seed, violation)) = failed {
        panic!("{}", story(&History::of(seed), Planted::Nothing, &violation));
    }
}

#[test]
fn what_failed_once_holds() {
    for (why, seed, steps) in REGRESSIONS {
        let history = History::parse(*seed, steps).unwrap();
        let violation = play(&history, Planted::Nothing).violation;
        assert!(violation.is_none(), "{why}: {}", story(&history, Planted::Nothing, &violation.unwrap()));
    }
}

#[test]
fn a_touch_that_resurrects_is_found() {
    finds(Planted::TouchResurrects, &[Invariant::NothingResurrects]);
}

#[test]
fn a_cache_that_ignores_a_hole_in_the_events_is_found() {
    finds(Planted::GapUnheard, &[Invariant::RevokedIsNotLive, Invariant::ShownIsSaved]);
}

#[test]
fn a_node_that_answers_before_it_has_committed_is_found() {
    finds(Planted::AnswersEarly, &[Invariant::PatchIsKept, Invariant::ShownIsSaved]);
}

#[test]
fn a_commit_that_does_not_look_at_the_version_is_found() {
    finds(
        Planted::LosesUpdates,
        &[Invariant::PatchIsKept, Invariant::ShownIsSaved, Invariant::NoFallWithoutCause],
    );
}

#[test]
fn a_failed_read_that_passes_for_an_empty_one_is_found() {
    finds(Planted::ErrorIsAbsent, &[Invariant::NoFallWithoutCause]);
}

#[test]
fn an_end_that_is_acknowledged_and_forgotten_is_found() {
    finds(Planted::EndForgotten, &[Invariant::LogOutIsTrue, Invariant::RevokedIsNotLive]);
}

#[test]
fn an_end_that_no_node_hears_of_is_found() {
    finds(Planted::EndUntold, &[Invariant::RevokedIsNotLive]);
}

#[test]
fn a_fall_by_a_rule_that_is_acknowledged_and_forgotten_is_found() {
    let seen_as = [
        Invariant::RuleIsKept,
        Invariant::RevokedIsNotLive,
        Invariant::NoFallWithoutCause,
        Invariant::AllIsWellAfterHealing,
    ];
    finds(Planted::FallForgotten, &seen_as);
}

#[test]
fn an_end_of_one_log_on_that_nodes_do_not_understand_is_found() {
    finds(Planted::GrantUnnamed, &[Invariant::RevokedIsNotLive]);
}

#[test]
fn a_lease_that_is_counted_by_the_time_of_day_is_found() {
    finds(Planted::OneClock, &[Invariant::RevokedIsNotLive, Invariant::ShownIsSaved]);
}

#[test]
fn a_store_whose_copies_are_late_and_whose_reads_are_believed_is_found() {
    finds(Planted::ReadingBelieved, &[Invariant::ShownIsSaved, Invariant::LogOutIsTrue]);
}

#[test]
fn a_seed_plays_the_same_again_and_in_another_process() {
    const CHILD: &str = "VESTIBULE_STORM_CHILD";
    let digests: Vec<u64> =
        (0..8).map(|seed| digest(&play(&History::of(seed), Planted::Nothing).log)).collect();
    let digests = format!("{digests:?}");
    if asked(CHILD).is_some() {
        println!("digests {digests} end");
        return;
    }
    let name = "storm::tests::a_seed_plays_the_same_again_and_in_another_process";
    let mut child = Command::new(std::env::current_exe().unwrap());
    let told = child.args([name, "--exact", "--nocapture"]).env(CHILD, "1").output().unwrap();
    let told = String::from_utf8_lossy(&told.stdout).into_owned();
    assert!(told.contains(&format!("digests {digests} end")), "here {digests}, there: {told}");
}

#[test]
fn a_history_is_read_back_from_its_text() {
    for seed in 0..200 {
        let history = History::of(seed);
        assert_eq!(History::parse(seed, &history.to_string()), Ok(history));
    }
    assert!("visit 1 2 nowhere 3".parse::<Step>().is_err());
}

/// Plays while `goes_on` and no seed fails; how many were played, and the lowest that failed.
fn blow(first: u64, goes_on: impl Fn(u64) -> bool + Sync) -> (u64, Option<(u64, Violation)>) {
    let (next, played) = (AtomicU64::new(first), AtomicU64::new(0));
    let failed = Mutex::new(None::<(u64, Violation)>);
    let work = || {
        loop {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if !goes_on(seed - first) || failed.lock().unwrap().is_some() {
                return;
            }
            let violation = play(&History::of(seed), Planted::Nothing).violation;
            played.fetch_add(1, Ordering::Relaxed);
            if let Some(violation) = violation {
                let mut failed = failed.lock().unwrap();
                if failed.as_ref().is_none_or(|(other, _)| seed < *other) {
                    *failed = Some((seed, violation));
                }
            }
        }
    };
    let threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    std::thread::scope(|scope| (0..threads).for_each(|_| drop(scope.spawn(work))));
    (played.into_inner(), failed.into_inner().unwrap())
}

/// The bug is found, as one of these, and its history is made short.
fn finds(planted: Planted, invariants: &[Invariant]) {
    let found = (0..STORMS_WITH_A_BUG_MAX).find_map(|seed| {
        let violation = play(&History::of(seed), planted).violation?;
        Some((seed, violation))
    });
    let (seed, violation) = found.expect("the bug is found");
    let shortest = shrink(&History::of(seed), planted, violation.invariant);
    println!("seed {seed}: {violation}: {shortest}");
    assert!(invariants.contains(&violation.invariant), "{}", story(&shortest, planted, &violation));
    assert!(shortest.steps.len() <= STEPS_MAX, "{}", story(&shortest, planted, &violation));
    assert!(play(&shortest, Planted::Nothing).violation.is_none(), "without the bug it holds");
}

/// What a failing history tells.
fn story(history: &History, planted: Planted, violation: &Violation) -> String {
    let shortest = shrink(history, planted, violation.invariant);
    let played = play(&shortest, planted);
    let shrunk = played.violation.map(|violation| violation.to_string()).unwrap_or_default();
    format!(
        "seed {seed}: {violation}\nshrunk to {count} steps: {shrunk}\n  {log}\nfor REGRESSIONS:\n    (\"why\", {seed}, \"{shortest}\"),\n",
        seed = history.seed,
        count = shortest.steps.len(),
        log = played.log.join("\n  "),
    )
}

fn digest(log: &[String]) -> u64 {
    // Its keys are constants, unlike those of a map.
    let mut hasher = DefaultHasher::new();
    log.hash(&mut hasher);
    hasher.finish()
}

fn asked(name: &str) -> Option<String> {
    std::env::var(name).ok()
}
