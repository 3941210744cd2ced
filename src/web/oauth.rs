//! OAuth 2.1 and OpenID Connect: discovery, authorization, tokens. Errors are in the words of the protocol.

mod register;

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::{RawQuery, Request, State};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use percent_encoding::percent_decode_str;
use serde_json::{Value, json};

use super::http::session_cookie::take_cookie;
use super::http::{
    AuthedActor, ClientDescription, RouteGroup, Routes, SIGNATURE_COST, Segments, error_page, read_body, see_other,
    segment,
};
use crate::access::app_tokens::AppScopes;
use crate::app::App;
use crate::config::Registration;
use crate::error::{Error, Kind, Result};
use crate::oauth::authorize::Next;
use crate::oauth::clients::{ClientCredentials, ClientRow, GRANTS};
use crate::oauth::logout::{self, EndSession};
use crate::oauth::token::{CodeExchange, Tokens};
use crate::oauth::{Answer, CLIENT_CREDENTIALS, DEVICE_CODE_GRANT, Failure};
use crate::types::Secret;

/// Endpoints that programs call, also from pages of other sites.
const OPEN: RouteGroup = RouteGroup { is_open: true, ..RouteGroup::DEFAULT };

/// Claims about users, for the holder of an access token: errors have a challenge (RFC 6750 §3).
const USERINFO: RouteGroup = RouteGroup {
    render_error: |_, _, response| {
        let challenge = match response.status() {
            StatusCode::UNAUTHORIZED => "Bearer realm=\"rutter\", error=\"invalid_token\"",
            StatusCode::FORBIDDEN => "Bearer realm=\"rutter\", error=\"insufficient_scope\", scope=\"openid\"",
            _ => return,
        };
        response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static(challenge));
    },
    ..OPEN
};

/// Pages that browsers open.
const PAGES: RouteGroup =
    RouteGroup { render_error: |_, details, response| error_page(details, response), cost: 20, ..RouteGroup::DEFAULT };

pub(super) fn routes(routes: Routes) -> Routes {
    routes
        .group(OPEN)
        .add(Method::GET, "/.well-known/openid-configuration", metadata)
        .add(Method::GET, "/.well-known/oauth-authorization-server", metadata)
        .add(Method::POST, "/oauth/revoke", revoke)
        .group(USERINFO)
        .add(Method::GET, "/oauth/userinfo", userinfo)
        .add(Method::POST, "/oauth/userinfo", userinfo)
        // Where the provider `keycloak` of Flask-AppBuilder asks.
        .add(Method::GET, "/oauth/openid-connect/userinfo", userinfo)
        .group(RouteGroup { cost: SIGNATURE_COST as u64, ..OPEN })
        .add(Method::POST, "/oauth/token", token)
        // Anonymous requests that write to the database.
        .group(RouteGroup { cost: 2000, ..OPEN })
        .add(Method::POST, "/oauth/device_authorization", authorize_device)
        .group(RouteGroup::DEFAULT)
        .add(Method::POST, "/oauth/introspect", introspect)
        .add(Method::POST, "/oauth/register", register::register)
        .add(Method::GET, "/oauth/basic/{client}", open_database)
        .group(PAGES)
        .add(Method::GET, "/oauth/authorize", authorize)
        .add(Method::POST, "/oauth/authorize", authorize_by_form)
        .add(Method::GET, "/oauth/logout", log_out)
        .add(Method::POST, "/oauth/logout", log_out_by_form)
}

/// Cost of a request or a code that is written to the database.
const WRITE_COST: usize = 200;

/// Maximum length of a form, in bytes.
const MAX_FORM_BYTES: usize = 16 << 10;

