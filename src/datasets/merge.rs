//! Merging branches: whether one can be merged into another, and the merge itself, which lands like any other revision.

use std::slice::from_ref;
use std::sync::Arc;

use metastore::{Changeset, Edit, Merge, MergeConflict, ObjectId, Reader, RefName, Snapshot};
use serde_json::Value;

use super::Datasets;
use super::commits::CommitOutcome;
use super::package::{MANIFEST, package_at};
use super::policy::locked;
use super::proposals::ProposalMerge;
use super::refs::branch_name;
use super::revisions::{Change, CommitMeta};
use crate::access::{DatasetGrant, Read, Write};
use crate::error::{Error, Result};

/// Maximum number of conflicts, problems and missing objects that are returned.
pub const NAMED: usize = 100;

/// How two revisions can be merged.
#[derive(Debug, Clone)]
pub struct Mergeability {
    /// The revision to merge.
    pub from: ObjectId,
    /// The revision to merge into.
    pub into: ObjectId,
    /// The common ancestor; `None` if there is none, or several.
    pub base: Option<ObjectId>,
    /// The kind of merge.
    pub way: MergeWay,
}

/// The kind of a merge.
#[derive(Debug, Clone)]
pub enum MergeWay {
    /// Everything is merged already.
    UpToDate,
    /// The branch can move forward.
    FastForward,
    /// A merge revision can be made.
    Clean,
    /// Files that both sides changed: the first [`NAMED`] of them, and their number.
    Conflicts(Vec<MergeConflict>, usize),
    /// The two cannot be merged here, for this reason.
    Unrelated(String),
}

/// What the result of a merge would be.
#[derive(Debug)]
pub struct MergeChecks {
    /// Whether it can be merged.
    pub merge: Mergeability,
    /// Number of files that would change.
    pub files: usize,
    /// True if the merge would change `datapackage.json`.
    pub changes_package: bool,
    /// Why the merged `datapackage.json` is not valid, if it is not.
    pub package: Option<String>,
    /// Files that would change whose Git LFS objects the dataset does not hold: the first [`NAMED`] of them, and their
    /// number.
    pub missing: (Vec<String>, usize),
    /// Files that would change and that others have locked, with the names of these users: the first [`NAMED`] of them.
    pub locked: Vec<(String, String)>,
}

/// A branch to merge, and the one to merge it into.
#[derive(Debug, Clone)]
pub(crate) struct BranchPair {
    /// The branch to merge.
    pub source: RefName,
    /// The branch to merge into.
    pub target: RefName,
    /// Revision of the source branch.
    pub head: ObjectId,
    /// Revision of the target branch.
    pub into: ObjectId,
    /// The common ancestor; `None` if there is none, or several.
    pub base: Option<ObjectId>,
}

/// A merge to make.
#[derive(Debug, Clone)]
pub struct MergeRequest {
    /// The branch to merge.
    pub source: RefName,
    /// The branch to merge into.
    pub target: RefName,
    /// The revision at which the source branch must be, if the caller has seen one.
    pub expected: Option<ObjectId>,
    /// Message of a merge revision.
    pub message: String,
}

impl Mergeability {
    /// Returns true if a merge would succeed and change the branch.
    pub fn is_possible(&self) -> bool {
        matches!(self.way, MergeWay::FastForward | MergeWay::Clean)
    }
}

impl Datasets {
    /// Finds out how the revision `from` can be merged into the revision `into`.
    ///
    /// # Errors
    /// As for [`Datasets::resolve`]; too large for more than 500,000 changes on one side, or 64 MiB of paths.
    pub async fn mergeability(&self, grant: &DatasetGrant<Read>, from: &str, into: &str) -> Result<Arc<Mergeability>> {
        let snapshot = self.snapshot(grant).await?;
        let from = self.resolve(grant.id(), &snapshot, from).await.map_err(|error| error.of_part("`from`"))?;
        let into = self.resolve(grant.id(), &snapshot, into).await.map_err(|error| error.of_part("`into`"))?;
        let key = (grant.id(), Some(into), from);
        if let Some(found) = self.memory.merges.get(&key) {
            return Ok(found);
        }
        let merge = snapshot.read_long(move |reader| reader.merge(into, from, &MANIFEST)).await?;
        let found = Arc::new(describe(from, into, &merge));
        self.memory.merges.insert(key, Arc::clone(&found));
        Ok(found)
    }

