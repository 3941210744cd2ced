//! Human-readable URLs: `/{owner}`, the page of an owner, and `/{owner}/{dataset}`, and those of pages of the Hugging Face Hub,
//! which its clients print. Git accepts a dataset's URL directly; browsers are redirected to its page.

use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse as _, Response};

use super::{document, preview};
use crate::access::Actor;
use crate::app::App;
use crate::error::{Error, Kind, Result};
use crate::types::{OwnerName, RepoPath};
use crate::web::http::{AuthedActor, BaseUrl, Routes, Segments, segment};

pub(super) fn routes(routes: Routes) -> Routes {
    routes
        .add(Method::GET, "/{owner}", owner)
        .add(Method::GET, "/{owner}/{dataset}", dataset)
        .add(Method::GET, "/datasets/{owner}/{dataset}", dataset)
        .add(Method::GET, "/datasets/{owner}/{dataset}/commit/{revision}", page)
        .add(Method::GET, "/datasets/{owner}/{dataset}/commits/{revision}", page)
        .add(Method::GET, "/datasets/{owner}/{dataset}/discussions/{revision}", page)
        .add(Method::GET, "/datasets/{owner}/{dataset}/tree/{revision}", page)
        .add(Method::GET, "/datasets/{owner}/{dataset}/tree/{revision}/{*path}", page)
        .add(Method::GET, "/datasets/{owner}/{dataset}/blob/{revision}/{*path}", page)
}

/// Handles unknown URLs: browsers get a page, programs a short error.
pub(in crate::web) async fn nothing(State(app): State<App>, method: Method, uri: Uri, headers: HeaderMap) -> Response {
    let is_read = method == Method::GET || method == Method::HEAD;
    let is_for_programs = ["/api/", "/_lfs/"].iter().any(|folder| uri.path().starts_with(folder));
    if is_read && !is_for_programs { missing(&app, &headers) } else { nowhere().into_response() }
}

fn nowhere() -> Error {
    Error::not_found("URL not found")
}

fn missing(app: &App, headers: &HeaderMap) -> Response {
    let mut response = if wants_page(headers) { document::missing(app, headers) } else { nowhere().into_response() };
    response.headers_mut().append(header::VARY, header::HeaderValue::from_static("accept"));
    response
}

fn wants_page(headers: &HeaderMap) -> bool {
    let accept = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    accept.contains("text/html")
}

fn dataset_at(page: String) -> Response {
    (StatusCode::SEE_OTHER, [(header::LOCATION, page), (header::VARY, "accept".to_owned())]).into_response()
}

/// Serves the page of a user or an organisation to browsers. If the caller may not see it, the response is the same as for an
/// unknown one. If everybody may see it, it has their name, for sites that show links.
async fn owner(
    State(app): State<App>,
    caller: Result<AuthedActor>,
    path: Result<Path<String>, PathRejection>,
    base: Result<BaseUrl>,
    headers: HeaderMap,
) -> Result<Response> {
    let name = path.ok().and_then(|Path(name)| name.parse::<OwnerName>().ok());
    let (Some(name), true) = (name, wants_page(&headers)) else { return Ok(missing(&app, &headers)) };
    let anonymous = app.access.authorize_owner_view(&Actor::anonymous(), name.as_str()).await;
    let mut response = match (anonymous, base) {
        (Ok(view), Ok(BaseUrl(base))) => document::with_preview(&app, &headers, &preview::of_owner(&view, &base)),
        (Ok(_), Err(_)) => document::document(&app, &headers),
        (Err(error), _) if error.kind() != Kind::NotFound => return Err(error),
        (Err(_), _) => {
            // An expired session cookie is no reason to refuse a page.
            let actor = caller.map_or_else(|_| Actor::anonymous(), |caller| caller.actor);
            match app.access.authorize_owner_view(&actor, name.as_str()).await {
                Ok(_) => document::document(&app, &headers),
                Err(error) if error.kind() == Kind::NotFound => return Ok(missing(&app, &headers)),
                Err(error) => return Err(error),
            }
        }
    };
    response.headers_mut().append(header::VARY, header::HeaderValue::from_static("accept"));
    Ok(response)
}

/// Redirects to the page of a dataset. The response is the same for every valid name, so it does not reveal which
/// datasets exist.
async fn dataset(
    State(app): State<App>,
    path: Result<Path<(String, String)>, PathRejection>,
    headers: HeaderMap,
) -> Response {
    let path = path.ok().and_then(|Path((owner, name))| RepoPath::from_segments(&owner, &name).ok());
    match path.filter(|_| wants_page(&headers)) {
        Some(path) => dataset_at(format!("/d/{}/{}", segment(path.owner.as_str()), segment(path.name.as_str()))),
        None => missing(&app, &headers),
    }
}

/// Redirects from a page of the Hugging Face Hub to the page that shows the same.
async fn page(State(app): State<App>, segments: Segments, uri: Uri, headers: HeaderMap) -> Response {
    let page = match uri.path().split('/').nth(4).unwrap_or_default() {
        "commit" => "revision",
        "commits" => "history",
        "discussions" => "discussions",
        "tree" => "tree",
        _ => "file",
    };
    let path = RepoPath::from_segments(segments.get("owner"), segments.get("dataset")).ok();
    let Some(dataset) = path.filter(|_| wants_page(&headers)) else { return missing(&app, &headers) };
    let mut url = format!("/d/{}/{}/{page}", segment(dataset.owner.as_str()), segment(dataset.name.as_str()));
    for part in std::iter::once(segments.get("revision")).chain(segments.get("path").split('/')) {
        if !part.is_empty() {
            url.push('/');
            url.push_str(&segment(part));
        }
    }
    dataset_at(url)
}
