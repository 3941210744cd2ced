//! `…/shares` and `/shares`: who else gets at a file, a folder or a dataset.

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use metastore::EntryKind;
use serde::{Deserialize, Deserializer, Serialize};
use utoipa::ToSchema;
use utoipa_axum::routes;

use super::super::Routes;
use super::super::extract::{Base, Caller};
use super::shapes;
use super::tree::file_path;
use super::{Body, Here, Items, Page, Parameters, Segments, created, segment};
use crate::access::{Seat, Sharing};
use crate::app::App;
use crate::error::{Error, Result};
use crate::share::{self, Change, Grantee, ShareRow};
use crate::types::{Id, Millis, OwnerName, Secret, ShareKind, ShareRight};

pub(super) fn routes(routes: Routes) -> Routes {
    routes
        .document(routes!(list, create))
        .document(routes!(show, update, delete))
        .document(routes!(received))
        .document(routes!(unseen))
        .document(routes!(see))
        .document(routes!(given))
}

/// Whom something is shared with: one of these.
#[derive(Serialize, Deserialize, ToSchema, Default)]
#[serde(deny_unknown_fields)]
struct With {
    /// The name of a user.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<shapes::OwnerName>)]
    user: Option<String>,
    /// A group of an organisation, as `organisation:group`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<shapes::GroupId>)]
    group: Option<String>,
    /// An e-mail address. The share is good for whoever has an account with it, now or later.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<shapes::EmailAddress>)]
    email: Option<String>,
    /// `true`: whoever has the link.
    #[serde(skip_serializing_if = "Option::is_none")]
    link: Option<bool>,
}

impl With {
    fn grantee(self) -> Result<Grantee> {
        match self {
            Self { user: Some(user), group: None, email: None, link: None } => Ok(Grantee::User(user.parse()?)),
            Self { user: None, group: Some(group), email: None, link: None } => {
                let (organisation, name) = group
                    .split_once(':')
                    .ok_or_else(|| Error::invalid("a group is written `organisation:group`").of_part("`with.group`"))?;
                Ok(Grantee::Group(organisation.parse::<OwnerName>()?, name.to_ascii_lowercase()))
            }
            Self { user: None, group: None, email: Some(email), link: None } => Ok(Grantee::Email(email.parse()?)),
            Self { user: None, group: None, email: None, link: Some(true) } => Ok(Grantee::Link),
            _ => Err(Error::invalid("`with` holds one of `user`, `group`, `email` and `link`: true")),
        }
    }
}

/// What is to be shared, with whom, and how.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewShare {
    /// A file or a folder of the newest revision of the default branch; the whole dataset unless said.
    #[schema(value_type = Option<shapes::FilePath>)]
    path: Option<String>,
    /// Whom with.
    with: With,
    /// `view`: see and download; `edit`: also change.
    #[schema(value_type = ShareRight, example = "view")]
    right: String,
    /// When it ends (RFC 3339); never unless said.
    #[schema(format = DateTime)]
    expires: Option<String>,
    /// What is to be said to open a link; 6 characters at least.
    #[schema(value_type = Option<String>)]
    password: Option<Secret>,
    /// How often a link may be used to download.
    #[schema(minimum = 1)]
    downloads: Option<u64>,
    /// Whether a link shows the history too: what was before it was made, in the default branch.
    #[serde(default)]
    history: bool,
    /// What the e-mail to the others says besides.
    message: Option<String>,
    /// The app through which alone it is good.
    app: Option<String>,
}

/// What is to change of a share; what is left out stays.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ShareUpdate {
    /// What it is to allow.
    #[schema(value_type = Option<ShareRight>)]
    right: Option<String>,
    /// When it ends (RFC 3339); `null` for never.
    #[serde(default)]
    #[schema(value_type = Option<String>, format = DateTime)]
    expires: Said<String>,
    /// The password of a link; `null` for none.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    password: Said<Secret>,
    /// How often a link may be used to download, from the beginning; `null` for as often as one likes.
    #[serde(default)]
    #[schema(value_type = Option<u64>, minimum = 1)]
    downloads: Said<u64>,
    /// Whether a link shows what was before it was made, too.
    history: Option<bool>,
}

/// Tells `null` from what is left out.
struct Said<T>(Change<T>);

impl<T> Default for Said<T> {
    fn default() -> Self {
        Self(Change::Nothing)
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Said<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Self(Option::<T>::deserialize(deserializer)?.map_or(Change::Removed, Change::To)))
    }
}

/// How often a link was used to download.
#[derive(Serialize, ToSchema)]
struct Downloads {
    /// So often.
    used: i64,
    /// It may be so often, if there is an end to it.
    #[serde(skip_serializing_if = "Option::is_none")]
    limit: Option<i64>,
}

