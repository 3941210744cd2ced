//! Branches of proposals. For clients of Hugging Face, which have no branch yet when they open a proposal, a branch `pr/N` is
//! made, which they name `refs/pr/N`.

use metastore::{ObjectId, RefName};

use super::{Discussions, NewDiscussion, ProposalRange, branch_of, next_number};
use crate::access::{DatasetGrant, ParticipantGrant, Read, Write};
use crate::db::discussions::DiscussionRow;
use crate::error::{Error, Kind, Result};
use crate::types::DiscussionState;

/// Maximum number of names that are tried for a new branch.
const ATTEMPTS: usize = 20;

impl Discussions {
    /// Returns what a proposal would change, or has changed. Without a branch, it is what is recorded, until garbage collection
    /// drops that revision.
    pub async fn range(&self, grant: &DatasetGrant<Read>, row: &DiscussionRow) -> Result<ProposalRange> {
        if row.state != DiscussionState::Merged {
            let (source, target) = names(row)?;
            match self.datasets.branch_pair(grant, source.short(), Some(target.short())).await {
                Ok(pair) => return Ok(ProposalRange { base: pair.base, head: Some(pair.head) }),
                Err(error) if error.kind() == Kind::NotFound => {}
                Err(error) => return Err(error),
            }
        }
        let recorded = recorded(row)?;
        let Some(head) = recorded.head else { return Ok(recorded) };
        match self.datasets.revision(grant, &head.to_string()).await {
            Ok(_) => Ok(recorded),
            Err(error) if error.kind() == Kind::NotFound => Ok(ProposalRange { base: None, head: None }),
            Err(error) => Err(error),
        }
    }

    /// Reserves the number of a proposal, and makes its branch at a revision. If the proposal is not opened after all, call
    /// [`Discussions::drop_branch`].
    ///
    /// # Errors
    /// Conflict if the dataset has no revisions yet; not found if the revision does not exist.
    pub async fn reserve_branch(&self, grant: &DatasetGrant<Write>, revision: &str) -> Result<(i64, RefName)> {
        if self.datasets.newest(&grant.narrow()).await?.is_none() {
            return Err(Error::conflict("the dataset has no revisions yet; commit without a pull request first"));
        }
        for _ in 0..ATTEMPTS {
            let mut tx = self.db.write().await?;
            let number = next_number(&mut tx, grant.id()).await?;
            tx.commit().await?;
            let branch = branch_of(number)?;
            match self.datasets.create_branch(grant, branch.short(), Some(revision)).await {
                Ok(_) => return Ok((number, branch)),
                // There is an ordinary branch of this name.
                Err(error) if error.kind() == Kind::Conflict => {}
                Err(error) => return Err(error),
            }
        }
        Err(Error::conflict("the branches `pr/…` of the next proposals exist already; rename them"))
    }

    /// Opens a proposal with a reserved number, to merge its branch into `target`.
    ///
    /// # Errors
    /// As for [`Discussions::propose`].
    pub async fn propose_reserved(
        &self,
        by: &ParticipantGrant,
        new: &NewDiscussion,
        number: i64,
        target: &RefName,
    ) -> Result<DiscussionRow> {
        let (writer, branch) = (by.writer()?, branch_of(number)?);
        let pair = self.datasets.branch_pair(&writer.narrow(), branch.short(), Some(target.short())).await?;
        self.insert(by, new, Some(&pair), Some(number)).await
    }

    /// Deletes the branch of a proposal that could not be opened. If that fails, an ordinary branch is left.
    pub async fn drop_branch(&self, grant: &DatasetGrant<Write>, branch: &RefName) {
        if let Err(error) = self.datasets.delete_branch(grant, branch.short()).await {
            tracing::warn!(%error, branch = %branch, "cannot delete the branch of a proposal that was not opened");
        }
    }
}

/// Returns the source and the target branch of a proposal.
pub(super) fn names(row: &DiscussionRow) -> Result<(RefName, RefName)> {
    match (&row.source, &row.target) {
        (Some(source), Some(target)) => Ok((source.parse()?, target.parse()?)),
        _ => Err(Error::invalid(format!("{} is a discussion, which has no branches", row.number))),
    }
}

/// Returns what is recorded of the branches.
pub(super) fn recorded(row: &DiscussionRow) -> Result<ProposalRange> {
    let id = |hex: &Option<String>| hex.as_deref().map(|hex| ObjectId::from_hex(hex.as_bytes())).transpose();
    let read = |hex| id(hex).map_err(|_| Error::internal("the revision of a proposal is not an object id"));
    Ok(ProposalRange { base: read(&row.base)?, head: read(&row.head)? })
}
