//! Garbage collection (`rutter gc`): deletes unused objects in steps, each after the grace period.

use std::time::Duration;

use lfs::Oid;
use metastore::Garbage;

use crate::clock::Clock;
use crate::datasets::Datasets;
use crate::datasets::idempotency::IDEMPOTENCY_KEY_TTL;
use crate::db::Db;
use crate::db::datasets::DatasetRow;
use crate::error::{Error, Kind, Result};
use crate::retry::retry_on_conflict;
use crate::storage::Storage;
use crate::storage::collect::{GcOptions, GcState};
use crate::types::{Id, Millis};

/// Number of attempts for a dataset with concurrent changes, before it is left for the next run.
const ATTEMPTS: u32 = 3;

/// Runs garbage collection. Cheap to clone.
#[derive(Clone)]
pub struct Collector {
    db: Db,
    drive: Datasets,
    storage: Storage,
    clock: Clock,
    grace: Duration,
}

/// The action for one object.
#[derive(Debug, Clone)]
pub struct Line {
    /// `owner/name`; `None` for an object in no dataset.
    pub dataset: Option<String>,
    /// Id of the object.
    pub oid: Oid,
    /// Size in bytes.
    pub size: u64,
    /// State of the object.
    pub fate: GcState,
    /// Time of the next step, for objects in the grace period.
    pub due: Option<Millis>,
}

/// The result of a run, or of a dry run.
#[derive(Debug, Clone, Default)]
pub struct Summary {
    /// Number and bytes of unused objects in the grace period.
    pub unused: (u64, u64),
    /// Number and bytes of objects that were removed from datasets.
    pub released: (u64, u64),
    /// Number and bytes of objects that were deleted.
    pub deleted: (u64, u64),
    /// Number and bytes of unreachable git objects that were deleted.
    pub git: (u64, u64),
    /// Datasets that were left for the next run because of concurrent changes, with the reason.
    pub left: Vec<String>,
    /// Datasets and stores that could not be processed, with the reason.
    pub problems: Vec<String>,
}

impl Collector {
    /// Creates a collector.
    pub fn new(db: Db, drive: Datasets, storage: Storage, clock: Clock, grace: Duration) -> Self {
        Self { db, drive, storage, clock, grace }
    }

    /// Returns the grace period: how long something must have been unused.
    pub fn grace(&self) -> Duration {
        self.grace.max(self.storage.shortest_grace())
    }

    /// Collects garbage in all datasets, then in the stores; or in one dataset, but no store. Calls `tell` for each
    /// object.
    pub async fn run(&self, only: Option<Id>, dry_run: bool, mut tell: impl FnMut(Line) + Send) -> Result<Summary> {
        let now = self.clock.now();
        let grace = self.grace();
        let terms = GcOptions { now, before: now.minus(grace), dry_run };
        let mut summary = Summary::default();
        if only.is_none() && !dry_run {
            // Abandoned uploads still reserve space, so they are deleted first.
            if let Err(error) = self.storage.reap().await {
                summary.failed("uploads", &error);
            }
        }
        // Not within `for`, where the transaction would stay open to the end: SQLite cannot checkpoint its WAL past
        // an open reader.
        let datasets = self.db.read().await?.datasets().await?;
        for dataset in datasets {
            if only.is_some_and(|only| only != dataset.id) {
                continue;
            }
            let path = format!("{}/{}", dataset.owner_name, dataset.name);
            let mut note = |line: Line| {
                summary.count(&line);
                tell(line);
            };
            if let Err(error) = self.dataset(&dataset, &path, terms, grace, &mut note).await {
                summary.failed(&path, &error);
                if error.kind() != Kind::Busy {
                    continue;
                }
            }
            match self.repack(dataset.id, terms).await {
                Ok(garbage) => {
                    summary.git.0 += garbage.objects;
                    summary.git.1 += garbage.bytes;
                }
                Err(error) => summary.failed(&path, &error),
            }
        }
        if only.is_none() {
            let mut note = |found: crate::storage::collect::GcFinding| {
                let line = Line { dataset: None, oid: found.oid, size: found.size, fate: found.fate, due: None };
                summary.count(&line);
                tell(line);
            };
            self.storage.collect_stores(terms, &mut note).await?;
            if !dry_run {
                let mut tx = self.db.write().await?;
                tx.forget_tokens(terms.before).await?;
                tx.forget_idempotency_keys(now.minus(IDEMPOTENCY_KEY_TTL)).await?;
                tx.commit().await?;
            }
        }
        if !dry_run {
            metrics::counter!("rutter_gc_runs_total").increment(1);
            metrics::counter!("rutter_gc_released_objects_total").increment(summary.released.0);
            metrics::counter!("rutter_gc_deleted_objects_total").increment(summary.deleted.0);
            metrics::counter!("rutter_gc_deleted_bytes_total").increment(summary.deleted.1);
        }
        Ok(summary)
    }

    async fn dataset(
        &self,
        dataset: &DatasetRow,
        path: &str,
        terms: GcOptions,
        grace: Duration,
        note: &mut (dyn FnMut(Line) + Send),
    ) -> Result<()> {
        // If there are too many changes, the marks are kept for the next run.
        let lines = retry_on_conflict(ATTEMPTS, || async {
            let reached = self.drive.reached(dataset.id, terms.before).await?;
            let mut lines = Vec::new();
            let is_reached = |oid: &Oid| reached.has(oid);
            let mut keep = |found| lines.push(found);
            let ended =
                self.storage.collect_dataset(dataset.id, reached.generation, is_reached, terms, &mut keep).await?;
            Ok::<_, Error>(ended.then_some(lines))
        });
        for found in lines.await? {
            let due = match found.fate {
                GcState::Unused => Some(terms.now.plus(grace)),
                GcState::Waiting(since) => Some(since.plus(grace)),
                GcState::Released | GcState::Deleted | GcState::Stray => None,
            };
            let dataset = Some(path.to_owned());
            note(Line { dataset, oid: found.oid, size: found.size, fate: found.fate, due });
        }
        Ok(())
    }

    /// Deletes unreachable git objects. Retries if there are too many concurrent changes.
    async fn repack(&self, dataset: Id, terms: GcOptions) -> Result<Garbage> {
        retry_on_conflict(ATTEMPTS, || async {
            match self.drive.collect_garbage(dataset, terms.before, terms.dry_run).await {
                Err(error) if error.kind() == Kind::Busy => {
                    tracing::debug!(%dataset, %error, "retrying garbage collection");
                    Ok(None)
                }
                end => end.map(Some),
            }
        })
        .await
    }
}

impl Summary {
    /// Records the failure of one dataset, so that the others can continue.
    fn failed(&mut self, path: &str, error: &Error) {
        match error.kind() {
            // The dataset was deleted meanwhile.
            Kind::NotFound => {}
            Kind::Busy => self.left.push(format!("{path}: {error}")),
            _ => self.problems.push(format!("{path}: {error}")),
        }
    }

    fn count(&mut self, line: &Line) {
        let (objects, bytes) = match line.fate {
            GcState::Unused | GcState::Waiting(_) => &mut self.unused,
            GcState::Released => &mut self.released,
            GcState::Deleted | GcState::Stray => &mut self.deleted,
        };
        *objects += 1;
        *bytes += line.size;
    }
}
