//! The load: browsers on keep-alive connections, each asking for the next page when it has the last one. Connections
//! stay open between slices, so that a slice measures requests and nothing else.

use std::cell::Cell;
use std::io;
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::Duration;

use memchr::memmem;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::runtime::Runtime;
use tokio::task::LocalSet;

use crate::origin::PAGE_BYTES;
use crate::stopwatch::Stopwatch;

/// Browsers at once.
pub(crate) const CONNECTIONS: usize = 64;
/// The page of a product, which anybody may see.
pub(crate) const PRODUCT: &str = "/products/8711/details?from=search";
/// A page as long as the other to ask for, which only somebody logged on may see.
pub(crate) const ACCOUNT: &str = "/accounts/8711/details?from=search";
/// A proxy may take this long for all browsers' answers after the end of a slice, and to take their connections.
const PATIENCE: Duration = Duration::from_secs(5);
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

/// Browsers connected to one proxy.
pub(crate) struct Load {
    runtime: Rc<Runtime>,
    browsers: Vec<TcpStream>,
    request: Rc<[u8]>,
}

impl Load {
    /// Connects all browsers. This is what they will ask.
    pub(crate) fn connect(runtime: &Rc<Runtime>, to: SocketAddr, request: &str) -> io::Result<Self> {
        let browsers = runtime.block_on(async {
            let mut browsers = Vec::new();
            for _ in 0..CONNECTIONS {
                let stream = tokio::time::timeout(PATIENCE, TcpStream::connect(to)).await??;
                stream.set_nodelay(true)?;
                browsers.push(stream);
            }
            io::Result::Ok(browsers)
        })?;
        Ok(Self { runtime: Rc::clone(runtime), browsers, request: request.as_bytes().into() })
    }

    /// Lets all browsers ask for this long, and waits for the answers under way: how many there were, exactly.
    pub(crate) fn slice(&mut self, lasts: Duration) -> io::Result<u64> {
        let watch = Stopwatch::start();
        let answered = Rc::new(Cell::new(0));
        let asking = async {
            let tasks = LocalSet::new();
            let ask = |stream| browse(stream, Rc::clone(&self.request), watch, lasts, Rc::clone(&answered));
            let browsing: Vec<_> =
                self.browsers.drain(..).map(|stream| tasks.spawn_local(ask(stream))).collect();
            tasks.await;
            for browser in browsing {
                self.browsers.push(browser.await??);
            }
            io::Result::Ok(())
        };
        self.runtime.block_on(async { tokio::time::timeout(lasts + PATIENCE, asking).await? })?;
        Ok(answered.get())
    }
}

async fn browse(
    mut stream: TcpStream,
    request: Rc<[u8]>,
    watch: Stopwatch,
    lasts: Duration,
    answered: Rc<Cell<u64>>,
) -> io::Result<TcpStream> {
    let mut held = Vec::with_capacity(HEAD_BYTES_MAX + PAGE_BYTES);
    while watch.elapsed() < lasts {
        stream.write_all(&request).await?;
        held.clear();
        while !is_page(&held)? {
            if stream.read_buf(&mut held).await? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
        answered.set(answered.get() + 1);
    }
    Ok(stream)
}

/// Whether this is the whole answer; an error when it is another one.
fn is_page(held: &[u8]) -> io::Result<bool> {
    let other = || io::Error::new(io::ErrorKind::InvalidData, String::from_utf8_lossy(held).into_owned());
    let Some(end) = memmem::find(held, b"\r\n\r\n") else {
        return if held.len() > HEAD_BYTES_MAX { Err(other()) } else { Ok(false) };
    };
    let body = held.len() - end - 4;
    if !held.starts_with(b"HTTP/1.1 200 ") || body > PAGE_BYTES {
        Err(other())
    } else {
        Ok(body == PAGE_BYTES)
    }
}

#[cfg(test)]
mod tests;
