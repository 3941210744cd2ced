//! CORS (Fetch Standard, "CORS protocol"): the endpoints that pages of other sites may call, so that CKAN clients and
//! `@rutter/upload` can send files from a browser. A page must send its own token and cannot use the session
//! cookie: with `Access-Control-Allow-Origin: *`, browsers only allow requests without credentials.

use axum::body::Body;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, Request, StatusCode, header};
use axum::response::{IntoResponse as _, Response};

/// Answers a preflight request to a route that pages of other sites may call. The layer of `tower-http` would also answer
/// the `OPTIONS` of tus, which is not a preflight.
pub(super) fn preflight(request: &Request<Body>) -> Option<Response> {
    let asks = |name: HeaderName| request.headers().contains_key(name);
    let is_one =
        request.method() == Method::OPTIONS && asks(header::ORIGIN) && asks(header::ACCESS_CONTROL_REQUEST_METHOD);
    is_one.then(|| {
        let mut response = StatusCode::NO_CONTENT.into_response();
        for (name, value) in [
            (header::ACCESS_CONTROL_ALLOW_METHODS, "GET, HEAD, POST, PUT, PATCH, DELETE"),
            (
                header::ACCESS_CONTROL_ALLOW_HEADERS,
                "Authorization, Content-Type, Content-MD5, Digest, Idempotency-Key, If-Match, Range, Tus-Resumable, \
                 Upload-Length, Upload-Offset, X-Request-Id",
            ),
            (header::ACCESS_CONTROL_MAX_AGE, "600"),
        ] {
            response.headers_mut().insert(name, HeaderValue::from_static(value));
        }
        response
    })
}

/// Adds the CORS headers to a response.
pub(super) fn open(headers: &mut HeaderMap) {
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    let shown = "ETag, Content-Range, Content-Disposition, Location, Retry-After, Tus-Resumable, Upload-Length, \
                 Upload-Offset, X-Request-Id";
    headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static(shown));
}
