//! The id of the request that is being served, for logs, errors and audit.

use std::future::Future;

tokio::task_local! {
    static ID: String;
}

/// Serves a request under this id.
pub async fn scope<F: Future>(id: String, serve: F) -> F::Output {
    ID.scope(id, serve).await
}

/// The id; empty outside of a request.
pub fn id() -> String {
    ID.try_with(Clone::clone).unwrap_or_default()
}
