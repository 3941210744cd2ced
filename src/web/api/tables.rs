//! Tables: `…/tables`, `…/rows`, `…/statistics`, `…/infer`, `…/diff/rows`, `…/describe` and `…/convert`, of datasets, and partly of files in
//! drives and shares.

mod derive;
mod diff;
mod format;
mod list;
mod lists;

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse as _, Response};
use metastore::ObjectId;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use serde_json::{Map, Value};
use utoipa::{IntoParams, ToSchema};

pub(super) use self::format::{RowFormat, SOURCES, TableColumn, raw, sources, stream};
use super::common::{self, Body};
use super::shapes;
use super::tree::file_path;
use crate::access::TableGrant;
use crate::app::App;
use crate::error::{Error, Result};
use crate::tables::{Charge, Done, Format, Page, TableResult, limit_above};
use crate::web::http::{DatasetRequest, Parameters, Routes, Segments, routes};

/// Maximum number of rows of one response: as JSON, which is parsed as a whole, and in other formats.
const MAX_JSON_ROWS: usize = 1000;
const MAX_ROWS: usize = 100_000;

/// The largest integer that all JSON parsers represent exactly.
const MAX_SAFE_INTEGER: u64 = (1 << 53) - 1;

/// Maximum length of an expression in bytes.
const MAX_EXPRESSION: usize = 64 << 10;

