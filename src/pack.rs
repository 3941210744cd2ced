//! Packing (`rutter pack`): old versions of files are stored as their differences.

use std::collections::HashSet;

use crate::config::PackPolicy;
use crate::datasets::Datasets;
use crate::db::Db;
use crate::db::datasets::DatasetRow;
use crate::db::signed;
use crate::error::{Error, Kind, Result};
use crate::storage::{PackSummary, Storage};
use crate::types::RepoPath;

/// What a run tells about a dataset.
#[derive(Debug)]
pub enum PackEvent {
    /// Number of bytes of its objects that were read until now: each object up to twice.
    Read(u64),
    /// What was packed, or why it could not be.
    Ended(Result<PackSummary>),
}

/// Packs old versions. Cheap to clone.
#[derive(Clone)]
pub struct Packer {
    db: Db,
    drive: Datasets,
    storage: Storage,
}

impl Packer {
    /// Creates a packer.
    pub fn new(db: Db, drive: Datasets, storage: Storage) -> Self {
        Self { db, drive, storage }
    }

    /// Packs the old versions in all datasets that changed since the last time. A dataset that cannot be packed now is
    /// left for the next run.
    pub async fn run_due(&self) -> Result<()> {
        let due = self.db.read().await?.unpacked_datasets(&self.storage.packing_stores()?).await?;
        let due: HashSet<String> = due.into_iter().collect();
        if due.is_empty() {
            return Ok(());
        }
        // Not within `for`, where the transaction would stay open to the end.
        let datasets = self.db.read().await?.datasets().await?;
        for dataset in datasets.into_iter().filter(|dataset| due.contains(&dataset.id.to_string())) {
            let path = format!("{}/{}", dataset.owner_name, dataset.name);
            match self.dataset(&dataset, &mut |_| ()).await {
                Ok(PackSummary { objects: 0, .. }) => {}
                Ok(PackSummary { objects, bytes, written, .. }) => {
                    tracing::info!(dataset = path, objects, bytes, written, "packed old versions");
                }
                Err(error) if matches!(error.kind(), Kind::NotFound | Kind::Busy | Kind::Conflict) => {
                    tracing::info!(dataset = path, %error, "left old versions for the next run");
                }
                Err(error) => tracing::error!(dataset = path, %error, "cannot pack old versions"),
            }
        }
        Ok(())
    }

    /// Packs the old versions in one dataset, or in all. Calls `tell` with the path of a dataset.
    ///
    /// # Errors
    /// Invalid if the store of the only dataset is configured to never pack.
    pub async fn run(&self, only: Option<&RepoPath>, mut tell: impl FnMut(&str, PackEvent) + Send) -> Result<()> {
        let datasets = match only {
            Some(path) => {
                let found = self.db.read().await?.dataset(path).await?;
                let dataset = found.ok_or_else(|| Error::not_found(format!("dataset `{path}` not found")))?;
                if self.storage.pack_policy(&dataset.store)? == PackPolicy::Never {
                    let store = &dataset.store;
                    return Err(Error::invalid(format!(
                        "the objects of store `{store}` are not packed; set stores.{store}.pack to `old` or `all`"
                    )));
                }
                vec![dataset]
            }
            None => self.db.read().await?.datasets().await?,
        };
        for dataset in datasets {
            let path = format!("{}/{}", dataset.owner_name, dataset.name);
            let mut read = 0;
            let mut progress = |bytes| {
                read += bytes;
                tell(&path, PackEvent::Read(read));
            };
            let outcome = self.dataset(&dataset, &mut progress).await;
            tell(&path, PackEvent::Ended(outcome));
        }
        Ok(())
    }

    async fn dataset(&self, dataset: &DatasetRow, progress: &mut (dyn FnMut(u64) + Send)) -> Result<PackSummary> {
        if self.storage.pack_policy(&dataset.store)? == PackPolicy::Never {
            return Ok(PackSummary::default());
        }
        let old = self.drive.superseded(dataset.id).await?;
        let summary = self.storage.pack_dataset(dataset, |oid| old.has(oid), progress).await?;
        let mut tx = self.db.write().await?;
        tx.set_packed_generation(dataset.id, signed(old.generation)).await?;
        tx.commit().await?;
        Ok(summary)
    }
}
