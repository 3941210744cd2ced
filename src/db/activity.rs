//! What happened in datasets: new versions and releases, and what users did in discussions; and the notifications of
//! versions and releases.

use sqlx_macros::FromRow;

use super::Tx;
use super::query::query;
use crate::error::Result;
use crate::types::{ActivityKind, DiscussionKind, Id, Millis, NotificationEvent};

/// Something that happened in a dataset.
#[derive(Debug, Clone, FromRow)]
pub struct ActivityRow {
    /// Stable id, in order of time.
    pub id: Id,
    /// Owner of the dataset.
    pub owner_name: String,
    /// Name of the dataset.
    pub dataset_name: String,
    /// What happened.
    pub kind: ActivityKind,
    /// Name of the user; `None` without an account.
    pub author_name: Option<String>,
    /// Digest of the user's avatar.
    pub author_avatar: Option<String>,
    /// Name of the author in the revision; empty if it is not known.
    pub signature: String,
    /// Title of the discussion, or first line of the message of the revision; empty if it is not known.
    pub title: String,
    /// Number of the discussion.
    pub number: Option<i64>,
    /// Discussion or proposal.
    pub discussion_kind: Option<DiscussionKind>,
    /// Revision of a version, a release or a merge.
    pub revision: Option<String>,
    /// The version before it.
    pub before: Option<String>,
    /// Name of the tag of a release.
    pub tag: Option<String>,
    /// When it happened.
    pub created_at: Millis,
}

/// A version or release of which no user was notified yet.
#[derive(Debug, Clone, FromRow)]
pub struct NewVersionRow {
    /// Its id.
    pub id: Id,
    /// Version or release.
    pub kind: ActivityKind,
    /// Id of the user who made it.
    pub author_id: Option<Id>,
    /// Name of the user who made it.
    pub author_name: Option<String>,
    /// The revision.
    pub revision: String,
    /// Name of the tag of a release.
    pub tag: Option<String>,
    /// True if users are not notified of it, or in another way.
    pub quiet: bool,
}

/// A version or release to add.
#[derive(Debug, Clone)]
pub struct VersionInsert<'a> {
    /// The dataset.
    pub repo: Id,
    /// Version or release.
    pub kind: ActivityKind,
    /// The user who made it.
    pub author: Option<Id>,
    /// The revision.
    pub revision: &'a str,
    /// The version before it.
    pub before: Option<&'a str>,
    /// Name of the tag of a release.
    pub tag: Option<&'a str>,
    /// True if users are not notified of it, or in another way.
    pub quiet: bool,
}

/// A user to notify of versions and releases.
#[derive(Debug, Clone, FromRow)]
pub struct WatcherRow {
    /// Id of the user.
    pub id: Id,
    /// Name of the user.
    pub name: String,
    /// E-mail address.
    pub email: String,
}

/// A notification of versions or releases to add.
#[derive(Debug, Clone)]
pub struct VersionNotification<'a> {
    /// The user.
    pub user: Id,
    /// The dataset.
    pub repo: Id,
    /// Version or release.
    pub kind: NotificationEvent,
    /// First line of the message of the newest one, or the tag.
    pub title: &'a str,
    /// Name of the user who made it; may be empty.
    pub author: &'a str,
    /// Its revision.
    pub revision: &'a str,
    /// How many there are.
    pub count: i64,
    /// False if it is sent by e-mail only.
    pub shown: bool,
}

macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT a.id, o.name AS owner_name, s.name AS dataset_name, a.kind, u.name AS author_name,
                    v.digest AS author_avatar, a.signature, COALESCE(d.title, a.title) AS title, d.number,
                    d.kind AS discussion_kind, a.revision, a.before, a.tag, a.created_at
             FROM activity a JOIN dataset s ON s.id = a.repo_id JOIN owner o ON o.id = s.owner_id
             LEFT JOIN owner u ON u.id = a.author_id LEFT JOIN avatar v ON v.owner_id = a.author_id
             LEFT JOIN discussion d ON d.id = a.discussion_id LEFT JOIN discussion_event e ON e.id = a.id
             WHERE e.hidden_at IS NULL AND a.id < $2 AND ",
            $rest,
            " ORDER BY a.id DESC LIMIT $3"
        )
    };
}

