//! Discussions and proposals (pull requests) of a dataset: `…/discussions`.

use axum::Json;
use axum::extract::State;
use axum::response::Response;
use metastore::ObjectId;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::common::{Body, Items, Page, PageUrl, avatar_url, created, known_id};
use super::shapes;
use crate::access::{DatasetGrant, ParticipantGrant, Read};
use crate::app::App;
use crate::discussions::{DiscussionEventRow, DiscussionFilter, DiscussionRow, NewDiscussion as New, ProposalRange};
use crate::error::{Error, Result};
use crate::types::{CommentText, DiscussionEventKind, DiscussionKind, DiscussionState, Millis, OwnerName};
use crate::web::http::{Parameters, Routes, Segments, routes, segment};

/// The maximum number of events on a page: each may have 64 KiB of text.
const EVENTS: usize = 100;

pub(super) fn routes(routes: Routes) -> Routes {
    routes
        .document(routes!(list, create))
        .document(routes!(show, update))
        .document(routes!(events))
        .document(routes!(comment))
        .document(routes!(edit_comment, hide_comment))
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct DiscussionQuery {
    /// Only those of this kind.
    #[param(value_type = Option<DiscussionKind>)]
    kind: Option<String>,
    /// Only those in this state.
    #[param(value_type = Option<DiscussionState>)]
    state: Option<String>,
    /// Only those opened by this user.
    #[param(value_type = Option<shapes::OwnerName>)]
    author: Option<String>,
    /// Only those whose title contains this text.
    q: Option<String>,
}

/// A discussion or a proposal.
#[derive(Serialize, ToSchema)]
pub(super) struct Discussion {
    /// Its number; discussions and proposals of a dataset have one numbering.
    number: i64,
    /// What it is.
    kind: DiscussionKind,
    /// The title.
    title: String,
    /// The user who opened it; null if the account was deleted.
    author: Option<String>,
    /// The URL of the author's avatar; null for none.
    author_avatar: Option<String>,
    /// Open, closed or merged.
    state: DiscussionState,
    /// The number of comments, hidden ones included.
    comments: i64,
    /// When it was opened (RFC 3339).
    #[schema(format = DateTime)]
    created: String,
    /// The time of the last event (RFC 3339).
    #[schema(format = DateTime)]
    updated: String,
    /// When it was closed or merged (RFC 3339).
    #[schema(format = DateTime)]
    #[serde(skip_serializing_if = "Option::is_none")]
    closed: Option<String>,
    /// The branches; only of a proposal.
    #[serde(skip_serializing_if = "Option::is_none")]
    proposal: Option<Proposal>,
}

/// The branches of a proposal.
#[derive(Serialize, ToSchema)]
struct Proposal {
    /// The branch to merge.
    source: String,
    /// The branch to merge into.
    target: String,
    /// The id of the revision of the target branch that the merge created.
    #[serde(skip_serializing_if = "Option::is_none")]
    merged_revision: Option<String>,
    /// What to compare to see the changes; not in lists.
    #[serde(skip_serializing_if = "Option::is_none")]
    compare: Option<Compare>,
}

/// Two revisions to compare.
#[derive(Serialize, ToSchema)]
struct Compare {
    /// The id of the common ancestor of both branches.
    from: String,
    /// The id of the newest revision of the source branch; of a merged proposal, of the one that was merged.
    to: String,
    /// The URL of the comparison.
    url: String,
}

fn author_avatar(author: Option<&str>, digest: Option<&str>) -> Option<String> {
    author.and_then(|author| avatar_url(author, digest))
}

impl From<DiscussionRow> for Discussion {
    fn from(row: DiscussionRow) -> Self {
        let short = |name: String| name.strip_prefix("refs/heads/").map_or(name.clone(), str::to_owned);
        let proposal = row.source.zip(row.target).map(|(source, target)| Proposal {
            source: short(source),
            target: short(target),
            merged_revision: row.merged,
            compare: None,
        });
        Self {
            number: row.number,
            kind: row.kind,
            title: row.title,
            author_avatar: author_avatar(row.author_name.as_deref(), row.author_avatar.as_deref()),
            author: row.author_name,
            state: row.state,
            comments: row.comments,
            created: row.created_at.rfc3339(),
            updated: row.updated_at.rfc3339(),
            closed: row.closed_at.map(Millis::rfc3339),
            proposal,
        }
    }
}

/// An event in a discussion.
#[derive(Serialize, ToSchema)]
struct DiscussionEvent {
    /// The id of the event.
    id: String,
    /// Its number in the discussion.
    number: i64,
    /// What happened.
    r#type: DiscussionEventKind,
    /// The user; null if the account was deleted.
    author: Option<String>,
    /// The URL of the author's avatar; null for none.
    author_avatar: Option<String>,
    /// When it happened (RFC 3339).
    #[schema(format = DateTime)]
    created: String,
    /// The text of a comment, in Markdown, as it was written: a client that shows it as HTML must remove scripts. Absent if the
    /// comment is hidden.
    #[serde(skip_serializing_if = "Option::is_none")]
    body: Option<String>,
    /// When the comment was last changed (RFC 3339).
    #[schema(format = DateTime)]
    #[serde(skip_serializing_if = "Option::is_none")]
    edited: Option<String>,
    /// True for a comment whose text was removed.
    hidden: bool,
    /// The former title, state, or name of the branch.
    #[serde(skip_serializing_if = "Option::is_none")]
    before: Option<String>,
    /// The new title, state, or name of the branch, which is absent if the branch was deleted; for a merge, the revision
    /// that it created.
    #[serde(skip_serializing_if = "Option::is_none")]
    after: Option<String>,
}

impl From<DiscussionEventRow> for DiscussionEvent {
    fn from(row: DiscussionEventRow) -> Self {
        let hidden = row.hidden_at.is_some();
        let is_comment = row.kind == DiscussionEventKind::Comment;
        Self {
            id: row.id.to_string(),
            number: row.number,
            r#type: row.kind,
            author_avatar: author_avatar(row.author_name.as_deref(), row.author_avatar.as_deref()),
            author: row.author_name,
            created: row.created_at.rfc3339(),
            body: (is_comment && !hidden).then_some(row.body),
            edited: row.edited_at.map(Millis::rfc3339),
            hidden,
            before: row.before,
            after: row.after,
        }
    }
}

/// A new discussion or proposal.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewDiscussion {
    /// The title: one line of at most 200 characters.
    #[schema(value_type = shapes::DiscussionTitle, example = "Units of the second table")]
    title: String,
    /// The first comment, in Markdown; at most 64 KiB.
    body: Option<String>,
    /// The branch to merge: this makes it a proposal. Requires write access.
    #[schema(value_type = Option<shapes::BranchName>)]
    source: Option<String>,
    /// The branch to merge into. Default: the default branch.
    #[schema(value_type = Option<shapes::BranchName>)]
    target: Option<String>,
}

