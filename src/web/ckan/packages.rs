//! CKAN packages: datasets in CKAN's format.

use axum::extract::State;
use axum::http::Method;
use serde_json::Value;

use super::action::{ActionRequest, Answer, Failure, done};
use crate::access::{DatasetGrant, Own, Read, Write};
use crate::app::App;
use crate::config::DEFAULT_STORE;
use crate::datasets::ckan::{self, Record, View};
use crate::datasets::package::Versioned;
use crate::datasets::revisions::{Author, CommitMeta};
use crate::error::{Error, Kind};
use crate::types::{OwnerName, RepoPath, Slug, Visibility};
use crate::web::http::{AuthedActor, BaseUrl, Routes};

pub(super) fn routes(routes: Routes) -> Routes {
    routes
        .add(Method::GET, "/api/3/action/package_show", show)
        .add(Method::POST, "/api/3/action/package_show", show)
        .add(Method::POST, "/api/3/action/package_create", create)
        .add(Method::POST, "/api/3/action/package_update", update)
        .add(Method::POST, "/api/3/action/dataset_revert", revert)
}

async fn show(State(app): State<App>, caller: AuthedActor, BaseUrl(base): BaseUrl, asked: ActionRequest) -> Answer {
    // ckan-client-js uses another field name.
    let field = if asked.0.contains_key("id") { "id" } else { "name_or_id" };
    let field = if asked.0.contains_key(field) { field } else { "id" };
    let grant = asked.dataset::<Read>(&app, &caller, field).await?;
    let revision = asked.optional("revision_ref")?;
    let versioned = app.datasets.package(&grant, revision).await.map_err(Failure::of("revision_ref"))?;
    if revision.is_some() && versioned.package.is_none() {
        return Err(Error::not_found("this revision has no datapackage.json").into());
    }
    Ok(done("package_show", described(&app, &grant, &versioned, View { base: &base, revision }).await?))
}

/// Returns the record of a dataset and indexes the ids of its resources.
pub(super) async fn described(
    app: &App,
    grant: &DatasetGrant<Read>,
    versioned: &Versioned,
    view: View<'_>,
) -> Result<Record, Error> {
    let record = ckan::record(grant.dataset(), versioned, view)?;
    if let Some(package) = &versioned.package
        && let Err(error) = app.datasets.note_resources(grant, package).await
    {
        // They are indexed when the dataset is next shown.
        tracing::warn!(%error, "failed to index resource ids");
    }
    Ok(record)
}

async fn create(State(app): State<App>, caller: AuthedActor, BaseUrl(base): BaseUrl, asked: ActionRequest) -> Answer {
    let name: Slug = asked.required("name")?.parse().map_err(Failure::of("name"))?;
    let owner: OwnerName = match asked.optional("owner_org")? {
        Some(text) => app.access.owner_named(text).await.map_err(Failure::of("owner_org"))?,
        None if caller.actor.user().is_some() => caller.actor.name().parse()?,
        None => return Err(Error::unauthenticated("sign in to create a dataset, or give its `owner_org`").into()),
    };
    let path = RepoPath { owner, name };
    let visibility = match asked.switch("private")? {
        Some(false) => Visibility::Public,
        Some(true) | None => Visibility::Private,
    };
    expect_uploads(&asked.0).map_err(Failure::of("resources"))?;
    let fresh = || app.datasets.fresh_id();
    let package = ckan::package(fresh(), path.name.as_str(), asked.0.clone(), None, fresh)?;
    let writer = async || app.access.authorize::<Write>(&caller.actor, &path).await;
    match app.access.creation(&caller.actor, &path).await {
        Ok(creation) => {
            let (store, wording) = (DEFAULT_STORE, CommitMeta::default());
            app.datasets.create_with_package(&creation, visibility, store, package, wording, writer).await?;
        }
        // A push may have created it empty before; then this request adds the first revision.
        Err(error) if error.kind() == Kind::Conflict => {
            let grant = writer().await?;
            let own = widened(&grant, (visibility == Visibility::Public).then_some(visibility))?;
            app.datasets.begin(&grant, package, CommitMeta::default()).await.map_err(Failure::of("name"))?;
            if let Some(own) = own {
                app.datasets.set_visibility(&own, visibility).await?;
            }
        }
        Err(error) if error.kind() == Kind::NotFound => return Err(Error::forbidden(error.detail()).into()),
        Err(error) => return Err(error.into()),
    }
    shown(&app, &caller, &path, "package_create", &base).await
}

