//! Resumable multipart uploads: after an interruption, only the current part has to be sent again.

use axum::Json;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Response};
use lfs::Oid;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::super::common::{Body, created};
use super::super::shapes;
use super::{Changed, grants};
use crate::access::{Grant, Write};
use crate::app::App;
use crate::datasets::tree_api::path_of;
use crate::error::{Error, Result};
use crate::storage::upload_sessions::UploadSession;
use crate::web::http::{DatasetRequest, Routes, Segments, content_length, routes, segment, with_idle_timeout};

pub(super) fn routes(routes: Routes) -> Routes {
    let routes = routes.document(routes!(begin)).document(routes!(show, abandon));
    routes.document(routes!(part)).document(routes!(finish))
}

/// A new multipart upload.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewUpload {
    /// The path of the file.
    #[schema(value_type = shapes::FilePath)]
    path: String,
    /// The size of the file in bytes; at least 1.
    #[schema(minimum = 1)]
    size: u64,
    /// The SHA-256 of the whole file in hex, if known. If the content differs, completing the upload fails with 422.
    #[schema(value_type = Option<shapes::Sha256>)]
    sha256: Option<String>,
}

/// A multipart upload in progress.
#[derive(Serialize, ToSchema)]
struct Upload {
    /// The id of the upload.
    id: String,
    /// The path of the file.
    path: String,
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

impl Upload {
    fn of(session: &UploadSession, parts: Vec<u32>) -> Self {
        Self {
            id: session.id().to_owned(),
            path: session.path().to_owned(),
            size: session.size(),
            part_bytes: session.part_bytes(),
            parts,
            expires: session.expires().rfc3339(),
        }
    }
}

/// Completes an upload.
#[derive(Deserialize, ToSchema, Default)]
#[serde(deny_unknown_fields)]
struct End {
    /// The commit message.
    message: Option<String>,
}

/// Returns the upload in the URL and its target. Only the user who started it can continue it, and only with write
/// access to the target.
async fn upload(app: &App, visitor: &DatasetRequest, segments: &Segments) -> Result<(Grant<Write>, UploadSession)> {
    // Without any write access, the caller must not learn whether the upload exists.
    let grants: Vec<Grant<Write>> = grants(&app.access, visitor).await?;
    let dataset = grants.first().map(Grant::id).ok_or_else(|| Error::not_found("dataset not found"))?;
    let session = app.storage.upload_of_file(dataset, &visitor.actor.key(), segments.get("id")).await?;
    let grant = visitor.grant(app, session.path()).await?;
    Ok((grant, session))
}

/// Starts a multipart upload.
#[utoipa::path(post, path = "/api/v1/drive/{owner}/{dataset}/uploads", tag = "drive", request_body = NewUpload,
    responses((status = 201, description = "The upload; send its parts next.", body = Upload)))]
async fn begin(State(app): State<App>, visitor: DatasetRequest, Body(new): Body<NewUpload>) -> Result<Response> {
    let grant: Grant<Write> = visitor.grant(&app, &new.path).await?;
    path_of(&grant)?;
    let promised: Option<Oid> = match new.sha256.as_deref().map(str::parse) {
        None => None,
        Some(Ok(oid)) => Some(oid),
        Some(Err(_)) => return Err(Error::invalid("`sha256` is not a SHA-256 in hex")),
    };
    let session = app.storage.begin_file(&grant, new.size, promised).await?;
    let dataset = grant.dataset();
    let (owner, name) = (segment(&dataset.owner_name), segment(&dataset.name));
    Ok(created(&format!("/api/v1/drive/{owner}/{name}/uploads/{}", session.id()), Upload::of(&session, Vec::new())))
}

/// Returns an upload and the parts received so far.
#[utoipa::path(get, path = "/api/v1/drive/{owner}/{dataset}/uploads/{id}", tag = "drive",
    params(("id" = String, Path, description = "The id of the upload.")),
    responses((status = 200, description = "The upload.", body = Upload)))]
async fn show(State(app): State<App>, visitor: DatasetRequest, segments: Segments) -> Result<Json<Upload>> {
    let (_, session) = upload(&app, &visitor, &segments).await?;
    let parts = app.storage.uploaded_parts(&session).await?;
    Ok(Json(Upload::of(&session, parts)))
}

/// Uploads a part. The body is `part_bytes` long, or the rest of the file for the last part. A part can be uploaded
/// again.
#[utoipa::path(put, path = "/api/v1/drive/{owner}/{dataset}/uploads/{id}/{number}", tag = "drive",
    params(("id" = String, Path, description = "The id of the upload."),
        ("number" = u32, Path, minimum = 1, description = "The number of the part, starting from 1.")),
    request_body(content = inline(shapes::Bytes), content_type = "application/octet-stream"),
    responses((status = 204, description = "The part was stored.")))]
async fn part(
    State(app): State<App>,
    visitor: DatasetRequest,
    segments: Segments,
    headers: HeaderMap,
    request: Request,
) -> Result<StatusCode> {
    let (_, session) = upload(&app, &visitor, &segments).await?;
    if session.is_finished() {
        return Err(Error::conflict("all parts of this upload have already been received; complete it"));
    }
    let number = segments.get("number").parse().map_err(|_| Error::not_found("the part number is not a number"))?;
    let body = Box::pin(with_idle_timeout(&app, request.into_body()));
    app.storage.receive_part(&session, number, content_length(&headers), None, body).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Completes an upload once all parts are stored, and adds the file as a new revision. Repeating the request returns
/// the same revision.
///
/// If hashing takes long, the response is 503 with `Retry-After` while hashing continues; retry later.
#[utoipa::path(post, path = "/api/v1/drive/{owner}/{dataset}/uploads/{id}/finish", tag = "drive", request_body = End,
    params(("id" = String, Path, description = "The id of the upload.")),
    responses((status = 200, description = "The existing file has a new version.", body = Changed),
        (status = 201, description = "The file was created.", body = Changed)))]
async fn finish(
    State(app): State<App>,
    visitor: DatasetRequest,
    segments: Segments,
    Body(end): Body<End>,
) -> Result<Response> {
    let (grant, session) = upload(&app, &visitor, &segments).await?;
    let put = app.files.finish(&grant, &session, end.message).await?;
    let status = if put.is_new { StatusCode::CREATED } else { StatusCode::OK };
    Ok((status, Json(Changed::at(&app, &grant, put.revision).await?)).into_response())
}

/// Aborts an upload and deletes its parts.
#[utoipa::path(delete, path = "/api/v1/drive/{owner}/{dataset}/uploads/{id}", tag = "drive",
    params(("id" = String, Path, description = "The id of the upload.")),
    responses((status = 204, description = "The upload was aborted.")))]
async fn abandon(State(app): State<App>, visitor: DatasetRequest, segments: Segments) -> Result<StatusCode> {
    let (_, session) = upload(&app, &visitor, &segments).await?;
    app.storage.abort_upload(&session).await?;
    Ok(StatusCode::NO_CONTENT)
}
