//! File downloads by name.

use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::response::IntoResponse as _;
use lfs::{Oid, range};
use metastore::FilePath;

use super::common::{Answer, Failure, REPO_COMMIT, commit_header, find};
use crate::access::{DatasetGrant, Fetch};
use crate::app::App;
use crate::datasets::is_empty;
use crate::error::{Error, Result};
use crate::git_service::GitService;
use crate::web::http::{BaseUrl, Content, Routes, Segments, bare, disposition};

pub(super) fn routes(routes: Routes) -> Routes {
    routes.add(Method::GET, "/datasets/{owner}/{dataset}/resolve/{revision}/{*path}", resolve)
}

async fn resolve(
    State(app): State<App>,
    grant: DatasetGrant<Fetch>,
    base: BaseUrl,
    segments: Segments,
    method: Method,
    headers: HeaderMap,
) -> Answer {
    let (_, revision) = find(&app, &grant.narrow(), segments.get("revision")).await?;
    let text = segments.get("path");
    let nothing = || Failure::entry(revision)(Error::not_found(format!("there is no {text:?} in this revision")));
    let path: FilePath = text.parse().map_err(|_| nothing())?;
    let located = app.datasets.locate(&grant.narrow().at(path.clone()), Some(&revision.to_string())).await;
    let located = located.map_err(Failure::entry(revision))?;
    let entry = &located.entry;
    let Some(size) = entry.size else { return Err(nothing()) };
    let name = text.rsplit('/').next().unwrap_or(text);
    // The empty object is never uploaded: the result is an empty file.
    let size = if entry.pointer.as_ref().is_some_and(is_empty) { 0 } else { size };
    if let Some(pointer) = entry.pointer.as_ref().filter(|pointer| !is_empty(pointer)) {
        let url = app
            .storage
            .download_url(&grant, pointer.oid, name, false, &base.0)
            .await
            .map_err(Failure::entry(revision))?;
        // Clients read these headers from the first response, before they follow a redirect to another host. They would
        // follow a redirect on this host.
        let is_head = method == Method::HEAD && url.starts_with(&base.0);
        let mut response = if is_head { StatusCode::OK } else { StatusCode::FOUND }.into_response();
        let response_headers = response.headers_mut();
        response_headers.insert(REPO_COMMIT, commit_header(revision));
        response_headers.insert("x-linked-size", pointer.size.into());
        let tag = HeaderValue::from_str(&range::etag(&pointer.oid)).map_err(Error::internal)?;
        response_headers.insert("x-linked-etag", tag.clone());
        if is_head && let Some(hash) = xet_hash(&app, &grant, pointer.oid).await? {
            let refresh = GitService::xet_read_url(&grant, &revision.to_string(), &base.0);
            let link = format!("<{refresh}>; rel=\"xet-auth\"");
            for (name, value) in [("x-xet-hash", hash), ("x-xet-refresh-route", refresh), ("link", link)] {
                response_headers.insert(name, HeaderValue::from_str(&value).map_err(Error::internal)?);
            }
        }
        if is_head {
            response_headers.insert(header::ETAG, tag);
            response_headers.insert(header::ACCEPT_RANGES, HeaderValue::from_static("bytes"));
            response_headers.insert(header::CONTENT_LENGTH, pointer.size.into());
        } else {
            response_headers.insert(header::LOCATION, HeaderValue::from_str(&url).map_err(Error::internal)?);
        }
        return Ok(response);
    }
    let content = Content {
        tag: &entry.id.to_string(),
        size,
        media: "application/octet-stream",
        disposition: disposition(name, true),
        cache: "no-store",
    };
    let (response, wanted) = content.answer(&method, &headers);
    let response = response.header(REPO_COMMIT, commit_header(revision));
    let Some(wanted) = wanted else { return Ok(bare(response)?) };
    let body = Body::from_stream(app.datasets.open(&located).await?.stream(wanted));
    Ok(response.body(body).map_err(Error::internal)?)
}

/// Returns the hash by which the caller can download an object by Xet, if it is packed.
async fn xet_hash(app: &App, grant: &DatasetGrant<Fetch>, oid: Oid) -> Result<Option<String>> {
    let Some((_, hash)) = app.storage.xet_hashes(grant, &[oid]).await?.pop() else { return Ok(None) };
    Ok(app.git_service.offers_xet(grant).await?.then_some(hash))
}
