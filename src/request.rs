//! The id of the current request, for logs, errors and the audit trail.

use std::future::Future;

use tracing::Instrument as _;

tokio::task_local! {
    static ID: String;
}

/// Runs a future under this request id, which is added to each log line. A task that outlives its request must take
/// the id along and enter a scope again.
pub async fn scope<F: Future>(id: String, serve: F) -> F::Output {
    // At the highest level, so that no log filter drops it; without a parent, so that nested scopes do not repeat the
    // id.
    let span = tracing::error_span!(parent: None, "request", id);
    ID.scope(id, serve.instrument(span)).await
}

/// Returns the id; empty outside of a request.
pub fn id() -> String {
    ID.try_with(Clone::clone).unwrap_or_default()
}
