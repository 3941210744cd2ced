//! `/api/v1/organisations`: organisations, their members, groups and invitations.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::common::{Body, Items, avatar_url, created, known_id};
use super::profiles::ProfileUpdate;
use super::shapes;
use crate::access::{OrgAdminGrant, OrgMemberGrant, ProfileGrant};
use crate::accounts::invitations::Invitation;
use crate::accounts::organisations::MemberRow;
use crate::app::App;
use crate::error::{Error, Result};
use crate::types::{Email, GroupName, OwnerName, Role};
use crate::web::http::{AuthedActor, Routes, Segments, routes, segment};

pub(super) fn routes(routes: Routes) -> Routes {
    routes
        .document(routes!(list, found))
        .document(routes!(show, update, delete))
        .document(routes!(members))
        .document(routes!(set_role, remove_member))
        .document(routes!(invitations, invite))
        .document(routes!(withdraw))
        .document(routes!(groups, add_group))
        .document(routes!(remove_group))
        .document(routes!(group_members))
        .document(routes!(add_to_group, remove_from_group))
}

/// An organisation of the caller.
#[derive(Serialize, ToSchema)]
struct OrganisationItem {
    /// The name; that of a nested organisation contains `/`.
    name: String,
    /// The role of the caller.
    role: Role,
    /// The number of members.
    members: u64,
}

/// A new organisation.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewOrganisation {
    /// The name; for a nested organisation with its parent, as in `ministry/statistics`.
    #[schema(value_type = shapes::OwnerName)]
    name: String,
}

/// An organisation.
#[derive(Serialize, ToSchema)]
struct Organisation {
    /// The name; that of a nested organisation contains `/`.
    name: String,
    /// The role of the caller; null for a site administrator who is not a member.
    role: Option<Role>,
    /// When the organisation was created (RFC 3339).
    #[schema(format = DateTime)]
    created: String,
    /// Storage used by its datasets in bytes, Git LFS objects and git packs together.
    bytes: u64,
    /// The storage quota of its datasets in bytes; null if unlimited.
    quota_bytes: Option<u64>,
    /// The number of datasets.
    datasets: usize,
}

/// A member of an organisation.
#[derive(Serialize, ToSchema)]
struct Membership {
    /// The user name.
    name: String,
    /// The display name; null if not set.
    display_name: Option<String>,
    /// The URL of the avatar; null for none.
    avatar: Option<String>,
    /// The role in the organisation.
    role: Role,
}

impl From<MemberRow> for Membership {
    fn from(row: MemberRow) -> Self {
        let display_name = Some(row.display_name).filter(|name| !name.is_empty());
        let avatar = avatar_url(&row.name, row.avatar.as_deref());
        Self { name: row.name, display_name, avatar, role: row.role }
    }
}

/// A role to assign to a member.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct RoleUpdate {
    /// `reader` can see all datasets, `writer` can change them, `owner` can also manage the organisation.
    #[schema(value_type = Role)]
    role: String,
}

/// A new invitation.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewInvitation {
    /// The e-mail address to invite.
    #[schema(value_type = shapes::EmailAddress)]
    email: String,
    /// The role in the organisation.
    #[schema(value_type = Role)]
    role: String,
}

/// A pending invitation.
#[derive(Serialize, ToSchema)]
pub(super) struct InvitationItem {
    /// The id of the invitation.
    id: String,
    /// The e-mail address that was invited.
    email: String,
    /// The role in the organisation; absent for an invitation to the site only.
    #[serde(skip_serializing_if = "Option::is_none")]
    role: Option<Role>,
    /// When the invitation was sent (RFC 3339).
    #[schema(format = DateTime)]
    created: String,
    /// When its link expires (RFC 3339).
    #[schema(format = DateTime)]
    expires: String,
}

impl From<Invitation> for InvitationItem {
    fn from(invitation: Invitation) -> Self {
        Self {
            id: invitation.id.to_string(),
            email: invitation.email.to_string(),
            role: invitation.role,
            created: invitation.created.rfc3339(),
            expires: invitation.expires.rfc3339(),
        }
    }
}

/// A group.
#[derive(Serialize, ToSchema)]
struct Group {
    /// The name. The full name is `organisation:group`.
    name: String,
    /// The number of members.
    members: u64,
}

/// A new group.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewGroup {
    /// The name: letters, digits, `.`, `_` and `-`.
    #[schema(value_type = shapes::GroupName)]
    name: String,
}

fn all<T>(items: Vec<T>) -> Json<Items<T>> {
    Json(Items { items, next_cursor: None })
}

/// Lists the organisations that the caller is a member of.
#[utoipa::path(get, path = "/api/v1/organisations", tag = "organisations",
    responses((status = 200, description = "The organisations.", body = Items<OrganisationItem>)))]
async fn list(State(app): State<App>, caller: AuthedActor) -> Result<Json<Items<OrganisationItem>>> {
    let oneself = app.access.authorize_oneself(&caller.actor)?;
    let found = app.accounts.belongings(&oneself).await?;
    let items = found.into_iter().map(|one| OrganisationItem { name: one.name, role: one.role, members: one.members });
    Ok(all(items.collect()))
}

