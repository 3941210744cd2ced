//! Suggestions of users (`/users`), where a user name is typed.

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::common::Items;
use super::shapes;
use crate::access::AccountGrant;
use crate::accounts::SuggestedRow;
use crate::app::App;
use crate::error::Result;
use crate::web::http::{Parameters, Routes, routes};

pub(super) fn routes(routes: Routes) -> Routes {
    routes.document(routes!(suggest))
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct SuggestQuery {
    /// The beginning of a user name, or the complete e-mail address of a member of an organisation of the caller. Members of
    /// these, and users with whom the caller has shared something, are also found by their display names.
    #[param(min_length = 2, max_length = 254)]
    q: String,
}

/// A user who is suggested.
#[derive(Serialize, ToSchema)]
struct SuggestedUser {
    /// The user name.
    #[schema(value_type = shapes::OwnerName)]
    name: String,
    /// The display name; empty if there is none.
    display_name: String,
}

impl From<SuggestedRow> for SuggestedUser {
    fn from(row: SuggestedRow) -> Self {
        Self { name: row.name, display_name: row.display_name }
    }
}

/// Suggests users, at most 8: first those whom the caller knows, then others, unless the server is configured not to.
#[utoipa::path(get, path = "/api/v1/users", tag = "accounts", params(SuggestQuery),
    responses((status = 200, description = "The users.", body = Items<SuggestedUser>)))]
async fn suggest(
    State(app): State<App>,
    holder: AccountGrant,
    Parameters(asked): Parameters<SuggestQuery>,
) -> Result<Json<Items<SuggestedUser>>> {
    let found = app.accounts.suggest(&holder, &asked.q).await?;
    Ok(Json(Items { items: found.into_iter().map(SuggestedUser::from).collect(), next_cursor: None }))
}
