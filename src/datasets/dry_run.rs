//! Dry runs of reverts and restores: what they would change.

use std::slice::from_ref;

use metastore::{ObjectId, Reader};
use serde_json::{Map, Value};

use super::Datasets;
use super::commits::{Planned, reading};
use super::compare::{Changed, describe};
use super::package::{Metadata, Package, metadata, package_at};
use super::revert::RevertPlan;
use super::revisions::CommitMeta;
use crate::access::{DatasetGrant, Write};
use crate::error::{Error, Result};

/// Maximum number of files that are listed.
pub const NAMED: usize = 1000;

/// The changes that an operation would make to a branch.
#[derive(Debug)]
pub struct DryRun {
    /// The current head of the branch.
    pub from: ObjectId,
    /// Number of files that would change.
    pub count: usize,
    /// The first [`NAMED`] of them, ordered by path.
    pub changes: Vec<Changed>,
    /// Metadata changes, as for [`Comparison::metadata`].
    ///
    /// [`Comparison::metadata`]: super::compare::Comparison::metadata
    pub metadata: Option<Metadata>,
}

/// The result of reading, before the packages are compared.
struct Found {
    count: usize,
    changes: Vec<Changed>,
    packages: Option<[Option<Package>; 2]>,
}

impl Datasets {
    /// Returns what [`Datasets::carry_out`] would change.
    ///
    /// # Errors
    /// As for [`Datasets::carry_out`], except that it is not an error if nothing would change.
    pub async fn dry_run(&self, grant: &DatasetGrant<Write>, plan: RevertPlan, wording: CommitMeta) -> Result<DryRun> {
        let wording = wording.or_message(&plan.message);
        // Runs the same checks as the change itself.
        let planned =
            self.plan(from_ref(grant), &wording, &reading(move |reader, head| plan.change(reader, head))).await;
        let Planned { snapshot, head, commit } = planned.map_err(|refusal| refusal.error)?;
        let head = head.ok_or_else(|| Error::not_found("the dataset has no revisions yet"))?;
        let unchanged = DryRun { from: head, count: 0, changes: Vec::new(), metadata: None };
        let Some(commit) = commit else { return Ok(unchanged) };
        let attempt = commit.changes();
        let found = snapshot.read(move |reader| {
            let made = reader.dry_run(&attempt).map_err(|flaw| flaw.error)?;
            made.map(|(then, tree)| look(reader, head, &then, tree)).transpose()
        });
        let Some(Found { count, changes, packages }) = found.await? else { return Ok(unchanged) };
        let metadata = match packages {
            Some([before, after]) => metadata(before, after).await?,
            None => None,
        };
        Ok(DryRun { from: head, count, changes, metadata })
    }
}

fn look(now: &Reader, head: ObjectId, then: &Reader, tree: ObjectId) -> metastore::Result<Found> {
    let changes = then.diff(Some(head), tree, true)?;
    let named = changes.iter().take(NAMED).map(|change| describe(then, change)).collect::<metastore::Result<_>>()?;
    let readable = |package: metastore::Result<Option<Map<String, Value>>>| match package {
        Ok(package) => Ok(Some(package)),
        Err(metastore::Error::Invalid(_) | metastore::Error::TooLarge(_)) => Ok(None),
        Err(error) => Err(error),
    };
    let packages = match (readable(package_at(now, head))?, readable(package_at(then, tree))?) {
        (Some(before), Some(after)) => Some([before, after]),
        (None, _) | (_, None) => None,
    };
    Ok(Found { count: changes.len(), changes: named, packages })
}
