//! Connections to apps.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::body::Body;
use axum::extract::Request;
use axum::http::StatusCode;
use axum::response::Response;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use tokio_util::sync::CancellationToken;

/// Time for connecting to an app: it is on this machine or in this cluster.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// Time for the head of a response. Long polling is below that.
const RESPONSE_TIMEOUT: Duration = Duration::from_mins(5);
/// How long an unused connection is kept.
const POOL_IDLE: Duration = Duration::from_secs(20);
/// Unused connections that are kept for each app.
const POOL_CONNECTIONS: usize = 64;
/// Maximum number of informational responses (1xx) to a request.
const MAX_INFORMATIONAL: usize = 20;
/// Maximum size of the head of a response, in bytes.
const HEAD_BYTES: usize = 64 << 10;

/// Sends requests to apps.
pub(super) struct Upstream {
    client: Client<HttpConnector, Body>,
}

impl Upstream {
    pub(super) fn new() -> Self {
        let mut connector = HttpConnector::new();
        connector.set_connect_timeout(Some(CONNECT_TIMEOUT));
        connector.set_nodelay(true);
        let client = Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(POOL_IDLE)
            .pool_max_idle_per_host(POOL_CONNECTIONS)
            .http1_max_buf_size(HEAD_BYTES)
            .set_host(false)
            .build(connector);
        Self { client }
    }

    /// Sends a request, and returns the response as soon as its head is there.
    ///
    /// # Errors
    /// 502 if the app does not answer, or not with HTTP; 504 if it takes too long; with a message.
    pub(super) async fn send(&self, mut request: Request) -> Result<Response, (StatusCode, &'static str)> {
        // Each costs CPU time, and there is no limit of their number elsewhere.
        let (number, too_many) = (AtomicUsize::new(0), CancellationToken::new());
        let counted = too_many.clone();
        hyper::ext::on_informational(&mut request, move |_| {
            if number.fetch_add(1, Ordering::Relaxed) >= MAX_INFORMATIONAL {
                counted.cancel();
            }
        });
        let answered = too_many.run_until_cancelled(self.client.request(request));
        let Ok(answered) = tokio::time::timeout(RESPONSE_TIMEOUT, answered).await else {
            return Err((StatusCode::GATEWAY_TIMEOUT, "the app took too long to answer"));
        };
        let Some(answered) = answered else {
            return Err((StatusCode::BAD_GATEWAY, "the app sent too many informational responses"));
        };
        match answered {
            Ok(response) => Ok(response.map(Body::new)),
            Err(error) => {
                tracing::debug!(%error, "an app did not answer");
                Err((StatusCode::BAD_GATEWAY, "the app did not answer; it may be starting or overloaded: try again"))
            }
        }
    }
}
