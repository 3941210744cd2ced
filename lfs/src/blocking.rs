//! The one door to tokio's blocking pool. Every visit is short (one block of one transfer, or a few
//! system calls), so that slow clients never hold a thread of the pool.
#![expect(clippy::disallowed_methods, reason = "this is the place that the lint points to")]

use std::{io, panic};

use tokio::{
    runtime::Handle,
    task::{JoinHandle, spawn_blocking},
};

/// Work that runs on the pool. It goes on when this handle is dropped.
pub(crate) struct Task<T>(JoinHandle<T>);

/// Starts `work` at once. The tracing span of the caller is entered around it.
pub(crate) fn spawn<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Task<T> {
    let span = tracing::Span::current();
    Task(spawn_blocking(move || span.in_scope(work)))
}

/// Runs `work` and waits for it.
pub(crate) async fn run<T, E>(work: impl FnOnce() -> Result<T, E> + Send + 'static) -> Result<T, E>
where
    T: Send + 'static,
    E: From<io::Error> + Send + 'static,
{
    spawn(work).join().await
}

/// Runs `work` on the pool without waiting. Outside of a runtime, and in one that shuts down, `work`
/// is dropped instead: what must happen in any case belongs into a destructor that it owns.
pub(crate) fn detach(work: impl FnOnce() + Send + 'static) {
    if let Ok(runtime) = Handle::try_current() {
        runtime.spawn_blocking(work);
    }
}

impl<T, E: From<io::Error>> Task<Result<T, E>> {
    /// Waits for the end. A panic of the work goes on in the caller; a runtime that shuts down
    /// before the work began is an I/O error.
    pub(crate) async fn join(self) -> Result<T, E> {
        match self.0.await {
            Ok(result) => result,
            Err(error) => match error.try_into_panic() {
                Ok(cause) => panic::resume_unwind(cause),
                Err(_) => Err(io::Error::other("the server is shutting down").into()),
            },
        }
    }
}
