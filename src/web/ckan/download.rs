//! Downloads of resources (`/dataset/…/download`), the URLs that CKAN pages link to.

use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use metastore::FilePath;
use reqwest::Url;
use serde::Deserialize;

use super::resources::{link, path};
use crate::access::{DatasetGrant, Fetch};
use crate::app::App;
use crate::datasets::ckan::resource_ids;
use crate::error::{Error, Result};
use crate::web::http::{AuthedActor, BaseUrl, PAGE_POLICY, Parameters, Routes, Segments, escape_html, segment};

pub(super) fn routes(routes: Routes) -> Routes {
    routes.add(Method::GET, "/dataset/{package}/resource/{resource}/download", download).add(
        Method::GET,
        "/dataset/{package}/resource/{resource}/download/{filename}",
        download,
    )
}

#[derive(Deserialize)]
struct Shown {
    /// The revision. Default: the newest one.
    revision_ref: Option<String>,
    /// True to display the file in the browser: `1`, or a word for true.
    preview: Option<String>,
}

async fn download(
    State(app): State<App>,
    caller: AuthedActor,
    BaseUrl(base): BaseUrl,
    headers: HeaderMap,
    segments: Segments,
    Parameters(shown): Parameters<Shown>,
) -> Result<Response> {
    let grant: DatasetGrant<Fetch> = app.access.authorize_named(&caller.actor, segments.get("package")).await?;
    let revision = shown.revision_ref.as_deref().filter(|revision| !revision.is_empty());
    let versioned = app.datasets.package(&grant.narrow(), revision).await?;
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
        return elsewhere(&headers, at);
    }
    // Files in git are served by our own API.
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

/// Redirects to a resource on another site, as chosen by the author of the dataset. Programs are redirected directly,
/// as by CKAN. Browsers get an interstitial page first, so that a link to this server cannot lead to a phishing page
/// (open redirect).
fn elsewhere(headers: &HeaderMap, url: &str) -> Result<Response> {
    // Parse the URL as browsers do: for some URLs, they find another host than simpler parsers.
    let url = Url::parse(url).map_err(|_| Error::not_found("the URL of this resource is invalid"))?;
    let Some(host) = url.host_str() else { return Err(Error::not_found("the URL of this resource has no host")) };
    let is_person = headers.get("sec-fetch-mode").is_some_and(|mode| mode.as_bytes() == b"navigate");
    let mut response = if is_person {
        let (host, href) = (escape_html(host), escape_html(url.as_str()));
        let page = include_str!("elsewhere.html").replace("{host}", &host).replace("{href}", &href);
        let headers = [
            (header::CONTENT_TYPE, "text/html; charset=utf-8"),
            (header::CONTENT_SECURITY_POLICY, PAGE_POLICY),
            (header::REFERRER_POLICY, "no-referrer"),
            (header::CACHE_CONTROL, "no-store"),
        ];
        (headers, page).into_response()
    } else {
        found(url.as_str())
    };
    response.headers_mut().append(header::VARY, HeaderValue::from_static("sec-fetch-mode"));
    Ok(response)
}
