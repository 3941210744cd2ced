//! Whether the stores have what the rows say, and nothing else.

use std::collections::HashSet;
use std::time::{Duration, UNIX_EPOCH};

use futures::{StreamExt as _, TryStreamExt as _};
use lfs::Oid;
use lfs::store::Key;

use super::Storage;
use super::stores::{Stamp, Store};
use crate::db::objects::ObjectRow;
use crate::db::{oid, unsigned};
use crate::error::{Kind, Result};
use crate::types::{Id, Millis};

/// Rows that are read at one time.
const PAGE: i64 = 1000;

/// Objects that are read at one time: a bucket is slow to begin.
const SIDE_BY_SIDE: usize = 4;

/// What is wrong with an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Damage {
    /// Nothing is there.
    Missing,
    /// It has another size than its row says.
    Size,
    /// Its bytes are not what its name says.
    Bytes,
    /// It was taken out of use before, and nobody has sent it again.
    Quarantined,
}

impl Damage {
    /// The end of a sentence about the object.
    pub fn words(self) -> &'static str {
        match self {
            Self::Missing => "is missing",
            Self::Size => "has another size",
            Self::Bytes => "has other bytes",
            Self::Quarantined => "is damaged, and out of use until it is pushed again",
        }
    }
}

/// An object that was looked at.
pub(crate) struct Looked {
    pub(crate) oid: Oid,
    /// In bytes, by its row.
    pub(crate) size: u64,
    /// What is wrong with it; an error if that could not be found out.
    pub(crate) outcome: Result<Option<Damage>>,
}

/// Something in a store that no row names.
#[derive(Debug, Clone)]
pub(crate) struct Stray {
    /// What it would be; `None` for an upload that was never looked at.
    pub(crate) oid: Option<Oid>,
    /// What the store calls it.
    pub(crate) key: String,
    /// In bytes.
    pub(crate) size: u64,
}

impl Storage {
    /// Compares rows and stores, and re-hashes every object if `rehash`; those out of use always.
    /// Gives a sentence for each problem. Damaged objects are taken out of use, so that an upload of
    /// the right bytes heals them; those that turn out to be sound are used again.
    pub async fn check(&self, rehash: bool) -> Result<Vec<String>> {
        let (mut problems, mut failed) = (Vec::new(), None);
        for name in self.0.stores.names() {
            let mut tell = |looked: Looked| match looked.outcome {
                Ok(damage) => {
                    problems.extend(damage.map(|damage| format!("object {} {}", looked.oid, damage.words())));
                }
                Err(error) => failed = Some(error),
            };
            self.check_objects(name, None, rehash, &mut tell).await?;
        }
        failed.map_or(Ok(problems), Err)
    }

    /// Looks at the objects of a store, or at those of one dataset in it, as [`Storage::check`] does.
    ///
    /// # Errors
    /// Unavailable if the store is away, which says nothing about its objects. What fails with one object
    /// alone is told with it.
    pub(crate) async fn check_objects(
        &self,
        name: &str,
        only: Option<Id>,
        rehash: bool,
        tell: &mut (dyn FnMut(Looked) + Send),
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
            let mut looks = futures::stream::iter(looks).buffered(SIDE_BY_SIDE);
            while let Some(looked) = looks.try_next().await? {
                tell(looked);
            }
        }
    }

    /// Re-hashes the next object of a store after this oid, if it is not beyond `until`.
    pub(crate) async fn check_next(&self, name: &str, after: &str, until: &str) -> Result<Option<Looked>> {
        let store = self.0.stores.named(name)?;
        let next = self.0.db.read().await?.objects_after(name, after, 1).await?.pop();
        match next.filter(|row| row.oid.as_str() <= until) {
            Some(row) => self.look(name, store, row, true).await.map(Some),
            None => Ok(None),
        }
    }

    async fn look(&self, name: &str, store: &Store, row: ObjectRow, rehash: bool) -> Result<Looked> {
        match self.check_object(name, store, &row, rehash).await {
            Err(error) if error.kind() == Kind::Unavailable => Err(error),
            outcome => Ok(Looked { oid: oid(&row.oid)?, size: unsigned(row.size), outcome }),
        }
    }

    async fn check_object(&self, name: &str, store: &Store, row: &ObjectRow, rehash: bool) -> Result<Option<Damage>> {
        let oid = oid(&row.oid)?;
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
                // Somebody else has looked meanwhile, or has healed or removed it.
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
                tracing::info!(%oid, "an object that was out of use is sound, and used again");
                Ok(None)
            }
        }
    }

    /// Takes an object out of use, so that the next batch asks for its bytes again and a push heals
    /// it; unless its file is another than the one that was `seen`, for then that has happened. Gives
    /// whether it is out of use by this.
    pub(super) async fn quarantine(
        &self,
        store: &str,
        oid: &Oid,
        place: &str,
        seen: Option<Stamp>,
        damage: Damage,
    ) -> Result<bool> {
        let mut tx = self.0.db.write().await?;
        let is_changed = tx.set_in_use(store, oid, place, false).await?;
        // Who writes the object records it afterwards, which waits for this transaction.
        if !is_changed || self.0.stores.named(store)?.stat(oid, place).await? != seen {
            return Ok(false);
        }
        let (id, now, request) = (self.0.clock.id(), self.0.clock.now(), crate::request::id());
        let subject = format!("{store}/{oid}");
        tx.insert_audit(id, now, "rutter", "object.quarantined", &subject, damage.words(), &request).await?;
        tx.commit().await?;
        tracing::error!(store, %oid, "an object {}; it must be uploaded again", damage.words());
        metrics::counter!("rutter_objects_quarantined_total").increment(1);
        Ok(true)
    }

    /// Tells of everything in a store that no row names and that is older than `before`: what is younger
    /// may be an upload under way.
    pub(crate) async fn strays(&self, name: &str, before: Millis, tell: &mut (dyn FnMut(Stray) + Send)) -> Result<()> {
        match self.0.stores.named(name)? {
            Store::Folder(folder) => {
                let newest = UNIX_EPOCH + Duration::from_millis(unsigned(before.0));
                for first in 0..=u8::MAX {
                    for page in folder.list(first).await?.chunks(1000) {
                        let known = self.0.db.read().await?.places(name, page).await?;
                        let known: HashSet<Oid> = known.iter().map(|(name, _)| oid(name)).collect::<Result<_>>()?;
                        for oid in page.iter().filter(|oid| !known.contains(oid)) {
                            if let Some(stamp) = folder.stat(oid).await?.filter(|stamp| stamp.modified() <= newest) {
                                tell(Stray { oid: Some(*oid), key: oid.to_string(), size: stamp.size });
                            }
                        }
                    }
                }
            }
            Store::Bucket(bucket) => {
                // An upload that is looked at once it has arrived may take as long as it likes to.
                let staging = before.minus(self.0.upload_lifetime);
                let mut pages = std::pin::pin!(bucket.list("").try_chunks(1000));
                while let Some(page) = pages.try_next().await.map_err(|error| error.1)? {
                    let keys = page.into_iter().filter_map(|found| Some((found.key.parse::<Key>().ok()?, found)));
                    let keys = keys.filter(|(key, found)| {
                        found.modified <= if key.is_staging() { staging.seconds() } else { before.seconds() }
                    });
                    let keys: Vec<_> = keys.collect();
                    for (key, found) in self.without_rows(name, keys).await? {
                        tell(Stray { oid: key.oid(), key: found.key, size: found.size });
                    }
                }
            }
        }
        Ok(())
    }
}
