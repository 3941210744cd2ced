//! CKAN resources. A resource is part of its dataset's package, so each change to one creates a revision.

use axum::extract::State;
use axum::http::Method;
use serde_json::{Value, json};

use super::action::{ActionRequest, Answer, Failure, done};
use super::packages::{described, expect_upload};
use crate::access::{DatasetGrant, Fetch, Read, Write};
use crate::app::App;
use crate::datasets::ckan::{self, ResourceChange, View, resource_ids};
use crate::datasets::is_empty;
use crate::datasets::package::{Package, Versioned};
use crate::datasets::revisions::Author;
use crate::error::{Error, Kind, Result};
use crate::types::RepoPath;
use crate::web::http::{AuthedActor, BaseUrl, Routes};

pub(super) fn routes(routes: Routes) -> Routes {
    routes
        .add(Method::GET, "/api/3/action/resource_show", show)
        .add(Method::POST, "/api/3/action/resource_show", show)
        .add(Method::POST, "/api/3/action/resource_create", create)
        .add(Method::POST, "/api/3/action/resource_update", update)
        .add(Method::POST, "/api/3/action/resource_delete", delete)
        .add(Method::GET, "/api/3/action/get_resource_download_spec", download_spec)
        .add(Method::POST, "/api/3/action/get_resource_download_spec", download_spec)
}

/// A resource that the caller can see, with its position.
struct Found {
    grant: DatasetGrant<Read>,
    versioned: Versioned,
    place: usize,
}

/// Finds a resource by its id. One that the caller cannot see is answered as not found.
async fn find(app: &App, caller: &AuthedActor, id: &str, revision: Option<&str>) -> Result<Found> {
    for grant in app.access.holders_of_resource(&caller.actor, id).await? {
        let versioned = match app.datasets.package(&grant, revision).await {
            Ok(versioned) => versioned,
            Err(error) if matches!(error.kind(), Kind::NotFound | Kind::Invalid) => continue,
            Err(error) => return Err(error),
        };
        let ids = versioned.package.as_ref().map(|package| resource_ids(grant.id(), package)).unwrap_or_default();
        if let Some(place) = ids.iter().position(|known| known == id) {
            return Ok(Found { grant, versioned, place });
        }
    }
    Err(Error::not_found(format!("resource `{}` does not exist, or you do not have access to it", id.escape_debug())))
}

async fn show(State(app): State<App>, caller: AuthedActor, BaseUrl(base): BaseUrl, asked: ActionRequest) -> Answer {
    let revision = asked.optional("revision_ref")?;
    let Found { grant, versioned, place } = find(&app, &caller, asked.required("id")?, revision).await?;
    let record = ckan::record(grant.dataset(), &versioned, View { base: &base, revision })?;
    Ok(done("resource_show", record.get("resources").and_then(|list| list.get(place))))
}

async fn create(State(app): State<App>, caller: AuthedActor, BaseUrl(base): BaseUrl, asked: ActionRequest) -> Answer {
    let grant = asked.dataset::<Write>(&app, &caller, "package_id").await?;
    expect_upload(&asked.0).map_err(Failure::of("url_type"))?;
    let mut record = asked.0.clone();
    if asked.optional("id")?.is_none() {
        record.insert("id".to_owned(), app.datasets.fresh_id().to_string().into());
    }
    change(&app, &grant, ResourceChange::Create(record), "resource_create", &base).await
}

async fn update(State(app): State<App>, caller: AuthedActor, BaseUrl(base): BaseUrl, asked: ActionRequest) -> Answer {
    let id = asked.required("id")?;
    let grant = writer(&app, &caller, id).await?;
    expect_upload(&asked.0).map_err(Failure::of("url_type"))?;
    let change_of = ResourceChange::Update(id.to_owned(), asked.0.clone());
    change(&app, &grant, change_of, "resource_update", &base).await
}

