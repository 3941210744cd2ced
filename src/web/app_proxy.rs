//! The reverse proxy of installed apps. Requests are dispatched by their host before any of our own routes: no host of an
//! app answers one of our routes, and no response of an app is given on the origin of our pages.
//!
//! Our cookies and tokens never reach an app. The proxy has a cookie of its own for each app, on the host of the app.

mod connections;
mod cookies;
mod forward;
mod headers;
mod pages;
mod registry;
mod request_body;
mod target;
mod upgrade;

use std::convert::Infallible;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use axum::body::Body;
use axum::extract::Request;
use axum::http::request::Parts;
use axum::http::{HeaderValue, Method, StatusCode, Version, header};
use axum::response::Response;
use futures::FutureExt as _;
use futures::future::BoxFuture;
use hyper::body::Body as _;
use tokio_util::sync::CancellationToken;
use tower::Service;

use self::cookies::Cookies;
use self::forward::Upstream;
use self::registry::Registry;
use self::target::Target;
use super::http::{
    Admission, Limits, RouteGroup, Running, hold, own_path, query_value, read_little, see_other, segment,
};
use crate::access::{AppCredentials, AppUseGrant, tokens};
use crate::app::App;
use crate::apps::installs::InstallRow;
use crate::apps::wake::Route;
use crate::error::{Error, Kind, Result};
use crate::types::{InstallState, Secret};

/// A proxied request costs little.
const PROXIED: RouteGroup = RouteGroup { cost: 1, ..RouteGroup::DEFAULT };
/// What a request that starts an app costs beyond that, in points of the rate limits.
const WAKE_COST: usize = 100;
/// How long a request waits for an app that is being started.
const WAKE_TIMEOUT: Duration = Duration::from_secs(3);
/// Interval at which it looks.
const WAKE_INTERVAL: Duration = Duration::from_millis(50);
/// Seconds after which a client is to try again.
const RETRY_SECONDS: HeaderValue = HeaderValue::from_static("2");
/// Responses up to this length, in bytes, are not broken off when a user loses access.
const SHORT: u64 = 64 << 10;
/// First segment of our own paths on the host of an app.
const OWN: &str = "/_rutter/";

/// Sends requests for the hosts of apps to the apps, and all others to the pages and APIs.
#[derive(Clone)]
pub(super) struct AppProxy<S> {
    inner: S,
    /// `None` if this server has no apps.
    proxy: Option<Arc<Proxy>>,
}

struct Proxy {
    app: App,
    limits: Arc<Limits>,
    upstream: Upstream,
    registry: Arc<Registry>,
    idle: Duration,
}

impl<S> AppProxy<S> {
    /// Wraps the pages and APIs. Connections to apps end at `stop`.
    pub(super) fn new(app: &App, limits: Arc<Limits>, inner: S, stop: &CancellationToken) -> Self {
        let proxy = app.apps.origin().is_some().then(|| {
            let (registry, upstream) = (Arc::new(Registry::new(stop.clone())), Upstream::default());
            tokio::spawn(registry.clone().watch(app.clone(), upstream.clone()));
            let idle = Duration::from_secs(app.config.limits.idle_timeout);
            Arc::new(Proxy { app: app.clone(), limits, upstream, registry, idle })
        });
        Self { inner, proxy }
    }
}

impl<S: Clone> AppProxy<S> {
    /// Returns the pages and APIs alone.
    pub(super) fn without_apps(&self) -> Self {
        Self { inner: self.inner.clone(), proxy: None }
    }
}

impl<S> Service<Request> for AppProxy<S>
where
    S: Service<Request, Response = Response, Error = Infallible, Future: Send + 'static>,
{
    type Response = Response;
    type Error = Infallible;
    type Future = BoxFuture<'static, std::result::Result<Response, Infallible>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<std::result::Result<(), Infallible>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request) -> Self::Future {
        match &self.proxy {
            Some(proxy) if target::is_of_apps(&proxy.app.apps, request.uri(), request.headers()) => {
                proxy.clone().serve(request).boxed()
            }
            _ => self.inner.call(request).boxed(),
        }
    }
}