async fn update(State(app): State<App>, caller: AuthedActor, BaseUrl(base): BaseUrl, asked: ActionRequest) -> Answer {
    let field = if asked.0.contains_key("id") { "id" } else { "name" };
    let grant = asked.dataset::<Write>(&app, &caller, field).await?;
    let row = grant.dataset();
    if let Some(name) = asked.optional("name")?
        && !name.eq_ignore_ascii_case(&row.name)
        && name != grant.full_name()
    {
        return Err(Failure::of("name")(Error::invalid("datasets cannot be renamed through the CKAN API")));
    }
    if let Some(owner) = asked.optional("owner_org")?
        && app.access.owner_named(owner).await.map_err(Failure::of("owner_org"))?.as_str() != row.owner_name
    {
        return Err(Failure::of("owner_org")(Error::invalid(
            "the owner of a dataset cannot be changed through the CKAN API",
        )));
    }
    let visibility = match asked.switch("private")? {
        Some(true) if row.visibility == Visibility::Public => Some(Visibility::Private),
        Some(false) if row.visibility != Visibility::Public => Some(Visibility::Public),
        _ => None,
    };
    let own = widened(&grant, visibility)?;
    expect_uploads(&asked.0).map_err(Failure::of("resources"))?;
    let base_revision = asked.optional("base_revision_ref")?;
    let mut record = asked.0.clone();
    record.remove("base_revision_ref");
    let new = |before: Option<&ckan::Record>| {
        ckan::package(grant.id(), &row.name, record.clone(), before, || app.datasets.fresh_id())
    };
    app.datasets.rewrite_package(&grant, new, base_revision, &Author::default(), None).await?;
    if let (Some(own), Some(visibility)) = (own, visibility) {
        app.datasets.set_visibility(&own, visibility).await?;
    }
    shown(&app, &caller, &grant.full_name().parse()?, "package_update", &base).await
}

/// Returns the owner grant that a change of visibility requires.
fn widened(grant: &DatasetGrant<Write>, visibility: Option<Visibility>) -> Result<Option<DatasetGrant<Own>>, Error> {
    let Some(_) = visibility else { return Ok(None) };
    let own = grant.also::<Own>().ok_or_else(|| Error::forbidden("only owners of a dataset can change `private`"))?;
    Ok(Some(own))
}

async fn revert(State(app): State<App>, caller: AuthedActor, BaseUrl(base): BaseUrl, asked: ActionRequest) -> Answer {
    let grant = asked.dataset::<Write>(&app, &caller, "dataset").await?;
    let revision = asked.required("revision_ref")?;
    let then = app.datasets.package(&grant.narrow(), Some(revision)).await?;
    let package = then.package.ok_or_else(|| Error::not_found("this revision has no datapackage.json"))?;
    let message = Some(format!("Revert to {revision}"));
    app.datasets.rewrite_package(&grant, |_| Ok(package.clone()), None, &Author::default(), message).await?;
    shown(&app, &caller, &grant.full_name().parse()?, "dataset_revert", &base).await
}

/// Responds with the current state of a dataset.
async fn shown(app: &App, caller: &AuthedActor, path: &RepoPath, action: &str, base: &str) -> Answer {
    let grant = app.access.authorize::<Read>(&caller.actor, path).await?;
    let versioned = app.datasets.package(&grant, None).await?;
    Ok(done(action, described(app, &grant, &versioned, View { base, revision: None }).await?))
}

fn expect_uploads(record: &Record) -> Result<(), Error> {
    let resources = record.get("resources").and_then(Value::as_array).into_iter().flatten();
    resources.filter_map(Value::as_object).try_for_each(expect_upload)
}

/// Checks the fields that an uploaded file requires (ckanext-blob-storage, "Required resource fields").
pub(super) fn expect_upload(resource: &Record) -> Result<(), Error> {
    if resource.get("url_type").and_then(Value::as_str) != Some("upload") {
        return Ok(());
    }
    for field in ["sha256", "size"] {
        if resource.get(field).is_none_or(|value| value.is_null() || value.as_str() == Some("")) {
            return Err(Error::invalid(format!("Resource's {field} field cannot be missing for uploads.")));
        }
    }
    Ok(())
}