/// Changes to a discussion. Omitted fields stay as they are.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct DiscussionUpdate {
    /// The new title.
    #[schema(value_type = Option<shapes::DiscussionTitle>)]
    title: Option<String>,
    /// `closed`, or `open` to open it again.
    #[schema(value_type = Option<DiscussionState>)]
    state: Option<String>,
    /// A comment to add before the state changes, in Markdown; only with `state`.
    comment: Option<String>,
}

/// A comment.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewComment {
    /// The text, in Markdown; at most 64 KiB.
    #[schema(min_length = 1)]
    body: String,
}

/// Lists discussions and proposals, newest first.
#[utoipa::path(get, path = "/api/v1/datasets/{owner}/{dataset}/discussions", tag = "discussions",
    params(DiscussionQuery, Page),
    responses((status = 200, description = "The discussions.", body = Items<Discussion>)))]
async fn list(
    State(app): State<App>,
    grant: DatasetGrant<Read>,
    Parameters(asked): Parameters<DiscussionQuery>,
    Parameters(page): Parameters<Page>,
    here: PageUrl,
) -> Result<Response> {
    let limit = page.limit()?;
    let before = page.cursor().map(|cursor| cursor.parse::<i64>().map_err(|_| Page::bad_cursor())).transpose()?;
    let author = asked.author.as_deref().map(str::parse::<OwnerName>).transpose()?;
    if asked.q.as_ref().is_some_and(|text| text.len() > 1000 || text.contains(char::is_control)) {
        return Err(Error::invalid("`q` is a text of at most 1,000 bytes without control characters"));
    }
    let filter = DiscussionFilter {
        kind: asked.kind.as_deref().map(str::parse).transpose()?,
        state: asked.state.as_deref().map(str::parse).transpose()?,
        ended: false,
        author: author.as_ref().map(OwnerName::as_str),
        title: asked.q.as_deref().filter(|text| !text.is_empty()),
    };
    let mut rows = app.discussions.list(&grant, &filter, before, 0, limit + 1).await?;
    let next = rows.get(limit).is_some().then(|| rows[limit - 1].number.to_string());
    rows.truncate(limit);
    Ok(here.page(rows.into_iter().map(Discussion::from).collect(), next))
}

