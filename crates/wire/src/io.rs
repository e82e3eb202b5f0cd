//! A socket as the data path sees it: polls that read into and write out of our buffers. TLS becomes a variant here.

use std::io;
use std::mem::MaybeUninit;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

use crate::buffer::Buffer;

/// One side of a connection.
#[derive(Debug)]
pub(crate) enum Io {
    /// TCP without TLS.
    Plain(TcpStream),
}

impl Io {
    pub(crate) fn plain(stream: TcpStream) -> Self {
        // A head is written in one piece; waiting for more would only delay it.
        let _ = stream.set_nodelay(true);
        Self::Plain(stream)
    }

    /// Reads once into the buffer. Zero is the end of the stream.
    pub(crate) fn poll_read(&mut self, cx: &mut Context<'_>, buffer: &mut Buffer) -> Poll<io::Result<usize>> {
        let Self::Plain(stream) = self;
        let mut room = ReadBuf::new(buffer.room());
        ready!(Pin::new(stream).poll_read(cx, &mut room))?;
        let n = room.filled().len();
        buffer.filled(n);
        Poll::Ready(Ok(n))
    }

    /// Writes until the buffer is empty.
    pub(crate) fn poll_flush(&mut self, cx: &mut Context<'_>, buffer: &mut Buffer) -> Poll<io::Result<()>> {
        let Self::Plain(stream) = self;
        while !buffer.is_empty() {
            let n = ready!(Pin::new(&mut *stream).poll_write(cx, buffer.data()))?;
            if n == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            buffer.consume(n);
        }
        Poll::Ready(Ok(()))
    }

    /// Ready when there may be something to read. Needs no buffer.
    pub(crate) fn poll_readable(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let Self::Plain(stream) = self;
        stream.poll_read_ready(cx)
    }

    /// Whether nothing has arrived since the last read, as far as is known without a system call. An idle
    /// connection that has something to say is about to close, or worse.
    pub(crate) fn is_quiet(&self) -> bool {
        let Self::Plain(stream) = self;
        // Not by polling: that answers "not ready" when the task has used up its turn.
        stream.try_read(&mut [0]).is_err_and(|error| error.kind() == io::ErrorKind::WouldBlock)
    }

    /// Whether something has arrived, asked of the kernel itself.
    pub(crate) fn has_unread(&self) -> bool {
        let Self::Plain(stream) = self;
        socket2::SockRef::from(stream).peek(&mut [MaybeUninit::uninit()]).is_ok_and(|n| n > 0)
    }

    /// Whether the peer has reset the connection, or the network has given it up. One that will only send no more has
    /// not gone. Takes a system call, and no byte that has come.
    pub(crate) fn has_failed(&self) -> bool {
        let Self::Plain(stream) = self;
        !matches!(stream.take_error(), Ok(None))
    }

    /// Says that nothing more will be written.
    pub(crate) fn poll_finish(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let Self::Plain(stream) = self;
        Pin::new(stream).poll_shutdown(cx)
    }

    /// Makes the close an abort (RST), so that nobody takes a cut body for a whole one.
    pub(crate) fn abort(&self) {
        let Self::Plain(stream) = self;
        let _ = socket2::SockRef::from(stream).set_linger(Some(Duration::ZERO));
    }
}

/// An address as it counts in rules: IPv4 in IPv6 clothes is IPv4.
pub(crate) fn canonical(address: SocketAddr) -> SocketAddr {
    match address.ip() {
        IpAddr::V6(v6) => SocketAddr::new(v6.to_canonical(), address.port()),
        IpAddr::V4(_) => address,
    }
}
