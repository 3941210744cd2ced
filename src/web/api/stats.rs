//! Dataset statistics for charts: `…/summary`, `…/activity` and `…/growth`.

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::common::Items;
use super::tree::file_path;
use crate::access::{DatasetGrant, Read};
use crate::app::App;
use crate::error::{Error, Result};
use crate::web::http::{DatasetRequest, Parameters, Routes, Segments, routes};

pub(super) fn routes(routes: Routes) -> Routes {
    routes.document(routes!(summary)).document(routes!(activity)).document(routes!(growth))
}

/// The maximum number of folders in a summary.
const FOLDERS: usize = 100;

/// The maximum number of weeks.
const WEEKS: u16 = 520;

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct StatsQuery {
    /// The path of the folder. Default: the root.
    path: Option<String>,
}

/// The size of a folder, including its subfolders.
#[derive(Serialize, ToSchema)]
struct Summary {
    /// The number of files.
    files: u64,
    /// The total size of the files in bytes; for files in Git LFS, that of their content.
    bytes: u64,
    /// The immediate subfolders, largest first; at most 100.
    folders: Vec<FolderSummary>,
}

/// The size of a subfolder, including its own subfolders.
#[derive(Serialize, ToSchema)]
struct FolderSummary {
    /// The path of the folder.
    path: String,
    /// The number of files.
    files: u64,
    /// The total size of the files in bytes.
    bytes: u64,
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct PeriodQuery {
    /// The number of weeks, including the current one.
    #[param(minimum = 1, maximum = 520, default = 52)]
    weeks: Option<u16>,
}

/// The number of revisions in a week.
#[derive(Serialize, ToSchema)]
struct Week {
    /// The Monday of the week, in UTC.
    #[schema(format = Date)]
    week: String,
    /// The number of revisions added to the default branch.
    revisions: u64,
}

/// The storage used by a dataset at the end of a day.
#[derive(Serialize, ToSchema)]
struct Growth {
    /// The day, in UTC.
    #[schema(format = Date)]
    at: String,
    /// Bytes in Git LFS.
    bytes: u64,
}

/// Returns the number and size of the files in a folder of a revision.
#[utoipa::path(get, path = "/api/v1/datasets/{owner}/{dataset}/summary/{revision}", tag = "files",
    params(("revision" = String, Path, description = "A branch, a tag or a commit id, optionally with `~n` or `^n`."),
        StatsQuery),
    responses((status = 200, description = "The summary.", body = Summary)))]
async fn summary(
    State(app): State<App>,
    visitor: DatasetRequest,
    segments: Segments,
    Parameters(asked): Parameters<StatsQuery>,
) -> Result<Json<Summary>> {
    let grant: DatasetGrant<Read> = app.access.authorize(&visitor.actor, &visitor.path).await?;
    let path = asked.path.as_deref().map(|path| path.strip_suffix('/').unwrap_or(path));
    let path = path.filter(|path| !path.is_empty()).map(file_path).transpose()?;
    let found = app.datasets.summary(&grant, segments.get("revision"), path).await?;
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

/// Returns the number of revisions per week.
///
/// Weeks are in order and include those without revisions. Only the newest 10,000 revisions of the default branch are
/// counted.
#[utoipa::path(get, path = "/api/v1/datasets/{owner}/{dataset}/activity", tag = "revisions", params(PeriodQuery),
    responses((status = 200, description = "The weeks.", body = Items<Week>)))]
async fn activity(
    State(app): State<App>,
    grant: DatasetGrant<Read>,
    Parameters(span): Parameters<PeriodQuery>,
) -> Result<Json<Items<Week>>> {
    let weeks = match span.weeks {
        None => 52,
        Some(weeks @ 1..=WEEKS) => weeks,
        Some(_) => return Err(Error::invalid(format!("`weeks` must be between 1 and {WEEKS}"))),
    };
    let found = app.datasets.activity(&grant, weeks).await?;
    let items = found.iter().map(|week| Week { week: day(&week.begins.rfc3339()), revisions: week.revisions });
    Ok(Json(Items { items: items.collect(), next_cursor: None }))
}

/// Returns how the storage of a dataset grew over time.
///
/// There is one item per day on which objects were added. Only objects that the dataset still holds are counted.
#[utoipa::path(get, path = "/api/v1/datasets/{owner}/{dataset}/growth", tag = "datasets",
    responses((status = 200, description = "The days.", body = Items<Growth>)))]
async fn growth(State(app): State<App>, grant: DatasetGrant<Read>) -> Result<Json<Items<Growth>>> {
    let found = app.storage.growth(&grant).await?;
    let items = found.into_iter().map(|(at, bytes)| Growth { at: day(&at.rfc3339()), bytes });
    Ok(Json(Items { items: items.collect(), next_cursor: None }))
}

/// Returns the date of a timestamp.
fn day(moment: &str) -> String {
    moment.split('T').next().unwrap_or_default().to_owned()
}
