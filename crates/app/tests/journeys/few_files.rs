//! A process of the real binary that may open no more files: it pauses, says so once, serves who is in, and heals (E33).

use std::collections::HashSet;
use std::fs::{self, File};
use std::process::Stdio;
use std::time::Duration;

use rustix::process::{Pid, Resource, Rlimit, prlimit};
use vestibule_testkit::client::{Raw, get};
use vestibule_testkit::patience::PATIENCE;
use vestibule_testkit::port::Port;
use vestibule_testkit::upstream::Upstream;

use super::front::HOST;
use super::visitor::apart::{Role, serve_saying};
use super::visitor::house::eventually;

/// Connections that still get in.
const ROOM: usize = 3;
/// More than get in.
const IDLE: usize = 12;
/// What a process that pauses may spend of a second, in hundredths.
const SPENT_MAX: u64 = 20;

#[test]
fn without_files_a_process_pauses_and_heals() {
    let (upstream, dir, ports) =
        (Upstream::start(), tempfile::tempdir().unwrap(), [Port::free(), Port::free()]);
    let (config, said) = (dir.path().join("v.toml"), dir.path().join("said"));
    let listener =
        |port: &Port, face| format!("[[listener]]\nbind = \"127.0.0.1:{port}\"\nserves = [\"{face}\"]\n");
    let route = format!("[[route]]\nhost = \"{HOST}\"\npath = \"/\"\napp = \"{}\"\n", upstream.url());
    let rest =
        "[limits]\napp_idle_ms = 60_000\n[log]\naccess = \"off\"\n[drain]\ndelay_ms = 0\nlimit_ms = 100\n";
    fs::write(&config, listener(&ports[0], "proxy") + &listener(&ports[1], "metrics") + rest + &route)
        .unwrap();
    let errors = Stdio::from(File::create(&said).unwrap());
    let role = serve_saying(&config, &ports[1], Stdio::null(), errors);
    let (mut guest, mut probe) = (Raw::connect(ports[0].address()), Raw::connect(ports[1].address()));
    let is_served = |client: &mut Raw, host: &str, target: &str| {
        client.send(format!("GET {target} HTTP/1.1\r\nHost: {host}\r\n\r\n"));
        assert_eq!(client.response().status, 200, "{host}{target}");
    };
    is_served(&mut guest, HOST, "/");
    is_served(&mut probe, "localhost", "/healthz");

    leave_room(&role);
    let idle: Vec<_> = (0..IDLE).map(|_| Raw::connect(ports[0].address())).collect();
    let mut waiting = Raw::connect(ports[0].address());
    waiting.send(format!("GET /waited HTTP/1.1\r\nHost: {HOST}\r\n\r\n"));
    let words = "no more connections can be opened";
    eventually(PATIENCE, words, || fs::read_to_string(&said).is_ok_and(|said| said.contains(words)));

    // It tries again and again, and not without a pause.
    let before = spent(&role);
    assert!(waiting.is_quiet_for(Duration::from_secs(1)), "nobody else gets in");
    let spent = spent(&role) - before;
    assert!(spent <= SPENT_MAX, "{spent} hundredths of a second in one second");
    is_served(&mut guest, HOST, "/");
    is_served(&mut probe, "localhost", "/healthz");

    drop(idle);
    assert_eq!(waiting.response().status, 200);
    assert_eq!(get(ports[0].address(), HOST, "/", &[]).status, 200);
    assert_eq!(get(ports[1].address(), "localhost", "/healthz", &[]).status, 200);
    let said = fs::read_to_string(&said).unwrap();
    assert_eq!(said.matches(words).count(), 1, "{said}");
}

/// From now on the process may open a few files more.
fn leave_room(role: &Role) {
    let files = fs::read_dir(format!("/proc/{}/fd", role.pid())).expect("it runs");
    let names = files.map(|file| file.expect("a name").file_name());
    let taken: HashSet<u64> = names.filter_map(|name| name.to_str()?.parse().ok()).collect();
    // A limit is on numbers, of which the lowest free one is given; some that were inherited may be far above.
    let limit = (0..).filter(|number| !taken.contains(number)).nth(ROOM);
    let pid = i32::try_from(role.pid()).ok().and_then(Pid::from_raw);
    prlimit(pid, Resource::Nofile, Rlimit { current: limit, maximum: limit }).expect("it is ours");
}

/// Processor time that the process has spent, in hundredths of a second.
fn spent(role: &Role) -> u64 {
    let stat = fs::read_to_string(format!("/proc/{}/stat", role.pid())).expect("it runs");
    let (_, fields) = stat.rsplit_once(')').expect("its name is in brackets");
    // proc_pid_stat(5): utime and stime are 14 and 15; the first after the name is 3.
    fields.split_whitespace().skip(11).take(2).map(|ticks| ticks.parse::<u64>().expect("a number")).sum()
}
