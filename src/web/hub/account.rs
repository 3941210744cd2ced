//! Account information (`whoami`), and operations on whole datasets: creating, deleting, changing visibility.

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderValue, Method, StatusCode};
use axum::response::{IntoResponse as _, Response};
use bytes::Bytes;
use metastore::{Content, Edit};
use serde::Deserialize;
use serde_json::{Value, json};

use super::common::{Answer, ERROR_MESSAGE, Failure, REPO_NOT_FOUND};
use crate::access::{Actor, DatasetGrant, Own, ParticipantGrant, Read, Write};
use crate::app::App;
use crate::config::DEFAULT_STORE;
use crate::datasets::revisions::CommitMeta;
use crate::error::{Error, Kind, Result};
use crate::types::{RepoPath, Visibility};
use crate::web::http::json::Body;
use crate::web::http::{AuthedActor, BaseUrl, Routes, segment};

pub(super) fn routes(routes: Routes) -> Routes {
    routes
        .add(Method::GET, "/api/whoami-v2", whoami)
        .add(Method::POST, "/api/repos/create", create)
        .add(Method::DELETE, "/api/repos/delete", delete)
        .add(Method::POST, "/api/repos/move", rename)
        .add(Method::POST, "/api/validate-yaml", validate)
}

pub(super) fn dataset_routes(routes: Routes) -> Routes {
    routes
        .add(Method::PUT, "/api/datasets/{owner}/{dataset}/settings", settings)
        .add(Method::GET, "/api/datasets/{owner}/{dataset}/auth-check", may_read)
        .add(Method::GET, "/api/datasets/{owner}/{dataset}/auth-check/write", may_write)
        .add(Method::POST, "/api/datasets/{owner}/{dataset}/like", like)
        .add(Method::DELETE, "/api/datasets/{owner}/{dataset}/like", unlike)
}

/// Binary formats that go to Git LFS in datasets created here, so that plain git clients store them the same way.
const KEPT: &[&str] = &[
    "7z", "arrow", "avro", "bin", "bz2", "duckdb", "feather", "flac", "gif", "gz", "h5", "jpeg", "jpg", "lz4", "mdb",
    "mp3", "mp4", "npy", "npz", "ogg", "orc", "parquet", "pdf", "pickle", "pkl", "png", "rar", "sqlite", "sqlite3",
    "tar", "tgz", "tif", "tiff", "wav", "webm", "webp", "xls", "xlsx", "xz", "zip", "zst",
];

async fn whoami(State(app): State<App>, caller: AuthedActor) -> Result<Json<Value>> {
    if caller.actor.is_anonymous() {
        return Err(Error::unauthenticated("authentication required: set `HF_TOKEN` or run `hf auth login`"));
    }
    // Credentials limited to single datasets do not reveal the user's memberships.
    let memberships = match app.access.authorize_oneself(&caller.actor) {
        Ok(oneself) => app.accounts.memberships(oneself.user()).await?,
        Err(_) => Vec::new(),
    };
    let organisations = memberships.iter().map(|(name, role)| {
        let role = if role == "owner" { "admin" } else { role.as_str() };
        json!({ "type": "org", "id": name, "name": name, "fullname": name, "roleInOrg": role, "avatarUrl": "" })
    });
    let name = caller.actor.name();
    Ok(Json(json!({
        "type": "user", "id": caller.actor.key(), "name": name, "fullname": name, "isPro": false, "canPay": false,
        "avatarUrl": "", "orgs": organisations.collect::<Vec<_>>(),
        "auth": { "type": "access_token", "accessToken": { "displayName": name, "role": "write" } },
    })))
}

/// How request bodies name a dataset.
#[derive(Deserialize)]
struct Named {
    name: String,
    organization: Option<String>,
    #[serde(rename = "type")]
    kind: Option<String>,
}

impl Named {
    fn path(&self, actor: &Actor) -> Result<RepoPath> {
        expect_dataset(self.kind.as_deref())?;
        match &self.organization {
            Some(owner) => RepoPath::from_segments(owner, &self.name),
            None if self.name.contains('/') => self.name.parse(),
            None => RepoPath::from_segments(&actor.name(), &self.name),
        }
    }
}

fn expect_dataset(kind: Option<&str>) -> Result<()> {
    match kind {
        Some("dataset") => Ok(()),
        _ => Err(Error::invalid("only datasets are supported: use `repo_type=\"dataset\"`")),
    }
}

#[derive(Deserialize)]
struct Seen {
    private: Option<bool>,
    visibility: Option<String>,
    gated: Option<Value>,
}

impl Seen {
    fn visibility(&self) -> Result<Option<Visibility>> {
        if self.gated.as_ref().is_some_and(|gated| !matches!(gated, Value::Null | Value::Bool(false))) {
            return Err(Error::invalid("gated datasets are not supported; make the dataset private and add members"));
        }
        match (&self.visibility, self.private) {
            (Some(text), _) => text.parse().map(Some),
            (None, Some(true)) => Ok(Some(Visibility::Private)),
            (None, Some(false)) => Ok(Some(Visibility::Public)),
            (None, None) => Ok(None),
        }
    }
}

