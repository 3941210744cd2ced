//! What applies to every request: its id, its line in the log, its figures.

use std::time::Instant;

use axum::extract::{MatchedPath, Request};
use axum::http::{HeaderName, HeaderValue, Uri};
use axum::middleware::Next;
use axum::response::Response;

use crate::clock;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Ends of the URLs of a dataset that git and git-lfs build themselves.
const TAILS: &[&str] = &["/info/refs", "/info/lfs/", "/git-upload-pack", "/git-receive-pack", "/objects/batch"];

/// Gives the request an id, the client's own if it is plain, and writes its line in the log.
pub(super) async fn identify(request: Request, next: Next) -> Response {
    let given = request.headers().get(REQUEST_ID).and_then(|id| id.to_str().ok());
    let plain = |id: &&str| {
        (1..=64).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b))
    };
    let id = given.filter(plain).map_or_else(|| hex::encode(clock::random::<8>()), str::to_owned);
    let started = Instant::now();
    let method = request.method().clone();
    // Never the query, nor the token of a signed URL: both may hold credentials.
    let path = match request.uri().path() {
        path if path.starts_with("/_lfs/") => "/_lfs/…".to_owned(),
        path => path.to_owned(),
    };
    let mut response = crate::request::scope(id.clone(), next.run(request)).await;
    let status = response.status().as_u16();
    let milliseconds = started.elapsed().as_secs_f64() * 1000.0;
    if status >= 500 {
        tracing::warn!(request = id, %method, path, status, milliseconds, "request");
    } else {
        tracing::debug!(request = id, %method, path, status, milliseconds, "request");
    }
    if let Ok(value) = HeaderValue::from_str(&id) {
        response.headers_mut().insert(REQUEST_ID, value);
    }
    response.headers_mut().insert(axum::http::header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}

/// Counts the request and its time, by route, never by URL.
pub(super) async fn measure(request: Request, next: Next) -> Response {
    let started = Instant::now();
    let route =
        request.extensions().get::<MatchedPath>().map_or_else(|| "none".to_owned(), |path| path.as_str().to_owned());
    let method = request.method().as_str().to_owned();
    let response = next.run(request).await;
    let status = response.status().as_u16().to_string();
    metrics::counter!("rutter_http_requests_total", "method" => method, "route" => route.clone(), "status" => status)
        .increment(1);
    metrics::histogram!("rutter_http_request_seconds", "route" => route).record(started.elapsed().as_secs_f64());
    response
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
    use super::*;

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
