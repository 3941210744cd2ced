//! Notifications of users, and the datasets that they follow.

use sqlx_macros::FromRow;

use super::discussions::{DiscussionEventRow, DiscussionRow};
use super::query::{query, query_scalar};
use super::{Tx, listed};
use crate::error::Result;
use crate::types::{DiscussionEventKind, Id, Millis, NotificationEvent, NotificationReason};

/// A user to notify.
#[derive(Debug, Clone, FromRow)]
pub struct ReceiverRow {
    /// Id of the user.
    pub id: Id,
    /// Name of the user.
    pub name: String,
    /// E-mail address.
    pub email: String,
    /// The strongest reason: 1 for a mention, 2 for a participant, 3 for an owner, 4 for a follower.
    pub priority: i64,
}

/// What a user is notified of for one reason.
#[derive(Debug, Clone, Copy, FromRow)]
pub struct SettingRow {
    /// The reason.
    pub reason: NotificationReason,
    /// True to list the notification.
    pub shown: bool,
    /// True to send an e-mail.
    pub email: bool,
}

/// A notification, with the discussion, the share link, or the versions or releases that it is about.
#[derive(Debug, Clone, FromRow)]
pub struct NotificationRow {
    /// Stable id.
    pub id: Id,
    /// Owner of the dataset.
    pub owner_name: String,
    /// Name of the dataset.
    pub dataset_name: String,
    /// Number of the discussion.
    pub number: Option<i64>,
    /// Title of the discussion or of the file request, name of the shared item, first line of the message of the newest
    /// version, or tag of the newest release.
    pub title: String,
    /// Why the user gets it.
    pub reason: NotificationReason,
    /// Name of the user who caused it; empty for the use of a link, and if it is not known.
    pub author: String,
    /// What happened.
    pub kind: NotificationEvent,
    /// Path of the shared item; empty for the whole dataset.
    pub path: Option<String>,
    /// How many times a link was opened, how many files arrived, or how many versions or releases there are.
    pub count: Option<i64>,
    /// The newest version, or the revision of the newest release.
    pub revision: Option<String>,
    /// When it happened.
    pub created_at: Millis,
    /// When it was marked as read.
    pub read_at: Option<Millis>,
}

/// A notification to add.
#[derive(Debug, Clone)]
pub struct NotificationInsert<'a> {
    /// The user.
    pub user: Id,
    /// The discussion.
    pub discussion: Id,
    /// Id of the event, or of the discussion if it was opened.
    pub subject: Id,
    /// Why.
    pub reason: NotificationReason,
    /// Name of the user who caused it.
    pub author: &'a str,
    /// What happened.
    pub kind: DiscussionEventKind,
    /// False if it is sent by e-mail only.
    pub shown: bool,
}

impl Tx {
    /// Sets whether a user follows a dataset.
    pub async fn set_following(&mut self, user: Id, repo: Id, follows: bool, now: Millis) -> Result<()> {
        if follows {
            let sql = "INSERT INTO follow (user_id, repo_id, created_at) VALUES ($1, $2, $3)
                       ON CONFLICT (user_id, repo_id) DO NOTHING";
            query(sql).bind(user).bind(repo).bind(now).execute(self).await?;
        } else {
            query("DELETE FROM follow WHERE user_id = $1 AND repo_id = $2").bind(user).bind(repo).execute(self).await?;
        }
        Ok(())
    }

    /// Returns true if a user follows a dataset.
    pub async fn is_following(&mut self, user: Id, repo: Id) -> Result<bool> {
        let sql = "SELECT COUNT(*) FROM follow WHERE user_id = $1 AND repo_id = $2";
        let count: i64 = query_scalar(sql).bind(user).bind(repo).fetch_one(self).await?;
        Ok(count > 0)
    }

    /// Returns a discussion and its dataset, by the id of the discussion.
    pub async fn discussion_of_any(&mut self, id: Id) -> Result<Option<(DiscussionRow, Id)>> {
        let sql = "SELECT repo_id, number FROM discussion WHERE id = $1";
        let found: Option<(Id, i64)> = query(sql).bind(id).fetch_optional(self).await?;
        let Some((repo, number)) = found else { return Ok(None) };
        Ok(self.discussion(repo, number).await?.map(|row| (row, repo)))
    }