/// Opens a discussion, or with `source` a proposal to merge a branch. Requires an account; read-only tokens and applications
/// cannot do it.
#[utoipa::path(post, path = "/api/v1/datasets/{owner}/{dataset}/discussions", tag = "discussions",
    request_body = NewDiscussion, responses((status = 201, description = "The discussion.", body = Discussion)))]
async fn create(State(app): State<App>, by: ParticipantGrant, Body(asked): Body<NewDiscussion>) -> Result<Response> {
    let new = New { title: asked.title.parse()?, body: CommentText::optional(asked.body.as_deref())? };
    let row = match (&asked.source, &asked.target) {
        (Some(source), target) => app.discussions.propose(&by, &new, source, target.as_deref()).await?,
        (None, None) => app.discussions.open(&by, &new).await?,
        (None, Some(_)) => return Err(Error::invalid("a proposal needs `source`, the branch to merge")),
    };
    let location = format!("{}/discussions/{}", place(by.grant()), row.number);
    Ok(created(&location, whole(&app, by.grant(), row).await?))
}

/// Returns a discussion or proposal. Its comments are in `…/events`.
#[utoipa::path(get, path = "/api/v1/datasets/{owner}/{dataset}/discussions/{number}", tag = "discussions",
    params(("number" = i64, Path, description = "The number of the discussion.")),
    responses((status = 200, description = "The discussion.", body = Discussion)))]
async fn show(State(app): State<App>, grant: DatasetGrant<Read>, segments: Segments) -> Result<Json<Discussion>> {
    let row = app.discussions.show(&grant, number(&segments)?).await?;
    Ok(Json(whole(&app, &grant, row).await?))
}

/// Changes the title of a discussion, closes it, or opens it again. Requires that the caller opened it, or write access.
#[utoipa::path(patch, path = "/api/v1/datasets/{owner}/{dataset}/discussions/{number}", tag = "discussions",
    params(("number" = i64, Path, description = "The number of the discussion.")), request_body = DiscussionUpdate,
    responses((status = 200, description = "The discussion.", body = Discussion)))]
async fn update(
    State(app): State<App>,
    by: ParticipantGrant,
    segments: Segments,
    Body(asked): Body<DiscussionUpdate>,
) -> Result<Json<Discussion>> {
    let number = number(&segments)?;
    let title = asked.title.as_deref().map(str::parse).transpose()?;
    let state = asked.state.as_deref().map(str::parse).transpose()?;
    let comment = CommentText::optional(asked.comment.as_deref())?;
    if title.is_none() && state.is_none() {
        return Err(Error::invalid("nothing to change; set `title`, `state`, or both"));
    }
    if comment.is_some() && state.is_none() {
        return Err(Error::invalid("`comment` is for a change of `state`; to add a comment, use `…/comments`"));
    }
    if let Some(title) = &title {
        app.discussions.rename(&by, number, title).await?;
    }
    if let Some(state) = state {
        app.discussions.set_state(&by, number, state, comment.as_ref()).await?;
    }
    let row = app.discussions.show(by.grant(), number).await?;
    Ok(Json(whole(&app, by.grant(), row).await?))
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct EventPage {
    /// The maximum number of items to return.
    #[param(minimum = 1, maximum = 100, default = 100)]
    limit: Option<usize>,
    /// The `next_cursor` of the previous page.
    cursor: Option<String>,
}

/// Lists the comments of a discussion, and changes of its title, state and branches, oldest first.
#[utoipa::path(get, path = "/api/v1/datasets/{owner}/{dataset}/discussions/{number}/events", tag = "discussions",
    params(("number" = i64, Path, description = "The number of the discussion."), EventPage),
    responses((status = 200, description = "The events.", body = Items<DiscussionEvent>)))]