fn has_data(body: &Body) -> bool {
    body.size_hint().exact() != Some(0)
}

/// Announces that the connection is closed, because not all of the request was read (RFC 9112 §9.6).
fn close(response: &mut Response, version: Version) {
    // HTTP/2 has no such header, and needs none.
    if version != Version::HTTP_2 {
        response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
}

impl Proxy {
    async fn serve(self: Arc<Self>, mut request: Request) -> std::result::Result<Response, Infallible> {
        let running: Option<Running> = request.extensions_mut().remove();
        let admitted = self.limits.admit(&mut request, &PROXIED, Instant::now());
        let (parts, body) = request.into_parts();
        let (version, wants_page) = (parts.version, pages::wants_page(&parts));
        let is_browser = super::http::is_browser(&parts.headers);
        let mut unread = Some(body).filter(has_data);
        let answer = async {
            // In a box, because it is large, and is moved several times before it is polled.
            let handling = Box::pin(self.handle(admitted, parts, &mut unread));
            let handled = AssertUnwindSafe(handling).catch_unwind().await;
            let answer = handled.unwrap_or_else(|_| Err(Error::internal("the app proxy panicked")));
            let mut response = match answer {
                Ok(response) => response,
                Err(error) if wants_page => pages::error_page(&error, &self.app.config.link_base()),
                Err(error) => pages::error(error, is_browser),
            };
            // Nothing was sent to the app. A client that sends its next request must not find the connection closed.
            if let Some(body) = unread
                && !read_little(body, self.idle).await
            {
                close(&mut response, version);
            }
            response
        };
        let mut response = crate::request::scope(super::http::fresh_request_id(), answer).await;
        let status = response.status().as_u16() / 100;
        let class = ["other", "1xx", "2xx", "3xx", "4xx", "5xx"].get(usize::from(status)).copied().unwrap_or("other");
        metrics::counter!("rutter_app_proxy_requests_total", "status" => class).increment(1);
        if let Some(running) = running {
            // A length that an app states says nothing about when the bytes come.
            response = response.map(|body| hold(body, running));
        }
        if version == Version::HTTP_2 {
            response = response.map(|body| super::http::watched(body, self.idle));
        }
        Ok(response)
    }

    /// Takes the body when the request is sent to the app.
    async fn handle(&self, admitted: Result<Admission>, request: Parts, body: &mut Option<Body>) -> Result<Response> {
        if request.method == Method::CONNECT {
            return Err(Error::method_not_allowed("CONNECT cannot be used here"));
        }
        match admitted? {
            Admission::Now(_) => {}
            Admission::Later(turn) => drop(turn.come().await?),
        }
        let (install, base) = match target::find(&self.app.apps, &request).await? {
            Target::App { install, base } => (install, base),
            Target::Redirect(location) => return see_other(&location),
        };
        let cookies = Cookies::new(&self.app.apps, &base);
        let path = request.uri.path()[base.len()..].to_owned();
        if let Some(own) = path.strip_prefix(OWN) {
            return self.own(own, &request, install.as_ref(), &cookies).await;
        }
        // A relative link of the app's first page must lead below the path of the app.
        if path.is_empty() && request.uri.path() == base {
            let query = request.uri.query().map(|query| format!("?{query}")).unwrap_or_default();
            return see_other(&format!("{base}/{query}"));
        }
        let (grant, caller) = match self.authorize(&request, &cookies, install.as_ref()).await {
            Ok(granted) => granted,
            Err(error) if error.kind() == Kind::Unauthenticated && pages::is_top_level(&request) => {
                return self.begin_entry(&request, &cookies);
            }
            Err(error) => return Err(error),
        };
        let route = match self.route(&request, &grant).await? {
            Ok(route) => route,
            Err(waiting) => return Ok(waiting),
        };
        self.app.apps.used(grant.install());
        self.forward((request, body), &grant, &route, &base, &cookies, caller).await
    }

    /// # Errors
    /// Not found for apps of others on the host that all apps share: the pages of one could act in another.
    fn expect_own_path(&self, grant: &AppUseGrant) -> Result<()> {
        if self.app.apps.has_wildcard() || grant.is_owner() {
            return Ok(());
        }
        Err(Error::not_found(
            "only its owner can use this app here: apps of organisations and shared apps need host names of their own \
             (`apps.wildcard`)",
        ))
    }

    /// Checks that the sender may use the app. Returns what is checked again while the connection is open.
    async fn authorize(
        &self,
        request: &Parts,
        cookies: &Cookies,
        install: Option<&Arc<InstallRow>>,
    ) -> Result<(AppUseGrant, AppCredentials)> {
        let credentials = self.credentials(request, cookies, install)?;
        let caller = credentials.clone();
        let grant = match install {
            Some(install) => self.app.access.authorize_app_use(install, credentials).await?,
            None => self.app.access.refuse_app_use(credentials).await?,
        };
        self.expect_own_path(&grant)?;
        Ok((grant, caller))
    }

    /// Returns how a request authenticates.
    fn credentials(
        &self,
        request: &Parts,
        cookies: &Cookies,
        install: Option<&Arc<InstallRow>>,
    ) -> Result<AppCredentials> {
        if let Some(token) = headers::token_of_ours(&request.headers)? {
            return Ok(AppCredentials::Token(token));
        }
        // Pages of other apps are of the same site: a browser sends the cookie with their requests, too.
        let is_own = |install| headers::is_of_own_page(request, &self.app.apps.url(install));
        let cookie = cookies.session(&request.headers).filter(|_| install.is_some_and(|install| is_own(install)));
        Ok(cookie.map_or(AppCredentials::None, AppCredentials::Cookie))
    }

    /// Sends a browser to our pages, where it is signed in, to come back with a one-time token.
    fn begin_entry(&self, request: &Parts, cookies: &Cookies) -> Result<Response> {
        let state = cookies.state(&request.headers).unwrap_or_else(cookies::new_state);
        let host = target::host(request).unwrap_or_default();
        let origin = self.app.apps.origin().ok_or_else(|| Error::not_found("there are no apps"))?;
        let port = origin.to_string().rsplit_once(':').map_or(String::new(), |(_, port)| match port.parse::<u16>() {
            Ok(port) => format!(":{port}"),
            Err(_) => String::new(),
        });
        let path = request.uri.path_and_query().map_or("/", |path| path.as_str());
        let to = format!("{}://{host}{port}{path}", origin.scheme());
        let base = self.app.config.link_base();
        let location = format!("{base}/apps/open?to={}&state={}", segment(&to), segment(&tokens::hash(&state)));
        let mut response = see_other(&location)?;
        cookies.give_state(response.headers_mut(), &state);
        Ok(response)
    }

    /// Serves our own paths on the host of an app.
    async fn own(
        &self,
        path: &str,
        request: &Parts,
        install: Option<&Arc<InstallRow>>,
        cookies: &Cookies,
    ) -> Result<Response> {
        let missing = || Error::not_found("there is nothing at this URL");
        if request.method != Method::GET {
            return Err(Error::method_not_allowed("use GET"));
        }
        match path {
            "enter" => {
                let query = request.uri.query().unwrap_or_default();
                let ticket = Secret::new(query_value(query, "ticket").unwrap_or_default());
                let to = query_value(query, "to").unwrap_or_default();
                let state = cookies.state(&request.headers).unwrap_or_else(|| Secret::new(String::new()));
                let cookie = self.app.apps.enter(install.map(|install| install.id), &ticket, &state).await?;
                let mut response = see_other(&format!("{}{}", cookies.base(), own_path(&to)))?;
                cookies.give_session(response.headers_mut(), &cookie);
                Ok(response)
            }
            "state" => {
                let (grant, _) = self.authorize(request, cookies, install).await?;
                Ok(pages::state(grant.install()))
            }
            _ => Err(missing()),
        }
    }

    /// Returns where a request goes; or, if the app does not run yet, a page that waits for it.
    async fn route(&self, request: &Parts, grant: &AppUseGrant) -> Result<std::result::Result<Route, Response>> {
        let apps = &self.app.apps;
        let mut not_ready = match apps.route(grant)? {
            Ok(route) => return Ok(Ok(route)),
            Err(not_ready) => not_ready,
        };
        let install = grant.install();
        if install.image.is_none() {
            return Err(Error::unavailable("this app has no server"));
        }
        if not_ready.state != InstallState::Failed && !not_ready.is_held {
            if let Some(client) = request.extensions.get::<super::http::Client>() {
                client.charge(WAKE_COST);
            }
            apps.wake(grant).await?;
            let until = tokio::time::Instant::now() + WAKE_TIMEOUT;
            // A start takes longer: the page that waits is better than a page that hangs.
            let is_short = matches!(not_ready.state, InstallState::Paused | InstallState::Running);
            while is_short && tokio::time::Instant::now() < until {
                tokio::time::sleep(WAKE_INTERVAL).await;
                let Some(now) = apps.reload(install).await? else { break };
                match apps.route(&grant.refreshed(now))? {
                    Ok(route) => return Ok(Ok(route)),
                    Err(still) => not_ready = still,
                }
            }
        }
        let manage =
            format!("{}/apps/{}/{}", self.app.config.link_base(), segment(&install.owner), segment(&install.name));
        let mut response = if pages::is_navigation(request) {
            pages::waiting(&not_ready, &manage)
        } else {
            let detail = format!("the app is {}: {}", not_ready.state, not_ready.reason);
            pages::failure(StatusCode::SERVICE_UNAVAILABLE, detail.trim_end_matches([' ', ':']), None)
        };
        response.headers_mut().insert(header::RETRY_AFTER, RETRY_SECONDS);
        Ok(Err(response))
    }

    /// Sends a request to an app, and streams both bodies.
    async fn forward(
        &self,
        (mut request, body): (Parts, &mut Option<Body>),
        grant: &AppUseGrant,
        route: &Route,
        base: &str,
        cookies: &Cookies,
        caller: AppCredentials,
    ) -> Result<Response> {
        let (upgrade, version) = (upgrade::requested(&request)?, request.version);
        let client_address = super::http::client_address(&request, &self.app.config.trusted_proxies);
        let origin = self.app.apps.origin().map_or("http", |origin| origin.scheme());
        let user = grant.user().filter(|_| route.sends_user);
        headers::prepare_request(&mut request, &client_address, origin, base, user)?;
        headers::set_target(&mut request, &route.strip)?;
        let page_at = pages::wants_page(&request).then(|| self.app.config.link_base());
        // Bodies of known length keep it; others are sent in chunks.
        let (body, progress) = match body.take() {
            Some(body) => {
                let (body, progress) = request_body::recorded(&request.headers, super::http::timed(&self.app, body));
                request.extensions.insert(progress.clone());
                (body, Some(progress))
            }
            None => (Body::empty(), None),
        };
        let request = Request::from_parts(request, body);
        let install = grant.install().id;
        if upgrade {
            let entry = self.registry.enter(install, caller);
            return upgrade::forward(self, request, &route.endpoint, grant, entry, base, cookies).await;
        }
        let failed = |(status, detail)| {
            let mut response = pages::failure(status, detail, page_at.as_deref());
            if progress.is_some() {
                close(&mut response, version);
            }
            Ok(response)
        };
        let mut response = match self.upstream.send(&route.endpoint, request).await {
            Ok(response) if response.status() == StatusCode::SWITCHING_PROTOCOLS => {
                return failed((
                    StatusCode::BAD_GATEWAY,
                    "the app switched to another protocol without being asked to",
                ));
            }
            Ok(response) => response,
            Err(failure) => return failed(failure),
        };
        headers::prepare_response(&mut response, &self.app.apps, grant.install(), base, cookies);
        if progress.as_ref().is_some_and(|progress| progress.is_unwanted()) {
            close(&mut response, version);
        }
        let is_short = response.body().size_hint().exact().is_some_and(|size| size <= SHORT);
        Ok(if is_short { response } else { response.map(|body| self.registry.enter(install, caller).until_sent(body)) })
    }
}
