//! Garbage collection of LFS objects. Each step is marked in one run and carried out in a later one, after the grace
//! period:
//!
//! 1. no revision of a dataset refers to the object: it is *unused*, then *released* (removed from the dataset, which
//!    can be undone);
//! 2. no dataset holds it: it is an *orphan*, then deleted;
//! 3. a file that no row references: deleted once it is old.

use std::collections::{BTreeMap, HashSet};
use std::time::{Duration, UNIX_EPOCH};

use futures::TryStreamExt as _;
use lfs::store::{CloudStore, Key};
use lfs::{LocalStore, Oid};

use super::Storage;
use super::stores::{self, Store};
use crate::db::{oid, unsigned};
use crate::error::Result;
use crate::types::{Id, Millis};

/// Maximum duration of a multipart upload. Multipart uploads without a row were left behind by a server that crashed
/// while it started them.
const LONGEST_UPLOAD: Duration = Duration::from_hours(30 * 24);

/// Number of rows per transaction. Uploads wait for it.
const PAGE: i64 = 2000;

/// Number of files deleted within one transaction.
const FILES: usize = 1000;

/// The result of a collection for one object.
#[derive(Debug, Clone, Copy)]
pub struct GcFinding {
    /// Its oid.
    pub oid: Oid,
    /// Size in bytes.
    pub size: u64,
    /// Its state.
    pub fate: GcState,
}

/// The garbage collection state of an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GcState {
    /// No revision refers to it; found for the first time.
    Unused,
    /// No revision has been known to refer to it since this time; the grace period is running.
    Waiting(Millis),
    /// Released from the dataset; this can be undone.
    Released,
    /// No dataset holds it: its bytes are deleted.
    Deleted,
    /// A file that no row references.
    Stray,
}

/// Options of a collection.
#[derive(Clone, Copy)]
pub struct GcOptions {
    /// The current time.
    pub now: Millis,
    /// End of the grace period: objects unused since before this time are collected.
    pub before: Millis,
    /// True to only report, and change nothing.
    pub dry_run: bool,
}

impl Storage {
    /// Marks unused objects of a dataset, and releases those whose grace period is over, if the repository is still at
    /// this generation.
    ///
    /// Returns `false` if it is not: then the reachable objects must be collected again.
    pub(crate) async fn collect_dataset(
        &self,
        repo: Id,
        generation: u64,
        is_reached: impl Fn(&Oid) -> bool,
        terms: GcOptions,
        tell: &mut (dyn FnMut(GcFinding) + Send),
    ) -> Result<bool> {
        let mut due: Vec<(Oid, u64)> = Vec::new();
        let mut after = String::new();
        loop {
            let page = self.0.db.read().await?.holdings_after(repo, &after, PAGE).await?;
            let Some(last) = page.last() else { break };
            after.clone_from(&last.oid);
            let (mut unused, mut used) = (Vec::new(), Vec::new());
            for row in page {
                let (oid, size): (Oid, u64) = (oid(&row.oid)?, unsigned(row.size));
                let fate = match (is_reached(&oid), row.unused_since) {
                    (true, None) => continue,
                    (true, Some(_)) => {
                        used.push(oid);
                        continue;
                    }
                    (false, None) => {
                        unused.push(oid);
                        GcState::Unused
                    }
                    (false, Some(since)) if since <= terms.before => {
                        due.push((oid, size));
                        continue;
                    }
                    (false, Some(since)) => GcState::Waiting(since),
                };
                tell(GcFinding { oid, size, fate });
            }
            let is_quiet = unused.is_empty() && used.is_empty();
            if !terms.dry_run && !is_quiet {
                let mut tx = self.0.db.write().await?;
                // Some were uploaded after the run began.
                tx.set_unused(repo, &unused, Some(self.0.clock.now())).await?;
                tx.set_unused(repo, &used, None).await?;
                tx.commit().await?;
            }
        }
        if !due.is_empty() && !terms.dry_run && !self.release(repo, generation, &due, terms).await? {
            return Ok(false);
        }
        for (oid, size) in due {
            tell(GcFinding { oid, size, fate: GcState::Released });
        }
        Ok(true)
    }

