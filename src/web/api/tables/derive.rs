//! What the server adds to datasets by reading tables: descriptions (`…/describe`), and files in Parquet (`…/convert`,
//! `…/derivations`).

use axum::Json;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use super::super::common::{Body, CommitAuthor, Items, Page, PageUrl};
use super::super::revisions::wording;
use super::super::shapes;
use super::super::tree::file_path;
use super::charge;
use crate::access::{DatasetGrant, Fetch, Read, TableGrant, Write};
use crate::app::App;
use crate::datasets::refs::branch_name;
use crate::error::{Error, Result};
use crate::tables::{
    ConvertRequest, DerivationRow, DescribeReport, DescribeRequest, DescribedConflict, DescribedProperty,
};
use crate::types::DerivationState;
use crate::web::http::{DatasetRequest, Parameters, Routes, Segments, routes};

/// Seconds after which a client may ask again how far a derivation is.
const RETRY_AFTER: u64 = 1;

/// The cost of a conversion in points of the rate limits.
const COST: u64 = 50;

/// Maximum length of the name of a table, in bytes.
const MAX_NAME: usize = 4096;

const CONVERT: &str = "/api/v1/datasets/{owner}/{dataset}/convert";

pub(super) fn routes(routes: Routes) -> Routes {
    let routes = routes.document(routes!(describe)).document(routes!(convert));
    let routes = routes.document(routes!(list)).document(routes!(show));
    routes.change(CONVERT, |route| route.cost = COST)
}

/// Tables to describe.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct DescribeTables {
    /// The tables, each by the name of a resource, the path of a file, or the path of a folder with a trailing `/`; at most
    /// 100. Default: all files that are tables and that no resource describes; of more than 100, the first ones.
    #[schema(max_items = 100)]
    tables: Option<Vec<String>>,
    /// The branch. Default: the default branch.
    #[schema(value_type = Option<shapes::BranchName>)]
    branch: Option<String>,
    /// The author of the new revision. Default: the caller.
    author: Option<CommitAuthor>,
    /// The commit message.
    message: Option<String>,
    /// The revision that the branch must be at; otherwise the request fails with 412.
    base_revision: Option<String>,
    /// True to return what would be added without adding it.
    #[serde(default)]
    dry_run: bool,
}

/// What was added to `datapackage.json`.
#[derive(Serialize, ToSchema)]
struct DescribedTables {
    /// True if nothing was changed, because a dry run was requested.
    dry_run: bool,
    /// The revision that was read; null for a dataset without revisions.
    from: Option<String>,
    /// The new revision; null for a dry run, and if there was nothing to add.
    revision: Option<String>,
    /// The properties that were missing.
    added: Vec<AddedProperty>,
    /// The properties that differ from what was inferred. They stay as they are.
    conflicts: Vec<PropertyConflict>,
    /// The tables that cannot be read.
    failed: Vec<FailedTable>,
    /// True if there are more tables to describe: repeat the request.
    more: bool,
}

/// A property that was added to a resource, or a new resource.
#[derive(Serialize, ToSchema)]
struct AddedProperty {
    /// The table, as it was requested or found.
    table: String,
    /// The name of the resource.
    resource: String,
    /// The place in the resource, as a JSON pointer (RFC 6901); empty for a new resource.
    property: String,
    /// The value that was added.
    #[schema(value_type = Value)]
    value: Value,
}

/// A property of a resource that differs from what was inferred.
#[derive(Serialize, ToSchema)]
struct PropertyConflict {
    /// The table, as it was requested or found.
    table: String,
    /// The name of the resource.
    resource: String,
    /// The place in the resource, as a JSON pointer (RFC 6901).
    property: String,
    /// What the resource says. For `/schema/fields`, the names of its fields.
    #[schema(value_type = Value)]
    existing: Value,
    /// What was inferred.
    #[schema(value_type = Value)]
    inferred: Value,
}

/// A table that cannot be read.
#[derive(Serialize, ToSchema)]
struct FailedTable {
    /// The table, as it was requested or found.
    table: String,
    /// Why it cannot be read.
    detail: String,
}

