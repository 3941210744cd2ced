//! Middleware for every request: request IDs, access log, metrics, error formats, security headers and rate limiting.

use std::any::Any;
use std::cell::RefCell;
use std::collections::HashMap;
use std::convert::Infallible;
use std::panic::AssertUnwindSafe;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, LazyLock};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Version, header};
use axum::response::{IntoResponse as _, Response};
use futures::FutureExt as _;
use futures::future::BoxFuture;
use hyper::body::Body as _;
use metrics::{Counter, Histogram};
use tower::{Service, ServiceExt as _};

use super::body::{self, UnreadBody};
use super::compression::{self, ContentCoding};
use super::rate_limit::{Admission, Bill, Limits};
use super::routes::{RouteGroup, RouteTable};
use super::server::Running;
use super::{cors, error_format, session_cookie, timeouts};
use crate::clock;
use crate::config::Config;
use crate::error::Error;

const STRICT: HeaderValue = HeaderValue::from_static("max-age=31536000");
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Wraps all routes, which the table describes.
pub(crate) fn layer(router: Router, table: RouteTable, limits: Arc<Limits>, config: &Config) -> Router {
    let idle = Duration::from_secs(config.limits.idle_timeout);
    let shared = Arc::new(Shared { table, idle, limits });
    router.layer(tower::layer::layer_fn(move |routes| RequestLayer { routes, shared: shared.clone() }))
}

/// The routes with all middleware. This is a single service, because each layer around a router slows down a batch of
/// one object by some percent. So it does not use the layers of `tower-http` for request IDs, panics and headers, which
/// are no shorter either.
#[derive(Clone)]
struct RequestLayer<S> {
    routes: S,
    shared: Arc<Shared>,
}

struct Shared {
    table: RouteTable,
    /// The idle timeout of a client.
    idle: Duration,
    limits: Arc<Limits>,
}

impl<S> Service<Request> for RequestLayer<S>
where
    S: Service<Request, Response = Response, Error = Infallible, Future: Send + 'static> + Clone + Send + 'static,
{
    type Response = Response;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Response, Infallible>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.routes.poll_ready(context)
    }

    fn call(&mut self, mut request: Request) -> Self::Future {
        let running = request.extensions_mut().remove();
        let seen = RequestContext::of(&request, &self.shared, running);
        let (group, idle) = (seen.group, seen.idle);
        if group.is_open
            && let Some(answer) = cors::preflight(&request)
        {
            let (_, unread) = body::followed(request, group.sends_body_later);
            return seen.serve(std::future::ready(Ok(answer)), unread).boxed();
        }
        let admitted = self.shared.limits.admit(&mut request, &group, seen.started);
        let bill = Bill::of(&request);
        let (request, unread) = body::followed(request, group.sends_body_later);
        match admitted {
            Ok(Admission::Now(None)) => {
                let answer = self.routes.call(request);
                seen.serve(billed(bill, answer), unread).boxed()
            }
            Ok(Admission::Now(Some(place))) => {
                let answer = self.routes.call(request);
                let placed = async { Ok(answer.await?.map(|body| place.until_sent(body))) };
                seen.serve(billed(bill, placed), unread).boxed()
            }
            Ok(Admission::Later(turn)) => {
                let routes = self.routes.clone();
                let answer = async move {
                    match turn.come().await {
                        Ok(None) => routes.oneshot(request).await,
                        Ok(Some(place)) => Ok(routes.oneshot(request).await?.map(|body| place.until_sent(body))),
                        Err(refusal) => Ok(refused(request, refusal, idle).await),
                    }
                };
                seen.serve(billed(bill, answer), unread).boxed()
            }
            Err(refusal) => seen.serve(async move { Ok(refused(request, refusal, idle).await) }, unread).boxed(),
        }
    }
}

/// Charges the rate limit for what is read to build the response.
async fn billed<F: Future>(bill: Bill, answer: F) -> F::Output {
    bill.effort().scope(answer).await
}

/// Responds to a request that is refused before any handler. A short body is read anyway: otherwise the connection
/// would be closed, and a client that sends its next request would take that for a failure.
async fn refused(request: Request, refusal: Error, idle: Duration) -> Response {
    body::read_little(request.into_body(), idle).await;
    refusal.into_response()
}

