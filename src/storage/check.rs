//! Store verification (fsck and scrub): compares stores with the database.

use std::collections::HashSet;
use std::time::{Duration, UNIX_EPOCH};

use futures::{StreamExt as _, TryStreamExt as _};
use lfs::Oid;
use lfs::store::Key;

use super::Storage;
use super::stores::{Stat, Store};
use crate::db::objects::ObjectRow;
use crate::db::{oid, unsigned};
use crate::error::{Kind, Result};
use crate::types::{Id, Millis};

/// Number of rows read at a time.
const PAGE: i64 = 1000;

/// Number of objects read concurrently: requests to a bucket have a high latency.
const CHECK_CONCURRENCY: usize = 4;

/// The kind of damage of an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Damage {
    /// It does not exist in the store.
    Missing,
    /// Its size differs from the one in its row.
    Size,
    /// Its SHA-256 does not match its oid.
    Bytes,
    /// It was quarantined earlier, and has not been uploaded again.
    Quarantined,
}

impl Damage {
    /// Returns the predicate of a sentence about the object.
    pub fn words(self) -> &'static str {
        match self {
            Self::Missing => "is missing",
            Self::Size => "has the wrong size",
            Self::Bytes => "is corrupt (SHA-256 mismatch)",
            Self::Quarantined => "is quarantined until it is pushed again",
        }
    }
}

/// The result of checking an object.
pub(crate) struct CheckResult {
    pub(crate) oid: Oid,
    /// Size in bytes, from its row.
    pub(crate) size: u64,
    /// Its damage, if any; an error if the check failed.
    pub(crate) outcome: Result<Option<Damage>>,
}

/// A file in a store that no row references.
#[derive(Debug, Clone)]
pub(crate) struct UntrackedFile {
    /// Its oid; `None` for a staged upload.
    pub(crate) oid: Option<Oid>,
    /// Its key in the store.
    pub(crate) key: String,
    /// Size in bytes.
    pub(crate) size: u64,
}

impl Storage {
    /// Compares rows and stores. With `rehash`, re-hashes every object; quarantined objects are always re-hashed.
    /// Returns a sentence for each problem. Damaged objects are quarantined, so that they can be uploaded again;
    /// quarantined objects that are intact are released.
    pub async fn check(&self, rehash: bool) -> Result<Vec<String>> {
        let (mut problems, mut failed) = (Vec::new(), None);
        for name in self.0.stores.names() {
            let mut tell = |looked: CheckResult| match looked.outcome {
                Ok(damage) => {
                    problems.extend(damage.map(|damage| format!("object {} {}", looked.oid, damage.words())));
                }
                Err(error) => failed = Some(error),
            };
            self.check_objects(name, None, rehash, &mut tell).await?;
        }
        failed.map_or(Ok(problems), Err)
    }

    /// Checks the objects of a store, or those of one dataset in it, like [`Storage::check`].
    ///
    /// # Errors
    /// Unavailable if the store is down, which says nothing about its objects. Errors of single objects are passed to
    /// `tell`.
    pub(crate) async fn check_objects(
        &self,
        name: &str,
        only: Option<Id>,
        rehash: bool,
        tell: &mut (dyn FnMut(CheckResult) + Send),
    ) -> Result<()> {
        let store = self.0.stores.named(name)?;
        let mut after = String::new();
        loop {
            let mut tx = self.0.db.read().await?;
            let page = match only {
                None => tx.objects_after(name, &after, PAGE).await?,
                Some(repo) => tx.dataset_objects_after(repo, &after, PAGE).await?,
            };
            drop(tx);
            let Some(last) = page.last() else { return Ok(()) };
            after.clone_from(&last.oid);
            let looks = page.into_iter().map(|row| self.look(name, store, row, rehash));
            let mut looks = futures::stream::iter(looks).buffered(CHECK_CONCURRENCY);
            while let Some(looked) = looks.try_next().await? {
                tell(looked);
            }
        }
    }

    /// Re-hashes the next object of a store after this oid, up to and including `until`.
    pub(crate) async fn check_next(&self, name: &str, after: &str, until: &str) -> Result<Option<CheckResult>> {
        let store = self.0.stores.named(name)?;
        let next = self.0.db.read().await?.objects_after(name, after, 1).await?.pop();
        match next.filter(|row| row.oid.as_str() <= until) {
            // The xorbs of packed objects are hashed as objects of their own.
            Some(row) => {
                let rehash = !row.is_packed;
                self.look(name, store, row, rehash).await.map(Some)
            }
            None => Ok(None),
        }
    }

    async fn look(&self, name: &str, store: &Store, row: ObjectRow, rehash: bool) -> Result<CheckResult> {
        match self.check_object(name, store, &row, rehash).await {
            Err(error) if error.kind() == Kind::Unavailable => Err(error),
            outcome => Ok(CheckResult { oid: oid(&row.oid)?, size: unsigned(row.size), outcome }),
        }
    }

