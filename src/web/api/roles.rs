//! `/api/v1/organisations/{organisation}/roles`: roles of members on the data platform of their organisation.

use axum::Json;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::common::{Body, Items};
use super::shapes;
use crate::access::{OrgAdminGrant, OrgMemberGrant};
use crate::accounts::platform_roles::{PlatformRoleRow, RoleChange};
use crate::accounts::role_file::RoleFile;
use crate::app::App;
use crate::error::{Error, Result};
use crate::types::{OwnerName, PlatformRole, Role};
use crate::web::http::{AuthedActor, Parameters, Routes, Segments, read_body, routes};

pub(super) fn routes(routes: Routes) -> Routes {
    routes
        .document(routes!(list_platform_roles, replace_platform_roles))
        .document(routes!(set_platform_role, remove_platform_role))
}

/// A member with a platform role.
#[derive(Serialize, ToSchema)]
struct PlatformMember {
    /// The user name.
    name: String,
    /// The display name; null if not set.
    display_name: Option<String>,
    /// The role on the platform.
    role: PlatformRole,
    /// The role in the organisation.
    membership: Role,
}

impl From<PlatformRoleRow> for PlatformMember {
    fn from(row: PlatformRoleRow) -> Self {
        let display_name = Some(row.display_name).filter(|name| !name.is_empty());
        Self { name: row.name, display_name, role: row.role, membership: row.membership }
    }
}

/// A platform role to assign to a user.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct PlatformRoleUpdate {
    /// What the user may do in the applications of the organisation.
    #[schema(value_type = PlatformRole)]
    role: String,
}

/// A change of a platform role.
#[derive(Serialize, ToSchema)]
struct PlatformRoleChange {
    /// The user name.
    user: String,
    /// The platform role before; null if there was none.
    from: Option<PlatformRole>,
    /// The platform role afterwards; null if it is removed.
    to: Option<PlatformRole>,
    /// The new role in the organisation; null if it stays.
    membership: Option<Role>,
}

impl From<RoleChange> for PlatformRoleChange {
    fn from(RoleChange { user, from, to, membership }: RoleChange) -> Self {
        Self { user, from, to, membership }
    }
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct RoleImport {
    /// True to return the changes without making them.
    dry_run: Option<bool>,
}

/// Lists the members of an organisation that have a platform role, by name.
#[utoipa::path(get, path = "/api/v1/organisations/{organisation}/roles", tag = "organisations",
    responses((status = 200, description = "The roles.", body = Items<PlatformMember>)))]
async fn list_platform_roles(State(app): State<App>, member: OrgMemberGrant) -> Result<Json<Items<PlatformMember>>> {
    let items = app.accounts.platform_roles(&member).await?.into_iter().map(Into::into).collect();
    Ok(Json(Items { items, next_cursor: None }))
}

/// Replaces all platform roles of an organisation by those of a file, or none if a line is wrong.
///
/// The file is TOML: the line `[roles]`, then one line such as `ada = "engineer"` for each user. Users that are not in
/// the file lose their platform role, and stay members.
#[utoipa::path(put, path = "/api/v1/organisations/{organisation}/roles", tag = "organisations", params(RoleImport),
    request_body(content = inline(shapes::Bytes), content_type = "application/octet-stream"),
    responses((status = 200, description = "The changes, by user name.", body = Items<PlatformRoleChange>),
        (status = 422, description = "Nothing was changed. The error names the wrong lines.")))]
async fn replace_platform_roles(
    State(app): State<App>,
    caller: AuthedActor,
    segments: Segments,
    Parameters(import): Parameters<RoleImport>,
    request: Request,
) -> Result<Json<Items<PlatformRoleChange>>> {
    let steward = app.access.authorize_steward(&caller.actor, segments.get("organisation")).await?;
    let body = read_body(&app, request).await?;
    let text = std::str::from_utf8(&body).map_err(|_| Error::malformed("the file is not valid UTF-8"))?;
    let file = RoleFile::parse(text)?;
    caller.charge(file.len());
    let changes = app.accounts.replace_platform_roles(&steward, &file, import.dry_run == Some(true)).await?;
    Ok(Json(Items { items: changes.into_iter().map(Into::into).collect(), next_cursor: None }))
}

/// Sets the platform role of a user. The user becomes a member of the organisation, with at least the role there that the
/// platform role needs: `owner` for `admin`, `writer` for `engineer` and `scientist`, otherwise `reader`.
#[utoipa::path(put, path = "/api/v1/organisations/{organisation}/roles/{user}", tag = "organisations",
    params(("user" = String, Path, description = "The user name.")), request_body = PlatformRoleUpdate,
    responses((status = 204, description = "The role was saved.")))]
async fn set_platform_role(
    State(app): State<App>,
    steward: OrgAdminGrant,
    segments: Segments,
    Body(asked): Body<PlatformRoleUpdate>,
) -> Result<StatusCode> {
    app.accounts.set_platform_role(&steward, &user(&segments)?, asked.role.parse()?).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Removes the platform role of a user, who stays a member of the organisation. Applications refuse the user from the next
/// request to this server on.
#[utoipa::path(delete, path = "/api/v1/organisations/{organisation}/roles/{user}", tag = "organisations",
    params(("user" = String, Path, description = "The user name.")),
    responses((status = 204, description = "The role was removed.")))]
async fn remove_platform_role(
    State(app): State<App>,
    steward: OrgAdminGrant,
    segments: Segments,
) -> Result<StatusCode> {
    app.accounts.remove_platform_role(&steward, &user(&segments)?).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Parses a user name in a URL. An invalid name is answered as not found.
fn user(segments: &Segments) -> Result<OwnerName> {
    let name = segments.get("user");
    name.parse().map_err(|_| Error::not_found(format!("there is no user `{}`", name.escape_debug())))
}
