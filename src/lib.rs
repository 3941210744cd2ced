//! rutter: a versioned data drive on Git and Git LFS.
//!
//! A module imports only modules of the layers below its own. A test compares every `use crate::` with this table:
//!
//! | layer | modules |
//! |---|---|
//! | 11 HTTP | web |
//! | 10 composition root | app |
//! | 9 features on files | apps tables |
//! | 8 features | accounts check collect discussions files `git_service` oauth pack share |
//! | 7 services | datasets mail storage |
//! | 6 kernel | access jobs quota |
//! | 5 database | db retry |
//! | 4 environment | clock config |
//! | 3 values | types |
//! | 2 errors | error |
//! | 1 request id | request |

use std::any::Any;

use tokio::task::JoinHandle;

pub mod access;
pub mod accounts;
pub mod app;
pub mod apps;
pub mod check;
pub mod clock;
pub mod collect;
pub mod config;
pub mod datasets;
pub mod db;
pub mod discussions;
pub mod error;
pub mod files;
pub mod git_service;
pub mod jobs;
pub mod mail;
pub mod oauth;
pub mod pack;
mod quota;
pub mod request;
mod retry;
pub mod share;
pub mod storage;
pub mod tables;
pub mod types;
pub mod web;

/// Runs blocking or CPU-intensive work off the async threads.
pub(crate) async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> error::Result<T> {
    let done = spawn_blocking(Box::new(move || Box::new(work()))).await.map_err(error::Error::internal)?;
    Ok(*done.downcast().expect("the task returns the result of `work`"))
}

/// Starts a task on the blocking pool. The only caller of tokio's function in this crate, so that the cost is easy
/// to find. Its types are erased, so that the machinery of tasks is compiled once.
#[expect(clippy::disallowed_methods, reason = "the only caller")]
fn spawn_blocking(work: Box<dyn FnOnce() -> Box<dyn Any + Send> + Send>) -> JoinHandle<Box<dyn Any + Send>> {
    let span = tracing::Span::current();
    tokio::task::spawn_blocking(move || span.in_scope(work))
}
