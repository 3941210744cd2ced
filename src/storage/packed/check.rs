//! Verification of packed objects, and the end of the files that they had before.

use std::sync::Arc;

use futures::TryStreamExt as _;
use lfs::Oid;
use sha2::{Digest as _, Sha256};

use crate::db::oid;
use crate::error::Result;
use crate::storage::check::Damage;
use crate::storage::read_range::Blocks;
use crate::storage::stores::Store;
use crate::storage::{Storage, stores};

/// Number of files deleted within one transaction.
const FILES: i64 = 500;

impl Storage {
    /// Returns true if an object is packed.
    pub(in crate::storage) async fn is_packed(&self, store: &str, oid: &Oid) -> Result<bool> {
        Ok(self.0.db.read().await?.reconstruction(store, oid).await?.is_some())
    }

    /// Checks that all xorbs of a packed object are there, and with `rehash` also its SHA-256. A damaged object is
    /// quarantined; a quarantined one that is intact is released.
    pub(in crate::storage) async fn check_packed(
        &self,
        store: &str,
        oid: &Oid,
        is_ready: bool,
        rehash: bool,
    ) -> Result<Option<Damage>> {
        let mut damage = self.0.db.read().await?.is_incomplete(store, oid).await?.then_some(Damage::Missing);
        if damage.is_none() && (rehash || !is_ready) {
            damage = match self.reconstruction(store, oid).await? {
                Some(object) => {
                    let length = object.len();
                    // A xorb that cannot be decoded is quarantined where it is read.
                    match sha256(self.read_packed(Arc::new(object), 0..length)).await {
                        Ok(found) => (found != *oid).then_some(Damage::Bytes),
                        Err(error) if error.kind() == crate::error::Kind::Unavailable => return Err(error),
                        Err(error) => {
                            tracing::error!(store, %oid, %error, "cannot read a packed object");
                            Some(Damage::Bytes)
                        }
                    }
                }
                // Replaced in the meantime.
                None => return Ok(None),
            };
        }
        if damage.is_some() != is_ready {
            return Ok(damage.map(|_| Damage::Quarantined));
        }
        let mut tx = self.0.db.write().await?;
        if tx.set_packed_in_use(store, oid, damage.is_none()).await? {
            if let Some(damage) = damage {
                let (id, now, request) = (self.0.clock.id(), self.0.clock.now(), crate::request::id());
                let subject = format!("{store}/{oid}");
                tx.insert_audit(id, now, "rutter", "object.quarantined", &subject, damage.words(), &request).await?;
                tracing::error!(store, %oid, "quarantined: a packed object {}; upload it again", damage.words());
                metrics::counter!("rutter_objects_quarantined_total").increment(1);
            } else {
                tracing::info!(%oid, "a quarantined object is intact and has been released");
            }
            tx.commit().await?;
        }
        Ok(damage)
    }

    /// Deletes the files of objects that were packed some time ago: no signed URL refers to them any more. Returns their
    /// number.
    pub(in crate::storage) async fn delete_whole_copies(&self) -> Result<usize> {
        let mut deleted = 0;
        for name in self.0.stores.names() {
            let store = self.0.stores.named(name)?;
            loop {
                let mut tx = self.0.db.write().await?;
                let gone = tx.take_whole_copies(name, self.0.clock.now(), FILES).await?;
                if gone.is_empty() {
                    break;
                }
                if let Store::Folder(folder) = store {
                    // Before the commit: an upload of the same object waits for this transaction, and then checks whether
                    // the file still exists.
                    folder.remove_all(gone.iter().map(|row| oid(&row.oid)).collect::<Result<_>>()?).await?;
                }
                tx.commit().await?;
                if let Store::Bucket(bucket) = store {
                    // After the commit: a key without a row is collected later.
                    let keys = gone.iter().map(|row| stores::key(&oid(&row.oid)?, &row.place));
                    bucket.remove_all(&keys.collect::<Result<Vec<_>>>()?).await?;
                }
                deleted += gone.len();
            }
        }
        Ok(deleted)
    }
}

/// Computes the SHA-256 of a stream.
pub(in crate::storage) async fn sha256(mut bytes: Blocks) -> Result<Oid> {
    let mut hasher = Sha256::new();
    while let Some(block) = bytes.try_next().await? {
        hasher = crate::blocking(move || {
            hasher.update(&block);
            hasher
        })
        .await?;
    }
    Ok(Oid::from_bytes(hasher.finalize().into()))
}
