//! Git LFS API (`…/info/lfs`): the batch endpoint, and the signed URLs that it returns.

mod encoding;
mod json;
mod locks;
mod uploads;

use axum::body::Body;
use axum::extract::{Path, RawQuery, Request, State};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use futures::StreamExt as _;
use lfs::Oid;
use lfs::batch::{self, BatchRequest, Operation};
use lfs::sign::Verb;
use serde_json::json;

use self::json::{LFS_JSON, from_batch, json_body, lfs_json};
use super::http::{
    BaseUrl, Content, DatasetRequest, RouteGroup, Routes, SIGNATURE_COST, bare, content_length, disposition,
    query_value, replace_body, with_idle_timeout,
};
use crate::access::{DatasetGrant, Fetch, Upload};
use crate::app::App;
use crate::error::{Error, ErrorDetails, Kind, Result};

/// The API that git-lfs requests.
const LFS: RouteGroup = RouteGroup { render_error, is_below, ..RouteGroup::DEFAULT };

/// Pages of other sites send files too, so that CKAN clients and `@rutter/upload` work in a browser.
const BATCH: RouteGroup = RouteGroup { is_open: true, ..LFS };

/// Signed URLs. The batch request that returned them was charged for them.
const SIGNED: RouteGroup = RouteGroup { is_open: true, is_transfer: true, cost: 1, ..LFS };

pub(super) fn routes(routes: Routes) -> Routes {
    let routes = locks::routes(routes.group(LFS));
    let routes = routes
        .group(BATCH)
        .add(Method::POST, "/{owner}/{dataset}/info/lfs/objects/batch", objects_batch)
        // The root of Giftless, which its own client and ckan-client-js use.
        .add(Method::POST, "/{owner}/{dataset}/objects/batch", objects_batch);
    let routes = routes
        .group(SIGNED)
        .add(Method::GET, "/_lfs/{token}", download)
        .add(Method::PUT, "/_lfs/{token}", upload)
        .add(Method::POST, "/_lfs/{token}", verify);
    uploads::routes(routes)
}

fn is_below(path: &str) -> bool {
    let is_lfs = path.ends_with("/info/lfs") || path.contains("/info/lfs/") || path.ends_with("/objects/batch");
    is_lfs || path.starts_with("/_lfs/")
}

/// Renders an error as `{message, request_id}`; git-lfs reads it only in its own media type.
fn render_error(_: &str, details: &ErrorDetails, response: &mut Response) {
    let body = json!({ "message": details.detail, "request_id": crate::request::id() });
    replace_body(response, LFS_JSON, body.to_string());
    if details.kind == Kind::Unauthenticated {
        let realm = HeaderValue::from_static("Basic realm=\"rutter\", charset=\"UTF-8\"");
        response.headers_mut().insert("lfs-authenticate", realm);
    }
}

/// The required right depends on the operation in the body, and a credential may be limited to single objects, so
/// access is checked here.
async fn objects_batch(
    State(app): State<App>,
    visitor: DatasetRequest,
    base: BaseUrl,
    request: Request,
) -> Result<Response> {
    // The Hugging Face client sends requests without credentials to the URLs that it gets.
    let agent = request.headers().get(header::USER_AGENT).and_then(|agent| agent.to_str().ok()).unwrap_or_default();
    let is_bare = agent.contains("hf_hub/");
    if visitor.actor.is_anonymous() {
        // Check anonymous access before reading the body.
        let _: DatasetGrant<Fetch> = app.access.authorize(&visitor.actor, &visitor.path).await?;
    }
    let body = json_body(&app, request).await?;
    let batch = BatchRequest::parse(&body, app.config.limits.batch_objects).map_err(from_batch)?;
    let oids: Vec<Oid> =
        batch.objects.iter().filter_map(|object| object.wanted.as_ref().ok()).map(|wanted| wanted.0).collect();
    visitor.charge(batch.objects.len() + if batch.offers_xet() { SIGNATURE_COST } else { 0 });
    let reply = match batch.operation {
        Operation::Download => {
            let grant = app.access.authorize_objects::<Fetch>(&visitor.actor, &visitor.path, &oids).await?;
            app.git_service.batch_download(&grant, &batch, &base.0).await?
        }
        Operation::Upload => {
            let target = app.access.authorize_target::<Upload>(&visitor.actor, &visitor.path, &oids).await?;
            app.git_service.batch_upload(target, &batch, &base.0, is_bare).await?
        }
    };
    Ok(lfs_json(StatusCode::OK, reply))
}

async fn upload(
    State(app): State<App>,
    Path(token): Path<String>,
    RawQuery(query): RawQuery,
    request: Request,
) -> Result<Response> {
    let query = query.unwrap_or_default();
    let transfer = app.storage.admit(&token, &query, Verb::Upload)?;
    let length = content_length(request.headers());
    let body = Box::pin(with_idle_timeout(&app, request.into_body()));
    app.storage.receive(transfer, &query, length, body).await?;
    Ok(StatusCode::OK.into_response())
}

/// Also handles HEAD: the server drops the body.
async fn download(
    State(app): State<App>,
    Path(token): Path<String>,
    RawQuery(query): RawQuery,
    method: Method,
    headers: HeaderMap,
) -> Result<Response> {
    let query = query.unwrap_or_default();
    let transfer = app.storage.admit(&token, &query, Verb::Download)?;
    let object = app.storage.send(&transfer, &query).await?;
    let (oid, size) = (transfer.ticket.oid, object.size());
    let content = Content {
        tag: &oid.to_string(),
        size,
        media: "application/octet-stream",
        disposition: presentation(&query),
        cache: "private, max-age=31536000, immutable",
    };
    let (response, wanted) = content.answer(&method, &headers);
    let response = response.header(header::VARY, "accept-encoding");
    let Some(wanted) = wanted else { return bare(response) };
    transfer.expect_range(&query, &wanted)?;
    let is_whole = wanted == (0..size) && !headers.contains_key(header::RANGE);
    let mut body = transfer.guard(object.stream(wanted).await?).boxed();
    if is_whole && size >= encoding::MIN_SIZE && encoding::accepts_zstd(&headers) {
        match encoding::compressed(body).await? {
            Ok(compressed) => return encoding::answer(response, &oid.to_string(), compressed),
            Err(unchanged) => body = unchanged,
        }
    }
    let body = Body::from_stream(body);
    response.body(body).map_err(Error::internal)
}

/// Returns the header for the file name in the signed query.
fn presentation(query: &str) -> Option<HeaderValue> {
    let filename = query_value(query, "filename");
    let inline = query_value(query, "disposition").is_some_and(|text| text == "inline");
    if filename.is_none() && !inline {
        return None;
    }
    disposition(&filename.unwrap_or_default(), inline)
}

async fn verify(
    State(app): State<App>,
    Path(token): Path<String>,
    RawQuery(query): RawQuery,
    request: Request,
) -> Result<Response> {
    let query = query.unwrap_or_default();
    let ticket = app.storage.ticket(&token, &query, Verb::Verify)?;
    let body = json_body(&app, request).await?;
    let (oid, size) = batch::parse_verify(&body).map_err(from_batch)?;
    app.storage.verify(&ticket, &query, oid, size).await?;
    Ok(lfs_json(StatusCode::OK, "{}"))
}
