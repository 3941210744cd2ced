//! Links: shares that whoever has the secret opens, and who opened them.

use sqlx::FromRow;

use super::{Tx, exec, run};
use crate::error::Result;
use crate::types::{Id, Millis, ShareRight};

/// A link that somebody has a secret of.
#[derive(FromRow)]
pub struct LinkRow {
    /// The share.
    #[sqlx(try_from = "String")]
    pub id: Id,
    /// When it ends, if ever.
    pub expires_at: Option<Millis>,
    /// What is stored of its password.
    pub password: Option<String>,
    /// How often it was used to download.
    pub downloads: i64,
    /// How often it may be, if there is an end to it.
    pub downloads_most: Option<i64>,
    /// Last use, to the minute.
    pub last_used_at: Option<Millis>,
}

/// Somebody who opened a link.
#[derive(FromRow)]
pub struct OpeningRow {
    /// The share.
    #[sqlx(try_from = "String")]
    pub share_id: Id,
    /// The dataset.
    #[sqlx(try_from = "String")]
    pub repo_id: Id,
    /// A file or a folder; empty for the dataset.
    pub path: String,
    /// To look, or to change.
    #[sqlx(rename = "level", try_from = "String")]
    pub right: ShareRight,
    /// When it ends.
    pub expires_at: Millis,
    /// When the share ends, if ever.
    pub share_ends_at: Option<Millis>,
    /// Whether there is an end to how often it may be used to download.
    pub is_counted: bool,
    /// Whether it shows what was before it was made, too.
    pub history: bool,
    /// The newest revision of the default branch when it was made, empty if there was none; not known of old ones.
    pub since: Option<String>,
    /// When it was made.
    pub created_at: Millis,
}

/// Whether neither who made a link nor who owns its dataset is suspended or closed: a link is a secret that they may
/// have kept, or handed on.
macro_rules! is_vouched_for {
    () => {
        "NOT EXISTS (SELECT 1 FROM account a WHERE (a.owner_id = s.creator_id OR a.owner_id = d.owner_id)
                     AND (a.suspended_at IS NOT NULL OR a.closed_at IS NOT NULL))"
    };
}

impl Tx {
    /// What is stored of a link's password, if it has one.
    pub async fn share_password(&mut self, id: Id) -> Result<Option<String>> {
        let query = "SELECT password FROM share WHERE id = $1";
        let found: Option<Option<String>> =
            run!(self, on => sqlx::query_scalar(query).bind(id.to_string()).fetch_optional(on))?;
        Ok(found.flatten())
    }

    /// The link itself, sealed with the secret of the server, if it is one and was kept.
    pub async fn sealed_link(&mut self, id: Id) -> Result<Option<String>> {
        let query = "SELECT link_sealed FROM share WHERE id = $1";
        let found: Option<Option<String>> =
            run!(self, on => sqlx::query_scalar(query).bind(id.to_string()).fetch_optional(on))?;
        Ok(found.flatten())
    }

    /// Ends the links that a user made.
    pub async fn end_links_of(&mut self, user: Id) -> Result<()> {
        let query = "DELETE FROM share WHERE creator_id = $1 AND link IS NOT NULL";
        exec!(self, sqlx::query(query).bind(user.to_string()))?;
        Ok(())
    }

    /// The link with this hash, ended or not, if who made it and who owns the dataset are let in.
    pub async fn shared_link(&mut self, hash: &str) -> Result<Option<LinkRow>> {
        let query = concat!(
            "SELECT s.id, s.expires_at, s.password, s.downloads, s.downloads_most, s.last_used_at
             FROM share s JOIN dataset d ON d.id = s.repo_id WHERE s.link = $1 AND ",
            is_vouched_for!()
        );
        Ok(run!(self, on => sqlx::query_as(query).bind(hash).fetch_optional(on))?)
    }

    /// Somebody opened a link.
    pub async fn insert_opening(&mut self, hash: &str, share: Id, now: Millis, expires_at: Millis) -> Result<()> {
        exec!(self, sqlx::query("DELETE FROM share_opening WHERE expires_at <= $1").bind(now))?;
        let query = "INSERT INTO share_opening (hash, share_id, expires_at) VALUES ($1, $2, $3)";
        exec!(self, sqlx::query(query).bind(hash).bind(share.to_string()).bind(expires_at))?;
        Ok(())
    }

    /// Who opened a link and has a bearer with this hash, ended or not; otherwise as [`Tx::shared_link`].
    pub async fn opening(&mut self, hash: &str) -> Result<Option<OpeningRow>> {
        let query = concat!(
            "SELECT p.share_id, s.repo_id, s.path, s.level, p.expires_at, s.expires_at AS share_ends_at,
                    s.downloads_most IS NOT NULL AS is_counted, s.history, s.since, s.created_at
             FROM share_opening p JOIN share s ON s.id = p.share_id JOIN dataset d ON d.id = s.repo_id
             WHERE p.hash = $1 AND ",
            is_vouched_for!()
        );
        Ok(run!(self, on => sqlx::query_as(query).bind(hash).fetch_optional(on))?)
    }

    /// Whether a download by a link was counted under this opening.
    pub async fn is_counted(&mut self, opening: &str, subject: &str) -> Result<bool> {
        let query = "SELECT 1 FROM share_download WHERE opening = $1 AND subject = $2";
        let found: Option<i32> =
            run!(self, on => sqlx::query_scalar(query).bind(opening).bind(subject).fetch_optional(on))?;
        Ok(found.is_some())
    }

    /// Counts a download by a link, unless it was counted under this opening. False where it is one too many, or the
    /// opening is gone: then the transaction is not to be committed.
    pub async fn count_download(&mut self, opening: &str, share: Id, subject: &str, now: Millis) -> Result<bool> {
        // Holds off others until the transaction ends, so that no two of them are the last one.
        let query = "UPDATE share SET last_used_at = $2 WHERE id = $1
                     AND EXISTS (SELECT 1 FROM share_opening p WHERE p.hash = $3)";
        if exec!(self, sqlx::query(query).bind(share.to_string()).bind(now).bind(opening))? == 0 {
            return Ok(false);
        }
        let query = "INSERT INTO share_download (opening, subject) VALUES ($1, $2) ON CONFLICT DO NOTHING";
        if exec!(self, sqlx::query(query).bind(opening).bind(subject))? == 0 {
            return Ok(true);
        }
        let query = "UPDATE share SET downloads = downloads + 1
                     WHERE id = $1 AND (downloads_most IS NULL OR downloads < downloads_most)";
        Ok(exec!(self, sqlx::query(query).bind(share.to_string()))? > 0)
    }
}
