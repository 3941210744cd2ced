//! Shares of files, folders and datasets.

use sqlx_macros::FromRow;

use super::query::{query, query_scalar};
use super::{Tx, signed, taken};
use crate::error::Result;
use crate::types::{Email, Id, Millis, OwnerName, ShareKind, ShareRight};

/// The right that a share grants.
#[derive(Debug, Clone, FromRow)]
pub struct SharedRow {
    /// Stable id.
    pub id: Id,
    /// Path of a file or folder; empty for the whole dataset.
    pub path: String,
    /// Right to view or to edit.
    #[sqlx(rename = "level")]
    pub right: ShareRight,
    /// The only app that can use the share, if it is limited to one.
    pub app: Option<String>,
    /// Expiry, if any.
    pub expires_at: Option<Millis>,
    /// Last use, to the hour.
    pub last_used_at: Option<Millis>,
}

/// A share, as shown to its creator and its recipients.
#[derive(Debug, Clone, FromRow)]
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own about the share")]
pub struct ShareRow {
    /// Stable id.
    pub id: Id,
    /// Name of the owner of the dataset.
    pub owner_name: String,
    /// Name of the dataset.
    pub dataset_name: String,
    /// Path of a file or folder; empty for the whole dataset.
    pub path: String,
    /// Kind of the shared item, as of its creation.
    pub kind: ShareKind,
    /// Name of the user that it is shared with.
    pub user_name: Option<String>,
    /// Organisation of the group that it is shared with.
    pub organisation_name: Option<String>,
    /// Name of the group.
    pub group_name: Option<String>,
    /// E-mail address that it is shared with.
    pub email: Option<String>,
    /// True if it is a link.
    pub is_link: bool,
    /// Right to view or to edit.
    #[sqlx(rename = "level")]
    pub right: ShareRight,
    /// The only app that can use the share, if it is limited to one.
    pub app: Option<String>,
    /// Expiry, if any.
    pub expires_at: Option<Millis>,
    /// True if the link has a password.
    pub has_password: bool,
    /// Number of downloads through the link.
    pub downloads: i64,
    /// Download limit, if any.
    pub max_downloads: Option<i64>,
    /// Creation time.
    pub created_at: Millis,
    /// Name of the creator.
    pub creator: String,
    /// Last use, to the hour.
    pub last_used_at: Option<Millis>,
    /// True if a link includes revisions from before its creation.
    pub history: bool,
    /// Id of the user who created it, if it was a user.
    pub creator_id: Option<String>,
    /// True if the creator is notified when the link is used.
    pub notify: bool,
    /// Title of a file request; `None` for other shares, as are the next five.
    pub request_title: Option<String>,
    /// Message of a file request.
    pub request_message: Option<String>,
    /// Maximum of bytes that a file request receives.
    pub max_bytes: Option<i64>,
    /// Maximum number of files that a file request receives.
    pub max_files: Option<i64>,
    /// Bytes that a file request has received.
    pub received_bytes: Option<i64>,
    /// Number of files that a file request has received.
    pub received_files: Option<i64>,
}

/// The grantee of a share, as stored in a row.
#[derive(Debug, Clone)]
pub enum GranteeId {
    /// A user.
    User(Id),
    /// A group of an organisation.
    Group(Id),
    /// The account with this e-mail address.
    Email(Email),
    /// Anyone with the link.
    Link(NewLink),
}

/// The stored values of a new link.
#[derive(Debug, Clone)]
pub struct NewLink {
    /// Hash of the link.
    pub hash: String,
    /// The link, sealed with the secret of the server.
    pub sealed: String,
    /// Newest revision of the default branch, or the empty string.
    pub since: String,
}

