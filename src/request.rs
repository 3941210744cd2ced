//! The id of the request that is being served, for logs, errors and audit.

use std::future::Future;

use tracing::Instrument as _;

tokio::task_local! {
    static ID: String;
}

/// Serves a request under this id, which each line of the log then carries.
/// Work that outlives its request in a task of its own takes the id along and
/// enters a scope again.
pub async fn scope<F: Future>(id: String, serve: F) -> F::Output {
    // Of the highest level, so that no log filter leaves it out; without a
    // parent, so that a scope within a scope does not say it twice.
    let span = tracing::error_span!(parent: None, "request", id);
    ID.scope(id, serve.instrument(span)).await
}

/// The id; empty outside of a request.
pub fn id() -> String {
    ID.try_with(Clone::clone).unwrap_or_default()
}
