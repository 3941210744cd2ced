//! What those do who administer the site: users, figures, jobs, the audit trail. Each function takes the decision that
//! it needs.

use std::time::Duration;

use super::{Accounts, joining};
use crate::access::Administrator;
use crate::db::admin::AuditFilter;
pub use crate::db::admin::{AuditRow, JobRow, KnownUserRow, OwnerTotalsRow, StoreTotalsRow, TotalsRow};
use crate::error::{Error, Result};
use crate::jobs::{self, Kind};
use crate::types::{Id, Millis, OwnerName};

/// Owners that are told, of those that hold most.
const OWNERS: i64 = 100;

/// What is to change of a user; what is `None` stays.
#[derive(Debug, Clone, Copy, Default)]
pub struct UserChange {
    /// Whether nothing is allowed.
    pub suspended: Option<bool>,
    /// Whether they administer the site.
    pub admin: Option<bool>,
}

/// Which lines of the audit trail are wanted.
#[derive(Debug, Clone, Default)]
pub struct AuditQuery {
    /// Text in what was done with what.
    pub text: String,
    /// The name of a user, or the key of somebody else, such as `operator`.
    pub actor: Option<String>,
    /// An action, or the first part of several.
    pub action: Option<String>,
    /// Not before then.
    pub since: Option<Millis>,
    /// Before then.
    pub until: Option<Millis>,
    /// Before this line.
    pub before: Option<(Millis, Id)>,
}

impl Accounts {
    /// Users by name, behind the given one; with `text`, those that have it in a name or their address.
    pub async fn known_users(
        &self,
        _: &Administrator,
        text: &str,
        after: &str,
        limit: usize,
    ) -> Result<Vec<KnownUserRow>> {
        self.db.read().await?.known_users(text, after, signed(limit)).await
    }

    /// Suspends a user or ends that; makes somebody an administrator or ends that. A suspended user's sessions end.
    ///
    /// # Errors
    /// Not found for an unknown user; conflict for taking one's own rights, or those of the last administrator.
    pub async fn change_user(&self, admin: &Administrator, name: &OwnerName, change: UserChange) -> Result<()> {
        let mut tx = self.db.write().await?;
        joining::lock_administrators(&mut tx).await?;
        let user = self.known(&mut tx, name).await?;
        let loses = change.suspended == Some(true) || change.admin == Some(false);
        if loses && admin.actor().user() == Some(user.id) {
            return Err(Error::conflict("nobody takes their own rights away: ask another administrator"));
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
                joining::end_set_up(&mut tx).await?;
            }
            let detail = if is_admin { "granted" } else { "ended" };
            self.note(&mut tx, admin.actor(), "user.admin", name.as_str(), detail).await?;
        }
        tx.commit().await
    }

    /// Sends a user a letter with a link to choose another password.
    ///
    /// # Errors
    /// Not found for an unknown user; conflict for a suspended one.
    pub async fn offer_reset(&self, admin: &Administrator, name: &OwnerName) -> Result<()> {
        let mut tx = self.db.write().await?;
        let user = self.active_in(&mut tx, name).await?;
        jobs::enqueue(&mut tx, &self.clock, Kind::Reset, &user.email, Duration::ZERO).await?;
        self.note(&mut tx, admin.actor(), "user.reset", name.as_str(), "").await?;
        tx.commit().await
    }

    /// How much there is on the site, and the owners whose datasets hold most.
    pub async fn totals(&self, _: &Administrator) -> Result<(TotalsRow, Vec<OwnerTotalsRow>)> {
        let mut tx = self.db.read().await?;
        Ok((tx.totals().await?, tx.largest_owners(OWNERS).await?))
    }

    /// Jobs in the order in which they are due, behind the given one.
    pub async fn jobs(&self, _: &Administrator, after: Option<(Millis, Id)>, limit: usize) -> Result<Vec<JobRow>> {
        let after = after.map(|(at, id)| (at, id.to_string()));
        self.db.read().await?.jobs(after, signed(limit)).await
    }

    /// Has a job done as soon as somebody is free.
    ///
    /// # Errors
    /// Not found for a job that is not there, or not any more; conflict for one that is being done.
    pub async fn run_job(&self, admin: &Administrator, id: Id) -> Result<()> {
        let mut tx = self.db.write().await?;
        let job = tx.job(id).await?.ok_or_else(|| Error::not_found("there is no such job; it may be done already"))?;
        if !tx.hasten_job(id, self.clock.now()).await? {
            return Err(Error::conflict("the job is being done"));
        }
        self.note(&mut tx, admin.actor(), "job.run", &job.kind, &job.subject).await?;
        tx.commit().await
    }

    /// Whether somebody has a job now.
    pub fn is_running(&self, job: &JobRow) -> bool {
        job.leased_until.is_some_and(|until| until >= self.clock.now())
    }

    /// What the stores keep, by name, as far as there is anything.
    pub async fn store_totals(&self, _: &Administrator) -> Result<Vec<StoreTotalsRow>> {
        // All objects are looked at.
        self.db.read_long().await?.store_totals().await
    }

    /// Lines of the audit trail, the newest first.
    pub async fn audit_trail(&self, _: &Administrator, query: AuditQuery, limit: usize) -> Result<Vec<AuditRow>> {
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
