//! Sharing (`…/shares` and `/shares`): access to files, folders and datasets for users, groups, e-mail addresses and
//! links.

mod requests;

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use metastore::EntryKind;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use self::requests::{FileRequest, FileRequestUpdate, NewFileRequest, PatchField};
use super::common::{Body, Items, Page, PageUrl, created};
use super::shapes;
use super::tree::file_path;
use crate::access::{SessionGrant, ShareGrant};
use crate::app::App;
use crate::error::{Error, Result};
use crate::share::{self, Grantee, Patch, RequestUpdate, ShareRow};
use crate::types::{Id, Millis, OwnerName, Secret, ShareKind, ShareRight};
use crate::web::http::{AuthedActor, BaseUrl, Parameters, Routes, Segments, routes, segment};

pub(super) fn routes(routes: Routes) -> Routes {
    routes
        .document(routes!(list, create))
        .document(routes!(show, update, delete))
        .document(routes!(received))
        .document(routes!(unseen))
        .document(routes!(see))
        .document(routes!(given))
}

/// Whom an item is shared with: exactly one of these.
#[derive(Serialize, Deserialize, ToSchema, Default)]
#[serde(deny_unknown_fields)]
struct ShareWith {
    /// The name of a user.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<shapes::OwnerName>)]
    user: Option<String>,
    /// A group of an organisation, as `organisation:group`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<shapes::GroupId>)]
    group: Option<String>,
    /// An e-mail address. The share applies to the account with this address, even if it is created later.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<shapes::EmailAddress>)]
    email: Option<String>,
    /// `true`: anyone with the link.
    #[serde(skip_serializing_if = "Option::is_none")]
    link: Option<bool>,
}

impl ShareWith {
    fn grantee(self) -> Result<Grantee> {
        match self {
            Self { user: Some(user), group: None, email: None, link: None } => Ok(Grantee::User(user.parse()?)),
            Self { user: None, group: Some(group), email: None, link: None } => {
                let (organisation, name) = group.split_once(':').ok_or_else(|| {
                    Error::invalid("must be a group in the form `organisation:group`").of_part("`with.group`")
                })?;
                Ok(Grantee::Group(organisation.parse::<OwnerName>()?, name.to_ascii_lowercase()))
            }
            Self { user: None, group: None, email: Some(email), link: None } => Ok(Grantee::Email(email.parse()?)),
            Self { user: None, group: None, email: None, link: Some(true) } => Ok(Grantee::Link),
            _ => Err(Error::invalid("`with` must have exactly one of `user`, `group`, `email` and `link`: true")),
        }
    }
}

/// A new share.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewShare {
    /// The file or folder to share, in the newest revision of the default branch. Default: the whole dataset.
    #[schema(value_type = Option<shapes::FilePath>)]
    path: Option<String>,
    /// Whom to share with.
    with: ShareWith,
    /// The permission: `view` (see and download), `edit` (also change), or `upload` for a file request: a link by which
    /// others add files to a folder or to the root of the dataset, and see nothing of it.
    #[schema(value_type = ShareRight, example = "view")]
    right: String,
    /// When the share expires (RFC 3339). Default: never.
    #[schema(format = DateTime)]
    expires: Option<String>,
    /// The password of a link; at least 6 characters.
    #[schema(value_type = Option<String>)]
    password: Option<Secret>,
    /// The download limit of a link.
    #[schema(minimum = 1)]
    downloads: Option<u64>,
    /// True if a link also shows the history of the default branch from before it was created.
    #[serde(default)]
    history: bool,
    /// A message to include in the notification e-mail.
    message: Option<String>,
    /// Restricts the share to this app.
    app: Option<String>,
    /// What a file request asks for; required for the permission `upload`.
    request: Option<NewFileRequest>,
    /// True to notify the caller when a link is opened, at most once a day; of a file request, when files arrive.
    #[serde(default)]
    notify: bool,
}

/// Changes to a share. Omitted fields stay as they are.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ShareUpdate {
    /// The new permission.
    #[schema(value_type = Option<ShareRight>)]
    right: Option<String>,
    /// When the share expires (RFC 3339); `null` for never.
    #[serde(default)]
    #[schema(value_type = Option<String>, format = DateTime)]
    expires: PatchField<String>,
    /// The password of a link; `null` for none.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    password: PatchField<Secret>,
    /// The download limit of a link, counted from its creation; `null` for unlimited.
    #[serde(default)]
    #[schema(value_type = Option<u64>, minimum = 1)]
    downloads: PatchField<u64>,
    /// True if a link also shows the history from before it was created.
    history: Option<bool>,
    /// Changes to a file request.
    request: Option<FileRequestUpdate>,
    /// True to notify the creator when a link is opened, or when files arrive.
    notify: Option<bool>,
}