/// The context of a request while it is served.
struct RequestContext {
    id: String,
    started: Instant,
    method: &'static str,
    /// The route pattern. Never the URL, which can contain credentials and is unbounded.
    route: &'static str,
    version: Version,
    group: RouteGroup,
    idle: Duration,
    /// True if the request comes from a page of another site that may read the response (CORS).
    is_open: bool,
    is_browser: bool,
    /// How the response may be encoded. Compressed only for GET requests: responses to others contain new secrets beside names
    /// that the client chose, and their length would tell about them (BREACH).
    coding: ContentCoding,
    /// True if this server is known to be reached by HTTPS.
    is_secure: bool,
    /// Keeps the connection from becoming idle; absent only in tests of the router.
    running: Option<Running>,
}

impl RequestContext {
    fn of(request: &Request, shared: &Shared, running: Option<Running>) -> Self {
        let (route, group) = shared.table.find(request);
        Self {
            id: request_id(request.headers()),
            started: Instant::now(),
            method: method_label(request.method()),
            route,
            version: request.version(),
            group,
            idle: shared.idle,
            is_open: group.is_open && request.headers().contains_key(header::ORIGIN),
            is_browser: session_cookie::is_browser(request.headers()),
            coding: match *request.method() {
                Method::GET => ContentCoding::of(request.headers()),
                _ => ContentCoding::Identity,
            },
            is_secure: shared.limits.is_secure(request),
            running,
        }
    }

    /// Serves the request under its request ID.
    async fn serve(
        self,
        answer: impl Future<Output = Result<Response, Infallible>>,
        unread: UnreadBody,
    ) -> Result<Response, Infallible> {
        let serve = async {
            // A panic in a handler is an internal error like any other.
            let answer = AssertUnwindSafe(answer).catch_unwind().await;
            let answer = answer.map_or_else(|cause| panicked(&*cause), |Ok(response)| response);
            let response = error_format::render_error(&self.group, self.route, answer).await;
            self.note(response.status());
            compression::compress(self.coding, response).await
        };
        let mut response = crate::request::scope(self.id.clone(), serve).await;
        security_headers(&self.id, response.headers_mut());
        if self.is_secure {
            // HSTS: no plain HTTP for a year (RFC 6797).
            response.headers_mut().entry(header::STRICT_TRANSPORT_SECURITY).or_insert(STRICT);
        }
        if self.is_browser {
            session_cookie::without_dialog(&mut response);
        }
        if self.is_open {
            cors::open(response.headers_mut());
        }
        if self.method == "HEAD" {
            return Ok(without_body(response));
        }
        if let Some(running) = self.running {
            response = response.map(|body| running.until_sent(body));
        }
        if self.version == Version::HTTP_2 {
            return Ok(response.map(|body| timeouts::watched(body, self.idle)));
        }
        let failed = response.status().is_client_error() || response.status().is_server_error();
        if failed && unread.is_much() {
            // The connection cannot be reused, and the client must not try to (RFC 9112 §9.6).
            response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
        }
        Ok(response)
    }

    /// Writes the access log line and updates the metrics.
    fn note(&self, status: StatusCode) {
        let Self { method, route, .. } = *self;
        let seconds = self.started.elapsed().as_secs_f64();
        let milliseconds = seconds * 1000.0;
        if status.is_server_error() {
            tracing::warn!(method, route, status = status.as_u16(), milliseconds, "request");
        } else {
            // A push of a thousand files is two thousand requests: too much for the default log level.
            tracing::debug!(method, route, status = status.as_u16(), milliseconds, "request");
        }
        FIGURES.with_borrow_mut(|figures| {
            let figures = figures.entry((method, route, status)).or_insert_with(|| {
                let status = status.as_str().to_owned();
                let requests = metrics::counter!(
                    "rutter_http_requests_total", "method" => method, "route" => route, "status" => status
                );
                (requests, metrics::histogram!("rutter_http_request_seconds", "route" => route))
            });
            figures.0.increment(1);
            figures.1.record(seconds);
        });
    }
}

/// The labels of a request metric: method, route and status.
type Kind = (&'static str, &'static str, StatusCode);

thread_local! {
    /// The metrics by their labels. Looking them up in the registry for each request takes longer than updating them.
    static FIGURES: RefCell<HashMap<Kind, (Counter, Histogram)>> = RefCell::default();
}