/// Returns the metadata of the server (RFC 8414, OpenID Connect Discovery).
async fn metadata(State(app): State<App>) -> Response {
    let issuer = app.oauth.issuer();
    let at = |path: &str| format!("{issuer}{path}");
    let scopes: Vec<&str> = AppScopes::ALL.iter().map(|(_, name)| *name).collect();
    let methods = ["client_secret_basic", "client_secret_post", "none"];
    let mut document = json!({
        "issuer": issuer,
        "authorization_endpoint": at("/oauth/authorize"),
        "token_endpoint": at("/oauth/token"),
        "device_authorization_endpoint": at("/oauth/device_authorization"),
        "userinfo_endpoint": at("/oauth/userinfo"),
        "revocation_endpoint": at("/oauth/revoke"),
        "introspection_endpoint": at("/oauth/introspect"),
        "jwks_uri": at("/.well-known/jwks.json"),
        "scopes_supported": scopes,
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "grant_types_supported": GRANTS,
        "code_challenge_methods_supported": ["S256"],
        "token_endpoint_auth_methods_supported": methods,
        "revocation_endpoint_auth_methods_supported": methods,
        "introspection_endpoint_auth_methods_supported": methods[..2],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["RS256"],
        "prompt_values_supported": ["none", "login", "consent", "select_account"],
        "claims_supported": [
            "iss", "sub", "aud", "exp", "iat", "auth_time", "nonce", "at_hash", "sid", "amr", "name",
            "given_name", "preferred_username", "profile", "email", "email_verified", "groups", "roles",
        ],
        "authorization_response_iss_parameter_supported": true,
        "request_uri_parameter_supported": false,
    });
    if app.config.oauth.registration != Registration::Off {
        document["registration_endpoint"] = json!(at("/oauth/register"));
    }
    if let (Some(document), Value::Object(logout)) = (document.as_object_mut(), logout::metadata(issuer)) {
        document.extend(logout);
    }
    ([(header::CACHE_CONTROL, "public, max-age=300")], Json(document)).into_response()
}

/// Returns the caller, unless the browser is not signed in.
fn signed_in(caller: Result<AuthedActor>) -> Result<Option<AuthedActor>> {
    match caller {
        Ok(caller) => Ok(Some(caller)),
        Err(error) if error.kind() == Kind::Unauthenticated => Ok(None),
        Err(error) => Err(error),
    }
}

/// Begins the login of a user at an application.
async fn authorize(State(app): State<App>, RawQuery(query): RawQuery, caller: Result<AuthedActor>) -> Result<Response> {
    let (query, caller) = (query.unwrap_or_default(), signed_in(caller)?);
    let seat = caller.as_ref().and_then(|caller| caller.actor.seat().ok());
    let next = app.oauth.authorize(&query, seat.as_ref()).await?;
    if let (Some(caller), Next::Return(_) | Next::Ask(_)) = (&caller, &next) {
        // It was written to the database.
        caller.charge(WRITE_COST);
    }
    match next {
        Next::Return(location) => see_other(&location),
        Next::SignIn(query) => see_other(&format!("/login?next={}", segment(&format!("/oauth/authorize?{query}")))),
        Next::SignInAgain(query) => {
            see_other(&format!("/login?again=true&next={}", segment(&format!("/oauth/authorize?{query}"))))
        }
        Next::Ask(ticket) => see_other(&format!("/oauth/consent#{}", ticket.expose())),
    }
}

/// The same with the parameters in the body (OpenID Connect Core §3.1.2.1).
async fn authorize_by_form(State(app): State<App>, request: Request) -> Result<Response> {
    see_other(&format!("/oauth/authorize?{}", form_query(&app, request).await?))
}

/// Ends the browser session at the request of an application (OpenID Connect RP-Initiated Logout).
async fn log_out(State(app): State<App>, RawQuery(query): RawQuery, caller: Result<AuthedActor>) -> Result<Response> {
    let (query, caller) = (query.unwrap_or_default(), signed_in(caller)?);
    let seat = caller.as_ref().and_then(|caller| caller.actor.seat().ok());
    match (app.oauth.end_session(&query, seat.as_ref()).await?, caller) {
        (EndSession::Now(location), Some(caller)) => {
            app.accounts.sign_out(&caller.actor).await?;
            let mut response = see_other(&location)?;
            take_cookie(response.headers_mut());
            Ok(response)
        }
        (EndSession::Now(location) | EndSession::Over(location), _) => see_other(&location),
        (EndSession::Ask, _) => see_other(&format!("/oauth/sign-out#{}", segment(&query))),
    }
}

/// The same with the parameters in the body. Cookies come along only after the redirect.
async fn log_out_by_form(State(app): State<App>, request: Request) -> Result<Response> {
    see_other(&format!("/oauth/logout?{}", form_query(&app, request).await?))
}

/// Reads a form to be the query of a URL.
async fn form_query(app: &App, request: Request) -> Result<String> {
    let text = form_text(app, request).await?;
    let is_query = text.bytes().all(|b| b.is_ascii_graphic() && b != b'#');
    if is_query { Ok(text) } else { Err(Error::malformed("the body is not encoded as a form")) }
}

async fn form_text(app: &App, request: Request) -> Result<String> {
    let media = request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if media.split(';').next().unwrap_or_default().trim() != "application/x-www-form-urlencoded" {
        return Err(Error::unsupported_media("Content-Type must be application/x-www-form-urlencoded"));
    }
    let body = read_body(app, request).await?;
    let text = String::from_utf8(body.to_vec()).map_err(|_| Error::malformed("the body is not valid UTF-8"))?;
    if text.len() > MAX_FORM_BYTES { Err(Error::malformed("the form is too long")) } else { Ok(text) }
}

