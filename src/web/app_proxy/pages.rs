//! Pages and redirects of the proxy itself.

use axum::http::request::Parts;
use axum::http::{HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse as _, Response};

use crate::apps::installs::InstallRow;
use crate::apps::wake::NotReady;
use crate::error::Error;
use crate::types::InstallState;
use crate::web::http::{PAGE_POLICY, escape_html};

/// Returns true if a person looks at the response.
pub(super) fn wants_page(request: &Parts) -> bool {
    let text = |name: &str| request.headers.get(name).and_then(|value| value.to_str().ok());
    match text("sec-fetch-dest") {
        Some(dest) => ["document", "iframe"].contains(&dest),
        None => text("accept").is_some_and(|accept| accept.contains("text/html")),
    }
}

/// Returns true if a browser opens a page that is not a frame of another one.
pub(super) fn is_top_level(request: &Parts) -> bool {
    is_navigation(request) && request.headers.get("sec-fetch-dest").is_none_or(|dest| dest == "document")
}

/// Returns true if a browser opens a page.
pub(super) fn is_navigation(request: &Parts) -> bool {
    request.method == Method::GET && wants_page(request) && !request.headers.contains_key(header::UPGRADE)
}

/// Returns the state of an app, for the page that waits for it.
pub(super) fn state(install: &InstallRow) -> Response {
    let body = serde_json::json!({ "state": install.state, "wanted": install.wanted });
    ([(header::CACHE_CONTROL, "no-store")], axum::Json(body)).into_response()
}

/// Renders a page that reloads itself until the app answers, or says why it does not.
pub(super) fn waiting(app: &NotReady, manage: &str) -> Response {
    let (title, text) = match app.state {
        _ if app.is_held => ("The app is stopped", "Its owner can start it."),
        InstallState::Failed => ("The app could not be started", "Its owner can see its log and start it again."),
        InstallState::Installing => ("The app is being installed", "This page opens it when it is ready."),
        InstallState::Stopped | InstallState::Starting | InstallState::Running | InstallState::Paused => {
            ("The app is starting", "This page opens it when it is ready.")
        }
    };
    // Without scripts: the policy of these pages forbids them.
    let reload = if app.state == InstallState::Failed || app.is_held {
        ""
    } else {
        "<meta http-equiv=\"refresh\" content=\"1\">"
    };
    let page = include_str!("waiting.html")
        .replace("{reload}", reload)
        .replace("{title}", title)
        .replace("{text}", text)
        .replace("{reason}", &escape_html(&app.reason))
        .replace("{manage}", &escape_html(manage));
    page_of(StatusCode::SERVICE_UNAVAILABLE, page)
}

/// Renders an error for a program. A script of a page must not make the browser ask for a password.
pub(super) fn error(error: Error, is_browser: bool) -> Response {
    let mut response = error.into_response();
    let headers = response.headers_mut();
    if is_browser {
        headers.remove(header::WWW_AUTHENTICATE);
    }
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}

/// Renders an error for a person.
pub(super) fn error_page(error: &Error, public_url: &str) -> Response {
    error.log();
    failure_page(error.kind().status(), error.detail(), public_url)
}

/// Renders a failure of an app, which is no failure of this server.
pub(super) fn failure(status: StatusCode, detail: &str, page_at: Option<&str>) -> Response {
    if let Some(public_url) = page_at {
        return failure_page(status, detail, public_url);
    }
    let title = status.canonical_reason().unwrap_or_default();
    let body = serde_json::json!({ "title": title, "status": status.as_u16(), "detail": detail });
    let headers = [(header::CONTENT_TYPE, "application/problem+json"), (header::CACHE_CONTROL, "no-store")];
    (status, headers, body.to_string()).into_response()
}

fn failure_page(status: StatusCode, detail: &str, public_url: &str) -> Response {
    let mut detail = detail.chars();
    let detail: String = detail.next().into_iter().flat_map(char::to_uppercase).chain(detail).collect();
    let page = include_str!("error.html")
        .replace("{detail}", &escape_html(&detail))
        .replace("{home}", &escape_html(&format!("{public_url}/apps")));
    page_of(status, page)
}

fn page_of(status: StatusCode, page: String) -> Response {
    let headers = [
        (header::CONTENT_TYPE, "text/html; charset=utf-8"),
        (header::CONTENT_SECURITY_POLICY, PAGE_POLICY),
        (header::CACHE_CONTROL, "no-store"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
    ];
    (status, headers, page).into_response()
}
