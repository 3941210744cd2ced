//! Tags (`…/tags`): permanent names of revisions.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::common::{Body, CommitAuthor, Items, Page, PageUrl, created, moment, name_of};
use super::shapes;
use crate::access::{DatasetGrant, Read, Write};
use crate::app::App;
use crate::datasets::refs;
use crate::error::Result;
use crate::web::http::{Parameters, Routes, Segments, routes, segment};

pub(super) fn routes(routes: Routes) -> Routes {
    routes.document(routes!(list, create)).document(routes!(show, update, delete))
}

/// A tag.
#[derive(Serialize, ToSchema)]
struct Tag {
    /// The name of the tag.
    name: String,
    /// The id of the tagged revision.
    revision: String,
    /// When the tag was created (RFC 3339).
    #[schema(format = DateTime)]
    created: String,
    /// The author of the tag.
    author: CommitAuthor,
    /// The message of the tag.
    description: String,
}

impl From<&refs::Tag> for Tag {
    fn from(tag: &refs::Tag) -> Self {
        Self {
            name: tag.name.clone(),
            revision: tag.revision.id.to_string(),
            created: moment(&tag.tagger),
            author: (&tag.tagger).into(),
            description: tag.description.clone(),
        }
    }
}

/// A new tag.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewTag {
    /// The name: letters, digits and `_ + . , / -`.
    #[schema(value_type = shapes::TagName, example = "v1.0")]
    name: String,
    /// The revision to tag. Default: the newest revision of the default branch.
    revision: Option<String>,
    /// The message of the tag.
    description: Option<String>,
    /// The author of the tag. Default: the caller.
    author: Option<CommitAuthor>,
}

/// Changes to a tag. Omitted fields stay as they are.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct TagUpdate {
    /// The new name.
    #[schema(value_type = Option<shapes::TagName>)]
    name: Option<String>,
    /// The new message.
    description: Option<String>,
    /// The new author. If omitted, author and time stay as they are.
    author: Option<CommitAuthor>,
}

/// Lists tags, oldest first.
#[utoipa::path(get, path = "/api/v1/datasets/{owner}/{dataset}/tags", tag = "tags", params(Page),
    responses((status = 200, description = "The tags.", body = Items<Tag>)))]
async fn list(
    State(app): State<App>,
    grant: DatasetGrant<Read>,
    Parameters(page): Parameters<Page>,
    here: PageUrl,
) -> Result<Response> {
    let limit = page.limit()?;
    let key = |tag: &refs::Tag| format!("{}.{}.{}", tag.times().0, tag.times().1, hex::encode(&tag.name));
    let after = match page.cursor() {
        None => None,
        Some(cursor) => {
            let mut parts = cursor.splitn(3, '.');
            let mut next = || parts.next().ok_or_else(Page::bad_cursor);
            let seconds = |text: &str| text.parse::<i64>().map_err(|_| Page::bad_cursor());
            Some(((seconds(next()?)?, seconds(next()?)?), name_of(next()?)?))
        }
    };
    let tags = app.datasets.tags(&grant).await?;
    let tags = match after {
        None => &tags[..],
        Some((times, name)) => &tags[tags.partition_point(|tag| tag.age(times, &name).is_le())..],
    };
    let next = tags.get(limit).is_some().then(|| key(&tags[limit - 1]));
    Ok(here.page(tags.iter().take(limit).map(Tag::from).collect(), next))
}

/// Creates a tag.
#[utoipa::path(post, path = "/api/v1/datasets/{owner}/{dataset}/tags", tag = "tags", request_body = NewTag,
    responses((status = 201, description = "The tag.", body = Tag)))]
async fn create(State(app): State<App>, grant: DatasetGrant<Write>, Body(new): Body<NewTag>) -> Result<Response> {
    let author = new.author.map(Into::into).unwrap_or_default();
    let tag = refs::NewTag { name: new.name, revision: new.revision, description: new.description, author };
    let tag = app.datasets.create_tag(&grant, tag).await?;
    let row = grant.dataset();
    let (owner, name) = (segment(&row.owner_name), segment(&row.name));
    Ok(created(&format!("/api/v1/datasets/{owner}/{name}/tags/{}", segment(&tag.name)), Tag::from(&tag)))
}

/// Returns a tag.
#[utoipa::path(get, path = "/api/v1/datasets/{owner}/{dataset}/tags/{tag}", tag = "tags",
    params(("tag" = shapes::TagName, Path, description = "The name of the tag.")),
    responses((status = 200, description = "The tag.", body = Tag)))]
async fn show(State(app): State<App>, grant: DatasetGrant<Read>, segments: Segments) -> Result<Json<Tag>> {
    Ok(Json((&app.datasets.tag(&grant, segments.get("tag")).await?).into()))
}

/// Changes the name or message of a tag. It stays on the same revision.
#[utoipa::path(patch, path = "/api/v1/datasets/{owner}/{dataset}/tags/{tag}", tag = "tags", request_body = TagUpdate,
    params(("tag" = shapes::TagName, Path, description = "The name of the tag.")),
    responses((status = 200, description = "The tag.", body = Tag)))]
async fn update(
    State(app): State<App>,
    grant: DatasetGrant<Write>,
    segments: Segments,
    Body(update): Body<TagUpdate>,
) -> Result<Json<Tag>> {
    let author = update.author.map(Into::into);
    let change = refs::TagChange { name: update.name, description: update.description, author };
    Ok(Json((&app.datasets.update_tag(&grant, segments.get("tag"), change).await?).into()))
}

/// Deletes a tag. The revision is kept.
#[utoipa::path(delete, path = "/api/v1/datasets/{owner}/{dataset}/tags/{tag}", tag = "tags",
    params(("tag" = shapes::TagName, Path, description = "The name of the tag.")),
    responses((status = 204, description = "The tag was deleted.")))]
async fn delete(State(app): State<App>, grant: DatasetGrant<Write>, segments: Segments) -> Result<StatusCode> {
    app.datasets.delete_tag(&grant, segments.get("tag")).await?;
    Ok(StatusCode::NO_CONTENT)
}
