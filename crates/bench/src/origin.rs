//! The upstream of a benchmark: answers with the same page, as fast as it can, so that what is measured is the proxy
//! before it; and on one path, never measured, with what it was told. Trusts its requests: heads without bodies.

use std::cell::Cell;
use std::net::{Ipv4Addr, SocketAddr};
use std::rc::Rc;

use memchr::memmem;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::LocalSet;

use crate::fault::Fault;

/// Bytes of the page.
pub(crate) const PAGE_BYTES: usize = 1024;
/// A page that shows the head it was asked with, and has the proxy remember something of the visitor.
pub(crate) const TOLD: &str = "/accounts/told";
/// Pages below this have the proxy remember something too, and are as long as any.
const BASKET: &str = "/basket/";
/// A page that fills a session to the usual size.
pub(crate) const FILLED: &str = "/basket/filled";
/// Characters of the attribute that does so: with everything else in it, a session then has about 600 bytes.
const FILL: usize = 300;
/// Different things that pages below `BASKET` have remembered, one after the other: what has not changed is not saved.
const COUNTS: usize = 100;
/// What the proxy is to remember, of the attribute that the configuration declares.
const UPDATE: &str = "{\"basket_count\":2}";
const READ_BYTES: usize = 4096;
const HEAD_END: &[u8] = b"\r\n\r\n";

/// Starts the upstream on a thread of its own, which lives as long as the program.
pub(crate) fn start() -> Result<SocketAddr, Fault> {
    let step = Fault::at("starting the upstream");
    let socket = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).map_err(&step)?;
    socket.set_nonblocking(true).map_err(&step)?;
    let address = socket.local_addr().map_err(&step)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build().map_err(&step)?;
    let serve = move || runtime.block_on(LocalSet::new().run_until(accept(socket)));
    std::thread::Builder::new().name("origin".to_owned()).spawn(serve).map_err(&step)?;
    Ok(address)
}

async fn accept(socket: std::net::TcpListener) -> std::io::Result<()> {
    let listener = TcpListener::from_std(socket)?;
    let update = |json: &str| answer(&format!("X-Context-Update: {json}\r\n"));
    let pages: Rc<Pages> = Rc::new(Pages {
        page: answer(""),
        filled: update(&format!("{{\"basket\":\"{}\"}}", "b".repeat(FILL))),
        baskets: (0..COUNTS).map(|count| update(&format!("{{\"basket_count\":{count}}}"))).collect(),
        next: Cell::new(0),
    });
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        tokio::task::spawn_local(serve(stream, Rc::clone(&pages)));
    }
}

/// The answers, made once.
struct Pages {
    page: Vec<u8>,
    filled: Vec<u8>,
    baskets: Vec<Vec<u8>>,
    next: Cell<usize>,
}

/// Ends when the peer closes or breaks off, which is the peer's affair.
async fn serve(mut stream: TcpStream, pages: Rc<Pages>) -> std::io::Result<()> {
    let mut held = Vec::with_capacity(READ_BYTES);
    while stream.read_buf(&mut held).await? > 0 {
        while let Some(at) = memmem::find(&held, HEAD_END) {
            if is_for(&held, FILLED) {
                stream.write_all(&pages.filled).await?;
            } else if is_for(&held, BASKET) {
                let next = pages.next.get();
                pages.next.set((next + 1) % COUNTS);
                stream.write_all(&pages.baskets[next]).await?;
            } else if is_for(&held, TOLD) {
                stream.write_all(&told(&held[..at])).await?;
            } else {
                stream.write_all(&pages.page).await?;
            }
            held.drain(..at + HEAD_END.len());
        }
    }
    Ok(())
}

/// An answer as an app gives it, with the fields that apps usually send, and `lines`, each with its end.
fn answer(lines: &str) -> Vec<u8> {
    let head = format!(
        "HTTP/1.1 200 OK\r\nDate: Mon, 23 Nov 2026 12:00:00 GMT\r\nContent-Type: text/html; charset=utf-8\r\n\
         Content-Length: {PAGE_BYTES}\r\nCache-Control: max-age=60\r\nEtag: \"5f3a-1c9b2\"\r\nVary: Accept-Encoding\r\n{lines}\r\n"
    );
    [head.as_bytes(), &[b'p'; PAGE_BYTES]].concat()
}

fn is_for(head: &[u8], path: &str) -> bool {
    head.strip_prefix(b"GET ").and_then(|rest| rest.strip_prefix(path.as_bytes())).is_some()
}

/// The head that was received, as a page.
fn told(head: &[u8]) -> Vec<u8> {
    let length = head.len();
    let answer = format!(
        "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: {length}\r\nX-Context-Update: {UPDATE}\r\n\r\n"
    );
    [answer.as_bytes(), head].concat()
}
