//! Extractors: authentication, the dataset in the URL, and access grants. The grant in a handler's signature is its
//! access rule.

use std::net::SocketAddr;

use axum::extract::{FromRequestParts, Path};
use axum::http::request::Parts;
use axum::http::{HeaderMap, header};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use metastore::FilePath;

use super::browser;
use super::rate_limit::{Account, Client, is_trusted};
use crate::access::{
    AccountGrant, Actor, AdminGrant, Credentials, DatasetGrant, Grant, OrgAdminGrant, OrgMemberGrant, Right,
    SessionGrant, ShareGrant, Target,
};
use crate::app::App;
use crate::error::{Error, Result};
use crate::types::{RepoPath, Secret};

/// The peer address of the connection, added to each request by the accept loop.
#[derive(Debug, Clone, Copy)]
pub struct Peer(pub SocketAddr);

/// An authenticated caller, possibly anonymous.
pub struct AuthedActor {
    /// The caller's identity.
    pub actor: Actor,
    account: Option<Account>,
}

impl AuthedActor {
    /// Charges the rate limit for work beyond the fixed cost of the route.
    pub fn charge(&self, decisions: usize) {
        self.account.as_ref().inspect(|account| account.charge(decisions));
    }
}

impl FromRequestParts<App> for AuthedActor {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self> {
        let credentials = credentials(parts, app)?;
        Ok(match parts.extensions.get::<Client>() {
            Some(client) => {
                let (actor, account) = client.sign_in(&app.access, credentials).await?;
                Self { actor, account: Some(account) }
            }
            None => Self { actor: app.access.authenticate(credentials).await?, account: None },
        })
    }
}

/// A caller and the dataset in the URL. Handlers whose required right depends on the body pass it to `access`.
pub struct DatasetRequest {
    /// The caller's identity.
    pub actor: Actor,
    /// The dataset.
    pub path: RepoPath,
    account: Option<Account>,
}

impl DatasetRequest {
    /// Charges the rate limit for work beyond the fixed cost of the route: by the number of objects processed or
    /// entries listed.
    pub fn charge(&self, objects: usize) {
        self.account.as_ref().inspect(|account| account.charge(objects));
    }
}

impl FromRequestParts<App> for DatasetRequest {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self> {
        let AuthedActor { actor, account } = AuthedActor::from_request_parts(parts, app).await?;
        let segments = Path::<Vec<(String, String)>>::from_request_parts(parts, app).await;
        let segments = segments.map_err(|_| nameless()).map(|path| path.0);
        let named = segments.and_then(|segments| {
            let part =
                |name: &str| segments.iter().find(|(key, _)| key == name).map_or("", |(_, value)| value.as_str());
            RepoPath::from_segments(part("owner"), part("dataset"))
        });
        match named {
            Ok(path) => Ok(Self { actor, path, account }),
            // The same answer as for a valid name.
            Err(_) if actor.is_anonymous() => Err(Error::unauthenticated("sign in to see this dataset")),
            Err(error) => Err(Error::not_found(error.detail())),
        }
    }
}

impl DatasetRequest {
    /// Returns the grant of the right `R` at a path of the dataset, as the client wrote it; empty for the root.
    ///
    /// # Errors
    /// As for [`Access::authorize_path`](crate::access::Access::authorize_path), also for an invalid path.
    pub async fn grant<R: Right>(&self, app: &App, path: &str) -> Result<Grant<R>> {
        let path = path.trim_end_matches('/');
        if path.is_empty() {
            return app.access.authorize_path(&self.actor, &self.path, None).await;
        }
        match path.parse::<FilePath>() {
            Ok(path) => app.access.authorize_path(&self.actor, &self.path, Some(&path)).await,
            Err(_) if self.actor.is_anonymous() => {
                Err(Error::unauthenticated(format!("sign in to see `{}`", self.path)))
            }
            // The same answer whether it exists or not.
            Err(error) => Err(Error::from(error)),
        }
    }
}

