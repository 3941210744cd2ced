//! Git smart HTTP protocol (gitprotocol-http(5)): `/{owner}/{dataset}.git`.

use std::pin::Pin;

use async_compression::tokio::bufread::GzipDecoder;
use axum::body::Body;
use axum::extract::{FromRequestParts as _, Query, Request, State};
use axum::http::{Extensions, HeaderMap, Method, header};
use axum::response::{IntoResponse as _, Response};
use metastore::wire::{Protocol, Service};
use serde::Deserialize;
use tokio::io::{AsyncRead, BufReader};

use super::http::{Client, RouteGroup, Routes, Slot, body_reader, replace_body};
use crate::access::{DatasetGrant, Fetch, Target, Write};
use crate::app::App;
use crate::error::{Error, ErrorDetails, Result};
use crate::git_service::ByteStream;

const REFS: RouteGroup = RouteGroup { render_error, is_below, ..RouteGroup::DEFAULT };

/// Fetches and pushes, served by a git process. git does them in two requests, and shows an error properly only for the
/// first one.
const PACKS: RouteGroup = RouteGroup { cost: 100, wait_factor: 2, ..REFS };

pub(super) fn routes(routes: Routes) -> Routes {
    let routes = routes.group(REFS).add(Method::GET, "/{owner}/{dataset}/info/refs", advertise);
    routes.group(PACKS).add(Method::POST, "/{owner}/{dataset}/git-upload-pack", upload_pack).add(
        Method::POST,
        "/{owner}/{dataset}/git-receive-pack",
        receive_pack,
    )
}

fn is_below(path: &str) -> bool {
    ["/info/refs", "/git-upload-pack", "/git-receive-pack"].iter().any(|tail| path.ends_with(tail))
}

/// Renders an error as plain text, which git shows to its user.
fn render_error(_: &str, details: &ErrorDetails, response: &mut Response) {
    let text = if details.kind.status().is_server_error() {
        // The operator will need the ID.
        format!("{} (request {})\n", details.detail, crate::request::id())
    } else {
        format!("{}\n", details.detail)
    };
    replace_body(response, "text/plain; charset=utf-8", text);
}

#[derive(Deserialize)]
struct ServiceQuery {
    #[serde(default)]
    service: String,
}

/// The required right depends on the service in the query, so access is checked here.
async fn advertise(State(app): State<App>, Query(query): Query<ServiceQuery>, request: Request) -> Result<Response> {
    let (mut parts, _) = request.into_parts();
    let protocol = protocol(&parts.headers);
    let (service, body) = match Service::from_name(&query.service) {
        Some(Service::UploadPack) => {
            let grant = DatasetGrant::<Fetch>::from_request_parts(&mut parts, &app).await?;
            (Service::UploadPack, app.git_service.advertise_fetch(&grant, protocol).await?)
        }
        Some(Service::ReceivePack) => {
            let target = Target::<Write>::from_request_parts(&mut parts, &app).await?;
            (Service::ReceivePack, app.git_service.advertise_push(&target, protocol).await?)
        }
        None => {
            let _: DatasetGrant<Fetch> = DatasetGrant::from_request_parts(&mut parts, &app).await?;
            return Err(Error::forbidden("only the smart HTTP protocol is supported; update git"));
        }
    };
    Ok(answer(format!("application/x-{}-advertisement", service.name()), Body::from(body)))
}

async fn upload_pack(State(app): State<App>, grant: DatasetGrant<Fetch>, request: Request) -> Result<Response> {
    let (parts, body) = request.into_parts();
    expect_type(&parts.headers, Service::UploadPack)?;
    let body = decompressed(&app, &parts.headers, body)?;
    let share = share(&parts.extensions, Service::UploadPack);
    let pack = app.git_service.fetch(&grant, protocol(&parts.headers), body, share).await?;
    Ok(result(Service::UploadPack, pack))
}

async fn receive_pack(State(app): State<App>, target: Target<Write>, request: Request) -> Result<Response> {
    let (parts, body) = request.into_parts();
    expect_type(&parts.headers, Service::ReceivePack)?;
    let body = decompressed(&app, &parts.headers, body)?;
    let report = app.git_service.push(target, body, share(&parts.extensions, Service::ReceivePack)).await?;
    Ok(result(Service::ReceivePack, report))
}

/// Waits for one of the concurrent git processes that a client may have.
fn share(extensions: &Extensions, service: Service) -> impl Future<Output = Option<Option<Slot>>> + Send + use<> {
    let client = extensions.get::<Client>().cloned();
    async move {
        match client {
            Some(client) => client.git_process(service == Service::ReceivePack).await.map(Some),
            // Absent only in tests of the router.
            None => Some(None),
        }
    }
}

fn protocol(headers: &HeaderMap) -> Protocol {
    Protocol::from_header(headers.get("git-protocol").and_then(|value| value.to_str().ok()))
}

/// This also keeps browsers from posting HTML forms here.
fn expect_type(headers: &HeaderMap, service: Service) -> Result<()> {
    let wanted = format!("application/x-{}-request", service.name());
    match headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()) {
        Some(given) if given == wanted => Ok(()),
        _ => Err(Error::unsupported_media(format!("Content-Type must be {wanted}"))),
    }
}

/// Returns the request body, decompressed if git compressed it. Fails if the client sends nothing for too long. The
/// reader must limit the size: a decompression bomb is small only before it is decompressed.
fn decompressed(app: &App, headers: &HeaderMap, body: Body) -> Result<Pin<Box<dyn AsyncRead + Send>>> {
    let plain = BufReader::with_capacity(64 * 1024, body_reader(app, body));
    match headers.get(header::CONTENT_ENCODING).map(axum::http::HeaderValue::as_bytes) {
        None | Some(b"identity") => Ok(Box::pin(plain)),
        Some(b"gzip" | b"x-gzip") => Ok(Box::pin(GzipDecoder::new(plain))),
        Some(_) => Err(Error::unsupported_media("Content-Encoding must be gzip or absent")),
    }
}

fn result(service: Service, body: ByteStream) -> Response {
    answer(format!("application/x-{}-result", service.name()), Body::from_stream(body))
}

fn answer(content_type: String, body: Body) -> Response {
    // Refs can change at any time (gitprotocol-http(5), "Smart Clients").
    let headers = [
        (header::CONTENT_TYPE, content_type),
        (header::CACHE_CONTROL, "no-cache, max-age=0, must-revalidate".to_owned()),
        (header::EXPIRES, "Fri, 01 Jan 1980 00:00:00 GMT".to_owned()),
        (header::PRAGMA, "no-cache".to_owned()),
    ];
    (headers, body).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn people_can_quote_the_id_of_a_fault() {
        let mut response = Error::internal("a secret").into_response();
        let details = response.extensions().get::<ErrorDetails>().unwrap().clone();
        render_error("", &details, &mut response);
        let body = axum::body::to_bytes(response.into_body(), 1000).await.unwrap();
        assert!(body.starts_with(b"internal error (request "), "{body:?}");
    }
}
