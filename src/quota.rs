//! Who may hold how much, and whether there is room for more: a dataset, and all datasets of an owner together. Looked at
//! when something is asked for, and again by the transaction that records it.
//!
//! What counts are the bytes of LFS objects, once for each dataset that holds them, the bytes of packs of git, and those
//! that were announced by uploads under way. An organisation within another counts for itself alone.

use std::collections::{BTreeSet, HashMap};

use lfs::Oid;

use crate::config::Quotas;
use crate::db::datasets::DatasetRow;
use crate::db::objects::Arrival;
use crate::db::usage::{CountsRow, ReservedRow};
use crate::db::{Tx, oid, unsigned};
use crate::error::{Error, Result};
use crate::types::{Id, OwnerKind, amount};

/// Least and most that git may take above a quota.
const ALLOWANCE: (u64, u64) = (64_000, 10_000_000);

/// Who bounds what a dataset may take, and by how many bytes.
pub(crate) struct Bounds<'a> {
    dataset: &'a DatasetRow,
    alone: Option<u64>,
    together: Option<u64>,
}

/// What those hold whom something counts for, as one transaction sees it: by the ids of datasets and owners.
pub(crate) struct Ledger(HashMap<Id, Counts>);

/// What somebody holds, in bytes.
#[derive(Debug, Clone, Copy, Default)]
struct Counts {
    /// Objects and packs.
    held: u64,
    /// What uploads under way are going to add.
    reserved: u64,
    /// Of what is held, packs that came although there was no room.
    above: u64,
}

/// What holds: what was said for one, or what is configured for all.
fn effective(said: Option<i64>, configured: Option<u64>) -> Option<u64> {
    match said {
        None => configured,
        Some(bytes) => u64::try_from(bytes).ok(),
    }
}

impl Quotas {
    /// How many bytes an owner may hold for whom this was said, if that is bounded.
    pub(crate) fn of_owner(&self, kind: OwnerKind, said: Option<i64>) -> Option<u64> {
        let configured = match kind {
            OwnerKind::User => self.user_bytes,
            OwnerKind::Organisation => self.organisation_bytes,
        };
        effective(said, configured)
    }

    /// The same of a dataset.
    pub(crate) fn of_dataset(&self, said: Option<i64>) -> Option<u64> {
        effective(said, self.dataset_bytes)
    }
}

impl<'a> Bounds<'a> {
    /// None where nothing is bounded, and nothing need be asked.
    pub(crate) fn of(dataset: &'a DatasetRow, quotas: &Quotas) -> Option<Self> {
        let alone = quotas.of_dataset(dataset.quota_bytes);
        let together = quotas.of_owner(dataset.owner_kind, dataset.owner_quota_bytes);
        (alone.is_some() || together.is_some()).then_some(Self { dataset, alone, together })
    }

    /// Each bound: whose it is, how many bytes, and a subject for a sentence.
    fn each(&self) -> impl Iterator<Item = (Id, u64, String)> {
        let DatasetRow { id, owner_id, owner_name, name, .. } = self.dataset;
        let alone = self.alone.map(|quota| (*id, quota, format!("the dataset {owner_name}/{name} holds")));
        let together =
            self.together.map(|quota| (*owner_id, quota, format!("all datasets of {owner_name} together hold")));
        alone.into_iter().chain(together)
    }
}

/// What git may take above a quota, so that files can still be deleted, moved and brought back.
fn allowance(quota: u64) -> u64 {
    (quota / 100).clamp(ALLOWANCE.0, ALLOWANCE.1)
}

/// The refusal, in words for who wants to add something.
fn sentence(whoever_holds: &str, counts: Counts, quota: u64, what: &str, more: u64) -> String {
    let reserved = match counts.reserved {
        0 => String::new(),
        bytes => format!(", uploads under way need {}", amount(bytes)),
    };
    format!(
        "over quota: {whoever_holds} {} of at most {}{reserved}, and {what} would add {}; delete what is not needed, or \
         ask the operator of this server for a larger quota",
        amount(counts.held),
        amount(quota),
        amount(more)
    )
}

