//! Notifications: owners and followers of a dataset, participants of a discussion and mentioned users learn what happened, in
//! a list and by e-mail. Only those who can read the dataset, at that time.

use std::fmt::Write as _;
use std::time::Duration;

use super::readable::Readable;
use super::{Discussions, count};
use crate::access::{AccountGrant, Actor, DatasetGrant, ParticipantGrant, Read};
use crate::db::Tx;
use crate::db::discussions::{DiscussionEventRow, DiscussionRow};
use crate::db::notifications::{NotificationInsert, ReceiverRow};
pub use crate::db::notifications::{NotificationRow, SettingRow};
use crate::error::Result;
use crate::mail::{self, OutgoingEmail};
use crate::types::{DiscussionEventKind, DiscussionKind, Email, Id, NotificationReason, RepoPath, url_segment};

/// Maximum number of users that are notified of one event.
const RECEIVERS: i64 = 1000;

/// Maximum number of users that one comment can mention.
const MENTIONS: usize = 20;

/// Maximum number of characters of a comment in an e-mail.
const QUOTED: usize = 2000;

/// How long notifications are kept.
const KEPT: Duration = Duration::from_hours(90 * 24);

/// How long the activity of datasets is kept.
const ACTIVITY_KEPT: Duration = Duration::from_hours(365 * 24);

/// An event to notify users of.
struct News {
    discussion: DiscussionRow,
    repo: Id,
    path: RepoPath,
    subject: Id,
    event: Option<DiscussionEventRow>,
}

impl Discussions {
    /// Sets whether the user follows the dataset.
    pub async fn follow(&self, by: &ParticipantGrant, follows: bool) -> Result<()> {
        let mut tx = self.db.write().await?;
        tx.set_following(by.user(), by.grant().id(), follows, self.clock.now()).await?;
        tx.commit().await
    }

    /// Returns true if the actor follows the dataset.
    pub async fn is_following(&self, grant: &DatasetGrant<Read>) -> Result<bool> {
        let (user, _) = grant.actor().account()?;
        self.db.read().await?.is_following(user, grant.id()).await
    }

    /// Returns notifications of the actor, newest first, before the cursor, and the next cursor. Those about datasets that the
    /// actor cannot read any more are left out.
    pub async fn notifications(
        &self,
        actor: &Actor,
        unread: bool,
        before: Option<Id>,
        limit: usize,
    ) -> Result<(Vec<NotificationRow>, Option<Id>)> {
        let (user, _) = actor.account()?;
        let before = before.map(|id| id.to_string()).unwrap_or_default();
        let rows = self.db.read().await?.notifications(user, unread, &before, count(limit)).await?;
        let next = rows.last().filter(|_| rows.len() >= limit).map(|row| row.id);
        let mut readable = Readable::new(&self.access, actor);
        let mut seen = Vec::with_capacity(rows.len());
        for row in rows {
            if readable.has(&row.owner_name, &row.dataset_name).await? {
                seen.push(row);
            }
        }
        Ok((seen, next))
    }

    /// Marks notifications as read: those with these ids, or all.
    pub async fn read_notifications(&self, account: &AccountGrant, ids: Option<&[Id]>) -> Result<()> {
        let ids: Option<Vec<String>> = ids.map(|ids| ids.iter().map(ToString::to_string).collect());
        let mut tx = self.db.write().await?;
        tx.read_notifications(account.user(), ids.as_deref(), self.clock.now()).await?;
        tx.commit().await
    }

    /// Returns what the user is notified of, for each reason.
    pub async fn notification_settings(&self, account: &AccountGrant) -> Result<Vec<SettingRow>> {
        settings(&mut self.db.read().await?, account.user()).await
    }

    /// Sets what the user is notified of.
    pub async fn set_notification_settings(&self, account: &AccountGrant, new: &[SettingRow]) -> Result<()> {
        let mut tx = self.db.write().await?;
        for setting in new {
            tx.set_notification_setting(account.user(), *setting).await?;
        }
        tx.commit().await
    }

