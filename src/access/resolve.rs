//! Authentication: turns the credentials of a request into an actor.

use super::claims::TokenClaim;
use super::jwt::Claims;
use super::tokens::{self, TokenScope};
use super::{Access, Actor, CredentialScope, Credentials, Identity, app_tokens, share_links};
use crate::db::accounts::UserRow;
use crate::error::{Error, Result};
use crate::types::{OwnerName, Secret};

impl Access {
    /// Authenticates a request. All kinds of credentials end up here.
    ///
    /// # Errors
    /// Unauthenticated for credentials that are wrong, expired, revoked, or belong to a suspended account; never
    /// falls back to anonymous.
    pub async fn authenticate(&self, credentials: Credentials) -> Result<Actor> {
        match (&credentials, credentials.secret()) {
            (_, None) => Ok(Actor::anonymous()),
            (Credentials::Session(cookie), _) => self.by_session(cookie).await,
            (_, Some(token)) => self.by_token(token).await,
        }
    }

    async fn by_token(&self, token: &Secret) -> Result<Actor> {
        if share_links::looks_opened(token) {
            return self.by_opening(token).await;
        }
        if app_tokens::looks_like_access(token) {
            return self.by_app(token).await;
        }
        if !tokens::looks_personal(token) {
            if tokens::looks_signed(token) {
                let (issuer, claims) = self.keys.verify(token.expose()).await?;
                return self.by_claims(issuer, claims).await;
            }
            return Err(Error::unauthenticated(
                "use a personal token (rut_…) as the password; account passwords are not accepted here",
            ));
        }
        let row = self.db.token_by_hash(&tokens::hash(token)).await?;
        let row = row.ok_or_else(|| Error::unauthenticated("unknown token"))?;
        let now = self.clock.now();
        if row.revoked_at.is_some() {
            return Err(Error::unauthenticated("the token was revoked"));
        }
        if row.expires_at.is_some_and(|end| end <= now) {
            return Err(Error::unauthenticated("the token has expired"));
        }
        if row.suspended_at.is_some() {
            return Err(Error::unauthenticated("the account is suspended"));
        }
        if row.closed_at.is_some() {
            return Err(Error::unauthenticated("the account is closed"));
        }
        if row.last_used_at.is_none_or(|at| now.0 - at.0 > 60_000) {
            self.notes.used(row.token_id);
        }
        let admin = self.is_administrator(row.user_id, row.admin).await?;
        Ok(Actor {
            identity: Identity::User { id: row.user_id, name: row.user_name, admin },
            limit: CredentialScope::Token(TokenScope::parse_list(&row.scopes)),
            session: None,
        })
    }

    async fn by_claims(&self, issuer: Option<String>, claims: Claims) -> Result<Actor> {
        // Names end up in database rows, in logs and on terminals.
        let named = [Some(&claims.iss), claims.sub.as_ref(), claims.name.as_ref()];
        if named.into_iter().flatten().any(|name| name.chars().any(char::is_control) || name.len() > 512) {
            return Err(Error::unauthenticated("invalid token: it contains an invalid name"));
        }
        let limit = CredentialScope::Claims(TokenClaim::parse_list(&claims.scopes));
        let identity = match (issuer, claims.sub) {
            (Some(issuer), subject) => Identity::Guest { issuer, subject, name: claims.name },
            (None, Some(name)) => {
                let name: OwnerName =
                    name.parse().map_err(|_| Error::unauthenticated("the token's subject is not a valid user name"))?;
                let user = self.db.read().await?.user(&name).await?;
                let user = user.filter(UserRow::is_active);
                let user =
                    user.ok_or_else(|| Error::unauthenticated("the token's account is suspended, closed or deleted"))?;
                let admin = self.is_administrator(user.id, user.admin).await?;
                Identity::User { id: user.id, name: user.name, admin }
            }
            (None, None) => Identity::Anonymous,
        };
        Ok(Actor { identity, limit, session: None })
    }
}
