//! Row diffs (`…/diff/rows`).

use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use utoipa::{IntoParams, ToSchema};

use super::format::{RowFormat, SOURCES, TableColumn, raw, sources as header_of, stream};
use super::{charge, lists, row_limit, row_offset};
use crate::app::App;
use crate::error::{Error, Result};
use crate::tables::{DiffSummary, Done, MAX_WAIT, RowChange, RowDiff, RowDiffOutput, RowDiffRequest};
use crate::web::http::{DatasetRequest, Parameters};

/// Seconds after which a client may ask again for a diff that is being computed.
const RETRY_AFTER: u64 = 1;

/// The format of a row diff.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum RowDiffFormat {
    Json,
    Csv,
    Parquet,
    Arrow,
    Daff,
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct RowDiffQuery {
    /// The older revision: a branch, a tag or a commit id, optionally with `~n` or `^n`. Default: the first parent of `to`.
    from: Option<String>,
    /// The newer revision. Default: the newest revision of the default branch.
    to: Option<String>,
    /// The table in the newer revision, as for its rows: the name of a resource, the path of a file, or of a folder with a
    /// trailing `/`.
    table: String,
    /// The table in the older revision, if it had another name.
    from_table: Option<String>,
    /// The names of the columns that identify a row, separated by commas. Default: the `primaryKey` of the newer schema;
    /// without, rows are compared as wholes.
    key: Option<String>,
    /// Only rows with these changes, separated by commas: `added`, `removed`, `changed`. Default: all.
    change: Option<String>,
    /// The first row of the diff to return, counted from 0.
    #[serde(default)]
    #[param(default = 0, minimum = 0, maximum = 9_007_199_254_740_991_u64)]
    offset: u64,
    /// The maximum number of rows to return: at most 1000 as JSON (default: 100), and 100,000 in other formats (default).
    #[param(minimum = 1, maximum = 100_000)]
    limit: Option<usize>,
    /// The format of the response. Default: by the `Accept` header, otherwise `json`. `daff` is the whole diff as CSV for
    /// `daff patch`; it compares the cells of CSV files as they are written.
    #[param(inline)]
    format: Option<RowDiffFormat>,
}

impl RowDiffQuery {
    fn checked(self, headers: &HeaderMap, max_rows: Option<u64>) -> Result<(RowDiffRequest, RowFormat, u64)> {
        let Self { from, to, table, from_table, key, change, offset, limit, format } = self;
        let format = match format {
            None => Some(RowFormat::accepted(headers)),
            Some(RowDiffFormat::Json) => Some(RowFormat::Json),
            Some(RowDiffFormat::Csv) => Some(RowFormat::Csv),
            Some(RowDiffFormat::Parquet) => Some(RowFormat::Parquet),
            Some(RowDiffFormat::Arrow) => Some(RowFormat::Arrow),
            Some(RowDiffFormat::Daff) => None,
        };
        let offset = row_offset(offset)?;
        let changes = change.as_deref().map(changes).transpose()?.unwrap_or_default();
        let output = match format {
            None if offset > 0 || limit.is_some() || !changes.is_empty() => {
                return Err(Error::invalid(
                    "`format=daff` is always the whole diff; leave out `offset`, `limit` and `change`",
                ));
            }
            None => RowDiffOutput::Daff,
            Some(format) => {
                let limit = row_limit(format, limit, max_rows)?;
                RowDiffOutput::Rows { offset, limit, changes, output: format.output() }
            }
        };
        let key = key.filter(|key| !key.is_empty());
        let key = key.as_deref().map(lists::columns).transpose()?;
        let wait = preferred_wait(headers).unwrap_or(MAX_WAIT);
        Ok((
            RowDiffRequest { from, to, table, from_table, key, output, wait },
            format.unwrap_or(RowFormat::Csv),
            offset,
        ))
    }
}