async fn events(
    State(app): State<App>,
    grant: DatasetGrant<Read>,
    segments: Segments,
    Parameters(page): Parameters<EventPage>,
    here: PageUrl,
) -> Result<Response> {
    let limit = Page::checked(page.limit, EVENTS)?;
    let after = page.cursor.as_deref().filter(|cursor| !cursor.is_empty());
    let after = after.map(|cursor| cursor.parse::<i64>().map_err(|_| Page::bad_cursor())).transpose()?;
    let mut rows = app.discussions.events(&grant, number(&segments)?, after.unwrap_or_default(), limit + 1).await?;
    let next = rows.get(limit).is_some().then(|| rows[limit - 1].number.to_string());
    rows.truncate(limit);
    Ok(here.page(rows.into_iter().map(DiscussionEvent::from).collect(), next))
}

/// Adds a comment. Requires an account; read-only tokens and applications cannot do it.
#[utoipa::path(post, path = "/api/v1/datasets/{owner}/{dataset}/discussions/{number}/comments", tag = "discussions",
    params(("number" = i64, Path, description = "The number of the discussion.")), request_body = NewComment,
    responses((status = 201, description = "The comment.", body = DiscussionEvent)))]
async fn comment(
    State(app): State<App>,
    by: ParticipantGrant,
    segments: Segments,
    Body(asked): Body<NewComment>,
) -> Result<Response> {
    let number = number(&segments)?;
    let event = app.discussions.comment(&by, number, &asked.body.parse()?).await?;
    let location = format!("{}/discussions/{number}/events", place(by.grant()));
    Ok(created(&location, DiscussionEvent::from(event)))
}

/// Replaces the text of a comment of one's own.
#[utoipa::path(patch, path = "/api/v1/datasets/{owner}/{dataset}/discussions/{number}/comments/{comment}",
    tag = "discussions",
    params(("number" = i64, Path, description = "The number of the discussion."),
           ("comment" = String, Path, description = "The id of the comment.")),
    request_body = NewComment, responses((status = 200, description = "The comment.", body = DiscussionEvent)))]
async fn edit_comment(
    State(app): State<App>,
    by: ParticipantGrant,
    segments: Segments,
    Body(asked): Body<NewComment>,
) -> Result<Json<DiscussionEvent>> {
    let id = known_id(segments.get("comment"))?;
    Ok(Json(app.discussions.edit_comment(&by, number(&segments)?, id, &asked.body.parse()?).await?.into()))
}

/// Hides a comment: its text is deleted. Requires that the caller wrote it, or owner rights.
#[utoipa::path(delete, path = "/api/v1/datasets/{owner}/{dataset}/discussions/{number}/comments/{comment}",
    tag = "discussions",
    params(("number" = i64, Path, description = "The number of the discussion."),
           ("comment" = String, Path, description = "The id of the comment.")),
    responses((status = 200, description = "The comment, without its text.", body = DiscussionEvent)))]
async fn hide_comment(
    State(app): State<App>,
    by: ParticipantGrant,
    segments: Segments,
) -> Result<Json<DiscussionEvent>> {
    let id = known_id(segments.get("comment"))?;
    Ok(Json(app.discussions.hide_comment(&by, number(&segments)?, id).await?.into()))
}

/// Returns a discussion with what to compare.
pub(super) async fn whole(app: &App, grant: &DatasetGrant<Read>, row: DiscussionRow) -> Result<Discussion> {
    let range = match row.kind {
        DiscussionKind::Proposal => app.discussions.range(grant, &row).await?,
        DiscussionKind::Discussion => ProposalRange { base: None, head: None },
    };
    let mut shown = Discussion::from(row);
    if let (Some(proposal), Some(from), Some(to)) = (&mut shown.proposal, range.base, range.head) {
        let (from, to) = (ObjectId::to_string(&from), ObjectId::to_string(&to));
        let url = format!("{}/diff?from={from}&to={to}", place(grant));
        proposal.compare = Some(Compare { from, to, url });
    }
    Ok(shown)
}

/// Returns the URL of the dataset in this API.
fn place(grant: &DatasetGrant<Read>) -> String {
    let row = grant.dataset();
    format!("/api/v1/datasets/{}/{}", segment(&row.owner_name), segment(&row.name))
}

/// Returns the number in the URL.
///
/// # Errors
/// Not found if it is not a positive number.
pub(super) fn number(segments: &Segments) -> Result<i64> {
    let text = segments.get("number");
    let number = text.parse().ok().filter(|number| *number > 0);
    number.ok_or_else(|| Error::not_found(format!("there is no discussion `{}`", text.escape_debug())))
}
