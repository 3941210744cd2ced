//! Queries of the site administration.

use sqlx_macros::FromRow;

use super::Tx;
use super::query::{query, query_scalar};
use crate::error::Result;
use crate::types::{Id, Millis, OwnerKind};

/// A user with usage statistics.
#[derive(Debug, Clone, FromRow)]
pub struct KnownUserRow {
    /// Name of the user.
    pub name: String,
    /// Lower-cased e-mail address.
    pub email: String,
    /// Display name; may be empty.
    pub display_name: String,
    /// True for site administrators.
    pub admin: bool,
    /// When the user was suspended.
    pub suspended_at: Option<Millis>,
    /// When two-factor authentication was turned on.
    pub second_factor_at: Option<Millis>,
    /// Creation time of the account.
    pub created_at: Millis,
    /// Last use of any token of the user, to the minute.
    pub token_used_at: Option<Millis>,
    /// Last use of any session of the user, to the minute.
    pub session_used_at: Option<Millis>,
    /// Total size in bytes of the user's datasets.
    pub bytes: i64,
    /// Number of datasets that the user owns.
    pub datasets: i64,
}

/// Totals of the site.
#[derive(Debug, Clone, FromRow)]
pub struct TotalsRow {
    /// Number of users.
    pub users: i64,
    /// Number of organisations.
    pub organisations: i64,
    /// Number of datasets.
    pub datasets: i64,
    /// Number of objects; an object counts for every dataset that has it.
    pub objects: i64,
    /// Their total size in bytes.
    pub bytes: i64,
    /// Bytes in the stores: each object once, packed ones as their xorbs.
    pub stored_bytes: i64,
}

/// Totals of an owner's datasets.
#[derive(Debug, Clone, FromRow)]
pub struct OwnerTotalsRow {
    /// Name of the owner.
    pub owner: String,
    /// User or organisation.
    pub kind: OwnerKind,
    /// Quota in bytes; as in [`DatasetRow`](super::datasets::DatasetRow).
    pub quota_bytes: Option<i64>,
    /// Number of datasets.
    pub datasets: i64,
    /// Their total size in bytes.
    pub bytes: i64,
}

/// A background job that is queued or running.
#[derive(Debug, Clone, FromRow)]
pub struct JobRow {
    /// Stable id.
    pub id: String,
    /// Kind of job.
    pub kind: String,
    /// Argument of the job.
    pub subject: String,
    /// When it is due, or when it was started if it is running.
    pub run_at: Millis,
    /// Number of attempts.
    pub attempts: i64,
    /// Until when a worker has leased it.
    pub leased_until: Option<Millis>,
    /// Error of the last attempt.
    pub last_error: Option<String>,
}

/// Totals of a store.
#[derive(Debug, Clone, FromRow)]
pub struct StoreTotalsRow {
    /// Name of the store.
    pub store: String,
    /// Number of objects.
    pub objects: i64,
    /// Their total size in bytes.
    pub bytes: i64,
    /// Bytes in the store: packed ones as their xorbs.
    pub stored_bytes: i64,
    /// Number of objects accepted by size alone, not verified by hash.
    pub unproven: i64,
    /// Number of objects found to be damaged.
    pub quarantined: i64,
}

/// An event of the audit trail.
#[derive(Debug, Clone, FromRow)]
pub struct AuditRow {
    /// Stable id.
    pub id: Id,
    /// Time of the event.
    pub at: Millis,
    /// Name of the user, or key of another actor.
    pub actor: String,
    /// The action.
    pub action: String,
    /// Target of the action.
    pub subject: String,
    /// Details of the action.
    pub detail: String,
    /// Id of the request; may be empty.
    pub request_id: String,
}

/// A filter for events of the audit trail.
#[derive(Debug, Clone)]
pub struct AuditFilter {
    /// Text in subject or detail, case-insensitive; empty to match all.
    pub text: String,
    /// Key of the actor; empty to match all.
    pub actor: String,
    /// An action or a prefix of actions: `token` also matches `token.add`; empty to match all.
    pub action: String,
    /// Start of the period, inclusive.
    pub since: Millis,
    /// End of the period, exclusive.
    pub until: Millis,
    /// Cursor: only events before this one.
    pub before: Option<(Millis, Id)>,
}

