//! Dataset statistics: the size of its folders, and commit activity by week.

use std::collections::HashMap;
use std::sync::Arc;

use metastore::{FilePath, Summary};

use super::Datasets;
use super::browse::DEPTH;
use crate::access::{DatasetGrant, Read};
use crate::db::unsigned;
use crate::error::Result;
use crate::types::{Id, Millis};

const DAY: i64 = 86_400;
const WEEK: i64 = 7;

/// Days from the Monday before the Unix epoch to the epoch, which was a Thursday.
const MONDAY: i64 = 3;

/// The number of weeks in lists of datasets.
const WEEKS_LISTED: usize = 12;

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
        let summary = Arc::new(snapshot.read_long(move |reader| reader.summary(revision, path.as_ref(), None)).await?);
        self.memory.summaries.insert(key, Arc::clone(&summary));
        Ok(summary)
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

    /// Returns the numbers of versions that were added in each of the last twelve weeks, the current week last, of those of
    /// these datasets that have any. It does not check who can read them.
    pub async fn weekly_versions(&self, datasets: &[Id]) -> Result<HashMap<Id, [u64; WEEKS_LISTED]>> {
        let mut found: HashMap<Id, [u64; WEEKS_LISTED]> = HashMap::new();
        if datasets.is_empty() {
            return Ok(found);
        }
        let now = i64::try_from(self.clock.now().seconds()).unwrap_or(i64::MAX);
        let first = week(now) + 1 - i64::try_from(WEEKS_LISTED).unwrap_or_default();
        for (id, week, count) in self.db.read().await?.weekly_versions(datasets, begin(first)).await? {
            let place = usize::try_from(week - first).unwrap_or_default().min(WEEKS_LISTED - 1);
            if let Some(counted) = found.entry(id).or_default().get_mut(place) {
                *counted += unsigned(count);
            }
        }
        Ok(found)
    }
}

/// Returns midnight (UTC) of the Monday of a week.
fn begin(week: i64) -> Millis {
    Millis((week * WEEK - MONDAY) * DAY * 1000)
}

fn week(seconds: i64) -> i64 {
    (seconds.div_euclid(DAY) + MONDAY).div_euclid(WEEK)
}

fn by_week(moments: &[i64], now: i64, weeks: u16) -> Vec<Week> {
    let last = week(now);
    let first = last - i64::from(weeks) + 1;
    let mut counted: Vec<Week> = (first..=last).map(|week| Week { begins: begin(week), revisions: 0 }).collect();
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
