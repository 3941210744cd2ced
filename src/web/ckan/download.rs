//! `/dataset/…/download`: where CKAN's pages lead to for the file of a resource.

use std::fmt::Write as _;

use axum::extract::State;
use axum::http::{Method, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use metastore::FilePath;
use serde::Deserialize;

use super::super::Routes;
use super::super::api::{Parameters, Segments, segment};
use super::super::extract::{Base, Caller};
use super::resources::{link, path};
use crate::access::{Fetch, Grant};
use crate::app::App;
use crate::drive::ckan::resource_ids;
use crate::error::{Error, Result};

pub(super) fn routes(routes: Routes) -> Routes {
    routes.add(Method::GET, "/dataset/{package}/resource/{resource}/download", download).add(
        Method::GET,
        "/dataset/{package}/resource/{resource}/download/{filename}",
        download,
    )
}

#[derive(Deserialize)]
struct Shown {
    /// The revision; the newest unless said.
    revision_ref: Option<String>,
    /// Whether a browser is to show it: `1`, or a word for it.
    preview: Option<String>,
}

async fn download(
    State(app): State<App>,
    caller: Caller,
    Base(base): Base,
    segments: Segments,
    Parameters(shown): Parameters<Shown>,
) -> Result<Response> {
    let grant: Grant<Fetch> = app.access.authorize_named(&caller.actor, segments.get("package")).await?;
    let revision = shown.revision_ref.as_deref().filter(|revision| !revision.is_empty());
    let versioned = app.drive.package(&grant.narrow(), revision).await?;
    let id = segments.get("resource");
    let nothing = || Error::not_found(format!("there is no resource `{}` in this dataset", id.escape_debug()));
    let ids = versioned.package.as_ref().map(|package| resource_ids(grant.id(), package)).unwrap_or_default();
    let place = ids.iter().position(|known| known == id).ok_or_else(nothing)?;
    let inline = matches!(shown.preview.as_deref(), Some("1" | "true" | "True" | "yes"));
    if let Some(href) = link(&app, &grant, &versioned, place, inline, &base).await? {
        return Ok(found(&href));
    }
    let at = path(&versioned, place).ok_or_else(nothing)?;
    let revision = versioned.revision.as_ref().ok_or_else(nothing)?;
    if ["http://", "https://", "ftp://"].iter().any(|scheme| at.starts_with(scheme)) {
        return Ok(found(&plain(at)));
    }
    // What git keeps, our own API sends.
    let file: FilePath = at.parse().map_err(|_| nothing())?;
    let row = grant.dataset();
    let file = file.as_str().split('/').map(segment).collect::<Vec<_>>().join("/");
    let raw =
        format!("/api/v1/datasets/{}/{}/raw/{}/{file}", segment(&row.owner_name), segment(&row.name), revision.id);
    Ok(found(&format!("{base}{raw}?inline={inline}")))
}

fn found(href: &str) -> Response {
    (StatusCode::FOUND, [(header::LOCATION, href)]).into_response()
}

/// A URL as a header can hold it: what git brought may have any letters (RFC 3987 §3.1).
fn plain(url: &str) -> String {
    let mut plain = String::with_capacity(url.len());
    for byte in url.bytes() {
        if byte.is_ascii_graphic() {
            plain.push(char::from(byte));
        } else {
            let _ = write!(plain, "%{byte:02X}");
        }
    }
    plain
}