pub(super) fn routes(routes: Routes) -> Routes {
    let routes = routes
        .document(routes!(list::list))
        .document(routes!(infer))
        .document(routes!(rows))
        .document(routes!(statistics));
    let routes = routes.document(routes!(file_rows)).document(routes!(file_statistics));
    derive::routes(routes.document(routes!(diff::diff)))
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct RowQuery {
    /// The first row to return, counted from 0.
    #[serde(default)]
    #[param(default = 0, minimum = 0, maximum = 9_007_199_254_740_991_u64)]
    offset: u64,
    /// The maximum number of rows to return: at most 1000 as JSON (default: 100), and 100,000 in other formats (default).
    #[param(minimum = 1, maximum = 100_000)]
    limit: Option<usize>,
    /// The names of the columns to return, separated by commas, such as `name,count`. A name with a comma, a quote or a
    /// leading minus is written in double quotes. Default: all.
    columns: Option<String>,
    /// Return only rows for which this SQL expression is true: `price > 10 AND name ILIKE 'a%'`. Column names that are
    /// not plain identifiers are written in double quotes.
    r#where: Option<String>,
    /// The columns to sort by, separated by commas, `-` for descending order: `name,-price`. Missing values are last.
    sort: Option<String>,
    /// The format of the response. Default: by the `Accept` header, otherwise `json`.
    #[param(inline)]
    format: Option<RowFormat>,
}

/// Checks the number of the first row.
fn row_offset(offset: u64) -> Result<u64> {
    if offset > MAX_SAFE_INTEGER {
        return Err(Error::invalid(format!("`offset` must be at most {MAX_SAFE_INTEGER}")));
    }
    Ok(offset)
}

/// Checks the number of rows of one response, or returns its default. `max_rows` is that of the configuration, for what is
/// streamed.
fn row_limit(format: RowFormat, limit: Option<usize>, max_rows: Option<u64>) -> Result<u64> {
    if format == RowFormat::Json {
        return Ok(common::Page::checked(limit, MAX_JSON_ROWS)? as u64);
    }
    let checked = common::Page::checked(limit.or(Some(MAX_ROWS)), MAX_ROWS)? as u64;
    match max_rows {
        Some(max) if checked > max && limit.is_some() => Err(limit_above(max)),
        Some(max) => Ok(checked.min(max)),
        None => Ok(checked),
    }
}

impl RowQuery {
    fn checked(self, headers: &HeaderMap, max_rows: Option<u64>) -> Result<(RowFormat, Page)> {
        let Self { offset, limit, columns, r#where: filter, sort, format } = self;
        let offset = row_offset(offset)?;
        let filter = filter.filter(|filter| !filter.trim().is_empty());
        if filter.as_ref().is_some_and(|filter| filter.len() > MAX_EXPRESSION) {
            return Err(Error::invalid(format!("`where` must have at most {MAX_EXPRESSION} bytes")));
        }
        let format = format.unwrap_or_else(|| RowFormat::accepted(headers));
        let limit = row_limit(format, limit, max_rows)?;
        let page = Page {
            offset,
            limit,
            columns: columns.as_deref().map(lists::columns).transpose()?,
            filter,
            sort: sort.as_deref().map(lists::sort).transpose()?.unwrap_or_default(),
            output: format.output(),
            detailed: false,
        };
        Ok((format, page))
    }
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct RevisionOf {
    /// The revision to read. Default: the newest one.
    revision: Option<String>,
}

/// Rows of a table.
#[derive(Serialize, ToSchema)]
struct TableRows {
    /// The revision that was read.
    commit: String,
    /// The columns.
    fields: Vec<TableColumn>,
    /// The rows, each with one value per column. Values that are not of the column's type are strings.
    #[schema(value_type = Vec<Vec<Value>>)]
    rows: Box<RawValue>,
    /// The number of the first row returned, counted from 0.
    offset: u64,
    /// True if more rows follow.
    more: bool,
    /// The number of rows of the table, or of those that `where` selects; null while it is not known.
    total: Option<u64>,
}

/// Statistics of the columns of a table.
#[derive(Serialize, ToSchema)]
struct TableStatistics {
    /// The revision that was read.
    commit: String,
    /// The number of rows examined.
    rows: u64,
    /// True if these are all rows. If false, they are the first ones.
    is_complete: bool,
    /// The columns, in the order of the table.
    columns: Vec<ColumnStatistics>,
}

/// Statistics of a column. What does not apply to its type is absent.
#[derive(Serialize, ToSchema)]
struct ColumnStatistics {
    /// The name of the column.
    name: String,
    /// The type of the column (Table Schema).
    r#type: String,
    /// The number of values, without missing ones.
    count: u64,
    /// The number of missing values.
    nulls: u64,
    /// The number of different values, approximately.
    distinct: Option<u64>,
    /// The smallest value.
    #[schema(value_type = Option<Value>)]
    min: Option<Value>,
    /// The largest value.
    #[schema(value_type = Option<Value>)]
    max: Option<Value>,
    /// The mean.
    mean: Option<f64>,
    /// The standard deviation of the sample.
    std: Option<f64>,
    /// The quartiles, approximately: 25 %, 50 % and 75 %.
    #[schema(value_type = Option<Vec<Value>>)]
    quartiles: Option<Vec<Value>>,
    /// How many values are between each two edges.
    histogram: Option<Histogram>,
    /// The most frequent values, at most ten.
    top: Option<Vec<FrequentValue>>,
    /// The lengths of strings, in characters, or of lists.
    lengths: Option<LengthStatistics>,
}

/// Statistics of the lengths of values.
#[derive(Serialize, ToSchema)]
struct LengthStatistics {
    /// The smallest length.
    min: Option<u64>,
    /// The largest length.
    max: Option<u64>,
    /// The mean.
    mean: Option<f64>,
    /// The standard deviation of the sample.
    std: Option<f64>,
    /// The quartiles, approximately: 25 %, 50 % and 75 %.
    quartiles: Option<Vec<f64>>,
    /// How many lengths are between each two edges.
    histogram: Option<Histogram>,
}

/// A histogram with bins of equal width. A value at an edge belongs to the bin above, and the maximum to the last.
#[derive(Serialize, ToSchema)]
struct Histogram {
    /// The edges of the bins: one more than there are bins.
    #[schema(value_type = Vec<Value>)]
    edges: Vec<Value>,
    /// The number of values in each bin.
    counts: Vec<u64>,
}

/// A frequent value.
#[derive(Serialize, ToSchema)]
struct FrequentValue {
    /// The value; a long text is cut.
    #[schema(value_type = Value)]
    value: Value,
    /// How often it occurs.
    count: u64,
}

/// Reads rows of a table at a revision.
///
/// A table is named by a resource of `datapackage.json`, by the path of a file, or by the path of a folder with a trailing
/// `/`, whose files then have one format: `csv`, `tsv`, `tab`, `jsonl`, `ndjson` or `jsonlines`, each also compressed as
/// `.gz` or `.zst`; `parquet`; `arrow` or `feather`. Schema, dialect and encoding of the resource are used; without, they are
/// inferred as by `infer`.
///
/// As JSON, integers beyond 2^53 are strings, because browsers round them, dates and times are ISO 8601, and a page ends
/// at 8 MiB: continue after its last row. With `where` or `sort`, `offset` and `limit` together are at most 100,000, and
/// every value must have the type of its column. The header `Rutter-Sources` names the revision.
#[utoipa::path(get, path = "/api/v1/datasets/{owner}/{dataset}/rows/{revision}/{path}", tag = "tables",
    params(("revision" = String, Path, description = "A branch, a tag or a commit id, optionally with `~n` or `^n`."),
        ("path" = String, Path, description = "The table; may contain `/`."), RowQuery),
    responses((status = 200, description = "The rows.", content(
        (TableRows = "application/json"), (String = "text/csv"),
        (Vec<u8> = "application/vnd.apache.parquet"), (Vec<u8> = "application/vnd.apache.arrow.stream")))))]
async fn rows(
    State(app): State<App>,
    visitor: DatasetRequest,
    segments: Segments,
    Parameters(query): Parameters<RowQuery>,
    headers: HeaderMap,
) -> Result<Response> {
    let (format, page) = query.checked(&headers, app.config.tables.rows)?;
    let grant = app.access.authorize_table(&visitor.actor, &visitor.path).await?;
    let (revision, name, offset) = (segments.get("revision"), segments.get("path"), page.offset);
    let result = app.tables.rows(&grant, revision, name, page, charge(visitor)).await?;
    respond(name, offset, format, result).await
}

/// Reads rows of the table in a file; see the rows of a dataset.
#[utoipa::path(get, path = "/api/v1/drive/{owner}/{dataset}/rows/{path}", tag = "drive",
    params(("path" = String, Path, description = "The path of the file; may contain `/`."), RevisionOf, RowQuery),
    responses((status = 200, description = "The rows.", content(
        (TableRows = "application/json"), (String = "text/csv"),
        (Vec<u8> = "application/vnd.apache.parquet"), (Vec<u8> = "application/vnd.apache.arrow.stream")))))]