impl Ledger {
    /// What is held now.
    pub(crate) async fn read(tx: &mut Tx, bounds: &[&Bounds<'_>]) -> Result<Self> {
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

    /// What is held, and nobody else adds to it until the transaction ends.
    pub(crate) async fn lock(tx: &mut Tx, bounds: &[&Bounds<'_>]) -> Result<Self> {
        // In one order, so that two servers on one database do not wait for each other.
        let owners: BTreeSet<Id> = bounds.iter().map(|bounds| bounds.dataset.owner_id).collect();
        for owner in owners {
            tx.lock_usage(owner).await?;
        }
        Self::read(tx, bounds).await
    }

    async fn read_reserved(&mut self, tx: &mut Tx, bounds: &Bounds<'_>) -> Result<()> {
        let (repo, owner) = bounds.subjects();
        let ReservedRow { reserved, all_reserved } = tx.reserved(repo, owner).await?;
        for (id, bytes) in [(Some(repo), reserved), (owner, all_reserved)] {
            if let Some(counts) = id.and_then(|id| self.0.get_mut(&id)) {
                counts.reserved = unsigned(bytes);
            }
        }
        Ok(())
    }

    /// Why there is no room for so many more bytes, in words for who sends them. `own` are those among the reserved ones
    /// that are for these.
    pub(crate) fn refusal(&self, bounds: &Bounds<'_>, files: usize, more: u64, own: u64) -> Option<String> {
        // What adds nothing needs no room, also where the quota was lowered.
        if more == 0 {
            return None;
        }
        bounds.each().find_map(|(id, quota, whoever_holds)| {
            let mut counts = self.0.get(&id).copied().unwrap_or_default();
            counts.reserved = counts.reserved.saturating_sub(own);
            let left = quota.saturating_sub(counts.held.saturating_add(counts.reserved));
            let what = if files == 1 { "1 new file".into() } else { format!("{files} new files") };
            (more > left).then(|| sentence(&whoever_holds, counts, quota, &what, more))
        })
    }

    /// The same for these objects, of which some may be counted already; they are left out of what would be refused.
    /// Of the reserved bytes at least `own` are for these, besides those that were reserved under their names.
    pub(crate) async fn refusal_of_news(
        &mut self,
        tx: &mut Tx,
        bounds: &Bounds<'_>,
        news: &mut Vec<(Oid, u64)>,
        own: u64,
    ) -> Result<Option<String>> {
        let sum = |news: &[(Oid, u64)]| news.iter().fold(0, |sum: u64, (_, size)| sum.saturating_add(*size));
        if self.refusal(bounds, news.len(), sum(news), own).is_none() {
            return Ok(None);
        }
        // What became an object since the ledger was read has no reservation any more.
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

    /// Whether there is room for an arrival; if not, why. What was reserved is compared with what is held alone: room for
    /// it was found when it began, and of those that began before a quota was lowered, the first come in.
    pub(crate) async fn admit(
        &mut self,
        tx: &mut Tx,
        bounds: &Bounds<'_>,
        arrival: &Arrival,
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

    /// Counts what was added.
    pub(crate) fn add(&mut self, bounds: &Bounds<'_>, bytes: u64) {
        for id in [bounds.dataset.id, bounds.dataset.owner_id] {
            if let Some(counts) = self.0.get_mut(&id) {
                counts.held = counts.held.saturating_add(bytes);
            }
        }
    }

    /// Whether git may take a pack of so many bytes. Gives what is to be noted as taken above the quota from then on, if
    /// that changes.
    ///
    /// # Errors
    /// Full.
    pub(crate) fn expect_room_in_git(&self, bounds: &Bounds<'_>, more: u64) -> Result<Option<u64>> {
        let own = self.0.get(&bounds.dataset.id).copied().unwrap_or_default().above;
        let mut is_over = false;
        for (id, quota, whoever_holds) in bounds.each() {
            let counts = self.0.get(&id).copied().unwrap_or_default();
            let used = counts.held.saturating_add(counts.reserved);
            if used.saturating_add(more) <= quota {
                continue;
            }
            // What was noted as above the quota may have found room since.
            let above = counts.above.min(used.saturating_sub(quota));
            if above.saturating_add(more) > allowance(quota) {
                return Err(Error::full(sentence(&whoever_holds, counts, quota, "this change", more)));
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

impl Bounds<'_> {
    /// The dataset, and its owner if all its datasets together are bounded.
    fn subjects(&self) -> (Id, Option<Id>) {
        (self.dataset.id, self.together.map(|_| self.dataset.owner_id))
    }
}
