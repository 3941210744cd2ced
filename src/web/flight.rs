//! Arrow Flight and Flight SQL (`/arrow.flight.protocol.FlightService`): tables and queries over gRPC, on the same port.

mod caller;
mod catalogue;
mod ipc;
mod parameters;
mod queries;
mod service;
mod sql_info;
mod status;

use std::sync::Arc;

use arrow_flight::flight_service_server::FlightServiceServer;
use axum::body::Body;
use axum::extract::{FromRequestParts as _, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, Version, header};
use axum::response::Response;
use base64::Engine as _;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use metrics::counter;
use tower::ServiceExt as _;

use self::caller::Caller;
use self::service::Service;
use super::http::{AuthedActor, RouteGroup, Routes, credentials, timed};
use crate::app::App;
use crate::error::{Error, ErrorDetails, Kind, Result};

/// The calls of the protocol, as labels of metrics.
const CALLS: [&str; 10] = [
    "DoAction",
    "DoExchange",
    "DoGet",
    "DoPut",
    "GetFlightInfo",
    "GetSchema",
    "Handshake",
    "ListActions",
    "ListFlights",
    "PollFlightInfo",
];

const FOLDER: &str = "/arrow.flight.protocol.FlightService/";

/// Maximum size of a message of a client, in bytes. The longest ones have a ticket, and so a query with its parameters.
const MAX_MESSAGE: usize = 1 << 20;

/// Where old clients send their token.
const TOKEN: HeaderName = HeaderName::from_static("auth-token-bin");

/// gRPC encodes bytes in headers as Base64, with or without padding.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// Calls that only read metadata have the default cost; [`queries`] charges for queries.
const CALL: RouteGroup =
    RouteGroup { render_error, is_below: |path| path.starts_with(FOLDER), is_query: true, ..RouteGroup::DEFAULT };

/// Renders an error as a status of gRPC. Clients of gRPC always use POST.
fn render_error(_: &str, details: &ErrorDetails, response: &mut Response) {
    if details.kind != Kind::MethodNotAllowed {
        *response = status::of(details.kind, &details.detail).into_http();
    }
}

pub(super) fn routes(routes: Routes) -> Routes {
    routes.group(CALL).add(Method::POST, "/arrow.flight.protocol.FlightService/{call}", call)
}

/// Authenticates the caller, and passes the call on.
async fn call(State(app): State<App>, request: Request) -> Result<Response> {
    let (mut parts, body) = request.into_parts();
    let name = parts.uri.path().strip_prefix(FOLDER).unwrap_or_default();
    let name = CALLS.iter().copied().find(|call| *call == name).unwrap_or("other");
    check(&parts)?;
    use_token_of_headers(&mut parts.headers)?;
    let presented = credentials(&parts, &app)?;
    let visitor = AuthedActor::from_request_parts(&mut parts, &app).await?;
    let body = timed(&app, body);
    parts.extensions.insert(Arc::new(Caller { app, visitor, secret: presented.secret().cloned() }));
    let server = FlightServiceServer::new(Service).max_decoding_message_size(MAX_MESSAGE);
    let Ok(response) = server.oneshot(Request::from_parts(parts, body)).await;
    let code = response.headers().get("grpc-status").and_then(|code| code.to_str().ok()).unwrap_or("0");
    counter!("rutter_flight_calls_total", "call" => name, "code" => code.to_owned()).increment(1);
    Ok(response.map(Body::new))
}

/// # Errors
/// If the request is no call of gRPC, or has lost its form on the way.
fn check(parts: &Parts) -> Result<()> {
    if parts.version != Version::HTTP_2 {
        return Err(Error::malformed(
            "gRPC requires HTTP/2 all the way; configure the proxy for it: `grpc_pass` in nginx, `h2c://` in Caddy",
        ));
    }
    let media = parts.headers.get(header::CONTENT_TYPE).map_or(&[][..], HeaderValue::as_bytes);
    if media != b"application/grpc" && !media.starts_with(b"application/grpc+proto") {
        return Err(Error::unsupported_media("Content-Type must be application/grpc"));
    }
    Ok(())
}

/// Makes `authorization` the only header with credentials. Cookies are not accepted: no browser makes these calls.
fn use_token_of_headers(headers: &mut HeaderMap) -> Result<()> {
    headers.remove(header::COOKIE);
    let Some(token) = headers.remove(TOKEN) else { return Ok(()) };
    if headers.contains_key(header::AUTHORIZATION) {
        return Ok(());
    }
    let bearer = BASE64.decode(token.as_bytes()).ok().and_then(|token| {
        let mut bearer = HeaderValue::from_bytes(&[b"Bearer ", &token[..]].concat()).ok()?;
        bearer.set_sensitive(true);
        Some(bearer)
    });
    let bearer = bearer.ok_or_else(|| Error::unauthenticated("auth-token-bin must be a token"))?;
    headers.insert(header::AUTHORIZATION, bearer);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_header_has_the_credentials() {
        let used = |pairs: &[(&'static str, &'static str)]| {
            let mut headers: HeaderMap = pairs
                .iter()
                .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)))
                .collect();
            use_token_of_headers(&mut headers)?;
            assert!(!headers.contains_key(header::COOKIE) && !headers.contains_key(TOKEN));
            Ok::<_, Error>(headers.get(header::AUTHORIZATION).map(|value| value.to_str().unwrap().to_owned()))
        };
        assert_eq!(used(&[("cookie", "rutter=1")]).unwrap(), None);
        // "rut_1", with and without padding.
        assert_eq!(used(&[("auth-token-bin", "cnV0XzE=")]).unwrap().unwrap(), "Bearer rut_1");
        assert_eq!(used(&[("auth-token-bin", "cnV0XzE")]).unwrap().unwrap(), "Bearer rut_1");
        let both = [("authorization", "Bearer a"), ("auth-token-bin", "cnV0XzE=")];
        assert_eq!(used(&both).unwrap().unwrap(), "Bearer a");
        // Not Base64, and a line break.
        assert!(used(&[("auth-token-bin", "?")]).is_err() && used(&[("auth-token-bin", "YQpi")]).is_err());
    }
}