/// Returns for how long the client wants to wait: `Prefer: wait=5` (RFC 7240).
fn preferred_wait(headers: &HeaderMap) -> Option<Duration> {
    let preferences = headers.get_all("prefer").iter().filter_map(|value| value.to_str().ok());
    let mut preferences = preferences.flat_map(|value| value.split([',', ';'])).filter_map(|one| one.split_once('='));
    let (_, seconds) = preferences.find(|(name, _)| name.trim().eq_ignore_ascii_case("wait"))?;
    seconds.trim().parse().ok().map(Duration::from_secs)
}

/// Parses a list of changes.
fn changes(list: &str) -> Result<Vec<RowChange>> {
    let parse = |name: &str| {
        let found = RowChange::ALL.into_iter().find(|change| change.as_str() == name);
        found.ok_or_else(|| Error::invalid(format!("`change` must be of `added`, `removed`, `changed`, not {name:?}")))
    };
    list.split(',').filter(|name| !name.is_empty()).map(parse).collect()
}

/// The rows that differ between two versions of a table.
#[derive(Serialize, ToSchema)]
struct TableDiff {
    /// The older revision.
    from: String,
    /// The newer revision.
    to: String,
    summary: TableDiffSummary,
    /// The columns of `rows`: `change` (`added`, `removed` or `changed`), `from_row` and `to_row` (the row numbers, counted
    /// from 0), and the old and new values of each column; see the columns of `summary`.
    fields: Vec<TableColumn>,
    /// One page of the rows, in the order of the newer table. A removed row follows the row that was before it.
    #[schema(value_type = Vec<Vec<Value>>)]
    rows: Box<RawValue>,
    /// The number of the first row returned, counted from 0.
    offset: u64,
    /// True if more rows follow.
    more: bool,
    /// The number of rows with the changes asked for; null if it is not known.
    total: Option<u64>,
}

/// What differs between two versions of a table.
#[derive(Serialize, ToSchema)]
struct TableDiffSummary {
    /// The number of rows of the older version; null if the files are the same, because then they are not read.
    from_rows: Option<u64>,
    /// The number of rows of the newer version.
    to_rows: Option<u64>,
    /// The number of rows that only the newer version has.
    added: u64,
    /// The number of rows that only the older version has.
    removed: u64,
    /// The number of rows with at least one changed cell.
    changed: u64,
    /// The number of rows that are the same.
    unchanged: Option<u64>,
    /// The columns that identify a row; empty if rows were compared as wholes.
    key: Vec<String>,
    /// Where the key comes from: `request`, `primary_key` (of the newer schema) or `none`.
    key_source: &'static str,
    /// The number of rows whose key another row of the same version has, too.
    duplicate_keys: u64,
    /// The columns of both versions: those of the newer one, then those that were removed.
    columns: Vec<TableDiffColumn>,
    /// True if the diff has all rows that differ. The counts are exact in any case.
    is_complete: bool,
}

/// A column of a row diff.
#[derive(Serialize, ToSchema)]
struct TableDiffColumn {
    /// The name of the column.
    name: String,
    /// `added`, `removed`, `retyped` or `none`.
    change: &'static str,
    /// The type in the older version.
    #[serde(skip_serializing_if = "Option::is_none")]
    from_type: Option<String>,
    /// The type in the newer version.
    #[serde(skip_serializing_if = "Option::is_none")]
    to_type: Option<String>,
    /// The name of the field with the old values.
    #[serde(skip_serializing_if = "Option::is_none")]
    from: Option<String>,
    /// The name of the field with the new values.
    #[serde(skip_serializing_if = "Option::is_none")]
    to: Option<String>,
    /// The number of changed cells in changed rows.
    changed_cells: u64,
}

impl TableDiffSummary {
    /// The summary of two versions with the same files.
    const SAME: Self = Self {
        from_rows: None,
        to_rows: None,
        added: 0,
        removed: 0,
        changed: 0,
        unchanged: None,
        key: Vec::new(),
        key_source: "none",
        duplicate_keys: 0,
        columns: Vec::new(),
        is_complete: true,
    };
}

