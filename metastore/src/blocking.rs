//! Blocking work (files, gix, zlib): the only module of this crate that uses the blocking thread pool.

use std::any::Any;

use tokio::task::JoinHandle;

use crate::Error;

/// Runs `work` on the blocking pool, in the caller's tracing span, and waits for it. A panic inside becomes
/// [`Error::Internal`].
pub(crate) async fn run<T, F>(work: F) -> Result<T, Error>
where
    T: Send + 'static,
    F: FnOnce() -> Result<T, Error> + Send + 'static,
{
    let done = spawn(Box::new(move || Box::new(work())))
        .await
        .map_err(|error| Error::Internal(format!("a blocking task panicked: {error}")))?;
    *done.downcast::<Result<T, Error>>().expect("the task returns the result of `work`")
}

/// Starts a task. Its types are erased, so that the machinery of tasks is compiled once.
#[expect(clippy::disallowed_methods, reason = "this module is the place for it")]
fn spawn(work: Box<dyn FnOnce() -> Box<dyn Any + Send> + Send>) -> JoinHandle<Box<dyn Any + Send>> {
    let span = tracing::Span::current();
    tokio::task::spawn_blocking(move || span.in_scope(work))
}

/// Runs `work` without waiting for it: on the blocking pool inside a runtime, otherwise on the current thread.
#[expect(clippy::disallowed_methods, reason = "this module is the place for it")]
pub(crate) fn detach(work: impl FnOnce() + Send + 'static) {
    match tokio::runtime::Handle::try_current() {
        Ok(runtime) => drop(runtime.spawn_blocking(work)),
        Err(_) => work(),
    }
}
