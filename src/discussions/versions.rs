//! Notifications of new versions and releases: owners and followers of a dataset have one of each kind, which counts what is
//! new until it is read. Only those who can read the dataset, at that time.

use std::fmt::Write as _;
use std::time::Duration;

use metastore::ObjectId;

use super::notify::settings;
use super::{Discussions, count};
use crate::datasets::activity::{Headline, line};
use crate::db::Tx;
use crate::db::activity::{NewVersionRow, VersionNotification, WatcherRow};
use crate::error::{Error, Result};
use crate::mail::{self, OutgoingEmail};
use crate::types::{ActivityKind, Email, Id, NotificationEvent, NotificationReason, RepoPath, url_segment};

/// Maximum number of users that are notified.
const WATCHERS: i64 = 1000;

/// Number of versions and releases that are read at a time.
const BATCH: i64 = 100;

/// Maximum number of entries of a dataset that are kept.
const KEPT: i64 = 1000;

/// Minimum interval between two e-mails about versions, or about releases, of one dataset.
const MAILED: Duration = Duration::from_hours(24);

/// A version or a release with what its revision says.
struct Version {
    row: NewVersionRow,
    headline: Headline,
}

impl Discussions {
    /// Reads what new versions and releases of a dataset are, and notifies users of them: a background job. Repeating it
    /// changes nothing.
    pub async fn notify_versions(&self, repo: Id) -> Result<()> {
        loop {
            let mut tx = self.db.read().await?;
            let rows = tx.new_versions(repo, BATCH).await?;
            let Some(path) = tx.dataset_path(repo).await?.filter(|_| !rows.is_empty()) else { return Ok(()) };
            let watchers = tx.watchers(repo, WATCHERS).await?;
            drop(tx);
            let versions = self.describe(repo, rows).await?;
            let mut readers = Vec::with_capacity(watchers.len());
            for watcher in watchers {
                if self.access.user_can_read(watcher.id, &watcher.name, &path).await? {
                    readers.push(watcher);
                }
            }
            let mut tx = self.db.write().await?;
            let mut new = Vec::with_capacity(versions.len());
            for version in versions {
                let Headline { title, signature } = &version.headline;
                if tx.note_version(version.row.id, title, signature).await? && !version.row.quiet {
                    new.push(version);
                }
            }
            for reader in &readers {
                for kind in [ActivityKind::Version, ActivityKind::Release] {
                    let of_others =
                        new.iter().filter(|each| each.row.kind == kind && each.row.author_id != Some(reader.id));
                    self.notify_of(&mut tx, (repo, &path), reader, &of_others.collect::<Vec<_>>()).await?;
                }
            }
            tx.trim_activity(repo, KEPT).await?;
            tx.commit().await?;
        }
    }

    /// Reads the revisions of versions and releases. One that does not exist any more has no title.
    async fn describe(&self, repo: Id, rows: Vec<NewVersionRow>) -> Result<Vec<Version>> {
        let revisions = rows.iter().map(|row| ObjectId::from_hex(row.revision.as_bytes()));
        let revisions = revisions.collect::<Result<Vec<_>, _>>().map_err(Error::internal)?;
        let headlines = self.datasets.headlines(repo, revisions).await?;
        Ok(rows.into_iter().zip(headlines).map(|(row, headline)| Version { row, headline }).collect())
    }

    /// Notifies a user of versions or releases of one kind, oldest first.
    async fn notify_of(
        &self,
        tx: &mut Tx,
        (repo, path): (Id, &RepoPath),
        reader: &WatcherRow,
        versions: &[&Version],
    ) -> Result<()> {
        let Some(newest) = versions.last() else { return Ok(()) };
        let wanted = settings(tx, reader.id).await?;
        let wanted = wanted.into_iter().find(|setting| setting.reason == NotificationReason::Versions);
        let Some(setting) = wanted.filter(|setting| setting.shown || setting.email) else { return Ok(()) };
        let kind = match newest.row.kind {
            ActivityKind::Release => NotificationEvent::Release,
            _ => NotificationEvent::Version,
        };
        let tag = newest.row.tag.as_deref().map(line);
        let new = VersionNotification {
            user: reader.id,
            repo,
            kind,
            title: tag.as_deref().unwrap_or(&newest.headline.title),
            author: newest.row.author_name.as_deref().unwrap_or_default(),
            revision: &newest.row.revision,
            count: count(versions.len()),
            shown: setting.shown,
        };
        let (id, now) = (self.clock.id(), self.clock.now());
        let (count, mailed) = tx.put_version_notification(id, &new, now).await?;
        let is_due = mailed.is_none_or(|last| last.plus(MAILED) <= now);
        let to = reader.email.parse::<Email>().ok().filter(|_| setting.email && is_due);
        let Some(to) = to else { return Ok(()) };
        tx.set_version_mailed(id, now).await?;
        let (subject, text) = write(&self.base, path, &new, count);
        mail::enqueue_email(tx, &self.clock, &OutgoingEmail { to, subject, text }).await
    }
}

/// Returns subject and text of the e-mail. What users wrote is quoted, so that it cannot pass for text of the server.
fn write(base: &str, path: &RepoPath, new: &VersionNotification<'_>, count: i64) -> (String, String) {
    let (owner, name) = (url_segment(path.owner.as_str()), url_segment(path.name.as_str()));
    let (what, page) = match (new.kind, count) {
        (NotificationEvent::Release, 1) => (format!("New release {}", new.title), "/releases"),
        (NotificationEvent::Release, _) => (format!("{count} new releases, the newest is {}", new.title), "/releases"),
        (_, 1) => ("New version".to_owned(), ""),
        _ => (format!("{count} new versions"), ""),
    };
    let by = if new.author.is_empty() { String::new() } else { format!(" by {}", new.author) };
    let mut text = format!("{what}{by} of {path}.\n");
    if new.kind != NotificationEvent::Release && !new.title.is_empty() {
        let _ = writeln!(text, "\n> {}", new.title);
    }
    let page = if page.is_empty() { format!("/revision/{}", new.revision) } else { page.to_owned() };
    let _ = writeln!(text, "\n{base}/d/{owner}/{name}{page}");
    let _ = writeln!(
        text,
        "\nYou get this e-mail because you own or follow the dataset, at most once a day. Change what you get in the settings \
         of your account."
    );
    (format!("[{path}] {what}"), text)
}
