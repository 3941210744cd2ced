//! Which app a request is for.

use std::sync::Arc;

use axum::http::request::Parts;
use axum::http::uri::Authority;
use axum::http::{HeaderMap, HeaderValue, Uri, Version, header};

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

/// Returns the host of a request, in lower case; `None` if it names several.
pub(super) fn host(request: &Parts) -> Option<String> {
    let mut hosts = hosts(&request.uri, &request.headers);
    let host = hosts.next()?;
    hosts.all(|other| other.eq_ignore_ascii_case(host)).then(|| host.to_ascii_lowercase())
}

/// Returns the host of a request with its port, as the browser sent it.
pub(super) fn host_header(request: &Parts) -> Option<HeaderValue> {
    match request.version {
        Version::HTTP_2 => HeaderValue::from_str(request.uri.authority()?.as_str()).ok(),
        _ => request.headers.get(header::HOST).cloned(),
    }
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
