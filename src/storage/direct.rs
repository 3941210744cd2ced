//! Quota reservations of direct uploads (one request to a bucket): offered bytes are reserved, and uploads that are not
//! verified before their URL expires are deleted.

use std::collections::HashMap;
use std::time::Duration;

use lfs::Oid;
use lfs::store::{CloudStore, Key};

use super::direct_upload::{UploadTarget, only_part};
use super::stores::Store;
use super::{Storage, stores};
use crate::db::datasets::DatasetRow;
use crate::db::uploads::DirectUploadRow;
use crate::db::{oid, signed};
use crate::error::{Error, Result};
use crate::quota::{EffectiveQuota, QuotaUsage};
use crate::types::Millis;

impl Storage {
    /// Returns the upload targets of these objects. If the dataset has a quota, their bytes are reserved until they are
    /// uploaded or their URLs expire; a repeated request returns the same targets.
    ///
    /// # Errors
    /// Full if a quota is exceeded by concurrent uploads.
    pub(super) async fn offer_direct(
        &self,
        dataset: &DatasetRow,
        store: &str,
        bucket: &CloudStore,
        is_bare: bool,
        wanted: &[(Oid, u64)],
    ) -> Result<HashMap<Oid, UploadTarget>> {
        let mut targets = HashMap::new();
        let Some(bounds) = EffectiveQuota::of(dataset, &self.0.quotas).filter(|_| !wanted.is_empty()) else {
            return Ok(targets);
        };
        // The upload URL is valid for one lifetime, and so is the verify URL after it.
        let expires_at = self.0.clock.now().plus(2 * Duration::from_secs(u64::from(self.0.lifetime)));
        let mut tx = self.0.db.write().await?;
        let mut ledger = QuotaUsage::lock(&mut tx, &[&bounds]).await?;
        if let Some(refusal) = ledger.refusal_of_news(&mut tx, &bounds, &mut wanted.to_vec(), 0).await? {
            return Err(Error::full(refusal));
        }
        for (oid, size) in wanted {
            let (kind, name) = UploadTarget::new(bucket, is_bare).named();
            let row = DirectUploadRow {
                repo_id: dataset.id,
                oid: oid.to_string(),
                kind: kind.to_owned(),
                target: name,
                size: signed(*size),
                store: store.to_owned(),
                expires_at,
            };
            targets.insert(*oid, UploadTarget::of(kind, &tx.add_direct_upload(&row).await?)?);
        }
        tx.commit().await?;
        Ok(targets)
    }

    /// Deletes direct uploads that were not verified before their URLs expired. Returns the number of expired uploads.
    pub(super) async fn sweep_direct(&self, now: Millis) -> Result<usize> {
        let mut swept = 0;
        loop {
            let page = self.0.db.read().await?.expired_direct_uploads(now, 100).await?;
            if page.is_empty() {
                return Ok(swept);
            }
            for row in page {
                let mut tx = self.0.db.write().await?;
                let is_over = tx.remove_direct_upload(&row, now).await?;
                tx.commit().await?;
                if !is_over {
                    continue;
                }
                swept += 1;
                if let Err(error) = self.discard_direct(&row).await {
                    // It has no row any more, so garbage collection deletes it.
                    tracing::warn!(%error, oid = row.oid, "cannot delete an unverified upload; collection retries");
                }
            }
        }
    }

    async fn discard_direct(&self, row: &DirectUploadRow) -> Result<()> {
        let Store::Bucket(bucket) = self.0.stores.named(&row.store)? else { return Ok(()) };
        match UploadTarget::of(&row.kind, &row.target)? {
            UploadTarget::Proven(_) => {
                let key = stores::key(&oid(&row.oid)?, &row.target)?;
                // The key may have become the object.
                let strays = self.without_rows(&row.store, vec![(key, ())]).await?;
                let keys: Vec<Key> = strays.into_iter().map(|(key, ())| key).collect();
                Ok(bucket.remove_all(&keys).await?)
            }
            UploadTarget::Staged(id) => Ok(bucket.remove(&Key::staging(id)).await?),
            UploadTarget::Part(id) => {
                bucket.abort_parts(&Key::staging(id), &only_part(id)?).await?;
                Ok(bucket.remove(&Key::staging(id)).await?)
            }
        }
    }
}
