//! Error responses in the format of each API. Features return problem details (RFC 9457); some clients expect others.

use axum::body::Body;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};

use super::routes::RouteGroup;
use crate::error::{Error, ErrorDetails};

/// Renders an error response for the clients of a route and keeps its headers. Other responses pass unchanged.
pub(super) async fn render_error(group: &RouteGroup, route: &'static str, response: Response) -> Response {
    let mut response = if is_foreign(&response) { convert(response).await } else { response };
    if let Some(details) = response.extensions().get::<ErrorDetails>().cloned() {
        (group.render_error)(route, &details, &mut response);
    }
    response
}

/// Replaces the body of a response.
pub(crate) fn replace_body(response: &mut Response, media: &'static str, body: impl Into<Body>) {
    *response.body_mut() = body.into();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(media));
    headers.remove(header::CONTENT_LENGTH);
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

#[cfg(test)]
mod tests {
    use super::*;

    /// A format that is not problem details.
    const TEXT: RouteGroup = RouteGroup {
        render_error: |_, details, response| replace_body(response, "text/x-error", details.detail.clone()),
        ..RouteGroup::DEFAULT
    };

    #[tokio::test]
    async fn errors_of_the_framework_use_our_format() {
        let refused = || (StatusCode::METHOD_NOT_ALLOWED, [(header::ALLOW, "GET")], "no").into_response();
        for (group, media) in [(RouteGroup::DEFAULT, "application/problem+json"), (TEXT, "text/x-error")] {
            let details = render_error(&group, "/", refused()).await;
            assert_eq!(details.status(), StatusCode::METHOD_NOT_ALLOWED);
            assert_eq!(details.headers()[header::ALLOW], "GET");
            assert_eq!(details.headers()[header::CONTENT_TYPE], media);
            let body = axum::body::to_bytes(details.into_body(), 1000).await.unwrap();
            assert!(String::from_utf8_lossy(&body).contains("no"), "{media}");
        }
    }

    #[tokio::test]
    async fn faults_of_the_framework_are_not_shown() {
        let fault = (StatusCode::INTERNAL_SERVER_ERROR, "a secret").into_response();
        let details = render_error(&TEXT, "/", fault).await;
        let body = axum::body::to_bytes(details.into_body(), 1000).await.unwrap();
        assert_eq!(body, "internal error");
    }
}