    /// Deletes old notifications and entries of the activity.
    pub async fn forget(&self) -> Result<()> {
        let mut tx = self.db.write().await?;
        tx.delete_old_activity(self.clock.now().minus(ACTIVITY_KEPT)).await?;
        tx.delete_old_notifications(self.clock.now().minus(KEPT)).await?;
        tx.commit().await
    }

    /// Notifies users of an event, or of a new discussion without a comment: a background job. Repeating it changes nothing.
    pub async fn notify(&self, subject: Id) -> Result<()> {
        let mut tx = self.db.read().await?;
        let Some(news) = find(&mut tx, subject).await? else { return Ok(()) };
        let author = news.event.as_ref().map_or(news.discussion.author_id, |event| event.author_id);
        let mentioned = news.event.as_ref().map(|event| mentions(&event.body)).unwrap_or_default();
        let receivers = tx.receivers(news.repo, news.discussion.id, &mentioned, author, RECEIVERS).await?;
        drop(tx);
        let mut readers = Vec::with_capacity(receivers.len());
        for receiver in receivers {
            if self.access.user_can_read(receiver.id, &receiver.name, &news.path).await? {
                readers.push(receiver);
            }
        }
        let mut tx = self.db.write().await?;
        for reader in &readers {
            self.notify_one(&mut tx, &news, reader).await?;
        }
        tx.commit().await
    }

    async fn notify_one(&self, tx: &mut Tx, news: &News, reader: &ReceiverRow) -> Result<()> {
        let reason = match reader.priority {
            1 => NotificationReason::Mention,
            2 => NotificationReason::Participating,
            3 => NotificationReason::Owner,
            _ => NotificationReason::Following,
        };
        let known = settings(tx, reader.id).await?;
        let setting = known.into_iter().find(|setting| setting.reason == reason);
        let Some(SettingRow { shown, email, .. }) = setting.filter(|setting| setting.shown || setting.email) else {
            return Ok(());
        };
        let author = news.author();
        let row = NotificationInsert {
            user: reader.id,
            discussion: news.discussion.id,
            subject: news.subject,
            reason,
            author,
            kind: news.event.as_ref().map_or(DiscussionEventKind::Comment, |event| event.kind),
            shown,
        };
        if !tx.insert_notification(self.clock.id(), &row, self.clock.now()).await? || !email {
            return Ok(());
        }
        let Ok(to) = reader.email.parse::<Email>() else { return Ok(()) };
        let (subject, text) = write(&self.base, news, reason);
        mail::enqueue_email(tx, &self.clock, &OutgoingEmail { to, subject, text }).await
    }
}

impl News {
    fn author(&self) -> &str {
        let name = match &self.event {
            Some(event) => &event.author_name,
            None => &self.discussion.author_name,
        };
        name.as_deref().unwrap_or("a deleted account")
    }
}

/// Finds the event; `None` if it was deleted or hidden since.
async fn find(tx: &mut Tx, subject: Id) -> Result<Option<News>> {
    let (event, discussion) = match tx.event_of_any(subject).await? {
        Some((event, _)) if event.hidden_at.is_some() => return Ok(None),
        Some((event, discussion)) => (Some(event), discussion),
        None => (None, subject),
    };
    let Some((discussion, repo)) = tx.discussion_of_any(discussion).await? else { return Ok(None) };
    let Some(path) = tx.dataset_path(repo).await? else { return Ok(None) };
    Ok(Some(News { discussion, repo, path, subject, event }))
}