/// A file, a folder or a dataset that others get at.
#[derive(Serialize, ToSchema)]
struct Share {
    /// Its id.
    id: String,
    /// `owner/name` of the dataset.
    dataset: String,
    /// Who owns the dataset.
    owner: String,
    /// The file or folder; empty for the dataset.
    path: String,
    /// What it is.
    r#type: ShareKind,
    /// Whom it is shared with.
    with: With,
    /// What it allows.
    right: ShareRight,
    /// When it ends (RFC 3339).
    #[schema(format = DateTime)]
    #[serde(skip_serializing_if = "Option::is_none")]
    expires: Option<String>,
    /// Whether the link has a password.
    password: bool,
    /// Of a link.
    #[serde(skip_serializing_if = "Option::is_none")]
    downloads: Option<Downloads>,
    /// Of a link: whether it shows what was before it was made, too.
    #[serde(skip_serializing_if = "Option::is_none")]
    history: Option<bool>,
    /// The app through which alone it is good.
    #[serde(skip_serializing_if = "Option::is_none")]
    app: Option<String>,
    /// When it was made (RFC 3339).
    #[schema(format = DateTime)]
    created: String,
    /// Who made it.
    created_by: String,
    /// When it was used last (RFC 3339), to the hour.
    #[schema(format = DateTime)]
    #[serde(skip_serializing_if = "Option::is_none")]
    last_used: Option<String>,
    /// The link itself: in the answer to who makes it, and to who asks for this share alone. Not known of links that
    /// were made by an older server.
    #[serde(skip_serializing_if = "Option::is_none")]
    url: Option<String>,
    /// Of what is shared with the caller: whether it is new since they last looked.
    #[serde(skip_serializing_if = "Option::is_none")]
    is_new: Option<bool>,
}

impl From<ShareRow> for Share {
    fn from(row: ShareRow) -> Self {
        let group =
            row.organisation_name.zip(row.team_name).map(|(organisation, team)| format!("{organisation}:{team}"));
        let downloads = Downloads { used: row.downloads, limit: row.downloads_most };
        Self {
            id: row.id.to_string(),
            dataset: format!("{}/{}", row.owner_name, row.dataset_name),
            owner: row.owner_name,
            path: row.path,
            r#type: row.kind,
            with: With { user: row.user_name, group, email: row.email, link: row.is_link.then_some(true) },
            right: row.right,
            expires: row.expires_at.map(Millis::rfc3339),
            password: row.has_password,
            downloads: row.is_link.then_some(downloads),
            history: row.is_link.then_some(row.history),
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
    /// Behind the `#`, where neither servers nor logs see it.
    fn with_link(self, base: &str, link: Option<&Secret>) -> Self {
        Self { url: link.map(|link| format!("{base}/s#{}", link.expose())), ..self }
    }
}

fn moment(text: &str) -> Result<Millis> {
    let parsed = text.parse::<jiff::Timestamp>().map(|moment| Millis(moment.as_millisecond()));
    parsed.map_err(|_| Error::invalid(format!("`expires` is a time as in 2030-01-31T12:00:00Z, and not {text:?}")))
}

/// Where a page begins.
fn before(page: &Page) -> Result<Option<Id>> {
    page.cursor().map(|cursor| cursor.parse().map_err(|_| Page::bad_cursor())).transpose()
}

/// Shares a file, a folder or the dataset. Whoever has it shared with them already gets these terms in the place of
/// those before. Users, members of groups and addresses are told by letter.
#[utoipa::path(post, path = "/api/v1/datasets/{owner}/{dataset}/shares", tag = "shares", request_body = NewShare,
    responses((status = 201, description = "The share; of a link with its URL.", body = Share),
              (status = 200, description = "The share that was there, changed.", body = Share)))]
async fn create(
    State(app): State<App>,
    sharing: Sharing,
    Base(base): Base,
    Body(new): Body<NewShare>,
) -> Result<Response> {
    let path = match new.path.as_deref().map(|path| path.trim_end_matches('/')) {
        None | Some("") => None,
        Some(path) => Some(file_path(path).map_err(|error| error.of_part("`path`"))?),
    };
    let newest = app.drive.newest(&sharing.grant().narrow()).await?;
    let at = newest.map_or_else(|| "HEAD".to_owned(), |newest| newest.to_string());
    let kind = match &path {
        None => ShareKind::Dataset,
        Some(path) => {
            let located = app.drive.locate(&sharing.grant().narrow(), &at, path).await;
            match located.map_err(|error| error.of_part("`path`"))?.entry.kind {
                EntryKind::Folder => ShareKind::Folder,
                EntryKind::File | EntryKind::Executable | EntryKind::Link => ShareKind::File,
                EntryKind::Submodule => {
                    return Err(Error::invalid(format!(
                        "`{path}` is of another repository, and not here to be shared"
                    )));
                }
            }
        }
    };
    if new.app.as_ref().is_some_and(|app| app.is_empty() || app.len() > 100 || app.chars().any(char::is_control)) {
        return Err(Error::invalid("`app` is a name of at most 100 letters"));
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

/// Lists the shares of a dataset and of what is in it, the newest first.
#[utoipa::path(get, path = "/api/v1/datasets/{owner}/{dataset}/shares", tag = "shares", params(Page),
    responses((status = 200, description = "Shares.", body = Items<Share>)))]
