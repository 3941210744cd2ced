//! Access to tokio's blocking pool. Each task is short (one block of one transfer, or a few system calls), so
//! that slow clients never occupy a thread of the pool.
#![expect(clippy::disallowed_methods, reason = "this is the module that the lint points to")]

use std::{io, panic};

use tokio::{
    runtime::Handle,
    task::{JoinHandle, spawn_blocking},
};

/// A task on the blocking pool. It continues when this handle is dropped.
pub(crate) struct Task<T>(JoinHandle<T>);

/// Starts `work` immediately, inside the tracing span of the caller.
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

/// Runs `work` on the pool without waiting for it. Outside of a runtime, and in one that is shutting down, `work`
/// is dropped instead: anything that must happen in any case belongs in a destructor that it owns.
pub(crate) fn detach(work: impl FnOnce() + Send + 'static) {
    if let Ok(runtime) = Handle::try_current() {
        runtime.spawn_blocking(work);
    }
}

impl<T, E: From<io::Error>> Task<Result<T, E>> {
    /// Waits for the task. A panic of the task is resumed in the caller; if the runtime shuts down before the
    /// task starts, an I/O error is returned.
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
