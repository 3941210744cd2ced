//! Hugging Face Hub API, for datasets: what `huggingface_hub`, `datasets` and pandas request when `HF_ENDPOINT` is this
//! server. Names, formats and headers are Hugging Face's; the semantics are those of this server.

mod account;
mod commit;
mod common;
mod discussions;
mod info;
mod list;
mod objects;
mod refs;
mod resolve;
mod tree;
mod upload;
mod xet;

use axum::http::HeaderValue;
use axum::response::Response;
use serde_json::json;

use self::common::{ERROR_CODE, ERROR_MESSAGE, REPO_NOT_FOUND};
use super::http::{RouteGroup, Routes, replace_body};
use crate::error::{ErrorDetails, Kind};

/// Clients written in Python send a body separately, after the head.
const ACCOUNT: RouteGroup =
    RouteGroup { render_error, is_below: is_of_account, sends_body_later: true, ..RouteGroup::DEFAULT };

/// Routes of a single dataset.
const DATASET: RouteGroup = RouteGroup { render_error: render_dataset_error, is_below: is_of_dataset, ..ACCOUNT };

pub(super) fn routes(routes: Routes) -> Routes {
    let routes = list::routes(account::routes(routes.group(ACCOUNT)));
    let routes = routes.group(DATASET);
    let routes = account::dataset_routes(routes);
    let routes = info::routes(routes);
    let routes = refs::routes(routes);
    let routes = objects::routes(routes);
    let routes = commit::routes(routes);
    let routes = discussions::routes(routes);
    let routes = tree::routes(routes);
    let routes = xet::routes(routes);
    // `@rutter/upload` works in a browser.
    let routes = upload::routes(routes.group(RouteGroup { is_open: true, ..DATASET }));
    resolve::routes(routes.group(RouteGroup { is_transfer: true, ..DATASET }))
}

/// Returns true if the URL is one of the Hub API.
pub(super) fn is_below(path: &str) -> bool {
    is_of_account(path) || is_of_dataset(path)
}

fn is_of_account(path: &str) -> bool {
    let first = path.strip_prefix("/api/").and_then(|rest| rest.split('/').next());
    path == "/api/datasets" || first.is_some_and(|first| ["repos", "whoami-v2", "validate-yaml"].contains(&first))
}

fn is_of_dataset(path: &str) -> bool {
    // Git's URLs are below it too, but not at this position. A name without an owner is that of no dataset.
    let below = path.strip_prefix("/datasets/");
    let is_file = |rest: &str| rest.split('/').skip(1).take(2).any(|segment| segment == "resolve");
    path.starts_with("/api/datasets/") || below.is_some_and(is_file)
}

/// Renders an error as the headers `X-Error-Code` and `X-Error-Message`, which the clients read, and `{error}`.
fn render_error(_: &str, details: &ErrorDetails, response: &mut Response) {
    let plain: String = details.detail.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    if let Ok(text) = HeaderValue::from_bytes(plain.as_bytes()) {
        response.headers_mut().insert(ERROR_MESSAGE, text);
    }
    let body = json!({ "error": details.detail, "request_id": crate::request::id() });
    replace_body(response, "application/json", body.to_string());
}

/// Like [`render_error`]. The clients treat a dataset without access like one that does not exist, so both get the same
/// code.
fn render_dataset_error(route: &'static str, details: &ErrorDetails, response: &mut Response) {
    if matches!(details.kind, Kind::NotFound | Kind::Unauthenticated) {
        response.headers_mut().entry(ERROR_CODE).or_insert(HeaderValue::from_static(REPO_NOT_FOUND));
    }
    render_error(route, details, response);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_stay_one_header() {
        let details =
            ErrorDetails { kind: Kind::NotFound, detail: "no \"ü\"\r\nX-Other: 1".into(), ends_session: false };
        let mut response = Response::default();
        render_dataset_error("", &details, &mut response);
        assert_eq!(response.headers()[ERROR_CODE], REPO_NOT_FOUND);
        assert_eq!(response.headers()[ERROR_MESSAGE].as_bytes(), "no \"ü\"  X-Other: 1".as_bytes());
    }
}
