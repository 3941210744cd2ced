//! `/api/v1/admin/quotas`: how much owners and datasets may hold, for those who administer the site.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::routes;

use super::super::Routes;
use super::{Body, Segments};
use crate::access::Administrator;
use crate::app::App;
use crate::error::{Error, Result};
use crate::storage::quota::{Held, Quota, Subject};

pub(super) fn routes(routes: Routes) -> Routes {
    routes.document(routes!(quota, set_quota, forget_quota))
}

/// Who is spoken of.
#[derive(IntoParams)]
#[into_params(parameter_in = Path)]
#[expect(dead_code, reason = "only described: the name is parsed as the operator's commands do")]
struct About {
    /// Name of a user or an organisation, or `owner/name` of a dataset; with `%2F` for each slash.
    subject: String,
}

/// How much may be held.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewQuota {
    /// Bytes; null for as much as there is room.
    // Left out by mistake, it must not mean null.
    #[serde(deserialize_with = "Option::deserialize")]
    #[schema(required = true)]
    bytes: Option<u64>,
}

/// Tells how much an owner or a dataset holds, and may hold.
#[utoipa::path(get, path = "/api/v1/admin/quotas/{subject}", tag = "administration",
    params(About),
    responses((status = 200, description = "How much.", body = Held)))]
async fn quota(State(app): State<App>, admin: Administrator, segments: Segments) -> Result<Json<Held>> {
    Ok(Json(app.storage.held_by_subject(&admin, &subject(&segments)?).await?))
}

/// Says how much an owner or a dataset may hold. What is held already stays, also where it is more.
#[utoipa::path(put, path = "/api/v1/admin/quotas/{subject}", tag = "administration",
    params(About),
    request_body = NewQuota, responses((status = 200, description = "It is so.", body = Held)))]
async fn set_quota(
    State(app): State<App>,
    admin: Administrator,
    segments: Segments,
    Body(new): Body<NewQuota>,
) -> Result<Json<Held>> {
    let subject = subject(&segments)?;
    app.storage.set_quota(&admin, &subject, new.bytes.map_or(Quota::None, Quota::Bytes)).await?;
    Ok(Json(app.storage.held_by_subject(&admin, &subject).await?))
}

/// Has the quota of an owner or a dataset be the one that is configured for all.
#[utoipa::path(delete, path = "/api/v1/admin/quotas/{subject}", tag = "administration",
    params(About),
    responses((status = 204, description = "It is so.")))]
async fn forget_quota(State(app): State<App>, admin: Administrator, segments: Segments) -> Result<StatusCode> {
    app.storage.set_quota(&admin, &subject(&segments)?, Quota::Default).await?;
    Ok(StatusCode::NO_CONTENT)
}

fn subject(segments: &Segments) -> Result<Subject> {
    let name = segments.get("subject");
    let missing = |_| Error::not_found(format!("there is no user, organisation or dataset `{}`", name.escape_debug()));
    name.parse().map_err(missing)
}
