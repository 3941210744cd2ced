//! Blocking work (files, gix, zlib): the only module of this crate that uses the blocking thread pool.

use crate::Error;

/// Runs `work` on the blocking pool, in the caller's tracing span, and waits for it. A panic inside becomes
/// [`Error::Internal`].
#[expect(clippy::disallowed_methods, reason = "this module is the place for it")]
pub(crate) async fn run<T, F>(work: F) -> Result<T, Error>
where
    T: Send + 'static,
    F: FnOnce() -> Result<T, Error> + Send + 'static,
{
    let span = tracing::Span::current();
    tokio::task::spawn_blocking(move || span.in_scope(work))
        .await
        .map_err(|error| Error::Internal(format!("a blocking task panicked: {error}")))?
}

/// Runs `work` without waiting for it: on the blocking pool inside a runtime, otherwise on the current thread.
#[expect(clippy::disallowed_methods, reason = "this module is the place for it")]
pub(crate) fn detach(work: impl FnOnce() + Send + 'static) {
    match tokio::runtime::Handle::try_current() {
        Ok(runtime) => drop(runtime.spawn_blocking(work)),
        Err(_) => work(),
    }
}
