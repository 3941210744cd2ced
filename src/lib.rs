//! rutter: a versioned data drive on Git and Git LFS.
//!
//! Layers: imports only point downwards. A test compares every `use crate::` line with this table:
//!
//! | layer | modules |
//! |---|---|
//! | 4 entry | app web |
//! | 3 features | accounts datasets share storage `git_service` files collect check |
//! | 2 kernel | access jobs mail quota db |
//! | 1 base | config error request types clock |
//!
//! Within a layer only: web → app, accounts → datasets, accounts → `git_service`,
//! `git_service` → datasets, `git_service` → storage, files → datasets, files → storage, collect → datasets, collect → storage, check → datasets,
//! check → storage, access → db, jobs → db, quota → db, mail → db, mail → jobs, config → error, config → types,
//! clock → types, types → error, error → request.

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