async fn delete(State(app): State<App>, caller: AuthedActor, BaseUrl(base): BaseUrl, asked: ActionRequest) -> Answer {
    let id = asked.required("id")?;
    let grant = writer(&app, &caller, id).await?;
    change(&app, &grant, ResourceChange::Delete(id.to_owned()), "resource_delete", &base).await
}

/// Returns the write grant for a resource's dataset, which every change of the resource requires.
async fn writer(app: &App, caller: &AuthedActor, id: &str) -> Result<DatasetGrant<Write>> {
    let Found { grant, .. } = find(app, caller, id, None).await?;
    match grant.also() {
        Some(grant) => Ok(grant),
        None => app.access.authorize(&caller.actor, &grant.full_name().parse::<RepoPath>()?).await,
    }
}

async fn change(app: &App, grant: &DatasetGrant<Write>, change: ResourceChange, action: &str, base: &str) -> Answer {
    let row = grant.dataset();
    let (id, message) = match &change {
        ResourceChange::Create(record) => (record.get("id").and_then(Value::as_str), "Add a resource"),
        ResourceChange::Update(id, _) => (Some(id.as_str()), "Update a resource"),
        ResourceChange::Delete(_) => (None, "Remove a resource"),
    };
    let new = |before: Option<&Package>| {
        ckan::change_resource(row.id, &row.name, before, &change, || app.datasets.fresh_id())
            .map(|(package, _)| package)
    };
    let message = Some(message.to_owned());
    let versioned = app.datasets.rewrite_package(grant, new, None, &Author::default(), message).await?;
    let record = described(app, &grant.narrow(), &versioned, View { base, revision: None }).await?;
    let resources = record.get("resources").and_then(Value::as_array).into_iter().flatten();
    let resource = resources.into_iter().find(|resource| id.is_some() && resource["id"].as_str() == id);
    Ok(done(action, resource))
}

async fn download_spec(
    State(app): State<App>,
    caller: AuthedActor,
    BaseUrl(base): BaseUrl,
    asked: ActionRequest,
) -> Answer {
    let revision = asked.optional("revision_ref")?;
    let inline = asked.switch("inline")?.unwrap_or_default();
    let Found { grant, versioned, place } = find(&app, &caller, asked.required("id")?, revision).await?;
    let Some(grant) = grant.also::<Fetch>() else {
        return Err(Error::forbidden("you can view this resource, but not download it").into());
    };
    let href = link(&app, &grant, &versioned, place, inline, &base).await?;
    // The answer of ckanext-blob-storage for resources that it does not store.
    let spec = href.map_or_else(|| json!({}), |href| json!({ "href": href, "expires_in": app.config.ttl.action }));
    Ok(done("get_resource_download_spec", spec))
}

/// Returns a signed URL for a resource in Git LFS.
pub(super) async fn link(
    app: &App,
    grant: &DatasetGrant<Fetch>,
    versioned: &Versioned,
    place: usize,
    inline: bool,
    base: &str,
) -> Result<Option<String>> {
    let Some(path) = path(versioned, place) else { return Ok(None) };
    let (Ok(path), Some(revision)) = (path.parse::<metastore::FilePath>(), &versioned.revision) else {
        return Ok(None);
    };
    let located = match app.datasets.locate(&grant.narrow().at(path.clone()), Some(&revision.id.to_string())).await {
        Ok(located) => located,
        Err(error) if error.kind() == Kind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    match located.entry.pointer.as_ref().filter(|pointer| !is_empty(pointer)) {
        Some(pointer) => app.storage.download_url(grant, pointer.oid, path.name(), inline, base).await.map(Some),
        None => Ok(None),
    }
}

/// Returns the path of a resource in the dataset, or its URL.
pub(super) fn path(versioned: &Versioned, place: usize) -> Option<&str> {
    versioned.package.as_ref()?.get("resources")?.get(place)?.get("path")?.as_str()
}
