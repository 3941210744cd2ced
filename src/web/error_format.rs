//! Error formats: renders the same error for each protocol. Features return problem details; clients of git and git-lfs
//! expect other formats.

use axum::Json;
use axum::body::Body;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use serde_json::json;

use super::{ckan, hub};
use crate::error::{Error, ErrorDetails, Kind};

/// The media type of the Git LFS API.
pub(super) const LFS_JSON: &str = "application/vnd.git-lfs+json";

/// The error format that the client of a URL expects.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ErrorFormat {
    /// Problem details (RFC 9457).
    Problem,
    /// `{message, request_id}`; git-lfs reads it only in its own media type.
    Lfs,
    /// Plain text, which git shows to its user.
    Git,
    /// The headers `X-Error-Code` and `X-Error-Message` of the Hugging Face Hub, and `{error}`.
    Hub {
        /// True if the URL is that of a dataset.
        dataset: bool,
    },
    /// CKAN's `{help, success, error}`, for this action.
    Ckan(&'static str),
}

impl ErrorFormat {
    /// Returns the format for a URL. Only the format depends on this; an unknown URL gets the format of the clients
    /// that would request it.
    pub(super) fn of(path: &str) -> Self {
        if hub::is_below(path) {
            return Self::Hub { dataset: hub::is_of_dataset(path) };
        }
        if let Some(action) = ckan::action(path) {
            return Self::Ckan(action);
        }
        let under_lfs = path.ends_with("/info/lfs") || path.contains("/info/lfs/") || path.ends_with("/objects/batch");
        if path.starts_with("/_lfs/") || under_lfs {
            Self::Lfs
        } else if ["/info/refs", "/git-upload-pack", "/git-receive-pack"].iter().any(|tail| path.ends_with(tail)) {
            Self::Git
        } else {
            Self::Problem
        }
    }

    /// Renders the body of an error response and keeps its headers. Other responses pass unchanged.
    pub(super) async fn render_error(self, response: Response) -> Response {
        let mut response = if is_foreign(&response) { convert(response).await } else { response };
        let Some(details) = response.extensions().get::<ErrorDetails>().cloned() else { return response };
        let request = crate::request::id();
        let (media, body) = match self {
            Self::Problem => return response,
            Self::Ckan(action) => {
                ckan::render_error(action, &details, &mut response);
                response.headers_mut().remove(header::CONTENT_LENGTH);
                return response;
            }
            Self::Lfs => (
                LFS_JSON,
                Json(json!({ "message": details.detail, "request_id": request })).into_response().into_body(),
            ),
            // The operator will need the ID.
            Self::Git if details.kind.status().is_server_error() => {
                ("text/plain; charset=utf-8", format!("{} (request {request})\n", details.detail).into())
            }
            Self::Git => ("text/plain; charset=utf-8", format!("{}\n", details.detail).into()),
            Self::Hub { dataset } => {
                hub::render_error(dataset, &details, response.headers_mut());
                let body = json!({ "error": details.detail, "request_id": request });
                ("application/json", Json(body).into_response().into_body())
            }
        };
        *response.body_mut() = body;
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(media));
        headers.remove(header::CONTENT_LENGTH);
        if self == Self::Lfs && details.kind == Kind::Unauthenticated {
            headers.insert("lfs-authenticate", HeaderValue::from_static("Basic realm=\"rutter\", charset=\"UTF-8\""));
        }
        response
    }
}

/// Returns true if the error comes from the framework, before a handler was called: these are plain text. Any other
/// response is a handler's own.
fn is_foreign(response: &Response) -> bool {
    let failed = response.status().is_client_error() || response.status().is_server_error();
    let media = response.headers().get(header::CONTENT_TYPE);
    failed && media.is_some_and(|media| media.as_bytes().starts_with(b"text/plain"))
}