/// Creates an organisation. The caller becomes its first owner.
#[utoipa::path(post, path = "/api/v1/organisations", tag = "organisations", request_body = NewOrganisation,
    responses((status = 201, description = "The organisation.", body = Organisation)))]
async fn found(State(app): State<App>, caller: AuthedActor, Body(new): Body<NewOrganisation>) -> Result<Response> {
    let name: OwnerName = new.name.parse()?;
    let makers = app.config.accounts.organisations;
    let founding = app.access.authorize_founding(&caller.actor, &name, makers).await?;
    app.accounts.found(&founding).await?;
    let member = app.access.authorize_member(&caller.actor, name.as_str()).await?;
    let location = format!("/api/v1/organisations/{}", segment(name.as_str()));
    Ok(created(&location, organisation(&app, &member).await?))
}

/// Returns an organisation. Requires membership.
#[utoipa::path(get, path = "/api/v1/organisations/{organisation}", tag = "organisations",
    responses((status = 200, description = "The organisation.", body = Organisation)))]
async fn show(State(app): State<App>, member: OrgMemberGrant) -> Result<Json<Organisation>> {
    organisation(&app, &member).await.map(Json)
}

async fn organisation(app: &App, member: &OrgMemberGrant) -> Result<Organisation> {
    let created = app.accounts.founded(member).await?;
    let usage = app.storage.usage(Some(&member.name().as_str().parse()?)).await?;
    let usage = usage.into_iter().next();
    Ok(Organisation {
        name: member.name().to_string(),
        role: member.role(),
        created: created.rfc3339(),
        bytes: usage.as_ref().map_or(0, |usage| usage.bytes),
        quota_bytes: usage.as_ref().and_then(|usage| usage.quota_bytes),
        datasets: usage.map_or(0, |usage| usage.datasets.len()),
    })
}

/// Changes the profile of an organisation, which its page shows. Requires the role `owner`.
#[utoipa::path(patch, path = "/api/v1/organisations/{organisation}", tag = "organisations", request_body = ProfileUpdate,
    responses((status = 200, description = "The organisation.", body = Organisation)))]
async fn update(
    State(app): State<App>,
    steward: OrgAdminGrant,
    Body(update): Body<ProfileUpdate>,
) -> Result<Json<Organisation>> {
    app.accounts.change_profile(&ProfileGrant::from(&steward), &update.change()?).await?;
    organisation(&app, steward.member()).await.map(Json)
}

/// Deletes an organisation. It must not have datasets.
#[utoipa::path(delete, path = "/api/v1/organisations/{organisation}", tag = "organisations",
    responses((status = 204, description = "The organisation was deleted."),
        (status = 409, description = "The organisation has datasets.")))]
async fn delete(State(app): State<App>, steward: OrgAdminGrant) -> Result<StatusCode> {
    app.accounts.delete(&steward).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Lists the members of an organisation.
#[utoipa::path(get, path = "/api/v1/organisations/{organisation}/members", tag = "organisations",
    responses((status = 200, description = "The members.", body = Items<Membership>)))]
async fn members(State(app): State<App>, member: OrgMemberGrant) -> Result<Json<Items<Membership>>> {
    Ok(all(app.accounts.people(&member).await?.into_iter().map(Into::into).collect()))
}

/// Adds a user to an organisation, or changes the role of a member.
#[utoipa::path(put, path = "/api/v1/organisations/{organisation}/members/{user}", tag = "organisations",
    params(("user" = String, Path, description = "The user name.")), request_body = RoleUpdate,
    responses((status = 204, description = "The membership was saved."),
        (status = 409, description = "The user is the last owner.")))]
async fn set_role(
    State(app): State<App>,
    steward: OrgAdminGrant,
    segments: Segments,
    Body(asked): Body<RoleUpdate>,
) -> Result<StatusCode> {
    app.accounts.set_role(&steward, &user(&segments)?, asked.role.parse()?).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Removes a member from an organisation. Members can remove themselves; removing others requires the role `owner`.
#[utoipa::path(delete, path = "/api/v1/organisations/{organisation}/members/{user}", tag = "organisations",
    params(("user" = String, Path, description = "The user name.")),
    responses((status = 204, description = "The member was removed."),
        (status = 409, description = "The user is the last owner.")))]
async fn remove_member(State(app): State<App>, caller: AuthedActor, segments: Segments) -> Result<StatusCode> {
    let (organisation, user) = (segments.get("organisation"), segments.get("user"));
    let departure = app.access.authorize_departure(&caller.actor, organisation, user).await?;
    app.accounts.remove_member(&departure).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Lists the pending invitations of an organisation.
#[utoipa::path(get, path = "/api/v1/organisations/{organisation}/invitations", tag = "organisations",
    responses((status = 200, description = "The invitations.", body = Items<InvitationItem>)))]
async fn invitations(State(app): State<App>, steward: OrgAdminGrant) -> Result<Json<Items<InvitationItem>>> {
    Ok(all(app.accounts.invitations(&steward).await?.into_iter().map(Into::into).collect()))
}

