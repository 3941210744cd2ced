//! Installed apps, and the browsers that use them.

use sqlx_macros::FromRow;

use super::Tx;
use super::query::{query, query_scalar};
use crate::error::Result;
use crate::types::{Id, InstallState, Millis, OwnerKind, Role, Visibility, WantedState};

/// An installed app.
#[derive(Debug, Clone, FromRow)]
pub struct InstallRow {
    /// Stable id.
    pub id: Id,
    /// The user or organisation that owns it.
    pub owner_id: Id,
    /// Name of the owner.
    pub owner: String,
    /// Kind of the owner.
    pub owner_kind: OwnerKind,
    /// True if its owner is suspended or has closed the account.
    pub is_owner_barred: bool,
    /// Name in the catalogue; empty for none.
    pub app: String,
    /// Name of the install.
    pub name: String,
    /// Host name below that of all apps.
    pub label: String,
    /// Another host name there, chosen by its owner.
    pub host: Option<String>,
    /// Who can use it, beside the owner or the members of the owning organisation.
    pub visibility: Visibility,
    /// Manifest (JSON), as it was when the app was installed.
    pub manifest: String,
    /// Image with its digest; `None` if it is not a container.
    pub image: Option<String>,
    /// Digest of the image's configuration, after the first download.
    pub image_id: Option<String>,
    /// Its volume.
    pub volume_id: Option<Id>,
    /// Name of the volume at the container engine.
    pub volume: Option<String>,
    /// Its OAuth client.
    pub client_id: Option<Id>,
    /// What it should be.
    pub wanted: WantedState,
    /// What it is.
    pub state: InstallState,
    /// Why, for people.
    pub reason: String,
    /// Grows with each change of what is wanted.
    pub generation: i64,
    /// Grows with each start of a new container.
    pub run: i64,
    /// `host:port`.
    pub endpoint: Option<String>,
    /// True if it is not paused or stopped while idle.
    pub keep_running: bool,
    /// True if a person stopped it: visitors do not start it.
    pub is_held: bool,
    /// Failures in a row.
    pub attempts: i64,
    /// When its process was first seen to run, of this run.
    pub started_at: Option<Millis>,
    /// When it was last used, to the minute.
    pub last_used_at: Millis,
    /// Creation time.
    pub created_at: Millis,
}

/// A browser that may use an app, with everything that its permission depends on.
#[derive(Debug, Clone, FromRow)]
pub struct AppSessionRow {
    /// The app.
    pub install_id: Id,
    /// The session of the browser.
    pub session_id: Id,
    /// When the user signed in.
    pub created_at: Millis,
    /// Expiry of that session.
    pub expires_at: Millis,
    /// Its last use.
    pub last_used_at: Millis,
    /// How the user signed in.
    pub amr: String,
    /// The user.
    pub user_id: Id,
    /// Name of the user.
    pub user_name: String,
    /// True for site administrators.
    pub admin: bool,
    /// When the user was suspended.
    pub suspended_at: Option<Millis>,
    /// When the account was closed.
    pub closed_at: Option<Millis>,
    /// The user's role in the organisation that owns the app.
    pub role: Option<Role>,
}

/// What is recorded of an install after a step.
#[derive(Debug, Clone)]
pub struct InstallProgress<'a> {
    /// The state.
    pub state: InstallState,
    /// Why.
    pub reason: &'a str,
    /// The run.
    pub run: i64,
    /// `host:port`.
    pub endpoint: Option<&'a str>,
    /// Digest of the image's configuration.
    pub image_id: Option<&'a str>,
    /// Failures in a row.
    pub attempts: i64,
    /// When its process was first seen to run.
    pub started_at: Option<Millis>,
    /// The end of the log of a run that has ended; `None` to keep the one before.
    pub last_log: Option<&'a str>,
}

