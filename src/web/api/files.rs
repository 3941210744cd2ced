//! Raw file content (`…/raw`).

use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use serde::Deserialize;
use utoipa::IntoParams;

use super::tree::file_path;
use crate::access::Fetch;
use crate::app::App;
use crate::error::{Error, Result};
use crate::files::Opened;
use crate::web::http::{
    BaseUrl, Content, DatasetRequest, Parameters, Routes, Segments, bare, disposition, media_type, routes,
};

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
        .authorize_file::<Fetch, _>(
            &visitor.actor,
            &visitor.path,
            async |grant| app.datasets.locate(&grant.at(path.clone()), Some(segments.get("revision"))).await,
            |located| located.entry.pointer.as_ref().map(|pointer| pointer.oid),
            || Error::not_found(format!("{text:?} does not exist, or this token does not cover it")),
        )
        .await?;
    let file = app.files.open_entry(&grant, located)?;
    let (media, inline) = (media_type(&file.name), shown.inline.unwrap_or_default());
    save(&app, &file, media, inline, &base, &method, &headers).await
}

/// Sends a file to be saved, or with `inline` to be displayed: by a redirect to storage for files in Git LFS.
pub(super) async fn save(
    app: &App,
    file: &Opened,
    media: &'static str,
    inline: bool,
    base: &str,
    method: &Method,
    headers: &HeaderMap,
) -> Result<Response> {
    match app.files.download_url(file, inline, base).await? {
        Some(url) => Ok((StatusCode::FOUND, [(header::LOCATION, url)]).into_response()),
        None => send(app, file, media, inline, method, headers).await,
    }
}

/// Sends the bytes of a file through this server.
pub(super) async fn send(
    app: &App,
    file: &Opened,
    media: &'static str,
    inline: bool,
    method: &Method,
    headers: &HeaderMap,
) -> Result<Response> {
    let content = Content {
        tag: &file.tag(),
        size: file.size,
        media,
        disposition: disposition(&file.name, inline),
        // The branch can move to another version at any time.
        cache: "private, no-cache",
    };
    let (answer, wanted) = content.answer(method, headers);
    let Some(wanted) = wanted else { return bare(answer) };
    let blocks = app.files.send(file, wanted).await?;
    answer.body(Body::from_stream(blocks)).map_err(Error::internal)
}
