//! Content of a single file: upload, view, download.

use axum::extract::{Request, State};
use axum::http::{HeaderMap, Method, StatusCode};
use axum::response::{IntoResponse as _, Response};
use serde::Deserialize;
use utoipa::IntoParams;

use super::super::datasets::if_match;
use super::super::files::{save, send};
use super::super::shapes;
use super::Changed;
use crate::access::{Fetch, Grant, Write};
use crate::app::App;
use crate::datasets::tree_api::{IfMatch, path_of};
use crate::error::Result;
use crate::web::http::{BaseUrl, Parameters, Routes, content_length, routes, shown, with_idle_timeout};

pub(super) fn routes(routes: Routes) -> Routes {
    routes.document(routes!(put)).document(routes!(content)).document(routes!(download))
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct CommitQuery {
    /// The commit message.
    message: Option<String>,
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct RevisionQuery {
    /// The revision. Default: the newest one.
    pub(super) revision: Option<String>,
}

/// Uploads a file as a new revision. The request body is its content. An existing file gets a new version.
///
/// Text up to the server's size limit is stored in git. Everything else, and files that match the dataset's Git LFS
/// rules, is stored in Git LFS: this requires a `Content-Length`, and only the quota limits the size.
#[utoipa::path(put, path = "/api/v1/drive/{owner}/{dataset}/files/{path}", tag = "drive",
    params(("path" = String, Path, description = "The path of the file; may contain `/`."), CommitQuery,
        ("If-Match" = Option<shapes::RevisionTag>, Header,
         description = "The revision that last changed the file, in quotes; fails with 412 if there is a newer one.")),
    request_body(content = inline(shapes::Bytes), content_type = "application/octet-stream"),
    responses((status = 200, description = "The existing file has a new version.", body = Changed),
        (status = 201, description = "The file was created.", body = Changed)))]
async fn put(
    State(app): State<App>,
    grant: Grant<Write>,
    Parameters(why): Parameters<CommitQuery>,
    headers: HeaderMap,
    request: Request,
) -> Result<Response> {
    let path = path_of(&grant)?;
    let known = if_match(&headers)?.map(|revision| IfMatch { path, revision });
    let body = Box::pin(with_idle_timeout(&app, request.into_body()));
    let put = app.files.put(&grant, content_length(&headers), body, why.message, known).await?;
    let status = if put.is_new { StatusCode::CREATED } else { StatusCode::OK };
    Ok((status, axum::Json(Changed::at(&app, &grant, put.revision).await?)).into_response())
}

/// Sends the content of a file for display.
///
/// Supports `Range`, `If-Range` and `If-None-Match`. Browsers never execute the content: HTML and scripts are sent as
/// plain bytes, and anything that is not an image, audio, video or text is sent as an attachment.
#[utoipa::path(get, path = "/api/v1/drive/{owner}/{dataset}/content/{path}", tag = "drive",
    params(("path" = String, Path, description = "The path of the file; may contain `/`."), RevisionQuery),
    responses((status = 200, description = "The content of the file.", content_type = "*/*"),
        (status = 206, description = "The requested range of the file.", content_type = "*/*"),
        (status = 304, description = "Not modified."),
        (status = 416, description = "The range is not satisfiable.")))]
async fn content(
    State(app): State<App>,
    grant: Grant<Fetch>,
    Parameters(at): Parameters<RevisionQuery>,
    method: Method,
    headers: HeaderMap,
) -> Result<Response> {
    let taken = app.access.count_download(std::slice::from_ref(&grant)).await?;
    let file = app.files.open(&grant, at.revision.as_deref(), &taken).await?;
    let (media, is_harmless) = shown(&file.name);
    send(&app, &file, media, is_harmless, &method, &headers).await
}

/// Downloads a file as an attachment; redirects to storage for files in Git LFS.
#[utoipa::path(get, path = "/api/v1/drive/{owner}/{dataset}/download/{path}", tag = "drive",
    params(("path" = String, Path, description = "The path of the file; may contain `/`."), RevisionQuery),
    responses((status = 200, description = "The content of the file.", content_type = "*/*"),
        (status = 206, description = "The requested range of the file.", content_type = "*/*"),
        (status = 302, description = "Redirect to a temporary URL of the content."),
        (status = 304, description = "Not modified."),
        (status = 416, description = "The range is not satisfiable.")))]
async fn download(
    State(app): State<App>,
    grant: Grant<Fetch>,
    BaseUrl(base): BaseUrl,
    Parameters(at): Parameters<RevisionQuery>,
    method: Method,
    headers: HeaderMap,
) -> Result<Response> {
    let taken = app.access.count_download(std::slice::from_ref(&grant)).await?;
    let file = app.files.open(&grant, at.revision.as_deref(), &taken).await?;
    save(&app, &file, shown(&file.name).0, false, &base, &method, &headers).await
}
