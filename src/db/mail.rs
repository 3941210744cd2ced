//! The e-mail outbox: messages that are queued or were sent.

use sqlx_macros::FromRow;

use super::Tx;
use super::query::{query, query_scalar};
use crate::error::Result;
use crate::types::{Email, Id, Millis};

/// An e-mail to one recipient, in plain text.
#[derive(Debug, Clone)]
pub struct OutgoingEmail {
    /// Recipient.
    pub to: Email,
    /// Subject, a single line.
    pub subject: String,
    /// Body; lines end in `\n`.
    pub text: String,
}

/// An e-mail in the outbox.
#[derive(FromRow)]
pub struct EmailRow {
    /// Recipient.
    pub recipient: String,
    /// Subject, a single line.
    pub subject: String,
    /// Body.
    pub body: String,
    /// Creation time.
    pub created_at: Millis,
    /// When it was sent, or delivery was abandoned.
    pub sent_at: Option<Millis>,
}

impl Tx {
    /// Adds an e-mail to the outbox. `mail::post` also enqueues its delivery.
    pub async fn insert_email(&mut self, id: Id, now: Millis, email: &OutgoingEmail) -> Result<()> {
        let sql = "INSERT INTO email (id, recipient, subject, body, created_at, attempts)
                   VALUES ($1, $2, $3, $4, $5, 0)";
        // A subject is a single line, whatever text it contains.
        let subject = email.subject.replace(char::is_control, " ");
        query(sql).bind(id).bind(email.to.as_str()).bind(&subject).bind(&email.text).bind(now).execute(self).await?;
        Ok(())
    }

    /// Returns an e-mail.
    pub async fn find_email(&mut self, id: Id) -> Result<Option<EmailRow>> {
        let sql = "SELECT recipient, subject, body, created_at, sent_at FROM email WHERE id = $1";
        Ok(query(sql).bind(id).fetch_optional(self).await?)
    }

    /// Counts the e-mails to an address since the given time whose subject matches a LIKE pattern.
    pub async fn emails_like(&mut self, to: &Email, subject: &str, since: Millis) -> Result<i64> {
        let sql = "SELECT COUNT(*) FROM email WHERE recipient = $1 AND subject LIKE $2 AND created_at > $3";
        Ok(query_scalar(sql).bind(to.as_str()).bind(subject).bind(since).fetch_one(self).await?)
    }

    /// Counts a delivery attempt.
    pub async fn count_attempt(&mut self, id: Id) -> Result<()> {
        query("UPDATE email SET attempts = attempts + 1 WHERE id = $1").bind(id).execute(self).await?;
        Ok(())
    }

    /// Records that an e-mail was sent or abandoned, and deletes its text.
    pub async fn finish_email(&mut self, id: Id, now: Millis) -> Result<()> {
        let sql = "UPDATE email SET sent_at = $2, body = '' WHERE id = $1";
        query(sql).bind(id).bind(now).execute(self).await?;
        Ok(())
    }

    /// Deletes finished e-mails created before the given time. Returns their number.
    pub async fn delete_old_emails(&mut self, before: Millis) -> Result<u64> {
        let sql = "DELETE FROM email WHERE created_at < $1 AND sent_at IS NOT NULL";
        Ok(query(sql).bind(before).execute(self).await?)
    }
}
