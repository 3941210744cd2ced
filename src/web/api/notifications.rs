//! Notifications of a user, what they are notified of, and the datasets that they follow.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::common::{Body, Items, Page, PageUrl, known_id};
use crate::access::{AccountGrant, DatasetGrant, ParticipantGrant, Read};
use crate::app::App;
use crate::discussions::{NotificationRow, SettingRow};
use crate::error::{Error, Result};
use crate::types::{Id, Millis, NotificationEvent, NotificationReason};
use crate::web::http::{AuthedActor, Parameters, Routes, routes};

/// The maximum number of notifications on a page, and of ids in a request.
const PAGE: usize = 100;

pub(super) fn routes(routes: Routes) -> Routes {
    routes
        .document(routes!(list))
        .document(routes!(mark_read))
        .document(routes!(settings, change_settings))
        .document(routes!(following, follow, unfollow))
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct NotificationQuery {
    /// True to return only those that are not marked as read.
    #[serde(default)]
    unread: bool,
    /// The maximum number of items to return.
    #[param(minimum = 1, maximum = 100, default = 100)]
    limit: Option<usize>,
    /// The `next_cursor` of the previous page.
    cursor: Option<String>,
}

/// A notification about a discussion, the use of a share link, or new versions or releases of a dataset.
#[derive(Serialize, ToSchema)]
struct Notification {
    /// The id of the notification.
    id: String,
    /// The dataset, as `owner/name`.
    dataset: String,
    /// The number of the discussion; only for a discussion.
    #[serde(skip_serializing_if = "Option::is_none")]
    number: Option<i64>,
    /// The title of the discussion or of the file request, the name of the shared item, the first line of the message of the
    /// newest version, or the tag of the newest release.
    title: String,
    /// What happened.
    event: NotificationEvent,
    /// The user who caused it; absent if it is not known, as for a link.
    #[serde(skip_serializing_if = "Option::is_none")]
    author: Option<String>,
    /// The path of the shared item, empty for the whole dataset; only for a link.
    #[serde(skip_serializing_if = "Option::is_none")]
    path: Option<String>,
    /// How many times the link was opened, how many files arrived, or how many versions or releases are new; absent for a
    /// discussion.
    #[serde(skip_serializing_if = "Option::is_none")]
    count: Option<i64>,
    /// The id of the newest version, or of the revision of the newest release; only for versions and releases.
    #[serde(skip_serializing_if = "Option::is_none")]
    revision: Option<String>,
    /// Why the caller is notified.
    reason: NotificationReason,
    /// When it happened (RFC 3339).
    #[schema(format = DateTime)]
    created: String,
    /// True if it was marked as read.
    read: bool,
}

impl From<NotificationRow> for Notification {
    fn from(row: NotificationRow) -> Self {
        Self {
            id: row.id.to_string(),
            dataset: format!("{}/{}", row.owner_name, row.dataset_name),
            number: row.number,
            title: row.title,
            event: row.kind,
            author: Some(row.author).filter(|name| !name.is_empty()),
            path: row.path,
            count: row.count,
            revision: row.revision,
            reason: row.reason,
            created: Millis::rfc3339(row.created_at),
            read: row.read_at.is_some(),
        }
    }
}

/// Which notifications to mark as read.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ReadNotifications {
    /// Their ids. Default: all.
    #[schema(max_items = 100)]
    ids: Option<Vec<String>>,
}

/// What the caller is notified of, for one reason.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NotificationSetting {
    /// The reason.
    reason: NotificationReason,
    /// True to list notifications.
    list: bool,
    /// True to send e-mails.
    email: bool,
}

/// What the caller is notified of. Reasons that are left out stay as they are.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NotificationSettings {
    /// The settings, one for each reason.
    #[schema(max_items = 6)]
    settings: Vec<NotificationSetting>,
}

/// Whether the caller follows a dataset.
#[derive(Serialize, ToSchema)]
struct Following {
    /// True if the caller follows it, and is notified of all discussions, new versions and releases.
    following: bool,
}

/// Lists notifications, newest first. They are kept for 90 days. Those about datasets that the caller cannot read any more are
/// left out, so that a page can have fewer items than its limit without being the last one.
#[utoipa::path(get, path = "/api/v1/user/notifications", tag = "notifications", params(NotificationQuery),
    responses((status = 200, description = "The notifications.", body = Items<Notification>)))]