    /// Checks what merging one branch into another would give.
    ///
    /// # Errors
    /// As for [`Datasets::mergeability`]; not found if a branch does not exist.
    pub(crate) async fn merge_checks(
        &self,
        grant: &DatasetGrant<Read>,
        source: &RefName,
        target: &RefName,
    ) -> Result<MergeChecks> {
        let snapshot = self.snapshot(grant).await?;
        let (from, into) = (head_of(&snapshot, source)?, head_of(&snapshot, target)?);
        let meta = CommitMeta::default().or_message("Merge");
        let draft = self.changes(grant.actor(), target.clone(), &meta, Vec::new(), Some(from)).await?;
        let found = snapshot.read_long(move |reader| {
            let merge = reader.merge(into, from, &MANIFEST)?;
            let described = describe(from, into, &merge);
            let (edits, is_clean) = match merge.1 {
                Merge::FastForward(edits) => (edits, false),
                Merge::Clean(edits) => (edits, true),
                Merge::UpToDate | Merge::Conflicts(_) | Merge::Unrelated(_) => (Vec::new(), false),
            };
            let mut changes = Changeset { edits, ..draft.clone() };
            let changes_package = changes_package(&changes.edits);
            let mut checked =
                if is_clean { follow(reader, &mut changes) } else { expect_sound(reader, from, &changes.edits) };
            let package = match &mut checked {
                Err(metastore::Error::Invalid(why)) => Some(std::mem::take(why)),
                _ => None,
            };
            if package.is_none() {
                checked?;
            }
            let path = |edit: usize| changes.edits[edit].paths().last().map(ToString::to_string).unwrap_or_default();
            let pointers = reader.pointers_in(&changes)?;
            let pointers: Vec<_> = pointers.into_iter().map(|(edit, pointer)| (path(edit), pointer)).collect();
            let paths: Vec<String> = changes.edits.iter().flat_map(Edit::paths).map(ToString::to_string).collect();
            Ok((described, changes_package, package, pointers, paths))
        });
        let (merge, changes_package, package, pointers, paths) = found.await?;
        self.memory.merges.insert((grant.id(), Some(into), from), Arc::new(merge.clone()));
        let missing = self.missing_objects(grant.id(), pointers).await?;
        let count = missing.len();
        let missing = missing.into_iter().take(NAMED).map(|(path, _)| path).collect();
        let locks = self.db.read().await?.foreign_locks(grant.id(), &grant.actor().key()).await?;
        let locked = locked(&locks, paths.iter().map(|path| (path.as_str(), ()))).into_iter().take(NAMED);
        let locked = locked.map(|(lock, ())| (lock.path.clone(), lock.owner_name.clone())).collect();
        Ok(MergeChecks { merge, files: paths.len(), changes_package, package, missing: (missing, count), locked })
    }

    /// Merges a branch into another one, for a proposal: both are recorded in one transaction. If a branch moves in the
    /// meantime, the merge is computed again.
    ///
    /// # Errors
    /// Conflict for files that both sides changed, for histories without a common revision, and if the proposal is not open
    /// any more; precondition failed if the source branch is not at the expected revision; not found if a branch does not
    /// exist; invalid if the merged `datapackage.json` is not valid; as for [`Datasets::commit_operations`].
    pub(crate) async fn merge(
        &self,
        grant: &DatasetGrant<Write>,
        request: &MergeRequest,
        proposal: &ProposalMerge,
    ) -> Result<CommitOutcome> {
        let work = |snapshot: Arc<Snapshot>, into: Option<ObjectId>| async move {
            let from = head_of(&snapshot, &request.source)?;
            if request.expected.is_some_and(|expected| expected != from) {
                return Err(super::revisions::moved(&request.source));
            }
            let into = into.ok_or_else(|| missing_branch(&request.target))?;
            let (base, merge) = snapshot
                .read_long(move |reader| {
                    let merge = reader.merge(into, from, &MANIFEST)?;
                    if let Merge::FastForward(edits) = &merge.1 {
                        expect_sound(reader, from, edits)?;
                    }
                    Ok(merge)
                })
                .await?;
            let proposal = ProposalMerge { base, head: Some(from), ..proposal.clone() };
            let change = |edits, forward| Change { edits, joined: Some((from, forward)), ..Change::default() };
            match merge {
                Merge::UpToDate => Ok(Change::default()),
                Merge::FastForward(edits) => {
                    Ok(Change { exact: true, proposal: Some(proposal), ..change(edits, true) })
                }
                Merge::Clean(edits) => Ok(Change { proposal: Some(proposal), ..change(edits, false) }),
                Merge::Conflicts(conflicts) => Err(Error::conflict(complaint(request, &conflicts))),
                Merge::Unrelated(why) => Err(Error::conflict(why)),
            }
        };
        let meta = CommitMeta { branch: Some(request.target.clone()), ..CommitMeta::default() };
        let meta = CommitMeta { message: Some(request.message.clone()), ..meta };
        let done = self.revise(from_ref(grant), meta, None, work).await;
        done.map_err(|refusal| refusal.error)
    }

