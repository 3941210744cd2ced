//! Files that come in parts, so that an interruption costs one of them.

use axum::Json;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Response};
use lfs::Oid;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::routes;

use super::super::super::Routes;
use super::super::super::extract::Visitor;
use super::super::super::git::patient;
use super::super::shapes;
use super::super::{Body, Segments, created, segment};
use super::files::length;
use super::{Changed, parts};
use crate::access::{Part, Spot, Write};
use crate::app::App;
use crate::drive::place::path_of;
use crate::error::{Error, Result};
use crate::storage::intake::Intake;

pub(super) fn routes(routes: Routes) -> Routes {
    let routes = routes.document(routes!(begin)).document(routes!(show, abandon));
    routes.document(routes!(part)).document(routes!(finish))
}

/// A file that is about to come.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewUpload {
    /// Where it goes.
    #[schema(value_type = shapes::FilePath)]
    path: String,
    /// Its bytes; not 0.
    #[schema(minimum = 1)]
    size: u64,
    /// SHA-256 of the whole, in hex, if you know it: other bytes are refused at the end (422).
    #[schema(value_type = Option<shapes::Sha256>)]
    sha256: Option<String>,
}

/// A file that is coming.
#[derive(Serialize, ToSchema)]
struct Upload {
    /// Names it.
    id: String,
    /// Where it goes.
    path: String,
    /// Bytes of the whole.
    size: u64,
    /// Bytes of each part but the last.
    part_bytes: u64,
    /// The parts that have come, by their number, from 1.
    parts: Vec<u32>,
    /// When it is given up, if no part comes before (RFC 3339).
    #[schema(format = DateTime)]
    expires: String,
}

impl Upload {
    fn of(intake: &Intake, parts: Vec<u32>) -> Self {
        Self {
            id: intake.id().to_owned(),
            path: intake.path().to_owned(),
            size: intake.size(),
            part_bytes: intake.part_bytes(),
            parts,
            expires: intake.expires().rfc3339(),
        }
    }
}

/// The end of an upload.
#[derive(Deserialize, ToSchema, Default)]
#[serde(deny_unknown_fields)]
struct End {
    /// Why; said in the history.
    message: Option<String>,
}

/// The upload that the URL names, and where it goes: to be gone on with by who began it, while they may write there.
async fn upload(app: &App, visitor: &Visitor, segments: &Segments) -> Result<(Spot<Write>, Intake)> {
    // Who may write nothing at all learns nothing of uploads.
    let parts: Vec<Part<Write>> = parts(&app.access, visitor).await?;
    let dataset = parts.first().map(Part::id).ok_or_else(|| Error::not_found("there is no such dataset"))?;
    let intake = app.storage.intake(dataset, &visitor.actor.key(), segments.get("id")).await?;
    let spot = visitor.spot(app, intake.path()).await?;
    Ok((spot, intake))
}

/// Begins an upload in parts.
#[utoipa::path(post, path = "/api/v1/drive/{owner}/{dataset}/uploads", tag = "drive", request_body = NewUpload,
    responses((status = 201, description = "Send the parts.", body = Upload)))]
async fn begin(State(app): State<App>, visitor: Visitor, Body(new): Body<NewUpload>) -> Result<Response> {
    let spot: Spot<Write> = visitor.spot(&app, &new.path).await?;
    path_of(&spot)?;
    let promised: Option<Oid> = match new.sha256.as_deref().map(str::parse) {
        None => None,
        Some(Ok(oid)) => Some(oid),
        Some(Err(_)) => return Err(Error::invalid("`sha256`: this is not the hex of a sha256")),
    };
    let intake = app.storage.begin_intake(&spot, new.size, promised).await?;
    let dataset = spot.dataset();
    let (owner, name) = (segment(&dataset.owner_name), segment(&dataset.name));
    Ok(created(&format!("/api/v1/drive/{owner}/{name}/uploads/{}", intake.id()), Upload::of(&intake, Vec::new())))
}

/// Shows an upload, and which parts of it have come.
#[utoipa::path(get, path = "/api/v1/drive/{owner}/{dataset}/uploads/{id}", tag = "drive",
    params(("id" = String, Path, description = "The upload.")),
    responses((status = 200, description = "The upload.", body = Upload)))]
async fn show(State(app): State<App>, visitor: Visitor, segments: Segments) -> Result<Json<Upload>> {
    let (_, intake) = upload(&app, &visitor, &segments).await?;
    let parts = app.storage.intake_parts(&intake).await?;
    Ok(Json(Upload::of(&intake, parts)))
}

/// Takes a part: the body is `part_bytes` of the file, or what is left for the last one. A part may come again.
#[utoipa::path(put, path = "/api/v1/drive/{owner}/{dataset}/uploads/{id}/{number}", tag = "drive",
    params(("id" = String, Path, description = "The upload."),
        ("number" = u32, Path, minimum = 1, description = "Which part, from 1.")),
    request_body(content = inline(shapes::Bytes), content_type = "application/octet-stream"),
    responses((status = 204, description = "It is here.")))]
async fn part(
    State(app): State<App>,
    visitor: Visitor,
    segments: Segments,
    headers: HeaderMap,
    request: Request,
) -> Result<StatusCode> {
    let (_, intake) = upload(&app, &visitor, &segments).await?;
    let number = segments.get("number").parse().map_err(|_| Error::not_found("parts have numbers"))?;
    let body = Box::pin(patient(&app, request.into_body()));
    app.storage.receive_intake(&intake, number, length(&headers), body).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Ends an upload: all parts have come, and the file is put, as a revision. Asked again, it is the same revision.
///
/// If hashing takes long, the answer is 503 with `Retry-After`, and it goes on: ask again.
#[utoipa::path(post, path = "/api/v1/drive/{owner}/{dataset}/uploads/{id}/finish", tag = "drive", request_body = End,
    params(("id" = String, Path, description = "The upload.")),
    responses((status = 200, description = "There is a new version.", body = Changed),
        (status = 201, description = "There is a new file.", body = Changed)))]
async fn finish(
    State(app): State<App>,
    visitor: Visitor,
    segments: Segments,
    Body(end): Body<End>,
) -> Result<Response> {
    let (spot, intake) = upload(&app, &visitor, &segments).await?;
    let put = app.files.finish(&spot, &intake, end.message).await?;
    let status = if put.is_new { StatusCode::CREATED } else { StatusCode::OK };
    Ok((status, Json(Changed::at(&app, &spot, put.revision).await?)).into_response())
}

/// Gives an upload up.
#[utoipa::path(delete, path = "/api/v1/drive/{owner}/{dataset}/uploads/{id}", tag = "drive",
    params(("id" = String, Path, description = "The upload.")),
    responses((status = 204, description = "It is gone.")))]
async fn abandon(State(app): State<App>, visitor: Visitor, segments: Segments) -> Result<StatusCode> {
    let (_, intake) = upload(&app, &visitor, &segments).await?;
    app.storage.abandon_intake(&intake).await?;
    Ok(StatusCode::NO_CONTENT)
}
