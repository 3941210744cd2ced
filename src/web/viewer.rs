//! Dataset viewer API of the Hugging Face Hub: `/viewer/…`, and the same without `/viewer` on hosts named
//! `datasets-server.*`, where its clients look. Formats and errors are Hugging Face's. A config and a split name a table
//! ([`Splits`](crate::tables::Splits)).

mod order;
mod request;
mod rows;
mod statistics;
mod summary;

use axum::extract::Request;
use axum::http::uri::{Authority, PathAndQuery};
use axum::http::{HeaderValue, Method, Uri, header};
use axum::response::Response;
use serde_json::json;

use self::request::{ERROR_CODE, NOT_FOUND};
use super::http::{RouteGroup, Routes, replace_body};
use crate::error::{ErrorDetails, Kind};

const VIEWER: RouteGroup = RouteGroup { render_error, is_below, ..RouteGroup::DEFAULT };

/// The folder of all routes.
const FOLDER: &str = "/viewer";

/// How the hosts begin where clients look.
const HOST: &str = "datasets-server.";

/// The routes below the folder.
const NAMES: [&str; 10] =
    ["/is-valid", "/splits", "/first-rows", "/rows", "/search", "/filter", "/statistics", "/size", "/parquet", "/info"];

pub(super) fn routes(routes: Routes) -> Routes {
    routes
        .group(VIEWER)
        .add(Method::GET, "/viewer/is-valid", summary::is_valid)
        .add(Method::GET, "/viewer/splits", summary::splits)
        .add(Method::GET, "/viewer/first-rows", rows::first_rows)
        .add(Method::GET, "/viewer/rows", rows::by_number)
        .add(Method::GET, "/viewer/search", rows::search)
        .add(Method::GET, "/viewer/filter", rows::filter)
        .add(Method::GET, "/viewer/statistics", statistics::statistics)
        .add(Method::GET, "/viewer/size", summary::size)
        .add(Method::GET, "/viewer/parquet", summary::parquet)
        .add(Method::GET, "/viewer/info", summary::info)
}

/// Returns true if the URL is one of this API.
fn is_below(path: &str) -> bool {
    path.strip_prefix(FOLDER).is_some_and(|rest| rest.starts_with('/'))
}

/// Changes a request for one of the routes on a host named `datasets-server.*` into the same request on the host without
/// that name. All others stay as they are.
///
/// The library `datasets` asks there: it puts `datasets-server.` before the host in `HF_ENDPOINT`.
pub(super) fn rewrite(mut request: Request) -> Request {
    if let Some((uri, host)) = rewritten(&request) {
        *request.uri_mut() = uri;
        if let Some(host) = host {
            request.headers_mut().insert(header::HOST, host);
        }
    }
    request
}

/// Returns the URL and the header `Host` of the changed request, if it is to be changed.
fn rewritten(request: &Request) -> Option<(Uri, Option<HeaderValue>)> {
    let uri = request.uri();
    if !NAMES.contains(&uri.path()) {
        return None;
    }
    let mut hosts = request.headers().get_all(header::HOST).iter();
    let (header, none) = (hosts.next(), hosts.next());
    if none.is_some() {
        return None;
    }
    let header =
        header.map(|host| host.to_str().ok()).map(|host| host.and_then(without_name)).map(|host| host.ok_or(()));
    let authority = uri.authority().map(|authority| without_name(authority.as_str()).ok_or(()));
    // Both, if there are both.
    let (header, authority) = (header.transpose().ok()?, authority.transpose().ok()?);
    header.or(authority)?;
    let query = uri.query().map(|query| format!("?{query}")).unwrap_or_default();
    let mut parts = uri.clone().into_parts();
    parts.path_and_query = Some(format!("{FOLDER}{}{query}", uri.path()).parse::<PathAndQuery>().ok()?);
    if let Some(authority) = authority {
        parts.authority = Some(authority.parse::<Authority>().ok()?);
    }
    let header = header.map(HeaderValue::from_str).transpose().ok()?;
    Some((Uri::from_parts(parts).ok()?, header))
}

/// Returns the host without the name before it.
fn without_name(host: &str) -> Option<&str> {
    let (name, rest) = host.split_at_checked(HOST.len())?;
    (name.eq_ignore_ascii_case(HOST) && !rest.is_empty()).then_some(rest)
}

/// Renders an error as `{error}`, with a code in a header.
fn render_error(_: &'static str, details: &ErrorDetails, response: &mut Response) {
    let code = match details.kind {
        Kind::Unauthenticated => "ExternalUnauthenticatedError",
        // The same whether there is no dataset or no access.
        Kind::NotFound | Kind::Forbidden => "ExternalAuthenticatedError",
        Kind::Invalid | Kind::Malformed | Kind::Unchanged => "InvalidParameter",
        Kind::UnsupportedMedia | Kind::TooLarge => NOT_FOUND,
        _ => "UnexpectedError",
    };
    response.headers_mut().entry(ERROR_CODE).or_insert(HeaderValue::from_static(code));
    let body = json!({ "error": details.detail, "request_id": crate::request::id() });
    replace_body(response, "application/json", body.to_string());
}

#[cfg(test)]
mod tests {
    use axum::body::Body;

    use super::*;

    fn sent(uri: &str, hosts: &[&str]) -> String {
        let mut request = Request::get(uri);
        for host in hosts {
            request = request.header(header::HOST, *host);
        }
        let request = rewrite(request.body(Body::empty()).unwrap());
        let host = request.headers().get(header::HOST).map_or("", |host| host.to_str().unwrap());
        format!("{} {host}", request.uri())
    }

    #[test]
    fn only_the_routes_of_the_viewer_are_rewritten() {
        for (uri, host, expected) in [
            ("/rows?a=b%20c", "datasets-server.localhost:80", "/viewer/rows?a=b%20c localhost:80"),
            ("/is-valid", "DATASETS-SERVER.data.example.org", "/viewer/is-valid data.example.org"),
            ("http://datasets-server.a:1/info", "datasets-server.a:1", "http://a:1/viewer/info a:1"),
        ] {
            assert_eq!(sent(uri, &[host]), expected);
        }
        assert_eq!(sent("http://datasets-server.a:1/info", &[]), "http://a:1/viewer/info ");
        for (uri, hosts) in [
            ("/rows", &["localhost"][..]),
            ("/rows", &["xdatasets-server.localhost"]),
            ("/rows", &["datasets-server."]),
            ("/rows", &["datasets-server"]),
            ("/rows", &[]),
            ("/rows", &["datasets-server.a", "b"]),
            ("http://b/rows", &["datasets-server.a"]),
            ("http://datasets-server.a/rows", &["b"]),
            ("/rows/", &["datasets-server.a"]),
            ("/rows/../metrics", &["datasets-server.a"]),
            ("/metrics", &["datasets-server.a"]),
            ("/viewer/rows", &["datasets-server.a"]),
            ("/", &["datasets-server.a"]),
        ] {
            assert_eq!(sent(uri, hosts), format!("{uri} {}", hosts.first().unwrap_or(&"")), "{uri} {hosts:?}");
        }
    }

    #[test]
    fn every_route_is_reached_on_the_host() {
        let listed: Vec<String> = routes(Routes::default()).listed().iter().map(|(_, path)| path.clone()).collect();
        assert_eq!(listed, NAMES.map(|name| format!("{FOLDER}{name}")));
        assert!("viewer".parse::<crate::types::OwnerName>().is_err(), "no dataset is at these URLs");
    }
}
