//! `/apps/open`: lets a browser that is signed in here into an app, which is on another host.

use axum::extract::{FromRequestParts as _, Request, State};
use axum::http::Method;
use axum::response::Response;
use serde::Deserialize;

use super::http::{AuthedActor, Parameters, RouteGroup, Routes, error_page, see_other, segment};
use crate::app::App;
use crate::apps::open::AppPlace;
use crate::error::{Kind, Result};

/// Requests that write a row.
const PAGES: RouteGroup =
    RouteGroup { render_error: |_, details, response| error_page(details, response), cost: 50, ..RouteGroup::DEFAULT };

/// Length of a state: the hash of a random value.
const STATE_LENGTH: usize = 64;

pub(super) fn routes(routes: Routes) -> Routes {
    routes.group(PAGES).add(Method::GET, "/apps/open", open)
}

#[derive(Deserialize)]
struct Opening {
    /// A URL of an app.
    to: String,
    /// The hash of the state that the app's host gave to the browser.
    state: Option<String>,
}

/// Sends the browser to the app with a one-time token; to the page for signing in if it is not signed in here.
async fn open(State(app): State<App>, Parameters(opening): Parameters<Opening>, request: Request) -> Result<Response> {
    let (mut parts, _) = request.into_parts();
    let is_state = |state: &String| state.len() == STATE_LENGTH && state.bytes().all(|b| b.is_ascii_hexdigit());
    let actor = match AuthedActor::from_request_parts(&mut parts, &app).await {
        Ok(caller) if !caller.actor.is_anonymous() => caller.actor,
        Err(error) if error.kind() != Kind::Unauthenticated => return Err(error),
        Ok(_) | Err(_) => {
            let here = parts.uri.path_and_query().map_or("/apps", |here| here.as_str());
            return see_other(&format!("/login?next={}", segment(here)));
        }
    };
    let AppPlace { install, path } = app.apps.place(&opening.to).await?;
    let grant = app.access.authorize_app_opening(&actor, &install).await?;
    let Some(state) = opening.state.filter(is_state) else {
        // It begins on the app's host, which gives the browser a state.
        let base = app.apps.url(&install);
        return see_other(&format!("{base}{path}"));
    };
    see_other(&app.apps.entry_url(&grant, &path, &state).await?)
}
