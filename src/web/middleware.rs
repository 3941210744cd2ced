//! What applies to every request: its id, its line in the log, its figures,
//! the words of its failure, headers for the safety of browsers.

use std::any::Any;
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Body;
use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, Uri, Version, header};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use hyper::body::Body as _;
use tower_http::catch_panic::CatchPanicLayer;

use super::patience;
use super::wording::Words;
use crate::clock;
use crate::error::Error;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Ends of the URLs of a dataset that git and git-lfs build themselves.
const TAILS: &[&str] = &["/info/refs", "/info/lfs/", "/git-upload-pack", "/git-receive-pack", "/objects/batch"];

/// Wraps all routes; `idle` is how long a client may keep us waiting.
pub(super) fn around(router: Router, idle: Duration) -> Router {
    router.layer(CatchPanicLayer::custom(panicked)).layer(axum::middleware::from_fn_with_state(idle, observe))
}

/// A handler that panics is a fault of ours like any other.
#[expect(clippy::needless_pass_by_value, reason = "tower-http asks for it")]
fn panicked(payload: Box<dyn Any + Send>) -> Response {
    let said = payload.downcast_ref::<&str>().map(|text| (*text).to_owned());
    let said = said.or_else(|| payload.downcast_ref::<String>().cloned()).unwrap_or_default();
    Error::internal(format!("panic: {said}")).into_response()
}

/// Serves one request under its id: the client's own if it is plain.
async fn observe(State(idle): State<Duration>, request: Request, next: Next) -> Response {
    let id = request_id(request.headers());
    let started = Instant::now();
    let method = method_label(request.method());
    let version = request.version();
    let words = Words::of(request.uri().path());
    let (request, unread) = patience::followed(request);
    // The route, never the URL: that may hold credentials, and there is no end of URLs.
    let route =
        request.extensions().get::<MatchedPath>().map_or_else(|| "none".to_owned(), |path| path.as_str().into());
    let serve = async {
        let response = words.tell(next.run(request).await).await;
        let status = response.status();
        let time = started.elapsed();
        let milliseconds = time.as_secs_f64() * 1000.0;
        if status.is_server_error() {
            tracing::warn!(method, route, status = status.as_u16(), milliseconds, "request");
        } else {
            // A push of a thousand files is two thousand requests: not for every log.
            tracing::debug!(method, route, status = status.as_u16(), milliseconds, "request");
        }
        let status = status.as_u16().to_string();
        metrics::counter!(
            "rutter_http_requests_total", "method" => method, "route" => route.clone(), "status" => status
        )
        .increment(1);
        metrics::histogram!("rutter_http_request_seconds", "route" => route).record(time.as_secs_f64());
        response
    };
    let mut response = crate::request::scope(id.clone(), serve).await;
    guard(&id, response.headers_mut());
    if method == "HEAD" {
        return without_body(response);
    }
    if version == Version::HTTP_2 {
        return response.map(|body| patience::watched(body, idle));
    }
    let failed = response.status().is_client_error() || response.status().is_server_error();
    if failed && unread.is_much() {
        // The connection cannot be used again, and the client must not try to (RFC 9112 §9.6).
        response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
    response
}

/// The client's own id if it is plain, so that it can be followed through
/// several programs; else a new one.
fn request_id(headers: &HeaderMap) -> String {
    let given = headers.get(REQUEST_ID).and_then(|id| id.to_str().ok());
    let plain = |id: &&str| {
        (1..=64).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b))
    };
    given.filter(plain).map_or_else(|| hex::encode(clock::random::<8>()), str::to_owned)
}

/// Anybody can invent a method, and a label must not grow without end.
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