/// Download count of a link.
#[derive(Serialize, ToSchema)]
struct Downloads {
    /// The number of downloads so far.
    used: i64,
    /// The download limit, if any.
    #[serde(skip_serializing_if = "Option::is_none")]
    limit: Option<i64>,
}

/// A share of a file, a folder or a dataset.
#[derive(Serialize, ToSchema)]
struct Share {
    /// The id of the share.
    id: String,
    /// The dataset, as `owner/name`.
    dataset: String,
    /// The owner of the dataset.
    owner: String,
    /// The path of the shared file or folder; empty for the whole dataset.
    path: String,
    /// The type of the shared item.
    r#type: ShareKind,
    /// Whom the item is shared with.
    with: ShareWith,
    /// The permission that the share grants.
    right: ShareRight,
    /// When the share expires (RFC 3339).
    #[schema(format = DateTime)]
    #[serde(skip_serializing_if = "Option::is_none")]
    expires: Option<String>,
    /// True if the link requires a password.
    password: bool,
    /// Download count; only for links to view or edit.
    #[serde(skip_serializing_if = "Option::is_none")]
    downloads: Option<Downloads>,
    /// True if the link also shows the history from before it was created; only for links to view or
    /// edit.
    #[serde(skip_serializing_if = "Option::is_none")]
    history: Option<bool>,
    /// The app that the share is restricted to.
    #[serde(skip_serializing_if = "Option::is_none")]
    app: Option<String>,
    /// True if the creator is notified when the link is opened, or when files arrive; only for links.
    #[serde(skip_serializing_if = "Option::is_none")]
    notify: Option<bool>,
    /// What it asks for; only for file requests.
    #[serde(skip_serializing_if = "Option::is_none")]
    request: Option<FileRequest>,
    /// When the share was created (RFC 3339).
    #[schema(format = DateTime)]
    created: String,
    /// The user who created the share.
    created_by: String,
    /// When the share was last used (RFC 3339), to the hour.
    #[schema(format = DateTime)]
    #[serde(skip_serializing_if = "Option::is_none")]
    last_used: Option<String>,
    /// The URL of a link. Only returned when the link is created and when this share is requested by its id. Absent for
    /// links created by older versions of the server.
    #[serde(skip_serializing_if = "Option::is_none")]
    url: Option<String>,
    /// True if the share is new since the caller last viewed the received shares; only for received shares.
    #[serde(skip_serializing_if = "Option::is_none")]
    is_new: Option<bool>,
}

impl From<ShareRow> for Share {
    fn from(row: ShareRow) -> Self {
        let request = FileRequest::of(&row);
        let group =
            row.organisation_name.zip(row.group_name).map(|(organisation, group)| format!("{organisation}:{group}"));
        let is_request = row.right == ShareRight::Upload;
        let downloads = Downloads { used: row.downloads, limit: row.max_downloads };
        Self {
            id: row.id.to_string(),
            dataset: format!("{}/{}", row.owner_name, row.dataset_name),
            owner: row.owner_name,
            path: row.path,
            r#type: row.kind,
            with: ShareWith { user: row.user_name, group, email: row.email, link: row.is_link.then_some(true) },
            right: row.right,
            expires: row.expires_at.map(Millis::rfc3339),
            password: row.has_password,
            downloads: (row.is_link && !is_request).then_some(downloads),
            history: (row.is_link && !is_request).then_some(row.history),
            notify: row.is_link.then_some(row.notify),
            request,
            app: row.app,
            created: row.created_at.rfc3339(),
            created_by: row.creator,
            last_used: row.last_used_at.map(Millis::rfc3339),
            url: None,
            is_new: None,
        }
    }
}

impl Share {
    /// Adds the URL of the link. Its secret is in the fragment, which neither servers nor logs see.
    fn with_link(self, base: &str, link: Option<&Secret>) -> Self {
        Self { url: link.map(|link| format!("{base}/s#{}", link.expose())), ..self }
    }
}

