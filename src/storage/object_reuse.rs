//! Sharing objects between datasets: one row per object, without copying bytes.

use std::collections::{BTreeMap, HashMap};

use lfs::{Oid, Pointer};

use super::Storage;
use crate::access::{DatasetGrant, Fetch, Grant, Upload};
use crate::db::objects::NewObject;
use crate::db::{oid, signed, unsigned};
use crate::error::{Error, Result};
use crate::quota::{EffectiveQuota, QuotaUsage};

impl Storage {
    /// Returns those of these objects that [`Storage::reuse_objects`] can share from a dataset, with their sizes.
    pub async fn reusable_objects(&self, from: &DatasetGrant<Fetch>, oids: &[Oid]) -> Result<HashMap<Oid, u64>> {
        let found = self.0.db.read().await?.reusable_objects(from.id(), oids).await?.into_iter();
        found.map(|(name, size)| Ok((oid(&name)?, unsigned(size)))).collect()
    }

    /// Makes a dataset reference objects of another dataset: those of files that the caller can download there.
    ///
    /// # Errors
    /// Invalid for an object that the other dataset does not hold itself, whatever its files refer to, or that is not
    /// verified yet, and if the two are in different stores; full if a quota is exceeded.
    pub async fn reuse_objects(&self, from: &Grant<Fetch>, to: &Grant<Upload>, pointers: &[Pointer]) -> Result<()> {
        let (source, from, to) = (from.full_name(), from.dataset(), to.dataset());
        // The empty object is not stored.
        let wanted: BTreeMap<Oid, u64> =
            pointers.iter().filter(|pointer| pointer.size > 0).map(|pointer| (pointer.oid, pointer.size)).collect();
        let Some(first) = wanted.first_key_value() else { return Ok(()) };
        if from.store != to.store {
            return Err(Error::invalid(format!(
                "{source} and {}/{} are in different stores; download the files and upload them instead",
                to.owner_name, to.name
            )));
        }
        let oids: Vec<Oid> = wanted.keys().copied().collect();
        let mut tx = self.0.db.write().await?;
        let store = to.store.clone();
        let arrival = NewObject {
            repo: to.id,
            oid: *first.0,
            size: *first.1,
            store,
            place: String::new(),
            xorb: None,
            packed: None,
        };
        let target =
            tx.object_target(&arrival).await?.ok_or_else(|| Error::not_found("the dataset has been deleted"))?;
        let bounds = EffectiveQuota::of(&target.dataset, &self.0.quotas);
        let ledger = QuotaUsage::lock(&mut tx, &bounds.iter().collect::<Vec<_>>()).await?;
        let lendable = tx.reusable_objects(from.id, &oids).await?.into_iter();
        let lendable: HashMap<Oid, u64> =
            lendable.map(|(name, size)| Ok((oid(&name)?, unsigned(size)))).collect::<Result<_>>()?;
        if let Some((oid, _)) = wanted.iter().find(|(oid, size)| lendable.get(oid) != Some(size)) {
            return Err(Error::invalid(format!(
                "{source} does not hold the object {oid}, or it is not verified yet; try again later"
            )));
        }
        if let Some(bounds) = &bounds {
            let counted = tx.counted(to.id, &oids).await?.into_iter();
            let counted: HashMap<Oid, i64> =
                counted.map(|(name, size)| Ok((oid(&name)?, size))).collect::<Result<_>>()?;
            let new = wanted.iter().filter(|(oid, _)| !counted.contains_key(oid));
            let (objects, bytes) = new.fold((0, 0), |(objects, bytes), (_, size)| (objects + 1, bytes + size));
            if let Some(refusal) = ledger.refusal(bounds, objects, bytes, 0) {
                return Err(Error::full(refusal));
            }
        }
        let new = tx.reuse_object(from.id, to.id, &oids, self.0.clock.now()).await?;
        let mut bytes = 0;
        for name in &new {
            bytes += wanted.get(&oid(name)?).copied().unwrap_or_default();
        }
        if !new.is_empty() {
            tx.add_usage(to.id, signed(bytes), i64::try_from(new.len()).unwrap_or(i64::MAX)).await?;
        }
        tx.commit().await
    }
}
