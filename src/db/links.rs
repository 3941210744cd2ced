//! Share links, and the sessions of clients that opened them.

use sqlx_macros::FromRow;

use super::Tx;
use super::query::{query, query_scalar};
use crate::error::Result;
use crate::types::{Id, Millis, NotificationEvent, ShareRight};

/// A share link.
#[derive(FromRow)]
pub struct LinkRow {
    /// Id of the share.
    pub id: Id,
    /// Expiry, if any.
    pub expires_at: Option<Millis>,
    /// Hash of its password.
    pub password: Option<String>,
    /// Number of downloads so far.
    pub downloads: i64,
    /// Download limit, if any.
    pub max_downloads: Option<i64>,
    /// Last use, to the minute.
    pub last_used_at: Option<Millis>,
}

/// A session of a client that opened a link.
#[derive(FromRow)]
pub struct OpeningRow {
    /// Id of the share.
    pub share_id: Id,
    /// The dataset.
    pub repo_id: Id,
    /// Path of a file or folder; empty for the whole dataset.
    pub path: String,
    /// Right to view or to edit.
    #[sqlx(rename = "level")]
    pub right: ShareRight,
    /// Expiry.
    pub expires_at: Millis,
    /// Expiry of the share, if any.
    pub share_ends_at: Option<Millis>,
    /// True if the share has a download limit.
    pub is_counted: bool,
    /// True if the share includes revisions from before its creation.
    pub history: bool,
    /// Newest revision of the default branch at its creation; empty if there was none, `None` for old shares.
    pub since: Option<String>,
    /// Creation time of the share.
    pub created_at: Millis,
}

/// SQL condition: neither the creator of a link nor the owner of its dataset is suspended or closed. A link is a
/// secret that they may have kept or passed on.
macro_rules! is_confirmed {
    () => {
        "NOT EXISTS (SELECT 1 FROM account a WHERE (a.owner_id = s.creator_id OR a.owner_id = d.owner_id)
                     AND (a.suspended_at IS NOT NULL OR a.closed_at IS NOT NULL))"
    };
}

/// What happened with a link since its creator was notified.
#[derive(Debug, Clone, FromRow)]
pub struct LinkUsesRow {
    /// How many times it was opened; for a file request, how many files arrived.
    pub uses: i64,
    /// When its creator was notified last.
    pub notified_at: Option<Millis>,
}

/// A notification about a link.
#[derive(Debug, Clone)]
pub struct LinkNotification<'a> {
    /// The user.
    pub user: Id,
    /// The dataset.
    pub repo: Id,
    /// Path of the shared item; empty for the whole dataset.
    pub path: &'a str,
    /// Its name, or the title of the file request.
    pub title: &'a str,
    /// What happened.
    pub kind: NotificationEvent,
    /// How many times.
    pub count: i64,
}

impl Tx {
    /// Counts uses of a link of which the creator is notified. `None` for other links.
    pub async fn add_link_uses(&mut self, share: Id, count: i64) -> Result<Option<LinkUsesRow>> {
        let sql = "UPDATE share SET uses = uses + $2
                   WHERE id = $1 AND notify AND link IS NOT NULL AND creator_id IS NOT NULL RETURNING uses, notified_at";
        Ok(query(sql).bind(share).bind(count).fetch_optional(self).await?)
    }

    /// Returns the uses of a link since its creator was notified, if there are any, and begins to count anew.
    pub async fn take_link_uses(&mut self, share: Id, now: Millis) -> Result<Option<i64>> {
        // Locks the row until the transaction ends.
        let sql = "UPDATE share SET notified_at = $2 WHERE id = $1 AND notify AND uses > 0 RETURNING uses";
        let uses: Option<i64> = query_scalar(sql).bind(share).bind(now).fetch_optional(self).await?;
        query("UPDATE share SET uses = 0 WHERE id = $1").bind(share).execute(self).await?;
        Ok(uses)
    }

    /// Adds a notification about a link.
    pub async fn insert_link_notification(&mut self, id: Id, new: &LinkNotification<'_>, now: Millis) -> Result<()> {
        let sql = "INSERT INTO share_notification (id, user_id, repo_id, path, title, kind, count, created_at)
                   VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";
        query(sql)
            .bind(id)
            .bind(new.user)
            .bind(new.repo)
            .bind(new.path)
            .bind(new.title)
            .bind(new.kind.as_str())
            .bind(new.count)
            .bind(now)
            .execute(self)
            .await?;
        Ok(())
    }