async fn list(
    State(app): State<App>,
    sharing: Sharing,
    Parameters(page): Parameters<Page>,
    here: Here,
) -> Result<Response> {
    let limit = page.limit()?;
    let mut rows = app.shares.list(&sharing, before(&page)?, limit + 1).await?;
    let next = rows.get(limit).is_some().then(|| rows[limit - 1].id.to_string());
    rows.truncate(limit);
    Ok(here.page(rows.into_iter().map(Share::from).collect(), next))
}

/// Shows a share; of a link, with the link itself.
#[utoipa::path(get, path = "/api/v1/datasets/{owner}/{dataset}/shares/{share}", tag = "shares",
    params(("share" = String, Path, description = "Its id.")),
    responses((status = 200, description = "The share.", body = Share)))]
async fn show(State(app): State<App>, sharing: Sharing, Base(base): Base, segments: Segments) -> Result<Response> {
    let (row, link) = app.shares.show(&sharing, id(&segments)?).await?;
    let mut response = Json(Share::from(row).with_link(&base, link.as_ref())).into_response();
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}

/// Changes a share. Whoever has opened a link has to open it again.
#[utoipa::path(patch, path = "/api/v1/datasets/{owner}/{dataset}/shares/{share}", tag = "shares",
    params(("share" = String, Path, description = "Its id.")), request_body = ShareUpdate,
    responses((status = 200, description = "The share.", body = Share)))]
async fn update(
    State(app): State<App>,
    sharing: Sharing,
    segments: Segments,
    Body(update): Body<ShareUpdate>,
) -> Result<Json<Share>> {
    let change = share::ShareChange {
        right: update.right.as_deref().map(str::parse).transpose()?,
        expires: match update.expires.0 {
            Change::To(end) => Change::To(moment(&end)?),
            Change::Removed => Change::Removed,
            Change::Nothing => Change::Nothing,
        },
        password: update.password.0,
        downloads: update.downloads.0,
        history: update.history,
    };
    Ok(Json(app.shares.change(&sharing, id(&segments)?, change).await?.into()))
}

/// Takes a share back: at once, for everybody who came by it.
#[utoipa::path(delete, path = "/api/v1/datasets/{owner}/{dataset}/shares/{share}", tag = "shares",
    params(("share" = String, Path, description = "Its id.")),
    responses((status = 204, description = "It is gone.")))]
async fn delete(State(app): State<App>, sharing: Sharing, segments: Segments) -> Result<StatusCode> {
    app.shares.revoke(&sharing, id(&segments)?).await?;
    Ok(StatusCode::NO_CONTENT)
}

fn id(segments: &Segments) -> Result<Id> {
    let text = segments.get("share");
    text.parse().map_err(|_| Error::not_found(format!("there is no share `{}`", text.escape_debug())))
}

/// Lists what is shared with the caller, the newest first. A page may hold fewer items than its limit, and yet not be
/// the last.
#[utoipa::path(get, path = "/api/v1/shares/received", tag = "shares", params(Page),
    responses((status = 200, description = "Shares.", body = Items<Share>)))]
async fn received(
    State(app): State<App>,
    caller: Caller,
    Parameters(page): Parameters<Page>,
    here: Here,
) -> Result<Response> {
    let (rows, next) = app.shares.received(&caller.actor, before(&page)?, page.limit()?).await?;
    caller.charge(rows.len());
    let items = rows.into_iter().map(|(row, is_new)| Share { is_new: Some(is_new), ..Share::from(row) });
    Ok(here.page(items.collect(), next.map(|id| id.to_string())))
}

/// How much is new of what others share.
#[derive(Serialize, ToSchema)]
struct Unseen {
    /// Shares that were made since the caller last looked; 100 stands for all above.
    #[schema(maximum = 100)]
    count: usize,
}

/// Counts what was shared with the caller since they last looked.
#[utoipa::path(get, path = "/api/v1/shares/received/unseen", tag = "shares",
    responses((status = 200, description = "How much is new.", body = Unseen)))]
async fn unseen(State(app): State<App>, caller: Caller) -> Result<Json<Unseen>> {
    let count = app.shares.unseen(&caller.actor).await?;
    caller.charge(count);
    Ok(Json(Unseen { count }))
}

/// Takes note that the caller, in a browser, has seen what is shared with them.
#[utoipa::path(put, path = "/api/v1/shares/received/seen", tag = "shares",
    responses((status = 204, description = "Nothing is new any more.")))]
async fn see(State(app): State<App>, seat: Seat) -> Result<StatusCode> {
    app.shares.see(&seat).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Lists what the caller has shared, of datasets that are still theirs to share; otherwise as what was received.
#[utoipa::path(get, path = "/api/v1/shares/given", tag = "shares", params(Page),
    responses((status = 200, description = "Shares.", body = Items<Share>)))]
async fn given(
    State(app): State<App>,
    caller: Caller,
    Parameters(page): Parameters<Page>,
    here: Here,
) -> Result<Response> {
    let (rows, next) = app.shares.given(&caller.actor, before(&page)?, page.limit()?).await?;
    caller.charge(rows.len());
    Ok(here.page(rows.into_iter().map(Share::from).collect(), next.map(|id| id.to_string())))
}
