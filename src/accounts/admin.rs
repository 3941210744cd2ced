//! Site administration: users, totals, jobs and the audit trail. Each function takes the permission that it requires.

use std::time::Duration;

use super::{Accounts, signup};
use crate::access::AdminGrant;
use crate::db::admin::AuditFilter;
pub use crate::db::admin::{AuditRow, JobRow, KnownUserRow, OwnerTotalsRow, StoreTotalsRow, TotalsRow};
use crate::error::{Error, Result};
use crate::jobs::{self, Kind};
use crate::types::{Id, Millis, OwnerName};

/// Number of owners in the list of those with the most data.
const OWNERS: i64 = 100;

/// Changes to a user; `None` leaves a field unchanged.
#[derive(Debug, Clone, Copy, Default)]
pub struct UserChange {
    /// True if the user is suspended.
    pub suspended: Option<bool>,
    /// True if the user is a site administrator.
    pub admin: Option<bool>,
}

/// Filter for the audit trail.
#[derive(Debug, Clone, Default)]
pub struct AuditQuery {
    /// Text that the subject or the detail contains.
    pub text: String,
    /// The name of a user, or the key of another actor such as `operator`.
    pub actor: Option<String>,
    /// An action, or the prefix of several.
    pub action: Option<String>,
    /// Earliest time, inclusive.
    pub since: Option<Millis>,
    /// Latest time, exclusive.
    pub until: Option<Millis>,
    /// Only entries before this one, for paging.
    pub before: Option<(Millis, Id)>,
}

impl Accounts {
    /// Returns users by name, after the given name; with `text`, those whose name or address contains it.
    pub async fn known_users(
        &self,
        _: &AdminGrant,
        text: &str,
        after: &str,
        limit: usize,
    ) -> Result<Vec<KnownUserRow>> {
        self.db.read().await?.known_users(text, after, signed(limit)).await
    }

    /// Suspends or resumes a user, and grants or removes the administrator role. Suspending ends the user's sessions.
    ///
    /// # Errors
    /// Not found for an unknown user; conflict for removing one's own access, or that of the last administrator.
    pub async fn change_user(&self, admin: &AdminGrant, name: &OwnerName, change: UserChange) -> Result<()> {
        let mut tx = self.db.write().await?;
        signup::lock_administrators(&mut tx).await?;
        let user = self.known(&mut tx, name).await?;
        let loses = change.suspended == Some(true) || change.admin == Some(false);
        if loses && admin.actor().user() == Some(user.id) {
            return Err(Error::conflict(
                "you cannot suspend yourself or remove your own admin role: ask another administrator",
            ));
        }
        if loses && user.admin && tx.other_admins(user.id).await? == 0 {
            return Err(Error::conflict(format!("`{name}` is the last administrator")));
        }
        if let Some(suspended) = change.suspended
            && suspended != user.suspended_at.is_some()
        {
            self.suspend_in(&mut tx, user.id, suspended.then(|| self.clock.now())).await?;
            let action = if suspended { "user.suspend" } else { "user.resume" };
            self.note(&mut tx, admin.actor(), action, name.as_str(), "").await?;
        }
        if let Some(is_admin) = change.admin
            && is_admin != user.admin
        {
            tx.set_admin(user.id, is_admin).await?;
            if is_admin {
                signup::end_set_up(&mut tx).await?;
            }
            let detail = if is_admin { "granted" } else { "ended" };
            self.note(&mut tx, admin.actor(), "user.admin", name.as_str(), detail).await?;
        }
        tx.commit().await
    }

    /// Sends a user an e-mail with a link to reset their password.
    ///
    /// # Errors
    /// Not found for an unknown user; conflict if the account is suspended or closed.
    pub async fn offer_reset(&self, admin: &AdminGrant, name: &OwnerName) -> Result<()> {
        let mut tx = self.db.write().await?;
        let user = self.active_in(&mut tx, name).await?;
        jobs::enqueue(&mut tx, &self.clock, Kind::SendPasswordReset, &user.email, Duration::ZERO).await?;
        self.note(&mut tx, admin.actor(), "user.reset", name.as_str(), "").await?;
        tx.commit().await
    }

    /// Returns the totals of the site, and the owners whose datasets hold the most data.
    pub async fn totals(&self, _: &AdminGrant) -> Result<(TotalsRow, Vec<OwnerTotalsRow>)> {
        let mut tx = self.db.read().await?;
        Ok((tx.totals().await?, tx.largest_owners(OWNERS).await?))
    }

    /// Returns jobs in the order in which they are due, after the given one.
    pub async fn jobs(&self, _: &AdminGrant, after: Option<(Millis, Id)>, limit: usize) -> Result<Vec<JobRow>> {
        let after = after.map(|(at, id)| (at, id.to_string()));
        self.db.read().await?.jobs(after, signed(limit)).await
    }

    /// Makes a job due now.
    ///
    /// # Errors
    /// Not found for a job that does not exist, or has finished; conflict for one that is running.
    pub async fn run_job(&self, admin: &AdminGrant, id: Id) -> Result<()> {
        let mut tx = self.db.write().await?;
        let job = tx.job(id).await?.ok_or_else(|| Error::not_found("job not found; it may have finished"))?;
        if !tx.hasten_job(id, self.clock.now()).await? {
            return Err(Error::conflict("the job is running"));
        }
        self.note(&mut tx, admin.actor(), "job.run", &job.kind, &job.subject).await?;
        tx.commit().await
    }

    /// Returns true if a worker is running the job.
    pub fn is_running(&self, job: &JobRow) -> bool {
        job.leased_until.is_some_and(|until| until >= self.clock.now())
    }

    /// Returns what the stores hold, by name; stores that hold nothing are left out.
    pub async fn store_totals(&self, _: &AdminGrant) -> Result<Vec<StoreTotalsRow>> {
        // Scans all objects.
        self.db.read_long().await?.store_totals().await
    }

    /// Returns entries of the audit trail, newest first.
    pub async fn audit_trail(&self, _: &AdminGrant, query: AuditQuery, limit: usize) -> Result<Vec<AuditRow>> {
        let mut tx = self.db.read().await?;
        let actor = match query.actor {
            Some(name) => match name.parse::<OwnerName>() {
                Ok(user) => tx.user(&user).await?.map_or(name, |user| format!("user:{}", user.id)),
                Err(_) => name,
            },
            None => String::new(),
        };
        let filter = AuditFilter {
            text: query.text,
            actor,
            action: query.action.unwrap_or_default(),
            since: query.since.unwrap_or(Millis(i64::MIN)),
            until: query.until.unwrap_or(Millis(i64::MAX)),
            before: query.before,
        };
        tx.audit_trail(&filter, signed(limit)).await
    }
}

fn signed(limit: usize) -> i64 {
    i64::try_from(limit).unwrap_or(i64::MAX)
}