/// The form of a protocol request, and how its client authenticates.
struct ClientForm {
    fields: BTreeMap<String, String>,
    /// The resources that tokens are for: the only field that can be repeated (RFC 8707 §2.2).
    resources: Vec<String>,
    credentials: ClientCredentials,
    /// True if the client used HTTP authentication, so that a failure has a challenge.
    is_basic: bool,
}

impl ClientForm {
    async fn read(app: &App, request: Request) -> Answer<Self> {
        let basic = basic(request.headers());
        let text = form_text(app, request).await.map_err(|error| match error.kind() {
            kind if kind.status().is_server_error() => Failure::Server(error),
            _ => Failure::new("invalid_request", error.detail()),
        })?;
        let (mut fields, mut resources) = (BTreeMap::new(), Vec::new());
        for (name, value) in form_urlencoded::parse(text.as_bytes()) {
            if name == "resource" {
                resources.push(value.into_owned());
            } else if fields.insert(name.clone().into_owned(), value.into_owned()).is_some() {
                return Err(Failure::new("invalid_request", "a parameter is sent twice"));
            }
        }
        let (id, secret) = (fields.remove("client_id"), fields.remove("client_secret").filter(|it| !it.is_empty()));
        let is_basic = basic.is_some();
        let credentials = match (basic, id, secret) {
            (Some(_), _, Some(_)) => {
                return Err(Failure::new("invalid_request", "the client authenticates in two ways"));
            }
            (Some((user, _)), Some(id), None) if user != id => {
                return Err(Failure::new("invalid_request", "client_id differs from the client that authenticates"));
            }
            (Some((id, password)), _, None) => {
                let secret = Some(password).filter(|it| !it.is_empty()).map(Secret::new);
                ClientCredentials { id, secret }
            }
            (None, Some(id), secret) => ClientCredentials { id, secret: secret.map(Secret::new) },
            (None, None, _) => return Err(Failure::new("invalid_client", "client authentication is missing")),
        };
        Ok(Self { fields, resources, credentials, is_basic })
    }

    fn field(&self, name: &str) -> Answer<&str> {
        let value = self.fields.get(name).map(String::as_str).filter(|value| !value.is_empty());
        value.ok_or_else(|| Failure::new("invalid_request", format!("{name} is missing")))
    }
}

/// Returns user name and password of a client, which are encoded as in forms (RFC 6749 §2.3.1).
fn basic(headers: &HeaderMap) -> Option<(String, String)> {
    let (user, password) = plain_basic(headers)?;
    let plain = |text: &str| percent_decode_str(&text.replace('+', " ")).decode_utf8_lossy().into_owned();
    Some((plain(&user), plain(&password)))
}

/// Returns user name and password of HTTP Basic authentication (RFC 7617).
fn plain_basic(headers: &HeaderMap) -> Option<(String, String)> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, rest) = value.split_once(' ')?;
    let decoded = BASE64.decode(rest.trim()).ok().filter(|_| scheme.eq_ignore_ascii_case("basic"))?;
    let decoded = String::from_utf8(decoded).ok()?;
    decoded.split_once(':').map(|(user, password)| (user.to_owned(), password.to_owned()))
}

/// Renders a failure in the format of RFC 6749 §5.2.
fn failed(failure: Failure, is_basic: bool) -> Response {
    let (code, description) = match failure {
        Failure::Server(error) => return error.into_response(),
        Failure::Protocol(code, description) => (code, description),
    };
    let status = if code == "invalid_client" { StatusCode::UNAUTHORIZED } else { StatusCode::BAD_REQUEST };
    let mut response = (status, Json(json!({"error": code, "error_description": description}))).into_response();
    if status == StatusCode::UNAUTHORIZED {
        let challenge = if is_basic { "Basic realm=\"rutter\"" } else { "Basic realm=\"rutter\", charset=\"UTF-8\"" };
        response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static(challenge));
    }
    response
}

/// Runs a request of a client that authenticates.
async fn by_client(
    app: &App,
    request: Request,
    done: impl AsyncFnOnce(&ClientForm, &ClientRow) -> Answer<Response>,
) -> Response {
    let form = match ClientForm::read(app, request).await {
        Ok(form) => form,
        Err(failure) => return failed(failure, false),
    };
    let outcome = match app.oauth.authenticate_client(&form.credentials).await {
        Ok(client) => done(&form, &client).await,
        Err(failure) => Err(failure),
    };
    outcome.unwrap_or_else(|failure| failed(failure, form.is_basic))
}