/// The grant for the `{*path}` of the route.
impl<R: Right> FromRequestParts<App> for Grant<R> {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self> {
        let visitor = DatasetRequest::from_request_parts(parts, app).await?;
        let segments = Path::<Vec<(String, String)>>::from_request_parts(parts, app).await.map_err(|_| nameless())?;
        let at = segments.0.iter().find(|(key, _)| key == "path").map_or("", |(_, value)| value.as_str());
        visitor.grant(app, at).await
    }
}

/// Returns the error for a URL that is not valid UTF-8: nothing can have such a name.
pub(super) fn nameless() -> Error {
    Error::not_found("the URL is not valid UTF-8")
}

impl<R: Right> FromRequestParts<App> for DatasetGrant<R> {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self> {
        let DatasetRequest { actor, path, .. } = DatasetRequest::from_request_parts(parts, app).await?;
        app.access.authorize(&actor, &path).await
    }
}

impl FromRequestParts<App> for ShareGrant {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self> {
        let DatasetRequest { actor, path, .. } = DatasetRequest::from_request_parts(parts, app).await?;
        app.access.authorize_sharing(&actor, &path).await
    }
}

/// Returns the caller and the organisation in the URL.
async fn at_organisation(parts: &mut Parts, app: &App) -> Result<(Actor, String)> {
    let AuthedActor { actor, .. } = AuthedActor::from_request_parts(parts, app).await?;
    let segments = Path::<Vec<(String, String)>>::from_request_parts(parts, app).await;
    // Invalid UTF-8 is not a name: the same answer as for an unknown one.
    let segments = segments.map(|path| path.0).unwrap_or_default();
    let name = segments.into_iter().find(|(key, _)| key == "organisation").map(|(_, value)| value);
    Ok((actor, name.unwrap_or_default()))
}

impl FromRequestParts<App> for OrgMemberGrant {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self> {
        let (actor, name) = at_organisation(parts, app).await?;
        app.access.authorize_member(&actor, &name).await
    }
}

impl FromRequestParts<App> for OrgAdminGrant {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self> {
        let (actor, name) = at_organisation(parts, app).await?;
        app.access.authorize_steward(&actor, &name).await
    }
}

impl FromRequestParts<App> for AdminGrant {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self> {
        let AuthedActor { actor, .. } = AuthedActor::from_request_parts(parts, app).await?;
        app.access.authorize_administrator(&actor)
    }
}

impl<R: Right> FromRequestParts<App> for Target<R> {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self> {
        let DatasetRequest { actor, path, .. } = DatasetRequest::from_request_parts(parts, app).await?;
        app.access.authorize_target(&actor, &path, &[]).await
    }
}

/// Returns the credentials of a request: `Authorization` or `?jwt=`, otherwise the session cookie.
fn credentials(parts: &Parts, app: &App) -> Result<Credentials> {
    let unreadable = || Error::unauthenticated("invalid Authorization header; use Basic or Bearer");
    if let Some(value) = parts.headers.get(header::AUTHORIZATION) {
        let value = value.to_str().map_err(|_| unreadable())?;
        // A bare token, as CKAN clients send their API key.
        let Some((scheme, rest)) = value.trim().split_once(' ') else {
            let key = Some(value.trim()).filter(|key| !key.is_empty()).ok_or_else(unreadable)?;
            return Ok(Credentials::Bearer(Secret::new(key.to_owned())));
        };
        if scheme.eq_ignore_ascii_case("bearer") {
            return Ok(Credentials::Bearer(Secret::new(rest.trim().to_owned())));
        }
        if scheme.eq_ignore_ascii_case("basic") {
            let decoded = BASE64.decode(rest.trim()).map_err(|_| unreadable())?;
            let decoded = String::from_utf8(decoded).map_err(|_| unreadable())?;
            let (user, password) = decoded.split_once(':').ok_or_else(unreadable)?;
            return Ok(Credentials::Basic {
                user: Secret::new(user.to_owned()),
                password: Secret::new(password.to_owned()),
            });
        }
        return Err(unreadable());
    }
    let query = parts.uri.query().unwrap_or_default();
    let jwt = query.split('&').find_map(|pair| pair.strip_prefix("jwt="));
    match jwt {
        Some(jwt) => Ok(Credentials::Bearer(Secret::new(jwt.to_owned()))),
        None => browser::credentials(parts, app),
    }
}

