//! The outbox: letters that are to be sent, or were.

use sqlx::FromRow;

use super::{Tx, exec, run};
use crate::error::Result;
use crate::types::{Email, Id, Millis};

/// A letter to one person, in plain text.
#[derive(Debug, Clone)]
pub struct Letter {
    /// To whom.
    pub to: Email,
    /// One line.
    pub subject: String,
    /// What it says; lines end in `\n`.
    pub text: String,
}

/// A letter that is to be sent.
#[derive(FromRow)]
pub struct LetterRow {
    /// To whom.
    pub recipient: String,
    /// One line.
    pub subject: String,
    /// What it says.
    pub body: String,
    /// When it was written.
    pub created_at: Millis,
    /// When it was sent, or given up.
    pub sent_at: Option<Millis>,
}

impl Tx {
    /// Puts a letter into the outbox. `mail::post` also has it sent.
    pub async fn insert_letter(&mut self, id: Id, now: Millis, letter: &Letter) -> Result<()> {
        let query = "INSERT INTO letter (id, recipient, subject, body, created_at, attempts)
                     VALUES ($1, $2, $3, $4, $5, 0)";
        // A subject is one line, whatever it is made of.
        let subject = letter.subject.replace(char::is_control, " ");
        exec!(
            self,
            sqlx::query(query)
                .bind(id.to_string())
                .bind(letter.to.as_str())
                .bind(&subject)
                .bind(&letter.text)
                .bind(now)
        )?;
        Ok(())
    }

    /// A letter.
    pub async fn letter(&mut self, id: Id) -> Result<Option<LetterRow>> {
        let query = "SELECT recipient, subject, body, created_at, sent_at FROM letter WHERE id = $1";
        Ok(run!(self, on => sqlx::query_as(query).bind(id.to_string()).fetch_optional(on))?)
    }

    /// How many letters with a subject like this, a pattern of LIKE, went to an address since then.
    pub async fn letters_like(&mut self, to: &Email, subject: &str, since: Millis) -> Result<i64> {
        let query = "SELECT COUNT(*) FROM letter WHERE recipient = $1 AND subject LIKE $2 AND created_at > $3";
        Ok(run!(self, on => sqlx::query_scalar(query).bind(to.as_str()).bind(subject).bind(since).fetch_one(on))?)
    }

    /// Counts an attempt to send a letter.
    pub async fn count_attempt(&mut self, id: Id) -> Result<()> {
        exec!(self, sqlx::query("UPDATE letter SET attempts = attempts + 1 WHERE id = $1").bind(id.to_string()))?;
        Ok(())
    }

    /// A letter was sent, or is given up: its text goes.
    pub async fn end_letter(&mut self, id: Id, now: Millis) -> Result<()> {
        let query = "UPDATE letter SET sent_at = $2, body = '' WHERE id = $1";
        exec!(self, sqlx::query(query).bind(id.to_string()).bind(now))?;
        Ok(())
    }

    /// Forgets letters that were written before then.
    pub async fn forget_letters(&mut self, before: Millis) -> Result<u64> {
        let query = "DELETE FROM letter WHERE created_at < $1 AND sent_at IS NOT NULL";
        Ok(exec!(self, sqlx::query(query).bind(before))?)
    }
}
