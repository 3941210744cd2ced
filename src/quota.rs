//! Storage quotas: limits for a dataset, and for all datasets of an owner together. They are checked when an upload
//! is requested, and again by the transaction that records it.
//!
//! Usage is the size of LFS objects, counted once for each dataset that contains them, of git packs, and of announced
//! uploads that are still running. The usage of an organisation does not include nested organisations.

use std::collections::{BTreeSet, HashMap};

use lfs::Oid;

use crate::config::Quotas;
use crate::db::datasets::DatasetRow;
use crate::db::objects::NewObject;
use crate::db::usage::{CountsRow, ReservedRow};
use crate::db::{Tx, oid, unsigned};
use crate::error::{Error, Result};
use crate::types::{Id, OwnerKind, amount};

/// Minimum and maximum number of bytes by which git packs may exceed a quota.
const ALLOWANCE: (u64, u64) = (64_000, 10_000_000);

/// The quotas that apply to a dataset, in bytes.
pub(crate) struct EffectiveQuota<'a> {
    dataset: &'a DatasetRow,
    alone: Option<u64>,
    together: Option<u64>,
}

/// Current usage of datasets and owners, by their ids, as one transaction sees it.
pub(crate) struct QuotaUsage(HashMap<Id, Counts>);

/// Usage in bytes.
#[derive(Debug, Clone, Copy, Default)]
struct Counts {
    /// Objects and packs.
    held: u64,
    /// Announced size of running uploads.
    reserved: u64,
    /// Packs included in `held` that were accepted although the quota was exceeded.
    above: u64,
}

/// Returns the quota that applies: the one that was set individually, or the configured default.
fn effective(said: Option<i64>, configured: Option<u64>) -> Option<u64> {
    match said {
        None => configured,
        Some(bytes) => u64::try_from(bytes).ok(),
    }
}

impl Quotas {
    /// Returns the quota of an owner in bytes, if it is limited; `said` is the one that was set individually.
    pub(crate) fn of_owner(&self, kind: OwnerKind, said: Option<i64>) -> Option<u64> {
        let configured = match kind {
            OwnerKind::User => self.user_bytes,
            OwnerKind::Organisation => self.organisation_bytes,
        };
        effective(said, configured)
    }

    /// Returns the quota of a dataset in bytes, likewise.
    pub(crate) fn of_dataset(&self, said: Option<i64>) -> Option<u64> {
        effective(said, self.dataset_bytes)
    }
}

impl<'a> EffectiveQuota<'a> {
    /// Returns `None` if no quota applies, so that usage need not be queried.
    pub(crate) fn of(dataset: &'a DatasetRow, quotas: &Quotas) -> Option<Self> {
        let alone = quotas.of_dataset(dataset.quota_bytes);
        let together = quotas.of_owner(dataset.owner_kind, dataset.owner_quota_bytes);
        (alone.is_some() || together.is_some()).then_some(Self { dataset, alone, together })
    }

    /// Returns the smaller of the quotas in bytes.
    pub(crate) fn smallest(&self) -> u64 {
        self.alone.into_iter().chain(self.together).min().unwrap_or(u64::MAX)
    }

    /// Returns each quota: the id it applies to, the bytes, and a phrase for messages.
    fn each(&self) -> impl Iterator<Item = (Id, u64, String)> {
        let DatasetRow { id, owner_id, owner_name, name, .. } = self.dataset;
        let alone = self.alone.map(|quota| (*id, quota, format!("the dataset {owner_name}/{name} holds")));
        let together =
            self.together.map(|quota| (*owner_id, quota, format!("all datasets of {owner_name} together hold")));
        alone.into_iter().chain(together)
    }
}

/// Returns how far git packs may exceed a quota, so that files can still be deleted, moved and restored.
fn allowance(quota: u64) -> u64 {
    (quota / 100).clamp(ALLOWANCE.0, ALLOWANCE.1)
}

/// Returns the error message for an exceeded quota.
fn sentence(holder: &str, counts: Counts, quota: u64, what: &str, more: u64) -> String {
    let reserved = match counts.reserved {
        0 => String::new(),
        bytes => format!(", uploads in progress need {}", amount(bytes)),
    };
    format!(
        "over quota: {holder} {} of at most {}{reserved}, and {what} would add {}; delete what is not needed, or \
         ask the operator of this server for a larger quota",
        amount(counts.held),
        amount(quota),
        amount(more)
    )
}

