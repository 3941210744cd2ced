//! `/api/v1/datasets`: what a dataset is, and what its package says.

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::Response;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::openapi::schema::{AnyOfBuilder, Object, ObjectBuilder, Schema, Type};
use utoipa::openapi::{Ref, RefOr};
use utoipa::{IntoParams, PartialSchema, ToSchema};
use utoipa_axum::routes;

use super::super::Routes;
use super::super::extract::Caller;
use super::{Body, Parameters, Revision, Somebody, created, segment};
use crate::access::{Grant, Own, Read, Write};
use crate::app::App;
use crate::config::DEFAULT_STORE;
use crate::drive::package::{PackageChange, Versioned};
use crate::drive::revisions::Wording;
use crate::error::{Error, Kind, Result};
use crate::types::{RepoPath, Visibility};

pub(super) fn routes(routes: Routes) -> Routes {
    routes.document(routes!(create)).document(routes!(show, replace, patch, delete))
}

/// A dataset at a revision.
#[derive(Serialize, ToSchema)]
pub(super) struct Dataset {
    /// `owner/name`.
    id: String,
    /// A user or an organisation.
    owner: String,
    /// Its own name.
    name: String,
    /// `private`, `internal` or `public`.
    visibility: String,
    /// What `HEAD` means.
    default_branch: String,
    /// The store that keeps its objects.
    store: String,
    #[serde(flatten)]
    #[schema(value_type = Shown)]
    revision: Option<Revision>,
    /// What `datapackage.json` says (Frictionless Data Package); null if there is none.
    #[schema(value_type = Option<Object>)]
    package: Option<Map<String, Value>>,
}

/// How the revision that is shown stands among the fields of its dataset: not at all where there is none.
struct Shown;

impl PartialSchema for Shown {
    fn schema() -> RefOr<Schema> {
        let none = ObjectBuilder::new().property("revision", Object::with_type(Type::Null));
        Schema::AnyOf(AnyOfBuilder::new().item(Ref::from_schema_name("Revision")).item(none).build()).into()
    }
}

impl ToSchema for Shown {
    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        schemas.push((Revision::name().into(), Revision::schema()));
        Revision::schemas(schemas);
    }
}

/// A new dataset.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewDataset {
    /// `owner/name`.
    #[schema(example = "ada/birds")]
    id: String,
    /// What `datapackage.json` is to say; an empty dataset is made without.
    #[schema(value_type = Option<Object>)]
    package: Option<Map<String, Value>>,
    /// Who made it, if not the caller.
    author: Option<Somebody>,
    /// Why.
    message: Option<String>,
    /// Who sees it besides those who may write; `private` unless said.
    #[schema(value_type = Option<String>, pattern = "^(private|internal|public)$")]
    visibility: Option<String>,
    /// The store for its objects, for good.
    store: Option<String>,
}

/// A change of the package.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct PackageUpdate {
    /// The whole of it for PUT; the fields to put in place for PATCH.
    #[schema(value_type = Object)]
    package: Map<String, Value>,
    /// Who made the change, if not the caller.
    author: Option<Somebody>,
    /// Why.
    message: Option<String>,
    /// The revision that the change was made for: if it is not the newest, nothing is changed (412).
    base_revision: Option<String>,
}

#[derive(Deserialize, IntoParams)]
struct At {
    /// Which revision; the newest of the default branch unless said.
    revision: Option<String>,
}

/// Makes a dataset.
#[utoipa::path(post, path = "/api/v1/datasets", tag = "datasets", request_body = NewDataset,
    responses((status = 201, description = "The dataset.", body = Dataset)))]
