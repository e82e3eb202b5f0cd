//! Each fault as either side sees it, with a plain echo behind the proxy.

use std::io::{ErrorKind, Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::time::Duration;

use super::listen::Line;
use super::{FaultProxy, Which};
use crate::patience::{PATIENCE, Patience};

/// Long enough to see that nothing comes.
const MOMENT: Duration = Duration::from_millis(150);

/// A server that says everything back, connection by connection, and ends when its client does.
fn echo() -> SocketAddr {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            std::thread::spawn(move || {
                let mut buffer = [0; 4096];
                while let Ok(length @ 1..) = stream.read(&mut buffer) {
                    if stream.write_all(&buffer[..length]).is_err() {
                        return;
                    }
                }
            });
        }
    });
    address
}

struct Peer(TcpStream);

impl Peer {
    fn connect(proxy: &FaultProxy) -> Self {
        let stream = TcpStream::connect_timeout(&proxy.address(), PATIENCE).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        Self(stream)
    }

    fn say(&mut self, text: &str) {
        self.0.write_all(text.as_bytes()).unwrap();
    }

    fn hears(&mut self, text: &str) {
        let mut heard = vec![0; text.len()];
        self.0.read_exact(&mut heard).unwrap();
        assert_eq!(String::from_utf8_lossy(&heard), text);
    }

    /// There and back.
    fn echoes(&mut self, text: &str) -> Duration {
        let patience = Patience::new(PATIENCE);
        self.say(text);
        self.hears(text);
        patience.waited()
    }

    fn hears_nothing(&mut self) {
        self.0.set_read_timeout(Some(MOMENT)).unwrap();
        let kind = self.0.read(&mut [0]).unwrap_err().kind();
        assert!(matches!(kind, ErrorKind::WouldBlock | ErrorKind::TimedOut), "{kind:?}");
        self.0.set_read_timeout(Some(PATIENCE)).unwrap();
    }

    fn is_reset(&mut self) {
        assert_eq!(self.0.read(&mut [0]).unwrap_err().kind(), ErrorKind::ConnectionReset);
    }

    fn has_ended(&mut self) {
        assert_eq!(self.0.read(&mut [0]).unwrap(), 0);
    }
}

fn refuses(proxy: &FaultProxy) -> bool {
    TcpStream::connect_timeout(&proxy.address(), PATIENCE)
        .is_err_and(|e| e.kind() == ErrorKind::ConnectionRefused)
}

#[test]
fn a_whole_network_carries_everything_and_counts() {
    let proxy = FaultProxy::start(echo());
    let (mut one, mut other) = (Peer::connect(&proxy), Peer::connect(&proxy));
    one.echoes("one");
    other.echoes(&"other".repeat(10_000));
    assert_eq!((proxy.taken(), proxy.open()), (2, 2));

    one.0.shutdown(Shutdown::Write).unwrap();

    one.has_ended();
    other.echoes("still there");
}

#[test]
fn a_slow_network_delays_each_way_and_is_not_narrow() {
    let proxy = FaultProxy::start(echo());
    let mut peer = Peer::connect(&proxy);
    proxy.slow(MOMENT);
    assert!(peer.echoes("late") >= 2 * MOMENT);

    // Many pieces one after the other are under way together.
    let patience = Patience::new(PATIENCE);
    for _ in 0..10 {
        peer.say("again");
        std::thread::yield_now();
    }
    peer.hears(&"again".repeat(10));
    assert!(patience.waited() < 6 * MOMENT, "{:?}", patience.waited());

    proxy.heal();
    assert!(peer.echoes("soon") < MOMENT);
}

#[test]
fn a_narrow_network_takes_its_time_for_many_bytes() {
    let proxy = FaultProxy::start(echo());
    let mut peer = Peer::connect(&proxy);
    proxy.throttle(10_000);
    assert!(peer.echoes(&"x".repeat(2_000)) >= Duration::from_millis(200));
}

#[test]
fn a_reset_ends_what_is_open_and_nothing_else() {
    let proxy = FaultProxy::start(echo());
    let mut peer = Peer::connect(&proxy);
    peer.echoes("here");

    proxy.reset(Which::All);

    peer.is_reset();
    Peer::connect(&proxy).echoes("a new one");
}

