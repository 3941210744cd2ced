//! `/api/v1/admin/quotas`: storage quotas of owners and datasets, for site administrators.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};

use super::common::Body;
use crate::access::AdminGrant;
use crate::app::App;
use crate::error::{Error, Result};
use crate::storage::quota::{Held, Quota, Subject};
use crate::web::http::{Routes, Segments, routes};

pub(super) fn routes(routes: Routes) -> Routes {
    routes.document(routes!(quota, set_quota, forget_quota))
}

/// The subject of a quota.
#[derive(IntoParams)]
#[into_params(parameter_in = Path)]
#[expect(dead_code, reason = "only described: the name is parsed as the operator's commands do")]
struct About {
    /// The name of a user or an organisation, or `owner/name` of a dataset, with each slash as `%2F`.
    subject: String,
}

/// A new quota.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewQuota {
    /// The quota in bytes; null for unlimited.
    // Required, so that omitting it by mistake does not mean unlimited.
    #[serde(deserialize_with = "Option::deserialize")]
    #[schema(required = true)]
    bytes: Option<u64>,
}

/// Returns the usage and the quota of an owner or a dataset.
#[utoipa::path(get, path = "/api/v1/admin/quotas/{subject}", tag = "administration",
    params(About),
    responses((status = 200, description = "The usage and the quota.", body = Held)))]
async fn quota(State(app): State<App>, admin: AdminGrant, segments: Segments) -> Result<Json<Held>> {
    Ok(Json(app.storage.held_by_subject(&admin, &subject(&segments)?).await?))
}

/// Sets the quota of an owner or a dataset. Existing data is kept even if it exceeds the quota.
#[utoipa::path(put, path = "/api/v1/admin/quotas/{subject}", tag = "administration",
    params(About),
    request_body = NewQuota, responses((status = 200, description = "The usage and the new quota.", body = Held)))]
async fn set_quota(
    State(app): State<App>,
    admin: AdminGrant,
    segments: Segments,
    Body(new): Body<NewQuota>,
) -> Result<Json<Held>> {
    let subject = subject(&segments)?;
    app.storage.set_quota(&admin, &subject, new.bytes.map_or(Quota::None, Quota::Bytes)).await?;
    Ok(Json(app.storage.held_by_subject(&admin, &subject).await?))
}

/// Resets the quota of an owner or a dataset to the configured default.
#[utoipa::path(delete, path = "/api/v1/admin/quotas/{subject}", tag = "administration",
    params(About),
    responses((status = 204, description = "The quota was reset.")))]
async fn forget_quota(State(app): State<App>, admin: AdminGrant, segments: Segments) -> Result<StatusCode> {
    app.storage.set_quota(&admin, &subject(&segments)?, Quota::Default).await?;
    Ok(StatusCode::NO_CONTENT)
}

fn subject(segments: &Segments) -> Result<Subject> {
    let name = segments.get("subject");
    let missing = |_| Error::not_found(format!("there is no user, organisation or dataset `{}`", name.escape_debug()));
    name.parse().map_err(missing)
}