/// Returns a LIKE pattern that matches the text anywhere, with special characters escaped by `\`.
pub(super) fn anywhere(text: &str) -> String {
    let mut pattern = String::from("%");
    for c in text.to_lowercase().chars() {
        if matches!(c, '%' | '_' | '\\') {
            pattern.push('\\');
        }
        pattern.push(c);
    }
    pattern.push('%');
    pattern
}

impl Tx {
    /// Returns users by name, after the given one; with `text`, those who have it in a name or e-mail address.
    pub async fn known_users(&mut self, text: &str, after: &str, limit: i64) -> Result<Vec<KnownUserRow>> {
        let sql = "SELECT o.name, a.email, a.display_name, a.admin, a.suspended_at, o.created_at,
                          COALESCE(f.confirmed_at, (SELECT MIN(k.created_at) FROM passkey k WHERE k.user_id = o.id)) AS second_factor_at,
                          (SELECT MAX(t.last_used_at) FROM token t WHERE t.user_id = o.id) AS token_used_at,
                          (SELECT MAX(s.last_used_at) FROM session s WHERE s.user_id = o.id) AS session_used_at,
                          CAST((SELECT COALESCE(SUM(u.bytes + u.git_bytes), 0) FROM dataset d JOIN usage u ON u.repo_id = d.id
                                WHERE d.owner_id = o.id) AS BIGINT) AS bytes,
                          (SELECT COUNT(*) FROM dataset d WHERE d.owner_id = o.id) AS datasets
                   FROM owner o JOIN account a ON a.owner_id = o.id LEFT JOIN totp f ON f.user_id = o.id
                   WHERE o.name > $1 AND (o.name LIKE $2 ESCAPE '\\' OR a.email LIKE $2 ESCAPE '\\'
                                          OR LOWER(a.display_name) LIKE $2 ESCAPE '\\')
                   ORDER BY o.name LIMIT $3";
        Ok(query(sql).bind(after).bind(anywhere(text)).bind(limit).fetch_all(self).await?)
    }

    /// Makes a user a site administrator, or revokes that.
    pub async fn set_admin(&mut self, user: Id, admin: bool) -> Result<()> {
        let sql = "UPDATE account SET admin = $2 WHERE owner_id = $1";
        query(sql).bind(user).bind(admin).execute(self).await?;
        Ok(())
    }

    /// Counts the administrators who can sign in, except this user.
    pub async fn other_admins(&mut self, user: Id) -> Result<i64> {
        let sql = "SELECT COUNT(*) FROM account WHERE admin AND suspended_at IS NULL AND closed_at IS NULL
                   AND owner_id <> $1";
        Ok(query_scalar(sql).bind(user).fetch_one(self).await?)
    }

    /// Returns the totals of the site.
    pub async fn totals(&mut self) -> Result<TotalsRow> {
        let sql = "SELECT (SELECT COUNT(*) FROM account) AS users,
                          (SELECT COUNT(*) FROM owner WHERE kind = 'organisation') AS organisations,
                          (SELECT COUNT(*) FROM dataset) AS datasets,
                          CAST((SELECT COALESCE(SUM(objects), 0) FROM usage) AS BIGINT) AS objects,
                          CAST((SELECT COALESCE(SUM(bytes + git_bytes), 0) FROM usage) AS BIGINT) AS bytes,
                          CAST((SELECT COALESCE(SUM(size), 0) FROM object WHERE form <> 'packed')
                               + (SELECT COALESCE(SUM(git_bytes), 0) FROM usage) AS BIGINT) AS stored_bytes";
        Ok(query(sql).fetch_one(self).await?)
    }

    /// Returns the owners with the largest datasets.
    pub async fn largest_owners(&mut self, limit: i64) -> Result<Vec<OwnerTotalsRow>> {
        let sql = "SELECT o.name AS owner, o.kind, o.quota_bytes, COUNT(d.id) AS datasets,
                          CAST(COALESCE(SUM(u.bytes + u.git_bytes), 0) AS BIGINT) AS bytes
                   FROM owner o LEFT JOIN dataset d ON d.owner_id = o.id LEFT JOIN usage u ON u.repo_id = d.id
                   GROUP BY o.id, o.name, o.kind, o.quota_bytes ORDER BY 5 DESC, 4 DESC, o.name LIMIT $1";
        Ok(query(sql).bind(limit).fetch_all(self).await?)
    }

