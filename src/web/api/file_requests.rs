//! File requests (`/file-requests`): uploads to a folder by those who opened the link of a file request. No response says
//! anything about the folder.

use axum::Json;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use lfs::Oid;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::common::{Body, created};
use super::shapes;
use crate::access::FileRequestGrant;
use crate::app::App;
use crate::error::{Error, Result};
use crate::files::{ReceivedFiles, SenderName};
use crate::storage::upload_sessions::UploadSession;
use crate::web::http::{Routes, Segments, content_length, routes, with_idle_timeout};

pub(super) fn routes(routes: Routes) -> Routes {
    let routes = routes.document(routes!(begin)).document(routes!(show, abandon)).document(routes!(part));
    routes.document(routes!(receive))
}

/// A new upload to a file request.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewRequestedUpload {
    /// The name of the file, without folders. If it is taken, the file gets a number: `name (2).csv`.
    #[schema(min_length = 1, max_length = 240)]
    name: String,
    /// The size of the file in bytes; at least 1. Files without content need no upload.
    #[schema(minimum = 1)]
    size: u64,
    /// The SHA-256 of the whole file in hex, if known. If the content differs, saving it fails with 422.
    #[schema(value_type = Option<shapes::Sha256>)]
    sha256: Option<String>,
}

/// An upload to a file request in progress.
#[derive(Serialize, ToSchema)]
struct RequestedUpload {
    /// The id of the upload.
    id: String,
    /// The size of the whole file in bytes.
    size: u64,
    /// The size of each part in bytes; the last part may be smaller.
    part_bytes: u64,
    /// The numbers of the parts received, starting from 1.
    parts: Vec<u32>,
    /// When the upload expires if no further part is received (RFC 3339).
    #[schema(format = DateTime)]
    expires: String,
}

impl RequestedUpload {
    fn of(session: &UploadSession, parts: Vec<u32>) -> Self {
        let (size, part_bytes) = (session.size(), session.part_bytes());
        Self { id: session.id().to_owned(), size, part_bytes, parts, expires: session.expires().rfc3339() }
    }
}

/// Files to save together.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewReceivedFiles {
    /// The ids of uploads of which all parts have arrived.
    #[serde(default)]
    #[schema(max_items = 1000)]
    uploads: Vec<String>,
    /// The names of files without content.
    #[serde(default)]
    #[schema(max_items = 1000)]
    empty: Vec<String>,
    /// The name of the sender, which the message of the revision says.
    #[schema(max_length = 100)]
    from: Option<String>,
}

/// What was saved.
#[derive(Serialize, ToSchema)]
struct SavedFiles {
    /// The number of files.
    files: usize,
}

/// Starts an upload to a file request. Requires the token of its link.
#[utoipa::path(post, path = "/api/v1/file-requests/uploads", tag = "shares", request_body = NewRequestedUpload,
    responses((status = 201, description = "The upload; send its parts next.", body = RequestedUpload)))]
async fn begin(
    State(app): State<App>,
    grant: FileRequestGrant,
    Body(new): Body<NewRequestedUpload>,
) -> Result<Response> {
    let promised: Option<Oid> = new
        .sha256
        .as_deref()
        .map(str::parse)
        .transpose()
        .map_err(|_| Error::invalid("`sha256` is not a SHA-256 in hex"))?;
    let session = app.files.begin_requested(&grant, &new.name, new.size, promised).await?;
    let location = format!("/api/v1/file-requests/uploads/{}", session.id());
    Ok(created(&location, RequestedUpload::of(&session, Vec::new())))
}

/// Returns an upload to a file request and the parts received so far.
#[utoipa::path(get, path = "/api/v1/file-requests/uploads/{id}", tag = "shares", operation_id = "show_upload",
    params(("id" = String, Path, description = "The id of the upload.")),
    responses((status = 200, description = "The upload.", body = RequestedUpload)))]
async fn show(State(app): State<App>, grant: FileRequestGrant, segments: Segments) -> Result<Json<RequestedUpload>> {
    let session = app.files.requested(&grant, segments.get("id")).await?;
    let parts = app.storage.uploaded_parts(&session).await?;
    Ok(Json(RequestedUpload::of(&session, parts)))
}

/// Uploads a part to a file request. The body is `part_bytes` long, or the rest of the file for the last part.
#[utoipa::path(put, path = "/api/v1/file-requests/uploads/{id}/{number}", tag = "shares",
    params(("id" = String, Path, description = "The id of the upload."),
        ("number" = u32, Path, minimum = 1, description = "The number of the part, starting from 1.")),
    request_body(content = inline(shapes::Bytes), content_type = "application/octet-stream"),
    responses((status = 204, description = "The part was stored.")))]
async fn part(
    State(app): State<App>,
    grant: FileRequestGrant,
    segments: Segments,
    headers: HeaderMap,
    request: Request,
) -> Result<StatusCode> {
    let session = app.files.requested(&grant, segments.get("id")).await?;
    if session.is_finished() {
        return Err(Error::conflict("all parts of this upload have already been received; save it"));
    }
    let number = segments.get("number").parse().map_err(|_| Error::not_found("the part number is not a number"))?;
    let body = Box::pin(with_idle_timeout(&app, request.into_body()));
    app.storage.receive_part(&session, number, content_length(&headers), None, body).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Aborts an upload to a file request and deletes its parts.
#[utoipa::path(delete, path = "/api/v1/file-requests/uploads/{id}", tag = "shares",
    params(("id" = String, Path, description = "The id of the upload.")),
    responses((status = 204, description = "The upload was aborted.")))]
async fn abandon(State(app): State<App>, grant: FileRequestGrant, segments: Segments) -> Result<StatusCode> {
    let session = app.files.requested(&grant, segments.get("id")).await?;
    app.storage.abort_upload(&session).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Saves uploaded files to the folder of a file request, as one revision. No file is replaced. Repeating the request saves
/// them once.
///
/// If hashing takes long, the response is 503 with `Retry-After` while hashing continues; retry later.
#[utoipa::path(post, path = "/api/v1/file-requests/files", tag = "shares", request_body = NewReceivedFiles,
    responses((status = 201, description = "The files were saved.", body = SavedFiles)))]
async fn receive(
    State(app): State<App>,
    grant: FileRequestGrant,
    Body(new): Body<NewReceivedFiles>,
) -> Result<(StatusCode, Json<SavedFiles>)> {
    let NewReceivedFiles { uploads, empty, from } = new;
    let from = SenderName::parse(from.as_deref().unwrap_or_default())?;
    let (files, is_new) = app.files.receive(&grant, &ReceivedFiles { uploads, empty, from }).await?;
    if is_new {
        app.shares.note_received(&grant, files).await?;
    }
    Ok((StatusCode::CREATED, Json(SavedFiles { files })))
}
