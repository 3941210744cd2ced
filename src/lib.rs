//! rutter: a versioned data drive on Git and Git LFS.
//!
//! A module imports only modules of the layers below its own. A test compares every `use crate::` with this table:
//!
//! | layer | modules |
//! |---|---|
//! | 10 HTTP | web |
//! | 9 composition root | app |
//! | 8 features | accounts check collect files `git_service` share |
//! | 7 services | datasets mail storage |
//! | 6 kernel | access jobs quota |
//! | 5 database | db retry |
//! | 4 environment | clock config |
//! | 3 values | types |
//! | 2 errors | error |
//! | 1 request id | request |

pub mod access;
pub mod accounts;
pub mod app;
pub mod check;
pub mod clock;
pub mod collect;
pub mod config;
pub mod datasets;
pub mod db;
pub mod error;
pub mod files;
pub mod git_service;
pub mod jobs;
pub mod mail;
mod quota;
pub mod request;
mod retry;
pub mod share;
pub mod storage;
pub mod types;
pub mod web;

/// Runs blocking or CPU-intensive work off the async threads. The only caller of `spawn_blocking` in this crate, so
/// that the cost is easy to find.
#[expect(clippy::disallowed_methods, reason = "the only caller")]
pub(crate) async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> error::Result<T> {
    let span = tracing::Span::current();
    tokio::task::spawn_blocking(move || span.in_scope(work)).await.map_err(error::Error::internal)
}