    /// Returns an event and the id of its discussion.
    pub async fn event_of_any(&mut self, id: Id) -> Result<Option<(DiscussionEventRow, Id)>> {
        let sql = "SELECT discussion_id FROM discussion_event WHERE id = $1";
        let found: Option<Id> = query_scalar(sql).bind(id).fetch_optional(self).await?;
        let Some(discussion) = found else { return Ok(None) };
        Ok(self.discussion_event(discussion, id).await?.map(|row| (row, discussion)))
    }

    /// Returns the users to notify of an event in a discussion: those mentioned, its participants, the owners of the dataset
    /// and its followers, without `except` and without suspended and closed accounts. Whether they can read the dataset is
    /// not checked.
    pub async fn receivers(
        &mut self,
        repo: Id,
        discussion: Id,
        mentioned: &[String],
        except: Option<Id>,
        limit: i64,
    ) -> Result<Vec<ReceiverRow>> {
        let sql = listed!(
            self,
            "SELECT o.id, o.name, a.email, CAST(MIN(r.priority) AS BIGINT) AS priority FROM (
                SELECT d.owner_id AS user_id, 3 AS priority FROM dataset d WHERE d.id = $1
                UNION ALL SELECT m.user_id, 3 FROM dataset d JOIN member m ON m.organisation_id = d.owner_id
                                                                          AND m.role = 'owner' WHERE d.id = $1
                UNION ALL SELECT f.user_id, 4 FROM follow f WHERE f.repo_id = $1
                UNION ALL SELECT e.author_id, 2 FROM discussion_event e WHERE e.discussion_id = $2
                UNION ALL SELECT c.author_id, 2 FROM discussion c WHERE c.id = $2
                UNION ALL SELECT n.id, 1 FROM owner n WHERE n.name",
            "$3",
            ") r JOIN owner o ON o.id = r.user_id JOIN account a ON a.owner_id = o.id
             WHERE a.suspended_at IS NULL AND a.closed_at IS NULL AND o.id <> $4
             GROUP BY o.id, o.name, a.email ORDER BY MIN(r.priority), o.id LIMIT $5"
        );
        let except = except.map(|id| id.to_string()).unwrap_or_default();
        Ok(query(sql).bind(repo).bind(discussion).bind(mentioned).bind(except).bind(limit).fetch_all(self).await?)
    }

    /// Returns the settings of a user that differ from the default.
    pub async fn notification_settings(&mut self, user: Id) -> Result<Vec<SettingRow>> {
        let sql = "SELECT reason, shown, email FROM notification_setting WHERE user_id = $1";
        Ok(query(sql).bind(user).fetch_all(self).await?)
    }

    /// Sets what a user is notified of for one reason.
    pub async fn set_notification_setting(&mut self, user: Id, setting: SettingRow) -> Result<()> {
        let sql = "INSERT INTO notification_setting (user_id, reason, shown, email) VALUES ($1, $2, $3, $4)
                   ON CONFLICT (user_id, reason) DO UPDATE SET shown = EXCLUDED.shown, email = EXCLUDED.email";
        let SettingRow { reason, shown, email } = setting;
        query(sql).bind(user).bind(reason.as_str()).bind(shown).bind(email).execute(self).await?;
        Ok(())
    }

    /// Adds a notification; returns false if the user was notified of the same event before.
    pub async fn insert_notification(&mut self, id: Id, new: &NotificationInsert<'_>, now: Millis) -> Result<bool> {
        let sql =
            "INSERT INTO notification (id, user_id, discussion_id, subject, reason, author, kind, shown, created_at)
                   VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT (user_id, subject) DO NOTHING";
        let inserted = query(sql)
            .bind(id)
            .bind(new.user)
            .bind(new.discussion)
            .bind(new.subject)
            .bind(new.reason.as_str())
            .bind(new.author)
            .bind(new.kind.as_str())
            .bind(new.shown)
            .bind(now)
            .execute(self)
            .await?;
        Ok(inserted > 0)
    }

