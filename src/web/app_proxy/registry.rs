//! Open connections to apps. Those that are no longer allowed are ended within seconds: the user signed out, lost access
//! or was suspended, or the app was uninstalled.

use std::collections::HashMap;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::Body;
use bytes::Bytes;
use hyper::body::{Body as HttpBody, Frame, SizeHint};
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};

use super::forward::Upstream;
use crate::access::AppCredentials;
use crate::app::App;
use crate::error::Result;
use crate::types::Id;

/// Interval of the checks.
const CHECK_INTERVAL: Duration = Duration::from_secs(3);

/// The open connections of this server.
pub(super) struct Registry {
    open: Mutex<Open>,
    stop: CancellationToken,
}

#[derive(Default)]
struct Open {
    serial: u64,
    entries: HashMap<u64, (Id, AppCredentials, CancellationToken)>,
}

/// An open connection, until it is dropped.
pub(super) struct Entry {
    registry: Arc<Registry>,
    id: u64,
    cancelled: CancellationToken,
}

impl Drop for Entry {
    fn drop(&mut self) {
        self.registry.open().entries.remove(&self.id);
    }
}

impl Entry {
    /// Waits until the connection must end.
    pub(super) async fn ended(&self) {
        self.cancelled.cancelled().await;
    }

    /// Breaks a response off when its connection must end: with an error, because it must not look complete.
    pub(super) fn until_sent(self, body: Body) -> Body {
        let cancelled = Box::pin(self.cancelled.clone().cancelled_owned());
        Body::new(WatchedBody { body, cancelled, _entry: self })
    }
}

struct WatchedBody {
    body: Body,
    cancelled: Pin<Box<WaitForCancellationFutureOwned>>,
    _entry: Entry,
}

impl HttpBody for WatchedBody {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<std::result::Result<Frame<Bytes>, axum::Error>>> {
        if self.cancelled.as_mut().poll(context).is_ready() {
            return Poll::Ready(Some(Err(axum::Error::new("the connection to the app had to end"))));
        }
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl Registry {
    pub(super) fn new(stop: CancellationToken) -> Self {
        Self { open: Mutex::default(), stop }
    }

    fn open(&self) -> MutexGuard<'_, Open> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds a connection.
    pub(super) fn enter(self: &Arc<Self>, install: Id, caller: AppCredentials) -> Entry {
        let cancelled = self.stop.child_token();
        let mut open = self.open();
        open.serial += 1;
        let id = open.serial;
        open.entries.insert(id, (install, caller, cancelled.clone()));
        Entry { registry: self.clone(), id, cancelled }
    }

    /// Ends connections that are no longer allowed, and those to apps that are not used, until the server stops.
    pub(super) async fn watch(self: Arc<Self>, app: App, upstream: Upstream) {
        while self.stop.run_until_cancelled(tokio::time::sleep(CHECK_INTERVAL)).await.is_some() {
            upstream.close_unused();
            if let Err(error) = self.check(&app).await {
                tracing::warn!(%error, "cannot check the connections to apps");
            }
        }
    }

    async fn check(&self, app: &App) -> Result<()> {
        // One look-up for all connections of a caller to an app.
        let mut callers: HashMap<(Id, String), (AppCredentials, Vec<CancellationToken>)> = HashMap::new();
        for (install, caller, cancelled) in self.open().entries.values() {
            let of_caller = callers.entry((*install, caller.key()));
            of_caller.or_insert_with(|| (caller.clone(), Vec::new())).1.push(cancelled.clone());
        }
        for ((install, _), (caller, connections)) in callers {
            if !self.is_allowed(app, install, caller).await? {
                connections.iter().for_each(CancellationToken::cancel);
            }
        }
        Ok(())
    }

    async fn is_allowed(&self, app: &App, install: Id, caller: AppCredentials) -> Result<bool> {
        let Some(install) = app.apps.by_id(install).await? else { return Ok(false) };
        match app.access.authorize_app_use(&install, caller).await {
            Ok(grant) => Ok(app.apps.has_wildcard() || grant.is_owner()),
            Err(error) if error.kind().status().is_server_error() => Err(error),
            Err(_) => Ok(false),
        }
    }
}