/// Invites someone by e-mail to join an organisation.
///
/// The response does not reveal whether the address has an account. An earlier invitation to the same address is
/// revoked.
#[utoipa::path(post, path = "/api/v1/organisations/{organisation}/invitations", tag = "organisations",
    request_body = NewInvitation,
    responses((status = 201, description = "The invitation.", body = InvitationItem)))]
async fn invite(
    State(app): State<App>,
    steward: OrgAdminGrant,
    Body(new): Body<NewInvitation>,
) -> Result<(StatusCode, Json<InvitationItem>)> {
    let (email, role): (Email, Role) = (new.email.parse()?, new.role.parse()?);
    let invited = app.accounts.invite(&steward, &email, role).await?;
    Ok((StatusCode::CREATED, Json(invited.into())))
}

/// Revokes an invitation. Its link stops working.
#[utoipa::path(delete, path = "/api/v1/organisations/{organisation}/invitations/{id}", tag = "organisations",
    params(("id" = String, Path, description = "The id of the invitation.")),
    responses((status = 204, description = "The invitation was revoked.")))]
async fn withdraw(State(app): State<App>, steward: OrgAdminGrant, segments: Segments) -> Result<StatusCode> {
    app.accounts.withdraw(&steward, known_id(segments.get("id"))?).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Lists the groups of an organisation.
#[utoipa::path(get, path = "/api/v1/organisations/{organisation}/groups", tag = "organisations",
    responses((status = 200, description = "The groups.", body = Items<Group>)))]
async fn groups(State(app): State<App>, member: OrgMemberGrant) -> Result<Json<Items<Group>>> {
    let found = app.accounts.groups(&member).await?.into_iter();
    let items = found.map(|row| Group { name: row.name, members: u64::try_from(row.members).unwrap_or(0) });
    Ok(all(items.collect()))
}

/// Creates a group in an organisation.
#[utoipa::path(post, path = "/api/v1/organisations/{organisation}/groups", tag = "organisations",
    request_body = NewGroup, responses((status = 201, description = "The group.", body = Group)))]
async fn add_group(
    State(app): State<App>,
    steward: OrgAdminGrant,
    Body(new): Body<NewGroup>,
) -> Result<(StatusCode, Json<Group>)> {
    let name: GroupName = new.name.parse()?;
    app.accounts.add_group(&steward, &name).await?;
    Ok((StatusCode::CREATED, Json(Group { name: name.to_string(), members: 0 })))
}

/// Deletes a group. Its members lose access to everything that was shared with it.
#[utoipa::path(delete, path = "/api/v1/organisations/{organisation}/groups/{group}", tag = "organisations",
    params(("group" = String, Path, description = "The name of the group.")),
    responses((status = 204, description = "The group was deleted.")))]
async fn remove_group(State(app): State<App>, steward: OrgAdminGrant, segments: Segments) -> Result<StatusCode> {
    app.accounts.remove_group(&steward, &group(&segments)?).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Lists the members of a group.
#[utoipa::path(get, path = "/api/v1/organisations/{organisation}/groups/{group}/members", tag = "organisations",
    params(("group" = String, Path, description = "The name of the group.")),
    responses((status = 200, description = "The members.", body = Items<Membership>)))]
async fn group_members(
    State(app): State<App>,
    member: OrgMemberGrant,
    segments: Segments,
) -> Result<Json<Items<Membership>>> {
    let found = app.accounts.group_people(&member, &group(&segments)?).await?;
    Ok(all(found.into_iter().map(Into::into).collect()))
}

/// Adds a member of the organisation to a group.
#[utoipa::path(put, path = "/api/v1/organisations/{organisation}/groups/{group}/members/{user}", tag = "organisations",
    params(("group" = String, Path, description = "The name of the group."),
        ("user" = String, Path, description = "The user name.")),
    responses((status = 204, description = "The user is a member of the group.")))]
async fn add_to_group(State(app): State<App>, steward: OrgAdminGrant, segments: Segments) -> Result<StatusCode> {
    app.accounts.add_to_group(&steward, &group(&segments)?, &user(&segments)?).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Removes a member from a group.
#[utoipa::path(delete, path = "/api/v1/organisations/{organisation}/groups/{group}/members/{user}",
    tag = "organisations",
    params(("group" = String, Path, description = "The name of the group."),
        ("user" = String, Path, description = "The user name.")),
    responses((status = 204, description = "The user is not a member of the group.")))]
async fn remove_from_group(State(app): State<App>, steward: OrgAdminGrant, segments: Segments) -> Result<StatusCode> {
    app.accounts.remove_from_group(&steward, &group(&segments)?, &user(&segments)?).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Parses a user name in a URL. An invalid name is answered as not found.
fn user(segments: &Segments) -> Result<OwnerName> {
    let name = segments.get("user");
    name.parse().map_err(|_| Error::not_found(format!("there is no user `{}`", name.escape_debug())))
}

fn group(segments: &Segments) -> Result<GroupName> {
    let name = segments.get("group");
    name.parse().map_err(|_| Error::not_found(format!("there is no group `{}`", name.escape_debug())))
}
