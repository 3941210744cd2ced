//! Uploads that go straight to a bucket with one request, to datasets with a quota: what is offered is counted, and what
//! nobody confirmed until its URL expired is deleted.

use std::collections::HashMap;
use std::time::Duration;

use lfs::Oid;
use lfs::store::{CloudStore, Key};

use super::arrive::{Berth, only_part};
use super::stores::Store;
use super::{Storage, stores};
use crate::db::datasets::DatasetRow;
use crate::db::uploads::DirectUploadRow;
use crate::db::{oid, signed};
use crate::error::{Error, Result};
use crate::quota::{Bounds, Ledger};
use crate::types::Millis;

impl Storage {
    /// Where these objects go. Where the dataset has a quota, their bytes are taken from it until they have arrived, or
    /// their URLs have expired; who asks again is told the same places.
    ///
    /// # Errors
    /// Full over a quota: others were faster.
    pub(super) async fn offer_direct(
        &self,
        dataset: &DatasetRow,
        store: &str,
        bucket: &CloudStore,
        is_bare: bool,
        wanted: &[(Oid, u64)],
    ) -> Result<HashMap<Oid, Berth>> {
        let mut berths = HashMap::new();
        let Some(bounds) = Bounds::of(dataset, &self.0.quotas).filter(|_| !wanted.is_empty()) else {
            return Ok(berths);
        };
        // A URL is good for one lifetime, and so is the one that confirms what it brought.
        let expires_at = self.0.clock.now().plus(2 * Duration::from_secs(u64::from(self.0.lifetime)));
        let mut tx = self.0.db.write().await?;
        let mut ledger = Ledger::lock(&mut tx, &[&bounds]).await?;
        if let Some(refusal) = ledger.refusal_of_news(&mut tx, &bounds, &mut wanted.to_vec(), 0).await? {
            return Err(Error::full(refusal));
        }
        for (oid, size) in wanted {
            let (kind, name) = Berth::new(bucket, is_bare).named();
            let row = DirectUploadRow {
                repo_id: dataset.id,
                oid: oid.to_string(),
                kind: kind.to_owned(),
                berth: name,
                size: signed(*size),
                store: store.to_owned(),
                expires_at,
            };
            berths.insert(*oid, Berth::of(kind, &tx.add_direct_upload(&row).await?)?);
        }
        tx.commit().await?;
        Ok(berths)
    }

    /// Deletes what was sent to buckets and confirmed by nobody until its URLs had expired. Gives how many were looked at.
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
                    // It has no row from now on, so that a collection takes it.
                    tracing::warn!(%error, oid = row.oid, "an upload that nobody confirmed cannot be deleted yet");
                }
            }
        }
    }

    async fn discard_direct(&self, row: &DirectUploadRow) -> Result<()> {
        let Store::Bucket(bucket) = self.0.stores.named(&row.store)? else { return Ok(()) };
        match Berth::of(&row.kind, &row.berth)? {
            Berth::Proven(_) => {
                let key = stores::key(&oid(&row.oid)?, &row.berth)?;
                // It may be the object by now.
                let strays = self.without_rows(&row.store, vec![(key, ())]).await?;
                let keys: Vec<Key> = strays.into_iter().map(|(key, ())| key).collect();
                Ok(bucket.remove_all(&keys).await?)
            }
            Berth::Staged(id) => Ok(bucket.remove(&Key::staging(id)).await?),
            Berth::Part(id) => {
                bucket.abort_parts(&Key::staging(id), &only_part(id)?).await?;
                Ok(bucket.remove(&Key::staging(id)).await?)
            }
        }
    }
}
