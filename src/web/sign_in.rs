//! `/login/{provider}`: signing in with an external identity provider (OAuth 2.0, OpenID Connect). Browsers open these
//! URLs, and every response leads to a page.

use axum::extract::{FromRequestParts, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, Method};
use axum::response::Response;
use serde::Deserialize;

use super::http::session_cookie::{self, SignInCookie};
use super::http::{
    BaseUrl, ClientDescription, EnrollingActor, Parameters, RouteGroup, Routes, Segments, error_page, own_path,
    see_other, segment,
};
use crate::accounts::external_sign_in::{EXTERNAL_SIGN_IN, ExternalResponse, ExternalSignIn};
use crate::accounts::sessions::ClientInfo;
use crate::app::App;
use crate::error::{Error, Kind, Result};
use crate::types::Secret;

/// Anonymous requests that write to the database, and make requests to the provider.
const PAGES: RouteGroup = RouteGroup {
    render_error: |_, details, response| error_page(details, response),
    cost: 2000,
    ..RouteGroup::DEFAULT
};

pub(super) fn routes(routes: Routes) -> Routes {
    routes.group(PAGES).add(Method::GET, "/login/{provider}", begin).add(
        Method::GET,
        "/login/{provider}/callback",
        finish,
    )
}

/// The browser of a request.
struct Browser {
    visit: ClientInfo,
    is_secure: bool,
    state: Option<Secret>,
}

impl FromRequestParts<App> for Browser {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self> {
        let BaseUrl(base) = BaseUrl::of(parts, app)?;
        let is_secure = base.starts_with("https://");
        let ClientDescription { agent, address } = ClientDescription::of(parts, app);
        let state = SignInCookie::External.read(is_secure, &parts.headers);
        let visit = session_cookie::visit(is_secure, &parts.headers, (agent, address));
        Ok(Self { visit, is_secure, state })
    }
}

#[derive(Deserialize)]
struct Begin {
    next: Option<String>,
    #[serde(default)]
    again: bool,
}

/// Sends the browser to the provider.
async fn begin(
    State(app): State<App>,
    browser: Browser,
    segments: Segments,
    Parameters(query): Parameters<Begin>,
) -> Result<Response> {
    let next = own_path(query.next.as_deref().unwrap_or_default());
    let request = match app.accounts.begin_external_sign_in(segments.get("provider"), next, query.again).await {
        Err(error) if error.kind() == Kind::Unavailable => return problem("unavailable", next),
        request => request?,
    };
    let mut response = see_other(&request.location)?;
    SignInCookie::External.give(browser.is_secure, response.headers_mut(), &request.state, EXTERNAL_SIGN_IN.as_secs());
    Ok(response)
}

/// Takes the browser back from the provider.
async fn finish(
    State(app): State<App>,
    browser: Browser,
    caller: Result<EnrollingActor>,
    segments: Segments,
    Parameters(answer): Parameters<ExternalResponse>,
) -> Result<Response> {
    let session = match &caller {
        Ok(EnrollingActor(caller)) => caller.actor.browser_session(),
        Err(error) if error.kind() == Kind::Unauthenticated => None,
        Err(_) => return Err(caller.err().unwrap_or_else(|| Error::internal("no caller"))),
    };
    let (provider, state) = (segments.get("provider"), browser.state.as_ref());
    let finished = app.accounts.finish_external_sign_in(provider, &answer, state, session, &browser.visit);
    let (outcome, next) = finished.await?;
    let mut cookies = HeaderMap::new();
    SignInCookie::External.take(browser.is_secure, &mut cookies);
    let mut response = match outcome {
        ExternalSignIn::Done(signed_in) => {
            session_cookie::give_cookies(browser.is_secure, &mut cookies, &signed_in);
            see_other(&next)?
        }
        ExternalSignIn::SecondStep(ticket) => {
            see_other(&format!("/login?next={}#{}", segment(&next), ticket.expose()))?
        }
        ExternalSignIn::NewUser(ticket) => {
            let seconds = EXTERNAL_SIGN_IN.as_secs();
            SignInCookie::SignUp.give(browser.is_secure, &mut cookies, &ticket, seconds);
            see_other(&format!("/signup?with={}&next={}", segment(provider), segment(&next)))?
        }
        ExternalSignIn::Linked => see_other("/account?linked=true")?,
        ExternalSignIn::Refused(why, true) => see_other(&format!("/account?problem={}", why.as_str()))?,
        ExternalSignIn::Refused(why, false) => problem(why.as_str(), &next)?,
    };
    response.headers_mut().extend(cookies);
    Ok(response)
}

fn problem(code: &str, next: &str) -> Result<Response> {
    see_other(&format!("/login?problem={code}&next={}", segment(next)))
}