    /// Returns the dataset of a share.
    pub async fn dataset_of_share(&mut self, share: Id) -> Result<Option<Id>> {
        Ok(query_scalar("SELECT repo_id FROM share WHERE id = $1").bind(share).fetch_optional(self).await?)
    }

    /// Returns the password hash of a link, if it has one.
    pub async fn share_password(&mut self, id: Id) -> Result<Option<String>> {
        let sql = "SELECT password FROM share WHERE id = $1";
        let found: Option<Option<String>> = query_scalar(sql).bind(id).fetch_optional(self).await?;
        Ok(found.flatten())
    }

    /// Returns the link itself, sealed with the secret of the server, if the share is a link that was stored.
    pub async fn sealed_link(&mut self, id: Id) -> Result<Option<String>> {
        let sql = "SELECT link_sealed FROM share WHERE id = $1";
        let found: Option<Option<String>> = query_scalar(sql).bind(id).fetch_optional(self).await?;
        Ok(found.flatten())
    }

    /// Revokes the links that a user created.
    pub async fn end_links_of(&mut self, user: Id) -> Result<()> {
        let sql = "DELETE FROM share WHERE creator_id = $1 AND link IS NOT NULL";
        query(sql).bind(user).execute(self).await?;
        Ok(())
    }

    /// Returns the link with this hash, expired or not, if its creator and the owner of the dataset are active.
    pub async fn shared_link(&mut self, hash: &str) -> Result<Option<LinkRow>> {
        let sql = concat!(
            "SELECT s.id, s.expires_at, s.password, s.downloads, s.max_downloads, s.last_used_at
             FROM share s JOIN dataset d ON d.id = s.repo_id WHERE s.link = $1 AND ",
            is_confirmed!()
        );
        Ok(query(sql).bind(hash).fetch_optional(self).await?)
    }

    /// Adds a session for a client that opened a link.
    pub async fn insert_opening(&mut self, hash: &str, share: Id, now: Millis, expires_at: Millis) -> Result<()> {
        query("DELETE FROM share_session WHERE expires_at <= $1").bind(now).execute(self).await?;
        let sql = "INSERT INTO share_session (hash, share_id, expires_at) VALUES ($1, $2, $3)";
        query(sql).bind(hash).bind(share).bind(expires_at).execute(self).await?;
        Ok(())
    }

    /// Returns the link session with this token hash, expired or not, under the conditions of
    /// [`Tx::shared_link`].
    pub async fn opening(&mut self, hash: &str) -> Result<Option<OpeningRow>> {
        let sql = concat!(
            "SELECT p.share_id, s.repo_id, s.path, s.level, p.expires_at, s.expires_at AS share_ends_at,
                    s.max_downloads IS NOT NULL AS is_counted, s.history, s.since, s.created_at
             FROM share_session p JOIN share s ON s.id = p.share_id JOIN dataset d ON d.id = s.repo_id
             WHERE p.hash = $1 AND ",
            is_confirmed!()
        );
        Ok(query(sql).bind(hash).fetch_optional(self).await?)
    }

    /// Returns true if a download was already counted in this session.
    pub async fn is_counted(&mut self, opening: &str, subject: &str) -> Result<bool> {
        let sql = "SELECT 1 FROM share_download WHERE session = $1 AND subject = $2";
        let found: Option<i32> = query_scalar(sql).bind(opening).bind(subject).fetch_optional(self).await?;
        Ok(found.is_some())
    }

    /// Counts a download, unless it was already counted in this session. Returns false if it exceeds the limit or
    /// the session is gone; the transaction must not be committed then.
    pub async fn count_download(&mut self, opening: &str, share: Id, subject: &str, now: Millis) -> Result<bool> {
        // Locks the row until the transaction ends, so that concurrent downloads cannot exceed the limit.
        let sql = "UPDATE share SET last_used_at = $2 WHERE id = $1
                   AND EXISTS (SELECT 1 FROM share_session p WHERE p.hash = $3)";
        if query(sql).bind(share).bind(now).bind(opening).execute(self).await? == 0 {
            return Ok(false);
        }
        let sql = "INSERT INTO share_download (session, subject) VALUES ($1, $2) ON CONFLICT DO NOTHING";
        if query(sql).bind(opening).bind(subject).execute(self).await? == 0 {
            return Ok(true);
        }
        let sql = "UPDATE share SET downloads = downloads + 1
                   WHERE id = $1 AND (max_downloads IS NULL OR downloads < max_downloads)";
        Ok(query(sql).bind(share).execute(self).await? > 0)
    }
}