/// The settings of a share, apart from item and grantee.
#[derive(Debug, Clone)]
pub struct ShareTerms {
    /// Right to view or to edit.
    pub right: ShareRight,
    /// Expiry, if any.
    pub expires_at: Option<Millis>,
    /// Password hash of a link.
    pub password: Option<String>,
    /// Download limit of a link.
    pub max_downloads: Option<u64>,
    /// The only app that can use the share, if it is limited to one.
    pub app: Option<String>,
    /// True if a link includes revisions from before its creation.
    pub history: bool,
    /// True if the creator is notified when the link is used.
    pub notify: bool,
}

/// A new share.
#[derive(Debug, Clone)]
pub struct ShareInsert<'a> {
    /// Id of the share.
    pub id: Id,
    /// The dataset.
    pub repo: Id,
    /// Path of a file or folder; empty for the whole dataset.
    pub path: &'a str,
    /// Kind of the shared item.
    pub kind: ShareKind,
    /// The grantee.
    pub with: &'a GranteeId,
    /// The settings.
    pub terms: &'a ShareTerms,
    /// Id of the user who created it, if it was a user.
    pub creator_id: Option<Id>,
    /// Name of the creator.
    pub creator: &'a str,
}

/// SQL condition: a share is with a user, by name, by a group of an organisation that the user is a member of, or
/// by the e-mail address of the account, which was verified before it was set.
macro_rules! is_with {
    ($user:literal) => {
        concat!(
            "(s.user_id = ",
            $user,
            " OR s.email = (SELECT a.email FROM account a WHERE a.owner_id = ",
            $user,
            ") OR s.group_id IN (SELECT tm.group_id FROM group_member tm JOIN member_group t ON t.id = tm.group_id
                                JOIN member m ON m.organisation_id = t.organisation_id AND m.user_id = tm.user_id
                                WHERE tm.user_id = ",
            $user,
            "))"
        )
    };
}

macro_rules! select {
    ($rest:expr) => {
        concat!(
            "SELECT s.id, o.name AS owner_name, d.name AS dataset_name, s.path, s.kind, u.name AS user_name,
                    g.name AS organisation_name, t.name AS group_name, s.email, s.link IS NOT NULL AS is_link,
                    s.level, s.app, s.expires_at, s.password IS NOT NULL AS has_password, s.downloads,
                    s.max_downloads, s.created_at, s.creator, s.last_used_at, s.history, s.creator_id,
                    s.notify, r.title AS request_title, r.message AS request_message, r.max_bytes, r.max_files,
                    r.bytes AS received_bytes, r.files AS received_files
             FROM share s LEFT JOIN file_request r ON r.share_id = s.id JOIN dataset d ON d.id = s.repo_id JOIN owner o ON o.id = d.owner_id
             LEFT JOIN owner u ON u.id = s.user_id LEFT JOIN member_group t ON t.id = s.group_id
             LEFT JOIN owner g ON g.id = t.organisation_id ",
            $rest
        )
    };
}

impl Tx {
    /// Returns the shares of a dataset and its paths that are with a user.
    pub async fn shares_with(&mut self, repo: Id, user: Id) -> Result<Vec<SharedRow>> {
        let sql = concat!(
            "SELECT s.id, s.path, s.level, s.app, s.expires_at, s.last_used_at FROM share s
             WHERE s.repo_id = $1 AND ",
            is_with!("$2")
        );
        Ok(query(sql).bind(repo).bind(user).fetch_all(self).await?)
    }

    /// Returns the datasets that are shared with a user as a whole, by shares that are valid now and usable by
    /// this app, if there is one.
    pub async fn datasets_shared_with(&mut self, user: Id, now: Millis, app: Option<&str>) -> Result<Vec<Id>> {
        let sql = concat!(
            "SELECT DISTINCT s.repo_id FROM share s WHERE s.path = '' AND (s.expires_at IS NULL OR s.expires_at > $2)
             AND (s.app IS NULL OR s.app = $3) AND ",
            is_with!("$1")
        );
        Ok(query_scalar(sql).bind(user).bind(now).bind(app).fetch_all(self).await?)
    }

