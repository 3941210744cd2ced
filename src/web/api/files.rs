//! `…/raw`: the bytes of a file.

use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use metastore::EntryKind;
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::routes;

use super::super::Routes;
use super::super::content::{Content, bare, disposition, media_type};
use super::super::extract::{Base, Visitor};
use super::tree::file_path;
use super::{Parameters, Segments};
use crate::access::Fetch;
use crate::app::App;
use crate::drive::is_empty;
use crate::error::{Error, Result};

pub(super) fn routes(routes: Routes) -> Routes {
    routes.document(routes!(raw))
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct Shown {
    /// To be shown by a browser, not saved.
    inline: Option<bool>,
}

/// Sends the bytes of a file; for one that Git LFS keeps, tells where they are.
///
/// Answers `Range`, `If-Range` and `If-None-Match`, here or where it leads to. A token that is limited to single
/// objects gets those.
#[utoipa::path(get, path = "/api/v1/datasets/{owner}/{dataset}/raw/{revision}/{path}", tag = "files",
    params(("revision" = String, Path, description = "A branch, a tag or an id, each with `~n`, `^n`."),
        ("path" = String, Path, description = "Where it is; may hold `/`."), Shown),
    responses((status = 200, description = "The bytes.", content_type = "*/*"),
        (status = 206, description = "The part that was asked for.", content_type = "*/*"),
        (status = 302, description = "They are at `Location`, for some minutes."),
        (status = 304, description = "They are what you have."),
        (status = 416, description = "There is no such part.")))]
async fn raw(
    State(app): State<App>,
    visitor: Visitor,
    Base(base): Base,
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
            async |grant| app.drive.locate(grant, segments.get("revision"), &path).await,
            |located| located.entry.pointer.as_ref().map(|pointer| pointer.oid),
            || Error::not_found(format!("there is no {text:?} that this token is for")),
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
        // A branch may have another one in a moment.
        cache: "private, no-cache",
    };
    let is_object = pointer.is_some();
    let (answer, wanted) = content.answer(&method, &headers);
    let Some(wanted) = wanted.filter(|_| !is_object) else { return bare(answer) };
    let sending = app.drive.open(&located).await?;
    answer.body(Body::from_stream(sending.stream(wanted))).map_err(Error::internal)
}
