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

use super::connections::Connections;
use super::request_body::Progress;

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
    /// 502 if the app does not answer, or not with HTTP; 504 if it takes too long; 400 if the client breaks off the body; with
    /// a message.
    pub(super) async fn send(
        &self,
        endpoint: &str,
        mut request: Request,
    ) -> Result<Response, (StatusCode, &'static str)> {
        let progress: Arc<Progress> = request.extensions().get().cloned().unwrap_or_default();
        // Each costs CPU time, and there is no limit of their number elsewhere.
        let number = Arc::new(AtomicUsize::new(0));
        let (counted, asked) = (number.clone(), progress.clone());
        hyper::ext::on_informational(&mut request, move |response| {
            counted.fetch_add(1, Ordering::Relaxed);
            if response.status() == StatusCode::CONTINUE {
                asked.send();
            }
        });
        let mut sent = pin!(self.connections.send(endpoint, request));
        let answered = poll_fn(|context| match sent.as_mut().poll(context) {
            Poll::Ready(answered) => Poll::Ready(Some(answered)),
            Poll::Pending if number.load(Ordering::Relaxed) > MAX_INFORMATIONAL => Poll::Ready(None),
            Poll::Pending => Poll::Pending,
        });
        let mut answered = pin!(answered);
        let answered = loop {
            let before = progress.parts();
            match tokio::time::timeout(RESPONSE_TIMEOUT, answered.as_mut()).await {
                Ok(answered) => break answered,
                // A large body takes its time.
                Err(_) if progress.parts() != before => {}
                Err(_) => return Err((StatusCode::GATEWAY_TIMEOUT, "the app took too long to answer")),
            }
        };
        let Some(answered) = answered else {
            return Err((StatusCode::BAD_GATEWAY, "the app sent too many informational responses"));
        };
        answered.map_err(|error| {
            if progress.has_failed() {
                return (
                    StatusCode::BAD_REQUEST,
                    "the body of the request is malformed, incomplete, or came too slowly",
                );
            }
            tracing::debug!(%error, endpoint, "an app did not answer");
            (StatusCode::BAD_GATEWAY, "the app did not answer; it may be starting or overloaded: try again")
        })
    }
}