    /// Returns the notifications of a user, newest first, before the cursor (an id; empty for the newest).
    pub async fn notifications(
        &mut self,
        user: Id,
        unread: bool,
        before: &str,
        limit: i64,
    ) -> Result<Vec<NotificationRow>> {
        let sql = "SELECT * FROM (
                       SELECT n.id, o.name AS owner_name, s.name AS dataset_name, d.number, d.title, n.reason,
                              n.author, n.kind, CAST(NULL AS TEXT) AS path, CAST(NULL AS BIGINT) AS count,
                              CAST(NULL AS TEXT) AS revision, n.created_at, n.read_at
                       FROM notification n JOIN discussion d ON d.id = n.discussion_id
                       JOIN dataset s ON s.id = d.repo_id JOIN owner o ON o.id = s.owner_id
                       WHERE n.user_id = $1 AND n.shown AND (NOT $2 OR n.read_at IS NULL) AND ($3 = '' OR n.id < $3)
                       ORDER BY n.id DESC LIMIT $4) AS discussions
                   UNION ALL SELECT * FROM (
                       SELECT n.id, o.name AS owner_name, s.name AS dataset_name, CAST(NULL AS BIGINT) AS number, n.title,
                              'link' AS reason, '' AS author, n.kind, n.path, n.count,
                              CAST(NULL AS TEXT) AS revision, n.created_at, n.read_at
                       FROM share_notification n JOIN dataset s ON s.id = n.repo_id JOIN owner o ON o.id = s.owner_id
                       WHERE n.user_id = $1 AND (NOT $2 OR n.read_at IS NULL) AND ($3 = '' OR n.id < $3)
                       ORDER BY n.id DESC LIMIT $4) AS links
                   UNION ALL SELECT * FROM (
                       SELECT n.id, o.name AS owner_name, s.name AS dataset_name, CAST(NULL AS BIGINT) AS number, n.title,
                              'versions' AS reason, n.author, n.kind, CAST(NULL AS TEXT) AS path, n.count,
                              n.revision, n.created_at, n.read_at
                       FROM version_notification n JOIN dataset s ON s.id = n.repo_id JOIN owner o ON o.id = s.owner_id
                       WHERE n.user_id = $1 AND n.shown AND (NOT $2 OR n.read_at IS NULL) AND ($3 = '' OR n.id < $3)
                       ORDER BY n.id DESC LIMIT $4) AS versions
                   ORDER BY id DESC LIMIT $4";
        Ok(query(sql).bind(user).bind(unread).bind(before).bind(limit).fetch_all(self).await?)
    }

    /// Marks notifications of a user as read: those with these ids, or all.
    pub async fn read_notifications(&mut self, user: Id, ids: Option<&[String]>, now: Millis) -> Result<()> {
        let Some(ids) = ids else {
            for sql in [
                "UPDATE notification SET read_at = $2 WHERE user_id = $1 AND read_at IS NULL",
                "UPDATE share_notification SET read_at = $2 WHERE user_id = $1 AND read_at IS NULL",
                "UPDATE version_notification SET read_at = $2 WHERE user_id = $1 AND read_at IS NULL",
            ] {
                query(sql).bind(user).bind(now).execute(self).await?;
            }
            return Ok(());
        };
        let sqls = [
            listed!(
                self,
                "UPDATE notification SET read_at = $2 WHERE user_id = $1 AND read_at IS NULL AND id",
                "$3",
                ""
            ),
            listed!(
                self,
                "UPDATE share_notification SET read_at = $2 WHERE user_id = $1 AND read_at IS NULL AND id",
                "$3",
                ""
            ),
            listed!(
                self,
                "UPDATE version_notification SET read_at = $2 WHERE user_id = $1 AND read_at IS NULL AND id",
                "$3",
                ""
            ),
        ];
        for sql in sqls {
            query(sql).bind(user).bind(now).bind(ids).execute(self).await?;
        }
        Ok(())
    }

    /// Deletes notifications from before a time.
    pub async fn delete_old_notifications(&mut self, before: Millis) -> Result<u64> {
        let mut deleted = 0;
        for sql in [
            "DELETE FROM notification WHERE created_at < $1",
            "DELETE FROM share_notification WHERE created_at < $1",
            "DELETE FROM version_notification WHERE created_at < $1",
        ] {
            deleted += query(sql).bind(before).execute(self).await?;
        }
        Ok(deleted)
    }
}