    async fn release(&self, repo: Id, generation: u64, due: &[(Oid, u64)], terms: GcOptions) -> Result<bool> {
        let mut tx = self.0.db.write().await?;
        // Until the end of the transaction, no push can start to refer to these objects; one that has checked them
        // already is refused because of the epoch.
        if unsigned(tx.lock_repo(repo).await?.generation) != generation {
            return Ok(false);
        }
        let (mut objects, mut bytes) = (0, 0);
        for page in due.chunks(5000) {
            let oids: Vec<Oid> = page.iter().map(|(oid, _)| *oid).collect();
            let (more, size) = tx.release(repo, &oids, terms.before, terms.now).await?;
            objects += more;
            bytes += size;
        }
        tx.add_usage(repo, -bytes, -objects).await?;
        tx.raise_epoch(repo).await?;
        tx.commit().await?;
        Ok(true)
    }

    /// Undoes releases, of one dataset or of all. Returns the number of objects.
    pub async fn restore(&self, repo: Option<Id>) -> Result<usize> {
        let mut restored = 0;
        loop {
            let mut tx = self.0.db.write_long().await?;
            let page = tx.restore(repo, PAGE).await?;
            if page.is_empty() {
                return Ok(restored);
            }
            restored += page.len();
            let mut usage: BTreeMap<String, (i64, i64)> = BTreeMap::new();
            for (repo, bytes) in page {
                let (sum, objects) = usage.entry(repo).or_default();
                *sum += bytes;
                *objects += 1;
            }
            for (repo, (bytes, objects)) in usage {
                tx.add_usage(repo.parse()?, bytes, objects).await?;
            }
            tx.commit().await?;
        }
    }

    /// Deletes objects that no dataset holds, and files that no row references, from all stores.
    pub(crate) async fn collect_stores(
        &self,
        terms: GcOptions,
        tell: &mut (dyn FnMut(GcFinding) + Send),
    ) -> Result<()> {
        if !terms.dry_run {
            self.collect_xorbs(terms).await?;
            self.delete_whole_copies().await?;
            loop {
                let mut tx = self.0.db.write_long().await?;
                let forgotten = tx.forget_released(terms.before, PAGE).await?;
                tx.commit().await?;
                if forgotten == 0 {
                    break;
                }
            }
            let mut tx = self.0.db.write_long().await?;
            tx.forget_reconstructions().await?;
            tx.mark_orphans(terms.now).await?;
            tx.commit().await?;
        }
        for name in self.0.stores.names() {
            let store = self.0.stores.named(name)?;
            if terms.dry_run {
                self.tell_released(name, terms, tell).await?;
            }
            self.delete_orphans(name, store, terms, tell).await?;
            match store {
                Store::Folder(folder) => self.delete_stray_files(name, folder, terms, tell).await?,
                Store::Bucket(bucket) => {
                    self.delete_stray_keys(name, bucket, terms, tell).await?;
                    if !terms.dry_run {
                        bucket.abort_forgotten(terms.now.minus(LONGEST_UPLOAD).seconds()).await?;
                    }
                }
            }
        }
        Ok(())
    }

    /// Reports the released objects that a collection without `dry_run` has forgotten at this point.
    async fn tell_released(
        &self,
        name: &str,
        terms: GcOptions,
        tell: &mut (dyn FnMut(GcFinding) + Send),
    ) -> Result<()> {
        let mut after = String::new();
        loop {
            let page = self.0.db.read_long().await?.released_after(name, terms.before, &after, PAGE).await?;
            let Some(last) = page.last() else { return Ok(()) };
            after.clone_from(&last.oid);
            for row in page {
                tell(GcFinding { oid: oid(&row.oid)?, size: unsigned(row.size), fate: GcState::Deleted });
            }
        }
    }

    async fn delete_orphans(
        &self,
        name: &str,
        store: &Store,
        terms: GcOptions,
        tell: &mut (dyn FnMut(GcFinding) + Send),
    ) -> Result<()> {
        let mut after = String::new();
        loop {
            let limit = i64::try_from(FILES).unwrap_or(i64::MAX);
            let page = self.0.db.read_long().await?.orphans_after(name, terms.before, &after, limit).await?;
            let Some(last) = page.last() else { return Ok(()) };
            after.clone_from(&last.oid);
            let gone = if terms.dry_run {
                page
            } else {
                let oids = page.iter().map(|row| oid(&row.oid)).collect::<Result<Vec<Oid>>>()?;
                let mut tx = self.0.db.write().await?;
                let gone = tx.delete_orphans(name, terms.before, &oids).await?;
                if let Store::Folder(folder) = store {
                    // Deleted before the commit: an upload of the same object waits for this transaction, and then
                    // checks whether the file still exists.
                    folder.remove_all(gone.iter().map(|row| oid(&row.oid)).collect::<Result<_>>()?).await?;
                }
                tx.commit().await?;
                if let Store::Bucket(bucket) = store {
                    // Deleted after the commit: no new upload uses this key, and a key without a row is collected
                    // later.
                    for row in &gone {
                        bucket.remove(&stores::key(&oid(&row.oid)?, &row.place)?).await?;
                    }
                }
                gone
            };
            for row in gone {
                tell(GcFinding { oid: oid(&row.oid)?, size: unsigned(row.size), fate: GcState::Deleted });
            }
        }
    }

