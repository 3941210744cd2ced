//! Profiles of users and organisations: `/api/v1/owners`, what their pages show to the caller, and changes of profile, README
//! and avatar.

use std::sync::Arc;

use axum::Json;
use axum::body::Body as HttpBody;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::common::{Body, avatar_url};
use super::datasets::if_match;
use super::shapes;
use crate::access::{OrgAdminGrant, OwnerViewGrant, ProfileGrant};
use crate::accounts::profiles::{AffiliationRow, Avatar, ProfileChange, readme_version};
use crate::app::App;
use crate::error::{Error, Kind, Result};
use crate::tables::MAX_IMAGE;
use crate::types::{OwnerKind, OwnerName, ReadmeText, Role};
use crate::web::http::{AuthedActor, Content, Parameters, Routes, Segments, bare, read_body_up_to, routes};

pub(super) fn routes(routes: Routes) -> Routes {
    routes
        .document(routes!(show))
        .document(routes!(show_avatar))
        .document(routes!(set_own_readme))
        .document(routes!(set_own_avatar, remove_own_avatar))
        .document(routes!(set_organisation_readme))
        .document(routes!(set_organisation_avatar, remove_organisation_avatar))
}

/// A member of an organisation, or an organisation of a user.
#[derive(Serialize, ToSchema)]
struct Affiliation {
    /// The name of the user or organisation.
    name: String,
    /// The full name; null if not set.
    display_name: Option<String>,
    /// The URL of the avatar; null for none.
    avatar: Option<String>,
    /// The role of the user in the organisation.
    role: Role,
}

impl From<AffiliationRow> for Affiliation {
    fn from(row: AffiliationRow) -> Self {
        let avatar = avatar_url(&row.name, row.avatar.as_deref());
        Self { name: row.name, display_name: text(row.display_name), avatar, role: row.role }
    }
}

/// A user or an organisation, as far as the caller may see it.
#[derive(Serialize, ToSchema)]
struct OwnerPage {
    /// The name, as it appears in URLs.
    name: String,
    /// What it is.
    kind: OwnerKind,
    /// The full name; null if not set.
    display_name: Option<String>,
    /// What they do; null if not set.
    bio: Option<String>,
    /// The address of the web site, `http` or `https`; null if not set. It was not checked.
    website: Option<String>,
    /// Where they are; null if not set.
    place: Option<String>,
    /// The README, in Markdown, as it was written: a client that shows it as HTML must remove scripts. Null if there is none.
    readme: Option<String>,
    /// The version of the README, for `If-Match` of a change.
    readme_version: String,
    /// The URL of the avatar; null for none.
    avatar: Option<String>,
    /// When the account or the organisation was created (RFC 3339).
    #[schema(format = DateTime)]
    created: String,
    /// The number of its datasets that the caller can see, at most 10,000. `GET /api/v1/datasets?owner=…` lists them.
    datasets: u64,
    /// Of a user: the organisations, by name, at most 100. The caller sees those of which they are a member, too.
    organisations: Vec<Affiliation>,
    /// Of an organisation: the first 100 members, by name. Null if the caller is not a member.
    members: Option<Vec<Affiliation>>,
    /// The number of members; null if the caller is not a member.
    members_total: Option<u64>,
    /// True if the caller is this user.
    is_self: bool,
    /// The role of the caller in the organisation; null if they are not a member.
    role: Option<Role>,
    /// True if the caller may change profile, README and avatar.
    may_edit: bool,
}

/// Changes to a profile. Omitted fields stay as they are; an empty text removes one.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ProfileUpdate {
    /// The full name.
    #[schema(value_type = Option<shapes::DisplayName>)]
    display_name: Option<String>,
    /// What they do, in one line.
    #[schema(value_type = Option<shapes::Bio>)]
    bio: Option<String>,
    /// The address of the web site, `http` or `https`.
    #[schema(value_type = Option<shapes::Website>)]
    website: Option<String>,
    /// Where they are.
    #[schema(value_type = Option<shapes::Place>)]
    place: Option<String>,
}

impl ProfileUpdate {
    /// Parses the fields.
    pub(super) fn change(&self) -> Result<ProfileChange> {
        Ok(ProfileChange {
            display_name: self.display_name.as_deref().map(str::parse).transpose()?,
            bio: self.bio.as_deref().map(str::parse).transpose()?,
            website: self.website.as_deref().map(str::parse).transpose()?,
            place: self.place.as_deref().map(str::parse).transpose()?,
        })
    }
}

/// The README of a user or an organisation.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ReadmeUpdate {
    /// Markdown, at most 64 KiB; empty for none.
    #[schema(max_length = 65536)]
    text: String,
}

