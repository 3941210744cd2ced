//! `/api/v1/datasets`: datasets and their package metadata.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::Response;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::openapi::schema::{AnyOfBuilder, Object, ObjectBuilder, Schema, Type};
use utoipa::openapi::{Ref, RefOr};
use utoipa::{IntoParams, PartialSchema, ToSchema};

use super::common::{Body, CommitAuthor, Revision, created};
use super::shapes;
use crate::access::{DatasetGrant, Fetch, Own, Read, Right as _, Rights, Write};
use crate::app::App;
use crate::config::DEFAULT_STORE;
use crate::datasets::package::{CommitNote, PackageChange};
use crate::datasets::revisions::CommitMeta;
use crate::error::{Error, Kind, Result};
use crate::types::{RepoPath, Visibility};
use crate::web::http::{AuthedActor, DatasetRequest, Parameters, Routes, routes, segment};

pub(super) fn routes(routes: Routes) -> Routes {
    let routes = routes.document(routes!(create)).document(routes!(show, replace, patch, delete));
    routes.document(routes!(set_visibility))
}

/// A dataset at a revision.
#[derive(Serialize, ToSchema)]
pub(super) struct Dataset {
    /// The id of the dataset, as `owner/name`.
    id: String,
    /// The owner: a user or an organisation.
    owner: String,
    /// The name of the dataset, without the owner.
    name: String,
    /// Who can see the dataset.
    visibility: Visibility,
    /// The default branch (git's `HEAD`).
    default_branch: String,
    /// The store that holds the objects of the dataset.
    store: String,
    /// When the dataset was created (RFC 3339). `created` is the time of the revision.
    #[schema(format = DateTime)]
    #[serde(rename = "dataset_created")]
    made: String,
    /// The permissions of the caller.
    rights: RightsHere,
    /// The number of users who have starred the dataset.
    stars: u64,
    /// True if the caller has starred it.
    starred: bool,
    /// The number of open discussions and proposals.
    open_discussions: i64,
    /// Storage used in bytes, Git LFS objects and git packs together.
    bytes: u64,
    /// The number of Git LFS objects in the dataset.
    objects: u64,
    /// The storage quota of this dataset in bytes; null if it has no quota of its own.
    quota_bytes: Option<u64>,
    #[serde(flatten)]
    #[schema(value_type = RevisionShown)]
    revision: Option<Revision>,
    /// The content of `datapackage.json` (Frictionless Data Package); null if the file does not exist.
    #[schema(value_type = Option<Object>)]
    package: Option<Map<String, Value>>,
    /// Metadata from the YAML header of `README.md`, as on the Hugging Face Hub. Use it where the package has no value.
    #[serde(skip_serializing_if = "Option::is_none")]
    readme: Option<ReadmeCard>,
    /// Why `package` is null although there is a `datapackage.json`: the error when parsing it.
    #[serde(skip_serializing_if = "Option::is_none")]
    package_error: Option<String>,
}

/// Metadata from the YAML header of a README.
#[derive(Serialize, ToSchema)]
struct ReadmeCard {
    /// The value of `pretty_name`.
    title: Option<String>,
    /// The values of `license`.
    licenses: Vec<String>,
    /// The values of `tags`.
    keywords: Vec<String>,
}

/// The permissions of the caller on a dataset.
#[derive(Serialize, ToSchema)]
#[expect(clippy::struct_excessive_bools, reason = "rights are independent of each other for tokens of some kinds")]
struct RightsHere {
    /// May see file names, history and metadata.
    read: bool,
    /// May download files.
    download: bool,
    /// May create revisions.
    write: bool,
    /// May delete the dataset, protect branches and manage access.
    own: bool,
}

impl From<Rights> for RightsHere {
    fn from(rights: Rights) -> Self {
        Self {
            read: rights.has(Read::RIGHTS),
            download: rights.has(Fetch::RIGHTS),
            write: rights.has(Write::RIGHTS),
            own: rights.has(Own::RIGHTS),
        }
    }
}

/// Describes the flattened revision fields of a dataset, which are absent if it has no revisions.
struct RevisionShown;

impl PartialSchema for RevisionShown {
    fn schema() -> RefOr<Schema> {
        let none = ObjectBuilder::new().property("revision", Object::with_type(Type::Null));
        Schema::AnyOf(AnyOfBuilder::new().item(Ref::from_schema_name("Revision")).item(none).build()).into()
    }
}

impl ToSchema for RevisionShown {
    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        schemas.push((Revision::name().into(), Revision::schema()));
        Revision::schemas(schemas);
    }
}