#[derive(Deserialize)]
struct NewDataset {
    #[serde(flatten)]
    named: Named,
    #[serde(flatten)]
    seen: Seen,
}

async fn create(State(app): State<App>, caller: AuthedActor, base: BaseUrl, Body(new): Body<NewDataset>) -> Answer {
    if caller.actor.is_anonymous() {
        return Err(Error::unauthenticated("authentication required to create a dataset").into());
    }
    let path = new.named.path(&caller.actor)?;
    // Private by default, as with a push, so that nothing is published by accident.
    let visibility = new.seen.visibility()?.unwrap_or(Visibility::Private);
    let url = format!("{}/datasets/{}/{}", base.0, segment(path.owner.as_str()), segment(path.name.as_str()));
    let made = async {
        let creation = app.access.creation(&caller.actor, &path).await?;
        app.datasets.create(&creation, visibility, DEFAULT_STORE).await
    };
    match made.await {
        Ok(_) => {}
        // Clients with `exist_ok` read the URL from this response.
        Err(error) if error.kind() == Kind::Conflict => {
            let mut response =
                (StatusCode::CONFLICT, Json(json!({ "error": error.detail(), "url": url }))).into_response();
            response.headers_mut().insert(ERROR_MESSAGE, HeaderValue::from_static("the dataset already exists"));
            return Ok(response);
        }
        Err(error) => return Err(error.into()),
    }
    let grant = app.access.authorize(&caller.actor, &path).await?;
    begin(&app, &grant).await?;
    Ok(Json(json!({ "url": url, "name": grant.full_name(), "id": grant.id().to_string() })).into_response())
}

/// Creates the first revision, which the clients expect to exist.
async fn begin(app: &App, grant: &DatasetGrant<Write>) -> Result<()> {
    let lines: Vec<String> =
        KEPT.iter().map(|ending| format!("*.{ending} filter=lfs diff=lfs merge=lfs -text\n")).collect();
    let content = Content::Bytes(Bytes::from(lines.concat()));
    let path = metastore::ATTRIBUTES.parse()?;
    let edits = vec![Edit::Put { path, content, executable: false }];
    let wording = CommitMeta::default().or_message("initial commit");
    app.datasets.commit_operations(grant, edits, wording, None).await.map_err(|refusal| refusal.error)?.made()?;
    Ok(())
}

async fn delete(State(app): State<App>, caller: AuthedActor, Body(named): Body<Named>) -> Answer {
    let path = named.path(&caller.actor)?;
    let grant = app.access.authorize::<Own>(&caller.actor, &path).await.map_err(Failure::missing(REPO_NOT_FOUND))?;
    app.datasets.delete(&grant).await?;
    Ok(Json(json!({})).into_response())
}

#[derive(Deserialize)]
struct MoveRepo {
    #[serde(rename = "fromRepo")]
    from: String,
    #[serde(rename = "toRepo")]
    to: String,
    #[serde(rename = "type")]
    kind: Option<String>,
}

async fn rename(
    State(app): State<App>,
    caller: AuthedActor,
    base: BaseUrl,
    Body(asked): Body<MoveRepo>,
) -> Answer<Json<Value>> {
    expect_dataset(asked.kind.as_deref())?;
    let (from, to): (RepoPath, RepoPath) = (asked.from.parse()?, asked.to.parse()?);
    let grant = app.access.authorize::<Own>(&caller.actor, &from).await.map_err(Failure::missing(REPO_NOT_FOUND))?;
    let creation = app.access.creation(&caller.actor, &to).await?;
    app.datasets.rename(&grant, &creation).await?;
    let (owner, name) = (segment(to.owner.as_str()), segment(to.name.as_str()));
    Ok(Json(json!({ "url": format!("{}/datasets/{owner}/{name}", base.0) })))
}

async fn settings(State(app): State<App>, grant: DatasetGrant<Own>, Body(seen): Body<Seen>) -> Answer {
    if let Some(visibility) = seen.visibility()? {
        app.datasets.set_visibility(&grant, visibility).await?;
    }
    Ok(Json(json!({ "private": seen.private, "visibility": seen.visibility, "gated": false })).into_response())
}

async fn may_read(_: DatasetGrant<Read>) -> StatusCode {
    StatusCode::OK
}

async fn may_write(_: DatasetGrant<Write>) -> StatusCode {
    StatusCode::OK
}

/// Likes are stars.
async fn like(State(app): State<App>, by: ParticipantGrant) -> Result<StatusCode> {
    app.datasets.set_star(&by, true).await?;
    Ok(StatusCode::OK)
}

async fn unlike(State(app): State<App>, by: ParticipantGrant) -> Result<StatusCode> {
    app.datasets.set_star(&by, false).await?;
    Ok(StatusCode::OK)
}

#[derive(Deserialize)]
struct Card {
    content: String,
}

/// Accepts any README header: the clients validate it before they send it.
async fn validate(_: AuthedActor, Body(card): Body<Card>) -> Response {
    match crate::datasets::card::read(&card.content) {
        Ok(_) => Json(json!({ "errors": [], "warnings": [] })).into_response(),
        Err(message) => (StatusCode::BAD_REQUEST, Json(json!({ "errors": [{ "message": message }], "warnings": [] })))
            .into_response(),
    }
}
