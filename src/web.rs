//! The HTTP server: parses each request once, calls the feature, and renders its result in the protocol's format. There
//! is one module per API, which declares its routes; `http` has the mechanics that they share. This file puts them
//! together, so nothing imports from it.

mod api;
mod app_proxy;
mod apps;
mod ckan;
mod flight;
mod git;
mod http;
mod hub;
mod lfs;
mod oauth;
mod ops;
mod pages;
mod sign_in;
mod upc;
mod viewer;
mod xet;

use std::convert::Infallible;

use axum::extract::Request;
use axum::http::Uri;
use axum::response::Response;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tower::{Layer as _, Service};

use self::app_proxy::AppProxy;
use self::http::{Limits, RouteGroup, Routes, middleware, server};
use crate::app::App;
use crate::error::Error;

/// Suffixes of dataset URLs that git and git-lfs build themselves.
const TAILS: &[&str] = &["/info/refs", "/info/lfs/", "/git-upload-pack", "/git-receive-pack", "/objects/batch"];

/// Returns all routes of the server.
pub fn routes() -> Routes {
    // A URL without a route belongs to the first API that knows it.
    let apis = [
        ops::routes,
        oauth::routes,
        sign_in::routes,
        apps::routes,
        upc::routes,
        pages::routes,
        hub::routes,
        viewer::routes,
        ckan::routes,
        api::routes,
        flight::routes,
        lfs::routes,
        xet::routes,
        git::routes,
    ];
    apis.into_iter().fold(Routes::default(), |routes, api| api(routes.group(RouteGroup::DEFAULT)))
}

/// Serves requests on all listeners until `stop`, then waits for requests in progress, up to the configured shutdown
/// timeout.
pub async fn serve(app: App, listeners: Vec<TcpListener>, stop: CancellationToken) {
    let service = service(app.clone(), &stop);
    tokio::spawn(ops::digest_metrics(stop.clone()));
    let (observing, observed) = (app.clone(), stop.clone());
    tokio::spawn(async move { observing.observe(observed).await });
    // The second one is for containers: apps do not reach each other there.
    let services = std::iter::once(service.clone()).chain(std::iter::repeat_with(|| service.without_apps()));
    let servers = listeners.into_iter().zip(services);
    let servers = servers.map(|(listener, service)| server::serve(service, &app.config, listener, stop.clone()));
    futures::future::join_all(servers).await;
}

/// Builds the server as a tower service: the routes, wrapped in the middleware.
fn service(
    app: App,
    stop: &CancellationToken,
) -> AppProxy<
    impl Service<Request, Response = Response, Error = Infallible, Future: Send + 'static> + Clone + Send + Sync + 'static,
> {
    let (router, table) = routes().build();
    let (config, of_apps) = (app.config.clone(), app.clone());
    let limits = Limits::new(&config);
    let router = router
        .fallback(pages::nothing)
        .method_not_allowed_fallback(|| async { Error::method_not_allowed("method not allowed for this URL") })
        .with_state(app);
    // This layer wraps the router, because it rewrites the URL that the router matches.
    let handlers = middleware::layer(router, table, limits.clone(), &config);
    // The hosts of apps have none of our routes.
    AppProxy::new(&of_apps, limits, tower::util::MapRequestLayer::new(rewrite).layer(handlers), stop)
}

/// Changes URLs that have a route at another place.
fn rewrite(request: Request) -> Request {
    fold_owner(viewer::rewrite(request))
}

/// Folds nested owners, as in `/ministry/statistics/census.git/info/refs`, into one path segment, so that one route
/// matches all depths.
fn fold_owner(mut request: Request) -> Request {
    if let Some(folded) = folded(request.uri()) {
        *request.uri_mut() = folded;
    }
    request
}

fn folded(uri: &Uri) -> Option<Uri> {
    // URLs of other APIs, where a file path can look like one of git's URLs.
    if hub::is_below(uri.path()) || pages::is_below(uri.path()) || uri.path().starts_with("/api/") {
        return None;
    }
    let below = uri.path().strip_prefix("/datasets").filter(|rest| rest.starts_with('/'));
    let path = below.unwrap_or(uri.path());
    let mut ends = path.match_indices('/').map(|(at, _)| at);
    let end = ends.find(|at| TAILS.iter().any(|tail| path[*at..].starts_with(tail)))?;
    let (dataset, tail) = path.split_at(end);
    let (owner, name) = dataset.strip_prefix('/')?.rsplit_once('/')?;
    if !owner.contains('/') && below.is_none() {
        return None;
    }
    let query = uri.query().map(|query| format!("?{query}")).unwrap_or_default();
    format!("/{}/{name}{tail}{query}", owner.replace('/', "%2F")).parse().ok()
}