/// A new dataset.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewDataset {
    /// The id of the dataset, as `owner/name`.
    #[schema(value_type = shapes::DatasetId, example = "ada/birds")]
    id: String,
    /// The content of `datapackage.json`. If omitted, the dataset is created empty.
    #[schema(value_type = Option<Object>)]
    package: Option<Map<String, Value>>,
    /// The author of the first revision. Default: the caller.
    author: Option<CommitAuthor>,
    /// The commit message.
    message: Option<String>,
    /// Who can see the dataset: `private`, `internal` or `public`. Default: `private`.
    #[schema(value_type = Option<Visibility>)]
    visibility: Option<String>,
    /// The store for its objects. It cannot be changed later.
    #[schema(min_length = 1)]
    store: Option<String>,
}

/// A change of the package metadata.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct PackageUpdate {
    /// The complete package for PUT; the fields to set for PATCH.
    #[schema(value_type = Object)]
    package: Map<String, Value>,
    /// The author of the change. Default: the caller.
    author: Option<CommitAuthor>,
    /// The commit message.
    message: Option<String>,
    /// The revision that the change is based on. If it is not the newest one, the request fails with 412.
    base_revision: Option<String>,
}

/// A change of visibility.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct VisibilityChange {
    /// `private`: people with access; `internal`: everyone who is signed in; `public`: everyone.
    #[schema(value_type = Visibility)]
    visibility: String,
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct RevisionQuery {
    /// The revision. Default: the newest revision of the default branch.
    revision: Option<String>,
}

/// Creates a dataset.
#[utoipa::path(post, path = "/api/v1/datasets", tag = "datasets", request_body = NewDataset,
    responses((status = 201, description = "The dataset.", body = Dataset)))]
async fn create(State(app): State<App>, caller: AuthedActor, Body(new): Body<NewDataset>) -> Result<Response> {
    let path: RepoPath = new.id.parse()?;
    let seen_by = match new.visibility.as_deref() {
        None => Visibility::Private,
        Some(text) => visibility(text)?,
    };
    let store = new.store.as_deref().unwrap_or(DEFAULT_STORE);
    app.storage.expect_store(store)?;
    let author = new.author.map(Into::into).unwrap_or_default();
    let wording = CommitMeta { message: new.message, author, ..CommitMeta::default() };
    let writer = async || app.access.authorize::<Write>(&caller.actor, &path).await;
    match (app.access.creation(&caller.actor, &path).await, new.package) {
        (Ok(creation), Some(package)) => {
            app.datasets.create_with_package(&creation, seen_by, store, package, wording, writer).await?;
        }
        (Ok(creation), None) => _ = app.datasets.create(&creation, seen_by, store).await?,
        // A push may have created it empty before; then this request adds the first revision.
        (Err(error), Some(package)) if error.kind() == Kind::Conflict => {
            app.datasets.begin(&writer().await?, package, wording).await?;
        }
        (Err(error), _) => return Err(error),
    }
    let grant = app.access.authorize::<Read>(&caller.actor, &path).await?;
    let note = app.datasets.note(&grant, None).await?;
    let location = format!("/api/v1/datasets/{}/{}", segment(path.owner.as_str()), segment(path.name.as_str()));
    Ok(created(&location, dataset(&app, &grant, note).await?))
}

fn visibility(text: &str) -> Result<Visibility> {
    text.parse().map_err(|_| Error::invalid(format!("`visibility` must be private, internal or public, not {text:?}")))
}

/// Returns a dataset at its newest revision or at another one.
#[utoipa::path(get, path = "/api/v1/datasets/{owner}/{dataset}", tag = "datasets", params(RevisionQuery),
    responses((status = 200, description = "The dataset.", body = Dataset)))]
async fn show(
    State(app): State<App>,
    grant: DatasetGrant<Read>,
    Parameters(at): Parameters<RevisionQuery>,
) -> Result<Json<Dataset>> {
    let note = app.datasets.note(&grant, at.revision.as_deref()).await?;
    Ok(Json(dataset(&app, &grant, note).await?))
}

/// Replaces the package metadata of a dataset.
#[utoipa::path(put, path = "/api/v1/datasets/{owner}/{dataset}", tag = "datasets", request_body = PackageUpdate,
    responses((status = 200, description = "The dataset at its new revision.", body = Dataset)))]
async fn replace(
    State(app): State<App>,
    grant: DatasetGrant<Write>,
    headers: HeaderMap,
    Body(update): Body<PackageUpdate>,
) -> Result<Json<Dataset>> {
    change(&app, &grant, &headers, PackageChange::Replace, update).await
}

