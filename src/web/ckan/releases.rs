//! Releases as in ckanext-versioning, stored as git tags.

use axum::extract::State;
use axum::http::Method;
use serde_json::{Value, json};

use super::action::{ActionRequest, Answer, Failure, done};
use super::changes::{Style, difference};
use crate::access::{DatasetGrant, Read, Write};
use crate::app::App;
use crate::datasets::ckan::{self, Record, View, moment};
use crate::datasets::refs::{NewTag, Tag, TagChange};
use crate::datasets::revisions::Author;
use crate::error::{Error, Kind};
use crate::types::Millis;
use crate::web::http::{AuthedActor, BaseUrl, Routes};

pub(super) fn routes(routes: Routes) -> Routes {
    routes
        .add(Method::POST, "/api/3/action/dataset_release_create", create)
        .add(Method::POST, "/api/3/action/dataset_release_update", update)
        .add(Method::GET, "/api/3/action/dataset_release_list", list)
        .add(Method::POST, "/api/3/action/dataset_release_list", list)
        .add(Method::GET, "/api/3/action/dataset_release_show", show)
        .add(Method::POST, "/api/3/action/dataset_release_show", show)
        .add(Method::POST, "/api/3/action/dataset_release_delete", delete)
        .add(Method::GET, "/api/3/action/dataset_release_diff", diff)
        .add(Method::POST, "/api/3/action/dataset_release_diff", diff)
}

fn release(package: &str, tag: &Tag) -> Value {
    json!({
        "package_id": package,
        "name": tag.name,
        "created": moment(Millis(tag.tagger.seconds.saturating_mul(1000))),
        "revision_ref": tag.revision.id.to_string(),
        "author": tag.tagger.name,
        "author_email": tag.tagger.email,
        "description": tag.description,
    })
}

async fn create(State(app): State<App>, caller: AuthedActor, asked: ActionRequest) -> Answer {
    let grant = asked.dataset::<Write>(&app, &caller, "dataset").await?;
    let name = asked.required("name")?.to_owned();
    let description = asked.optional("description")?.map(str::to_owned);
    let tag = NewTag { name, revision: None, description, author: Author::default() };
    let tag = app.datasets.create_tag(&grant, tag).await.map_err(Failure::of("name"))?;
    Ok(done("dataset_release_create", release(&grant.full_name(), &tag)))
}

async fn update(State(app): State<App>, caller: AuthedActor, asked: ActionRequest) -> Answer {
    let grant = asked.dataset::<Write>(&app, &caller, "dataset").await?;
    let old = asked.required("release")?;
    let name = asked.optional("name")?.map(str::to_owned);
    let description = asked.optional("description")?.map(str::to_owned);
    let change = TagChange { name, description, author: Some(Author::default()) };
    let tag = app.datasets.update_tag(&grant, old, change).await.map_err(Failure::of("name"))?;
    Ok(done("dataset_release_update", release(&grant.full_name(), &tag)))
}

async fn list(State(app): State<App>, caller: AuthedActor, asked: ActionRequest) -> Answer {
    let grant = asked.dataset::<Read>(&app, &caller, "dataset").await?;
    let tags = app.datasets.tags(&grant).await?;
    let path = grant.full_name();
    Ok(done("dataset_release_list", tags.iter().map(|tag| release(&path, tag)).collect::<Vec<_>>()))
}

async fn show(State(app): State<App>, caller: AuthedActor, asked: ActionRequest) -> Answer {
    let grant = asked.dataset::<Read>(&app, &caller, "dataset").await?;
    let tag = app.datasets.tag(&grant, asked.required("release")?).await.map_err(unnamed)?;
    Ok(done("dataset_release_show", release(&grant.full_name(), &tag)))
}

async fn delete(State(app): State<App>, caller: AuthedActor, asked: ActionRequest) -> Answer {
    let grant = asked.dataset::<Write>(&app, &caller, "dataset").await?;
    app.datasets.delete_tag(&grant, asked.required("release")?).await.map_err(unnamed)?;
    Ok(done("dataset_release_delete", Value::Null))
}

/// Converts the error for an invalid name to not found.
fn unnamed(error: Error) -> Error {
    if error.kind() == Kind::Invalid { Error::not_found(error.detail()) } else { error }
}

async fn diff(State(app): State<App>, caller: AuthedActor, BaseUrl(base): BaseUrl, asked: ActionRequest) -> Answer {
    let grant = asked.dataset::<Read>(&app, &caller, "id").await?;
    let names = [asked.required("revision_ref_1")?, asked.required("revision_ref_2")?];
    let style: Style = asked.optional("diff_type")?.unwrap_or("unified").parse().map_err(Failure::of("diff_type"))?;
    let mut records = Vec::new();
    for name in names {
        records.push(at(&app, &grant, name, &base).await?);
    }
    let texts: Vec<String> = records.iter().map(text).collect();
    let [(one, other), ..] = [(texts[0].clone(), texts[1].clone())];
    let diff = crate::blocking(move || difference(&one, &other, style)).await?;
    let result = json!({ "diff": diff, "dataset_dict_1": records[0], "dataset_dict_2": records[1] });
    Ok(done("dataset_release_diff", result))
}

/// Returns the record of a revision without the fields that differ between any two revisions.
async fn at(app: &App, grant: &DatasetGrant<Read>, name: &str, base: &str) -> Result<Record, Error> {
    let revision = Some(name).filter(|name| *name != "current");
    let versioned = app.datasets.package(grant, revision).await?;
    let mut record = ckan::record(grant.dataset(), &versioned, View { base, revision: None })?;
    record.remove("revision_id");
    record.remove("metadata_modified");
    Ok(record)
}

/// Formats JSON with two spaces of indentation and sorted keys.
fn text(record: &Record) -> String {
    let mut record = Value::Object(record.clone());
    record.sort_all_objects();
    let mut text = serde_json::to_string_pretty(&record).unwrap_or_default();
    text.push('\n');
    text
}