impl DescribedTables {
    fn new(dry_run: bool, report: DescribeReport) -> Self {
        let DescribeReport { from, revision, added, conflicts, failed, more } = report;
        let added = added.into_iter();
        let added = added.map(|DescribedProperty { table, resource, property, value }| AddedProperty {
            table,
            resource,
            property,
            value,
        });
        let conflicts = conflicts.into_iter().map(|conflict| {
            let DescribedConflict { table, resource, property, existing, found: inferred } = conflict;
            PropertyConflict { table, resource, property, existing, inferred }
        });
        Self {
            dry_run,
            from: from.map(|id| id.to_string()),
            revision: revision.map(|id| id.to_string()),
            added: added.collect(),
            conflicts: conflicts.collect(),
            failed: failed.into_iter().map(|(table, detail)| FailedTable { table, detail }).collect(),
            more,
        }
    }
}

/// A table to convert to Parquet.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ConvertTable {
    /// The table: the path of a file, the name of a resource, or the path of a folder with a trailing `/`.
    path: String,
    /// The path of the new file, which ends with `.parquet`. Default: the path of the table with that extension.
    #[schema(value_type = Option<shapes::FilePath>)]
    to: Option<String>,
    /// The branch to read from and to write to. Default: the default branch.
    #[schema(value_type = Option<shapes::BranchName>)]
    branch: Option<String>,
    /// True to replace the file if it exists already.
    #[serde(default)]
    overwrite: bool,
}

/// A file that the server computes from a table.
#[derive(Serialize, ToSchema)]
struct Derivation {
    /// The id.
    id: String,
    /// What is done: `convert`.
    kind: String,
    /// How far it is.
    state: DerivationState,
    /// The fraction of the work that is done, from 0 to 1.
    progress: f64,
    /// The table that is read.
    table: String,
    /// The revision that is read.
    revision: String,
    /// The branch that the file is added to.
    branch: String,
    /// The path of the file.
    path: String,
    /// The user with whose rights it is made.
    user: String,
    /// The number of rows, once it is done.
    rows: Option<i64>,
    /// The size of the file in bytes, once it is done.
    bytes: Option<i64>,
    /// Why it failed, or what went wrong so far while it is still tried. Only for callers who may download the table.
    error: Option<String>,
    /// The revision with the file, once it is done.
    result: Option<String>,
    /// When it was requested (RFC 3339).
    #[schema(format = DateTime)]
    created: String,
    /// When it was done or failed (RFC 3339).
    #[schema(format = DateTime)]
    finished: Option<String>,
}

impl Derivation {
    fn new(row: DerivationRow, shows_error: bool) -> Self {
        #[expect(clippy::cast_precision_loss, reason = "it is at most 1000")]
        let progress = row.progress as f64 / 1000.0;
        Self {
            id: row.id.to_string(),
            kind: row.kind,
            state: row.state,
            progress,
            table: row.source,
            revision: row.revision,
            branch: row.branch,
            path: row.target,
            user: row.user_name,
            rows: row.rows,
            bytes: row.bytes,
            error: Some(row.error).filter(|error| shows_error && !error.is_empty()),
            result: row.result,
            created: row.created_at.rfc3339(),
            finished: row.finished_at.map(crate::types::Millis::rfc3339),
        }
    }
}

/// Adds what can be inferred from tables to `datapackage.json`, as one revision.
///
/// `schema`, `dialect`, `encoding`, `format`, `bytes` and `hash` are added to the resources of the tables as far as they are
/// missing, also single properties of a schema, of its fields and of a dialect. Tables without a resource get one, and a
/// dataset without `datapackage.json` gets that. Nothing that is there is changed: what differs is listed as a conflict.
/// Tables that cannot be read are listed, too, and the others are described.
#[utoipa::path(post, path = "/api/v1/datasets/{owner}/{dataset}/describe", tag = "tables", request_body = DescribeTables,
    responses((status = 200, description = "What was added; with `dry_run`, what would be added.", body = DescribedTables)))]
