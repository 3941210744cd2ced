//! Passwords for applications that cannot sign users in with a browser, such as ClickHouse: access tokens that live longer.

use std::time::Duration;

use super::clients::ClientRow;
use super::token::Login;
use super::{Failure, OAuth};
use crate::access::AccountGrant;
use crate::access::app_tokens::{AccessToken, AppScopes};
use crate::access::applications::application;
use crate::error::{Error, Result};
use crate::types::{Millis, Secret};

/// Lifetime of a password: a working day.
const APP_PASSWORD_TTL: Duration = Duration::from_hours(12);

impl OAuth {
    /// Returns a password with which a user signs in to a data platform application, and its expiry.
    ///
    /// # Errors
    /// Conflict for an application that takes none; forbidden if the user's platform role does not allow
    /// signing in.
    pub async fn app_password(&self, holder: &AccountGrant, client: &ClientRow) -> Result<(Secret, Millis)> {
        let application = client.application.as_deref().and_then(application);
        if !application.is_some_and(|application| application.passwords) || !client.is_enabled() {
            return Err(Error::conflict("this application takes no passwords of rutter: sign in with the browser"));
        }
        let (now, user) = (self.clock.now(), holder.user());
        let mut tx = self.db.write().await?;
        let refused = || Error::forbidden("your platform role does not allow signing in to this application");
        if !self.is_admitted(&mut tx, client, user).await? {
            return Err(refused());
        }
        let scopes = AppScopes::OPENID;
        self.put_scopes(&mut tx, user, client.id, scopes, &[]).await?;
        let login = Login {
            grant_type: "app_password",
            user,
            session: None,
            scopes: &scopes.to_string(),
            resource: None,
            auth_at: now,
            amr: "",
        };
        let login = match self.begin_login(&mut tx, self.clock.id(), client, &login).await {
            Ok(login) => login,
            Err(Failure::Server(error)) => return Err(error),
            Err(Failure::Protocol(..)) => return Err(refused()),
        };
        tx.commit().await?;
        let token = AccessToken { login: login.row.id, expires_at: now.plus(APP_PASSWORD_TTL), scopes };
        Ok((self.access.keys().apps().seal_access(&token), token.expires_at))
    }
}