    /// Returns two branches, which exist and differ, and what they have in common. Without `target`, it is the default
    /// branch.
    ///
    /// # Errors
    /// Not found if one does not exist; invalid if they are the same, and for invalid names.
    pub(crate) async fn branch_pair(
        &self,
        grant: &DatasetGrant<Read>,
        source: &str,
        target: Option<&str>,
    ) -> Result<BranchPair> {
        let snapshot = self.snapshot(grant).await?;
        let source = branch_name(source)?;
        let target = target.map_or_else(|| Ok(snapshot.state().head.clone()), branch_name)?;
        if source == target {
            return Err(Error::invalid(format!("`{}` cannot be merged into itself", source.short())));
        }
        let (head, into) = (head_of(&snapshot, &source)?, head_of(&snapshot, &target)?);
        let base = if let Some(known) = self.memory.merges.get(&(grant.id(), Some(into), head)) {
            known.base
        } else {
            // This may read both histories.
            let bases = snapshot.read_long(move |reader| reader.merge_bases(into, head)).await?;
            bases.first().copied().filter(|_| bases.len() == 1)
        };
        Ok(BranchPair { source, target, head, into, base })
    }
}

/// Returns the revision of a branch.
///
/// # Errors
/// Not found if it does not exist.
pub(super) fn head_of(snapshot: &Snapshot, branch: &RefName) -> Result<ObjectId> {
    let found = snapshot.state().find(branch).map(|found| found.target);
    found.ok_or_else(|| missing_branch(branch))
}

fn missing_branch(branch: &RefName) -> Error {
    Error::not_found(format!("branch `{}` not found", branch.short()))
}

fn describe(from: ObjectId, into: ObjectId, (base, merge): &(Option<ObjectId>, Merge)) -> Mergeability {
    let way = match merge {
        Merge::UpToDate => MergeWay::UpToDate,
        Merge::FastForward(_) => MergeWay::FastForward,
        Merge::Clean(_) => MergeWay::Clean,
        Merge::Conflicts(all) => MergeWay::Conflicts(all.iter().take(NAMED).cloned().collect(), all.len()),
        Merge::Unrelated(why) => MergeWay::Unrelated(why.clone()),
    };
    Mergeability { from, into, base: *base, way }
}

fn changes_package(edits: &[Edit]) -> bool {
    let package = super::package::place();
    edits.iter().any(|edit| edit.paths().any(|path| *path == package))
}

/// Checks the package of a revision that a branch is to be moved to, if it changes. A merge revision is checked by
/// [`Reader::follow`], like any other commit.
///
/// # Errors
/// Invalid if it is not valid.
fn expect_sound(reader: &Reader, revision: ObjectId, edits: &[Edit]) -> metastore::Result<()> {
    if !changes_package(edits) {
        return Ok(());
    }
    let Some(package) = package_at(reader, revision)? else { return Ok(()) };
    let problems = datapackage::check(&Value::Object(package), |path| path.parse::<metastore::FilePath>().is_ok());
    if problems.is_empty() { Ok(()) } else { Err(metastore::Error::Invalid(datapackage::complaint(&problems))) }
}

/// Adds the derived edits.
fn follow(reader: &Reader, changes: &mut Changeset) -> metastore::Result<()> {
    let derived = reader.follow(changes, &MANIFEST, None).map_err(|flaw| flaw.error)?;
    changes.edits.extend(derived.edits);
    Ok(())
}

fn complaint(request: &MergeRequest, conflicts: &[MergeConflict]) -> String {
    /// Maximum number of paths in the message.
    const SHOWN: usize = 10;
    let mut paths: Vec<&str> = conflicts.iter().take(SHOWN).map(|conflict| conflict.path.as_str()).collect();
    let more = format!("{} more", conflicts.len().saturating_sub(SHOWN));
    if conflicts.len() > SHOWN {
        paths.push(&more);
    }
    let (source, target) = (request.source.short(), request.target.short());
    format!(
        "`{source}` and `{target}` changed the same files in different ways: {}; merge `{target}` into `{source}` with \
         git, or change these files on `{source}`",
        paths.join(", ")
    )
}
