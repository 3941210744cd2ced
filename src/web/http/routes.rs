//! The route table: handlers, their OpenAPI descriptions, and what the middleware must know about each route.

use std::collections::HashMap;

use axum::Router;
use axum::extract::{MatchedPath, Request};
use axum::http::Method;
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodFilter, on};
use utoipa::openapi::path::{HttpMethod, Operation};
use utoipa::openapi::{Paths, RefOr, Schema};

use super::handler::{AnyHandler, Arguments, Handler};
use crate::app::App;
use crate::error::ErrorDetails;

/// What the middleware must know about a group of routes. An API declares it where it declares its routes.
#[derive(Clone, Copy)]
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own about the routes")]
pub(crate) struct RouteGroup {
    /// Renders an error in the format that the clients expect, given the pattern of the route. The response is one of
    /// problem details (RFC 9457).
    pub(crate) render_error: fn(&'static str, &ErrorDetails, &mut Response),
    /// Returns true for a URL that the same clients would request, if it has no route.
    pub(crate) is_below: fn(&str) -> bool,
    /// The cost of a request in points of the rate limits. One point is roughly the work for one small object.
    pub(crate) cost: u64,
    /// How many times the configured maximum a request over a limit may be delayed before it is refused.
    pub(crate) wait_factor: u32,
    /// True if a request transfers a whole file, or reads as much: their number per client is limited.
    pub(crate) is_transfer: bool,
    /// True if this also holds for POST: a query, whose result can be as large as a file.
    pub(crate) is_query: bool,
    /// True if pages of other sites may call it (CORS).
    pub(crate) is_open: bool,
    /// True if clients send even a short body after the head, in a packet of its own.
    pub(crate) sends_body_later: bool,
}

impl RouteGroup {
    /// Routes that look up a thing or two and answer with problem details.
    pub(crate) const DEFAULT: Self = Self {
        render_error: |_, _, _| {},
        is_below: |_| false,
        cost: 5,
        wait_factor: 1,
        is_transfer: false,
        is_query: false,
        is_open: false,
        sends_body_later: false,
    };
}

/// The routes of the server, and their list, which the access matrix test checks.
#[derive(Default)]
pub struct Routes {
    router: Router<App>,
    listed: Vec<(Method, String)>,
    groups: Vec<RouteGroup>,
    group_of: HashMap<String, RouteGroup>,
    /// Their OpenAPI descriptions.
    pub(crate) paths: Paths,
    pub(crate) schemas: Vec<(String, RefOr<Schema>)>,
}

impl Routes {
    /// Begins a group: the routes that are added next belong to it.
    pub(crate) fn group(mut self, group: RouteGroup) -> Self {
        self.groups.push(group);
        self
    }

    /// Adds a route.
    pub(crate) fn add<H, T, M>(self, method: Method, path: &'static str, handler: H) -> Self
    where
        H: Handler<T> + Clone + Send + Sync + 'static,
        H::Future: Future<Output: IntoResponse> + Send,
        T: Arguments<M> + 'static,
    {
        self.handle(method, path, AnyHandler::new(handler))
    }

    /// Adds documented handlers from `routes!`. A trailing `{path}` matches the rest of the URL.
    pub(crate) fn document(mut self, handlers: impl IntoIterator<Item = DocumentedHandler>) -> Self {
        for DocumentedHandler { path, operation, methods, schemas, handler } in handlers {
            let route = match path.strip_suffix("/{path}") {
                Some(folder) => format!("{folder}/{{*path}}"),
                None => path.clone(),
            };
            for method in &methods {
                self = self.handle(method_of(method), &route, handler.clone());
            }
            self.schemas.extend(schemas);
            self.paths.add_path_operation(path, methods, operation);
        }
        self
    }

    fn handle(mut self, method: Method, path: &str, handler: AnyHandler) -> Self {
        let filter = MethodFilter::try_from(method.clone()).expect("a method that axum knows");
        self.router = self.router.route(path, on(filter, handler));
        self.list(method, path);
        self
    }

    fn list(&mut self, method: Method, path: &str) {
        self.listed.push((method, path.to_owned()));
        self.group_of.insert(path.to_owned(), self.groups.last().copied().unwrap_or(RouteGroup::DEFAULT));
    }

    /// Changes what the middleware must know about one route.
    pub(crate) fn change(mut self, path: &str, change: impl FnOnce(&mut RouteGroup)) -> Self {
        change(self.group_of.get_mut(path).unwrap_or_else(|| panic!("{path} is not a route")));
        self
    }

    /// Returns the method and path of every route.
    pub fn listed(&self) -> &[(Method, String)] {
        &self.listed
    }

    /// Returns the handlers, and the table for the middleware.
    pub(crate) fn build(self) -> (Router<App>, RouteTable) {
        // Labels of metrics are static. There is one table per server.
        let group_of = self.group_of.into_iter().map(|(path, group)| (&*path.leak(), group)).collect();
        (self.router, RouteTable { group_of, groups: self.groups })
    }
}

/// A handler with its OpenAPI description.
pub(crate) struct DocumentedHandler {
    pub(crate) path: String,
    pub(crate) operation: Operation,
    pub(crate) methods: Vec<HttpMethod>,
    /// The schemas that the description refers to.
    pub(crate) schemas: Vec<(String, RefOr<Schema>)>,
    pub(crate) handler: AnyHandler,
}

/// Handlers with the descriptions that `utoipa::path` wrote for them, for [`Routes::document`].
macro_rules! routes {
    ($($handler:path),+ $(,)?) => {
        [$({
            let mut schemas = Vec::new();
            let (path, operation, methods) = utoipa_axum::routes!(@resolve_types $handler : schemas);
            let handler = $crate::web::http::AnyHandler::new($handler);
            $crate::web::http::DocumentedHandler { path, operation, methods, schemas, handler }
        }),+]
    };
}
pub(crate) use routes;

fn method_of(method: &HttpMethod) -> Method {
    match method {
        HttpMethod::Get => Method::GET,
        HttpMethod::Post => Method::POST,
        HttpMethod::Put => Method::PUT,
        HttpMethod::Delete => Method::DELETE,
        HttpMethod::Options => Method::OPTIONS,
        HttpMethod::Head => Method::HEAD,
        HttpMethod::Patch => Method::PATCH,
        HttpMethod::Trace => Method::TRACE,
    }
}

/// The groups of all routes.
pub(crate) struct RouteTable {
    pub(crate) group_of: HashMap<&'static str, RouteGroup>,
    pub(super) groups: Vec<RouteGroup>,
}

impl RouteTable {
    /// Returns the pattern and the group of the route that a request matched. A URL without a route has the pattern
    /// `none`, and of its group only what clients expect of a response.
    pub(crate) fn find(&self, request: &Request) -> (&'static str, RouteGroup) {
        let matched: Option<&MatchedPath> = request.extensions().get();
        if let Some((route, group)) = matched.and_then(|path| self.group_of.get_key_value(path.as_str())) {
            return (route, *group);
        }
        let group = self.groups.iter().find(|group| (group.is_below)(request.uri().path()));
        let group = group.copied().unwrap_or(RouteGroup::DEFAULT);
        let RouteGroup { cost, wait_factor, is_transfer, is_query, .. } = RouteGroup::DEFAULT;
        ("none", RouteGroup { cost, wait_factor, is_transfer, is_query, ..group })
    }
}
