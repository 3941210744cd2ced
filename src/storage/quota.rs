//! Quotas: how much a dataset may hold, and all datasets of an owner together. Looked at when an upload
//! is asked for, and again by the transaction that records it.
//!
//! The bytes of LFS objects count, once for each dataset that holds them; packs of git do not. An
//! organisation within another counts for itself alone.

use std::borrow::Cow;
use std::collections::{BTreeSet, HashMap, HashSet};
use std::str::FromStr;

use bytesize::ByteSize;
use lfs::Oid;
use lfs::batch::{BatchRequest, ObjectError};
use serde::Serialize;

use super::Storage;
use crate::access::{Administrator, Grant, Read};
use crate::config::Quotas;
use crate::db::datasets::DatasetRow;
use crate::db::objects::Arrival;
use crate::db::usage::{BOUNDLESS, UsageRow};
use crate::db::{Tx, oid, signed, unsigned};
use crate::error::{Error, Result};
use crate::types::{Id, OwnerKind, OwnerName, RepoPath};

/// Who bounds what a dataset may take, and by how many bytes.
pub(super) struct Bounds<'a> {
    dataset: &'a DatasetRow,
    alone: Option<u64>,
    together: Option<u64>,
}

/// What those hold whom arrivals count for, as one transaction sees it: by the ids of datasets and owners.
pub(super) struct Ledger(HashMap<Id, u64>);

/// A dataset, or an owner: `a/b` may be either, and never is both.
#[derive(Debug, Clone)]
pub struct Subject {
    owner: Option<OwnerName>,
    dataset: Option<RepoPath>,
    text: String,
}

/// How much somebody may hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Quota {
    /// What the configuration says.
    Default,
    /// As much as there is room.
    None,
    /// So many bytes.
    Bytes(u64),
}

/// How much an owner's datasets hold together.
#[derive(Debug, Clone, Serialize)]
pub struct OwnerUsage {
    /// Its name.
    pub owner: String,
    /// User or organisation.
    pub kind: OwnerKind,
    /// How many objects.
    pub objects: u64,
    /// Their bytes.
    pub bytes: u64,
    /// How many bytes they may hold, if that is bounded.
    pub quota_bytes: Option<u64>,
    /// Its datasets, or the one that was asked for.
    pub datasets: Vec<DatasetUsage>,
}

/// What an owner or a dataset holds in Git LFS, and may hold.
#[derive(Debug, Clone, Copy, Serialize, utoipa::ToSchema)]
pub struct Held {
    /// Bytes that are held; of an owner, by all its datasets together.
    pub bytes: u64,
    /// Objects that are held.
    pub objects: u64,
    /// How many bytes may be held; null for as much as there is room.
    pub quota_bytes: Option<u64>,
}

/// How much a dataset holds.
#[derive(Debug, Clone, Serialize)]
pub struct DatasetUsage {
    /// `owner/name`.
    pub path: String,
    /// How many objects.
    pub objects: u64,
    /// Their bytes.
    pub bytes: u64,
    /// How many bytes it may hold, if that is bounded.
    pub quota_bytes: Option<u64>,
}

/// What holds: what was said for one, or what is configured for all.
fn effective(said: Option<i64>, configured: Option<u64>) -> Option<u64> {
    match said {
        None => configured,
        Some(bytes) => u64::try_from(bytes).ok(),
    }
}

impl Quotas {
    fn of_owner(&self, kind: OwnerKind, said: Option<i64>) -> Option<u64> {
        let configured = match kind {
            OwnerKind::User => self.user_bytes,
            OwnerKind::Organisation => self.organisation_bytes,
        };
        effective(said, configured)
    }

    fn of_dataset(&self, said: Option<i64>) -> Option<u64> {
        effective(said, self.dataset_bytes)
    }
}

impl<'a> Bounds<'a> {
    /// None where nothing is bounded, and nothing need be asked.
    pub(super) fn of(dataset: &'a DatasetRow, quotas: &Quotas) -> Option<Self> {
        let alone = quotas.of_dataset(dataset.quota_bytes);
        let together = quotas.of_owner(dataset.owner_kind, dataset.owner_quota_bytes);
        (alone.is_some() || together.is_some()).then_some(Self { dataset, alone, together })
    }
}

