//! Raw file content (`…/raw`).

use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use metastore::EntryKind;
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::routes;

use super::tree::file_path;
use crate::access::Fetch;
use crate::app::App;
use crate::datasets::is_empty;
use crate::error::{Error, Result};
use crate::web::http::{BaseUrl, Content, DatasetRequest, Parameters, Routes, Segments, bare, disposition, media_type};

pub(super) fn routes(routes: Routes) -> Routes {
    routes.document(routes!(raw))
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct Shown {
    /// Send the file for display in a browser instead of as an attachment.
    inline: Option<bool>,
}

/// Downloads a file; redirects to storage for files in Git LFS.
///
/// Supports `Range`, `If-Range` and `If-None-Match`, also after the redirect. A token that is limited to single objects
/// can download those objects.
#[utoipa::path(get, path = "/api/v1/datasets/{owner}/{dataset}/raw/{revision}/{path}", tag = "files",
    params(("revision" = String, Path, description = "A branch, a tag or a commit id, optionally with `~n` or `^n`."),
        ("path" = String, Path, description = "The path of the file; may contain `/`."), Shown),
    responses((status = 200, description = "The content of the file.", content_type = "*/*"),
        (status = 206, description = "The requested range of the file.", content_type = "*/*"),
        (status = 302, description = "Redirect to a temporary URL of the content."),
        (status = 304, description = "Not modified."),
        (status = 416, description = "The range is not satisfiable.")))]
async fn raw(
    State(app): State<App>,
    visitor: DatasetRequest,
    BaseUrl(base): BaseUrl,
    segments: Segments,
    Parameters(shown): Parameters<Shown>,
    method: Method,
    headers: HeaderMap,
) -> Result<Response> {
    let text = segments.get("path");
    let path = file_path(text)?;
    let (grant, located) = app
        .access
        .authorize_within::<Fetch>(&visitor.actor, &visitor.path)
        .await?
        .reveal(
            async |grant| app.datasets.locate(grant, segments.get("revision"), &path).await,
            |located| located.entry.pointer.as_ref().map(|pointer| pointer.oid),
            || Error::not_found(format!("{text:?} does not exist, or this token does not cover it")),
        )
        .await?;
    let entry = &located.entry;
    let pointer = entry.pointer.as_ref();
    let inline = shown.inline.unwrap_or_default();
    if let Some(pointer) = pointer.filter(|pointer| !is_empty(pointer)) {
        let link = app.storage.link_as(&grant, pointer.oid, path.name(), inline, &base).await?;
        return Ok((StatusCode::FOUND, [(header::LOCATION, link)]).into_response());
    }
    if matches!(entry.kind, EntryKind::Folder | EntryKind::Submodule) {
        return Err(Error::not_found(format!("{path} is not a file")));
    }
    let content = Content {
        tag: &entry.id.to_string(),
        size: pointer.map_or(entry.size, |pointer| Some(pointer.size)).unwrap_or_default(),
        media: media_type(path.name()),
        disposition: disposition(path.name(), inline),
        // The branch can move to another version at any time.
        cache: "private, no-cache",
    };
    let is_object = pointer.is_some();
    let (answer, wanted) = content.answer(&method, &headers);
    let Some(wanted) = wanted.filter(|_| !is_object) else { return bare(answer) };
    let sending = app.datasets.open(&located).await?;
    answer.body(Body::from_stream(sending.stream(wanted))).map_err(Error::internal)
}
