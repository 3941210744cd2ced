//! Scrubbing: a slow background check that reads all data once per round of many days, a little in each run.
//!
//! Objects and packs are named by their hashes, so a fraction of the range of names is the same fraction of the data,
//! and the target position of a round is a name: after a third of the time it is `5555…`.

use std::time::{Duration, Instant};

use super::Checker;
use crate::datasets::{pack, repo_key};
use crate::db::check::{DatasetPackRow, ScrubRow};
use crate::error::Result;
use crate::types::Millis;

/// Maximum duration of one run; an item that has begun is finished. Other jobs wait for it.
const TIME: Duration = Duration::from_secs(10);

/// Maximum number of bytes that one run reads; an item that has begun is finished.
const BYTES: u64 = 4 << 30;

/// Sorts after all names.
const END: &str = "g";

/// Time and bytes that one run has used.
struct Budget {
    since: Instant,
    bytes: u64,
}

impl Budget {
    fn is_spent(&self) -> bool {
        self.bytes >= BYTES || self.since.elapsed() >= TIME
    }
}

/// Current and target position of a part of the scrub.
struct ScrubCursor {
    part: String,
    before: Option<ScrubRow>,
    now: ScrubRow,
    until: String,
}

impl Checker {
    /// Continues where the last run stopped, up to the position that the round should have reached by now. Damaged
    /// data is handled as by [`Checker::run`], and reported in the log and the audit trail.
    pub async fn scrub(&self) -> Result<()> {
        let Some(round) = self.round else { return Ok(()) };
        let mut budget = Budget { since: Instant::now(), bytes: 0 };
        let mut failed = self.scrub_packs(round, &mut budget).await.err();
        for (store, _) in self.storage.stores() {
            // An unavailable store must not block the others.
            failed = self.scrub_objects(&store, round, &mut budget).await.err().or(failed);
        }
        failed.map_or(Ok(()), Err)
    }

    async fn scrub_objects(&self, store: &str, round: Duration, budget: &mut Budget) -> Result<()> {
        let mut cursor = self.cursor(format!("objects/{store}"), round).await?;
        let end = loop {
            if budget.is_spent() {
                break Ok(false);
            }
            let looked = match self.storage.check_next(store, &cursor.now.last, &cursor.until).await {
                Ok(Some(looked)) => looked,
                Ok(None) => break Ok(true),
                Err(error) => break Err(error),
            };
            budget.bytes += looked.size;
            metrics::counter!("rutter_scrub_objects_total").increment(1);
            metrics::counter!("rutter_scrub_bytes_total").increment(looked.size);
            if !matches!(looked.outcome, Ok(None)) {
                metrics::counter!("rutter_scrub_damaged_total").increment(1);
            }
            if let Err(error) = looked.outcome {
                tracing::error!(store, oid = %looked.oid, %error, "cannot read an object");
            }
            cursor.now.last = looked.oid.to_string();
        };
        self.keep(cursor, end).await
    }

    async fn scrub_packs(&self, round: Duration, budget: &mut Budget) -> Result<()> {
        let mut cursor = self.cursor("packs".to_owned(), round).await?;
        let end = loop {
            if budget.is_spent() {
                break Ok(false);
            }
            let (last, repo) = cursor.now.last.split_once(' ').unwrap_or_default();
            let next = self.db.read().await?.packs_after(last, repo, 1).await?.pop();
            let Some(row) = next.filter(|row| row.pack.pack_id <= cursor.until) else { break Ok(true) };
            let name = format!("{} {}", row.pack.pack_id, row.repo_id);
            budget.bytes += row.pack.pack_bytes.unsigned_abs();
            metrics::counter!("rutter_scrub_packs_total").increment(1);
            metrics::counter!("rutter_scrub_bytes_total").increment(row.pack.pack_bytes.unsigned_abs());
            if let Err(error) = self.scrub_pack(row).await {
                break Err(error);
            }
            cursor.now.last = name;
        };
        self.keep(cursor, end).await
    }

    async fn scrub_pack(&self, row: DatasetPackRow) -> Result<()> {
        let (dataset, pack) = (row.repo_id, pack(row.pack)?);
        let found = self.drive.engine().check_pack(&repo_key(dataset)?, &pack).await?;
        // A repack may have replaced it meanwhile.
        let is_live = self.db.read().await?.packs(dataset).await?.iter().any(|row| row.object_key == pack.key);
        if found.is_empty() || !is_live {
            return Ok(());
        }
        let (detail, request) = (found.join("; "), crate::request::id());
        tracing::error!(%dataset, pack = %pack.id, detail, "damaged pack; restore it from a backup");
        metrics::counter!("rutter_scrub_damaged_total").increment(1);
        let subject = format!("{dataset}/{}", pack.id);
        let mut tx = self.db.write().await?;
        let (id, now) = (self.clock.id(), self.clock.now());
        tx.insert_audit(id, now, "rutter", "pack.damaged", &subject, &detail, &request).await?;
        tx.commit().await
    }

    async fn cursor(&self, part: String, round: Duration) -> Result<ScrubCursor> {
        let now = self.clock.now();
        let before = self.db.read().await?.scrub(&part).await?;
        let row = before.clone().unwrap_or(ScrubRow { started_at: now, last: String::new() });
        Ok(ScrubCursor { part, before, until: name_at(now.0.saturating_sub(row.started_at.0), round), now: row })
    }

    /// Saves the position of a part. `end` is true if it reached its target.
    async fn keep(&self, mut cursor: ScrubCursor, end: Result<bool>) -> Result<()> {
        if matches!(end, Ok(true)) && cursor.until == END {
            tracing::info!(part = cursor.part, since = cursor.now.started_at.rfc3339(), "scrub round finished");
            let now: Millis = self.clock.now();
            cursor.now = ScrubRow { started_at: now, last: String::new() };
        }
        if cursor.before.as_ref() != Some(&cursor.now) {
            let mut tx = self.db.write().await?;
            tx.set_scrub(&cursor.part, &cursor.now).await?;
            tx.commit().await?;
        }
        end.map(drop)
    }
}

/// Returns the name up to which a round should have read, `elapsed` milliseconds after it began.
fn name_at(elapsed: i64, round: Duration) -> String {
    let elapsed = u128::from(elapsed.max(0).unsigned_abs());
    match u64::try_from((elapsed << 64) / round.as_millis().max(1)) {
        Ok(name) => format!("{name:016x}"),
        Err(_) => END.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fraction_of_the_period_is_a_fraction_of_the_names() {
        let round = Duration::from_secs(3);
        assert_eq!(name_at(-5, round), "0000000000000000");
        assert_eq!(name_at(0, round), "0000000000000000");
        assert_eq!(name_at(1000, round), "5555555555555555");
        assert_eq!(name_at(1500, round), "8000000000000000");
        assert_eq!(name_at(2999, round), "ffea27983c131d5a");
        assert_eq!(name_at(3000, round), END);
        assert_eq!(name_at(i64::MAX, Duration::ZERO), END);
    }
}
