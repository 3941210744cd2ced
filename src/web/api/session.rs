//! `/api/v1/session`: who sits at a browser, and how they sign in and out.

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Response};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::routes;

use super::super::Routes;
use super::super::browser::{self, Visitor};
use super::super::extract::Caller;
use super::Body;
use crate::accounts::UserRow;
use crate::accounts::sessions::SignedIn;
use crate::app::App;
use crate::config::SignUp;
use crate::error::{Error, Kind, Result};
use crate::types::Secret;

pub(super) fn routes(routes: Routes) -> Routes {
    routes.document(routes!(show, begin, end))
}

/// Somebody with an account, as they see themselves.
#[derive(Serialize, ToSchema)]
pub(super) struct Person {
    /// The name in URLs.
    name: String,
    /// Where letters go.
    email: String,
    /// As people know them, if they said.
    display_name: Option<String>,
    /// Whether they may administer the site.
    admin: bool,
}

impl From<UserRow> for Person {
    fn from(row: UserRow) -> Self {
        let display_name = Some(row.display_name).filter(|name| !name.is_empty());
        Self { name: row.name, email: row.email, display_name, admin: row.admin }
    }
}

/// Who asks, and what a page needs to know before somebody signs in.
#[derive(Serialize, ToSchema)]
struct Session {
    /// Null for who is not signed in, and for credentials for single datasets.
    user: Option<Person>,
    /// Who may make an account.
    sign_up: SignUp,
    /// Whether there is no administrator yet. A link that makes one is printed by `rutter setup-link` on the server.
    set_up: bool,
    /// Whether letters are sent; else they lie in a folder of the server.
    mail: bool,
    /// The server's version; null for everybody who is not signed in.
    #[schema(value_type = Option<String>)]
    version: Option<&'static str>,
}

/// Somebody who signs in.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Login {
    /// Name or address.
    #[schema(example = "ada")]
    login: String,
    /// Password.
    #[schema(value_type = String)]
    password: Secret,
}

/// Who has signed in.
#[derive(Serialize, ToSchema)]
pub(super) struct Welcome {
    /// Who.
    user: Person,
}

/// Tells who signed in, and gives the cookie.
pub(super) fn welcome(status: StatusCode, visitor: &Visitor, signed_in: SignedIn) -> Response {
    let SignedIn { user, cookie, seconds } = signed_in;
    let mut response = (status, Json(Welcome { user: user.into() })).into_response();
    visitor.give_cookie(response.headers_mut(), &cookie, seconds);
    response
}

/// Tells who asks. Never 401: who is not signed in, or not any more, is nobody.
#[utoipa::path(get, path = "/api/v1/session", tag = "accounts", operation_id = "show_session",
    responses((status = 200, description = "Who asks, and who may sign up.", body = Session)))]
async fn show(State(app): State<App>, caller: Result<Caller>) -> Result<Response> {
    let (user, is_over) = match caller {
        // The account is not for credentials that are limited to single datasets.
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

/// Signs in, and gives a cookie. An account that was closed is opened again.
#[utoipa::path(post, path = "/api/v1/session", tag = "accounts", request_body = Login,
    responses((status = 200, description = "Who has signed in.", body = Welcome)))]
async fn begin(State(app): State<App>, visitor: Visitor, Body(login): Body<Login>) -> Result<Response> {
    let signed_in = visitor.sign_in(&app, &login.login, login.password).await?;
    Ok(welcome(StatusCode::OK, &visitor, signed_in))
}

/// Signs out.
#[utoipa::path(delete, path = "/api/v1/session", tag = "accounts",
    responses((status = 204, description = "The session has ended, if there was one.")))]
async fn end(State(app): State<App>, caller: Result<Caller>) -> Result<(StatusCode, HeaderMap)> {
    match caller {
        Ok(caller) => app.accounts.sign_out(&caller.actor).await?,
        Err(error) if Error::ends_session(&error) => {}
        Err(error) => return Err(error),
    }
    let mut headers = HeaderMap::new();
    browser::take_cookie(&mut headers);
    Ok((StatusCode::NO_CONTENT, headers))
}
