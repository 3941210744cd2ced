//! Extractors: authentication, the dataset in the URL, and access grants. The grant in a handler's signature is its
//! access rule.

use axum::extract::{FromRequestParts, Path, Query};
use axum::http::header;
use axum::http::request::Parts;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use metastore::FilePath;
use serde::de::DeserializeOwned;

use super::rate_limit::{Account, Client};
use super::{session_cookie, url};
use crate::access::{
    AccountGrant, Actor, AdminGrant, Credentials, DatasetGrant, FactorChangeGrant, FactorGrant, FileRequestGrant,
    Grant, IdentityChangeGrant, OrgAdminGrant, OrgMemberGrant, ParticipantGrant, Right, SessionGrant, ShareGrant,
    TableGrant, Target,
};
use crate::app::App;
use crate::error::{Error, Result};
use crate::types::{RepoPath, Secret};

/// The cost of a comment, in points of the rate limits.
const COMMENT_COST: usize = 50;

/// Query parameters. Unknown parameters are ignored; values that cannot be parsed are rejected as invalid.
pub(crate) struct Parameters<T>(pub(crate) T);

impl<T: DeserializeOwned + Send> FromRequestParts<App> for Parameters<T> {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self> {
        let query = Query::<T>::from_request_parts(parts, app).await;
        query.map(|Query(value)| Self(value)).map_err(|error| Error::invalid(error.body_text()))
    }
}

/// The path parameters of the route, by name.
pub(crate) struct Segments(Vec<(String, String)>);

impl Segments {
    /// Returns the value of a path parameter of the route.
    pub(crate) fn get(&self, name: &str) -> &str {
        self.0.iter().find(|(key, _)| key == name).map_or("", |(_, value)| value)
    }
}

impl FromRequestParts<App> for Segments {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self> {
        let segments = Path::<Vec<(String, String)>>::from_request_parts(parts, app).await;
        // Nothing can have such a name.
        segments.map(|path| Self(path.0)).map_err(|_| Error::not_found("the URL is not valid UTF-8"))
    }
}

/// An authenticated caller, possibly anonymous.
pub(crate) struct AuthedActor {
    /// The caller's identity.
    pub(crate) actor: Actor,
    account: Option<Account>,
}

impl AuthedActor {
    /// Charges the rate limit for work beyond the fixed cost of the route.
    pub(crate) fn charge(&self, decisions: usize) {
        self.account.as_ref().inspect(|account| account.charge(decisions));
    }
}

impl FromRequestParts<App> for AuthedActor {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self> {
        let EnrollingActor(caller) = EnrollingActor::from_request_parts(parts, app).await?;
        caller.actor.expect_second_factor()?;
        Ok(caller)
    }
}

/// The caller of a route that needs no credentials: anonymous if they are not valid, so that an expired session does not
/// keep anyone away.
pub(crate) struct OptionalActor(pub(crate) Actor);

impl FromRequestParts<App> for OptionalActor {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self> {
        let actor = match credentials(parts, app) {
            Ok(credentials) => app.access.authenticate(credentials).await.ok(),
            Err(_) => None,
        };
        Ok(Self(actor.unwrap_or_else(Actor::anonymous)))
    }
}

/// An authenticated caller who may have to set up a second factor first. Only for routes that such a session needs.
pub(crate) struct EnrollingActor(pub(crate) AuthedActor);

impl FromRequestParts<App> for EnrollingActor {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self> {
        let credentials = credentials(parts, app)?;
        Ok(Self(match parts.extensions.get::<Client>() {
            Some(client) => {
                let (actor, account) = client.sign_in(&app.access, credentials).await?;
                AuthedActor { actor, account: Some(account) }
            }
            None => AuthedActor { actor: app.access.authenticate(credentials).await?, account: None },
        }))
    }
}

impl FromRequestParts<App> for FactorGrant {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self> {
        let EnrollingActor(caller) = EnrollingActor::from_request_parts(parts, app).await?;
        app.access.authorize_factors(&caller.actor)
    }
}

impl FromRequestParts<App> for FactorChangeGrant {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self> {
        let EnrollingActor(caller) = EnrollingActor::from_request_parts(parts, app).await?;
        app.access.authorize_factor_change(&caller.actor)
    }
}

impl FromRequestParts<App> for IdentityChangeGrant {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self> {
        let EnrollingActor(caller) = EnrollingActor::from_request_parts(parts, app).await?;
        app.access.authorize_identity_change(&caller.actor)
    }
}

/// A visitor whose credentials are ignored: they see what everybody sees, whatever the request contains.
pub(crate) struct AnonymousVisitor {
    /// The identity of everybody.
    pub(crate) actor: Actor,
    client: Option<Client>,
}

impl AnonymousVisitor {
    /// Charges the rate limit of the address for work beyond the fixed cost of the route.
    pub(crate) fn charge(&self, points: usize) {
        self.client.as_ref().inspect(|client| client.charge(points));
    }
}

impl FromRequestParts<App> for AnonymousVisitor {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, _: &App) -> Result<Self> {
        Ok(Self { actor: Actor::anonymous(), client: parts.extensions.get().cloned() })
    }
}

/// A caller and the dataset in the URL. Handlers whose required right depends on the body pass it to `access`.
pub(crate) struct DatasetRequest {
    /// The caller's identity.
    pub(crate) actor: Actor,
    /// The dataset.
    pub(crate) path: RepoPath,
    account: Option<Account>,
}

