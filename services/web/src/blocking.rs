//! Work that takes locks, starts threads or waits for a disk, done where blocking is allowed.

/// Waits for the work without holding up anybody else.
pub(crate) async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done,
        Err(error) => match error.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            // The service is going down, and whoever waits with it.
            Err(_) => std::future::pending().await,
        },
    }
}
