//! The tables of a revision: `…/tables`.

use axum::extract::State;
use axum::http::HeaderValue;
use axum::response::Response;
use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::super::common::{Items, Page, PageUrl, object_id};
use super::SOURCES;
use crate::access::{DatasetGrant, Read};
use crate::app::App;
use crate::error::Result;
use crate::tables::ListedTable;
use crate::web::http::{DatasetRequest, Parameters, Segments};

/// A table of a revision.
#[derive(Serialize, ToSchema)]
pub(super) struct TableInfo {
    /// The name, by which rows, statistics and queries find the table: that of a resource of `datapackage.json`,
    /// otherwise the path of the file.
    name: String,
    /// The paths of its files.
    paths: Vec<String>,
    /// The format: `csv`, `jsonl`, `parquet` or `arrow`; null if the files have different ones.
    format: Option<String>,
    /// The size of its files in bytes; null if one of them does not exist, or was not searched.
    bytes: Option<u64>,
    /// The title of the resource.
    #[serde(skip_serializing_if = "Option::is_none")]
    title: Option<String>,
    /// The description of the resource.
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<String>,
    /// The columns, as a Table Schema, if the resource declares them.
    #[schema(value_type = Option<Object>)]
    #[serde(skip_serializing_if = "Option::is_none")]
    schema: Option<Map<String, Value>>,
}

impl From<ListedTable> for TableInfo {
    fn from(ListedTable { name, paths, format, bytes, title, description, schema }: ListedTable) -> Self {
        let paths = paths.iter().map(ToString::to_string).collect();
        let format = format.map(|format| format.as_str().to_owned());
        Self { name, paths, format, bytes, title, description, schema }
    }
}

/// Lists the tables of a revision by name: the resources of `datapackage.json` that are tables, and all other files with
/// the name of one among the first 10,000 files and folders.
///
/// The columns are those that the resource declares; the files are not read. The header `Rutter-Sources` names the
/// revision.
#[utoipa::path(get, path = "/api/v1/datasets/{owner}/{dataset}/tables/{revision}", tag = "tables",
    params(("revision" = String, Path, description = "A branch, a tag or a commit id, optionally with `~n` or `^n`."), Page),
    responses((status = 200, description = "The tables.", body = Items<TableInfo>)))]
pub(super) async fn list(
    State(app): State<App>,
    visitor: DatasetRequest,
    segments: Segments,
    Parameters(page): Parameters<Page>,
    here: PageUrl,
) -> Result<Response> {
    let grant: DatasetGrant<Read> = app.access.authorize(&visitor.actor, &visitor.path).await?;
    // The cursor holds the revision at which the list started, because the branch can move, and how many were returned.
    let (revision, offset) = match page.cursor() {
        None => (segments.get("revision").to_owned(), 0),
        Some(cursor) => {
            let (revision, offset) = cursor.split_once('.').ok_or_else(Page::bad_cursor)?;
            object_id(revision).ok_or_else(Page::bad_cursor)?;
            (revision.to_owned(), offset.parse().map_err(|_| Page::bad_cursor())?)
        }
    };
    let limit = page.limit()?;
    let found = app.tables.list_at(&grant, &revision, offset, limit).await?;
    visitor.charge(found.searched / 10);
    let next = found.more.then(|| format!("{}.{}", found.commit, offset + limit));
    let mut response = here.page(found.tables.into_iter().map(TableInfo::from).collect(), next);
    // Names of owners and datasets are ASCII.
    if let Ok(source) = HeaderValue::from_str(&format!("{}@{}", visitor.path, found.commit)) {
        response.headers_mut().insert(SOURCES, source);
    }
    Ok(response)
}
