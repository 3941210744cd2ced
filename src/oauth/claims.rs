//! Claims about a user (OpenID Connect Core §5.1): ID tokens and the userinfo endpoint.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};

use super::OAuth;
use crate::access::app_tokens::{AppLogin, AppScopes};
use crate::error::{Error, Result};
use crate::types::{Millis, Secret};

impl OAuth {
    /// Returns the claims about the user of a login that its scopes allow.
    pub async fn user_claims(&self, login: &AppLogin) -> Result<Map<String, Value>> {
        let user = self.db.read().await?.user_by_id(login.row.user_id).await?;
        let user = user.ok_or_else(|| Error::unauthenticated("the account was deleted"))?;
        let mut claims = Map::new();
        claims.insert("sub".into(), json!(user.id.to_string()));
        if login.scopes.has(AppScopes::PROFILE) {
            let name = if user.display_name.is_empty() { &user.name } else { &user.display_name };
            claims.insert("name".into(), json!(name));
            // Names are one field here. Some applications take only this one.
            claims.insert("given_name".into(), json!(name));
            claims.insert("preferred_username".into(), json!(user.name));
            claims.insert("profile".into(), json!(format!("{}/{}", self.issuer, user.name)));
        }
        if login.scopes.has(AppScopes::EMAIL) {
            claims.insert("email".into(), json!(user.email));
            claims.insert("email_verified".into(), json!(true));
        }
        self.add_group_claims(login, &mut claims).await?;
        Ok(claims)
    }

    /// Creates the ID token of a login.
    pub(super) async fn id_token(
        &self,
        login: &AppLogin,
        nonce: Option<&str>,
        access_token: &Secret,
        expires_at: Millis,
    ) -> Result<String> {
        let mut claims = self.user_claims(login).await?;
        let hash = Sha256::digest(access_token.expose().as_bytes());
        let more = json!({
            "iss": self.issuer,
            "aud": login.row.client_id.to_string(),
            "exp": expires_at.seconds(),
            "iat": self.clock.now().seconds(),
            "auth_time": login.row.auth_at.seconds(),
            "at_hash": BASE64.encode(&hash[..16]),
            "sid": login.row.id.to_string(),
            "amr": login.row.amr.split_ascii_whitespace().collect::<Vec<_>>(),
        });
        claims.extend(more.as_object().cloned().unwrap_or_default());
        claims.extend(nonce.map(|nonce| ("nonce".to_owned(), json!(nonce))));
        self.access.sign_claims("JWT", Value::Object(claims)).await
    }
}
