//! `/api/v1/organisations`: who belongs to them and as what, their groups, invitations.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::routes;

use super::super::Routes;
use super::super::extract::Caller;
use super::shapes;
use super::{Body, Items, Segments, created, segment};
use crate::access::{Member, Steward};
use crate::accounts::invitations::Invitation;
use crate::accounts::organisations::MemberRow;
use crate::app::App;
use crate::error::{Error, Result};
use crate::types::{Email, GroupName, OwnerName, Role};

pub(super) fn routes(routes: Routes) -> Routes {
    routes
        .document(routes!(list, found))
        .document(routes!(show, dissolve))
        .document(routes!(members))
        .document(routes!(appoint, part))
        .document(routes!(invitations, invite))
        .document(routes!(withdraw))
        .document(routes!(groups, add_group))
        .document(routes!(remove_group))
        .document(routes!(group_members))
        .document(routes!(add_to_group, remove_from_group))
}

/// An organisation among those of the caller.
#[derive(Serialize, ToSchema)]
struct OrganisationItem {
    /// Its name; a nested one has `/` in it.
    name: String,
    /// What the caller is there.
    role: Role,
    /// How many belong to it.
    members: u64,
}

/// A new organisation.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewOrganisation {
    /// Its name; one within another is `ministry/statistics`.
    #[schema(value_type = shapes::OwnerName)]
    name: String,
}

/// An organisation.
#[derive(Serialize, ToSchema)]
struct Organisation {
    /// Its name; a nested one has `/` in it.
    name: String,
    /// What the caller is there; null for who administers the site and is nothing there.
    role: Option<Role>,
    /// When it was made (RFC 3339).
    #[schema(format = DateTime)]
    created: String,
    /// Bytes that its datasets hold, in Git LFS and in git.
    bytes: u64,
    /// Bytes that they may hold together; null where that is not bounded.
    quota_bytes: Option<u64>,
    /// How many datasets it has.
    datasets: usize,
}

/// Somebody who belongs to an organisation.
#[derive(Serialize, ToSchema)]
struct Membership {
    /// Name of the user.
    name: String,
    /// As the user wants to be called; null unless said.
    display_name: Option<String>,
    /// In the organisation.
    role: Role,
}

impl From<MemberRow> for Membership {
    fn from(row: MemberRow) -> Self {
        let display_name = Some(row.display_name).filter(|name| !name.is_empty());
        Self { name: row.name, display_name, role: row.role }
    }
}

/// As what somebody is to belong to an organisation.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Appointment {
    /// `reader` sees its datasets, `writer` changes them, `owner` decides about all of it.
    #[schema(value_type = Role)]
    role: String,
}

/// Somebody who is to be asked.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewInvitation {
    /// Where the letter goes.
    #[schema(value_type = shapes::EmailAddress)]
    email: String,
    /// As what.
    #[schema(value_type = Role)]
    role: String,
}

/// An invitation that is open.
#[derive(Serialize, ToSchema)]
pub(super) struct InvitationItem {
    /// Stable id.
    id: String,
    /// Where the letter went.
    email: String,
    /// As what, in the organisation; absent for one to the site alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    role: Option<Role>,
    /// When it was sent (RFC 3339).
    #[schema(format = DateTime)]
    created: String,
    /// When its link ends (RFC 3339).
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
    /// Its name; in full it is written `organisation:group`.
    name: String,
    /// How many belong to it.
    members: u64,
}

/// A new group.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewGroup {
    /// Letters, digits, `.`, `_` and `-`.
    #[schema(value_type = shapes::GroupName)]
    name: String,
}

fn all<T>(items: Vec<T>) -> Json<Items<T>> {
    Json(Items { items, next_cursor: None })
}

/// Lists the organisations that the caller belongs to.
#[utoipa::path(get, path = "/api/v1/organisations", tag = "organisations",
    responses((status = 200, description = "The organisations.", body = Items<OrganisationItem>)))]
async fn list(State(app): State<App>, caller: Caller) -> Result<Json<Items<OrganisationItem>>> {
    let oneself = app.access.authorize_oneself(&caller.actor)?;
    let found = app.accounts.belongings(&oneself).await?;
    let items = found.into_iter().map(|one| OrganisationItem { name: one.name, role: one.role, members: one.members });
    Ok(all(items.collect()))
}

