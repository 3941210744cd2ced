//! The same failure in the words of each protocol. Errors leave the features
//! as problem details; a group of routes may say them differently.

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use axum::routing::MethodRouter;
use serde_json::json;

use crate::app::App;
use crate::error::{Kind, Told, decorate};

/// The media type of the LFS API.
pub(super) const LFS_JSON: &str = "application/vnd.git-lfs+json";

/// LFS clients read `{message, request_id}` and only from their own media type.
pub(super) fn for_lfs(route: MethodRouter<App>) -> MethodRouter<App> {
    route.layer(axum::middleware::map_response(async |response: Response| match response.extensions().get::<Told>() {
        None => response,
        Some(told) => lfs_error(told.kind, &told.detail),
    }))
}

/// An error as the LFS API words it.
pub(super) fn lfs_error(kind: Kind, detail: &str) -> Response {
    let body = json!({ "message": detail, "request_id": crate::request::id() });
    let mut response = (kind.status(), Json(body)).into_response();
    decorate(kind, response.headers_mut());
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(LFS_JSON));
    if kind == Kind::Unauthenticated {
        headers.insert("lfs-authenticate", HeaderValue::from_static("Basic realm=\"rutter\", charset=\"UTF-8\""));
    }
    response
}

/// git shows the body of an error to its user if it is plain text.
pub(super) fn for_git(route: MethodRouter<App>) -> MethodRouter<App> {
    route.layer(axum::middleware::map_response(async |response: Response| match response.extensions().get::<Told>() {
        None => response,
        Some(told) => {
            let mut plain = (told.kind.status(), format!("{}\n", told.detail)).into_response();
            decorate(told.kind, plain.headers_mut());
            plain.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
            plain
        }
    }))
}

/// Nothing is changed: problem details (RFC 9457).
pub(super) fn as_is(route: MethodRouter<App>) -> MethodRouter<App> {
    route
}

/// 200 with a JSON body in the LFS media type.
pub(super) fn lfs_json(status: StatusCode, body: impl Into<axum::body::Body>) -> Response {
    (status, [(header::CONTENT_TYPE, LFS_JSON)], body.into()).into_response()
}