impl Ledger {
    /// What is held now.
    async fn read(tx: &mut Tx, bounds: &[&Bounds<'_>]) -> Result<Self> {
        let mut held = HashMap::new();
        for Bounds { dataset, together, .. } in bounds {
            if held.contains_key(&dataset.id) {
                continue;
            }
            let (alone, all) = tx.used(dataset.id, together.map(|_| dataset.owner_id)).await?;
            held.insert(dataset.id, unsigned(alone));
            if together.is_some() {
                held.insert(dataset.owner_id, unsigned(all));
            }
        }
        Ok(Self(held))
    }

    /// What is held, and nobody else adds to it until the transaction ends.
    pub(super) async fn lock(tx: &mut Tx, bounds: &[&Bounds<'_>]) -> Result<Self> {
        // In one order, so that two servers on one database do not wait for each other.
        let owners: BTreeSet<Id> = bounds.iter().map(|bounds| bounds.dataset.owner_id).collect();
        for owner in owners {
            tx.lock_usage(owner).await?;
        }
        Self::read(tx, bounds).await
    }

    /// Why there is no room for so many more bytes, in words for who sends them.
    pub(super) fn refusal(&self, bounds: &Bounds<'_>, objects: usize, more: u64) -> Option<String> {
        let DatasetRow { id, owner_id, owner_name, name, .. } = bounds.dataset;
        let alone = bounds.alone.map(|quota| (id, quota, format!("the dataset {owner_name}/{name} holds")));
        let together =
            bounds.together.map(|quota| (owner_id, quota, format!("all datasets of {owner_name} together hold")));
        let over = alone.into_iter().chain(together).find_map(|(id, quota, whoever_holds)| {
            let used = self.0.get(id).copied().unwrap_or_default();
            (more > quota.saturating_sub(used)).then_some((whoever_holds, used, quota))
        });
        // What adds nothing needs no room, also where the quota was lowered.
        let (whoever_holds, used, quota) = over.filter(|_| more > 0)?;
        let objects = if objects == 1 { "1 new object".into() } else { format!("{objects} new objects") };
        Some(format!(
            "over quota: {whoever_holds} {} of at most {}, and {objects} would add {}; ask the operator of this server \
             for more, or delete what is not needed",
            amount(used),
            amount(quota),
            amount(more)
        ))
    }

    /// Whether there is room for an arrival; if not, why.
    pub(super) async fn admit(&self, tx: &mut Tx, bounds: &Bounds<'_>, arrival: &Arrival) -> Result<Option<Error>> {
        if self.refusal(bounds, 1, arrival.size).is_none() {
            return Ok(None);
        }
        let counted = tx.counted(arrival.repo, &[arrival.oid]).await?;
        let counted = counted.first().map_or(0, |(_, bytes)| unsigned(*bytes));
        Ok(self.refusal(bounds, 1, arrival.size.saturating_sub(counted)).map(Error::full))
    }

    /// Counts what was added.
    pub(super) fn add(&mut self, bounds: &Bounds<'_>, bytes: u64) {
        for id in [bounds.dataset.id, bounds.dataset.owner_id] {
            if let Some(used) = self.0.get_mut(&id) {
                *used = used.saturating_add(bytes);
            }
        }
    }
}

impl Storage {
    /// The request of an upload, with its new objects refused if there is no room for all of them. What
    /// the dataset holds and is damaged may come again.
    pub(super) async fn within_quota<'a>(
        &self,
        dataset: Option<&DatasetRow>,
        request: &'a BatchRequest,
        held: &HashMap<Oid, u64>,
    ) -> Result<Cow<'a, BatchRequest>> {
        let bounds = dataset.and_then(|dataset| Bounds::of(dataset, &self.0.quotas));
        let Some(bounds) = bounds else { return Ok(Cow::Borrowed(request)) };
        let mut news = request.news(held, self.0.object_bytes);
        if news.is_empty() {
            return Ok(Cow::Borrowed(request));
        }
        let sum = |news: &[(Oid, u64)]| news.iter().fold(0, |sum: u64, (_, size)| sum.saturating_add(*size));
        let mut tx = self.0.db.read().await?;
        let ledger = Ledger::read(&mut tx, &[&bounds]).await?;
        if ledger.refusal(&bounds, news.len(), sum(&news)).is_some() {
            let oids: Vec<Oid> = news.iter().map(|(oid, _)| *oid).collect();
            let counted = tx.counted(bounds.dataset.id, &oids).await?.into_iter();
            let counted: HashMap<Oid, u64> =
                counted.map(|(name, bytes)| Ok((oid(&name)?, unsigned(bytes)))).collect::<Result<_>>()?;
            for (oid, size) in &mut news {
                *size = size.saturating_sub(counted.get(oid).copied().unwrap_or_default());
            }
            news.retain(|(_, size)| *size > 0);
        }
        let Some(message) = ledger.refusal(&bounds, news.len(), sum(&news)) else { return Ok(Cow::Borrowed(request)) };
        let mut request = request.clone();
        let oids: HashSet<Oid> = news.into_iter().map(|(oid, _)| oid).collect();
        request.refuse(&oids, &ObjectError { code: 507, message: message.into() });
        Ok(Cow::Owned(request))
    }

