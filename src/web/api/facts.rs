//! `…/summary`, `…/activity`, `…/growth`: figures about a dataset, to be drawn.

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::routes;

use super::super::Routes;
use super::super::extract::Visitor;
use super::tree::file_path;
use super::{Items, Parameters, Segments};
use crate::access::{Grant, Read};
use crate::app::App;
use crate::error::{Error, Result};

pub(super) fn routes(routes: Routes) -> Routes {
    routes.document(routes!(summary)).document(routes!(activity)).document(routes!(growth))
}

/// The most folders that are told.
const FOLDERS: usize = 100;

/// The most weeks.
const WEEKS: u16 = 520;

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct Where {
    /// The folder; the root unless said.
    path: Option<String>,
}

/// How much a folder holds, at whatever depth.
#[derive(Serialize, ToSchema)]
struct Summary {
    /// How many files.
    files: u64,
    /// Their bytes; of what Git LFS keeps, those of the content.
    bytes: u64,
    /// The folders right in it, the largest first; no more than 100.
    folders: Vec<FolderSummary>,
}

/// A folder, and how much it holds, at whatever depth.
#[derive(Serialize, ToSchema)]
struct FolderSummary {
    /// Where it is.
    path: String,
    /// How many files.
    files: u64,
    /// Their bytes.
    bytes: u64,
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct Span {
    /// How many weeks, the current one among them.
    #[param(minimum = 1, maximum = 520, default = 52)]
    weeks: Option<u16>,
}

/// How often a dataset changed in a week.
#[derive(Serialize, ToSchema)]
struct Week {
    /// Its Monday, in UTC.
    #[schema(format = Date)]
    week: String,
    /// How many revisions the default branch got.
    revisions: u64,
}

/// How much a dataset held at the end of a day.
#[derive(Serialize, ToSchema)]
struct Growth {
    /// The day, in UTC.
    #[schema(format = Date)]
    at: String,
    /// Bytes in Git LFS.
    bytes: u64,
}

/// Counts what a folder of a revision holds.
#[utoipa::path(get, path = "/api/v1/datasets/{owner}/{dataset}/summary/{revision}", tag = "files",
    params(("revision" = String, Path, description = "A branch, a tag or an id, each with `~n`, `^n`."), Where),
    responses((status = 200, description = "How much there is.", body = Summary)))]
async fn summary(
    State(app): State<App>,
    visitor: Visitor,
    segments: Segments,
    Parameters(asked): Parameters<Where>,
) -> Result<Json<Summary>> {
    let grant: Grant<Read> = app.access.authorize(&visitor.actor, &visitor.path).await?;
    let path = asked.path.as_deref().map(|path| path.strip_suffix('/').unwrap_or(path));
    let path = path.filter(|path| !path.is_empty()).map(file_path).transpose()?;
    let found = app.drive.summary(&grant, segments.get("revision"), path).await?;
    visitor.charge(usize::try_from(found.whole.files / 100).unwrap_or(usize::MAX));
    let mut folders: Vec<FolderSummary> = found
        .folders
        .iter()
        .map(|(path, weight)| FolderSummary { path: path.clone(), files: weight.files, bytes: weight.bytes })
        .collect();
    folders.sort_by_key(|folder| std::cmp::Reverse(folder.bytes));
    folders.truncate(FOLDERS);
    Ok(Json(Summary { files: found.whole.files, bytes: found.whole.bytes, folders }))
}

/// Counts the revisions of each week.
///
/// The weeks come in order, also those without any. Of the default branch, the newest 10,000 revisions are counted.
#[utoipa::path(get, path = "/api/v1/datasets/{owner}/{dataset}/activity", tag = "revisions", params(Span),
    responses((status = 200, description = "The weeks.", body = Items<Week>)))]
async fn activity(
    State(app): State<App>,
    grant: Grant<Read>,
    Parameters(span): Parameters<Span>,
) -> Result<Json<Items<Week>>> {
    let weeks = match span.weeks {
        None => 52,
        Some(weeks @ 1..=WEEKS) => weeks,
        Some(_) => return Err(Error::invalid(format!("`weeks` is between 1 and {WEEKS}"))),
    };
    let found = app.drive.activity(&grant, weeks).await?;
    let items = found.iter().map(|week| Week { week: day(&week.begins.rfc3339()), revisions: week.revisions });
    Ok(Json(Items { items: items.collect(), next_cursor: None }))
}

/// Tells how the storage of a dataset grew, by the days on which something came.
///
/// It is about what the dataset holds today: what was removed since then is not in it.
#[utoipa::path(get, path = "/api/v1/datasets/{owner}/{dataset}/growth", tag = "datasets",
    responses((status = 200, description = "The days.", body = Items<Growth>)))]
async fn growth(State(app): State<App>, grant: Grant<Read>) -> Result<Json<Items<Growth>>> {
    let found = app.storage.growth(&grant).await?;
    let items = found.into_iter().map(|(at, bytes)| Growth { at: day(&at.rfc3339()), bytes });
    Ok(Json(Items { items: items.collect(), next_cursor: None }))
}

/// The day of a moment.
fn day(moment: &str) -> String {
    moment.split('T').next().unwrap_or_default().to_owned()
}