/// Sets fields of the package metadata of a dataset; other fields stay as they are.
#[utoipa::path(patch, path = "/api/v1/datasets/{owner}/{dataset}", tag = "datasets", request_body = PackageUpdate,
    responses((status = 200, description = "The dataset at its new revision.", body = Dataset)))]
async fn patch(
    State(app): State<App>,
    grant: DatasetGrant<Write>,
    headers: HeaderMap,
    Body(update): Body<PackageUpdate>,
) -> Result<Json<Dataset>> {
    change(&app, &grant, &headers, PackageChange::Merge, update).await
}

async fn change(
    app: &App,
    grant: &DatasetGrant<Write>,
    headers: &HeaderMap,
    how: impl FnOnce(Map<String, Value>) -> PackageChange,
    update: PackageUpdate,
) -> Result<Json<Dataset>> {
    let base = match update.base_revision {
        Some(base) => Some(base),
        None => if_match(headers)?,
    };
    let author = update.author.map(Into::into).unwrap_or_default();
    let change = how(update.package);
    let versioned = app.datasets.change_package(grant, &change, base.as_deref(), &author, update.message).await?;
    Ok(Json(dataset(app, &grant.narrow(), versioned.into()).await?))
}

/// Returns the revision in `If-Match` (RFC 9110 §13.1.1).
pub(super) fn if_match(headers: &HeaderMap) -> Result<Option<String>> {
    let Some(value) = headers.get(header::IF_MATCH) else { return Ok(None) };
    let text = value.to_str().unwrap_or_default().trim();
    let tag = text.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
    match tag {
        _ if text == "*" => Ok(None),
        Some(tag) => Ok(Some(tag.to_owned())),
        None => Err(Error::invalid("`If-Match` must be one revision, in quotes")),
    }
}

/// Changes the visibility of a dataset.
#[utoipa::path(patch, path = "/api/v1/datasets/{owner}/{dataset}/visibility", tag = "datasets",
    request_body = VisibilityChange, responses((status = 200, description = "The dataset.", body = Dataset)))]
async fn set_visibility(
    State(app): State<App>,
    visitor: DatasetRequest,
    Body(asked): Body<VisibilityChange>,
) -> Result<Json<Dataset>> {
    let grant: DatasetGrant<Own> = app.access.authorize(&visitor.actor, &visitor.path).await?;
    app.datasets.set_visibility(&grant, visibility(&asked.visibility)?).await?;
    let grant = app.access.authorize::<Read>(&visitor.actor, &visitor.path).await?;
    let note = app.datasets.note(&grant, None).await?;
    Ok(Json(dataset(&app, &grant, note).await?))
}

/// Deletes a dataset and its history.
#[utoipa::path(delete, path = "/api/v1/datasets/{owner}/{dataset}", tag = "datasets",
    responses((status = 204, description = "The dataset was deleted.")))]
async fn delete(State(app): State<App>, grant: DatasetGrant<Own>) -> Result<StatusCode> {
    app.datasets.delete(&grant).await?;
    Ok(StatusCode::NO_CONTENT)
}

pub(super) async fn dataset(app: &App, grant: &DatasetGrant<Read>, note: CommitNote) -> Result<Dataset> {
    let row = grant.dataset();
    let CommitNote { versioned, problem } = note;
    let held = app.storage.held_by(grant).await?;
    let state = app.datasets.state(grant).await?;
    let stars = app.datasets.stars(grant).await?;
    let card = match &versioned.revision {
        Some(revision) => app.datasets.card(grant, revision.id).await?,
        None => Arc::default(),
    };
    let readme = (!card.is_empty()).then(|| ReadmeCard {
        title: card.title.clone(),
        licenses: card.licenses.clone(),
        keywords: card.keywords.clone(),
    });
    Ok(Dataset {
        id: grant.full_name(),
        owner: row.owner_name.clone(),
        name: row.name.clone(),
        visibility: row.visibility,
        default_branch: state.head.short().to_owned(),
        store: row.store.clone(),
        made: row.created_at.rfc3339(),
        rights: grant.rights().into(),
        stars: stars.count,
        starred: stars.is_own,
        open_discussions: app.discussions.count_open(grant).await?,
        bytes: held.bytes,
        objects: held.objects,
        quota_bytes: held.quota_bytes,
        revision: versioned.revision.as_ref().map(Into::into),
        package: versioned.package,
        readme,
        package_error: problem,
    })
}
