//! Other servers that applications get access tokens for: which they may ask for, and what users allow there.

use sqlx_macros::FromRow;

use super::Tx;
use super::query::query;
use crate::error::Result;
use crate::types::Id;

/// A server that an application may ask for tokens for.
#[derive(Debug, Clone, FromRow)]
pub struct ResourceRow {
    /// The application.
    pub client_id: Id,
    /// The server.
    pub server_id: Id,
    /// Its URI; `None` if it no longer accepts tokens.
    pub audience: Option<String>,
}

/// What a user allows an application at another server.
#[derive(Debug, Clone, FromRow)]
pub struct ConsentResourceRow {
    /// The application.
    pub client_id: Id,
    /// The server.
    pub server_id: Id,
    /// Its URI; `None` if it no longer accepts tokens.
    pub audience: Option<String>,
    /// The scopes, separated by spaces.
    pub scopes: String,
}

impl Tx {
    /// Returns the servers that the applications of an owner may ask for.
    pub async fn resources_of_clients(&mut self, owner: Id) -> Result<Vec<ResourceRow>> {
        let sql = "SELECT x.client_id, x.server_id, s.audience
                   FROM oauth_resource x JOIN oauth_client s ON s.id = x.server_id
                        JOIN oauth_client c ON c.id = x.client_id
                   WHERE c.owner_id = $1 ORDER BY s.audience";
        Ok(query(sql).bind(owner).fetch_all(self).await?)
    }

    /// Replaces the servers that an application may ask for.
    pub async fn set_resources(&mut self, client: Id, servers: &[Id]) -> Result<()> {
        query("DELETE FROM oauth_resource WHERE client_id = $1").bind(client).execute(self).await?;
        for server in servers {
            let sql = "INSERT INTO oauth_resource (client_id, server_id) VALUES ($1, $2) ON CONFLICT DO NOTHING";
            query(sql).bind(client).bind(*server).execute(self).await?;
        }
        Ok(())
    }

    /// Returns what a user allows applications, or one of them, at other servers.
    pub async fn consent_resources(&mut self, user: Id, client: Option<Id>) -> Result<Vec<ConsentResourceRow>> {
        let sql = "SELECT s.client_id, r.server_id, o.audience, r.scopes
                   FROM consent_resource r JOIN consent s ON s.id = r.consent_id JOIN oauth_client o ON o.id = r.server_id
                   WHERE s.user_id = $1 AND (CAST($2 AS TEXT) IS NULL OR s.client_id = $2) ORDER BY o.audience";
        let client = client.map(|client| client.to_string());
        Ok(query(sql).bind(user).bind(client).fetch_all(self).await?)
    }

    /// Sets the scopes that a user allows an application at another server.
    pub async fn put_consent_resource(&mut self, consent: Id, server: Id, scopes: &str) -> Result<()> {
        let sql = "INSERT INTO consent_resource (consent_id, server_id, scopes) VALUES ($1, $2, $3)
                   ON CONFLICT (consent_id, server_id) DO UPDATE SET scopes = $3";
        query(sql).bind(consent).bind(server).bind(scopes).execute(self).await?;
        Ok(())
    }
}
