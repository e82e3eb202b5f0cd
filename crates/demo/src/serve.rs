//! Runs one sample router on one listening socket until it is told to stop. Must not know which router it is.

use std::future::Future;
use std::io;

use axum::Router;
use axum::serve::ListenerExt as _;

/// Serves `router` on `listener`, until `stop` resolves; then takes no more connections, lets the running
/// requests end and returns. A request without an end would hold it up, so a caller with a limit drops the
/// future at that limit.
///
/// # Errors
///
/// When the socket cannot be handed to the runtime.
pub async fn serve(
    listener: std::net::TcpListener,
    router: Router,
    stop: impl Future<Output = ()> + Send + 'static,
) -> io::Result<()> {
    listener.set_nonblocking(true)?;
    let listener = tokio::net::TcpListener::from_std(listener)?.tap_io(|stream| {
        // A socket that refuses this is only slower.
        let _ = stream.set_nodelay(true);
    });
    axum::serve(listener, router).with_graceful_shutdown(stop).await
}

#[cfg(test)]
mod tests;
