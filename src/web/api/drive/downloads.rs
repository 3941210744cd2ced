//! Downloads by a URL that a browser can go to by itself: one file, or a ZIP archive.

use axum::Json;
use axum::body::Body as Bytes;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::response::Response;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::routes;

use super::super::super::Routes;
use super::super::super::content::disposition;
use super::super::super::extract::{Base, Visitor};
use super::super::Body;
use super::super::shapes;
use super::files::save;
use crate::access::{Fetch, Grant, Part, Spot};
use crate::app::App;
use crate::error::{Error, Result};
use crate::files::Delivery;
use crate::types::Millis;

pub(super) fn routes(routes: Routes) -> Routes {
    routes.document(routes!(choose)).document(routes!(fetch))
}

/// What is to be downloaded.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Choice {
    /// Files and folders. An empty path alone is all of the dataset, for those who may read all of it.
    #[schema(value_type = Vec<shapes::FilePath>, min_items = 1, max_items = 1000)]
    paths: Vec<String>,
    /// Which revision; the newest unless said.
    revision: Option<String>,
}

/// Where it is to be had.
#[derive(Serialize, ToSchema)]
struct Link {
    /// It needs no credentials: keep it to yourself.
    url: String,
    /// When it ends (RFC 3339).
    #[schema(format = DateTime)]
    expires: String,
}

/// Makes a URL for files and folders as they are now, which needs no credentials and ends after ten minutes.
///
/// It gives one file as it is; a folder, or several of them, as a ZIP archive of at most 50,000 files.
#[utoipa::path(post, path = "/api/v1/drive/{owner}/{dataset}/downloads", tag = "drive", request_body = Choice,
    responses((status = 200, description = "Where it is to be had.", body = Link)))]
async fn choose(
    State(app): State<App>,
    visitor: Visitor,
    Base(base): Base,
    Body(choice): Body<Choice>,
) -> Result<Json<Link>> {
    if let [path] = choice.paths.as_slice()
        && path.is_empty()
    {
        let grant: Grant<Fetch> = app.access.authorize(&visitor.actor, &visitor.path).await?;
        let (token, expires) = app.files.choose_all(&grant, choice.revision.as_deref()).await?;
        return Ok(Json(link(&base, &token, expires)));
    }
    if choice.paths.is_empty() {
        let _: Part<Fetch> = visitor.part(&app, "").await?;
    }
    let mut spots: Vec<Spot<Fetch>> = Vec::with_capacity(choice.paths.len().min(1000));
    for path in choice.paths.iter().take(1001) {
        spots.push(visitor.spot(&app, path).await?);
    }
    visitor.charge(spots.len());
    let (token, expires) = app
        .files
        .choose(&spots, choice.revision.as_deref(), async |spots: &[Spot<Fetch>]| app.access.take(spots).await)
        .await?;
    Ok(Json(link(&base, &token, expires)))
}

fn link(base: &str, token: &str, expires: Millis) -> Link {
    Link { url: format!("{base}/api/v1/downloads/{token}"), expires: expires.rfc3339() }
}

/// Sends what a URL was made for; to be saved.
#[utoipa::path(get, path = "/api/v1/downloads/{token}", tag = "drive",
    params(("token" = String, Path, description = "Of the URL.")),
    responses((status = 200, description = "The bytes, or the archive.", content_type = "*/*"),
        (status = 206, description = "The part of a file that was asked for.", content_type = "*/*"),
        (status = 302, description = "They are at `Location`, for some minutes."),
        (status = 304, description = "They are what you have."),
        (status = 416, description = "There is no such part.")))]
async fn fetch(
    State(app): State<App>,
    Path(token): Path<String>,
    Base(base): Base,
    method: Method,
    headers: HeaderMap,
) -> Result<Response> {
    let archive = match app.files.chosen(&token).await? {
        Delivery::File(file) => return save(&app, &file, &base, &method, &headers).await,
        Delivery::Archive(archive) => archive,
    };
    let mut answer = Response::builder()
        .status(StatusCode::OK)
        .header(header::CONTENT_TYPE, "application/zip")
        .header(header::CONTENT_LENGTH, archive.length)
        .header(header::CONTENT_SECURITY_POLICY, "sandbox; default-src 'none'");
    if let Some(name) = disposition(&archive.name, false) {
        answer = answer.header(header::CONTENT_DISPOSITION, name);
    }
    let body = if method == Method::HEAD { Bytes::empty() } else { Bytes::from_stream(app.files.pack(archive)) };
    answer.body(body).map_err(Error::internal)
}