fn panicked(cause: &(dyn Any + Send)) -> Response {
    let said = cause.downcast_ref::<&str>().copied();
    let said = said.or_else(|| cause.downcast_ref::<String>().map(String::as_str)).unwrap_or_default();
    Error::internal(format!("panic: {said}")).into_response()
}

/// Returns the client's request ID if it is plain ASCII, so that a request can be traced across several programs;
/// otherwise a new one.
fn request_id(headers: &HeaderMap) -> String {
    let given = headers.get(REQUEST_ID).and_then(|id| id.to_str().ok());
    let plain = |id: &&str| {
        (1..=64).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b))
    };
    given.filter(plain).map_or_else(fresh_id, str::to_owned)
}

/// Returns a unique ID, which is not secret: asking the system for randomness for each request would cost more than
/// everything else here.
pub(crate) fn fresh_id() -> String {
    static PROCESS: LazyLock<u64> = LazyLock::new(|| u64::from_be_bytes(clock::random()));
    static SERIAL: AtomicU64 = AtomicU64::new(0);
    format!("{:016x}", PROCESS.wrapping_add(SERIAL.fetch_add(1, Ordering::Relaxed)))
}

/// Returns the method as a label. Clients can invent methods, and the number of labels must stay bounded.
fn method_label(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::DELETE => "DELETE",
        Method::PATCH => "PATCH",
        Method::OPTIONS => "OPTIONS",
        _ => "other",
    }
}

/// Adds security headers to every response, unless the handler has set them.
fn security_headers(id: &str, headers: &mut HeaderMap) {
    let value = HeaderValue::from_str(id).expect("a request id is plain ASCII");
    headers.insert(REQUEST_ID, value);
    for (name, value) in [
        // Browsers must not guess another media type.
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        // A signed URL must not leak in a `Referer`.
        (header::REFERRER_POLICY, "no-referrer"),
        // No response is a page that loads resources or is shown in a frame.
        (header::CONTENT_SECURITY_POLICY, "default-src 'none'; frame-ancestors 'none'"),
        // Most responses depend on the caller, and some contain signed URLs.
        (header::CACHE_CONTROL, "no-store"),
    ] {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    }
}

/// Drops the body for HEAD, as RFC 9110 §9.3.2 requires.
fn without_body(response: Response) -> Response {
    let (mut head, body) = response.into_parts();
    if let Some(length) = body.size_hint().exact().filter(|length| *length > 0) {
        head.headers.entry(header::CONTENT_LENGTH).or_insert(length.into());
    }
    Response::from_parts(head, Body::empty())
}

#[cfg(test)]
mod tests {
    use axum::routing::get;

    use super::*;

    #[tokio::test]
    async fn a_panic_is_answered_with_500() {
        async fn breaks() {
            panic!("the secret of it");
        }
        const TEXT: RouteGroup = RouteGroup {
            render_error: |_, details, response| {
                let body = format!("{} of {}", details.detail, crate::request::id());
                error_format::replace_body(response, "text/x-error", body);
            },
            ..RouteGroup::DEFAULT
        };
        let router = Router::new().route("/text", get(breaks)).route("/breaks", get(breaks));
        let table = RouteTable { group_of: [("/text", TEXT)].into(), groups: Vec::new() };
        let config = Config::default();
        let router = layer(router.route("/works", get(|| async {})), table, Limits::new(&config), &config);
        for (path, media) in [("/breaks", "application/problem+json"), ("/text", "text/x-error")] {
            let request = Request::get(path).header(REQUEST_ID, "mine").body(Body::empty()).unwrap();
            let reply = router.clone().oneshot(request).await.unwrap();
            assert_eq!(
                (reply.status().as_u16(), &reply.headers()[REQUEST_ID]),
                (500, &HeaderValue::from_static("mine"))
            );
            assert_eq!(reply.headers()[header::CONTENT_TYPE], media);
            let body = axum::body::to_bytes(reply.into_body(), 1000).await.unwrap();
            let body = String::from_utf8_lossy(&body);
            assert!(body.contains("mine") && !body.contains("secret"), "{body}");
        }
        let works = router.oneshot(Request::get("/works").body(Body::empty()).unwrap()).await.unwrap();
        assert_eq!(works.status().as_u16(), 200);
    }
}
