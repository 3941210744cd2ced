//! Queries in SQL over tables (`/api/v1/sql`).

use axum::Json;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::{IntoResponse as _, Response};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;
use std::sync::Arc;
use utoipa::ToSchema;

use super::common::Body;
use super::shapes;
use super::tables::{RowFormat, SOURCES, TableColumn, raw, sources, stream};
use super::tree::file_path;
use crate::app::App;
use crate::error::{Error, Result};
use crate::tables::{Charge, Done, MAX_QUERY, SqlRequest, SqlText, TableSource};
use crate::web::http::{AuthedActor, Routes, routes};

/// Number of rows of a JSON response: the default, and the maximum.
const JSON_ROWS: u64 = 10_000;
const MAX_JSON_ROWS: u64 = 100_000;

/// The cost of a query in points of the rate limits, besides its work.
const COST: u64 = 50;

pub(super) fn routes(routes: Routes) -> Routes {
    routes.document(routes!(sql)).change("/api/v1/sql", |route| {
        route.cost = COST;
        route.is_query = true;
    })
}

/// A query.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct SqlQuery {
    /// One `SELECT`, `WITH`, `EXPLAIN` or `DESCRIBE`, of at most 64 KiB.
    #[schema(max_length = 65536)]
    query: Option<String>,
    /// Instead of `query`: the path of a file with a query, such as `queries/large.sql`, at the revision of `default`.
    #[schema(value_type = Option<shapes::FilePath>)]
    saved: Option<String>,
    /// Where tables without a dataset are looked up, as `OWNER/DATASET` or `OWNER/DATASET@REVISION`.
    default: Option<String>,
    /// The values of `$1`, `$2` … as an array, or of `$name` … as an object: null, booleans, numbers and strings.
    #[serde(default)]
    #[schema(value_type = Option<Value>)]
    parameters: Value,
    /// The maximum number of rows. As JSON at most 100,000 (default: 10,000); no maximum in other formats, unless the
    /// server has one: then a longer result is an error.
    #[schema(minimum = 1)]
    limit: Option<u64>,
    /// The format of the response. Default: by the `Accept` header, otherwise `json`.
    format: Option<RowFormat>,
}

/// The rows of a query.
#[derive(Serialize, ToSchema)]
struct SqlRows {
    /// The columns.
    fields: Vec<TableColumn>,
    /// The rows, each with one value per column.
    #[schema(value_type = Vec<Vec<Value>>)]
    rows: Box<RawValue>,
    /// True if more rows follow: there is no next page, so raise `limit`, or choose another format.
    more: bool,
    /// The tables that were read.
    sources: Vec<SqlSource>,
    /// The query in normal form, with the commits of all tables: it has the same result at any time.
    canonical: String,
}

/// A table that a query read.
#[derive(Serialize, ToSchema)]
struct SqlSource {
    /// `owner/name` of the dataset.
    dataset: String,
    /// The revision as it is in the query; `HEAD` if there is none.
    revision: String,
    /// The commit id of the revision.
    commit: String,
    /// The name of the table.
    table: String,
}

impl From<&TableSource> for SqlSource {
    fn from(TableSource { dataset, revision, commit, table }: &TableSource) -> Self {
        Self { dataset: dataset.clone(), revision: revision.clone(), commit: commit.to_string(), table: table.clone() }
    }
}

impl SqlQuery {
    fn checked(self, headers: &HeaderMap) -> Result<(SqlRequest, RowFormat)> {
        let Self { query, saved, default, parameters, limit, format } = self;
        let query = match (query, saved) {
            (Some(query), None) => SqlText::Given(query),
            (None, Some(path)) => SqlText::Saved(file_path(&path)?),
            _ => return Err(Error::invalid("send either `query` or `saved`")),
        };
        if !matches!(parameters, Value::Null | Value::Array(_) | Value::Object(_)) {
            return Err(Error::invalid("`parameters` must be an array for $1, $2 …, or an object for $name"));
        }
        let values: Box<dyn Iterator<Item = &Value>> = match &parameters {
            Value::Array(values) => Box::new(values.iter()),
            Value::Object(values) => Box::new(values.values()),
            _ => Box::new(std::iter::empty()),
        };
        if values.into_iter().any(|value| value.is_array() || value.is_object()) {
            return Err(Error::invalid("each of `parameters` must be null, a boolean, a number or a string"));
        }
        if serde_json::to_vec(&parameters).map_err(Error::internal)?.len() > MAX_QUERY {
            return Err(Error::invalid(format!("`parameters` must have at most {MAX_QUERY} bytes")));
        }
        if limit == Some(0) {
            return Err(Error::invalid("`limit` must be at least 1"));
        }
        let format = format.unwrap_or_else(|| RowFormat::accepted(headers));
        let limit = match (format, limit) {
            (RowFormat::Json, Some(limit)) if limit > MAX_JSON_ROWS => {
                return Err(Error::invalid(format!(
                    "`limit` must be at most {MAX_JSON_ROWS} for JSON; other formats have no maximum"
                )));
            }
            (RowFormat::Json, limit) => Some(limit.unwrap_or(JSON_ROWS)),
            (_, limit) => limit,
        };
        Ok((SqlRequest { query, default, parameters, limit, output: format.output() }, format))
    }
}

/// Runs a query in SQL over tables of any datasets and revisions.
///
/// A table is named `"OWNER/DATASET@REVISION"."TABLE"`; without a revision, the newest one is read, and without a dataset
/// that of `default`. The table function `row_diff('ada/birds@v1.0', 'ada/birds@main', 'birds')` returns the rows that differ.
/// All revisions are resolved to commits before the query runs; the response names them, in the header `Rutter-Sources`,
/// in JSON also as `sources`, and in the metadata of Parquet and Arrow files. As JSON, a result ends at 8 MiB. The query
/// ends when the connection is closed. Results are cached by content, unless the query uses functions such as `now()`.
#[utoipa::path(post, path = "/api/v1/sql", tag = "tables", request_body = SqlQuery,
    responses((status = 200, description = "The rows.", content(
        (SqlRows = "application/json"), (String = "text/csv"),
        (Vec<u8> = "application/vnd.apache.parquet"), (Vec<u8> = "application/vnd.apache.arrow.stream")))))]
async fn sql(
    State(app): State<App>,
    visitor: AuthedActor,
    headers: HeaderMap,
    Body(query): Body<SqlQuery>,
) -> Result<Response> {
    let (request, format) = query.checked(&headers)?;
    let actor = visitor.actor.clone();
    let charge: Charge = Arc::new(move |points| visitor.charge(points));
    let result = app.tables.sql(&app.access, &actor, request, charge).await?;
    if format != RowFormat::Json {
        return stream("query", format, result.rows);
    }
    let (header, tables) = (sources(&result.rows.sources), result.rows.sources.iter().map(SqlSource::from).collect());
    let (rows, Done { columns, more, .. }) = result.rows.gather().await?;
    let fields = columns.into_iter().map(TableColumn::from).collect();
    let document = SqlRows { fields, rows: raw(rows)?, more, sources: tables, canonical: result.canonical };
    Ok(([(SOURCES, header)], Json(document)).into_response())
}