/// The base URL: the prefix of `/owner/dataset` in the URLs that the server hands out.
pub struct BaseUrl(pub String);

impl FromRequestParts<App> for BaseUrl {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self> {
        Self::of(parts, app)
    }
}

impl BaseUrl {
    /// Returns the configured base URL or, if none is configured, that of the request.
    ///
    /// # Errors
    /// Malformed without a valid `Host`.
    pub(super) fn of(parts: &Parts, app: &App) -> Result<Self> {
        if let Some(url) = &app.config.public_url {
            return Ok(Self(url.clone()));
        }
        let peer = parts.extensions.get::<Peer>();
        let trusted = peer.is_some_and(|Peer(peer)| is_trusted(peer.ip(), &app.config.trusted_proxies));
        base(&parts.headers, parts.uri.authority().map(axum::http::uri::Authority::as_str), trusted).map(Self)
    }
}

/// Extracts grants for the caller's own account.
macro_rules! of_actor {
    ($($decision:ident = $decide:ident),+) => {$(
        impl FromRequestParts<App> for $decision {
            type Rejection = Error;

            async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self> {
                AuthedActor::from_request_parts(parts, app).await?.actor.$decide()
            }
        }
    )+};
}
of_actor!(AccountGrant = holder, SessionGrant = seat);

/// Returns true if a host includes a port. The colons of an IPv6 address are in brackets.
fn has_port(host: &str) -> bool {
    host.rsplit_once(']').map_or(host, |(_, rest)| rest).contains(':')
}

/// Builds the base URL from `Host`, or from `X-Forwarded-*` if a trusted proxy sent them.
fn base(headers: &HeaderMap, authority: Option<&str>, trusted: bool) -> Result<String> {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    // Each proxy in a chain appends its value; the first one is the client's.
    let forwarded = |name: &str| text(name).filter(|_| trusted).and_then(|list| list.split(',').next()).map(str::trim);
    let host = forwarded("x-forwarded-host").or_else(|| text("host")).or(authority);
    let host = host.ok_or_else(|| Error::malformed("the Host header is missing"))?;
    if host.is_empty() || !host.bytes().all(|b| b.is_ascii_alphanumeric() || b".-_:[]".contains(&b)) {
        return Err(Error::malformed("the Host header is invalid"));
    }
    let scheme = match forwarded("x-forwarded-proto") {
        Some("https") => "https",
        _ => "http",
    };
    let port = forwarded("x-forwarded-port").filter(|port| !has_port(host) && port.parse::<u16>().is_ok());
    let port = port.filter(|port| !matches!((scheme, *port), ("http", "80") | ("https", "443")));
    let prefix = forwarded("x-forwarded-prefix").unwrap_or_default().trim_end_matches('/');
    let prefix = if prefix.starts_with('/') && prefix.bytes().all(|b| b.is_ascii_alphanumeric() || b"/-_.".contains(&b))
    {
        prefix
    } else {
        ""
    };
    let port = port.map(|port| format!(":{port}")).unwrap_or_default();
    Ok(format!("{scheme}://{host}{port}{prefix}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn built(pairs: &[(&'static str, &str)], trusted: bool) -> Result<String> {
        let headers = pairs.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect();
        base(&headers, None, trusted)
    }

    #[test]
    fn forwarded_headers_count_only_from_trusted_proxies() {
        let headers = [
            ("host", "inner:8080"),
            ("x-forwarded-host", "data.example.org, inner"),
            ("x-forwarded-proto", "https"),
            ("x-forwarded-prefix", "/drive/"),
        ];
        assert_eq!(built(&headers, false).unwrap(), "http://inner:8080");
        assert_eq!(built(&headers, true).unwrap(), "https://data.example.org/drive");
        let port = [("host", "h"), ("x-forwarded-port", "8443"), ("x-forwarded-proto", "https")];
        assert_eq!(built(&port, true).unwrap(), "https://h:8443");
    }

    #[test]
    fn invalid_hosts_are_refused() {
        for host in ["a/b", "a\"b", "a b", "", "a@b", "a?b", "a#b"] {
            assert!(built(&[("host", host)], false).is_err(), "{host}");
        }
        assert!(built(&[], false).is_err());
    }
}
