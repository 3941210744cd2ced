//! What revisions changed: how many files, and how many bytes.

use std::collections::HashMap;

use metastore::{Change, ChangeKind, CommitInfo, FilePath, ObjectId, Reader, Side};

use super::Datasets;
use crate::access::{DatasetGrant, Read};
use crate::error::Result;

/// Maximum number of changed files that are counted for a list of revisions.
const MAX_COUNTED: usize = 20_000;

/// How many files a revision changed since its first parent, and the sizes of their content, in bytes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RevisionStats {
    /// Files that were added.
    pub added: u64,
    /// Files with other content, another name or another mode.
    pub changed: u64,
    /// Files that were removed.
    pub removed: u64,
    /// The size of all added and changed files.
    pub bytes_added: u64,
    /// The size that the removed and changed files had.
    pub bytes_removed: u64,
}

impl Datasets {
    /// Returns what each of these revisions changed; with `path`, at and below it. Beyond [`MAX_COUNTED`] changed files, the
    /// rest is not counted, and `None`; what was counted is kept.
    pub async fn revision_stats(
        &self,
        grant: &DatasetGrant<Read>,
        revisions: &[CommitInfo],
        path: Option<&FilePath>,
    ) -> Result<Vec<Option<RevisionStats>>> {
        let key = |id| (grant.id(), id, path.map(|path| path.as_str().into()));
        let known = |id| self.memory.revision_stats.get(&key(id));
        let missing: Vec<_> = revisions.iter().filter(|revision| known(revision.id).is_none()).cloned().collect();
        let mut stats = HashMap::new();
        if !missing.is_empty() {
            let snapshot = self.snapshot(grant).await?;
            let path = path.cloned();
            stats = snapshot.read_long(move |reader| count(reader, &missing, path.as_ref())).await?;
        }
        for (id, stats) in &stats {
            self.memory.revision_stats.insert(key(*id), *stats);
        }
        let stats = revisions.iter().map(|revision| match stats.get(&revision.id) {
            Some(stats) => *stats,
            None => known(revision.id).flatten(),
        });
        Ok(stats.collect())
    }
}

/// Returns what the revisions changed, by their ids. Those after the one that exceeds [`MAX_COUNTED`] are missing; one that
/// exceeds it alone has no statistics.
fn count(
    reader: &Reader,
    revisions: &[CommitInfo],
    path: Option<&FilePath>,
) -> metastore::Result<HashMap<ObjectId, Option<RevisionStats>>> {
    let (mut counted, mut files) = (HashMap::new(), 0);
    for CommitInfo { id, parents, .. } in revisions {
        let parent = parents.first().copied();
        let changes = match path {
            Some(path) => reader.diff_at(parent, *id, path),
            None => reader.diff(parent, *id, false),
        };
        let found = changes.and_then(|changes| {
            let fits = files + changes.len() <= MAX_COUNTED;
            Ok((changes.len(), if fits { Some(sum(reader, &changes)?) } else { None }))
        });
        match found {
            Ok((more, Some(stats))) => {
                files += more;
                counted.insert(*id, Some(stats));
            }
            Ok((_, None)) | Err(metastore::Error::TooLarge(_)) => {
                if counted.is_empty() {
                    counted.insert(*id, None);
                }
                return Ok(counted);
            }
            Err(error) => return Err(error),
        }
    }
    Ok(counted)
}

fn sum(reader: &Reader, changes: &[Change]) -> metastore::Result<RevisionStats> {
    let bytes = |side: Option<Side>| {
        let Some(side) = side else { return Ok(0) };
        let entry = reader.entry_of("", side)?;
        Ok::<_, metastore::Error>(entry.pointer.map(|pointer| pointer.size).or(entry.size).unwrap_or_default())
    };
    let mut stats = RevisionStats::default();
    // What was removed here and added there was moved.
    let mut removed: HashMap<ObjectId, u64> = HashMap::new();
    for change in changes {
        stats.bytes_added = stats.bytes_added.saturating_add(bytes(change.new)?);
        stats.bytes_removed = stats.bytes_removed.saturating_add(bytes(change.old)?);
        match (change.kind == ChangeKind::Removed, change.old) {
            (true, Some(old)) => *removed.entry(old.id).or_default() += 1,
            _ if change.kind != ChangeKind::Added => stats.changed += 1,
            _ => {}
        }
    }
    for added in changes.iter().filter(|change| change.kind == ChangeKind::Added).filter_map(|change| change.new) {
        match removed.get_mut(&added.id) {
            Some(left) if *left > 0 => {
                *left -= 1;
                stats.changed += 1;
            }
            _ => stats.added += 1,
        }
    }
    stats.removed = removed.values().sum();
    Ok(stats)
}