/// Makes an organisation; the caller is its first owner.
#[utoipa::path(post, path = "/api/v1/organisations", tag = "organisations", request_body = NewOrganisation,
    responses((status = 201, description = "The organisation.", body = Organisation)))]
async fn found(State(app): State<App>, caller: Caller, Body(new): Body<NewOrganisation>) -> Result<Response> {
    let name: OwnerName = new.name.parse()?;
    let makers = app.config.accounts.organisations;
    let founding = app.access.authorize_founding(&caller.actor, &name, makers).await?;
    app.accounts.found(&founding).await?;
    let member = app.access.authorize_member(&caller.actor, name.as_str()).await?;
    let location = format!("/api/v1/organisations/{}", segment(name.as_str()));
    Ok(created(&location, organisation(&app, &member).await?))
}

/// Shows an organisation, to those who belong to it.
#[utoipa::path(get, path = "/api/v1/organisations/{organisation}", tag = "organisations",
    responses((status = 200, description = "The organisation.", body = Organisation)))]
async fn show(State(app): State<App>, member: Member) -> Result<Json<Organisation>> {
    organisation(&app, &member).await.map(Json)
}

async fn organisation(app: &App, member: &Member) -> Result<Organisation> {
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

/// Removes an organisation that has no datasets.
#[utoipa::path(delete, path = "/api/v1/organisations/{organisation}", tag = "organisations",
    responses((status = 204, description = "It is gone."), (status = 409, description = "It has datasets.")))]
async fn dissolve(State(app): State<App>, steward: Steward) -> Result<StatusCode> {
    app.accounts.dissolve(&steward).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Lists who belongs to an organisation.
#[utoipa::path(get, path = "/api/v1/organisations/{organisation}/members", tag = "organisations",
    responses((status = 200, description = "The members.", body = Items<Membership>)))]
async fn members(State(app): State<App>, member: Member) -> Result<Json<Items<Membership>>> {
    Ok(all(app.accounts.people(&member).await?.into_iter().map(Into::into).collect()))
}

/// Makes a user a member, or changes the role.
#[utoipa::path(put, path = "/api/v1/organisations/{organisation}/members/{user}", tag = "organisations",
    params(("user" = String, Path, description = "Name of the user.")), request_body = Appointment,
    responses((status = 204, description = "It is so."), (status = 409, description = "It is the last owner.")))]
async fn appoint(
    State(app): State<App>,
    steward: Steward,
    segments: Segments,
    Body(asked): Body<Appointment>,
) -> Result<StatusCode> {
    app.accounts.appoint(&steward, &user(&segments)?, asked.role.parse()?).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Ends a membership: that of others as an owner, one's own in any role.
#[utoipa::path(delete, path = "/api/v1/organisations/{organisation}/members/{user}", tag = "organisations",
    params(("user" = String, Path, description = "Name of the user.")),
    responses((status = 204, description = "It has ended."), (status = 409, description = "It is the last owner.")))]
async fn part(State(app): State<App>, caller: Caller, segments: Segments) -> Result<StatusCode> {
    let (organisation, user) = (segments.get("organisation"), segments.get("user"));
    let departure = app.access.authorize_departure(&caller.actor, organisation, user).await?;
    app.accounts.part(&departure).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Lists the invitations to an organisation that are open.
#[utoipa::path(get, path = "/api/v1/organisations/{organisation}/invitations", tag = "organisations",
    responses((status = 200, description = "The invitations.", body = Items<InvitationItem>)))]
async fn invitations(State(app): State<App>, steward: Steward) -> Result<Json<Items<InvitationItem>>> {
    Ok(all(app.accounts.invitations(&steward).await?.into_iter().map(Into::into).collect()))
}

/// Asks somebody to join an organisation, by a letter.
///
/// The answer is the same whether the address has an account or not. One to the same address before is withdrawn.
#[utoipa::path(post, path = "/api/v1/organisations/{organisation}/invitations", tag = "organisations",
    request_body = NewInvitation,
    responses((status = 201, description = "The invitation.", body = InvitationItem)))]
async fn invite(
    State(app): State<App>,
    steward: Steward,
    Body(new): Body<NewInvitation>,
) -> Result<(StatusCode, Json<InvitationItem>)> {
    let (email, role): (Email, Role) = (new.email.parse()?, new.role.parse()?);
    let invited = app.accounts.invite(&steward, &email, role).await?;
    Ok((StatusCode::CREATED, Json(invited.into())))
}