impl From<DiffSummary> for TableDiffSummary {
    fn from(summary: DiffSummary) -> Self {
        let columns = summary.columns.into_iter().map(|column| TableDiffColumn {
            name: column.name,
            change: column.change.as_str(),
            from_type: column.from_type,
            to_type: column.to_type,
            from: column.from,
            to: column.to,
            changed_cells: column.changed_cells,
        });
        Self {
            from_rows: Some(summary.from_rows),
            to_rows: Some(summary.to_rows),
            added: summary.added,
            removed: summary.removed,
            changed: summary.changed,
            unchanged: Some(summary.unchanged),
            key: summary.key,
            key_source: summary.key_source.as_str(),
            duplicate_keys: summary.duplicate_keys,
            columns: columns.collect(),
            is_complete: summary.is_complete,
        }
    }
}

/// A row diff that is being computed.
#[derive(Serialize, ToSchema)]
struct RunningDiff {
    /// `running`
    state: &'static str,
    /// The fraction of the work that is done, from 0 to 1.
    progress: f64,
}

/// Compares two versions of a table row by row.
///
/// Columns are matched by name. With a key, rows with the same key are compared; those with the same key again, in their
/// order. Without, rows are the same if all cells are; a row between the same neighbours is changed if at least half of
/// its cells are the same. Missing values are equal to each other. If the diff takes longer than 20 s, or than a header
/// such as `Prefer: wait=5` says, the status is 202: repeat the request. The computation ends a minute after the last request.
/// The result is cached by content.
#[utoipa::path(get, path = "/api/v1/datasets/{owner}/{dataset}/diff/rows", tag = "tables", params(RowDiffQuery),
    responses((status = 200, description = "The rows that differ.", content(
        (TableDiff = "application/json"), (String = "text/csv"),
        (Vec<u8> = "application/vnd.apache.parquet"), (Vec<u8> = "application/vnd.apache.arrow.stream"))),
        (status = 202, description = "The diff is being computed; repeat the request.", body = RunningDiff)))]
pub(super) async fn diff(
    State(app): State<App>,
    visitor: DatasetRequest,
    Parameters(query): Parameters<RowDiffQuery>,
    headers: HeaderMap,
) -> Result<Response> {
    let name = query.table.clone();
    let (request, format, offset) = query.checked(&headers, app.config.tables.rows)?;
    let grant = app.access.authorize_table(&visitor.actor, &visitor.path).await?;
    let diff = app.tables.row_diff(&grant, request, charge(visitor)).await?;
    let (sources, summary, fields, rows, more, total) = match diff {
        RowDiff::Running { progress } => {
            let body = Json(RunningDiff { state: "running", progress });
            return Ok((StatusCode::ACCEPTED, [(header::RETRY_AFTER, RETRY_AFTER)], body).into_response());
        }
        RowDiff::Done { result, .. } if format != RowFormat::Json => {
            return stream(&format!("{name}-diff"), format, result);
        }
        RowDiff::Done { summary, result, total } => {
            let sources = result.sources.clone();
            let (rows, Done { columns, more, .. }) = result.gather().await?;
            (sources, (*summary).into(), columns, rows, more, total)
        }
        RowDiff::Same { sources } => (sources, TableDiffSummary::SAME, Vec::new(), b"[]".to_vec(), false, Some(0)),
    };
    let [from, to] = &sources[..] else { return Err(Error::internal("a row diff compares two tables")) };
    let (from, to) = (from.commit.to_string(), to.commit.to_string());
    let fields = fields.into_iter().map(TableColumn::from).collect();
    let document = TableDiff { from, to, summary, fields, rows: raw(rows)?, offset, more, total };
    Ok(([(SOURCES, header_of(&sources))], Json(document)).into_response())
}
