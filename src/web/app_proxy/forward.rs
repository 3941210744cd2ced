//! Sends requests to apps.

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::Poll;
use std::time::Duration;

use axum::extract::Request;
use axum::http::StatusCode;
use axum::response::Response;
use futures::future::poll_fn;
use hyper::body::Body as _;

use super::connections::Connections;
use crate::web::http::on_frame;

/// Time for the head of a response after the last part of the request was sent. Long polling is below that.
const RESPONSE_TIMEOUT: Duration = Duration::from_mins(5);
/// Maximum number of informational responses (1xx) to a request.
const MAX_INFORMATIONAL: usize = 20;

/// Sends requests to apps.
#[derive(Clone, Default)]
pub(super) struct Upstream {
    connections: Arc<Connections>,
}

impl Upstream {
    /// Closes connections that have not been used for some time. To be called every few seconds.
    pub(super) fn close_unused(&self) {
        self.connections.close_unused();
    }

    /// Sends a request to `host:port`, and returns the response as soon as its head is there.
    ///
    /// # Errors
    /// 502 if the app does not answer, or not with HTTP; 504 if it takes too long; with a message.
    pub(super) async fn send(
        &self,
        endpoint: &str,
        mut request: Request,
    ) -> Result<Response, (StatusCode, &'static str)> {
        // Each costs CPU time, and there is no limit of their number elsewhere.
        let number = Arc::new(AtomicUsize::new(0));
        let counted = number.clone();
        hyper::ext::on_informational(&mut request, move |_| {
            counted.fetch_add(1, Ordering::Relaxed);
        });
        // Counts the parts of the body that were sent: a long upload is no timeout.
        let moved = Arc::new(AtomicUsize::new(0));
        if !request.body().is_end_stream() {
            let counted = moved.clone();
            request = request.map(|body| on_frame(body, move |_| _ = counted.fetch_add(1, Ordering::Relaxed)));
        }
        let mut sent = pin!(self.connections.send(endpoint, request));
        let answered = poll_fn(|context| match sent.as_mut().poll(context) {
            Poll::Ready(answered) => Poll::Ready(Some(answered)),
            Poll::Pending if number.load(Ordering::Relaxed) > MAX_INFORMATIONAL => Poll::Ready(None),
            Poll::Pending => Poll::Pending,
        });
        let mut answered = pin!(answered);
        let answered = loop {
            let before = moved.load(Ordering::Relaxed);
            match tokio::time::timeout(RESPONSE_TIMEOUT, answered.as_mut()).await {
                Ok(answered) => break answered,
                // A large body takes its time.
                Err(_) if moved.load(Ordering::Relaxed) != before => {}
                Err(_) => return Err((StatusCode::GATEWAY_TIMEOUT, "the app took too long to answer")),
            }
        };
        let Some(answered) = answered else {
            return Err((StatusCode::BAD_GATEWAY, "the app sent too many informational responses"));
        };
        answered.map_err(|error| {
            tracing::debug!(%error, endpoint, "an app did not answer");
            (StatusCode::BAD_GATEWAY, "the app did not answer; it may be starting or overloaded: try again")
        })
    }
}
