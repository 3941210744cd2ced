//! `…/diff`: what differs between two revisions.

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use metastore::{ChangeKind, ObjectId};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::routes;

use super::super::Routes;
use super::super::extract::Visitor;
use super::shapes;
use super::tree::{Entry, file_path};
use super::{Here, Page, Parameters, object_id};
use crate::access::{Grant, Read};
use crate::app::App;
use crate::drive::compare::{Changed, Lines};
use crate::error::Result;

pub(super) fn routes(routes: Routes) -> Routes {
    routes.document(routes!(compare))
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct Asked {
    /// The revision before; the first parent of `to` unless said.
    from: Option<String>,
    /// The revision after; the newest of the default branch unless said.
    to: Option<String>,
    /// Only this file, line by line. It may be named as it was.
    #[param(value_type = Option<shapes::FilePath>)]
    path: Option<String>,
}

/// What differs between two revisions.
#[derive(Serialize, ToSchema)]
struct Difference {
    /// The revision before; null where there was nothing before.
    from: Option<String>,
    /// The revision after.
    to: String,
    /// How many files differ.
    files: usize,
    /// Some of them, ordered by path; of one file alone if one was asked for.
    items: Vec<ChangedFile>,
    /// What changed in the metadata, each change with its `type`; on the first page, if there is a `datapackage.json`
    /// that can be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Vec<Object>>)]
    package: Option<Box<RawValue>>,
    /// What changed in the schemas of the resources, each with its `verdict`: `compatible`, `widening` or `breaking`;
    /// on the first page, as `package`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    schemas: Option<Box<RawValue>>,
    /// Where the list goes on; absent at its end.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_cursor: Option<String>,
}

/// How a file changed.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum How {
    Added,
    Removed,
    Changed,
    Renamed,
    /// It became a program, or ceased to be one.
    Mode,
}

/// A file that differs.
#[derive(Serialize, ToSchema)]
pub(super) struct ChangedFile {
    /// Its path; that of before if it is gone.
    path: String,
    /// How it changed.
    change: How,
    /// What it was; null if it was not there.
    before: Option<Entry>,
    /// What it is; null if it is gone.
    after: Option<Entry>,
    /// Line by line, if that was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<Text>,
}

/// How a file changed, line by line.
#[derive(Serialize, ToSchema)]
struct Text {
    /// In the unified format of diff(1); null if there is none.
    unified: Option<String>,
    /// Why there is none: `stored` (Git LFS keeps it), `large` (more than 1 MiB), `binary` (not UTF-8), `no_file`.
    #[serde(skip_serializing_if = "Option::is_none")]
    omitted: Option<&'static str>,
}

impl From<&Changed> for ChangedFile {
    fn from(changed: &Changed) -> Self {
        Self {
            path: changed.path.clone(),
            change: match changed.kind {
                ChangeKind::Added => How::Added,
                ChangeKind::Removed => How::Removed,
                ChangeKind::Modified => How::Changed,
                ChangeKind::Renamed { .. } => How::Renamed,
                ChangeKind::ModeChanged => How::Mode,
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
#[utoipa::path(get, path = "/api/v1/datasets/{owner}/{dataset}/diff", tag = "files", params(Asked, Page),
    responses((status = 200, description = "What differs.", body = Difference)))]
async fn compare(
    State(app): State<App>,
    visitor: Visitor,
    Parameters(asked): Parameters<Asked>,
    Parameters(page): Parameters<Page>,
    here: Here,
) -> Result<Response> {
    let grant: Grant<Read> = app.access.authorize(&visitor.actor, &visitor.path).await?;
    let limit = page.limit()?;
    // The cursor names both revisions, for branches move on, and how many files were shown.
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
    let comparison = app.drive.compare(&grant, from.as_deref(), to.as_deref()).await?;
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
