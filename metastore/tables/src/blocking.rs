//! Work that computes or waits for the disk for long, on threads of its own.

use crate::error::{Error, Result};

/// Runs a function on a thread for blocking work.
pub(crate) async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
    #[expect(clippy::disallowed_methods, reason = "this is the place")]
    let thread = tokio::task::spawn_blocking(work);
    thread.await.map_err(Error::internal)?
}
