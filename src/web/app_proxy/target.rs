//! Which app a request is for.

use std::sync::Arc;

use axum::http::request::Parts;
use axum::http::{HeaderValue, Version, header};

use crate::apps::Apps;
use crate::apps::installs::InstallRow;
use crate::error::{Error, Result};

/// Where a request goes.
pub(super) enum Target {
    /// An app, if there is one, below this path.
    App { install: Option<Arc<InstallRow>>, base: String },
    /// Another URL.
    Redirect(String),
}

/// Returns the host of a request in lower case, without the port.
pub(super) fn host(request: &Parts) -> Option<String> {
    let authority = match request.version {
        Version::HTTP_2 => request.uri.authority().map(|authority| authority.as_str()),
        _ => request.headers.get(header::HOST).and_then(|host| host.to_str().ok()),
    }?;
    let host = match authority.strip_prefix('[') {
        Some(rest) => &authority[..=rest.find(']')? + 1],
        None => authority.split(':').next()?,
    };
    Some(host.trim_end_matches('.').to_ascii_lowercase())
}

/// Returns the host of a request with its port, as the browser sent it.
pub(super) fn host_header(request: &Parts) -> Option<HeaderValue> {
    match request.version {
        Version::HTTP_2 => HeaderValue::from_str(request.uri.authority()?.as_str()).ok(),
        _ => request.headers.get(header::HOST).cloned(),
    }
}

/// Returns true for a request to the host of apps, or to one below it.
pub(super) fn is_of_apps(apps: &Apps, request: &Parts) -> bool {
    let (Some(origin), Some(host)) = (apps.origin(), host(request)) else { return false };
    host == origin.host() || host.strip_suffix(origin.host()).is_some_and(|rest| rest.ends_with('.'))
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
    let install = apps.by_name(&owner.to_ascii_lowercase(), &name.to_ascii_lowercase()).await?;
    let moved = |base: String| Ok(Target::Redirect(format!("{base}{}{query}", &uri.path()[prefix.len()..])));
    match &install {
        Some(install) if apps.has_wildcard() => moved(apps.url(install)),
        Some(install) if prefix != apps.base_path(install) => moved(apps.url(install)),
        Some(_) => Ok(Target::App { install, base: prefix }),
        // The answer is the same as for an app that exists.
        None if apps.has_wildcard() || kind == "app" => moved(apps.url_of_name(owner, name)),
        None => Ok(Target::App { install, base: prefix }),
    }
}
