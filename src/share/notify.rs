//! Notifications of the creators of links: that a link was opened, or that files arrived by a file request. Of those who
//! used it, nothing is kept but the time.

use std::fmt::Write as _;
use std::time::Duration;

use super::emails::{DRIVE, path_segments};
use super::{ShareRow, Shares};
use crate::access::FileRequestGrant;
use crate::db::Tx;
use crate::db::links::LinkNotification;
use crate::error::Result;
use crate::jobs::{self, Kind as JobKind};
use crate::mail::{self, OutgoingEmail};
use crate::types::{Email, Id, NotificationEvent, NotificationReason, ShareKind, ShareRight, url_segment};

/// Minimum interval between two notifications that a link was opened.
const OPENED: Duration = Duration::from_hours(24);

/// Minimum interval between two notifications that files arrived.
const RECEIVED: Duration = Duration::from_hours(1);

impl Shares {
    /// Counts files that arrived by a file request; its creator is notified if they wish so.
    pub async fn note_received(&self, grant: &FileRequestGrant, files: usize) -> Result<()> {
        let mut tx = self.db.write().await?;
        self.note_uses(&mut tx, grant.share(), ShareRight::Upload, files).await?;
        tx.commit().await
    }

    /// Counts uses of a link, and queues the notification for the first time that is allowed.
    pub(super) async fn note_uses(&self, tx: &mut Tx, share: Id, right: ShareRight, count: usize) -> Result<()> {
        let Some(row) = tx.add_link_uses(share, super::count(count)).await? else { return Ok(()) };
        let interval = if right == ShareRight::Upload { RECEIVED } else { OPENED };
        let wait = row.notified_at.map_or(0, |last| last.plus(interval).0.saturating_sub(self.clock.now().0));
        let wait = Duration::from_millis(u64::try_from(wait).unwrap_or(0));
        jobs::enqueue(tx, &self.clock, JobKind::NotifyLink, &share.to_string(), wait).await
    }

    /// Notifies the creator of a link that it was used: a background job. Repeating it changes nothing.
    pub async fn notify(&self, share: Id) -> Result<()> {
        let now = self.clock.now();
        let mut tx = self.db.write().await?;
        let Some(count) = tx.take_link_uses(share, now).await? else { return Ok(()) };
        let (row, repo) = (tx.share_of_link(share).await?, tx.dataset_of_share(share).await?);
        let Some((row, repo)) = row.zip(repo) else { return Ok(()) };
        let Some(user) = row.creator_id.as_ref().and_then(|id| id.parse::<Id>().ok()) else { return Ok(()) };
        let settings = tx.notification_settings(user).await?;
        let setting = settings.iter().find(|setting| setting.reason == NotificationReason::Link);
        let (shown, by_email) = setting.map_or((true, true), |setting| (setting.shown, setting.email));
        let title = title(&row);
        let kind =
            if row.right == ShareRight::Upload { NotificationEvent::Received } else { NotificationEvent::Opened };
        if shown {
            let new = LinkNotification { user, repo, path: &row.path, title, kind, count };
            tx.insert_link_notification(self.clock.id(), &new, now).await?;
        }
        let account = tx.user_by_id(user).await?.filter(|account| by_email && account.is_active());
        if let Some(to) = account.and_then(|account| account.email.parse::<Email>().ok()) {
            let (subject, text) = write(&self.base, &row, title, kind, count);
            mail::enqueue_email(&mut tx, &self.clock, &OutgoingEmail { to, subject, text }).await?;
        }
        tx.commit().await
    }
}

/// Returns the URL of the page where the creator of a link sees the shared item.
fn page(base: &str, share: &ShareRow) -> String {
    let (owner, name) = (url_segment(&share.owner_name), url_segment(&share.dataset_name));
    let path = path_segments(&share.path);
    if share.dataset_name == DRIVE && share.owner_name == share.creator {
        return format!("{base}/drive{path}");
    }
    match share.kind {
        _ if path.is_empty() => format!("{base}/d/{owner}/{name}"),
        ShareKind::File => format!("{base}/d/{owner}/{name}/file/HEAD{path}"),
        ShareKind::Folder | ShareKind::Dataset => format!("{base}/d/{owner}/{name}/tree/HEAD{path}"),
    }
}

/// Returns the title of a file request, or the name of the shared item.
fn title(share: &ShareRow) -> &str {
    let name = share.path.rsplit('/').next().filter(|name| !name.is_empty()).unwrap_or(&share.dataset_name);
    share.request_title.as_deref().unwrap_or(name)
}

/// Returns subject and text of the e-mail.
fn write(base: &str, share: &ShareRow, title: &str, kind: NotificationEvent, count: i64) -> (String, String) {
    let what = match (kind, count) {
        (NotificationEvent::Received, 1) => format!("A file arrived by your file request \"{title}\""),
        (NotificationEvent::Received, _) => format!("{count} files arrived by your file request \"{title}\""),
        (_, 1) => format!("Your link to \"{title}\" was opened"),
        _ => format!("Your link to \"{title}\" was opened {count} times"),
    };
    let mut text = format!("{what}.\n\n{}\n", page(base, share));
    // Writing to a String cannot fail.
    let _ = writeln!(
        text,
        "\nYou get this e-mail because the link notifies you. Change it in the settings of the link, or what you get in the \
         settings of your account."
    );
    (what, text)
}
