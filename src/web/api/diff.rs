//! Diffs between two revisions (`…/diff`).

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use metastore::{ChangeKind, ObjectId};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use utoipa::{IntoParams, ToSchema};

use super::common::{Page, PageUrl, object_id};
use super::shapes;
use super::tree::{Entry, file_path};
use crate::access::{DatasetGrant, Read};
use crate::app::App;
use crate::datasets::compare::{Changed, Lines};
use crate::error::Result;
use crate::web::http::{DatasetRequest, Parameters, Routes, routes};

pub(super) fn routes(routes: Routes) -> Routes {
    routes.document(routes!(compare))
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct DiffQuery {
    /// The old revision. Default: the first parent of `to`.
    from: Option<String>,
    /// The new revision. Default: the newest revision of the default branch.
    to: Option<String>,
    /// Compare only this file, line by line. A renamed file can be given by its old or new path.
    #[param(value_type = Option<shapes::FilePath>)]
    path: Option<String>,
}

/// The differences between two revisions.
#[derive(Serialize, ToSchema)]
struct Difference {
    /// The old revision; null if `to` is the first revision.
    from: Option<String>,
    /// The new revision.
    to: String,
    /// The number of files that differ.
    files: usize,
    /// One page of the files that differ, ordered by path; only the requested file if `path` was given.
    items: Vec<ChangedFile>,
    /// Metadata changes, each with its `type`. Only on the first page, and only if there is a valid `datapackage.json`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Vec<Object>>)]
    package: Option<Box<RawValue>>,
    /// Changes of the resources' schemas, each with its `verdict`: `compatible`, `widening` or `breaking`. Only on the
    /// first page, like `package`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    schemas: Option<Box<RawValue>>,
    /// The cursor of the next page; absent on the last page.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_cursor: Option<String>,
}

/// How a file changed.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum DiffFormat {
    Added,
    Removed,
    Changed,
    Renamed,
    /// The executable bit changed.
    Mode,
}

/// A file that differs.
#[derive(Serialize, ToSchema)]
pub(super) struct ChangedFile {
    /// The path of the file; its old path if it was deleted.
    path: String,
    /// How the file changed.
    change: DiffFormat,
    /// The old state; null if the file did not exist.
    before: Option<Entry>,
    /// The new state; null if the file was deleted.
    after: Option<Entry>,
    /// The changes line by line, if requested with `path`.
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<Text>,
}

/// A line-by-line diff.
#[derive(Serialize, ToSchema)]
struct Text {
    /// The diff in the unified format of diff(1); null if omitted.
    unified: Option<String>,
    /// Why the diff is omitted: `stored` (in Git LFS), `large` (over 1 MiB), `binary` (not UTF-8) or `no_file`.
    #[serde(skip_serializing_if = "Option::is_none")]
    omitted: Option<&'static str>,
}

impl From<&Changed> for ChangedFile {
    fn from(changed: &Changed) -> Self {
        Self {
            path: changed.path.clone(),
            change: match changed.kind {
                ChangeKind::Added => DiffFormat::Added,
                ChangeKind::Removed => DiffFormat::Removed,
                ChangeKind::Modified => DiffFormat::Changed,
                ChangeKind::Renamed { .. } => DiffFormat::Renamed,
                ChangeKind::ModeChanged => DiffFormat::Mode,
            },
            before: changed.before.as_ref().map(Entry::from),
            after: changed.after.as_ref().map(Entry::from),
            text: None,
        }
    }
}

impl From<Lines> for Text {
    fn from(lines: Lines) -> Self {
        let omitted = match lines {
            Lines::Unified(text) => return Self { unified: Some(text), omitted: None },
            Lines::Stored => "stored",
            Lines::Large => "large",
            Lines::Binary => "binary",
            Lines::Other => "no_file",
        };
        Self { unified: None, omitted: Some(omitted) }
    }
}

/// Compares two revisions.
#[utoipa::path(get, path = "/api/v1/datasets/{owner}/{dataset}/diff", tag = "files", params(DiffQuery, Page),
    responses((status = 200, description = "The differences.", body = Difference)))]
async fn compare(
    State(app): State<App>,
    visitor: DatasetRequest,
    Parameters(asked): Parameters<DiffQuery>,
    Parameters(page): Parameters<Page>,
    here: PageUrl,
) -> Result<Response> {
    let grant: DatasetGrant<Read> = app.access.authorize(&visitor.actor, &visitor.path).await?;
    let limit = page.limit()?;
    // The cursor holds the ids of both revisions, because branches can move, and the number of files already returned.
    let (from, to, skip) = match page.cursor() {
        None => (asked.from, asked.to, 0),
        Some(cursor) => {
            let parts: Vec<&str> = cursor.split('.').collect();
            let [from, to, skip] = parts[..] else { return Err(Page::bad_cursor()) };
            let known = |id: &str| object_id(id).map(|id| id.to_string()).ok_or_else(Page::bad_cursor);
            let from = if from.is_empty() { None } else { Some(known(from)?) };
            (from, Some(known(to)?), skip.parse().map_err(|_| Page::bad_cursor())?)
        }
    };
    let comparison = app.datasets.compare(&grant, from.as_deref(), to.as_deref()).await?;
    let mut difference = Difference {
        from: comparison.from.as_ref().map(ObjectId::to_string),
        to: comparison.to.to_string(),
        files: comparison.count(),
        items: Vec::new(),
        package: None,
        schemas: None,
        next_cursor: None,
    };
    if let Some(path) = asked.path {
        let found = comparison.file(&file_path(&path)?).await?;
        let item = |(changed, lines)| ChangedFile { text: Some(Text::from(lines)), ..ChangedFile::from(&changed) };
        difference.items.extend(found.map(item));
        return Ok(Json(difference).into_response());
    }
    if skip == 0
        && let Some(metadata) = comparison.metadata().await?
    {
        (difference.package, difference.schemas) = (Some(metadata.package.clone()), Some(metadata.schemas.clone()));
    }
    let found = comparison.page(skip, limit).await?;
    visitor.charge(found.len() / 10);
    difference.items.extend(found.iter().map(ChangedFile::from));
    let shown = skip.saturating_add(limit);
    if shown < difference.files {
        let from = difference.from.as_deref().unwrap_or_default();
        difference.next_cursor = Some(format!("{from}.{}.{shown}", difference.to));
    }
    Ok((here.next(difference.next_cursor.as_deref()), Json(difference)).into_response())
}
