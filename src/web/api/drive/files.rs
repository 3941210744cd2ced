//! Bytes of one file: put, shown, saved.

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::routes;

use super::super::super::Routes;
use super::super::super::content::{Content, bare, disposition, shown};
use super::super::super::extract::Base;
use super::super::super::git::patient;
use super::super::Parameters;
use super::super::datasets::if_match;
use super::super::shapes;
use super::Changed;
use crate::access::{Fetch, Spot, Write};
use crate::app::App;
use crate::drive::place::{Known, path_of};
use crate::error::{Error, Result};
use crate::files::Opened;

pub(super) fn routes(routes: Routes) -> Routes {
    routes.document(routes!(put)).document(routes!(content)).document(routes!(download))
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct Why {
    /// Why; said in the history.
    message: Option<String>,
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct At {
    /// Which revision; the newest unless said.
    pub(super) revision: Option<String>,
}

/// Puts a file, as a revision; the body is its content. What stands there gets a new version.
///
/// Text up to the server's limit is kept by git. All else, and what the rules of the dataset say, is kept by Git LFS:
/// it may be as large as there is room for, and needs a `Content-Length`.
#[utoipa::path(put, path = "/api/v1/drive/{owner}/{dataset}/files/{path}", tag = "drive",
    params(("path" = String, Path, description = "Where it goes; may hold `/`."), Why,
        ("If-Match" = Option<shapes::RevisionTag>, Header,
         description = "The revision that changed the file last, as far as you know, in quotes (412).")),
    request_body(content = inline(shapes::Bytes), content_type = "application/octet-stream"),
    responses((status = 200, description = "There is a new version.", body = Changed),
        (status = 201, description = "There is a new file.", body = Changed)))]
async fn put(
    State(app): State<App>,
    spot: Spot<Write>,
    Parameters(why): Parameters<Why>,
    headers: HeaderMap,
    request: Request,
) -> Result<Response> {
    let path = path_of(&spot)?;
    let known = if_match(&headers)?.map(|revision| Known { path, revision });
    let body = Box::pin(patient(&app, request.into_body()));
    let put = app.files.put(&spot, length(&headers), body, why.message, known).await?;
    let status = if put.is_new { StatusCode::CREATED } else { StatusCode::OK };
    Ok((status, axum::Json(Changed::at(&app, &spot, put.revision).await?)).into_response())
}

/// How long the body is going to be, if it says so.
pub(super) fn length(headers: &HeaderMap) -> Option<u64> {
    headers.get(header::CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

/// Sends the bytes of a file, to be shown.
///
/// Answers `Range`, `If-Range` and `If-None-Match`. A browser runs none of it: pages and programs are sent as bytes,
/// and what is not a picture, sound, film or text is saved, not shown.
#[utoipa::path(get, path = "/api/v1/drive/{owner}/{dataset}/content/{path}", tag = "drive",
    params(("path" = String, Path, description = "Where it is; may hold `/`."), At),
    responses((status = 200, description = "The bytes.", content_type = "*/*"),
        (status = 206, description = "The part that was asked for.", content_type = "*/*"),
        (status = 304, description = "They are what you have."),
        (status = 416, description = "There is no such part.")))]
async fn content(
    State(app): State<App>,
    spot: Spot<Fetch>,
    Parameters(at): Parameters<At>,
    method: Method,
    headers: HeaderMap,
) -> Result<Response> {
    let taken = app.access.take(std::slice::from_ref(&spot)).await?;
    let file = app.files.open(&spot, at.revision.as_deref(), &taken).await?;
    send(&app, &file, true, &method, &headers).await
}

/// Sends the bytes of a file, to be saved; for one that Git LFS keeps, tells where they are.
#[utoipa::path(get, path = "/api/v1/drive/{owner}/{dataset}/download/{path}", tag = "drive",
    params(("path" = String, Path, description = "Where it is; may hold `/`."), At),
    responses((status = 200, description = "The bytes.", content_type = "*/*"),
        (status = 206, description = "The part that was asked for.", content_type = "*/*"),
        (status = 302, description = "They are at `Location`, for some minutes."),
        (status = 304, description = "They are what you have."),
        (status = 416, description = "There is no such part.")))]
async fn download(
    State(app): State<App>,
    spot: Spot<Fetch>,
    Base(base): Base,
    Parameters(at): Parameters<At>,
    method: Method,
    headers: HeaderMap,
) -> Result<Response> {
    let taken = app.access.take(std::slice::from_ref(&spot)).await?;
    let file = app.files.open(&spot, at.revision.as_deref(), &taken).await?;
    save(&app, &file, &base, &method, &headers).await
}

/// A file to be saved.
pub(super) async fn save(
    app: &App,
    file: &Opened,
    base: &str,
    method: &Method,
    headers: &HeaderMap,
) -> Result<Response> {
    match app.files.link(file, base).await? {
        Some(link) => Ok((StatusCode::FOUND, [(header::LOCATION, link)]).into_response()),
        None => send(app, file, false, method, headers).await,
    }
}

async fn send(app: &App, file: &Opened, inline: bool, method: &Method, headers: &HeaderMap) -> Result<Response> {
    let (media, is_harmless) = shown(&file.name);
    let content = Content {
        tag: &file.tag(),
        size: file.size,
        media,
        disposition: disposition(&file.name, inline && is_harmless),
        // There may be a new version in a moment.
        cache: "private, no-cache",
    };
    let (answer, wanted) = content.answer(method, headers);
    let Some(wanted) = wanted else { return bare(answer) };
    let blocks = app.files.send(file, wanted).await?;
    answer.body(Body::from_stream(blocks)).map_err(Error::internal)
}