async fn list(
    State(app): State<App>,
    caller: AuthedActor,
    Parameters(asked): Parameters<NotificationQuery>,
    here: PageUrl,
) -> Result<Response> {
    let limit = Page::checked(asked.limit, PAGE)?;
    let cursor = asked.cursor.as_deref().filter(|cursor| !cursor.is_empty());
    let before = cursor.map(|cursor| cursor.parse::<Id>().map_err(|_| Page::bad_cursor())).transpose()?;
    let (rows, next) = app.discussions.notifications(&caller.actor, asked.unread, before, limit).await?;
    caller.charge(rows.len());
    Ok(here.page(rows.into_iter().map(Notification::from).collect(), next.map(|id| id.to_string())))
}

/// Marks notifications as read.
#[utoipa::path(post, path = "/api/v1/user/notifications/read", tag = "notifications", request_body = ReadNotifications,
    responses((status = 204, description = "They are marked as read.")))]
async fn mark_read(
    State(app): State<App>,
    account: AccountGrant,
    Body(asked): Body<ReadNotifications>,
) -> Result<StatusCode> {
    if asked.ids.as_ref().is_some_and(|ids| ids.len() > PAGE) {
        return Err(Error::invalid(format!("at most {PAGE} ids are allowed per request")));
    }
    let ids = asked.ids.map(|ids| ids.iter().map(|id| known_id(id)).collect::<Result<Vec<Id>>>()).transpose();
    app.discussions.read_notifications(&account, ids.map_err(|error| error.of_part("`ids`"))?.as_deref()).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Returns what the caller is notified of.
#[utoipa::path(get, path = "/api/v1/user/notification-settings", tag = "notifications",
    responses((status = 200, description = "The settings.", body = NotificationSettings)))]
async fn settings(State(app): State<App>, account: AccountGrant) -> Result<Json<NotificationSettings>> {
    let found = app.discussions.notification_settings(&account).await?.into_iter();
    let setting = |row: SettingRow| NotificationSetting { reason: row.reason, list: row.shown, email: row.email };
    Ok(Json(NotificationSettings { settings: found.map(setting).collect() }))
}

/// Changes what the caller is notified of.
#[utoipa::path(put, path = "/api/v1/user/notification-settings", tag = "notifications", request_body = NotificationSettings,
    responses((status = 200, description = "The settings.", body = NotificationSettings)))]
async fn change_settings(
    State(app): State<App>,
    account: AccountGrant,
    Body(asked): Body<NotificationSettings>,
) -> Result<Json<NotificationSettings>> {
    if asked.settings.len() > 6 {
        return Err(Error::invalid("there is one setting for each of six reasons"));
    }
    let row = |setting: &NotificationSetting| SettingRow {
        reason: setting.reason,
        shown: setting.list,
        email: setting.email,
    };
    let new: Vec<SettingRow> = asked.settings.iter().map(row).collect();
    app.discussions.set_notification_settings(&account, &new).await?;
    settings(State(app), account).await
}

/// Returns whether the caller follows the dataset.
#[utoipa::path(get, path = "/api/v1/datasets/{owner}/{dataset}/follow", tag = "discussions",
    responses((status = 200, description = "Whether the caller follows it.", body = Following)))]
async fn following(State(app): State<App>, grant: DatasetGrant<Read>) -> Result<Json<Following>> {
    Ok(Json(Following { following: app.discussions.is_following(&grant).await? }))
}

/// Follows the dataset: the caller is notified of its discussions and proposals, new versions and releases.
#[utoipa::path(put, path = "/api/v1/datasets/{owner}/{dataset}/follow", tag = "discussions",
    responses((status = 204, description = "The caller follows it.")))]
async fn follow(State(app): State<App>, by: ParticipantGrant) -> Result<StatusCode> {
    app.discussions.follow(&by, true).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Stops following the dataset.
#[utoipa::path(delete, path = "/api/v1/datasets/{owner}/{dataset}/follow", tag = "discussions",
    responses((status = 204, description = "The caller does not follow it.")))]
async fn unfollow(State(app): State<App>, by: ParticipantGrant) -> Result<StatusCode> {
    app.discussions.follow(&by, false).await?;
    Ok(StatusCode::NO_CONTENT)
}