/// Returns the exclusive maximum of a query: ids are hexadecimal digits, which sort before `g`.
fn below(before: Option<Id>) -> String {
    before.map_or_else(|| "g".to_owned(), |id| id.to_string())
}

impl Tx {
    /// Returns what happened in a dataset, newest first, before an id.
    pub async fn activity(&mut self, repo: Id, before: Option<Id>, limit: i64) -> Result<Vec<ActivityRow>> {
        let sql = select!("a.repo_id = $1");
        Ok(query(sql).bind(repo).bind(below(before)).bind(limit).fetch_all(self).await?)
    }

    /// Returns what happened in the datasets that a user owns, alone or as a member of an organisation, follows or has
    /// starred, newest first, before an id. Whether the user can read them is not checked.
    pub async fn activity_for(&mut self, user: Id, before: Option<Id>, limit: i64) -> Result<Vec<ActivityRow>> {
        let sql = select!(
            "a.repo_id IN (
                 SELECT id FROM dataset WHERE owner_id = $1
                 UNION SELECT w.id FROM member m JOIN dataset w ON w.owner_id = m.organisation_id WHERE m.user_id = $1
                 UNION SELECT repo_id FROM follow WHERE user_id = $1
                 UNION SELECT repo_id FROM star WHERE user_id = $1)"
        );
        Ok(query(sql).bind(user).bind(below(before)).bind(limit).fetch_all(self).await?)
    }

    /// Adds a version or a release.
    pub async fn insert_version(&mut self, id: Id, new: &VersionInsert<'_>, now: Millis) -> Result<()> {
        let sql = "INSERT INTO activity (id, repo_id, kind, author_id, revision, before, tag, title, signature, noted,
                                         quiet, created_at)
                   VALUES ($1, $2, $3, $4, $5, $6, $7, '', '', FALSE, $8, $9)";
        query(sql)
            .bind(id)
            .bind(new.repo)
            .bind(new.kind.as_str())
            .bind(new.author)
            .bind(new.revision)
            .bind(new.before)
            .bind(new.tag)
            .bind(new.quiet)
            .bind(now)
            .execute(self)
            .await?;
        Ok(())
    }

    /// Adds what a user did in a discussion: `id` is that of the event, or of the discussion that was opened.
    pub async fn insert_discussion_activity(
        &mut self,
        id: Id,
        discussion: Id,
        kind: ActivityKind,
        author: Option<Id>,
        revision: Option<&str>,
        now: Millis,
    ) -> Result<()> {
        let sql =
            "INSERT INTO activity (id, repo_id, kind, author_id, discussion_id, revision, title, signature, noted,
                                         quiet, created_at)
                   VALUES ($1, (SELECT repo_id FROM discussion WHERE id = $2), $3, $4, $2, $5, '', '', TRUE, TRUE, $6)";
        query(sql)
            .bind(id)
            .bind(discussion)
            .bind(kind.as_str())
            .bind(author)
            .bind(revision)
            .bind(now)
            .execute(self)
            .await?;
        Ok(())
    }

    /// Returns the oldest versions and releases of a dataset of which no user was notified yet.
    pub async fn new_versions(&mut self, repo: Id, limit: i64) -> Result<Vec<NewVersionRow>> {
        let sql = "SELECT a.id, a.kind, a.author_id, u.name AS author_name, a.revision, a.tag, a.quiet
                   FROM activity a LEFT JOIN owner u ON u.id = a.author_id
                   WHERE a.repo_id = $1 AND NOT a.noted AND a.revision IS NOT NULL ORDER BY a.id LIMIT $2";
        Ok(query(sql).bind(repo).bind(limit).fetch_all(self).await?)
    }

    /// Records what a revision says, and that users are notified of it. Returns false if that was done before.
    pub async fn note_version(&mut self, id: Id, title: &str, signature: &str) -> Result<bool> {
        let sql = "UPDATE activity SET title = $2, signature = $3, noted = TRUE WHERE id = $1 AND NOT noted";
        Ok(query(sql).bind(id).bind(title).bind(signature).execute(self).await? > 0)
    }

    /// Deletes all but the newest entries of a dataset.
    pub async fn trim_activity(&mut self, repo: Id, kept: i64) -> Result<()> {
        let sql = "DELETE FROM activity WHERE repo_id = $1 AND noted AND id <= (
                       SELECT id FROM activity WHERE repo_id = $1 ORDER BY id DESC LIMIT 1 OFFSET $2)";
        query(sql).bind(repo).bind(kept).execute(self).await?;
        Ok(())
    }

    /// Deletes what happened before a time.
    pub async fn delete_old_activity(&mut self, before: Millis) -> Result<()> {
        query("DELETE FROM activity WHERE created_at < $1").bind(before).execute(self).await?;
        Ok(())
    }

    /// Returns the users to notify of versions and releases: the owners of the dataset and its followers, without suspended
    /// and closed accounts. Whether they can read the dataset is not checked.
    pub async fn watchers(&mut self, repo: Id, limit: i64) -> Result<Vec<WatcherRow>> {
        let sql = "SELECT o.id, o.name, a.email FROM (
                       SELECT d.owner_id AS user_id FROM dataset d WHERE d.id = $1
                       UNION SELECT m.user_id FROM dataset d JOIN member m ON m.organisation_id = d.owner_id
                                                                         AND m.role = 'owner' WHERE d.id = $1
                       UNION SELECT f.user_id FROM follow f WHERE f.repo_id = $1
                   ) r JOIN owner o ON o.id = r.user_id JOIN account a ON a.owner_id = o.id
                   WHERE a.suspended_at IS NULL AND a.closed_at IS NULL ORDER BY o.id LIMIT $2";
        Ok(query(sql).bind(repo).bind(limit).fetch_all(self).await?)
    }

    /// Adds a notification of versions or releases. If the user has one of the dataset that is not read, it counts on; one that
    /// is read is replaced. Returns the count, and when the last e-mail about it was sent.
    pub async fn put_version_notification(
        &mut self,
        id: Id,
        new: &VersionNotification<'_>,
        now: Millis,
    ) -> Result<(i64, Option<Millis>)> {
        let sql = "INSERT INTO version_notification (id, user_id, repo_id, kind, title, author, revision, count, shown,
                                                     created_at)
                   VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
                   ON CONFLICT (user_id, repo_id, kind) DO UPDATE
                   SET id = excluded.id, title = excluded.title, author = excluded.author,
                       revision = excluded.revision, shown = excluded.shown, created_at = excluded.created_at,
                       count = CASE WHEN version_notification.read_at IS NULL THEN version_notification.count ELSE 0 END
                               + excluded.count,
                       read_at = NULL
                   RETURNING count, mailed_at";
        Ok(query(sql)
            .bind(id)
            .bind(new.user)
            .bind(new.repo)
            .bind(new.kind.as_str())
            .bind(new.title)
            .bind(new.author)
            .bind(new.revision)
            .bind(new.count)
            .bind(new.shown)
            .bind(now)
            .fetch_one(self)
            .await?)
    }

    /// Records that an e-mail about a notification of versions or releases was sent.
    pub async fn set_version_mailed(&mut self, id: Id, now: Millis) -> Result<()> {
        query("UPDATE version_notification SET mailed_at = $2 WHERE id = $1").bind(id).bind(now).execute(self).await?;
        Ok(())
    }
}