/// Counts requests for tokens.
fn count_tokens(grant: &str, outcome: &Answer<Tokens>) {
    let grant = GRANTS.into_iter().find(|known| *known == grant).unwrap_or("unknown");
    let outcome = match outcome {
        Ok(_) => "issued",
        Err(Failure::Protocol(code, _)) => code,
        Err(Failure::Server(_)) => "server_error",
    };
    metrics::counter!("rutter_oauth_tokens_total", "grant" => grant, "outcome" => outcome).increment(1);
}

/// Exchanges a code or a refresh token for tokens.
async fn token(State(app): State<App>, request: Request) -> Response {
    by_client(&app, request, async |form, client| {
        let grant = form.field("grant_type")?;
        let issued = issue(&app, form, client, grant).await;
        count_tokens(grant, &issued);
        Ok(Json(issued?).into_response())
    })
    .await
}

async fn issue(app: &App, form: &ClientForm, client: &ClientRow, grant: &str) -> Answer<Tokens> {
    let (resources, scope) = (form.resources.as_slice(), form.fields.get("scope").map(String::as_str));
    let secret = |name: &str| form.field(name).map(|value| Secret::new(value.to_owned()));
    match grant {
        "authorization_code" => {
            let verifier = form.fields.get("code_verifier").map(String::as_str).unwrap_or_default();
            let (code, redirect) = (secret("code")?, form.field("redirect_uri").ok());
            app.oauth.exchange(client, &CodeExchange { code, redirect, verifier, resources }).await
        }
        "refresh_token" => app.oauth.refresh(client, &secret("refresh_token")?, scope, resources).await,
        DEVICE_CODE_GRANT => app.oauth.poll_device(client, &secret("device_code")?, resources).await,
        CLIENT_CREDENTIALS => app.oauth.by_client_credentials(client, scope, resources).await,
        _ => {
            let supported = format!("grant_type must be one of {}", GRANTS.join(", "));
            Err(Failure::new("unsupported_grant_type", supported))
        }
    }
}

/// Begins a login on a device without a browser.
async fn authorize_device(State(app): State<App>, from: ClientDescription, request: Request) -> Response {
    by_client(&app, request, async |form, client| {
        let scope = form.fields.get("scope").map(String::as_str);
        let begun = app.oauth.authorize_device(client, scope, (&from.agent, &from.address)).await?;
        Ok(Json(begun).into_response())
    })
    .await
}

/// Revokes the login of a token.
async fn revoke(State(app): State<App>, request: Request) -> Response {
    by_client(&app, request, async |form, client| {
        app.oauth.revoke(client, &Secret::new(form.field("token")?.to_owned())).await?;
        Ok(StatusCode::OK.into_response())
    })
    .await
}

/// Describes a token to the application that it was issued to.
async fn introspect(State(app): State<App>, request: Request) -> Response {
    by_client(&app, request, async |form, client| {
        if client.secret.is_none() {
            return Err(Failure::new("invalid_client", "only confidential clients can introspect tokens"));
        }
        let described = app.oauth.introspect(client, &Secret::new(form.field("token")?.to_owned())).await?;
        Ok(Json(described).into_response())
    })
    .await
}

/// Returns claims about the user of an access token.
async fn userinfo(State(app): State<App>, headers: HeaderMap) -> Result<Json<Value>> {
    let value = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let token =
        value.and_then(|value| value.split_once(' ')).filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"));
    let (_, token) = token.ok_or_else(|| Error::unauthenticated("send an access token: Authorization: Bearer"))?;
    let login = app.access.by_access_token(&Secret::new(token.trim().to_owned())).await?;
    if !login.scopes.has(AppScopes::OPENID) {
        return Err(Error::forbidden("the access token lacks the scope openid"));
    }
    Ok(Json(Value::Object(app.oauth.user_claims(&login).await?)))
}

/// Authenticates a user of a database, as the HTTP authenticator of `ClickHouse` asks: the password is an access token of
/// a login at the application. The response has settings of the session.
async fn open_database(
    State(app): State<App>,
    caller: AuthedActor,
    parts: Segments,
    headers: HeaderMap,
) -> Result<Json<Value>> {
    let (user, _) = plain_basic(&headers).unwrap_or_default();
    let grant = app.access.authorize_database(&caller.actor, parts.get("client"), &user).await?;
    Ok(Json(json!({"settings": grant.settings()})))
}