async fn create(State(app): State<App>, caller: Caller, Body(new): Body<NewDataset>) -> Result<Response> {
    let path: RepoPath = new.id.parse()?;
    let visibility = match new.visibility.as_deref() {
        None => Visibility::Private,
        Some(text) => text
            .parse()
            .map_err(|_| Error::invalid(format!("`visibility` is private, internal or public, and not {text:?}")))?,
    };
    let store = new.store.as_deref().unwrap_or(DEFAULT_STORE);
    app.storage.expect_store(store)?;
    let author = new.author.map(Into::into).unwrap_or_default();
    let wording = Wording { message: new.message, author, ..Wording::default() };
    let writer = async || app.access.authorize::<Write>(&caller.actor, &path).await;
    match (app.access.creation(&caller.actor, &path).await, new.package) {
        (Ok(creation), Some(package)) => {
            app.drive.create_with_package(&creation, visibility, store, package, wording, writer).await?;
        }
        (Ok(creation), None) => _ = app.drive.create(&creation, visibility, store).await?,
        // An upload may have made it, and nothing else: then this is its beginning.
        (Err(error), Some(package)) if error.kind() == Kind::Conflict => {
            app.drive.begin(&writer().await?, package, wording).await?;
        }
        (Err(error), _) => return Err(error),
    }
    let grant = app.access.authorize::<Read>(&caller.actor, &path).await?;
    let versioned = app.drive.package(&grant, None).await?;
    let location = format!("/api/v1/datasets/{}/{}", segment(path.owner.as_str()), segment(path.name.as_str()));
    Ok(created(&location, dataset(&app, &grant, versioned).await?))
}

/// Shows a dataset, at its newest revision or another one.
#[utoipa::path(get, path = "/api/v1/datasets/{owner}/{dataset}", tag = "datasets", params(At),
    responses((status = 200, description = "The dataset.", body = Dataset)))]
async fn show(State(app): State<App>, grant: Grant<Read>, Parameters(at): Parameters<At>) -> Result<Json<Dataset>> {
    let versioned = app.drive.package(&grant, at.revision.as_deref()).await?;
    Ok(Json(dataset(&app, &grant, versioned).await?))
}

/// Puts another package in the place of the dataset's.
#[utoipa::path(put, path = "/api/v1/datasets/{owner}/{dataset}", tag = "datasets", request_body = PackageUpdate,
    responses((status = 200, description = "The dataset at its new revision.", body = Dataset)))]
async fn replace(
    State(app): State<App>,
    grant: Grant<Write>,
    headers: HeaderMap,
    Body(update): Body<PackageUpdate>,
) -> Result<Json<Dataset>> {
    change(&app, &grant, &headers, PackageChange::Replace, update).await
}

/// Changes fields of the dataset's package, and leaves the others.
#[utoipa::path(patch, path = "/api/v1/datasets/{owner}/{dataset}", tag = "datasets", request_body = PackageUpdate,
    responses((status = 200, description = "The dataset at its new revision.", body = Dataset)))]
async fn patch(
    State(app): State<App>,
    grant: Grant<Write>,
    headers: HeaderMap,
    Body(update): Body<PackageUpdate>,
) -> Result<Json<Dataset>> {
    change(&app, &grant, &headers, PackageChange::Merge, update).await
}

async fn change(
    app: &App,
    grant: &Grant<Write>,
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
    let versioned = app.drive.change_package(grant, &change, base.as_deref(), &author, update.message).await?;
    Ok(Json(dataset(app, &grant.narrow(), versioned).await?))
}

/// The revision that `If-Match` names (RFC 9110 §13.1.1).
pub(super) fn if_match(headers: &HeaderMap) -> Result<Option<String>> {
    let Some(value) = headers.get(header::IF_MATCH) else { return Ok(None) };
    let text = value.to_str().unwrap_or_default().trim();
    let tag = text.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
    match tag {
        _ if text == "*" => Ok(None),
        Some(tag) => Ok(Some(tag.to_owned())),
        None => Err(Error::invalid("`If-Match` holds one revision, in quotes")),
    }
}

/// Removes a dataset, with its history.
#[utoipa::path(delete, path = "/api/v1/datasets/{owner}/{dataset}", tag = "datasets",
    responses((status = 204, description = "It is gone.")))]
async fn delete(State(app): State<App>, grant: Grant<Own>) -> Result<StatusCode> {
    app.drive.delete(&grant).await?;
    Ok(StatusCode::NO_CONTENT)
}

pub(super) async fn dataset(app: &App, grant: &Grant<Read>, versioned: Versioned) -> Result<Dataset> {
    let row = grant.dataset();
    let state = app.drive.state(grant).await?;
    Ok(Dataset {
        id: grant.path(),
        owner: row.owner_name.clone(),
        name: row.name.clone(),
        visibility: row.visibility.to_string(),
        default_branch: state.head.short().to_owned(),
        store: row.store.clone(),
        revision: versioned.revision.as_ref().map(Into::into),
        package: versioned.package,
    })
}