    /// Looks whether an object could be recorded, before anything is done for it.
    ///
    /// # Errors
    /// Not found if the dataset is gone; full over a quota.
    pub(super) async fn expect_room(&self, arrival: &Arrival) -> Result<()> {
        let mut tx = self.0.db.read().await?;
        let landing = tx.landing(arrival).await?.ok_or_else(|| Error::not_found("the dataset was deleted"))?;
        let Some(bounds) = Bounds::of(&landing.dataset, &self.0.quotas) else { return Ok(()) };
        let ledger = Ledger::read(&mut tx, &[&bounds]).await?;
        ledger.admit(&mut tx, &bounds, arrival).await?.map_or(Ok(()), Err)
    }

    /// Looks whether an owner, whose usage is locked, has room for a dataset with all that it holds, which is counted as
    /// theirs already.
    ///
    /// # Errors
    /// Full over the owner's quota.
    pub(crate) async fn expect_room_for_all(&self, tx: &mut Tx, dataset: &DatasetRow) -> Result<()> {
        let Some(quota) = self.0.quotas.of_owner(dataset.owner_kind, dataset.owner_quota_bytes) else { return Ok(()) };
        let (alone, all) = tx.used(dataset.id, Some(dataset.owner_id)).await?;
        if alone == 0 || unsigned(all) <= quota {
            return Ok(());
        }
        Err(Error::full(format!(
            "over quota: all datasets of {} together may hold {}, and would hold {} with the {} of this one; ask the \
             operator of this server for more, or delete what is not needed",
            dataset.owner_name,
            amount(quota),
            amount(unsigned(all)),
            amount(unsigned(alone))
        )))
    }

    /// How much a dataset holds, and may hold.
    pub async fn held_by(&self, grant: &Grant<Read>) -> Result<DatasetUsage> {
        let (bytes, objects) = self.0.db.read().await?.usage_of(grant.id()).await?;
        Ok(DatasetUsage {
            path: grant.path(),
            objects: unsigned(objects),
            bytes: unsigned(bytes),
            quota_bytes: self.0.quotas.of_dataset(grant.dataset().quota_bytes),
        })
    }

    /// How much is held: by all owners, by one, or by one dataset, with its owner.
    pub async fn usage(&self, subject: Option<&Subject>) -> Result<Vec<OwnerUsage>> {
        let mut tx = self.0.db.read().await?;
        let (owner, dataset) = match subject {
            Some(subject) => {
                let (owner, dataset) = subject.find(&mut tx).await?;
                (Some(owner), dataset)
            }
            None => (None, None),
        };
        let mut owners: Vec<OwnerUsage> = Vec::new();
        for row in tx.usage(owner).await? {
            if owners.last().is_none_or(|last| last.owner != row.owner_name) {
                owners.push(OwnerUsage {
                    quota_bytes: self.0.quotas.of_owner(row.owner_kind, row.owner_quota_bytes),
                    owner: row.owner_name.clone(),
                    kind: row.owner_kind,
                    objects: 0,
                    bytes: 0,
                    datasets: Vec::new(),
                });
            }
            let (Some(last), Some(name)) = (owners.last_mut(), row.name) else { continue };
            last.objects += unsigned(row.objects);
            last.bytes += unsigned(row.bytes);
            if dataset.is_none() || dataset.map(|id| id.to_string()) == row.id {
                last.datasets.push(DatasetUsage {
                    path: format!("{}/{name}", row.owner_name),
                    objects: unsigned(row.objects),
                    bytes: unsigned(row.bytes),
                    quota_bytes: self.0.quotas.of_dataset(row.quota_bytes),
                });
            }
        }
        Ok(owners)
    }