/// A saved README.
#[derive(Serialize, ToSchema)]
struct SavedReadme {
    /// The version, for `If-Match` of the next change; also in `ETag`.
    version: String,
}

/// A saved avatar.
#[derive(Serialize, ToSchema)]
struct SavedAvatar {
    /// The URL of the picture that was made.
    avatar: Option<String>,
}

/// Returns a text, unless it is empty.
fn text(text: String) -> Option<String> {
    Some(text).filter(|text| !text.is_empty())
}

/// Returns the page of a user or an organisation, with what the caller may see. Private datasets and memberships of others are
/// neither listed nor counted.
///
/// Users see all other users. Visitors see an owner who has a dataset that they can see, or has filled in the profile.
#[utoipa::path(get, path = "/api/v1/owners/{owner}", tag = "owners",
    params(("owner" = String, Path, description = "The name; that of a nested organisation has `%2F`.")),
    responses((status = 200, description = "The user or organisation.", body = OwnerPage)))]
async fn show(State(app): State<App>, caller: AuthedActor, segments: Segments) -> Result<Json<OwnerPage>> {
    let view = app.access.authorize_owner_view(&caller.actor, segments.get("owner")).await?;
    caller.charge(usize::try_from(view.datasets()).unwrap_or(usize::MAX) / 10);
    Ok(Json(page(&app, &view).await?))
}

async fn page(app: &App, view: &OwnerViewGrant) -> Result<OwnerPage> {
    let found = app.accounts.affiliations(view).await?;
    let (members, members_total) = found.members.unzip();
    let profile = view.profile().clone();
    let affiliations = |rows: Vec<AffiliationRow>| rows.into_iter().map(Into::into).collect();
    Ok(OwnerPage {
        avatar: avatar_url(&profile.name, profile.avatar.as_deref()),
        name: profile.name,
        kind: profile.kind,
        display_name: text(profile.display_name),
        bio: text(profile.bio),
        website: text(profile.website),
        place: text(profile.place),
        readme_version: readme_version(&profile.readme),
        readme: text(profile.readme),
        created: profile.created_at.rfc3339(),
        datasets: view.datasets(),
        organisations: affiliations(found.organisations),
        members: members.map(affiliations),
        members_total,
        is_self: view.is_self(),
        role: view.role(),
        may_edit: view.may_edit(),
    })
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct AvatarQuery {
    /// The version of the picture, as in the URLs of other responses, which can be cached.
    v: Option<String>,
}

/// Returns the avatar of a user or an organisation, a small picture. Those who have none are not found: pages show initials.
#[utoipa::path(get, path = "/api/v1/owners/{owner}/avatar", tag = "owners",
    params(("owner" = String, Path, description = "The name; that of a nested organisation has `%2F`."), AvatarQuery),
    responses((status = 200, description = "The picture: JPEG or WebP.", content_type = "image/*")))]
async fn show_avatar(
    State(app): State<App>,
    caller: AuthedActor,
    segments: Segments,
    Parameters(asked): Parameters<AvatarQuery>,
    method: Method,
    headers: HeaderMap,
) -> Result<Response> {
    let name = segments.get("owner");
    if let (Some(version), Ok(owner)) = (&asked.v, name.parse::<OwnerName>())
        && let Some(avatar) = app.accounts.avatar_with_digest(&owner, version).await?
    {
        return send(avatar, "public, max-age=31536000, immutable", &method, &headers);
    }
    let view = app.access.authorize_owner_view(&caller.actor, name).await?;
    send(app.accounts.avatar(&view).await?, "private, no-cache", &method, &headers)
}

fn send(avatar: Avatar, cache: &'static str, method: &Method, headers: &HeaderMap) -> Result<Response> {
    let Avatar { digest, picture, media } = avatar;
    let content = Content { tag: &digest, size: picture.len() as u64, media, disposition: None, cache };
    let (answer, range) = content.answer(method, headers);
    let Some(range) = range else { return bare(answer) };
    let at = |offset: u64| usize::try_from(offset).unwrap_or(usize::MAX).min(picture.len());
    let part = picture[at(range.start)..at(range.end)].to_vec();
    answer.body(HttpBody::from(part)).map_err(Error::internal)
}

async fn set_readme(app: &App, by: &ProfileGrant, headers: &HeaderMap, new: &ReadmeUpdate) -> Result<Response> {
    let (text, expected): (ReadmeText, _) = (new.text.parse()?, if_match(headers)?);
    let version = app.accounts.set_readme(by, &text, expected.as_deref()).await?;
    let tag = HeaderValue::from_str(&format!("\"{version}\"")).map_err(Error::internal)?;
    Ok(([(header::ETAG, tag)], Json(SavedReadme { version })).into_response())
}

