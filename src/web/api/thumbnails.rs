//! Thumbnails: small pictures of images (`…/thumbnail`).

use std::sync::Arc;

use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use metastore::ObjectId;
use serde::Serialize;
use utoipa::ToSchema;

use crate::access::Fetch;
use crate::app::App;
use crate::error::{Error, Result};
use crate::tables::Thumbnail;
use crate::web::http::{Content, DatasetRequest, Routes, Segments, bare, routes};

/// How long a client should wait before it asks for a thumbnail again, in seconds.
const RETRY_AFTER: u64 = 1;

pub(super) fn routes(routes: Routes) -> Routes {
    routes.document(routes!(thumbnail))
}

/// A thumbnail that is being made.
#[derive(Serialize, ToSchema)]
struct RunningThumbnail {
    /// `running`
    state: &'static str,
}

/// Returns a small picture of an image: PNG, JPEG, GIF or WebP, at most 32 MiB and 40 million pixels.
///
/// It has all of the image, or the first picture of an animation, at most 320 pixels wide and high, and nothing else of the
/// file. It is made once for each content, and cached. Works in drives, with shares and share links, too; a link counts it as
/// a download of the file. Of a commit id, clients can keep it. If it takes longer than 20 s, the status is 202: repeat the
/// request. Files of other types are refused with 415, and images that are damaged or have too many pixels with 422.
#[utoipa::path(get, path = "/api/v1/datasets/{owner}/{dataset}/thumbnail/{revision}/{path}", tag = "files",
    params(("revision" = String, Path, description = "A branch, a tag or a commit id, optionally with `~n` or `^n`."),
        ("path" = String, Path, description = "The path of the file; may contain `/`.")),
    responses((status = 200, description = "The picture: JPEG or WebP.", content_type = "image/*"),
        (status = 202, description = "The picture is being made; repeat the request.", body = RunningThumbnail),
        (status = 206, description = "The requested range of the picture.", content_type = "image/*"),
        (status = 304, description = "Not modified."),
        (status = 416, description = "The range is not satisfiable.")))]
async fn thumbnail(
    State(app): State<App>,
    visitor: DatasetRequest,
    segments: Segments,
    method: Method,
    headers: HeaderMap,
) -> Result<Response> {
    let grant = visitor.grant::<Fetch>(&app, segments.get("path")).await?;
    let counted = app.access.count_download(std::slice::from_ref(&grant)).await?;
    let revision = segments.get("revision");
    let charge = Arc::new(move |points| visitor.charge(points));
    let made = app.tables.thumbnail(&grant, revision, &counted, charge).await?;
    let Thumbnail::Done { tag, media, picture, commit } = made else {
        let body = Json(RunningThumbnail { state: "running" });
        return Ok((StatusCode::ACCEPTED, [(header::RETRY_AFTER, RETRY_AFTER)], body).into_response());
    };
    let cache = cache_of(revision, commit);
    let content = Content { tag: &tag, size: picture.len() as u64, media, disposition: None, cache };
    let (answer, range) = content.answer(&method, &headers);
    let Some(range) = range else { return bare(answer) };
    let at = |offset: u64| usize::try_from(offset).unwrap_or(usize::MAX).min(picture.len());
    answer.body(Body::from(picture.slice(at(range.start)..at(range.end)))).map_err(Error::internal)
}

/// Returns for how long browsers may keep a picture: what is at a commit id never changes. Other caches keep none, because
/// they do not know who may see it.
fn cache_of(revision: &str, commit: ObjectId) -> &'static str {
    if revision.eq_ignore_ascii_case(&commit.to_string()) {
        "private, max-age=31536000, immutable"
    } else {
        "private, no-cache"
    }
}
