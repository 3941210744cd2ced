//! Access tokens for other servers: resource indicators (RFC 8707) and JSON Web Tokens (RFC 9068). A server is an
//! application with an `audience`; other applications ask for tokens with this audience, which open nothing here.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use serde_json::{Map, Value, json};

use super::clients::ClientRow;
use super::failure::{Answer, Failure};
use super::{OAuth, words};
use crate::access::DeveloperGrant;
use crate::access::app_tokens::{AppLogin, AppScopes};
use crate::clock::random;
use crate::db::Tx;
pub use crate::db::oauth_resources::ResourceRow;
use crate::error::{Error, Result};
use crate::types::{Id, Millis, Secret};

/// Type of the tokens (RFC 9068 §2.1).
const TOKEN_TYPE: &str = "at+jwt";

impl OAuth {
    /// Returns the servers with these audiences, as part of the transaction that stores an application.
    ///
    /// # Errors
    /// Conflict if its own audience is that of another application. Not found for resources that are no audience of an
    /// application of the same owner; administrators can name those of others, and others can keep them.
    pub(super) async fn servers(
        &self,
        tx: &mut Tx,
        developer: &DeveloperGrant,
        row: &ClientRow,
        audiences: &[String],
    ) -> Result<Vec<Id>> {
        if let Some(audience) = &row.audience
            && tx.client_by_audience(audience).await?.is_some_and(|other| other.id != row.id)
        {
            return Err(Error::conflict(format!("another application has the audience `{audience}`")));
        }
        let mut servers = Vec::with_capacity(audiences.len());
        for audience in audiences {
            let server = tx.client_by_audience(audience).await?;
            let is_known = tx.resource(row.id, audience).await?.is_some();
            let may = |server: &ClientRow| is_known || server.owner_id == row.owner_id || developer.is_administrator();
            servers.push(server.filter(may).map(|server| server.id).ok_or_else(|| {
                let (owner, hint) = (developer.name(), "administrators can name those of other owners");
                Error::not_found(format!("no application of `{owner}` has the audience `{audience}`; {hint}"))
            })?);
        }
        Ok(servers)
    }

    /// Returns the servers that the applications of an owner may ask for.
    pub async fn resources(&self, grant: &DeveloperGrant) -> Result<Vec<ResourceRow>> {
        self.db.read().await?.resources_of_clients(grant.owner()).await
    }

    /// Returns the server that an application asks a token for; `None` for this one.
    pub(super) async fn requested_resource(
        &self,
        tx: &mut Tx,
        client: &ClientRow,
        sent: &[String],
    ) -> Answer<Option<Id>> {
        let refused = |why: &str| Failure::new("invalid_target", why);
        let mut sent = sent.iter().filter(|it| !it.is_empty());
        let Some(resource) = sent.next() else { return Ok(None) };
        if sent.next().is_some() {
            return Err(refused("ask for one resource at a time"));
        }
        if resource.trim_end_matches('/') == self.issuer.trim_end_matches('/') {
            return Ok(None);
        }
        match tx.resource(client.id, resource).await?.filter(ClientRow::is_enabled) {
            Some(server) => Ok(Some(server.id)),
            None => Err(refused("the application may not ask for tokens for this resource")),
        }
    }

    /// Checks the resource in a request for tokens, of which the user has granted one, or this server.
    pub(super) async fn check_resource(
        &self,
        tx: &mut Tx,
        client: &ClientRow,
        granted: Option<Id>,
        sent: &[String],
    ) -> Answer<()> {
        if !sent.is_empty() && self.requested_resource(tx, client, sent).await? != granted {
            let why = "the user has allowed another resource: ask for it in the authorization request";
            return Err(Failure::new("invalid_target", why));
        }
        Ok(())
    }

    /// Creates an access token for another server.
    pub(super) async fn resource_token(&self, login: &AppLogin, resource: &str, scopes: AppScopes) -> Result<Secret> {
        let (row, now) = (&login.row, self.clock.now());
        let mut claims = Map::new();
        self.add_group_claims(&AppLogin { row: row.clone(), scopes }, &mut claims).await?;
        let more = json!({
            "iss": self.issuer,
            "sub": row.user_id.to_string(),
            "aud": resource,
            "client_id": row.client_id.to_string(),
            "exp": now.plus(self.rules.access()).seconds(),
            "iat": now.seconds(),
            "jti": BASE64.encode(random::<12>()),
            "scope": scopes.to_string(),
            "sid": row.id.to_string(),
            "auth_time": row.auth_at.seconds(),
            "amr": words(&row.amr),
        });
        claims.extend(more.as_object().cloned().unwrap_or_default());
        self.access.sign_claims(TOKEN_TYPE, Value::Object(claims)).await.map(Secret::new)
    }

    /// Returns the login of an access token for another server, with the scopes of the token, and its expiry time. `None`
    /// if the token or the login is no longer valid.
    pub(super) async fn by_resource_token(&self, token: &Secret) -> Result<Option<(AppLogin, Millis)>> {
        let Some(claims) = self.access.keys().own_claims(TOKEN_TYPE, token.expose()).await else { return Ok(None) };
        let text = |name: &str| claims[name].as_str().unwrap_or_default();
        let expires_at = Millis::from_seconds(claims["exp"].as_u64().unwrap_or(0));
        if text("iss") != self.issuer || expires_at <= self.clock.now() {
            return Ok(None);
        }
        let Ok(login) = text("sid").parse() else { return Ok(None) };
        let login = self.access.app_login(login).await?;
        let Some(mut login) = login.filter(|login| login.row.resource.as_deref() == Some(text("aud"))) else {
            return Ok(None);
        };
        login.scopes = login.scopes.and(text("scope").parse()?);
        Ok(Some((login, expires_at)))
    }
}