async fn describe(
    State(app): State<App>,
    visitor: DatasetRequest,
    Body(asked): Body<DescribeTables>,
) -> Result<Json<DescribedTables>> {
    let (write, table) = both(&app, &visitor).await?;
    let DescribeTables { tables, branch, author, message, base_revision, dry_run } = asked;
    tables.iter().flatten().try_for_each(|name| check_name(name))?;
    let wording = wording(&app, &write, branch, base_revision, author, message).await?;
    let request = DescribeRequest { tables, dry_run };
    let report = app.tables.describe(&write, &table, request, wording, charge(visitor)).await?;
    Ok(Json(DescribedTables::new(dry_run, report)))
}

/// Converts a table to Parquet, in the background.
///
/// The file is added to the branch together with a resource that names the table as its source. It is made with the rights
/// that the caller has at that time. If the same conversion is under way, or its file is still there, that one is returned;
/// status 200 means that it is done. A conversion fails if the table is changed on the branch meanwhile.
#[utoipa::path(post, path = "/api/v1/datasets/{owner}/{dataset}/convert", tag = "tables", request_body = ConvertTable,
    responses((status = 200, description = "The file is there.", body = Derivation),
        (status = 202, description = "The conversion was begun, or is under way.", body = Derivation)))]
async fn convert(State(app): State<App>, visitor: DatasetRequest, Body(asked): Body<ConvertTable>) -> Result<Response> {
    let (write, table) = both(&app, &visitor).await?;
    let ConvertTable { path, to, branch, overwrite } = asked;
    check_name(&path)?;
    let to = to.as_deref().map(|to| file_path(to).map_err(|error| error.of_part("`to`"))).transpose()?;
    let branch = branch.as_deref().map(branch_name).transpose()?;
    let request = ConvertRequest { table: path, to, branch, overwrite };
    let row = app.conversions.request(&write, &table, request).await?;
    Ok(respond(row, true))
}

/// Returns a derivation: how far it is, or its result.
#[utoipa::path(get, path = "/api/v1/datasets/{owner}/{dataset}/derivations/{derivation}", tag = "tables",
    operation_id = "derivation", params(("derivation" = String, Path, description = "The id of the derivation.")),
    responses((status = 200, description = "The derivation.", body = Derivation)))]
async fn show(State(app): State<App>, grant: DatasetGrant<Read>, segments: Segments) -> Result<Response> {
    let id = segments.get("derivation").parse().map_err(|_: Error| Error::not_found("there is no such derivation"))?;
    let row = app.conversions.derivation(&grant, id).await?;
    let mut response = respond(row, grant.also::<Fetch>().is_some());
    *response.status_mut() = StatusCode::OK;
    Ok(response)
}

/// Lists the derivations of a dataset, newest first. Finished ones are forgotten after 30 days.
#[utoipa::path(get, path = "/api/v1/datasets/{owner}/{dataset}/derivations", tag = "tables", operation_id = "derivations",
    params(Page), responses((status = 200, description = "The derivations.", body = Items<Derivation>)))]
async fn list(
    State(app): State<App>,
    grant: DatasetGrant<Read>,
    Parameters(page): Parameters<Page>,
    here: PageUrl,
) -> Result<Response> {
    let (rows, next) = app.conversions.derivations(&grant, page.cursor(), page.limit()?).await?;
    let shows_errors = grant.also::<Fetch>().is_some();
    let items: Vec<Derivation> = rows.into_iter().map(|row| Derivation::new(row, shows_errors)).collect();
    Ok(here.page(items, next))
}

async fn both(app: &App, visitor: &DatasetRequest) -> Result<(DatasetGrant<Write>, TableGrant)> {
    let write = app.access.authorize(&visitor.actor, &visitor.path).await?;
    Ok((write, app.access.authorize_table(&visitor.actor, &visitor.path).await?))
}

fn check_name(name: &str) -> Result<()> {
    if name.is_empty() || name.len() > MAX_NAME {
        return Err(Error::invalid(format!("the name of a table must have 1 to {MAX_NAME} bytes")));
    }
    Ok(())
}

/// Sends a derivation; while it is not finished, with the time after which to ask again.
fn respond(row: DerivationRow, shows_error: bool) -> Response {
    let is_finished = row.finished_at.is_some();
    let body = Json(Derivation::new(row, shows_error));
    if is_finished {
        return body.into_response();
    }
    (StatusCode::ACCEPTED, [(header::RETRY_AFTER, RETRY_AFTER)], body).into_response()
}