async fn set_avatar(app: &App, by: &ProfileGrant, caller: AuthedActor, request: Request) -> Result<Json<SavedAvatar>> {
    let image = read_body_up_to(app, request, MAX_IMAGE).await.map_err(|error| match error.kind() {
        Kind::TooLarge => Error::too_large("an image can have at most 1 MiB; make it smaller"),
        _ => error,
    })?;
    let picture = app.tables.avatar(by, image, Arc::new(move |points| caller.charge(points))).await?;
    let digest = app.accounts.set_avatar(by, &picture).await?;
    Ok(Json(SavedAvatar { avatar: avatar_url(by.name(), Some(&digest)) }))
}

/// Replaces the README of the caller. With `If-Match`, only if it still has this version.
#[utoipa::path(put, path = "/api/v1/user/readme", tag = "owners",
    params(("If-Match" = Option<shapes::RevisionTag>, Header, description = "The version to replace; without it, any.")),
    request_body = ReadmeUpdate,
    responses((status = 200, description = "The README was saved.", body = SavedReadme),
        (status = 412, description = "The README was changed meanwhile.")))]
async fn set_own_readme(
    State(app): State<App>,
    caller: AuthedActor,
    headers: HeaderMap,
    Body(new): Body<ReadmeUpdate>,
) -> Result<Response> {
    set_readme(&app, &caller.actor.own_profile()?, &headers, &new).await
}

/// Replaces the avatar of the caller by a small picture of an image: PNG, JPEG or WebP, at most 1 MiB and 16 million pixels. It
/// shows the middle of the image; the image itself is not kept.
#[utoipa::path(put, path = "/api/v1/user/avatar", tag = "owners",
    request_body(content = inline(shapes::Bytes), content_type = "application/octet-stream"),
    responses((status = 200, description = "The avatar was saved.", body = SavedAvatar),
        (status = 413, description = "The image is too large."),
        (status = 422, description = "The file is not such an image.")))]
async fn set_own_avatar(State(app): State<App>, caller: AuthedActor, request: Request) -> Result<Json<SavedAvatar>> {
    let by = caller.actor.own_profile()?;
    set_avatar(&app, &by, caller, request).await
}

/// Removes the avatar of the caller. Pages show initials instead.
#[utoipa::path(delete, path = "/api/v1/user/avatar", tag = "owners",
    responses((status = 204, description = "There is no avatar.")))]
async fn remove_own_avatar(State(app): State<App>, caller: AuthedActor) -> Result<StatusCode> {
    app.accounts.remove_avatar(&caller.actor.own_profile()?).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Replaces the README of an organisation. Requires the role `owner`. With `If-Match`, only if it still has this version.
#[utoipa::path(put, path = "/api/v1/organisations/{organisation}/readme", tag = "owners",
    params(("If-Match" = Option<shapes::RevisionTag>, Header, description = "The version to replace; without it, any.")),
    request_body = ReadmeUpdate,
    responses((status = 200, description = "The README was saved.", body = SavedReadme),
        (status = 412, description = "The README was changed meanwhile.")))]
async fn set_organisation_readme(
    State(app): State<App>,
    steward: OrgAdminGrant,
    headers: HeaderMap,
    Body(new): Body<ReadmeUpdate>,
) -> Result<Response> {
    set_readme(&app, &ProfileGrant::from(&steward), &headers, &new).await
}

/// Replaces the avatar of an organisation, as `PUT /api/v1/user/avatar` does. Requires the role `owner`.
#[utoipa::path(put, path = "/api/v1/organisations/{organisation}/avatar", tag = "owners",
    request_body(content = inline(shapes::Bytes), content_type = "application/octet-stream"),
    responses((status = 200, description = "The avatar was saved.", body = SavedAvatar),
        (status = 413, description = "The image is too large."),
        (status = 422, description = "The file is not such an image.")))]
async fn set_organisation_avatar(
    State(app): State<App>,
    caller: AuthedActor,
    segments: Segments,
    request: Request,
) -> Result<Json<SavedAvatar>> {
    let steward = app.access.authorize_steward(&caller.actor, segments.get("organisation")).await?;
    set_avatar(&app, &ProfileGrant::from(&steward), caller, request).await
}

/// Removes the avatar of an organisation. Requires the role `owner`.
#[utoipa::path(delete, path = "/api/v1/organisations/{organisation}/avatar", tag = "owners",
    responses((status = 204, description = "There is no avatar.")))]
async fn remove_organisation_avatar(State(app): State<App>, steward: OrgAdminGrant) -> Result<StatusCode> {
    app.accounts.remove_avatar(&ProfileGrant::from(&steward)).await?;
    Ok(StatusCode::NO_CONTENT)
}
