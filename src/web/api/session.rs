//! `/api/v1/session`: browser sessions: sign-in and sign-out.

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Response};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::browser::{self, BrowserClient};
use super::common::{Body, avatar_url};
use crate::accounts::UserRow;
use crate::accounts::sessions::{SignIn, SignedIn};
use crate::app::App;
use crate::config::SignUp;
use crate::error::{Error, Kind, Result};
use crate::types::Secret;
use crate::web::http::{EnrollingActor, Routes, routes};

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
    /// The URL of the avatar; null for none.
    avatar: Option<String>,
    /// True if the user is a site administrator.
    admin: bool,
}

impl From<UserRow> for Person {
    fn from(row: UserRow) -> Self {
        let display_name = Some(row.display_name).filter(|name| !name.is_empty());
        let avatar = avatar_url(&row.name, row.avatar.as_deref());
        Self { name: row.name, email: row.email, display_name, avatar, admin: row.admin }
    }
}

/// A provider that users can sign in with.
#[derive(Serialize, ToSchema)]
struct SignInProvider {
    /// The name in URLs: signing in begins at `/login/NAME`.
    name: String,
    /// The name for people.
    label: String,
}

/// Returns the providers of the site.
fn providers(app: &App) -> Vec<SignInProvider> {
    let one = |(name, label): (&str, &str)| SignInProvider { name: name.to_owned(), label: label.to_owned() };
    app.accounts.providers().map(one).collect()
}

/// The current session, and what the sign-in page needs to know.
#[derive(Serialize, ToSchema)]
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own for the sign-in page")]
struct Session {
    /// The signed-in user; null without a session, and for credentials limited to single datasets.
    user: Option<Person>,
    /// True if the site requires two-factor authentication and the user has none: until it is set up
    /// (`/api/v1/user/factors`), this session can do nothing else.
    must_enrol: bool,
    /// The sign-up policy.
    sign_up: SignUp,
    /// True if there is no administrator yet. `rutter setup-link` on the server prints a link that creates one.
    set_up: bool,
    /// True if users can sign in with passwords.
    passwords: bool,
    /// True if users can sign in with passkeys.
    passkeys: bool,
    /// The external providers that users can sign in with.
    providers: Vec<SignInProvider>,
    /// True if the server can send e-mail; if false, messages are written to a directory on the server.
    mail: bool,
    /// The version of the server; null unless signed in.
    #[schema(value_type = Option<String>)]
    version: Option<&'static str>,
}

/// Sign-in credentials: `login` and `password`, for the second step `ticket` and `code`, or for a passkey `ticket` and
/// `credential`.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[expect(clippy::struct_field_names, reason = "the API names it so")]
struct Login {
    /// The user name or e-mail address.
    #[schema(example = "ada")]
    login: Option<String>,
    /// The password.
    #[schema(value_type = Option<String>)]
    password: Option<Secret>,
    /// For the second step: the ticket from the response to the password. For a passkey: that of the challenge.
    #[schema(value_type = Option<String>)]
    ticket: Option<Secret>,
    /// For the second step: the code of the authenticator app, or a recovery code.
    #[schema(value_type = Option<String>)]
    code: Option<Secret>,
    /// The answer of a passkey, with the ticket of its challenge.
    #[schema(value_type = Option<Object>)]
    credential: Option<serde_json::Value>,
}

/// The second step of signing in: the account has two-factor authentication.
#[derive(Serialize, ToSchema)]
struct SecondStep {
    /// A one-time token, to be sent with a code. It expires after 10 minutes or 5 codes.
    ticket: String,
    /// The accepted kinds of codes.
    kinds: [CodeKind; 2],
}

/// A kind of code.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
enum CodeKind {
    /// Six digits of an authenticator app.
    Totp,
    /// A recovery code.
    Recovery,
}

/// The response to a password of an account with two-factor authentication.
#[derive(Serialize, ToSchema)]
struct Unfinished {
    /// What to do next.
    second: SecondStep,
}

/// The result of signing in, or of its first step.
#[derive(Serialize, ToSchema)]
#[serde(untagged)]
enum SignInResult {
    /// The user is signed in.
    Done(Welcome),
    /// A code is required.
    Unfinished(Unfinished),
}