async fn file_rows(
    State(app): State<App>,
    visitor: DatasetRequest,
    segments: Segments,
    Parameters(at): Parameters<RevisionOf>,
    Parameters(query): Parameters<RowQuery>,
    headers: HeaderMap,
) -> Result<Response> {
    let (format, page) = query.checked(&headers, app.config.tables.rows)?;
    let (name, offset) = (segments.get("path"), page.offset);
    let grant = visitor.table(&app, name).await?;
    let counted = app.access.count_table_read(&grant).await?;
    let result = app.tables.rows_of_file(&grant, at.revision.as_deref(), page, &counted, charge(visitor)).await?;
    respond(name, offset, format, result).await
}

/// Computes statistics of each column of a table: counts, extremes, quartiles, a histogram or the most frequent values.
///
/// Of a table with very many rows, the first ones are examined. The result is cached by content.
#[utoipa::path(get, path = "/api/v1/datasets/{owner}/{dataset}/statistics/{revision}/{path}", tag = "tables",
    params(("revision" = String, Path, description = "A branch, a tag or a commit id, optionally with `~n` or `^n`."),
        ("path" = String, Path, description = "The table; may contain `/`.")),
    responses((status = 200, description = "The statistics.", body = TableStatistics)))]
async fn statistics(State(app): State<App>, visitor: DatasetRequest, segments: Segments) -> Result<Response> {
    let grant = app.access.authorize_table(&visitor.actor, &visitor.path).await?;
    let (revision, name) = (segments.get("revision"), segments.get("path"));
    let result = app.tables.statistics(&grant, revision, name, charge(visitor)).await?;
    with_commit(result).await
}

/// Computes statistics of each column of the table in a file; see the statistics of a dataset.
#[utoipa::path(get, path = "/api/v1/drive/{owner}/{dataset}/statistics/{path}", tag = "drive",
    params(("path" = String, Path, description = "The path of the file; may contain `/`."), RevisionOf),
    responses((status = 200, description = "The statistics.", body = TableStatistics)))]
