//! Download URLs that a browser can open without credentials: for one file, or a ZIP archive of several.

use axum::Json;
use axum::body::Body as Bytes;
use axum::extract::{Path, Request, State};
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::response::Response;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::super::batch::{self, Batch};
use super::super::files::save;
use super::super::shapes;
use crate::access::{DatasetGrant, Fetch, Grant};
use crate::app::App;
use crate::error::{Error, Result};
use crate::files::Download;
use crate::types::Millis;
use crate::web::http::{BaseUrl, DatasetRequest, Routes, disposition, routes, shown};

pub(super) fn routes(routes: Routes) -> Routes {
    routes.document(routes!(choose)).document(routes!(fetch))
}

/// What to download.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct DownloadSelection {
    /// The paths of files and folders. A single empty path means the whole dataset; it requires access to all of it.
    #[schema(value_type = Vec<shapes::FilePath>, min_items = 1, max_items = 50_000)]
    paths: Batch<String>,
    /// The revision. Default: the newest one.
    revision: Option<String>,
}

/// A download URL.
#[derive(Serialize, ToSchema)]
struct Link {
    /// The URL. It works without credentials, so keep it secret.
    url: String,
    /// When the URL expires (RFC 3339).
    #[schema(format = DateTime)]
    expires: String,
}

/// Creates a download URL for the current state of files and folders. The URL needs no credentials and expires after
/// ten minutes.
///
/// A single file is sent as it is; a folder or several items are sent as a ZIP archive of at most 50,000 files. The URL
/// names them, so there is room for some hundred paths, or for any number out of one folder with at most 40,000 entries.
#[utoipa::path(post, path = "/api/v1/drive/{owner}/{dataset}/downloads", tag = "drive", request_body = DownloadSelection,
    responses((status = 200, description = "The download URL.", body = Link)))]
async fn choose(
    State(app): State<App>,
    visitor: DatasetRequest,
    BaseUrl(base): BaseUrl,
    request: Request,
) -> Result<Json<Link>> {
    let (_, choice) = batch::read::<Fetch, DownloadSelection>(&app, &visitor, request).await?;
    let paths = choice.paths.items("paths")?;
    if let [path] = paths.as_slice()
        && path.is_empty()
    {
        let grant: DatasetGrant<Fetch> = app.access.authorize(&visitor.actor, &visitor.path).await?;
        let (token, expires) = app.files.choose_all(&grant, choice.revision.as_deref()).await?;
        return Ok(Json(link(&base, &token, expires)));
    }
    let grants: Vec<Grant<Fetch>> = visitor.grant_each(&app, paths.iter().map(String::as_str)).await?;
    visitor.charge(grants.len());
    let (token, expires) = app
        .files
        .choose(&grants, choice.revision.as_deref(), async |grants: &[Grant<Fetch>]| {
            app.access.count_download(grants).await
        })
        .await?;
    Ok(Json(link(&base, &token, expires)))
}

fn link(base: &str, token: &str, expires: Millis) -> Link {
    Link { url: format!("{base}/api/v1/downloads/{token}"), expires: expires.rfc3339() }
}

/// Downloads the file or archive of a download URL, as an attachment.
#[utoipa::path(get, path = "/api/v1/downloads/{token}", tag = "drive",
    params(("token" = String, Path, description = "The token in the URL.")),
    responses((status = 200, description = "The content of the file or the ZIP archive.", content_type = "*/*"),
        (status = 206, description = "The requested range of the file.", content_type = "*/*"),
        (status = 302, description = "Redirect to a temporary URL of the content."),
        (status = 304, description = "Not modified."),
        (status = 416, description = "The range is not satisfiable.")))]
async fn fetch(
    State(app): State<App>,
    Path(token): Path<String>,
    BaseUrl(base): BaseUrl,
    method: Method,
    headers: HeaderMap,
) -> Result<Response> {
    let archive = match app.files.chosen(&token).await? {
        Download::File(file) => return save(&app, &file, shown(&file.name).0, false, &base, &method, &headers).await,
        Download::Archive(archive) => archive,
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
