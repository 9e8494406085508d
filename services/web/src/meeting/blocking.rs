//! Work of GStreamer's, which takes locks and starts threads, done where blocking is allowed.

use convene_pipelines::PipelineError;

/// Waits for the work without holding up anybody else.
pub(crate) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, PipelineError> + Send + 'static,
) -> Result<T, PipelineError> {
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result,
        Err(panic) => std::panic::resume_unwind(panic.into_panic()),
    }
}