/// Withdraws an invitation: its link is good no more.
#[utoipa::path(delete, path = "/api/v1/organisations/{organisation}/invitations/{id}", tag = "organisations",
    params(("id" = String, Path, description = "Of the invitation.")),
    responses((status = 204, description = "It is withdrawn.")))]
async fn withdraw(State(app): State<App>, steward: Steward, segments: Segments) -> Result<StatusCode> {
    app.accounts.withdraw(&steward, super::known_id(segments.get("id"))?).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Lists the groups of an organisation.
#[utoipa::path(get, path = "/api/v1/organisations/{organisation}/groups", tag = "organisations",
    responses((status = 200, description = "The groups.", body = Items<Group>)))]
async fn groups(State(app): State<App>, member: Member) -> Result<Json<Items<Group>>> {
    let found = app.accounts.groups(&member).await?.into_iter();
    let items = found.map(|row| Group { name: row.name, members: u64::try_from(row.members).unwrap_or(0) });
    Ok(all(items.collect()))
}

/// Adds a group to an organisation.
#[utoipa::path(post, path = "/api/v1/organisations/{organisation}/groups", tag = "organisations",
    request_body = NewGroup, responses((status = 201, description = "The group.", body = Group)))]
async fn add_group(
    State(app): State<App>,
    steward: Steward,
    Body(new): Body<NewGroup>,
) -> Result<(StatusCode, Json<Group>)> {
    let name: GroupName = new.name.parse()?;
    app.accounts.add_group(&steward, &name).await?;
    Ok((StatusCode::CREATED, Json(Group { name: name.to_string(), members: 0 })))
}

/// Removes a group. What was shared with it is not, from then on.
#[utoipa::path(delete, path = "/api/v1/organisations/{organisation}/groups/{group}", tag = "organisations",
    params(("group" = String, Path, description = "Name of the group.")),
    responses((status = 204, description = "It is gone.")))]
async fn remove_group(State(app): State<App>, steward: Steward, segments: Segments) -> Result<StatusCode> {
    app.accounts.remove_group(&steward, &group(&segments)?).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Lists who belongs to a group.
#[utoipa::path(get, path = "/api/v1/organisations/{organisation}/groups/{group}/members", tag = "organisations",
    params(("group" = String, Path, description = "Name of the group.")),
    responses((status = 200, description = "The members.", body = Items<Membership>)))]
async fn group_members(State(app): State<App>, member: Member, segments: Segments) -> Result<Json<Items<Membership>>> {
    let found = app.accounts.group_people(&member, &group(&segments)?).await?;
    Ok(all(found.into_iter().map(Into::into).collect()))
}

/// Adds a member of the organisation to a group.
#[utoipa::path(put, path = "/api/v1/organisations/{organisation}/groups/{group}/members/{user}", tag = "organisations",
    params(("group" = String, Path, description = "Name of the group."),
        ("user" = String, Path, description = "Name of the user.")),
    responses((status = 204, description = "It is so.")))]
async fn add_to_group(State(app): State<App>, steward: Steward, segments: Segments) -> Result<StatusCode> {
    app.accounts.add_to_group(&steward, &group(&segments)?, &user(&segments)?).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Takes somebody out of a group.
#[utoipa::path(delete, path = "/api/v1/organisations/{organisation}/groups/{group}/members/{user}",
    tag = "organisations",
    params(("group" = String, Path, description = "Name of the group."),
        ("user" = String, Path, description = "Name of the user.")),
    responses((status = 204, description = "It is so.")))]
async fn remove_from_group(State(app): State<App>, steward: Steward, segments: Segments) -> Result<StatusCode> {
    app.accounts.remove_from_group(&steward, &group(&segments)?, &user(&segments)?).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// A name in a URL that none can have is one that is not there.
fn user(segments: &Segments) -> Result<OwnerName> {
    let name = segments.get("user");
    name.parse().map_err(|_| Error::not_found(format!("there is no user `{}`", name.escape_debug())))
}

fn group(segments: &Segments) -> Result<GroupName> {
    let name = segments.get("group");
    name.parse().map_err(|_| Error::not_found(format!("there is no group `{}`", name.escape_debug())))
}
