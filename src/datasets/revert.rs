//! Reverts and restores: what to change, from the history. A new revision is made; history only grows.

use std::slice::from_ref;
use std::sync::Arc;

use metastore::{Edit, FilePath, ObjectId, Reader};

use super::Datasets;
use super::package::bring_back_resource;
use super::revisions::{Change, CommitMeta};
use crate::access::{DatasetGrant, Write};
use crate::error::Result;

/// The part of a dataset to restore.
#[derive(Debug, Clone)]
pub enum Part {
    /// The whole dataset.
    Whole,
    /// A file, or a folder with its contents.
    Path(FilePath),
    /// A resource of the package by name: its metadata and its files.
    Resource(String),
}

/// Computes edits from the head of the branch.
type Edits = Arc<dyn Fn(&Reader, ObjectId) -> metastore::Result<Vec<Edit>> + Send + Sync>;

/// A planned revert or restore, for [`Datasets::carry_out`] and [`Datasets::dry_run`].
#[derive(Clone)]
pub struct RevertPlan {
    /// Default commit message.
    pub(super) message: String,
    /// True to apply exactly these edits, without derived ones.
    exact: bool,
    edits: Edits,
}

impl RevertPlan {
    /// Returns what is to be changed at the head of the branch.
    pub(super) fn change(&self, reader: &Reader, head: Option<ObjectId>) -> metastore::Result<Change> {
        let head = head.ok_or_else(|| metastore::Error::NotFound("the dataset has no revisions yet".to_owned()))?;
        Ok(Change { edits: (self.edits)(reader, head)?, exact: self.exact, ..Change::default() })
    }
}

impl Datasets {
    /// Plans to revert the changes after `since` up to `upto`; without `since`, those of `upto` alone.
    ///
    /// # Errors
    /// As for [`Datasets::resolve`]; invalid if `since` is not part of the history of `upto`.
    pub async fn plan_revert(
        &self,
        grant: &DatasetGrant<Write>,
        since: Option<&str>,
        upto: &str,
    ) -> Result<RevertPlan> {
        let snapshot = self.snapshot(&grant.narrow()).await?;
        let upto = self.resolve(grant.id(), &snapshot, upto).await?;
        let since = match since {
            Some(since) => Some(self.resolve(grant.id(), &snapshot, since).await?),
            None => None,
        };
        let (commit, base) = snapshot
            .read(move |reader| {
                let commit = reader.commit(upto)?;
                let parent = commit.parents.first().copied();
                if let Some(since) = since
                    && !reader.is_ancestor(since, upto)?
                {
                    return Err(metastore::Error::Invalid(format!("{since} is not part of the history of {upto}")));
                }
                Ok((commit, since.or(parent)))
            })
            .await?;
        let title = commit.message.lines().next().unwrap_or_default();
        let message = match since {
            None => format!("Revert \"{title}\"\n\nThis reverts commit {upto}."),
            Some(since) => format!("Revert {since}..{upto}"),
        };
        let edits: Edits = Arc::new(move |reader, head| reader.undo(head, base, upto));
        Ok(RevertPlan { message, exact: true, edits })
    }

    /// Plans to restore the dataset, or a part of it, from an earlier revision.
    ///
    /// # Errors
    /// As for [`Datasets::resolve`].
    pub async fn plan_restore(&self, grant: &DatasetGrant<Write>, revision: &str, part: Part) -> Result<RevertPlan> {
        let snapshot = self.snapshot(&grant.narrow()).await?;
        let revision = self.resolve(grant.id(), &snapshot, revision).await?;
        let message = match &part {
            Part::Whole => format!("Restore the dataset as of {revision}"),
            Part::Path(path) => format!("Restore {path} as of {revision}"),
            Part::Resource(name) => format!("Restore the resource {name} as of {revision}"),
        };
        // The whole dataset is restored exactly. A part is written into the current dataset, with derived edits.
        let exact = matches!(part, Part::Whole);
        let edits: Edits = Arc::new(move |reader, head| match &part {
            Part::Whole => reader.bring_back(head, revision, None),
            Part::Path(path) => reader.bring_back(head, revision, Some(path)),
            Part::Resource(name) => bring_back_resource(reader, head, revision, name),
        });
        Ok(RevertPlan { message, exact, edits })
    }

    /// Reverts or restores, as a new revision.
    ///
    /// # Errors
    /// Conflict if the files to revert have been changed again since; not found for a path that is in neither revision,
    /// and for a resource that the earlier revision does not have; invalid if nothing would change; as for
    /// [`Datasets::commit_operations`].
    pub async fn carry_out(
        &self,
        grant: &DatasetGrant<Write>,
        plan: RevertPlan,
        wording: CommitMeta,
    ) -> Result<ObjectId> {
        let wording = wording.or_message(&plan.message);
        self.edit(from_ref(grant), wording, move |reader, head| plan.change(reader, head)).await?.made()
    }
}