fn moment(text: &str) -> Result<Millis> {
    let parsed = text.parse::<jiff::Timestamp>().map(|moment| Millis(moment.as_millisecond()));
    parsed.map_err(|_| Error::invalid(format!("`expires` must be a time, such as 2030-01-31T12:00:00Z, not {text:?}")))
}

/// Returns the start of the page, from its cursor.
fn before(page: &Page) -> Result<Option<Id>> {
    page.cursor().map(|cursor| cursor.parse().map_err(|_| Page::bad_cursor())).transpose()
}

/// Shares a file, a folder or the dataset. If it is already shared with the same recipient, that share is updated.
/// Users, group members and e-mail addresses are notified by e-mail.
#[utoipa::path(post, path = "/api/v1/datasets/{owner}/{dataset}/shares", tag = "shares", request_body = NewShare,
    responses((status = 201, description = "The new share, with the URL if it is a link.", body = Share),
              (status = 200, description = "The existing share, updated.", body = Share)))]
async fn create(
    State(app): State<App>,
    sharing: ShareGrant,
    BaseUrl(base): BaseUrl,
    Body(new): Body<NewShare>,
) -> Result<Response> {
    let path = match new.path.as_deref().map(|path| path.trim_end_matches('/')) {
        None | Some("") => None,
        Some(path) => Some(file_path(path).map_err(|error| error.of_part("`path`"))?),
    };
    let newest = app.datasets.newest(&sharing.grant().narrow()).await?;
    let at = newest.map_or_else(|| "HEAD".to_owned(), |newest| newest.to_string());
    let kind = match &path {
        None => ShareKind::Dataset,
        Some(path) => {
            let located = app.datasets.locate(&sharing.grant().narrow().at(path.clone()), Some(&at)).await;
            match located.map_err(|error| error.of_part("`path`"))?.entry.kind {
                EntryKind::Folder => ShareKind::Folder,
                EntryKind::File | EntryKind::Executable | EntryKind::Link => ShareKind::File,
                EntryKind::Submodule => {
                    return Err(Error::invalid(format!("`{path}` is a submodule and cannot be shared")));
                }
            }
        }
    };
    if new.app.as_ref().is_some_and(|app| app.is_empty() || app.len() > 100 || app.chars().any(char::is_control)) {
        return Err(Error::invalid("`app` must be a name of at most 100 characters"));
    }
    let wanted = share::NewShare {
        path,
        kind,
        with: new.with.grantee()?,
        right: new.right.parse()?,
        expires: new.expires.as_deref().map(moment).transpose()?,
        password: new.password,
        downloads: new.downloads,
        history: new.history,
        newest,
        message: new.message,
        app: new.app,
        request: new.request.map(NewFileRequest::terms).transpose()?,
        notify: new.notify,
    };
    let made = app.shares.share(&sharing, wanted).await?;
    let shown = Share::from(made.share).with_link(&base, made.link.as_ref());
    if !made.is_new {
        return Ok(Json(shown).into_response());
    }
    let row = sharing.grant().dataset();
    let (owner, name) = (segment(&row.owner_name), segment(&row.name));
    Ok(created(&format!("/api/v1/datasets/{owner}/{name}/shares/{}", shown.id), shown))
}

/// Lists the shares of a dataset and of its files and folders, newest first.
#[utoipa::path(get, path = "/api/v1/datasets/{owner}/{dataset}/shares", tag = "shares", params(Page),
    responses((status = 200, description = "The shares.", body = Items<Share>)))]
async fn list(
    State(app): State<App>,
    sharing: ShareGrant,
    Parameters(page): Parameters<Page>,
    here: PageUrl,
) -> Result<Response> {
    let limit = page.limit()?;
    let mut rows = app.shares.list(&sharing, before(&page)?, limit + 1).await?;
    let next = rows.get(limit).is_some().then(|| rows[limit - 1].id.to_string());
    rows.truncate(limit);
    Ok(here.page(rows.into_iter().map(Share::from).collect(), next))
}

/// Returns a share, with the URL if it is a link.
#[utoipa::path(get, path = "/api/v1/datasets/{owner}/{dataset}/shares/{share}", tag = "shares",
    params(("share" = String, Path, description = "The id of the share.")),
    responses((status = 200, description = "The share.", body = Share)))]
async fn show(
    State(app): State<App>,
    sharing: ShareGrant,
    BaseUrl(base): BaseUrl,
    segments: Segments,
) -> Result<Response> {
    let (row, link) = app.shares.show(&sharing, id(&segments)?).await?;
    let mut response = Json(Share::from(row).with_link(&base, link.as_ref())).into_response();
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}