#[test]
fn marked_connections_are_told_from_the_others() {
    let proxy = FaultProxy::marking(echo(), &[b"LISTEN"]);
    let (mut listener, mut other) = (Peer::connect(&proxy), Peer::connect(&proxy));
    listener.echoes("please LISTEN here");
    other.echoes("select");
    assert_eq!((proxy.marked(), proxy.open()), (1, 2));

    proxy.freeze(Which::Marked);
    listener.say("held");
    listener.hears_nothing();
    other.echoes("goes on");
    proxy.heal();
    listener.hears("held");
    proxy.reset(Which::Marked);

    listener.is_reset();
    other.echoes("still goes on");
}

#[test]
fn marked_connections_may_be_the_only_ones_that_are_carried() {
    let proxy = FaultProxy::marking(echo(), &[b"LISTEN"]);
    let (mut listener, mut other) = (Peer::connect(&proxy), Peer::connect(&proxy));
    listener.echoes("please LISTEN here");
    other.echoes("select");
    proxy.freeze(Which::Marked);
    listener.say("held");

    proxy.thaw_marked_only(10_000);

    listener.hears("held");
    other.say("swallowed");
    other.hears_nothing();
    proxy.heal();
    other.hears("swallowed");
    assert_eq!(proxy.said(), 4);
}

#[test]
fn frozen_connections_stay_open_and_get_what_was_held() {
    let proxy = FaultProxy::start(echo());
    let mut peer = Peer::connect(&proxy);
    peer.echoes("before");

    proxy.freeze(Which::All);

    peer.say("meanwhile");
    peer.hears_nothing();
    Peer::connect(&proxy).echoes("a new one is carried");
    proxy.heal();
    peer.hears("meanwhile");
}

#[test]
fn a_black_hole_takes_connections_and_swallows_what_they_say() {
    let proxy = FaultProxy::start(echo());
    let mut old = Peer::connect(&proxy);
    old.echoes("before");

    proxy.black_hole();

    let mut new = Peer::connect(&proxy);
    old.say("old");
    new.say("new");
    old.hears_nothing();
    new.hears_nothing();
    proxy.heal();
    old.hears("old");
    new.hears("new");
}

#[test]
fn a_refusal_leaves_open_connections_alone_and_ends() {
    let proxy = FaultProxy::start(echo());
    let mut peer = Peer::connect(&proxy);
    peer.echoes("before");

    proxy.refuse();

    assert!(refuses(&proxy));
    peer.echoes("goes on");
    proxy.heal();
    Peer::connect(&proxy).echoes("as before");
}

#[test]
fn a_cut_is_what_a_dead_server_looks_like() {
    let proxy = FaultProxy::start(echo());
    let mut peer = Peer::connect(&proxy);
    peer.echoes("before");

    proxy.cut();

    peer.is_reset();
    assert!(refuses(&proxy));
}

#[test]
fn a_half_closed_connection_hears_its_end_and_still_speaks() {
    let recorder = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let proxy = FaultProxy::start(recorder.local_addr().unwrap());
    let mut peer = Peer::connect(&proxy);
    let mut server = Peer(recorder.accept().unwrap().0);
    server.say("hello");
    peer.hears("hello");

    proxy.half_close();

    peer.has_ended();
    peer.say("are you there?");
    server.hears("are you there?");
}

#[test]
fn a_dead_target_looks_dead() {
    let nobody = Line::reserve().unwrap();
    let proxy = FaultProxy::start(nobody.address());

    let heard = TcpStream::connect_timeout(&proxy.address(), PATIENCE).and_then(|mut stream| {
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.read(&mut [0])
    });

    assert_eq!(heard.unwrap_err().kind(), ErrorKind::ConnectionReset);
}

#[test]
fn its_end_ends_its_connections() {
    let proxy = FaultProxy::start(echo());
    let mut peer = Peer::connect(&proxy);
    peer.echoes("here");

    drop(proxy);

    assert!(peer.0.read(&mut [0]).is_ok_and(|length| length == 0));
}
