//! Compressed JSON responses (`Content-Encoding: gzip`), for browsers and API clients on slow networks.

use async_compression::Level;
use async_compression::tokio::bufread::GzipEncoder;
use axum::body::Body;
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::{IntoResponse as _, Response};
use hyper::body::Body as _;
use tokio::io::AsyncReadExt as _;

use crate::error::Error;

/// Shorter responses fit into one packet anyway, in bytes.
const MIN: u64 = 1400;

/// Longer responses are sent as they are, in bytes: compressing one would delay other requests of the same thread.
const MAX: u64 = 1 << 20;

/// What forbids to compress a response, in `Cache-Control`.
const NO_TRANSFORM: &[u8] = b"no-transform";

/// A content coding of responses that are compressed when they are sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ContentCoding {
    /// Not compressed.
    Identity,
    /// Compressed with gzip.
    Gzip,
}

impl ContentCoding {
    /// Returns the coding for a client that sends these headers.
    pub(super) fn of(headers: &HeaderMap) -> Self {
        if accepts(headers, "gzip") { Self::Gzip } else { Self::Identity }
    }
}

/// Returns true if the client accepts a content coding (RFC 9110 §12.5.3).
pub(crate) fn accepts(headers: &HeaderMap, coding: &str) -> bool {
    let accepted = headers.get(header::ACCEPT_ENCODING).and_then(|value| value.to_str().ok());
    accepted.unwrap_or_default().split(',').any(|one| {
        let (name, weight) = one.split_once(';').unwrap_or((one, ""));
        name.trim().eq_ignore_ascii_case(coding) && !matches!(weight.trim(), "q=0" | "q=0.0")
    })
}

/// Compresses a JSON response of known length, unless that saves nothing. A response with an entity tag is left as it is:
/// each encoding would need its own (RFC 9110 §8.8.3).
pub(super) async fn compress(coding: ContentCoding, response: Response) -> Response {
    if coding == ContentCoding::Identity {
        return response;
    }
    let length = response.body().size_hint().exact();
    if !is_plain_json(response.headers()) || !length.is_some_and(|length| (MIN..=MAX).contains(&length)) {
        return response;
    }
    let (mut head, body) = response.into_parts();
    let plain = match axum::body::to_bytes(body, usize::try_from(MAX).unwrap_or(usize::MAX)).await {
        Ok(plain) => plain,
        Err(error) => return Error::internal(error).into_response(),
    };
    let mut packed = Vec::with_capacity(plain.len() / 4);
    let mut encoder = GzipEncoder::with_quality(&plain[..], Level::Fastest);
    let is_packed = encoder.read_to_end(&mut packed).await.is_ok() && packed.len() < plain.len();
    head.headers.append(header::VARY, HeaderValue::from_static("Accept-Encoding"));
    if !is_packed {
        return Response::from_parts(head, Body::from(plain));
    }
    head.headers.remove(header::CONTENT_LENGTH);
    head.headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    Response::from_parts(head, Body::from(packed))
}

/// Returns true for a JSON response that may be compressed.
fn is_plain_json(headers: &HeaderMap) -> bool {
    let media = headers.get(header::CONTENT_TYPE).map(HeaderValue::as_bytes);
    let caching = headers.get(header::CACHE_CONTROL).map(HeaderValue::as_bytes).unwrap_or_default();
    media.is_some_and(|media| media.starts_with(b"application/json"))
        && !caching.windows(NO_TRANSFORM.len()).any(|part| part == NO_TRANSFORM)
        && !headers.contains_key(header::CONTENT_ENCODING)
        && !headers.contains_key(header::ETAG)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codings_are_accepted_by_name() {
        let accepts = |value: &'static str| {
            let headers = [(header::ACCEPT_ENCODING, HeaderValue::from_static(value))].into_iter().collect();
            super::accepts(&headers, "gzip")
        };
        assert!(accepts("gzip") && accepts("br, GZIP;q=0.5") && accepts("deflate,gzip"));
        assert!(!accepts("") && !accepts("br") && !accepts("gzip;q=0") && !accepts("xgzip"));
        assert!(!super::accepts(&HeaderMap::new(), "gzip"));
    }

    #[tokio::test]
    async fn only_long_json_is_compressed() {
        let json = || [(header::CONTENT_TYPE, "application/json")];
        let long = format!("[{}1]", "1,".repeat(2000));
        let packed = compress(ContentCoding::Gzip, (json(), long.clone()).into_response()).await;
        assert_eq!(
            (&packed.headers()[header::CONTENT_ENCODING], &packed.headers()[header::VARY]),
            (&HeaderValue::from_static("gzip"), &HeaderValue::from_static("Accept-Encoding"))
        );
        let bytes = axum::body::to_bytes(packed.into_body(), 10_000).await.unwrap();
        assert!(bytes.len() < 100 && bytes.starts_with(&[0x1f, 0x8b]));
        for same in [
            (json(), "[1]".to_owned()).into_response(),
            ([(header::CONTENT_TYPE, "text/csv")], long.clone()).into_response(),
            (json(), [(header::ETAG, "\"1\"")], long.clone()).into_response(),
            (json(), " ".repeat((1 << 20) + 1)).into_response(),
        ] {
            assert!(!compress(ContentCoding::Gzip, same).await.headers().contains_key(header::CONTENT_ENCODING));
        }
    }
}