/// Headers of every answer. What a handler says itself stays.
fn guard(id: &str, headers: &mut HeaderMap) {
    let value = HeaderValue::from_str(id).expect("a request id is plain ASCII");
    headers.insert(REQUEST_ID, value);
    for (name, value) in [
        // The type that we say is the type that it has.
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        // A signed URL must not go out in a `Referer`.
        (header::REFERRER_POLICY, "no-referrer"),
        // Nothing that we answer is a page that loads something or stands in a frame.
        (header::CONTENT_SECURITY_POLICY, "default-src 'none'; frame-ancestors 'none'"),
        // Most answers depend on who asks, and some hold signed URLs.
        (header::CACHE_CONTROL, "no-store"),
    ] {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    }
}

/// As for GET, but for the bytes (RFC 9110 §9.3.2).
fn without_body(response: Response) -> Response {
    let (mut head, body) = response.into_parts();
    if let Some(length) = body.size_hint().exact().filter(|length| *length > 0) {
        head.headers.entry(header::CONTENT_LENGTH).or_insert(length.into());
    }
    Response::from_parts(head, Body::empty())
}

/// Nested owners, as in `/ministry/statistics/census.git/info/refs`, become one
/// segment, so that there is one route for all depths.
pub(super) fn fold_owner(mut request: Request) -> Request {
    if let Some(folded) = folded(request.uri()) {
        *request.uri_mut() = folded;
    }
    request
}

fn folded(uri: &Uri) -> Option<Uri> {
    let path = uri.path();
    let end = TAILS.iter().filter_map(|tail| path.find(tail)).min()?;
    let (dataset, tail) = path.split_at(end);
    let (owner, name) = dataset.strip_prefix('/')?.rsplit_once('/')?;
    if !owner.contains('/') {
        return None;
    }
    let query = uri.query().map(|query| format!("?{query}")).unwrap_or_default();
    format!("/{}/{name}{tail}{query}", owner.replace('/', "%2F")).parse().ok()
}

#[cfg(test)]
mod tests {
    use tower::ServiceExt as _;

    use super::*;

    #[tokio::test]
    async fn a_panic_is_a_failure_like_any_other() {
        async fn breaks() {
            panic!("the secret of it");
        }
        let router = Router::new().route("/a/b.git/info/lfs/breaks", axum::routing::get(breaks));
        let router =
            router.route("/breaks", axum::routing::get(breaks)).route("/works", axum::routing::get(|| async {}));
        let router = around(router, Duration::from_secs(1));
        for (path, media) in
            [("/breaks", "application/problem+json"), ("/a/b.git/info/lfs/breaks", "application/vnd.git-lfs+json")]
        {
            let request = Request::get(path).header(REQUEST_ID, "mine").body(Body::empty()).unwrap();
            let told = router.clone().oneshot(request).await.unwrap();
            assert_eq!((told.status().as_u16(), &told.headers()[REQUEST_ID]), (500, &HeaderValue::from_static("mine")));
            assert_eq!(told.headers()[header::CONTENT_TYPE], media);
            let body = axum::body::to_bytes(told.into_body(), 1000).await.unwrap();
            let body = String::from_utf8_lossy(&body);
            assert!(body.contains("\"request_id\":\"mine\"") && !body.contains("secret"), "{body}");
        }
        let works = router.oneshot(Request::get("/works").body(Body::empty()).unwrap()).await.unwrap();
        assert_eq!(works.status().as_u16(), 200);
    }

    #[test]
    fn only_nested_owners_are_folded() {
        let fold = |path: &str| folded(&path.parse().unwrap()).map(|uri| uri.to_string());
        assert_eq!(fold("/a/b.git/info/refs?service=x"), None);
        assert_eq!(fold("/healthz"), None);
        assert_eq!(fold("/a/b/c.git/info/refs?service=x").unwrap(), "/a%2Fb/c.git/info/refs?service=x");
        assert_eq!(fold("/a/b/c/d/objects/batch").unwrap(), "/a%2Fb%2Fc/d/objects/batch");
        assert_eq!(fold("/a/b/c.git/info/lfs/locks/info/refs").unwrap(), "/a%2Fb/c.git/info/lfs/locks/info/refs");
    }
}