    async fn delete_stray_files(
        &self,
        name: &str,
        folder: &LocalStore,
        terms: GcOptions,
        tell: &mut (dyn FnMut(GcFinding) + Send),
    ) -> Result<()> {
        for first in 0..=u8::MAX {
            let listed = folder.list(first).await?;
            for page in listed.chunks(FILES) {
                let known = names(&self.0.db.read().await?.places(name, page).await?)?;
                let unknown: Vec<Oid> = page.iter().filter(|oid| !known.contains(oid)).copied().collect();
                if unknown.is_empty() {
                    continue;
                }
                // The transaction is held until the files are deleted, for the same reason as above; here there is no
                // row that an upload would wait for.
                let mut tx = self.0.db.write().await?;
                tx.lock_objects().await?;
                let known = names(&tx.places(name, &unknown).await?)?;
                for oid in unknown {
                    let stamp = folder.stat(&oid).await?;
                    let is_old = stamp.is_some_and(|stamp| {
                        stamp.modified() <= UNIX_EPOCH + Duration::from_millis(unsigned(terms.before.0))
                    });
                    if !is_old || known.contains(&oid) {
                        continue;
                    }
                    if !terms.dry_run {
                        folder.remove(&oid).await?;
                    }
                    let size = stamp.map_or(0, |stamp| stamp.size);
                    tell(GcFinding { oid, size, fate: GcState::Stray });
                }
                tx.commit().await?;
            }
        }
        Ok(())
    }

    async fn delete_stray_keys(
        &self,
        name: &str,
        bucket: &CloudStore,
        terms: GcOptions,
        tell: &mut (dyn FnMut(GcFinding) + Send),
    ) -> Result<()> {
        let before = unsigned(terms.before.0) / 1000;
        let mut pages = std::pin::pin!(bucket.list("").try_chunks(1000));
        while let Some(page) = pages.try_next().await.map_err(|error| error.1)? {
            // Packs and other files have no object keys, and new ones belong to uploads in progress.
            let old = page.into_iter().filter(|found| found.modified <= before);
            let old: Vec<(Key, u64)> =
                old.filter_map(|found| Some((found.key.parse::<Key>().ok()?, found.size))).collect();
            let strays = self.without_rows(name, old).await?;
            for (key, size) in &strays {
                if let Some(oid) = key.oid() {
                    tell(GcFinding { oid, size: *size, fate: GcState::Stray });
                }
            }
            if !terms.dry_run {
                let keys: Vec<Key> = strays.into_iter().map(|(key, _)| key).collect();
                bucket.remove_all(&keys).await?;
            }
        }
        Ok(())
    }

    /// Returns those keys of a bucket that no row references. An object from a multipart upload is as old as the start
    /// of the upload, and is referenced by the upload's row until it has its own.
    pub(super) async fn without_rows<T>(&self, name: &str, mut keys: Vec<(Key, T)>) -> Result<Vec<(Key, T)>> {
        let oids = |keys: &[(Key, T)]| keys.iter().filter_map(|(key, _)| key.oid()).collect::<Vec<Oid>>();
        let leave = |keys: &mut Vec<(Key, T)>, named: Vec<(String, String)>| -> Result<()> {
            let named = named.into_iter().map(|(name, place)| stores::key(&oid(&name)?, &place));
            let named: HashSet<Key> = named.collect::<Result<_>>()?;
            keys.retain(|(key, _)| !named.contains(key));
            Ok(())
        };
        let places = self.0.db.read().await?.places(name, &oids(&keys)).await?;
        leave(&mut keys, places)?;
        if !keys.is_empty() {
            // Read last: the row of an upload remains for a while after that of its object is written.
            let places = self.0.db.read().await?.upload_places(name, &oids(&keys)).await?;
            leave(&mut keys, places)?;
        }
        Ok(keys)
    }

    /// Returns the minimum grace period: an upload may end as late as its URL expires, and is verified after that.
    pub(crate) fn shortest_grace(&self) -> Duration {
        Duration::from_secs(2 * u64::from(self.0.lifetime))
    }
}

fn names(places: &[(String, String)]) -> Result<HashSet<Oid>> {
    places.iter().map(|(name, _)| oid(name)).collect()
}
