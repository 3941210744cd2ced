//! Schema inference for tables (`…/infer`).

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;
use utoipa_axum::routes;

use super::common::Body;
use super::shapes;
use super::tree::file_path;
use crate::access::{DatasetGrant, Fetch};
use crate::app::App;
use crate::error::Result;
use crate::files::TableFormat;
use crate::web::http::Routes;

pub(super) fn routes(routes: Routes) -> Routes {
    routes.document(routes!(infer))
}

/// The table to inspect.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Table {
    /// The path of the file.
    #[schema(value_type = shapes::FilePath)]
    path: String,
    /// A branch, a tag or a commit id, optionally with `~n` or `^n`. Default: the newest revision of the default
    /// branch.
    revision: Option<String>,
    /// The format: `csv`, `tsv`, `jsonl`, `ndjson` or `parquet`. Default: derived from the file name.
    #[schema(value_type = Option<String>, pattern = "^(csv|tsv|tab|jsonl|ndjson|jsonlines|parquet)$")]
    format: Option<String>,
}

/// The inferred description of a table, as properties of a Data Package resource.
#[derive(Serialize, ToSchema)]
struct InferredTable {
    /// The format: `csv`, `jsonl` or `parquet`.
    format: String,
    /// The columns, as a Table Schema.
    #[schema(value_type = Object)]
    schema: Map<String, Value>,
    /// The Table Dialect; only for delimited text.
    #[schema(value_type = Option<Object>)]
    #[serde(skip_serializing_if = "Option::is_none")]
    dialect: Option<Map<String, Value>>,
    /// The encoding: `utf-8`, `utf-16`, `iso-8859-1` or `windows-1252`; only for text.
    #[serde(skip_serializing_if = "Option::is_none")]
    encoding: Option<String>,
    /// The number of rows inspected; for Parquet, the number of rows in the file.
    rows: u64,
    /// True if all rows were inspected. If false, later rows may have values of other types.
    is_complete: bool,
}

/// Infers the columns of a table from its first rows, or from the footer of a Parquet file. Nothing is changed.
#[utoipa::path(post, path = "/api/v1/datasets/{owner}/{dataset}/infer", tag = "files", request_body = Table,
    responses((status = 200, description = "The inferred description.", body = InferredTable)))]
async fn infer(
    State(app): State<App>,
    grant: DatasetGrant<Fetch>,
    Body(table): Body<Table>,
) -> Result<Json<InferredTable>> {
    let path = file_path(&table.path)?;
    let format: Option<TableFormat> = table.format.as_deref().map(str::parse).transpose()?;
    let revision = table.revision.as_deref().unwrap_or("HEAD");
    let (format, found) = app.files.infer(&grant, revision, &path, format).await?;
    Ok(Json(InferredTable {
        format: format.as_str().to_owned(),
        schema: found.schema,
        dialect: found.dialect,
        encoding: found.encoding.map(|encoding| encoding.as_str().to_owned()),
        rows: found.rows,
        is_complete: found.is_complete,
    }))
}
