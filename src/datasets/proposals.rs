//! What ref transactions do to proposals: a merge is recorded with the revision that it makes, and proposals follow the
//! branches that are renamed or deleted.

use std::time::Duration;

use metastore::{ObjectId, RefEdit, RefName, Snapshot};

use super::{Datasets, object_id};
use crate::access::{DatasetGrant, Grant, Write};
use crate::db::Tx;
use crate::db::discussions::{DiscussionRow, EventInsert};
use crate::error::{Error, Result};
use crate::jobs::{self, Kind};
use crate::types::{ActivityKind, DiscussionEventKind, DiscussionState, Id};

/// The merge of a proposal, to be recorded in the transaction that moves the target branch.
#[derive(Debug, Clone)]
pub(crate) struct ProposalMerge {
    /// Id of the proposal.
    pub id: Id,
    /// Number of the proposal.
    pub number: i64,
    /// The source branch.
    pub source: RefName,
    /// The user who merges it.
    pub by: Option<Id>,
    /// A comment to add before.
    pub comment: Option<String>,
    /// The common ancestor.
    pub base: Option<ObjectId>,
    /// The revision of the source branch that was merged.
    pub head: Option<ObjectId>,
}

impl Datasets {
    /// Returns the source branch of a proposal.
    pub(crate) async fn proposal_branch(&self, id: Id, number: i64) -> Result<Option<RefName>> {
        let found = self.db.read().await?.discussion(id, number).await?;
        Ok(found.and_then(|found| found.source).map(|source| source.parse::<RefName>()).transpose()?)
    }

    /// Returns the revision of the source branch of a proposal: of a merged one, the revision that was merged. `None` if
    /// there is no such proposal, or its branch was deleted long ago.
    pub(super) async fn proposal_revision(&self, id: Id, snapshot: &Snapshot, number: i64) -> Result<Option<ObjectId>> {
        let Some(found) = self.db.read().await?.discussion(id, number).await? else { return Ok(None) };
        let recorded = || found.head.as_deref().map(object_id).transpose();
        let Some(source) = &found.source else { return Ok(None) };
        let branch = snapshot.state().find(&source.parse()?).map(|branch| branch.target);
        match found.state {
            DiscussionState::Merged => recorded(),
            DiscussionState::Open | DiscussionState::Closed => branch.map_or_else(recorded, |head| Ok(Some(head))),
        }
    }

    /// Records the merge of a proposal by a transaction that moves the target branch to `merged`. Returns false if the
    /// source branch has moved in the meantime, so that the merge must be computed again.
    ///
    /// # Errors
    /// Conflict if the proposal is not open any more.
    pub(super) async fn record_merge(
        &self,
        tx: &mut Tx,
        by: &Grant<Write>,
        merge: &ProposalMerge,
        merged: ObjectId,
    ) -> Result<bool> {
        let source = tx.find_ref(by.id(), merge.source.as_str()).await?;
        let now_at = source.map(|row| object_id(&row.target)).transpose()?;
        let (Some(head), true) = (merge.head, now_at == merge.head) else { return Ok(false) };
        self.finish_proposal(tx, by, merge, head, merged).await?;
        Ok(true)
    }

    /// Records that a proposal was merged in another way, such as by a push: the target branch has all of its revisions.
    ///
    /// # Errors
    /// Conflict if the proposal is not open any more.
    pub(crate) async fn record_earlier_merge(
        &self,
        by: &DatasetGrant<Write>,
        merge: &ProposalMerge,
        head: ObjectId,
        merged: ObjectId,
    ) -> Result<()> {
        let mut tx = self.db.write().await?;
        self.finish_proposal(&mut tx, by, merge, head, merged).await?;
        tx.commit().await
    }

