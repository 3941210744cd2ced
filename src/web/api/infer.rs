//! `…/infer`: what the columns of a table are.

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;
use utoipa_axum::routes;

use super::super::Routes;
use super::Body;
use super::shapes;
use super::tree::file_path;
use crate::access::{Fetch, Grant};
use crate::app::App;
use crate::error::Result;
use crate::hosting::TableFormat;

pub(super) fn routes(routes: Routes) -> Routes {
    routes.document(routes!(infer))
}

/// A table.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Table {
    /// Where the file is.
    #[schema(value_type = shapes::FilePath)]
    path: String,
    /// A branch, a tag or an id, each with `~n`, `^n`; the newest revision of the default branch unless said.
    revision: Option<String>,
    /// `csv`, `tsv`, `jsonl`, `ndjson` or `parquet`, where the name of the file does not say it.
    #[schema(value_type = Option<String>, pattern = "^(csv|tsv|tab|jsonl|ndjson|jsonlines|parquet)$")]
    format: Option<String>,
}

/// What was found out about a table, in the words of a resource of a Data Package.
#[derive(Serialize, ToSchema)]
struct InferredTable {
    /// `csv`, `jsonl` or `parquet`.
    format: String,
    /// A Table Schema.
    #[schema(value_type = Object)]
    schema: Map<String, Value>,
    /// A Table Dialect, for delimited text.
    #[schema(value_type = Option<Object>)]
    #[serde(skip_serializing_if = "Option::is_none")]
    dialect: Option<Map<String, Value>>,
    /// `utf-8`, `utf-16` or `iso-8859-1`, for text.
    #[serde(skip_serializing_if = "Option::is_none")]
    encoding: Option<String>,
    /// How many rows were looked at; of Parquet, how many there are.
    rows: u64,
    /// Whether those were all rows: a value further down may still be another.
    is_complete: bool,
}

/// Tells the columns of a table from its first rows, or from the footer of Parquet. Nothing is changed.
#[utoipa::path(post, path = "/api/v1/datasets/{owner}/{dataset}/infer", tag = "files", request_body = Table,
    responses((status = 200, description = "What was found out.", body = InferredTable)))]
async fn infer(State(app): State<App>, grant: Grant<Fetch>, Body(table): Body<Table>) -> Result<Json<InferredTable>> {
    let path = file_path(&table.path)?;
    let format: Option<TableFormat> = table.format.as_deref().map(str::parse).transpose()?;
    let revision = table.revision.as_deref().unwrap_or("HEAD");
    let (format, found) = app.hosting.infer(&grant, revision, &path, format).await?;
    Ok(Json(InferredTable {
        format: format.as_str().to_owned(),
        schema: found.schema,
        dialect: found.dialect,
        encoding: found.encoding.map(str::to_owned),
        rows: found.rows,
        is_complete: found.is_complete,
    }))
}
