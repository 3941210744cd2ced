//! Handlers without their types.
//!
//! The handlers of axum are generic over everything in them. Each function that they pass through is compiled for each of
//! them, and each time the compiler proves again that the future can be sent to another thread, which means to look into
//! all that it awaits. With hundreds of handlers, this took half of the time to compile this crate. Here it is proved
//! once for each handler, where it is added to the routes.

use std::sync::Arc;

use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::response::{IntoResponse, Response};
use futures::future::BoxFuture;

use crate::app::App;

type Call = dyn Fn(Request, App) -> BoxFuture<'static, Response> + Send + Sync;

/// A handler whose type says nothing about its arguments and its future.
#[derive(Clone)]
pub(crate) struct AnyHandler(Arc<Call>);

impl AnyHandler {
    pub(crate) fn new<H, T, M>(handler: H) -> Self
    where
        H: Handler<T> + Clone + Send + Sync + 'static,
        H::Future: Future<Output: IntoResponse> + Send,
        T: Arguments<M> + 'static,
    {
        Self(Arc::new(move |request, app| {
            let handler = handler.clone();
            // Not `Box::pin`: to make a trait object of a pinned box, the compiler would prove it once more.
            let future: Box<dyn Future<Output = Response> + Send> = Box::new(async move {
                match T::extract(request, &app).await {
                    Ok(arguments) => handler.call(arguments).await.into_response(),
                    Err(rejection) => rejection,
                }
            });
            Box::into_pin(future)
        }))
    }
}

impl axum::handler::Handler<(), App> for AnyHandler {
    type Future = BoxFuture<'static, Response>;

    fn call(self, request: Request, app: App) -> Self::Future {
        (self.0)(request, app)
    }
}

/// An asynchronous function whose arguments `T` are extracted from a request.
///
/// It must not have bounds that the compiler would prove for each call, such as `Send` for the future.
pub(crate) trait Handler<T> {
    type Future;

    fn call(self, arguments: T) -> Self::Future;
}

/// Arguments of a handler. The last one may use the body of the request (`M` says if it does).
pub(crate) trait Arguments<M>: Sized + Send {
    /// Extracts the arguments in their order. The first one that fails makes the response.
    fn extract(request: Request, app: &App) -> impl Future<Output = Result<Self, Response>> + Send;
}

macro_rules! arity {
    ($($argument:ident)*; $last:ident) => {
        impl<F, R, $($argument,)* $last> Handler<($($argument,)* $last,)> for F
        where
            F: FnOnce($($argument,)* $last) -> R,
        {
            type Future = R;

            #[expect(non_snake_case, reason = "named by their types")]
            fn call(self, ($($argument,)* $last,): ($($argument,)* $last,)) -> R {
                self($($argument,)* $last)
            }
        }

        impl<M, $($argument,)* $last> Arguments<M> for ($($argument,)* $last,)
        where
            $($argument: FromRequestParts<App> + Send,)*
            $last: FromRequest<App, M> + Send,
        {
            #[allow(non_snake_case, unused_mut, clippy::allow_attributes, reason = "named by their types")]
            async fn extract(request: Request, app: &App) -> Result<Self, Response> {
                let (mut parts, body) = request.into_parts();
                $(let $argument = $argument::from_request_parts(&mut parts, app).await.map_err(IntoResponse::into_response)?;)*
                let request = Request::from_parts(parts, body);
                let $last = $last::from_request(request, app).await.map_err(IntoResponse::into_response)?;
                Ok(($($argument,)* $last,))
            }
        }
    };
}

arity!(; A);
arity!(A; B);
arity!(A B; C);
arity!(A B C; D);
arity!(A B C D; E);
arity!(A B C D E; G);
arity!(A B C D E G; H);
arity!(A B C D E G H; I);

impl<F: FnOnce() -> R, R> Handler<()> for F {
    type Future = R;

    fn call(self, (): ()) -> R {
        self()
    }
}

impl Arguments<()> for () {
    async fn extract(_: Request, _: &App) -> Result<Self, Response> {
        Ok(())
    }
}