/// Returns the settings for each reason.
pub(super) async fn settings(tx: &mut Tx, user: Id) -> Result<Vec<SettingRow>> {
    let known = tx.notification_settings(user).await?;
    let setting = |reason| {
        let own = known.iter().find(|setting| setting.reason == reason).copied();
        own.unwrap_or(SettingRow { reason, shown: true, email: true })
    };
    let reasons = [
        NotificationReason::Mention,
        NotificationReason::Participating,
        NotificationReason::Owner,
        NotificationReason::Following,
        NotificationReason::Versions,
        NotificationReason::Link,
    ];
    Ok(reasons.into_iter().map(setting).collect())
}

/// Returns the names that a comment mentions as `@name`, outside of code.
fn mentions(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut is_code = false;
    for line in text.lines() {
        if line.trim_start().starts_with("```") {
            is_code = !is_code;
            continue;
        }
        if is_code {
            continue;
        }
        // Every second part is between backticks.
        for part in line.split('`').step_by(2) {
            for (at, _) in part.match_indices('@') {
                let is_word = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
                if part[..at].chars().next_back().is_some_and(is_word) {
                    continue;
                }
                let rest = &part[at + 1..];
                let end = rest.find(|c: char| !is_word(c)).unwrap_or(rest.len());
                let name = rest[..end].trim_end_matches(['.', '-', '_']).to_ascii_lowercase();
                if !name.is_empty() && !found.contains(&name) && found.len() < MENTIONS {
                    found.push(name);
                }
            }
        }
    }
    found
}

/// Returns subject and text of the e-mail. What users wrote is quoted, so that it cannot pass for text of the server.
fn write(base: &str, news: &News, reason: NotificationReason) -> (String, String) {
    let News { discussion, path, event, .. } = news;
    let what = match discussion.kind {
        DiscussionKind::Discussion => "the discussion",
        DiscussionKind::Proposal => "the proposal",
    };
    let did = match event.as_ref().map(|event| (event.kind, event.number, event.after.as_deref())) {
        None | Some((DiscussionEventKind::Comment, 1, _)) => "opened",
        Some((DiscussionEventKind::Comment, ..)) => "commented on",
        Some((DiscussionEventKind::Merge, ..)) => "merged",
        Some((DiscussionEventKind::State, _, Some("open"))) => "opened again",
        Some((DiscussionEventKind::State, ..)) => "closed",
        Some((DiscussionEventKind::Title | DiscussionEventKind::Branch, ..)) => "changed",
    };
    let subject = format!("[{path}] {} ({})", discussion.title, discussion.number);
    let mut text = format!("{} {did} {what} {} of {path}.\n", news.author(), discussion.number);
    if let Some(event) = event.as_ref().filter(|event| !event.body.is_empty()) {
        text.push('\n');
        let body: String = event.body.chars().take(QUOTED).collect();
        for line in body.lines() {
            let line: String = line.chars().filter(|c| !c.is_control()).collect();
            let _ = writeln!(text, "> {line}");
        }
        if body.len() < event.body.len() {
            text.push_str("> …\n");
        }
    }
    let (owner, name) = (url_segment(path.owner.as_str()), url_segment(path.name.as_str()));
    let why = match reason {
        NotificationReason::Mention => "you were mentioned",
        NotificationReason::Participating => "you take part in it",
        NotificationReason::Owner => "you own the dataset",
        NotificationReason::Following => "you follow the dataset",
        NotificationReason::Versions => "you own or follow the dataset",
        NotificationReason::Link => "you created the link",
    };
    let _ = writeln!(text, "\n{base}/d/{owner}/{name}/discussions/{}", discussion.number);
    let _ = writeln!(text, "\nYou get this e-mail because {why}. Change what you get in the settings of your account.");
    (subject, text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_mentioned_outside_of_code_and_addresses() {
        let text = "Hello @Ada, and @bob.\n`@code` ada@example.org (@eve-2)\n```\n@hidden\n```\n@ada @";
        assert_eq!(mentions(text), ["ada", "bob", "eve-2"]);
        let many = (0..100).map(|number| format!("@user{number}")).collect::<Vec<_>>().join(" ");
        assert_eq!(mentions(&many).len(), MENTIONS);
    }
}