impl DatasetRequest {
    /// Charges the rate limit for work beyond the fixed cost of the route: by the number of objects processed or
    /// entries listed.
    pub(crate) fn charge(&self, objects: usize) {
        self.account.as_ref().inspect(|account| account.charge(objects));
    }
}

impl FromRequestParts<App> for DatasetRequest {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self> {
        let AuthedActor { actor, account } = AuthedActor::from_request_parts(parts, app).await?;
        let segments = Segments::from_request_parts(parts, app).await;
        match segments.and_then(|all| RepoPath::from_segments(all.get("owner"), all.get("dataset"))) {
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
    pub(crate) async fn grant<R: Right>(&self, app: &App, path: &str) -> Result<Grant<R>> {
        let path = self.file_path(path)?;
        app.access.authorize_path(&self.actor, &self.path, path.as_ref()).await
    }

    /// Returns the grants of the right `R` at these paths, in the same order, with one look-up for all.
    ///
    /// # Errors
    /// As for [`DatasetRequest::grant`] of any of the paths.
    pub(crate) async fn grant_each<'a, R: Right>(
        &self,
        app: &App,
        paths: impl IntoIterator<Item = &'a str>,
    ) -> Result<Vec<Grant<R>>> {
        let paths: Vec<Option<FilePath>> = paths.into_iter().map(|path| self.file_path(path)).collect::<Result<_>>()?;
        app.access.authorize_each(&self.actor, &self.path, &paths).await
    }

    /// Returns the grant for the table in the file at a path of the dataset, as the client wrote it.
    ///
    /// # Errors
    /// As for [`Access::authorize_table_at`](crate::access::Access::authorize_table_at), also for an invalid path.
    pub(crate) async fn table(&self, app: &App, path: &str) -> Result<TableGrant> {
        let path = self.file_path(path)?.ok_or_else(|| Error::not_found("the path of a file is required"))?;
        app.access.authorize_table_at(&self.actor, &self.path, &path).await
    }

    fn file_path(&self, path: &str) -> Result<Option<FilePath>> {
        let path = path.trim_end_matches('/');
        if path.is_empty() {
            return Ok(None);
        }
        match path.parse::<FilePath>() {
            Ok(path) => Ok(Some(path)),
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
        let segments = Segments::from_request_parts(parts, app).await?;
        visitor.grant(app, segments.get("path")).await
    }
}

impl<R: Right> FromRequestParts<App> for DatasetGrant<R> {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self> {
        let DatasetRequest { actor, path, .. } = DatasetRequest::from_request_parts(parts, app).await?;
        app.access.authorize(&actor, &path).await
    }
}

/// The grant for all tables of the dataset in the URL.
impl FromRequestParts<App> for TableGrant {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self> {
        let DatasetRequest { actor, path, .. } = DatasetRequest::from_request_parts(parts, app).await?;
        app.access.authorize_table(&actor, &path).await
    }
}

impl FromRequestParts<App> for ParticipantGrant {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self> {
        let visitor = DatasetRequest::from_request_parts(parts, app).await?;
        // What is written stays, and others get to see it.
        visitor.charge(COMMENT_COST);
        app.access.authorize_participant(&visitor.actor, &visitor.path).await
    }
}

impl FromRequestParts<App> for ShareGrant {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self> {
        let DatasetRequest { actor, path, .. } = DatasetRequest::from_request_parts(parts, app).await?;
        app.access.authorize_sharing(&actor, &path).await
    }
}

/// The grant for the file request of which the caller opened the link.
impl FromRequestParts<App> for FileRequestGrant {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self> {
        let AuthedActor { actor, .. } = AuthedActor::from_request_parts(parts, app).await?;
        app.access.authorize_file_request(&actor).await
    }
}

/// Returns the caller and the organisation in the URL.
async fn at_organisation(parts: &mut Parts, app: &App) -> Result<(Actor, String)> {
    let AuthedActor { actor, .. } = AuthedActor::from_request_parts(parts, app).await?;
    // Invalid UTF-8 is not a name: the same answer as for an unknown one.
    let segments = Segments::from_request_parts(parts, app).await;
    Ok((actor, segments.map(|all| all.get("organisation").to_owned()).unwrap_or_default()))
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
pub(crate) fn credentials(parts: &Parts, app: &App) -> Result<Credentials> {
    let unreadable = || Error::unauthenticated("invalid Authorization header; use Basic or Bearer");
    if let Some(value) = parts.headers.get(header::AUTHORIZATION) {
        let value = value.to_str().map_err(|_| unreadable())?;
        // A bare token, as CKAN clients send their API key.
        let Some((scheme, rest)) = value.trim().split_once(' ') else {
            let key = Some(value.trim()).filter(|key| !key.is_empty()).ok_or_else(unreadable)?;
            return Ok(Credentials::Bearer(Secret::new(key.to_owned())));
        };
        if scheme.eq_ignore_ascii_case("bearer") {
            return Ok(Credentials::Bearer(Secret::new(without_prefix(rest.trim()).to_owned())));
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
    match parts.uri.query().and_then(|query| url::query_value(query, "jwt")) {
        Some(jwt) => Ok(Credentials::Bearer(Secret::new(jwt))),
        None => session_cookie::credentials(parts, app),
    }
}

/// Removes the `hf_` without which huggingface.js sends no token.
fn without_prefix(token: &str) -> &str {
    token.strip_prefix("hf_").filter(|rest| rest.starts_with("rut_")).unwrap_or(token)
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