    /// How much an owner holds with all its datasets, or a dataset alone.
    ///
    /// # Errors
    /// Not found if there is no such owner or dataset.
    pub async fn held_by_subject(&self, _: &Administrator, subject: &Subject) -> Result<Held> {
        let mut tx = self.0.db.read().await?;
        let (owner, dataset) = subject.find(&mut tx).await?;
        let mut rows = tx.usage(Some(owner)).await?;
        if let Some(dataset) = dataset {
            rows.retain(|row| row.id.as_deref() == Some(&dataset.to_string()));
        }
        let row = rows.first().ok_or_else(|| subject.missing())?;
        let quota_bytes = match dataset {
            Some(_) => self.0.quotas.of_dataset(row.quota_bytes),
            None => self.0.quotas.of_owner(row.owner_kind, row.owner_quota_bytes),
        };
        let sum = |held: fn(&UsageRow) -> i64| rows.iter().map(|row| unsigned(held(row))).sum();
        Ok(Held { bytes: sum(|row| row.bytes), objects: sum(|row| row.objects), quota_bytes })
    }

    /// Counts anew what all datasets hold. Gives those whose count was wrong, by how many bytes and
    /// objects.
    pub async fn recount(&self) -> Result<Vec<(String, i64, i64)>> {
        let mut wrong = Vec::new();
        let datasets = self.0.db.read().await?.datasets().await?;
        for dataset in datasets {
            let mut tx = self.0.db.write_long().await?;
            // It may have been deleted meanwhile.
            if tx.repo(dataset.id).await?.is_none() {
                continue;
            }
            let (bytes, objects) = tx.recount(dataset.id).await?;
            if (bytes, objects) != (0, 0) {
                tx.commit().await?;
                wrong.push((format!("{}/{}", dataset.owner_name, dataset.name), bytes, objects));
            }
        }
        Ok(wrong)
    }

    /// How many bytes an owner may hold for whom this was said, if that is bounded.
    pub fn quota_of_owner(&self, kind: OwnerKind, said: Option<i64>) -> Option<u64> {
        self.0.quotas.of_owner(kind, said)
    }

    /// Says how much an owner or a dataset may hold. What is held already stays.
    ///
    /// # Errors
    /// Not found if there is no such owner or dataset.
    pub async fn set_quota(&self, by: &Administrator, subject: &Subject, quota: Quota) -> Result<()> {
        let mut tx = self.0.db.write().await?;
        let said = match quota {
            Quota::Default => None,
            Quota::None => Some(BOUNDLESS),
            Quota::Bytes(bytes) => Some(signed(bytes)),
        };
        let action = match subject.find(&mut tx).await? {
            (owner, None) => {
                tx.set_owner_quota(owner, said).await?;
                "owner.quota"
            }
            (_, Some(dataset)) => {
                tx.set_quota(dataset, said).await?;
                "dataset.quota"
            }
        };
        let (id, now, detail) = (self.0.clock.id(), self.0.clock.now(), quota.to_string());
        let request = crate::request::id();
        tx.insert_audit(id, now, &by.actor().key(), action, &subject.text, &detail, &request).await?;
        tx.commit().await
    }
}

impl Subject {
    /// The owner, and the dataset if it is one.
    async fn find(&self, tx: &mut Tx) -> Result<(Id, Option<Id>)> {
        if let Some(name) = &self.owner
            && let Some(owner) = tx.owner(name).await?
        {
            return Ok((owner.id, None));
        }
        if let Some(path) = &self.dataset
            && let Some(dataset) = tx.dataset(path).await?
        {
            return Ok((dataset.owner_id, Some(dataset.id)));
        }
        Err(self.missing())
    }

    fn missing(&self) -> Error {
        Error::not_found(format!("there is no user, organisation or dataset `{}`", self.text.escape_debug()))
    }
}

impl FromStr for Subject {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let (owner, dataset) = (text.parse(), text.parse().ok());
        match (owner, dataset) {
            (Err(error), None) => Err(error),
            (owner, dataset) => Ok(Self { owner: owner.ok(), dataset, text: text.to_owned() }),
        }
    }
}

impl FromStr for Quota {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        match text {
            "default" => Ok(Self::Default),
            "none" => Ok(Self::None),
            size => size.parse().map(|ByteSize(bytes)| Self::Bytes(bytes)).map_err(|_| {
                Error::invalid(format!(
                    "`{}` is not a quota: write 500GB, 100GiB, none or default",
                    size.escape_debug()
                ))
            }),
        }
    }
}

impl std::fmt::Display for Quota {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::None => f.write_str("none"),
            Self::Bytes(bytes) => write!(f, "{bytes}"),
        }
    }
}

/// Bytes for people, and exactly.
fn amount(bytes: u64) -> String {
    if bytes < 1024 { format!("{bytes} bytes") } else { format!("{} ({bytes} bytes)", ByteSize(bytes)) }
}
