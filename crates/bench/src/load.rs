//! The load: browsers on keep-alive connections, each asking for the next page when it has the last one. Connections
//! stay open between slices, so that a slice measures requests and nothing else.

use std::cell::Cell;
use std::cmp::Ordering;
use std::io;
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::Duration;

use memchr::memmem;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::runtime::Runtime;
use tokio::task::LocalSet;

use crate::browser::values;
use crate::origin::PAGE_BYTES;
use crate::stopwatch::Stopwatch;

/// Browsers at once.
pub(crate) const CONNECTIONS: usize = 64;
/// The page of a product, which anybody may see.
pub(crate) const PRODUCT: &str = "/products/8711/details?from=search";
/// A page as long as the other to ask for, which only somebody logged on may see.
pub(crate) const ACCOUNT: &str = "/accounts/8711/details?from=search";
/// A page as long as the others to ask for, whose app has something remembered.
pub(crate) const BASKET: &str = "/basket/888/8711/details?from=find";
/// A proxy may take this long for all browsers' answers after the end of a slice, and to take their connections.
pub(crate) const PATIENCE: Duration = Duration::from_secs(5);
const HEAD_BYTES_MAX: usize = 4096;

/// About 500 bytes, as a browser sends them, and what the caller adds: more cookies (each with `; ` before it), more
/// lines (each with its end). The other cookies are the apps' and pass.
pub(crate) fn request(host: &str, path: &str, cookies: &str, lines: &str) -> String {
    format!(
        "GET {path} HTTP/1.1\r\nHost: {host}\r\n\
         User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0\r\n\
         Accept: text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8\r\n\
         Accept-Language: nl,en-US;q=0.7,en;q=0.3\r\nAccept-Encoding: gzip, deflate, br\r\nReferer: https://shop.example/search\r\n\
         Cookie: consent=1; basket=c29tZXRoaW5n; ab=42{cookies}\r\nSec-Fetch-Dest: document\r\nSec-Fetch-Mode: navigate\r\n\
         Sec-Fetch-Site: same-origin\r\nUpgrade-Insecure-Requests: 1\r\n{lines}\r\n"
    )
}

/// Answers of one slice.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Count {
    pub(crate) pages: u64,
    pub(crate) busy: u64,
}

impl Count {
    pub(crate) fn with(self, answer: Answered) -> Self {
        match answer {
            Answered::Page => Self { pages: self.pages + 1, ..self },
            Answered::Busy => Self { busy: self.busy + 1, ..self },
        }
    }
}

/// Browsers connected to one proxy.
pub(crate) struct Load {
    runtime: Rc<Runtime>,
    browsers: Vec<TcpStream>,
    requests: Rc<[Vec<u8>]>,
}

impl Load {
    /// Connects all browsers. This is what they will ask, each from another place on and over again.
    pub(crate) fn connect(runtime: &Rc<Runtime>, to: SocketAddr, requests: &[Vec<u8>]) -> io::Result<Self> {
        let browsers = runtime.block_on(async {
            let mut browsers = Vec::new();
            for _ in 0..CONNECTIONS {
                let stream = tokio::time::timeout(PATIENCE, TcpStream::connect(to)).await??;
                stream.set_nodelay(true)?;
                browsers.push(stream);
            }
            io::Result::Ok(browsers)
        })?;
        Ok(Self { runtime: Rc::clone(runtime), browsers, requests: requests.into() })
    }

    /// Lets all browsers ask for this long, and waits for the answers under way: how many there were, exactly.
    pub(crate) fn slice(&mut self, lasts: Duration) -> io::Result<Count> {
        let watch = Stopwatch::start();
        let count = Rc::new(Cell::new(Count::default()));
        let asking = async {
            let tasks = LocalSet::new();
            let ask = |(number, stream)| {
                let first = number * self.requests.len() / CONNECTIONS;
                browse(stream, Rc::clone(&self.requests), first, watch, lasts, Rc::clone(&count))
            };
            let browsers = self.browsers.drain(..).enumerate();
            let browsing: Vec<_> = browsers.map(|browser| tasks.spawn_local(ask(browser))).collect();
            tasks.await;
            for browser in browsing {
                self.browsers.push(browser.await??);
            }
            io::Result::Ok(())
        };
        self.runtime.block_on(async { tokio::time::timeout(lasts + PATIENCE, asking).await? })?;
        Ok(count.get())
    }
}

async fn browse(
    mut stream: TcpStream,
    requests: Rc<[Vec<u8>]>,
    first: usize,
    watch: Stopwatch,
    lasts: Duration,
    count: Rc<Cell<Count>>,
) -> io::Result<TcpStream> {
    let mut held = Vec::with_capacity(HEAD_BYTES_MAX + PAGE_BYTES);
    let mut requests = requests.iter().cycle().skip(first);
    while watch.elapsed() < lasts {
        let Some(request) = requests.next() else { break };
        stream.write_all(request).await?;
        let answer = read(&mut stream, &mut held).await?;
        count.set(count.get().with(answer));
    }
    Ok(stream)
}

/// Reads one whole answer, and connects anew where the other side closes after it.
pub(crate) async fn read(stream: &mut TcpStream, held: &mut Vec<u8>) -> io::Result<Answered> {
    held.clear();
    loop {
        if let Some(answer) = answered(held)? {
            if closes(held) {
                *stream = TcpStream::connect(stream.peer_addr()?).await?;
                stream.set_nodelay(true)?;
            }
            return Ok(answer);
        }
        if stream.read_buf(held).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    }
}

fn closes(answer: &[u8]) -> bool {
    let head = memmem::find(answer, b"\r\n\r\n").map_or(answer, |end| &answer[..end]);
    memmem::find(head, b"\r\nConnection: close").or(memmem::find(head, b"\r\nconnection: close")).is_some()
}

/// A whole answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Answered {
    /// The page.
    Page,
    /// 503: try again later.
    Busy,
}

/// What this is when it is whole; an error when it is neither.
pub(crate) fn answered(held: &[u8]) -> io::Result<Option<Answered>> {
    let other = || io::Error::new(io::ErrorKind::InvalidData, String::from_utf8_lossy(held).into_owned());
    let Some(end) = memmem::find(held, b"\r\n\r\n") else {
        return if held.len() > HEAD_BYTES_MAX { Err(other()) } else { Ok(None) };
    };
    let body = held.len() - end - 4;
    let (what, length) = if held.starts_with(b"HTTP/1.1 200 ") {
        (Answered::Page, PAGE_BYTES)
    } else if held.starts_with(b"HTTP/1.1 503 ") {
        let head = std::str::from_utf8(&held[..end]).map_err(|_| other())?;
        let length = values(head, "content-length").next().and_then(|length| length.parse().ok());
        (Answered::Busy, length.ok_or_else(other)?)
    } else {
        return Err(other());
    };
    match body.cmp(&length) {
        Ordering::Less => Ok(None),
        Ordering::Equal => Ok(Some(what)),
        Ordering::Greater => Err(other()),
    }
}

#[cfg(test)]
mod tests;
