//! Open invitations.

use sqlx_macros::FromRow;

use super::Tx;
use super::query::query;
use crate::error::Result;
use crate::types::{Email, Id, Millis, Role};

/// An open invitation.
#[derive(Debug, Clone, FromRow)]
pub struct InvitationRow {
    /// Id of its ticket.
    pub id: Id,
    /// Id of the organisation; `None` for an invitation to the site only.
    pub organisation_id: Option<Id>,
    /// Name of the organisation.
    pub organisation: Option<String>,
    /// E-mail address of the invited person.
    pub email: String,
    /// Role in the organisation.
    pub role: Option<String>,
    /// Creation time.
    pub created_at: Millis,
    /// Expiry.
    pub expires_at: Millis,
}

macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT i.id, i.organisation_id, o.name AS organisation, i.email, i.role, i.created_at, i.expires_at
             FROM invitation i LEFT JOIN owner o ON o.id = i.organisation_id ",
            $rest
        )
    };
}

impl Tx {
    /// Adds an invitation, to an organisation if one is given.
    pub async fn insert_invitation(
        &mut self,
        ticket: Id,
        to: Option<(Id, Role)>,
        email: &Email,
        now: Millis,
        expires_at: Millis,
    ) -> Result<()> {
        let sql = "INSERT INTO invitation (id, organisation_id, email, role, created_at, expires_at)
                   VALUES ($1, $2, $3, $4, $5, $6)";
        let organisation = to.map(|(organisation, _)| organisation.to_string());
        let role = to.map(|(_, role)| role.as_str());
        query(sql)
            .bind(ticket)
            .bind(organisation.as_deref())
            .bind(email.as_str())
            .bind(role)
            .bind(now)
            .bind(expires_at)
            .execute(self)
            .await?;
        Ok(())
    }

    /// Returns the invitation of a ticket.
    pub async fn invitation(&mut self, ticket: Id) -> Result<Option<InvitationRow>> {
        let sql = select!("WHERE i.id = $1");
        Ok(query(sql).bind(ticket).fetch_optional(self).await?)
    }

    /// Returns the open invitations to an organisation, or to the site only, oldest first.
    pub async fn invitations(&mut self, organisation: Option<Id>, now: Millis) -> Result<Vec<InvitationRow>> {
        let sql = select!("WHERE COALESCE(i.organisation_id, '') = $1 AND i.expires_at > $2 ORDER BY i.id");
        let organisation = organisation.map(|id| id.to_string()).unwrap_or_default();
        Ok(query(sql).bind(&organisation).bind(now).fetch_all(self).await?)
    }

    /// Returns the open invitations to an address, oldest first, each with the subject of its ticket.
    pub async fn invitations_to(&mut self, email: &Email, now: Millis) -> Result<Vec<(Id, String)>> {
        let sql = "SELECT i.id, t.subject FROM invitation i JOIN one_time_token t ON t.id = i.id
                   WHERE i.email = $1 AND i.expires_at > $2 AND t.used_at IS NULL AND t.expires_at > $2 ORDER BY i.id";
        Ok(query(sql).bind(email.as_str()).bind(now).fetch_all(self).await?)
    }

    /// Deletes an invitation to an organisation, or to the site only; returns false if it does not exist.
    pub async fn delete_invitation(&mut self, id: Id, organisation: Option<Id>) -> Result<bool> {
        let sql = "DELETE FROM invitation WHERE id = $1 AND COALESCE(organisation_id, '') = $2";
        let organisation = organisation.map(|id| id.to_string()).unwrap_or_default();
        Ok(query(sql).bind(id).bind(&organisation).execute(self).await? > 0)
    }

    /// Deletes invitations that expired before the given time.
    pub async fn forget_invitations(&mut self, before: Millis) -> Result<()> {
        query("DELETE FROM invitation WHERE expires_at < $1").bind(before).execute(self).await?;
        Ok(())
    }
}
