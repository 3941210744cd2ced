//! The HTTP server: parses each request once, calls the feature, and renders its result in the protocol's format. There
//! is one module per resource.

mod api;
mod browser;
mod ckan;
mod content;
mod cors;
mod dataset_url;
mod error_format;
pub mod extract;
mod git;
mod hub;
mod lfs;
mod locks;
mod middleware;
mod ops;
mod pages;
mod rate_limit;
pub mod server;
mod timeouts;
mod uploads;

use std::time::Duration;

use axum::Router;
use axum::extract::Request;
use axum::handler::Handler;
use axum::http::Method;
use axum::response::Response;
use axum::routing::{MethodFilter, on};
use tower::{Layer as _, Service};
use utoipa::openapi::{PathItem, Paths, RefOr, Schema};
use utoipa_axum::router::UtoipaMethodRouter;

use crate::app::App;
use crate::error::Error;

/// The routes and their list, which the access matrix test checks.
#[derive(Default)]
pub struct Routes {
    router: Router<App>,
    listed: Vec<(Method, String)>,
    /// Their OpenAPI descriptions.
    paths: Paths,
    schemas: Vec<(String, RefOr<Schema>)>,
}

impl Routes {
    fn add<H, T>(mut self, method: Method, path: &'static str, handler: H) -> Self
    where
        H: Handler<T, App>,
        T: 'static,
    {
        let filter = MethodFilter::try_from(method.clone()).expect("a method that axum knows");
        self.router = self.router.route(path, on(filter, handler));
        self.listed.push((method, path.to_owned()));
        self
    }

    /// Adds documented handlers from `routes!`. A trailing `{path}` matches the rest of the URL.
    fn document(mut self, (schemas, paths, handlers): UtoipaMethodRouter<App>) -> Self {
        self.schemas.extend(schemas);
        for (path, item) in &paths.paths {
            let route = match path.strip_suffix("/{path}") {
                Some(folder) => format!("{folder}/{{*path}}"),
                None => path.clone(),
            };
            let PathItem { get, put, post, delete, patch, .. } = item;
            let methods = [
                (Method::GET, get),
                (Method::PUT, put),
                (Method::POST, post),
                (Method::DELETE, delete),
                (Method::PATCH, patch),
            ];
            let described = methods.into_iter().filter(|(_, operation)| operation.is_some());
            self.listed.extend(described.map(|(method, _)| (method, route.clone())));
            self.router = self.router.route(&route, handlers.clone());
        }
        self.paths.merge(paths);
        self
    }

    /// Returns the method and path of every route.
    pub fn listed(&self) -> &[(Method, String)] {
        &self.listed
    }
}

/// Returns all routes of the server.
pub fn routes() -> Routes {
    let routes = Routes::default();
    let routes = ops::routes(routes);
    let routes = pages::routes(routes);
    let routes = dataset_url::routes(routes);
    let routes = git::routes(routes);
    let routes = lfs::routes(routes);
    let routes = uploads::routes(routes);
    let routes = locks::routes(routes);
    let routes = hub::routes(routes);
    let routes = ckan::routes(routes);
    api::routes(routes)
}

/// Builds the server as a tower service: the routes, wrapped in the middleware.
pub fn service(
    app: App,
) -> impl Service<Request, Response = Response, Error = std::convert::Infallible, Future: Send> + Clone + Send + Sync + 'static
{
    let idle = Duration::from_secs(app.config.limits.idle_timeout);
    // Counters need a metrics recorder; building the routes installs it.
    let all = routes();
    let limits = rate_limit::Limits::new(&app.config);
    let router = all
        .router
        .fallback(dataset_url::nothing)
        .method_not_allowed_fallback(|| async { Error::method_not_allowed("method not allowed for this URL") })
        .with_state(app);
    // This layer wraps the router, because it rewrites the URL that the router matches.
    tower::util::MapRequestLayer::new(middleware::fold_owner).layer(middleware::layer(router, idle, limits))
}
