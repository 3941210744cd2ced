//! Git LFS objects of a dataset: listing them, and deleting unreferenced ones.

use axum::Json;
use axum::extract::{RawQuery, State};
use axum::http::{HeaderValue, Method, header};
use axum::response::{IntoResponse as _, Response};
use lfs::Oid;
use serde::Deserialize;
use serde_json::{Value, json};

use super::common::{Answer, hub_time, pairs, value};
use crate::access::{DatasetGrant, Own, Write};
use crate::app::App;
use crate::error::{Error, Result};
use crate::retry::retry_on_conflict;
use crate::web::http::json::Body;
use crate::web::http::{BaseUrl, Routes, segment};

pub(super) fn routes(routes: Routes) -> Routes {
    routes.add(Method::GET, "/api/datasets/{owner}/{dataset}/lfs-files", list).add(
        Method::POST,
        "/api/datasets/{owner}/{dataset}/lfs-files/batch",
        delete,
    )
}

/// The number of objects on a page.
const PAGE: usize = 1000;

/// The maximum number of objects that one request deletes: the batch size of the clients.
const MAX_DELETIONS: usize = 1000;

/// How often to retry a deletion when the repository changes concurrently.
const ATTEMPTS: u32 = 5;

async fn list(State(app): State<App>, grant: DatasetGrant<Write>, base: BaseUrl, RawQuery(query): RawQuery) -> Answer {
    let asked = pairs(query.unwrap_or_default().as_bytes());
    let limit = value(&asked, "limit").and_then(|limit| limit.parse().ok()).unwrap_or(PAGE).clamp(1, PAGE);
    let after = match value(&asked, "cursor") {
        Some(cursor) => Some(cursor.parse().map_err(|_| Error::invalid("invalid `cursor`"))?),
        None => None,
    };
    let mut found = app.storage.holdings(&grant, after, limit + 1).await?;
    let has_more = found.len() > limit;
    found.truncate(limit);
    let oids: Vec<Oid> = found.iter().map(|holding| holding.oid).collect();
    let places = app.datasets.places(&grant.narrow(), &oids).await?;
    let items: Vec<Value> = found
        .iter()
        .map(|holding| {
            let (oid, place) = (holding.oid.to_string(), places.get(&holding.oid));
            json!({
                // Both are the SHA-256; this is the one used for deletion.
                "fileOid": oid,
                "oid": oid,
                "filename": place.map(|place| place.path.as_str()).unwrap_or_default(),
                "ref": place.map(|place| place.name.to_string()),
                "pushedAt": hub_time(holding.since),
                "size": holding.size,
            })
        })
        .collect();
    let mut response = Json(items).into_response();
    if let Some(last) = oids.last().filter(|_| has_more) {
        let (owner, name) = (segment(&grant.dataset().owner_name), segment(&grant.dataset().name));
        let url = format!("{}/api/datasets/{owner}/{name}/lfs-files?limit={limit}&cursor={last}", base.0);
        if let Ok(link) = HeaderValue::from_str(&format!("<{url}>; rel=\"next\"")) {
            response.headers_mut().insert(header::LINK, link);
        }
    }
    Ok(response)
}

#[derive(Deserialize)]
struct DeletedObject {
    deletions: Deletions,
}

/// `rewriteHistory` is ignored: objects that the history references are never deleted.
#[derive(Deserialize)]
struct Deletions {
    sha: Vec<String>,
}

/// Deletes objects that no revision references, immediately.
async fn delete(
    State(app): State<App>,
    grant: DatasetGrant<Own>,
    Body(asked): Body<DeletedObject>,
) -> Result<Response> {
    let named = asked.deletions.sha;
    if named.len() > MAX_DELETIONS {
        return Err(Error::too_large(format!("at most {MAX_DELETIONS} files can be deleted per request")));
    }
    let oid = |text: &String| text.parse().map_err(|_| Error::invalid(format!("{text:?} is not a valid object id")));
    let oids: Vec<Oid> = named.iter().map(oid).collect::<Result<_>>()?;
    retry_on_conflict(ATTEMPTS, || async {
        let generation = app.datasets.expect_unnamed(&grant, &oids).await?;
        Ok::<_, Error>(app.storage.delete_unreferenced(&grant, generation, &oids).await?.then_some(()))
    })
    .await?;
    Ok(Json(json!({})).into_response())
}