    /// Returns jobs in the order in which they are due, after the cursor (due time and id).
    pub async fn jobs(&mut self, after: Option<(Millis, String)>, limit: i64) -> Result<Vec<JobRow>> {
        let (at, id) = after.unwrap_or((Millis(i64::MIN), String::new()));
        let sql = "SELECT id, kind, subject, run_at, attempts, leased_until, last_error FROM job
                   WHERE run_at > $1 OR (run_at = $1 AND id > $2) ORDER BY run_at, id LIMIT $3";
        Ok(query(sql).bind(at).bind(&id).bind(limit).fetch_all(self).await?)
    }

    /// Returns the job with this id.
    pub async fn job(&mut self, id: Id) -> Result<Option<JobRow>> {
        let sql = "SELECT id, kind, subject, run_at, attempts, leased_until, last_error FROM job WHERE id = $1";
        Ok(query(sql).bind(id).fetch_optional(self).await?)
    }

    /// Makes a job due now; returns false if it is running, or does not exist.
    pub async fn hasten_job(&mut self, id: Id, now: Millis) -> Result<bool> {
        let sql = "UPDATE job SET run_at = $2 WHERE id = $1 AND (leased_until IS NULL OR leased_until < $2)";
        Ok(query(sql).bind(id).bind(now).execute(self).await? > 0)
    }

    /// Returns the totals of all stores that have objects, by name.
    pub async fn store_totals(&mut self) -> Result<Vec<StoreTotalsRow>> {
        let sql = "SELECT store, COUNT(CASE WHEN form <> 'xorb' THEN 1 END) AS objects, CAST(SUM(CASE WHEN form <> 'xorb' THEN size ELSE 0 END) AS BIGINT) AS bytes,
                          CAST(SUM(CASE WHEN form <> 'packed' THEN size ELSE 0 END) AS BIGINT) AS stored_bytes,
                          COUNT(CASE WHEN state = 'unproven' THEN 1 END) AS unproven,
                          COUNT(CASE WHEN state = 'quarantined' THEN 1 END) AS quarantined
                   FROM object GROUP BY store ORDER BY store";
        Ok(query(sql).fetch_all(self).await?)
    }

    /// Returns events of the audit trail, newest first.
    pub async fn audit_trail(&mut self, filter: &AuditFilter, limit: i64) -> Result<Vec<AuditRow>> {
        let sql = "SELECT a.id, a.at, COALESCE(o.name, a.actor) AS actor, a.action, a.subject, a.detail,
                          a.request_id
                   FROM audit a LEFT JOIN owner o ON a.actor LIKE 'user:%' AND o.id = substr(a.actor, 6)
                   WHERE a.at >= $1 AND a.at < $2 AND (a.at < $3 OR (a.at = $3 AND a.id < $4))
                   AND ($5 = '' OR a.actor = $5)
                   AND ($6 = '' OR a.action = $6 OR substr(a.action, 1, length($6) + 1) = $6 || '.')
                   AND (LOWER(a.subject) LIKE $7 ESCAPE '\\' OR LOWER(a.detail) LIKE $7 ESCAPE '\\')
                   ORDER BY a.at DESC, a.id DESC LIMIT $8";
        let (at, id) = match filter.before {
            Some((at, id)) => (at, id.to_string()),
            None => (Millis(i64::MAX), String::new()),
        };
        let found = query(sql)
            .bind(filter.since)
            .bind(filter.until)
            .bind(at)
            .bind(&id)
            .bind(&filter.actor)
            .bind(&filter.action)
            .bind(anywhere(&filter.text))
            .bind(limit)
            .fetch_all(self)
            .await;
        Ok(found?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wildcards_in_a_search_are_escaped() {
        assert_eq!(anywhere("A_b%c\\"), r"%a\_b\%c\\%");
        assert_eq!(anywhere(""), "%%");
    }
}
