//! What of the history is seen at a spot: all of it by those who may read the whole dataset, the default branch by those
//! who have a part, and since a link was made by those who have the link.

use std::sync::Arc;

use metastore::{CommitInfo, FilePath, ObjectId, Reader, Snapshot};

use super::super::Drive;
use super::super::revisions::head;
use crate::access::{History, Read, Spot};
use crate::error::{Error, Kind, Result};

/// Revisions that may have come since a link was made; of more the newest alone is seen.
const MOST: usize = 50_000;

/// Revisions that are looked at in one step for those that a link shows.
const STEP: usize = 100;

impl Drive {
    /// The revision that `expression` names, if it is seen at the spot. Who does not see the whole history names
    /// revisions by their full ids, as the list of versions has them, or the newest one: other names would tell of
    /// branches and tags.
    ///
    /// # Errors
    /// Not found, in one sentence for what is not there and what is not seen; as for [`Drive::resolve`].
    pub(super) async fn resolve_at(
        &self,
        spot: &Spot<Read>,
        snapshot: &Arc<Snapshot>,
        expression: &str,
    ) -> Result<ObjectId> {
        if spot.part().history() == History::Whole {
            return self.resolve(spot.id(), snapshot, expression).await;
        }
        if expression == "HEAD" || expression == snapshot.state().head.short() {
            return head(snapshot).ok_or_else(|| unseen(expression));
        }
        let id = Some(expression).filter(|id| id.len() == 40).and_then(|id| ObjectId::from_hex(id.as_bytes()).ok());
        let id = id.ok_or_else(|| unseen(expression))?;
        self.expect_seen(spot, snapshot, id).await?;
        Ok(id)
    }

    /// # Errors
    /// Not found for a revision that is not seen at the spot.
    pub(super) async fn expect_seen(
        &self,
        spot: &Spot<Read>,
        snapshot: &Arc<Snapshot>,
        revision: ObjectId,
    ) -> Result<()> {
        let (history, path) = (spot.part().history(), spot.path().cloned());
        let hidden = || unseen(&revision.to_string());
        if history == History::Whole {
            return Ok(());
        }
        let head = head(snapshot).ok_or_else(hidden)?;
        if revision == head {
            return Ok(());
        }
        let seen = snapshot
            .read(move |reader| match history {
                History::Whole => Ok(true),
                History::Branch => reader.is_ancestor(revision, head),
                History::Since(None, _) => Ok(false),
                History::Since(Some(since), _) => {
                    // As it was when the link was made it is called by the revision that made it so.
                    Ok(reader.descendants(since, head, MOST)?.contains(&revision)
                        || path.as_ref().is_some_and(|path| same(reader, path, since, revision))
                            && reader.is_ancestor(revision, head)?)
                }
            })
            .await
            .map_err(Error::from);
        match seen {
            Ok(true) => Ok(()),
            Ok(false) => Err(hidden()),
            Err(error) if matches!(error.kind(), Kind::NotFound | Kind::TooLarge) => Err(hidden()),
            Err(error) => Err(error),
        }
    }
}

fn unseen(expression: &str) -> Error {
    Error::not_found(format!("there is no revision `{}`, or you may not see it", expression.escape_debug()))
}

/// Whether the same stands at a path in both revisions.
fn same(reader: &Reader, path: &FilePath, one: ObjectId, other: ObjectId) -> bool {
    match (reader.entry(one, path), reader.entry(other, path)) {
        (Ok(one), Ok(other)) => (one.id, one.kind) == (other.id, other.kind),
        _ => false,
    }
}

/// Up to `limit` revisions that changed `path`, as [`Reader::log`] tells them, of those that have come since a link was
/// made. The last of them is the one that made the path what it was then: of that nothing is told but who and when.
pub(super) fn log_since(
    reader: &Reader,
    since: Option<ObjectId>,
    head: ObjectId,
    path: &FilePath,
    after: Option<ObjectId>,
    limit: usize,
) -> metastore::Result<Vec<CommitInfo>> {
    let Some(since) = since else { return Ok(Vec::new()) };
    let seen = match reader.descendants(since, head, MOST) {
        Err(metastore::Error::TooLarge(_)) => return Ok(Vec::new()),
        seen => seen?,
    };
    let (mut found, mut after) = (Vec::new(), after);
    loop {
        let commits = reader.log(head, STEP, Some(path), after)?;
        let is_end = commits.len() < STEP;
        for mut commit in commits {
            after = Some(commit.id);
            if commit.id != since && seen.contains(&commit.id) {
                found.push(commit);
            } else if !seen.is_empty() && reader.is_ancestor(commit.id, since)? {
                if same(reader, path, since, commit.id) {
                    commit.message.clear();
                    found.push(commit);
                }
                return Ok(found);
            }
            if found.len() == limit {
                return Ok(found);
            }
        }
        if is_end {
            return Ok(found);
        }
    }
}