#[cfg(test)]
mod tests {
    use axum::body::Body;
    use axum::http::header;
    use axum::response::IntoResponse as _;

    use super::*;
    use crate::error::ErrorDetails;

    #[test]
    fn urls_without_a_route_have_the_format_of_their_clients() {
        let (_, table) = routes().build();
        for (path, media) in [
            ("/a/b.git/info/lfs", "application/vnd.git-lfs+json"),
            ("/a/b.git/info/lfs/no/such", "application/vnd.git-lfs+json"),
            ("/_lfs/no/such", "application/vnd.git-lfs+json"),
            ("/a/b/c/objects/batch", "application/vnd.git-lfs+json"),
            ("/a/b/c.git/info/refs", "text/plain; charset=utf-8"),
            ("/a/b.git/HEAD", "application/problem+json"),
            ("/a/b.git/info/lfsx", "application/problem+json"),
            ("/api/v1/nothing", "application/problem+json"),
            ("/api/3/action/nothing", "application/json"),
            ("/api/datasets/a/b/nothing", "application/json"),
            ("/datasets/a/b/resolve/main", "application/json"),
            ("/viewer/nothing", "application/json"),
        ] {
            let (route, group) = table.find(&Request::get(path).body(Body::empty()).unwrap());
            let mut response = Error::not_found("nothing").into_response();
            let details = response.extensions().get::<ErrorDetails>().unwrap().clone();
            (group.render_error)(route, &details, &mut response);
            assert_eq!((route, response.headers()[header::CONTENT_TYPE].to_str().unwrap()), ("none", media), "{path}");
            let of_dataset = (path.contains("/a/b/") || path.starts_with("/viewer/")) && media == "application/json";
            assert_eq!(response.headers().contains_key("x-error-code"), of_dataset, "{path}");
        }
    }

    #[test]
    fn only_health_checks_are_free() {
        let routes = routes();
        let listed: Vec<String> = routes.listed().iter().map(|(_, path)| path.clone()).collect();
        let (_, table) = routes.build();
        for path in listed {
            let is_free = table.group_of[&*path].cost == 0;
            assert_eq!(is_free, ["/healthz", "/readyz"].contains(&&*path), "{path}");
        }
    }

    #[test]
    fn git_finds_datasets_where_hugging_face_has_them() {
        let fold = |path: &str| folded(&path.parse().unwrap()).map(|uri| uri.to_string());
        assert_eq!(fold("/datasets/a/b.git/info/refs?service=x").unwrap(), "/a/b.git/info/refs?service=x");
        assert_eq!(fold("/datasets/a/b/git-upload-pack").unwrap(), "/a/b/git-upload-pack");
        assert_eq!(fold("/datasets/a/b/c.git/info/lfs/objects/batch").unwrap(), "/a%2Fb/c.git/info/lfs/objects/batch");
        assert_eq!(fold("/datasets/a/b/resolve/main/x/info/refs"), None);
        assert_eq!(fold("/api/datasets/a/b/tree/main/info/refs"), None);
        assert_eq!(fold("/api/v1/datasets/a/b/tree/objects/batch"), None);
    }

    #[test]
    fn only_nested_owners_are_folded() {
        let fold = |path: &str| folded(&path.parse().unwrap()).map(|uri| uri.to_string());
        assert_eq!(fold("/a/b.git/info/refs?service=x"), None);
        assert_eq!(fold("/healthz"), None);
        assert_eq!(fold("/a/b/c.git/info/refs?service=x").unwrap(), "/a%2Fb/c.git/info/refs?service=x");
        assert_eq!(fold("/a/b/c/d/objects/batch").unwrap(), "/a%2Fb%2Fc/d/objects/batch");
        assert_eq!(fold("/a/b/c.git/info/lfs/locks/info/refs").unwrap(), "/a%2Fb/c.git/info/lfs/locks/info/refs");
    }
}
