//! When to stop.

use std::future::Future;

use tokio::signal::unix::{Signal, SignalKind, signal};

/// Done at the first SIGTERM or SIGINT from now on; call it before anybody knows that we run.
pub(crate) fn asked_to_stop() -> impl Future<Output = ()> + Send + 'static {
    let signals = (listen(SignalKind::terminate()), listen(SignalKind::interrupt()));
    async move {
        let (mut terminate, mut interrupt) = signals;
        tokio::select! {
            () = received(&mut terminate) => {}
            () = received(&mut interrupt) => {}
        }
    }
}

/// Without a listener, the signal ends the process at once, as it does by default.
fn listen(kind: SignalKind) -> Option<Signal> {
    signal(kind).inspect_err(|error| tracing::warn!(%error, "a signal cannot be waited for")).ok()
}

async fn received(signal: &mut Option<Signal>) {
    match signal {
        Some(signal) => {
            signal.recv().await;
        }
        None => std::future::pending().await,
    }
}
