//! Git LFS file locking API (`…/info/lfs/locks`).

use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query, Request, State};
use axum::http::{HeaderMap, Method, StatusCode};
use axum::response::Response;
use lfs::locks::{ConflictReply, ListQuery, LockReply, LockRequest, UnlockRequest, VerifyRequest};
use serde::Serialize;

use super::json::{expect_accept, json, lfs_json};
use crate::access::{DatasetGrant, Read, Target, Write};
use crate::app::App;
use crate::error::{Error, Result};
use crate::git_service::Locked;
use crate::web::http::Routes;

pub(super) fn routes(routes: Routes) -> Routes {
    routes
        .add(Method::POST, "/{owner}/{dataset}/info/lfs/locks", lock)
        .add(Method::GET, "/{owner}/{dataset}/info/lfs/locks", list)
        .add(Method::POST, "/{owner}/{dataset}/info/lfs/locks/verify", verify)
        .add(Method::POST, "/{owner}/{dataset}/info/lfs/locks/{id}/unlock", unlock)
}

async fn lock(State(app): State<App>, target: Target<Write>, request: Request) -> Result<Response> {
    let request: LockRequest = json(&app, request).await?;
    match app.git_service.lock(target, request).await? {
        Locked::Taken(lock) => reply(StatusCode::CREATED, &LockReply { lock }),
        Locked::Held(lock) => {
            let message = format!("`{}` is already locked by {}", lock.path, lock.owner.name);
            reply(StatusCode::CONFLICT, &ConflictReply { lock, message, request_id: Some(crate::request::id()) })
        }
    }
}

async fn list(
    State(app): State<App>,
    grant: DatasetGrant<Read>,
    headers: HeaderMap,
    query: Result<Query<ListQuery>, QueryRejection>,
) -> Result<Response> {
    expect_accept(&headers)?;
    let Query(query) = query.map_err(|error| Error::malformed(error.body_text()))?;
    reply(StatusCode::OK, &app.git_service.locks(&grant, query).await?)
}

async fn verify(State(app): State<App>, target: Target<Write>, request: Request) -> Result<Response> {
    let request: VerifyRequest = json(&app, request).await?;
    reply(StatusCode::OK, &app.git_service.verify_locks(&target, request).await?)
}

async fn unlock(
    State(app): State<App>,
    grant: DatasetGrant<Write>,
    Path((_, _, id)): Path<(String, String, String)>,
    request: Request,
) -> Result<Response> {
    let request: UnlockRequest = json(&app, request).await?;
    let lock = app.git_service.unlock(&grant, &id, &request).await?;
    reply(StatusCode::OK, &LockReply { lock })
}

fn reply(status: StatusCode, body: &impl Serialize) -> Result<Response> {
    Ok(lfs_json(status, serde_json::to_vec(body).map_err(Error::internal)?))
}
