//! What ref transactions add to the activity of a dataset: new versions of the default branch, and releases (tags).

use std::time::Duration;

use metastore::{ObjectId, Ref, RefEdit, RefName};

use super::Datasets;
use crate::access::{Grant, Write};
use crate::db::Tx;
use crate::db::activity::VersionInsert;
use crate::error::Result;
use crate::jobs::{self, Kind};
use crate::types::{ActivityKind, Id, OWN_DRIVE, OwnerKind};

/// Maximum number of releases that one transaction adds: a push may create thousands of tags.
const RELEASES: usize = 10;

/// Maximum number of characters of a title.
const TITLE: usize = 200;

/// What the author of a revision wrote, as far as lists show it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Headline {
    /// First line of the message.
    pub title: String,
    /// Name of the author.
    pub signature: String,
}

impl Datasets {
    /// Records new versions and releases, and queues the notifications of them. `refs` are those before these edits: all, if
    /// one of the edits creates or deletes a ref.
    pub(super) async fn record_versions(
        &self,
        tx: &mut Tx,
        by: &Grant<Write>,
        (refs, edits): (&[Ref], &[&RefEdit]),
        head: &RefName,
    ) -> Result<()> {
        let dataset = by.dataset();
        // A drive has a version for each saved file.
        if dataset.owner_kind == OwnerKind::User && dataset.name == OWN_DRIVE {
            return Ok(());
        }
        let found = versions_in(refs, edits, head);
        // Creators of links choose for each of them whether they are notified.
        let quiet = by.actor().came_by_link();
        for (edit, kind, revision) in &found {
            let (revision, before) = (revision.to_string(), edit.old.map(|id| id.to_string()));
            let tag = (*kind == ActivityKind::Release).then(|| edit.name.short());
            let (author, before) = (by.actor().user(), before.as_deref());
            let new = VersionInsert { repo: by.id(), kind: *kind, author, revision: &revision, before, tag, quiet };
            tx.insert_version(self.clock.id(), &new, self.clock.now()).await?;
        }
        if found.is_empty() {
            return Ok(());
        }
        jobs::enqueue(tx, &self.clock, Kind::NotifyVersions, &by.id().to_string(), Duration::ZERO).await
    }

    /// Returns what revisions of a dataset say, for background work without an actor. Of one that does not exist any more, or is
    /// not a revision, it is empty.
    pub(crate) async fn headlines(&self, id: Id, revisions: Vec<ObjectId>) -> Result<Vec<Headline>> {
        let snapshot = self.snapshot_of(id).await?;
        let read = snapshot.read(move |reader| {
            let headline = |revision: &ObjectId| match reader.commit(*revision) {
                Ok(found) => Headline { title: line(&found.message), signature: line(&found.author.name) },
                Err(error) => {
                    tracing::debug!(%error, %revision, "cannot read a revision of the activity");
                    Headline::default()
                }
            };
            Ok(revisions.iter().map(headline).collect())
        });
        Ok(read.await?)
    }
}

/// Returns the first line of a text of others, shortened, without characters that change how the text around it is shown.
pub(crate) fn line(text: &str) -> String {
    let first = text.trim_start().lines().next().unwrap_or_default().trim_end();
    let is_shown = |c: &char| {
        !c.is_control() && !matches!(c, '\u{2028}' | '\u{2029}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    first.chars().filter(is_shown).take(TITLE).collect()
}

/// Returns the edits that make a version or a release, with its revision.
fn versions_in<'e>(refs: &[Ref], edits: &[&'e RefEdit], head: &RefName) -> Vec<(&'e RefEdit, ActivityKind, ObjectId)> {
    let revision_of = |name: &RefName| {
        let before = refs.iter().find(|each| each.name == *name);
        before.map(|each| each.peeled.unwrap_or(each.target))
    };
    // What a ref of this transaction that is renamed, or deleted, was at.
    let gone = |is_tag: bool, revision: ObjectId| {
        let mut gone = edits.iter().filter(|edit| edit.new.is_none() && edit.name.is_tag() == is_tag);
        gone.any(|edit| revision_of(&edit.name) == Some(revision))
    };
    let mut releases = 0;
    let made = edits.iter().filter_map(|edit| {
        let revision = edit.peeled.or(edit.new)?;
        if edit.name == *head {
            let is_new = edit.old != edit.new && (edit.old.is_some() || !gone(false, revision));
            return is_new.then_some((*edit, ActivityKind::Version, revision));
        }
        let is_new = edit.name.is_tag() && edit.old.is_none() && !gone(true, revision);
        releases += usize::from(is_new);
        (is_new && releases <= RELEASES).then_some((*edit, ActivityKind::Release, revision))
    });
    made.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(digit: char) -> ObjectId {
        ObjectId::from_hex(digit.to_string().repeat(40).as_bytes()).unwrap()
    }

    fn edit(name: &str, old: Option<char>, new: Option<char>) -> RefEdit {
        RefEdit { name: name.parse().unwrap(), old: old.map(id), new: new.map(id), peeled: None }
    }

    fn kinds(refs: &[(&str, char)], edits: &[RefEdit]) -> Vec<(String, ActivityKind)> {
        let refs: Vec<Ref> = refs
            .iter()
            .map(|(name, target)| Ref { name: name.parse().unwrap(), target: id(*target), peeled: None })
            .collect();
        let edits: Vec<&RefEdit> = edits.iter().collect();
        let found = versions_in(&refs, &edits, &"refs/heads/main".parse().unwrap());
        found.into_iter().map(|(edit, kind, _)| (edit.name.short().to_owned(), kind)).collect()
    }

    #[test]
    fn versions_are_of_the_default_branch_and_releases_are_new_tags() {
        let (main, side, tag) = ("refs/heads/main", "refs/heads/side", "refs/tags/v1");
        let edits = [edit(main, Some('a'), Some('b')), edit(side, None, Some('b')), edit(tag, None, Some('b'))];
        let both = [("main".to_owned(), ActivityKind::Version), ("v1".to_owned(), ActivityKind::Release)];
        assert_eq!(kinds(&[(main, 'a')], &edits), both);
        assert_eq!(kinds(&[], &[edit(main, None, Some('a'))]), both[..1]);
        assert!(kinds(&[(tag, 'a')], &[edit(tag, Some('a'), Some('b'))]).is_empty(), "a tag that moves");
        assert!(kinds(&[(tag, 'a')], &[edit(tag, Some('a'), None)]).is_empty());
    }

    #[test]
    fn titles_are_one_short_line() {
        assert_eq!(line("\n Add\u{202e} rows \r\n\nMore"), "Add rows");
        assert_eq!(line(&"ü".repeat(999)).chars().count(), TITLE);
        assert_eq!(line(""), "");
    }

    #[test]
    fn renames_are_nothing_new() {
        let renamed = [edit("refs/tags/v1", Some('a'), None), edit("refs/tags/v2", None, Some('a'))];
        assert!(kinds(&[("refs/tags/v1", 'a')], &renamed).is_empty());
        let renamed = [edit("refs/heads/old", Some('a'), None), edit("refs/heads/main", None, Some('a'))];
        assert!(kinds(&[("refs/heads/old", 'a')], &renamed).is_empty());
    }

    #[test]
    fn one_push_makes_few_releases() {
        let many: Vec<RefEdit> = (0..99).map(|n| edit(&format!("refs/tags/v{n}"), None, Some('a'))).collect();
        assert_eq!(kinds(&[], &many).len(), RELEASES);
    }
}