/// Changes a share. Links that are already open must be opened again.
#[utoipa::path(patch, path = "/api/v1/datasets/{owner}/{dataset}/shares/{share}", tag = "shares",
    params(("share" = String, Path, description = "The id of the share.")), request_body = ShareUpdate,
    responses((status = 200, description = "The share.", body = Share)))]
async fn update(
    State(app): State<App>,
    sharing: ShareGrant,
    segments: Segments,
    Body(update): Body<ShareUpdate>,
) -> Result<Json<Share>> {
    let change = share::ShareChange {
        right: update.right.as_deref().map(str::parse).transpose()?,
        expires: match update.expires.0 {
            Patch::To(end) => Patch::To(moment(&end)?),
            Patch::Removed => Patch::Removed,
            Patch::Nothing => Patch::Nothing,
        },
        password: update.password.0,
        downloads: update.downloads.0,
        history: update.history,
        request: update.request.map(RequestUpdate::from),
        notify: update.notify,
    };
    Ok(Json(app.shares.change(&sharing, id(&segments)?, change).await?.into()))
}

/// Revokes a share. Everyone who had access through it loses it immediately.
#[utoipa::path(delete, path = "/api/v1/datasets/{owner}/{dataset}/shares/{share}", tag = "shares",
    params(("share" = String, Path, description = "The id of the share.")),
    responses((status = 204, description = "The share was revoked.")))]
async fn delete(State(app): State<App>, sharing: ShareGrant, segments: Segments) -> Result<StatusCode> {
    app.shares.revoke(&sharing, id(&segments)?).await?;
    Ok(StatusCode::NO_CONTENT)
}

fn id(segments: &Segments) -> Result<Id> {
    let text = segments.get("share");
    text.parse().map_err(|_| Error::not_found(format!("there is no share `{}`", text.escape_debug())))
}

/// Lists the shares that the caller received, newest first. A page can have fewer items than its limit without being
/// the last one.
#[utoipa::path(get, path = "/api/v1/shares/received", tag = "shares", params(Page),
    responses((status = 200, description = "The received shares.", body = Items<Share>)))]
async fn received(
    State(app): State<App>,
    caller: AuthedActor,
    Parameters(page): Parameters<Page>,
    here: PageUrl,
) -> Result<Response> {
    let (rows, next) = app.shares.received(&caller.actor, before(&page)?, page.limit()?).await?;
    caller.charge(rows.len());
    let items = rows.into_iter().map(|(row, is_new)| Share { is_new: Some(is_new), ..Share::from(row) });
    Ok(here.page(items.collect(), next.map(|id| id.to_string())))
}

/// The number of new received shares.
#[derive(Serialize, ToSchema)]
struct Unseen {
    /// Shares created since the caller last viewed the received shares; at most 100.
    #[schema(maximum = 100)]
    count: usize,
}

/// Counts the shares received since the caller last viewed them.
#[utoipa::path(get, path = "/api/v1/shares/received/unseen", tag = "shares",
    responses((status = 200, description = "The number of new shares.", body = Unseen)))]
async fn unseen(State(app): State<App>, caller: AuthedActor) -> Result<Json<Unseen>> {
    let count = app.shares.unseen(&caller.actor).await?;
    caller.charge(count);
    Ok(Json(Unseen { count }))
}

/// Marks the received shares as seen. Requires a browser session.
#[utoipa::path(put, path = "/api/v1/shares/received/seen", tag = "shares",
    responses((status = 204, description = "The received shares are marked as seen.")))]
async fn see(State(app): State<App>, seat: SessionGrant) -> Result<StatusCode> {
    app.shares.see(&seat).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Lists the shares that the caller created, for datasets where the caller may still manage shares. Paginated like
/// received shares.
#[utoipa::path(get, path = "/api/v1/shares/given", tag = "shares", params(Page),
    responses((status = 200, description = "The created shares.", body = Items<Share>)))]
async fn given(
    State(app): State<App>,
    caller: AuthedActor,
    Parameters(page): Parameters<Page>,
    here: PageUrl,
) -> Result<Response> {
    let (rows, next) = app.shares.given(&caller.actor, before(&page)?, page.limit()?).await?;
    caller.charge(rows.len());
    Ok(here.page(rows.into_iter().map(Share::from).collect(), next.map(|id| id.to_string())))
}
