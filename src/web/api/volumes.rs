//! `/api/v1/volumes`: storage that was kept of uninstalled apps.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::Serialize;
use utoipa::ToSchema;

use super::common::{Items, known_id};
use crate::access::AccountGrant;
use crate::app::App;
use crate::apps::installs::VolumeRow;
use crate::error::Result;
use crate::types::Millis;
use crate::web::http::{Routes, Segments, routes};

pub(super) fn routes(routes: Routes) -> Routes {
    routes.document(routes!(list_volumes)).document(routes!(delete_volume))
}

/// Storage of an app that was uninstalled.
#[derive(Serialize, ToSchema)]
struct KeptVolume {
    /// Its id.
    id: String,
    /// The user or organisation that owns it.
    owner: String,
    /// The name of the app in the catalogue; null for none.
    app: Option<String>,
    /// The name of the install. A new install of the same app with this name uses the volume again.
    install: String,
    /// When it was created (RFC 3339).
    #[schema(format = DateTime)]
    created: String,
    /// When the app was uninstalled (RFC 3339).
    #[schema(format = DateTime)]
    released: Option<String>,
}

impl From<VolumeRow> for KeptVolume {
    fn from(row: VolumeRow) -> Self {
        Self {
            id: row.id.to_string(),
            owner: row.owner,
            app: Some(row.app).filter(|name| !name.is_empty()),
            install: row.install,
            created: row.created_at.rfc3339(),
            released: row.released_at.map(Millis::rfc3339),
        }
    }
}

/// Lists the volumes that were kept of uninstalled apps, of the caller and of organisations that the caller owns.
#[utoipa::path(get, path = "/api/v1/volumes", tag = "apps",
    responses((status = 200, description = "The volumes.", body = Items<KeptVolume>)))]
async fn list_volumes(State(app): State<App>, holder: AccountGrant) -> Result<Json<Items<KeptVolume>>> {
    let items = app.apps.volumes(&holder).await?.into_iter().map(KeptVolume::from).collect();
    Ok(Json(Items { items, next_cursor: None }))
}

/// Deletes a kept volume.
#[utoipa::path(delete, path = "/api/v1/volumes/{id}", tag = "apps",
    params(("id" = String, Path, description = "The id of the volume.")),
    responses((status = 204, description = "The volume was deleted.")))]
async fn delete_volume(State(app): State<App>, holder: AccountGrant, segments: Segments) -> Result<StatusCode> {
    app.apps.delete_volume(&holder, known_id(segments.get("id"))?).await?;
    Ok(StatusCode::NO_CONTENT)
}
