//! `/api/v1/session`: browser sessions: sign-in and sign-out.

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Response};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::routes;

use super::browser::{self, BrowserClient};
use super::common::Body;
use crate::accounts::UserRow;
use crate::accounts::sessions::SignedIn;
use crate::app::App;
use crate::config::SignUp;
use crate::error::{Error, Kind, Result};
use crate::types::Secret;
use crate::web::http::{AuthedActor, Routes};

pub(super) fn routes(routes: Routes) -> Routes {
    routes.document(routes!(show, begin, end))
}

/// The signed-in user.
#[derive(Serialize, ToSchema)]
pub(super) struct Person {
    /// The user name, as it appears in URLs.
    name: String,
    /// The e-mail address.
    email: String,
    /// The display name, if set.
    display_name: Option<String>,
    /// True if the user is a site administrator.
    admin: bool,
}

impl From<UserRow> for Person {
    fn from(row: UserRow) -> Self {
        let display_name = Some(row.display_name).filter(|name| !name.is_empty());
        Self { name: row.name, email: row.email, display_name, admin: row.admin }
    }
}

/// The current session, and what the sign-in page needs to know.
#[derive(Serialize, ToSchema)]
struct Session {
    /// The signed-in user; null without a session, and for credentials limited to single datasets.
    user: Option<Person>,
    /// The sign-up policy.
    sign_up: SignUp,
    /// True if there is no administrator yet. `rutter setup-link` on the server prints a link that creates one.
    set_up: bool,
    /// True if the server can send e-mail; if false, messages are written to a directory on the server.
    mail: bool,
    /// The version of the server; null unless signed in.
    #[schema(value_type = Option<String>)]
    version: Option<&'static str>,
}

/// Sign-in credentials.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Login {
    /// The user name or e-mail address.
    #[schema(example = "ada")]
    login: String,
    /// The password.
    #[schema(value_type = String)]
    password: Secret,
}

/// The result of signing in.
#[derive(Serialize, ToSchema)]
pub(super) struct Welcome {
    /// The signed-in user.
    user: Person,
}

/// Returns the signed-in user and sets the session cookie.
pub(super) fn welcome(status: StatusCode, visitor: &BrowserClient, signed_in: SignedIn) -> Response {
    let SignedIn { user, cookie, seconds } = signed_in;
    let mut response = (status, Json(Welcome { user: user.into() })).into_response();
    visitor.give_cookie(response.headers_mut(), &cookie, seconds);
    response
}

/// Returns the current session. Never fails with 401: without a valid session, `user` is null.
#[utoipa::path(get, path = "/api/v1/session", tag = "accounts", operation_id = "show_session",
    responses((status = 200, description = "The session.", body = Session)))]
async fn show(State(app): State<App>, caller: Result<AuthedActor>) -> Result<Response> {
    let (user, is_over) = match caller {
        // Credentials limited to single datasets do not reveal the account.
        Ok(caller) => (app.access.authorize_oneself(&caller.actor).ok().map(|oneself| oneself.user()), false),
        Err(error) if error.kind() == Kind::Unauthenticated => (None, error.ends_session()),
        Err(error) => return Err(error),
    };
    let user = match user {
        Some(id) => Some(app.accounts.profile(id).await?.into()),
        None => None,
    };
    let session = Session {
        version: user.is_some().then_some(env!("CARGO_PKG_VERSION")),
        user,
        sign_up: app.config.accounts.sign_up,
        set_up: app.accounts.needs_set_up().await?,
        mail: app.config.mail.url.is_some(),
    };
    let mut response = Json(session).into_response();
    if is_over {
        browser::take_cookie(response.headers_mut());
    }
    Ok(response)
}

/// Signs in and sets the session cookie. Signing in to a closed account reopens it.
#[utoipa::path(post, path = "/api/v1/session", tag = "accounts", request_body = Login,
    responses((status = 200, description = "The signed-in user.", body = Welcome)))]
async fn begin(State(app): State<App>, visitor: BrowserClient, Body(login): Body<Login>) -> Result<Response> {
    let signed_in = visitor.sign_in(&app, &login.login, login.password).await?;
    Ok(welcome(StatusCode::OK, &visitor, signed_in))
}

/// Signs out.
#[utoipa::path(delete, path = "/api/v1/session", tag = "accounts",
    responses((status = 204, description = "The session, if any, was ended.")))]
async fn end(State(app): State<App>, caller: Result<AuthedActor>) -> Result<(StatusCode, HeaderMap)> {
    match caller {
        Ok(caller) => app.accounts.sign_out(&caller.actor).await?,
        Err(error) if Error::ends_session(&error) => {}
        Err(error) => return Err(error),
    }
    let mut headers = HeaderMap::new();
    browser::take_cookie(&mut headers);
    Ok((StatusCode::NO_CONTENT, headers))
}