    /// Records that a proposal was merged by the revision `merged`, which has all revisions up to `head`.
    ///
    /// # Errors
    /// Conflict if the proposal is not open any more.
    async fn finish_proposal(
        &self,
        tx: &mut Tx,
        by: &Grant<Write>,
        merge: &ProposalMerge,
        head: ObjectId,
        merged: ObjectId,
    ) -> Result<()> {
        let now = self.clock.now();
        if let Some((author, comment)) = merge.by.zip(merge.comment.as_deref()) {
            let id = self.clock.id();
            tx.insert_discussion_event(id, merge.id, &EventInsert::comment(author, comment), now).await?;
            jobs::enqueue(tx, &self.clock, Kind::NotifyDiscussion, &id.to_string(), Duration::ZERO).await?;
        }
        let (base, merged) = (merge.base.map(|base| base.to_string()), merged.to_string());
        if !tx.set_proposal_merged(merge.id, base.as_deref(), &head.to_string(), &merged, now).await? {
            return Err(Error::conflict(format!("proposal {} is not open any more; reload it", merge.number)));
        }
        let (id, event) =
            (self.clock.id(), EventInsert::change(DiscussionEventKind::Merge, merge.by, None, Some(&merged)));
        tx.insert_discussion_event(id, merge.id, &event, now).await?;
        tx.insert_discussion_activity(id, merge.id, ActivityKind::Merged, merge.by, Some(&merged), now).await?;
        jobs::enqueue(tx, &self.clock, Kind::NotifyDiscussion, &id.to_string(), Duration::ZERO).await?;
        let detail = format!("{} {merged}", merge.number);
        self.audit(tx, by.actor(), "proposal.merge", &by.full_name(), &detail).await
    }

    /// Lets open proposals follow a branch that is renamed (old, new), and closes those of a branch that is deleted.
    pub(super) async fn follow_branches(
        &self,
        tx: &mut Tx,
        by: &Grant<Write>,
        edits: &[&RefEdit],
        renamed: Option<&(RefName, RefName)>,
    ) -> Result<()> {
        let gone = edits.iter().filter(|edit| edit.new.is_none() && edit.name.is_branch());
        for edit in gone {
            let new = renamed.filter(|(old, _)| *old == edit.name).map(|(_, new)| new);
            for proposal in tx.open_proposals_of(by.id(), edit.name.as_str()).await? {
                self.follow_branch(tx, by.actor().user(), &proposal, edit, new).await?;
            }
        }
        Ok(())
    }

    async fn follow_branch(
        &self,
        tx: &mut Tx,
        by: Option<Id>,
        proposal: &DiscussionRow,
        edit: &RefEdit,
        new: Option<&RefName>,
    ) -> Result<()> {
        let (now, name) = (self.clock.now(), edit.name.as_str());
        let (source, target) =
            (proposal.source.as_deref().unwrap_or_default(), proposal.target.as_deref().unwrap_or_default());
        let after = new.map(RefName::short);
        let event = EventInsert::change(DiscussionEventKind::Branch, by, Some(edit.name.short()), after);
        tx.insert_discussion_event(self.clock.id(), proposal.id, &event, now).await?;
        if let Some(new) = new {
            let moved = |branch: &str| if branch == name { new.to_string() } else { branch.to_owned() };
            return tx.set_proposal_branches(proposal.id, &moved(source), &moved(target)).await;
        }
        if let Some(head) = edit.old.filter(|_| source == name) {
            tx.set_proposal_head(proposal.id, &head.to_string()).await?;
        }
        tx.set_discussion_state(proposal.id, DiscussionState::Closed, now).await?;
        let (open, closed) = (DiscussionState::Open.as_str(), DiscussionState::Closed.as_str());
        let (id, event) =
            (self.clock.id(), EventInsert::change(DiscussionEventKind::State, by, Some(open), Some(closed)));
        tx.insert_discussion_event(id, proposal.id, &event, now).await?;
        tx.insert_discussion_activity(id, proposal.id, ActivityKind::Closed, by, None, now).await
    }
}