/// Converts an error of the framework to one of ours.
async fn convert(response: Response) -> Response {
    /// The framework's messages are short.
    const SENTENCE: usize = 1024;
    let (head, body) = response.into_parts();
    let sentence = axum::body::to_bytes(body, SENTENCE).await.unwrap_or_default();
    let sentence = match std::str::from_utf8(&sentence) {
        Ok(text) if !text.is_empty() => text.to_owned(),
        _ => head.status.canonical_reason().unwrap_or("the request failed").to_owned(),
    };
    let error = match head.status {
        StatusCode::NOT_FOUND => Error::not_found(sentence),
        StatusCode::METHOD_NOT_ALLOWED => Error::method_not_allowed(sentence),
        StatusCode::PAYLOAD_TOO_LARGE => Error::too_large(sentence),
        StatusCode::UNSUPPORTED_MEDIA_TYPE => Error::unsupported_media(sentence),
        StatusCode::UNPROCESSABLE_ENTITY => Error::invalid(sentence),
        status if status.is_client_error() => Error::malformed(sentence),
        _ => Error::internal(sentence),
    };
    let mut response = error.into_response();
    // Its other headers describe its own body.
    if let Some(allow) = head.headers.get(header::ALLOW) {
        response.headers_mut().insert(header::ALLOW, allow.clone());
    }
    response
}

/// Returns a JSON body in the Git LFS media type with this status.
pub(super) fn lfs_json(status: StatusCode, body: impl Into<Body>) -> Response {
    let mut response = Response::new(body.into());
    *response.status_mut() = status;
    // Reserve space for the headers of every response: growing the map costs more than filling it.
    response.headers_mut().reserve(8);
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(LFS_JSON));
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_url_has_its_error_format() {
        for (path, words) in [
            ("/_lfs/token", ErrorFormat::Lfs),
            ("/a/b.git/info/lfs", ErrorFormat::Lfs),
            ("/a/b.git/info/lfs/no/such", ErrorFormat::Lfs),
            ("/a/b/objects/batch", ErrorFormat::Lfs),
            ("/a/b.git/info/refs", ErrorFormat::Git),
            ("/a/b.git/git-upload-pack", ErrorFormat::Git),
            ("/a/b.git/HEAD", ErrorFormat::Problem),
            ("/a/b.git/info/lfsx", ErrorFormat::Problem),
            ("/healthz", ErrorFormat::Problem),
            ("/api/v1/datasets", ErrorFormat::Problem),
            ("/api/3/action/package_show", ErrorFormat::Ckan("package_show")),
            ("/api/3/action/nothing", ErrorFormat::Ckan("")),
            ("/dataset/a/resource/b/download", ErrorFormat::Problem),
            ("/api/openapi.json", ErrorFormat::Problem),
            ("/api/whoami-v2", ErrorFormat::Hub { dataset: false }),
            ("/api/datasets", ErrorFormat::Hub { dataset: false }),
            ("/api/datasets/a/b/refs", ErrorFormat::Hub { dataset: true }),
            ("/datasets/a/b/resolve/main/info/refs", ErrorFormat::Hub { dataset: true }),
        ] {
            assert_eq!(ErrorFormat::of(path), words, "{path}");
        }
    }

    #[tokio::test]
    async fn errors_of_the_framework_use_our_format() {
        let refused = || (StatusCode::METHOD_NOT_ALLOWED, [(header::ALLOW, "GET")], "no").into_response();
        for (words, media) in [
            (ErrorFormat::Problem, "application/problem+json"),
            (ErrorFormat::Lfs, LFS_JSON),
            (ErrorFormat::Git, "text/plain; charset=utf-8"),
        ] {
            let details = words.render_error(refused()).await;
            assert_eq!(details.status(), StatusCode::METHOD_NOT_ALLOWED);
            assert_eq!(details.headers()[header::ALLOW], "GET");
            assert_eq!(details.headers()[header::CONTENT_TYPE], media);
            let body = axum::body::to_bytes(details.into_body(), 1000).await.unwrap();
            assert!(String::from_utf8_lossy(&body).contains("no"), "{words:?}");
        }
    }

    #[tokio::test]
    async fn framework_errors_are_not_disclosed() {
        let fault = (StatusCode::INTERNAL_SERVER_ERROR, "a secret").into_response();
        let details = ErrorFormat::Git.render_error(fault).await;
        let body = axum::body::to_bytes(details.into_body(), 1000).await.unwrap();
        assert!(body.starts_with(b"internal error (request "), "{body:?}");
    }
}
