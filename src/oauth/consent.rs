//! What users allow applications: the consent page, and the list of connected applications.

use super::OAuth;
use super::authorize::{AuthorizationRequest, REQUEST};
use super::clients::ClientRow;
use crate::access::app_tokens::AppScopes;
use crate::access::{AccountGrant, SessionGrant, tokens};
pub use crate::db::oauth::ConsentRow;
use crate::error::{Error, Result};
use crate::types::{Id, Secret};

/// What an application asks of a user.
#[derive(Debug)]
pub struct Asked {
    /// The application.
    pub client: ClientRow,
    /// The scopes.
    pub scopes: AppScopes,
    /// The URL that the browser returns to, without its query.
    pub returns_to: String,
}

fn gone() -> Error {
    Error::not_found("this request is invalid, already answered or expired; return to the application and try again")
}

impl OAuth {
    /// Returns a request, if this browser session began it.
    ///
    /// # Errors
    /// Not found for a request that is unknown, answered, expired, or of another session, with the same message for all.
    pub async fn asked(&self, seat: &SessionGrant, ticket: &Secret) -> Result<Asked> {
        let row = self.db.read().await?.ticket(REQUEST, &tokens::hash(ticket), self.clock.now()).await?;
        let request = of_session(seat, &row.ok_or_else(gone)?.subject)?;
        let client = self.enabled_client(&request.client).await?.ok_or_else(gone)?;
        let returns_to = request.redirect.split('?').next().unwrap_or_default().to_owned();
        Ok(Asked { client, scopes: request.scopes.parse()?, returns_to })
    }

    /// Answers a request. Returns the URL to send the browser to.
    ///
    /// # Errors
    /// As for [`OAuth::asked`].
    pub async fn answer(&self, seat: &SessionGrant, ticket: &Secret, allow: bool) -> Result<String> {
        let asked = self.asked(seat, ticket).await?;
        let now = self.clock.now();
        let mut tx = self.db.write().await?;
        let row = tx.use_ticket(REQUEST, &tokens::hash(ticket), now).await?.ok_or_else(gone)?;
        let request = of_session(seat, &row.subject)?;
        let (user, client) = (seat.user(), asked.client.id);
        if !allow {
            tx.commit().await?;
            let refusal = [("error", "access_denied"), ("error_description", "the user did not allow it")];
            return Ok(request.respond(&self.issuer, &refusal));
        }
        let before: AppScopes = tx.consent(user, client).await?.unwrap_or_default().parse()?;
        let scopes = before.with(asked.scopes).to_string();
        tx.put_consent(self.clock.id(), user, client, &scopes, now).await?;
        let code = self.issue_code(&mut tx, user, &request).await?;
        let by = format!("user:{user}");
        self.audit(&mut tx, &by, "consent.give", &client.to_string(), &scopes).await?;
        tx.commit().await?;
        Ok(request.respond(&self.issuer, &[("code", code.expose())]))
    }

    /// Returns the applications that a user allows something, by name.
    pub async fn consents(&self, holder: &AccountGrant) -> Result<Vec<ConsentRow>> {
        self.db.read().await?.consents(holder.user()).await
    }

    /// Revokes what a user allows an application. None of its tokens works for that user from now on.
    ///
    /// # Errors
    /// Not found if it was allowed nothing.
    pub async fn revoke_consent(&self, holder: &AccountGrant, client: Id) -> Result<()> {
        let mut tx = self.db.write().await?;
        if !tx.end_consent(holder.user(), client, self.clock.now()).await? {
            return Err(Error::not_found("this application is not connected to your account"));
        }
        let by = format!("user:{}", holder.user());
        self.audit(&mut tx, &by, "consent.end", &client.to_string(), "").await?;
        tx.commit().await
    }
}

fn of_session(seat: &SessionGrant, subject: &str) -> Result<AuthorizationRequest> {
    let request: AuthorizationRequest = serde_json::from_str(subject).map_err(Error::internal)?;
    let is_own = request.session == seat.session().to_string() && request.user == seat.user().to_string();
    if is_own { Ok(request) } else { Err(gone()) }
}
