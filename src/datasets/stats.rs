//! Dataset statistics: the size of its folders, what its revisions changed, and commit activity by week.

use std::collections::HashMap;
use std::sync::Arc;

use metastore::{Change, ChangeKind, CommitInfo, FilePath, ObjectId, Reader, Side, Summary};

use super::Datasets;
use super::browse::DEPTH;
use crate::access::{DatasetGrant, Read};
use crate::error::Result;
use crate::types::Millis;

const DAY: i64 = 86_400;
const WEEK: i64 = 7;

/// Days from the Monday before the Unix epoch to the epoch, which was a Thursday.
const MONDAY: i64 = 3;

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

/// The statistics of a list of revisions; `None` for those that were not counted.
pub struct ListedStats {
    /// In the order of the list.
    pub stats: Vec<Option<RevisionStats>>,
    /// The number of changed files that were read for it. Earlier results are kept.
    pub read: usize,
}

/// Commit times of the default branch, in seconds since the Unix epoch.
struct ActivityTimes(Vec<i64>);

/// The number of revisions in a week.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Week {
    /// Midnight (UTC) of its Monday.
    pub begins: Millis,
    /// Number of revisions created in the week.
    pub revisions: u64,
}

impl Datasets {
    /// Returns the number and total size of the files in a folder of a revision, and in each of its subfolders.
    ///
    /// # Errors
    /// Not found if the revision or the folder does not exist; too large for more than 500,000 entries.
    pub async fn summary(
        &self,
        grant: &DatasetGrant<Read>,
        revision: &str,
        path: Option<FilePath>,
    ) -> Result<Arc<Summary>> {
        let snapshot = self.snapshot(grant).await?;
        let revision = self.resolve(grant.id(), &snapshot, revision).await?;
        let key = (grant.id(), revision, path.as_ref().map(|path| path.as_str().into()));
        if let Some(summary) = self.memory.summaries.get(&key) {
            return Ok(summary);
        }
        let summary = Arc::new(snapshot.read_long(move |reader| reader.summary(revision, path.as_ref())).await?);
        self.memory.summaries.insert(key, Arc::clone(&summary));
        Ok(summary)
    }

    /// Counts what each of these revisions changed. Beyond [`MAX_COUNTED`] changed files, the rest is not counted.
    pub async fn revision_stats(&self, grant: &DatasetGrant<Read>, revisions: &[CommitInfo]) -> Result<ListedStats> {
        let known = |id| self.memory.revision_stats.get(&(grant.id(), id));
        let missing: Vec<_> = revisions.iter().filter(|revision| known(revision.id).is_none()).cloned().collect();
        let (mut stats, mut read) = (HashMap::new(), 0);
        if !missing.is_empty() {
            let snapshot = self.snapshot(grant).await?;
            (stats, read) = snapshot.read_long(move |reader| count(reader, &missing)).await?;
        }
        for (id, stats) in &stats {
            self.memory.revision_stats.insert((grant.id(), *id), *stats);
        }
        let stats = revisions.iter().map(|revision| match stats.get(&revision.id) {
            Some(stats) => *stats,
            None => known(revision.id).flatten(),
        });
        Ok(ListedStats { stats: stats.collect(), read })
    }

    /// Returns the number of revisions of the default branch in each of the last `weeks` weeks, the current week last.
    /// Only the newest [`DEPTH`] revisions are counted.
    pub async fn activity(&self, grant: &DatasetGrant<Read>, weeks: u16) -> Result<Vec<Week>> {
        let snapshot = self.snapshot(grant).await?;
        let moments = snapshot.derive(|reader| {
            let state = reader.state();
            let Some(head) = state.find(&state.head).map(|head| head.target) else {
                return Ok(ActivityTimes(Vec::new()));
            };
            let revisions = reader.history(head, None, None, DEPTH)?.ids;
            let moments = revisions.into_iter().map(|id| Ok(reader.commit(id)?.committer.seconds));
            Ok(ActivityTimes(moments.collect::<metastore::Result<_>>()?))
        });
        let now = i64::try_from(self.clock.now().seconds()).unwrap_or(i64::MAX);
        Ok(by_week(&moments.await?.0, now, weeks))
    }
}

/// Returns what the revisions changed, by their ids, and the number of changed files. A revision with more than
/// [`MAX_COUNTED`] of them has no statistics; those after the one that exceeds what is left are missing.
fn count(
    reader: &Reader,
    revisions: &[CommitInfo],
) -> metastore::Result<(HashMap<ObjectId, Option<RevisionStats>>, usize)> {
    let (mut counted, mut read) = (HashMap::new(), 0);
    for CommitInfo { id, parents, .. } in revisions {
        let changes = match reader.diff(parents.first().copied(), *id, false) {
            Ok(changes) => changes,
            Err(metastore::Error::TooLarge(_)) => break,
            Err(error) => return Err(error),
        };
        read += changes.len();
        if changes.len() > MAX_COUNTED {
            counted.insert(*id, None);
        } else if read <= MAX_COUNTED {
            counted.insert(*id, Some(sum(reader, &changes)?));
        }
        if read > MAX_COUNTED {
            break;
        }
    }
    Ok((counted, read))
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

fn week(seconds: i64) -> i64 {
    (seconds.div_euclid(DAY) + MONDAY).div_euclid(WEEK)
}

fn by_week(moments: &[i64], now: i64, weeks: u16) -> Vec<Week> {
    let last = week(now);
    let first = last - i64::from(weeks) + 1;
    let begins = |week: i64| Millis((week * WEEK - MONDAY) * DAY * 1000);
    let mut counted: Vec<Week> = (first..=last).map(|week| Week { begins: begins(week), revisions: 0 }).collect();
    for moment in moments {
        // A client's clock may be ahead of ours: count such commits in the current week.
        let place = usize::try_from(week(*moment).min(last) - first);
        if let Some(week) = place.ok().and_then(|place| counted.get_mut(place)) {
            week.revisions += 1;
        }
    }
    counted
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weeks_begin_on_mondays() {
        // Sunday, 22 November 2026, 03:00 UTC.
        let now = 1_795_316_400;
        let monday = now - 6 * DAY - 3 * 3600;
        let counted = by_week(&[now, monday, monday - 1, now + 90 * DAY, monday - 8 * DAY], now, 2);
        let weeks: Vec<(String, u64)> = counted.iter().map(|week| (week.begins.rfc3339(), week.revisions)).collect();
        let expected = [("2026-11-09T00:00:00Z", 1), ("2026-11-16T00:00:00Z", 3)];
        assert_eq!(weeks, expected.map(|(day, count)| (day.to_owned(), count)));
        assert_eq!(by_week(&[-5 * DAY], 0, 1)[0].revisions, 0, "the Saturday before the first Monday week");
    }
}
