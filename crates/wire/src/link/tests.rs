//! What has come in time counts, even if nobody has looked yet.

use std::io::Write as _;
use std::net::TcpListener;
use std::pin::pin;
use std::sync::atomic::{AtomicBool, AtomicUsize};
use std::task::Waker;

use tokio::runtime::Builder;

use super::*;
use crate::Limits;
use crate::core::CoreParts;
use crate::line::Lines;
use crate::resolve::Resolver;
use crate::tick::{TICK, Ticker};

#[test]
fn a_request_that_is_there_when_the_deadline_passes_is_read() {
    let limits = Limits { head_timeout: TICK, ..Limits::default() };
    let shared = Arc::new(Shared {
        limits,
        ticker: Ticker::start().unwrap(),
        open: vec![AtomicUsize::new(0)],
        head_bytes: AtomicUsize::new(0),
        draining: AtomicBool::new(false),
    });
    Core::install(CoreParts {
        pool: crate::pool::Pool::new(shared.limits.upstream.clone(), Arc::default()),
        slab: Arc::default(),
        lines: Lines::new(None),
        resolver: Arc::new(Resolver::of_system()),
        seed: 7,
        wall: Arc::new(|| 0),
    });
    let runtime = Builder::new_current_thread().enable_all().build().unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let mut client = std::net::TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    let (stream, peer) = listener.accept().unwrap();
    stream.set_nonblocking(true).unwrap();
    let io = {
        let _inside = runtime.enter();
        Io::plain(tokio::net::TcpStream::from_std(stream).unwrap())
    };
    let mut link = Link::new(io, peer, Arc::clone(&shared), Arc::default());
    client.write_all(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n").unwrap();
    let late = Deadline::new(&shared.ticker);
    let mut asked = pin!(link.next_request());
    // Nobody drives the runtime, so it has not heard from the kernel.
    let mut cx = Context::from_waker(Waker::noop());
    assert!(asked.as_mut().poll(&mut cx).is_pending());
    late.set(3 * TICK);
    while !late.poll_passed(&cx) {
        std::thread::yield_now();
    }
    assert!(asked.as_mut().poll(&mut cx).is_pending(), "it was not looked for");
    assert!(runtime.block_on(asked).is_ok());
    shared.ticker.stop();
}