impl QuotaUsage {
    /// Reads the current usage.
    pub(crate) async fn read(tx: &mut Tx, bounds: &[&EffectiveQuota<'_>]) -> Result<Self> {
        let mut ledger = Self(HashMap::new());
        for bounds in bounds {
            if ledger.0.contains_key(&bounds.dataset.id) {
                continue;
            }
            let (repo, owner) = bounds.subjects();
            let CountsRow { held, above, all_held, all_above } = tx.used(repo, owner).await?;
            let counts = |held, above| Counts { held: unsigned(held), reserved: 0, above: unsigned(above) };
            ledger.0.insert(repo, counts(held, above));
            if let Some(owner) = owner {
                ledger.0.insert(owner, counts(all_held, all_above));
            }
            ledger.read_reserved(tx, bounds).await?;
        }
        Ok(ledger)
    }

    /// Reads the current usage, and locks it until the transaction ends.
    pub(crate) async fn lock(tx: &mut Tx, bounds: &[&EffectiveQuota<'_>]) -> Result<Self> {
        // Always in the same order, so that concurrent transactions do not deadlock.
        let owners: BTreeSet<Id> = bounds.iter().map(|bounds| bounds.dataset.owner_id).collect();
        for owner in owners {
            tx.lock_usage(owner).await?;
        }
        Self::read(tx, bounds).await
    }

    async fn read_reserved(&mut self, tx: &mut Tx, bounds: &EffectiveQuota<'_>) -> Result<()> {
        let (repo, owner) = bounds.subjects();
        let ReservedRow { reserved, all_reserved } = tx.reserved(repo, owner).await?;
        for (id, bytes) in [(Some(repo), reserved), (owner, all_reserved)] {
            if let Some(counts) = id.and_then(|id| self.0.get_mut(&id)) {
                counts.reserved = unsigned(bytes);
            }
        }
        Ok(())
    }

    /// Returns the error message if `more` bytes exceed a quota. `own` are the reserved bytes that belong to this
    /// request.
    pub(crate) fn refusal(&self, bounds: &EffectiveQuota<'_>, files: usize, more: u64, own: u64) -> Option<String> {
        // A request that adds nothing is always allowed, even if the quota was lowered.
        if more == 0 {
            return None;
        }
        bounds.each().find_map(|(id, quota, holder)| {
            let mut counts = self.0.get(&id).copied().unwrap_or_default();
            counts.reserved = counts.reserved.saturating_sub(own);
            let left = quota.saturating_sub(counts.held.saturating_add(counts.reserved));
            let what = if files == 1 { "1 new file".into() } else { format!("{files} new files") };
            (more > left).then(|| sentence(&holder, counts, quota, &what, more))
        })
    }

    /// Like `refusal`, for these objects. Those that are counted already are removed from the list. Of the reserved
    /// bytes, `own` or those reserved for these objects belong to this request, whichever is more.
    pub(crate) async fn refusal_of_news(
        &mut self,
        tx: &mut Tx,
        bounds: &EffectiveQuota<'_>,
        news: &mut Vec<(Oid, u64)>,
        own: u64,
    ) -> Result<Option<String>> {
        let sum = |news: &[(Oid, u64)]| news.iter().fold(0, |sum: u64, (_, size)| sum.saturating_add(*size));
        if self.refusal(bounds, news.len(), sum(news), own).is_none() {
            return Ok(None);
        }
        // Objects that were completed since the ledger was read have no reservation any more.
        self.read_reserved(tx, bounds).await?;
        let oids: Vec<Oid> = news.iter().map(|(oid, _)| *oid).collect();
        let counted = tx.counted(bounds.dataset.id, &oids).await?.into_iter();
        let counted: HashMap<Oid, u64> =
            counted.map(|(name, bytes)| Ok((oid(&name)?, unsigned(bytes)))).collect::<Result<_>>()?;
        for (oid, size) in news.iter_mut() {
            *size = size.saturating_sub(counted.get(oid).copied().unwrap_or_default());
        }
        news.retain(|(_, size)| *size > 0);
        let oids: Vec<Oid> = news.iter().map(|(oid, _)| *oid).collect();
        let own = own.max(unsigned(tx.reserved_for(bounds.dataset.id, &oids).await?));
        Ok(self.refusal(bounds, news.len(), sum(news), own))
    }

    /// Returns an error if an arriving object exceeds a quota. Reserved bytes of other uploads do not count against a
    /// reserved arrival: it was checked when it began. If the quota was lowered since, the first arrivals are
    /// accepted.
    pub(crate) async fn admit(
        &mut self,
        tx: &mut Tx,
        bounds: &EffectiveQuota<'_>,
        arrival: &NewObject,
        is_reserved: bool,
    ) -> Result<Option<Error>> {
        let own = |is_reserved| if is_reserved { u64::MAX } else { 0 };
        if self.refusal(bounds, 1, arrival.size, own(is_reserved)).is_none() {
            return Ok(None);
        }
        let is_reserved = is_reserved || tx.reserved_for(arrival.repo, &[arrival.oid]).await? > 0;
        let mut news = vec![(arrival.oid, arrival.size)];
        Ok(self.refusal_of_news(tx, bounds, &mut news, own(is_reserved)).await?.map(Error::full))
    }

    /// Adds bytes to the usage.
    pub(crate) fn add(&mut self, bounds: &EffectiveQuota<'_>, bytes: u64) {
        for id in [bounds.dataset.id, bounds.dataset.owner_id] {
            if let Some(counts) = self.0.get_mut(&id) {
                counts.held = counts.held.saturating_add(bytes);
            }
        }
    }

    /// Checks that git may store a pack of this size. Returns the new number of bytes above the quota to record, if
    /// it changes.
    ///
    /// # Errors
    /// Full.
    pub(crate) fn expect_room_in_git(&self, bounds: &EffectiveQuota<'_>, more: u64) -> Result<Option<u64>> {
        let own = self.0.get(&bounds.dataset.id).copied().unwrap_or_default().above;
        let mut is_over = false;
        for (id, quota, holder) in bounds.each() {
            let counts = self.0.get(&id).copied().unwrap_or_default();
            let used = counts.held.saturating_add(counts.reserved);
            if used.saturating_add(more) <= quota {
                continue;
            }
            // Packs recorded as above the quota may fit into it by now.
            let above = counts.above.min(used.saturating_sub(quota));
            if above.saturating_add(more) > allowance(quota) {
                return Err(Error::full(sentence(&holder, counts, quota, "this change", more)));
            }
            is_over = true;
        }
        Ok(match (is_over, own) {
            (true, own) => Some(own.saturating_add(more)),
            (false, 0) => None,
            (false, _) => Some(0),
        })
    }
}

/// Checks whether an owner's quota allows a dataset with all of its content, which is already counted for that
/// owner. The owner's usage must be locked.
///
/// # Errors
/// Full if the owner's quota is exceeded.
pub(crate) async fn expect_room_for_all(tx: &mut Tx, quotas: &Quotas, dataset: &DatasetRow) -> Result<()> {
    let Some(quota) = quotas.of_owner(dataset.owner_kind, dataset.owner_quota_bytes) else { return Ok(()) };
    let CountsRow { held, all_held, .. } = tx.used(dataset.id, Some(dataset.owner_id)).await?;
    let ReservedRow { reserved, all_reserved } = tx.reserved(dataset.id, Some(dataset.owner_id)).await?;
    let (alone, all) = (unsigned(held + reserved), unsigned(all_held + all_reserved));
    if alone == 0 || all <= quota {
        return Ok(());
    }
    Err(Error::full(format!(
        "over quota: the datasets of {} can use {} in total, and would use {} with the {} of this one; delete what \
         is not needed, or ask the operator of this server for a larger quota",
        dataset.owner_name,
        amount(quota),
        amount(all),
        amount(alone)
    )))
}

impl EffectiveQuota<'_> {
    /// Returns the dataset, and its owner if the owner's quota is limited.
    fn subjects(&self) -> (Id, Option<Id>) {
        (self.dataset.id, self.together.map(|_| self.dataset.owner_id))
    }
}