    /// Adds a share. Conflict if the same share was added in the meantime.
    pub async fn insert_share(&mut self, insert: &ShareInsert<'_>, now: Millis) -> Result<()> {
        let sql = "INSERT INTO share (id, repo_id, path, kind, user_id, group_id, email, link, level, app, expires_at,
                                      password, downloads, max_downloads, created_at, creator_id, creator, history,
                                      link_sealed, since, notify)
                   VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, 0, $13, $14, $15, $16, $17, $18, $19,
                           $20)";
        let (mut user, mut group, mut email, mut link) = (None, None, None, None);
        match insert.with {
            GranteeId::User(id) => user = Some(id.to_string()),
            GranteeId::Group(id) => group = Some(id.to_string()),
            GranteeId::Email(address) => email = Some(address.as_str()),
            GranteeId::Link(new) => link = Some(new),
        }
        let terms = insert.terms;
        query(sql)
            .bind(insert.id)
            .bind(insert.repo)
            .bind(insert.path)
            .bind(insert.kind.as_str())
            .bind(user.as_deref())
            .bind(group.as_deref())
            .bind(email)
            .bind(link.map(|link| link.hash.as_str()))
            .bind(terms.right.as_str())
            .bind(terms.app.as_deref())
            .bind(terms.expires_at)
            .bind(terms.password.as_deref())
            .bind(terms.max_downloads.map(signed))
            .bind(now)
            .bind(insert.creator_id.map(|id| id.to_string()))
            .bind(insert.creator)
            .bind(terms.history)
            .bind(link.map(|link| link.sealed.as_str()))
            .bind(link.map(|link| link.since.as_str()))
            .bind(terms.notify)
            .execute(self)
            .await
            .map_err(|error| taken(error, || "the same share was created concurrently; try again".to_owned()))?;
        Ok(())
    }

    /// Returns the share of the same item with the same grantee, if there is one; every link is a separate share.
    pub async fn same_share(&mut self, repo: Id, path: &str, with: &GranteeId) -> Result<Option<Id>> {
        let (sql, grantee) = match with {
            GranteeId::User(id) => {
                ("SELECT id FROM share WHERE repo_id = $1 AND path = $2 AND user_id = $3", id.to_string())
            }
            GranteeId::Group(id) => {
                ("SELECT id FROM share WHERE repo_id = $1 AND path = $2 AND group_id = $3", id.to_string())
            }
            GranteeId::Email(email) => {
                ("SELECT id FROM share WHERE repo_id = $1 AND path = $2 AND email = $3", email.to_string())
            }
            GranteeId::Link(_) => return Ok(None),
        };
        Ok(query_scalar(sql).bind(repo).bind(path).bind(&grantee).fetch_optional(self).await?)
    }

    /// Replaces the settings of a share, and ends its link sessions.
    pub async fn update_share(&mut self, id: Id, terms: &ShareTerms) -> Result<()> {
        let sql = "UPDATE share SET level = $2, app = $3, expires_at = $4, password = $5, max_downloads = $6,
                                    history = $7, notify = $8
                   WHERE id = $1";
        query(sql)
            .bind(id)
            .bind(terms.right.as_str())
            .bind(terms.app.as_deref())
            .bind(terms.expires_at)
            .bind(terms.password.as_deref())
            .bind(terms.max_downloads.map(signed))
            .bind(terms.history)
            .bind(terms.notify)
            .execute(self)
            .await?;
        query("DELETE FROM share_session WHERE share_id = $1").bind(id).execute(self).await?;
        Ok(())
    }

    /// Returns a share of this dataset.
    pub async fn share(&mut self, repo: Id, id: Id) -> Result<Option<ShareRow>> {
        let sql = select!("WHERE s.repo_id = $1 AND s.id = $2");
        Ok(query(sql).bind(repo).bind(id).fetch_optional(self).await?)
    }

    /// Returns the link with this id.
    pub async fn share_of_link(&mut self, id: Id) -> Result<Option<ShareRow>> {
        let sql = select!("WHERE s.id = $1 AND s.link IS NOT NULL");
        Ok(query(sql).bind(id).fetch_optional(self).await?)
    }

    /// Returns shares of a dataset and its paths, newest first, before this one.
    pub async fn shares_of(&mut self, repo: Id, before: &str, limit: i64) -> Result<Vec<ShareRow>> {
        let sql = select!("WHERE s.repo_id = $1 AND s.id < $2 ORDER BY s.id DESC LIMIT $3");
        Ok(query(sql).bind(repo).bind(before).bind(limit).fetch_all(self).await?)
    }

    /// Returns valid shares with a user, newest first, before this one.
    pub async fn shares_received(&mut self, user: Id, now: Millis, before: &str, limit: i64) -> Result<Vec<ShareRow>> {
        let sql = select!(concat!(
            "WHERE ",
            is_with!("$1"),
            " AND (s.expires_at IS NULL OR s.expires_at > $2) AND s.id < $3 ORDER BY s.id DESC LIMIT $4"
        ));
        Ok(query(sql).bind(user).bind(now).bind(before).bind(limit).fetch_all(self).await?)
    }

    /// Returns valid shares with a user that others created after the user last looked, newest first.
    pub async fn shares_unseen(&mut self, user: Id, now: Millis, limit: i64) -> Result<Vec<ShareRow>> {
        let sql = select!(concat!(
            "WHERE ",
            is_with!("$1"),
            " AND (s.expires_at IS NULL OR s.expires_at > $2)
              AND (s.creator_id IS NULL OR s.creator_id <> $1)
              AND s.created_at > (SELECT COALESCE(a.shares_seen_at, 0) FROM account a WHERE a.owner_id = $1)
              ORDER BY s.id DESC LIMIT $3"
        ));
        Ok(query(sql).bind(user).bind(now).bind(limit).fetch_all(self).await?)
    }

    /// Returns when a user last viewed the received shares.
    pub async fn shares_seen_at(&mut self, user: Id) -> Result<Option<Millis>> {
        let sql = "SELECT shares_seen_at FROM account WHERE owner_id = $1";
        let found: Option<Option<Millis>> = query_scalar(sql).bind(user).fetch_optional(self).await?;
        Ok(found.flatten())
    }

    /// Records that a user viewed the received shares.
    pub async fn set_shares_seen(&mut self, user: Id, now: Millis) -> Result<()> {
        let sql = "UPDATE account SET shares_seen_at = $2 WHERE owner_id = $1";
        query(sql).bind(user).bind(now).execute(self).await?;
        Ok(())
    }

    /// Returns shares that a user created, newest first, before this one.
    pub async fn shares_given(&mut self, user: Id, before: &str, limit: i64) -> Result<Vec<ShareRow>> {
        let sql = select!("WHERE s.creator_id = $1 AND s.id < $2 ORDER BY s.id DESC LIMIT $3");
        Ok(query(sql).bind(user).bind(before).bind(limit).fetch_all(self).await?)
    }

    /// Deletes a share of this dataset and its link sessions; returns false if it does not exist.
    pub async fn delete_share(&mut self, repo: Id, id: Id) -> Result<bool> {
        let sql = "DELETE FROM share WHERE repo_id = $1 AND id = $2";
        Ok(query(sql).bind(repo).bind(id).execute(self).await? > 0)
    }

    /// Moves the shares of a path, and of everything below it, to another path; also what users gave to applications.
    pub async fn move_shares(&mut self, repo: Id, from: &str, to: &str) -> Result<()> {
        // Existing shares of the new path are removed, since the file there is replaced too.
        self.end_shares(repo, to).await?;
        let below = format!("{from}/");
        let length = i32::try_from(below.chars().count()).unwrap_or(i32::MAX);
        for sql in [
            "UPDATE share SET path = $2 || substr(path, $3)
             WHERE repo_id = $1 AND (path = $4 OR substr(path, 1, $3) = $5)",
            "UPDATE consent_path SET path = $2 || substr(path, $3)
             WHERE repo_id = $1 AND (path = $4 OR substr(path, 1, $3) = $5)",
        ] {
            query(sql).bind(repo).bind(to).bind(length).bind(from).bind(&below).execute(self).await?;
        }
        Ok(())
    }

    /// Ends the shares of a file or folder and of everything in it; also what users gave to applications.
    pub async fn end_shares(&mut self, repo: Id, path: &str) -> Result<()> {
        let below = format!("{path}/");
        let length = i32::try_from(below.chars().count()).unwrap_or(i32::MAX);
        for sql in [
            "DELETE FROM share WHERE repo_id = $1 AND (path = $2 OR substr(path, 1, $3) = $4)",
            "DELETE FROM consent_path WHERE repo_id = $1 AND (path = $2 OR substr(path, 1, $3) = $4)",
        ] {
            query(sql).bind(repo).bind(path).bind(length).bind(&below).execute(self).await?;
        }
        Ok(())
    }

    /// Returns the paths of a dataset that have shares, valid or not, or that users gave to applications.
    pub async fn all_shared_paths(&mut self, repo: Id) -> Result<Vec<String>> {
        let sql = "SELECT path FROM share WHERE repo_id = $1 UNION SELECT path FROM consent_path WHERE repo_id = $1";
        Ok(query_scalar(sql).bind(repo).fetch_all(self).await?)
    }

    /// Returns the paths of a dataset that have valid shares.
    pub async fn shared_paths(&mut self, repo: Id, now: Millis) -> Result<Vec<String>> {
        let sql = "SELECT DISTINCT path FROM share WHERE repo_id = $1 AND (expires_at IS NULL OR expires_at > $2)";
        Ok(query_scalar(sql).bind(repo).bind(now).fetch_all(self).await?)
    }

    /// Updates the time a share was last used.
    pub async fn touch_share(&mut self, id: Id, now: Millis) -> Result<()> {
        let sql = "UPDATE share SET last_used_at = $2 WHERE id = $1";
        query(sql).bind(id).bind(now).execute(self).await?;
        Ok(())
    }

    /// Returns the group with this name in an organisation.
    pub async fn group_named(&mut self, organisation: &OwnerName, name: &str) -> Result<Option<(Id, Id)>> {
        let sql = "SELECT t.id, t.organisation_id FROM member_group t JOIN owner o ON o.id = t.organisation_id
                   WHERE o.name = $1 AND t.name = $2";
        Ok(query(sql).bind(organisation.as_str()).bind(name).fetch_optional(self).await?)
    }

    /// Returns the e-mail addresses of a group's members who are not suspended, except one.
    pub async fn group_addresses(&mut self, group: Id, but: Option<Id>) -> Result<Vec<String>> {
        let sql = "SELECT a.email FROM group_member tm JOIN member_group t ON t.id = tm.group_id
                   JOIN member m ON m.organisation_id = t.organisation_id AND m.user_id = tm.user_id
                   JOIN account a ON a.owner_id = tm.user_id
                   WHERE tm.group_id = $1 AND tm.user_id <> $2 AND a.suspended_at IS NULL ORDER BY a.email";
        let but = but.map(|user| user.to_string()).unwrap_or_default();
        Ok(query_scalar(sql).bind(group).bind(&but).fetch_all(self).await?)
    }

    /// Counts the actions of an actor since the given time.
    pub async fn count_audit(&mut self, actor: &str, action: &str, since: Millis) -> Result<i64> {
        let sql = "SELECT COUNT(*) FROM audit WHERE at > $3 AND actor = $1 AND action = $2";
        Ok(query_scalar(sql).bind(actor).bind(action).bind(since).fetch_one(self).await?)
    }
}