/// The result of signing in.
#[derive(Serialize, ToSchema)]
pub(super) struct Welcome {
    /// The signed-in user.
    user: Person,
}

/// Returns the signed-in user and sets the session cookie.
pub(super) fn welcome(status: StatusCode, visitor: &BrowserClient, signed_in: SignedIn) -> Response {
    let mut cookies = HeaderMap::new();
    visitor.give_cookies(&mut cookies, &signed_in);
    (status, cookies, Json(SignInResult::Done(Welcome { user: signed_in.user.into() }))).into_response()
}

/// Returns the current session. Never fails with 401: without a valid session, `user` is null.
#[utoipa::path(get, path = "/api/v1/session", tag = "accounts", operation_id = "show_session",
    responses((status = 200, description = "The session.", body = Session)))]
async fn show(State(app): State<App>, caller: Result<EnrollingActor>) -> Result<Response> {
    let enrolling = caller.as_ref().ok().and_then(|EnrollingActor(caller)| caller.actor.enrolling());
    let (user, is_over) = match caller {
        // Credentials limited to single datasets do not reveal the account.
        Ok(EnrollingActor(caller)) => {
            let oneself = app.access.authorize_oneself(&caller.actor).ok().map(|oneself| oneself.user());
            (oneself.or(enrolling), false)
        }
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
        must_enrol: enrolling.is_some(),
        sign_up: app.config.accounts.sign_up,
        set_up: app.accounts.needs_set_up().await?,
        passwords: app.config.accounts.passwords,
        passkeys: app.accounts.has_passkeys(),
        providers: providers(&app),
        mail: app.config.mail.url.is_some(),
    };
    let mut response = Json(session).into_response();
    if is_over {
        browser::take_cookie(response.headers_mut());
    }
    Ok(response)
}

/// Signs in and sets the session cookie. For an account with two-factor authentication, the response to `login` and
/// `password` has a ticket instead, without a cookie; sending it with a code signs in. Signing in to a closed account
/// reopens it.
#[utoipa::path(post, path = "/api/v1/session", tag = "accounts", request_body = Login,
    responses((status = 200, description = "The signed-in user, or the ticket for the second step.", body = SignInResult)))]
async fn begin(State(app): State<App>, visitor: BrowserClient, Body(login): Body<Login>) -> Result<Response> {
    let signed_in = match login {
        Login { login: Some(login), password: Some(password), ticket: None, code: None, credential: None } => {
            match visitor.sign_in(&app, &login, password).await? {
                SignIn::Done(signed_in) => *signed_in,
                SignIn::SecondStep(ticket) => {
                    let kinds = [CodeKind::Totp, CodeKind::Recovery];
                    let second = SecondStep { ticket: ticket.expose().to_owned(), kinds };
                    return Ok(Json(SignInResult::Unfinished(Unfinished { second })).into_response());
                }
            }
        }
        Login { login: None, password: None, ticket: Some(ticket), code: Some(code), credential: None } => {
            visitor.sign_in_with_code(&app, &ticket, &code).await?
        }
        Login { login: None, password: None, ticket: Some(ticket), code: None, credential: Some(answer) } => {
            app.accounts.sign_in_with_passkey(&ticket, answer, &visitor.visit).await?
        }
        _ => {
            return Err(Error::invalid(
                "send `login` and `password`, `ticket` and `code`, or `ticket` and `credential`",
            ));
        }
    };
    Ok(welcome(StatusCode::OK, &visitor, signed_in))
}

/// Signs out.
#[utoipa::path(delete, path = "/api/v1/session", tag = "accounts",
    responses((status = 204, description = "The session, if any, was ended.")))]
async fn end(State(app): State<App>, caller: Result<EnrollingActor>) -> Result<(StatusCode, HeaderMap)> {
    match caller {
        Ok(EnrollingActor(caller)) => app.accounts.sign_out(&caller.actor).await?,
        Err(error) if Error::ends_session(&error) => {}
        Err(error) => return Err(error),
    }
    let mut headers = HeaderMap::new();
    browser::take_cookie(&mut headers);
    Ok((StatusCode::NO_CONTENT, headers))
}