/// Selects installs, by a condition.
macro_rules! install {
    ($condition:literal) => {
        concat!(
            "SELECT i.id, i.owner_id, o.name AS owner, o.kind AS owner_kind,
                    (a.suspended_at IS NOT NULL OR a.closed_at IS NOT NULL) AS is_owner_barred, i.app, i.name, i.label,
                    i.host, i.visibility, i.manifest, i.image, i.image_id, i.volume_id, v.name AS volume,
                    c.id AS client_id, i.wanted, i.state, i.reason, i.generation, i.run, i.endpoint, i.keep_running,
                    i.is_held, i.attempts, i.started_at, i.last_used_at, i.created_at
             FROM app_install i JOIN owner o ON o.id = i.owner_id LEFT JOIN account a ON a.owner_id = i.owner_id
                  LEFT JOIN app_volume v ON v.id = i.volume_id LEFT JOIN oauth_client c ON c.install_id = i.id WHERE ",
            $condition
        )
    };
}

impl Tx {
    /// Adds an install.
    pub async fn insert_install(&mut self, install: &InstallRow) -> Result<()> {
        let sql =
            "INSERT INTO app_install (id, owner_id, app, name, label, host, visibility, manifest, image, image_id,
                       volume_id, wanted, state, reason, generation, run, endpoint, keep_running, is_held, attempts, started_at,
                       last_used_at, last_log, created_at)
                   VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, '', $14, $15, $16, $17, FALSE, 0, NULL,
                           $18, '', $18)";
        query(sql)
            .bind(install.id)
            .bind(install.owner_id)
            .bind(&install.app)
            .bind(&install.name)
            .bind(&install.label)
            .bind(&install.host)
            .bind(install.visibility.as_str())
            .bind(&install.manifest)
            .bind(&install.image)
            .bind(&install.image_id)
            .bind(install.volume_id)
            .bind(install.wanted.as_str())
            .bind(install.state.as_str())
            .bind(install.generation)
            .bind(install.run)
            .bind(&install.endpoint)
            .bind(install.keep_running)
            .bind(install.created_at)
            .execute(self)
            .await?;
        Ok(())
    }

    /// Returns an install.
    pub async fn install(&mut self, id: Id) -> Result<Option<InstallRow>> {
        Ok(query(install!("i.id = $1")).bind(id).fetch_optional(self).await?)
    }

    /// Returns the install with this name of an owner.
    pub async fn install_by_name(&mut self, owner: &str, name: &str) -> Result<Option<InstallRow>> {
        Ok(query(install!("o.name = $1 AND i.name = $2")).bind(owner).bind(name).fetch_optional(self).await?)
    }

    /// Returns the install with this host name below that of all apps.
    pub async fn install_by_host(&mut self, label: &str) -> Result<Option<InstallRow>> {
        Ok(query(install!("i.label = $1 OR i.host = $1")).bind(label).fetch_optional(self).await?)
    }

    /// Returns the installs of a user, and of the user's organisations.
    pub async fn installs_for(&mut self, user: Id) -> Result<Vec<InstallRow>> {
        let sql = install!(
            "i.owner_id = $1 OR i.owner_id IN (SELECT organisation_id FROM member WHERE user_id = $1)
             ORDER BY o.name, i.name"
        );
        Ok(query(sql).bind(user).fetch_all(self).await?)
    }

    /// Returns the installs of an owner.
    pub async fn installs_of(&mut self, owner: Id) -> Result<Vec<InstallRow>> {
        Ok(query(install!("i.owner_id = $1 ORDER BY i.name")).bind(owner).fetch_all(self).await?)
    }

    /// Returns all installs after this id, in order.
    pub async fn all_installs(&mut self, after: &str, limit: i64) -> Result<Vec<InstallRow>> {
        Ok(query(install!("i.id > $1 ORDER BY i.id LIMIT $2")).bind(after).bind(limit).fetch_all(self).await?)
    }

    /// Counts the containers of an owner, and of all, that are to run or to be paused: both use memory.
    pub async fn count_active_installs(&mut self, owner: Id) -> Result<(i64, i64)> {
        let sql = "SELECT COUNT(CASE WHEN owner_id = $1 THEN 1 END), COUNT(*) FROM app_install
                   WHERE wanted IN ('running', 'paused') AND image IS NOT NULL";
        Ok(query(sql).bind(owner).fetch_one(self).await?)
    }

    /// Counts the installs of the site by state.
    pub async fn count_installs(&mut self) -> Result<Vec<(String, i64)>> {
        Ok(query("SELECT state, COUNT(*) FROM app_install GROUP BY state").fetch_all(self).await?)
    }

    /// Changes what is wanted of an install, if nothing else was asked for since `generation`. With a new run, failures
    /// are forgotten. Returns false if something was.
    pub async fn want_install(
        &mut self,
        id: Id,
        generation: i64,
        wanted: WantedState,
        new_run: Option<InstallState>,
        is_held: bool,
        now: Millis,
    ) -> Result<bool> {
        let sql = "UPDATE app_install SET wanted = $3, generation = generation + 1, is_held = $7,
                       run = run + CASE WHEN $4 THEN 1 ELSE 0 END,
                       state = CASE WHEN $4 THEN $5 ELSE state END,
                       reason = CASE WHEN $4 THEN '' ELSE reason END,
                       attempts = CASE WHEN $4 THEN 0 ELSE attempts END,
                       started_at = CASE WHEN $4 THEN NULL ELSE started_at END,
                       endpoint = CASE WHEN $4 THEN NULL ELSE endpoint END,
                       last_used_at = CASE WHEN $3 = 'running' THEN $6 ELSE last_used_at END
                   WHERE id = $1 AND generation = $2 AND wanted <> 'removed'";
        let changed = query(sql)
            .bind(id)
            .bind(generation)
            .bind(wanted.as_str())
            .bind(new_run.is_some())
            .bind(new_run.unwrap_or(InstallState::Starting).as_str())
            .bind(now)
            .bind(is_held)
            .execute(self)
            .await?;
        Ok(changed > 0)
    }

    /// Records the progress of an install, if nothing else was asked for, and no other run began, since it was read.
    pub async fn record_install(
        &mut self,
        id: Id,
        (generation, run): (i64, i64),
        progress: &InstallProgress<'_>,
    ) -> Result<bool> {
        let sql = "UPDATE app_install SET state = $3, reason = $4, run = $5, endpoint = $6, image_id = $7,
                       attempts = $8, started_at = $9, last_log = COALESCE($10, last_log)
                   WHERE id = $1 AND generation = $2 AND run = $11";
        let changed = query(sql)
            .bind(id)
            .bind(generation)
            .bind(progress.state.as_str())
            .bind(progress.reason)
            .bind(progress.run)
            .bind(progress.endpoint)
            .bind(progress.image_id)
            .bind(progress.attempts)
            .bind(progress.started_at)
            .bind(progress.last_log)
            .bind(run)
            .execute(self)
            .await?;
        Ok(changed > 0)
    }

    /// Returns the end of the log of the run before.
    pub async fn last_log(&mut self, id: Id) -> Result<String> {
        let log: Option<String> =
            query_scalar("SELECT last_log FROM app_install WHERE id = $1").bind(id).fetch_optional(self).await?;
        Ok(log.unwrap_or_default())
    }

    /// Keeps the end of the log of a run that has ended.
    pub async fn keep_last_log(&mut self, id: Id, log: &str) -> Result<()> {
        query("UPDATE app_install SET last_log = $2 WHERE id = $1").bind(id).bind(log).execute(self).await?;
        Ok(())
    }

    /// Changes the settings of an install. With another image, what is known of the image before is forgotten.
    pub async fn set_install(&mut self, install: &InstallRow) -> Result<()> {
        let sql = "UPDATE app_install SET visibility = $2, host = $3, keep_running = $4, manifest = $5, image = $6,
                       image_id = CASE WHEN image = $6 THEN image_id ELSE NULL END, volume_id = $7 WHERE id = $1";
        query(sql)
            .bind(install.id)
            .bind(install.visibility.as_str())
            .bind(&install.host)
            .bind(install.keep_running)
            .bind(&install.manifest)
            .bind(&install.image)
            .bind(install.volume_id)
            .execute(self)
            .await?;
        Ok(())
    }

    /// Updates the time an install was last used.
    pub async fn touch_install(&mut self, id: Id, now: Millis) -> Result<()> {
        query("UPDATE app_install SET last_used_at = $2 WHERE id = $1").bind(id).bind(now).execute(self).await?;
        Ok(())
    }

    /// Deletes an install, with its client and its sessions, but not its volume.
    pub async fn delete_install(&mut self, id: Id) -> Result<()> {
        query("DELETE FROM app_install WHERE id = $1").bind(id).execute(self).await?;
        Ok(())
    }

    /// Sets the secret, if given, and URLs and scopes of the client of an install.
    pub async fn set_install_client(
        &mut self,
        install: Id,
        secret: Option<&str>,
        redirects: &str,
        home: &str,
        scopes: &str,
    ) -> Result<()> {
        let sql = "UPDATE oauth_client SET secret = COALESCE($2, secret), redirects = $3, home = $4, scopes = $5,
                       previous_secret = CASE WHEN $2 IS NULL THEN previous_secret ELSE NULL END
                   WHERE install_id = $1";
        query(sql).bind(install).bind(secret).bind(redirects).bind(home).bind(scopes).execute(self).await?;
        Ok(())
    }

    /// Disables the client of an install that is being removed, and ends what it was allowed.
    pub async fn end_install_client(&mut self, install: Id, now: Millis) -> Result<()> {
        let sql = "UPDATE oauth_client SET disabled_at = $2 WHERE install_id = $1";
        query(sql).bind(install).bind(now).execute(self).await?;
        query("DELETE FROM app_session WHERE install_id = $1").bind(install).execute(self).await?;
        Ok(())
    }

    /// Adds a browser that may use an app.
    pub async fn insert_app_session(&mut self, hash: &str, install: Id, session: Id, now: Millis) -> Result<()> {
        let sql = "INSERT INTO app_session (hash, install_id, session_id, created_at)
                   SELECT $1, $2, s.id, $4 FROM session s WHERE s.id = $3";
        query(sql).bind(hash).bind(install).bind(session).bind(now).execute(self).await?;
        Ok(())
    }

    /// Returns a browser that may use an app, whether its session is valid or not.
    pub async fn app_session(&mut self, hash: &str) -> Result<Option<AppSessionRow>> {
        let sql = "SELECT p.install_id, s.id AS session_id, s.created_at, s.expires_at, s.last_used_at, s.amr,
                          s.user_id, o.name AS user_name, a.admin, a.suspended_at, a.closed_at, m.role
                   FROM app_session p JOIN session s ON s.id = p.session_id JOIN owner o ON o.id = s.user_id
                        JOIN account a ON a.owner_id = s.user_id JOIN app_install i ON i.id = p.install_id
                        LEFT JOIN member m ON m.organisation_id = i.owner_id AND m.user_id = s.user_id
                   WHERE p.hash = $1";
        Ok(query(sql).bind(hash).fetch_optional(self).await?)
    }

    /// Deletes the oldest sessions of a browser at an app, beyond some.
    pub async fn trim_app_sessions(&mut self, install: Id, session: Id, keep: i64) -> Result<()> {
        let sql = "DELETE FROM app_session WHERE install_id = $1 AND session_id = $2 AND hash NOT IN
                       (SELECT hash FROM app_session WHERE install_id = $1 AND session_id = $2
                        ORDER BY created_at DESC, hash LIMIT $3)";
        query(sql).bind(install).bind(session).bind(keep).execute(self).await?;
        Ok(())
    }
}
