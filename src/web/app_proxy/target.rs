//! Which app a request is for.

use std::sync::Arc;

use axum::http::request::Parts;
use axum::http::uri::Authority;
use axum::http::{HeaderMap, HeaderValue, Uri, header};

use crate::apps::Apps;
use crate::apps::installs::InstallRow;
use crate::error::{Error, Result};
use crate::types::{OwnerName, Slug};

/// Where a request goes.
pub(super) enum Target {
    /// An app, if there is one, below this path.
    App { install: Option<Arc<InstallRow>>, base: String },
    /// Another URL.
    Redirect(String),
}

/// Returns all hosts that a request names, without ports: in the URL, and in each `Host`.
fn hosts<'a>(uri: &'a Uri, headers: &'a HeaderMap) -> impl Iterator<Item = &'a str> {
    let lines = headers.get_all(header::HOST).iter().filter_map(|host| host.to_str().ok());
    let named = uri.authority().map(Authority::as_str).into_iter().chain(lines);
    named.filter_map(|authority| {
        let authority = authority.rsplit('@').next()?;
        let host = match authority.strip_prefix('[') {
            Some(rest) => &authority[..=rest.find(']')? + 1],
            None => authority.split(':').next()?,
        };
        Some(host.trim_end_matches('.'))
    })
}

/// Returns the host of a request, in lower case; `None` if it names several, or anything that is not a host and a port.
pub(super) fn host(request: &Parts) -> Option<String> {
    let mut hosts = hosts(&request.uri, &request.headers);
    let host = hosts.next()?;
    let is_one = hosts.all(|other| other.eq_ignore_ascii_case(host));
    (is_one && host_header(request).is_some_and(|header| is_host(&header))).then(|| host.to_ascii_lowercase())
}

/// Returns true for `host` or `host:port`. An app may build links from it, so nothing else must stand there.
fn is_host(header: &HeaderValue) -> bool {
    let Ok(text) = header.to_str() else { return false };
    let (host, port) = text.rsplit_once(':').unwrap_or((text, ""));
    host.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b)) && port.bytes().all(|b| b.is_ascii_digit())
}

/// Returns the host of a request with its port, as the browser sent it: in the URL (RFC 9112 §3.2.2), or in the one
/// `Host`.
pub(super) fn host_header(request: &Parts) -> Option<HeaderValue> {
    if let Some(authority) = request.uri.authority() {
        return HeaderValue::from_str(authority.as_str()).ok();
    }
    let mut lines = request.headers.get_all(header::HOST).iter();
    lines.next().filter(|_| lines.next().is_none()).cloned()
}

/// Returns true for a request to the host of apps, or to one below it.
pub(super) fn is_of_apps(apps: &Apps, uri: &Uri, headers: &HeaderMap) -> bool {
    let Some(origin) = apps.origin() else { return false };
    let apps = origin.host().as_bytes();
    hosts(uri, headers).any(|host| {
        let Some(above) = host.len().checked_sub(apps.len()) else { return false };
        let (label, end) = host.as_bytes().split_at(above);
        end.eq_ignore_ascii_case(apps) && (label.is_empty() || label.ends_with(b"."))
    })
}

/// Finds the app of a request.
///
/// # Errors
/// Not found if there is none.
pub(super) async fn find(apps: &Apps, request: &Parts) -> Result<Target> {
    let missing = || Error::not_found("there is no app at this URL");
    let (origin, host) = apps.origin().zip(host(request)).ok_or_else(missing)?;
    let uri = &request.uri;
    let query = uri.query().map(|query| format!("?{query}")).unwrap_or_default();
    if apps.has_wildcard() && host != origin.host() {
        let label = origin.label(&host).ok_or_else(missing)?;
        let install = apps.by_host(label).await?;
        return Ok(Target::App { install, base: String::new() });
    }
    if host != origin.host() {
        return Err(missing());
    }
    // `/user/OWNER/APP/…`, and CDrive's `/app/OWNER/APP/…` for public apps.
    let mut parts = uri.path().splitn(5, '/').skip(1);
    let (Some(kind @ ("user" | "app")), Some(owner), Some(name)) = (parts.next(), parts.next(), parts.next()) else {
        return Err(missing());
    };
    let prefix = format!("/{kind}/{owner}/{name}");
    let (owner, name): (OwnerName, Slug) = owner.parse().ok().zip(name.parse().ok()).ok_or_else(missing)?;
    // Before the app is looked up: the answer is the same whether there is one or not.
    let base = apps.usual_url(owner.as_str(), name.as_str()).ok_or_else(missing)?;
    let path = format!("/user/{owner}/{name}");
    if apps.has_wildcard() || prefix != path {
        return Ok(Target::Redirect(format!("{base}{}{query}", &uri.path()[prefix.len()..])));
    }
    Ok(Target::App { install: apps.by_name(owner.as_str(), name.as_str()).await?, base: path })
}

#[cfg(test)]
mod tests {
    use axum::http::Request;

    use super::*;

    fn host_of(uri: &str, hosts: &[&str]) -> Option<String> {
        let mut request = Request::builder().uri(uri);
        for host in hosts {
            request = request.header(header::HOST, *host);
        }
        host(&request.body(()).unwrap().into_parts().0)
    }

    #[test]
    fn a_request_has_one_host() {
        assert_eq!(host_of("/", &["Notes--ada.apps.example.org:8080"]).unwrap(), "notes--ada.apps.example.org");
        assert_eq!(host_of("http://a.example:1/x", &[]).unwrap(), "a.example");
        assert_eq!(host_of("http://a.example/x", &["A.example"]).unwrap(), "a.example");
        for hosts in [
            &["evil.org/@a.example"][..],
            &["evil.org?@a.example"],
            &["user@a.example"],
            &["a.example:80/x"],
            &["a.example:x"],
            &["a.example:evil.org"],
            &["a.example", "a.example"],
            &["a.example:1", "a.example:2"],
            &[],
        ] {
            assert_eq!(host_of("/", hosts), None, "{hosts:?}");
        }
        assert_eq!(host_of("http://b.example/x", &["a.example"]), None);
    }
}
