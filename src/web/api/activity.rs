//! What happened in a dataset (`…/events`), and in all datasets that concern the caller (`/api/v1/events`).

use axum::extract::State;
use axum::response::Response;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::common::{Items, Page, PageUrl, avatar_url};
use crate::access::{DatasetGrant, Read};
use crate::app::App;
use crate::discussions::ActivityRow;
use crate::error::Result;
use crate::types::{ActivityKind, DiscussionKind, Id};
use crate::web::http::{AuthedActor, Parameters, Routes, routes};

/// The maximum number of entries on a page.
const PAGE: usize = 100;

pub(super) fn routes(routes: Routes) -> Routes {
    routes.document(routes!(of_dataset)).document(routes!(of_caller))
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct EventQuery {
    /// The maximum number of items to return.
    #[param(minimum = 1, maximum = 100, default = 100)]
    limit: Option<usize>,
    /// The `next_cursor` of the previous page.
    cursor: Option<String>,
}

impl EventQuery {
    fn limit(&self) -> Result<usize> {
        Page::checked(self.limit, PAGE)
    }

    fn before(&self) -> Result<Option<Id>> {
        let cursor = self.cursor.as_deref().filter(|cursor| !cursor.is_empty());
        cursor.map(|cursor| cursor.parse::<Id>().map_err(|_| Page::bad_cursor())).transpose()
    }
}

/// Something that happened in a dataset.
#[derive(Serialize, ToSchema)]
struct DatasetEvent {
    /// The id of the entry.
    id: String,
    /// The dataset, as `owner/name`.
    dataset: String,
    /// What happened.
    r#type: ActivityKind,
    /// The user who did it; null without an account.
    author: Option<String>,
    /// The URL of the user's avatar; null for none.
    author_avatar: Option<String>,
    /// When it happened (RFC 3339).
    #[schema(format = DateTime)]
    created: String,
    /// The title of the discussion; of a version or a release, the first line of the message of the revision, shortened, and
    /// empty for some seconds, until it has been read.
    title: String,
    /// The number of the discussion; only of one.
    #[serde(skip_serializing_if = "Option::is_none")]
    number: Option<i64>,
    /// Discussion or proposal; only of one.
    #[serde(skip_serializing_if = "Option::is_none")]
    discussion: Option<DiscussionKind>,
    /// The id of the revision; of a version, a release or a merge. After the history of a branch was rewritten, it may not exist
    /// any more.
    #[serde(skip_serializing_if = "Option::is_none")]
    revision: Option<String>,
    /// The name of the author in the revision; of a version or a release.
    #[serde(skip_serializing_if = "Option::is_none")]
    signature: Option<String>,
    /// The id of the version before it; absent for the first one.
    #[serde(skip_serializing_if = "Option::is_none")]
    before: Option<String>,
    /// The name of the tag; of a release.
    #[serde(skip_serializing_if = "Option::is_none")]
    tag: Option<String>,
}

impl From<ActivityRow> for DatasetEvent {
    fn from(row: ActivityRow) -> Self {
        let avatar = row.author_avatar.as_deref();
        Self {
            id: row.id.to_string(),
            dataset: format!("{}/{}", row.owner_name, row.dataset_name),
            r#type: row.kind,
            author_avatar: row.author_name.as_deref().and_then(|author| avatar_url(author, avatar)),
            author: row.author_name,
            created: row.created_at.rfc3339(),
            title: row.title,
            number: row.number,
            discussion: row.discussion_kind,
            revision: row.revision,
            signature: Some(row.signature).filter(|name| !name.is_empty()),
            before: row.before,
            tag: row.tag,
        }
    }
}

fn page(here: &PageUrl, (rows, next): (Vec<ActivityRow>, Option<Id>)) -> Response {
    here.page(rows.into_iter().map(DatasetEvent::from).collect(), next.map(|id| id.to_string()))
}

/// Lists what happened in the dataset, newest first: new versions of the default branch, releases (tags), and discussions and
/// proposals that were opened, commented on, closed and merged. The newest 1,000 entries are kept, for a year.
#[utoipa::path(get, path = "/api/v1/datasets/{owner}/{dataset}/events", tag = "datasets", params(EventQuery),
    responses((status = 200, description = "What happened.", body = Items<DatasetEvent>)))]
async fn of_dataset(
    State(app): State<App>,
    grant: DatasetGrant<Read>,
    Parameters(asked): Parameters<EventQuery>,
    here: PageUrl,
) -> Result<Response> {
    Ok(page(&here, app.discussions.activity(&grant, asked.before()?, asked.limit()?).await?))
}

/// Lists what happened in the datasets that the caller owns, alone or as a member of an organisation, follows or has starred,
/// newest first. Datasets that the caller cannot read now are left out, so that a page can have fewer items than its limit
/// without being the last one.
#[utoipa::path(get, path = "/api/v1/events", tag = "datasets", params(EventQuery),
    responses((status = 200, description = "What happened.", body = Items<DatasetEvent>)))]
async fn of_caller(
    State(app): State<App>,
    caller: AuthedActor,
    Parameters(asked): Parameters<EventQuery>,
    here: PageUrl,
) -> Result<Response> {
    let limit = asked.limit()?;
    caller.charge(limit);
    Ok(page(&here, app.discussions.activity_for(&caller.actor, asked.before()?, limit).await?))
}
