//! Handlers without their types.

use std::sync::Arc;

use axum::extract::Request;
use axum::handler::Handler;
use axum::response::Response;
use futures::future::BoxFuture;

use crate::app::App;

type Call = dyn Fn(Request, App) -> BoxFuture<'static, Response> + Send + Sync;

/// A handler whose type says nothing about its arguments and its future.
///
/// The layers of axum are generic over the handler, and the compiler proves for each of them that its future can be sent
/// to another thread. With hundreds of handlers, this took a third of the time to compile this crate.
#[derive(Clone)]
pub(crate) struct AnyHandler(Arc<Call>);

impl AnyHandler {
    pub(crate) fn new<H, T>(handler: H) -> Self
    where
        H: Handler<T, App, Future = BoxFuture<'static, Response>> + Sync,
    {
        Self(Arc::new(move |request, app| handler.clone().call(request, app)))
    }
}

impl Handler<(), App> for AnyHandler {
    type Future = BoxFuture<'static, Response>;

    fn call(self, request: Request, app: App) -> Self::Future {
        (self.0)(request, app)
    }
}