async fn file_statistics(
    State(app): State<App>,
    visitor: DatasetRequest,
    segments: Segments,
    Parameters(at): Parameters<RevisionOf>,
) -> Result<Response> {
    let grant = visitor.table(&app, segments.get("path")).await?;
    let counted = app.access.count_table_read(&grant).await?;
    let result = app.tables.statistics_of_file(&grant, at.revision.as_deref(), &counted, charge(visitor)).await?;
    with_commit(result).await
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
    /// The format: `csv`, `tsv`, `jsonl`, `ndjson`, `parquet`, `arrow` or `feather`. Default: derived from the file name.
    #[schema(value_type = Option<String>,
        pattern = "^(csv|tsv|tab|jsonl|ndjson|jsonlines|parquet|arrow|feather)$")]
    format: Option<String>,
}

/// The inferred description of a table, as properties of a Data Package resource.
#[derive(Serialize, ToSchema)]
struct InferredTable {
    /// The format: `csv`, `jsonl`, `parquet` or `arrow`.
    format: String,
    #[serde(flatten)]
    description: TableDescription,
}

/// What is inferred from the content of a file.
#[derive(Serialize, Deserialize, ToSchema)]
struct TableDescription {
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
    /// The number of rows inspected; for Parquet and Arrow, the number of rows in the file.
    rows: u64,
    /// True if all rows were inspected. If false, later rows may have values of other types.
    is_complete: bool,
}

/// Infers the columns of a table from its first rows, or from the schema of a Parquet or Arrow file. Nothing is changed.
#[utoipa::path(post, path = "/api/v1/datasets/{owner}/{dataset}/infer", tag = "tables", request_body = Table,
    responses((status = 200, description = "The inferred description.", body = InferredTable)))]
async fn infer(
    State(app): State<App>,
    visitor: DatasetRequest,
    grant: TableGrant,
    Body(table): Body<Table>,
) -> Result<Json<InferredTable>> {
    let path = file_path(&table.path)?;
    let format = table.format.as_deref().map(|format| {
        let unknown = || Error::invalid(format!("`format` must be one of {}, not {format:?}", Format::EXTENSIONS));
        Format::from_extension(format).ok_or_else(unknown)
    });
    let revision = table.revision.as_deref().unwrap_or("HEAD");
    let (format, result) = app.tables.infer(&grant, revision, &path, format.transpose()?, charge(visitor)).await?;
    let (description, _) = result.gather().await?;
    let description = serde_json::from_slice(&description).map_err(Error::internal)?;
    Ok(Json(InferredTable { format: format.as_str().to_owned(), description }))
}

/// Returns what charges the sender of a request for work.
fn charge(visitor: DatasetRequest) -> Charge {
    Arc::new(move |points| visitor.charge(points))
}

/// Sends rows: JSON as one document, other formats as a stream.
async fn respond(name: &str, offset: u64, format: RowFormat, result: TableResult) -> Result<Response> {
    if format != RowFormat::Json {
        return stream(name, format, result);
    }
    let (sources, commit) = (sources(&result.sources), commit(&result)?.to_string());
    let (rows, Done { columns, more, total, .. }) = result.gather().await?;
    let fields = columns.into_iter().map(TableColumn::from).collect();
    let page = TableRows { commit, fields, rows: raw(rows)?, offset, more, total };
    Ok(([(SOURCES, sources)], Json(page)).into_response())
}

/// Returns the revision of a result of one table.
fn commit(result: &TableResult) -> Result<ObjectId> {
    result.sources.first().map(|table| table.commit).ok_or_else(|| Error::internal("a result without a table"))
}

/// Sends a JSON object of the engine, with the revision that it is about.
async fn with_commit(result: TableResult) -> Result<Response> {
    let commit = commit(&result)?;
    let (object, _) = result.gather().await?;
    let object = object.strip_prefix(b"{").ok_or_else(|| Error::internal("the engine sent no object"))?;
    let mut document = format!("{{\"commit\":\"{commit}\",").into_bytes();
    document.extend_from_slice(object);
    Ok(([(header::CONTENT_TYPE, "application/json")], document).into_response())
}