    async fn check_object(&self, name: &str, store: &Store, row: &ObjectRow, rehash: bool) -> Result<Option<Damage>> {
        let oid = oid(&row.oid)?;
        if row.is_packed {
            return self.check_packed(name, &oid, row.ready, rehash).await;
        }
        let seen = store.stat(&oid, &row.place).await?;
        let damage = match &seen {
            None => Some(Damage::Missing),
            Some(stamp) if stamp.size() != unsigned(row.size) => Some(Damage::Size),
            Some(_) if rehash || !row.ready => (!store.is_sound(&oid, &row.place).await?).then_some(Damage::Bytes),
            Some(_) => None,
        };
        match damage {
            Some(damage) if row.ready => {
                if self.quarantine(name, &oid, &row.place, seen, damage).await? {
                    return Ok(Some(damage));
                }
                // Another check has quarantined it, or it has been uploaded again or deleted.
                let now = self.0.db.read().await?.object(name, &oid).await?;
                let is_out = now.is_some_and(|(_, state, place)| state == "quarantined" && place == row.place);
                Ok(is_out.then_some(damage))
            }
            Some(_) => Ok(Some(Damage::Quarantined)),
            None if row.ready => Ok(None),
            None => {
                let mut tx = self.0.db.write().await?;
                tx.set_in_use(name, &oid, &row.place, true).await?;
                tx.commit().await?;
                tracing::info!(%oid, "a quarantined object is intact and has been released");
                Ok(None)
            }
        }
    }

    /// Quarantines an object, so that the next batch requests its bytes again and a push repairs it; unless its file is
    /// no longer the one that was `seen`, which means that it has been replaced. Returns true if this call quarantined
    /// it.
    pub(super) async fn quarantine(
        &self,
        store: &str,
        oid: &Oid,
        place: &str,
        seen: Option<Stat>,
        damage: Damage,
    ) -> Result<bool> {
        let mut tx = self.0.db.write().await?;
        let is_changed = tx.set_in_use(store, oid, place, false).await?;
        // Writers record an object after writing it, and wait for this transaction to do so.
        if !is_changed || self.0.stores.named(store)?.stat(oid, place).await? != seen {
            return Ok(false);
        }
        let (id, now, request) = (self.0.clock.id(), self.0.clock.now(), crate::request::id());
        let subject = format!("{store}/{oid}");
        tx.insert_audit(id, now, "rutter", "object.quarantined", &subject, damage.words(), &request).await?;
        let packed = tx.quarantine_packed(store, oid).await?;
        for needs_it in &packed {
            let (id, subject) = (self.0.clock.id(), format!("{store}/{needs_it}"));
            let detail = format!("its xorb {oid} {}", damage.words());
            tx.insert_audit(id, now, "rutter", "object.quarantined", &subject, &detail, &request).await?;
            tracing::error!(store, oid = needs_it, "quarantined: a packed object {detail}; upload it again");
        }
        tx.commit().await?;
        metrics::counter!("rutter_objects_quarantined_total").increment(packed.len() as u64);
        tracing::error!(store, %oid, "quarantined: an object {}; upload it again", damage.words());
        metrics::counter!("rutter_objects_quarantined_total").increment(1);
        Ok(true)
    }

    /// Reports all files in a store that no row references and that are older than `before`: newer files may belong to
    /// uploads in progress.
    pub(crate) async fn strays(
        &self,
        name: &str,
        before: Millis,
        tell: &mut (dyn FnMut(UntrackedFile) + Send),
    ) -> Result<()> {
        match self.0.stores.named(name)? {
            Store::Folder(folder) => {
                let newest = UNIX_EPOCH + Duration::from_millis(unsigned(before.0));
                for first in 0..=u8::MAX {
                    for page in folder.list(first).await?.chunks(1000) {
                        let known = self.0.db.read().await?.places(name, page).await?;
                        let known: HashSet<Oid> = known.iter().map(|(name, _)| oid(name)).collect::<Result<_>>()?;
                        for oid in page.iter().filter(|oid| !known.contains(oid)) {
                            if let Some(stamp) = folder.stat(oid).await?.filter(|stamp| stamp.modified() <= newest) {
                                tell(UntrackedFile { oid: Some(*oid), key: oid.to_string(), size: stamp.size });
                            }
                        }
                    }
                }
            }
            Store::Bucket(bucket) => {
                // A staged upload may be in progress for its whole lifetime.
                let staging = before.minus(self.0.upload_lifetime);
                let mut pages = std::pin::pin!(bucket.list("").try_chunks(1000));
                while let Some(page) = pages.try_next().await.map_err(|error| error.1)? {
                    let keys = page.into_iter().filter_map(|found| Some((found.key.parse::<Key>().ok()?, found)));
                    let keys = keys.filter(|(key, found)| {
                        found.modified <= if key.is_staging() { staging.seconds() } else { before.seconds() }
                    });
                    let keys: Vec<_> = keys.collect();
                    for (key, found) in self.without_rows(name, keys).await? {
                        tell(UntrackedFile { oid: key.oid(), key: found.key, size: found.size });
                    }
                }
            }
        }
        Ok(())
    }
}
