//! Quotas: enforcement for uploads, usage reports, and administration. What counts towards a quota is defined in
//! [`crate::quota`].

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::str::FromStr;

use bytesize::ByteSize;
use lfs::Oid;
use lfs::batch::{BatchRequest, ObjectError};
use serde::Serialize;

use super::Storage;
use crate::access::{AdminGrant, DatasetGrant, Read};
use crate::db::datasets::DatasetRow;
use crate::db::objects::NewObject;
use crate::db::usage::{BOUNDLESS, UsageRow};
use crate::db::{Tx, signed, unsigned};
use crate::error::{Error, Result};
use crate::quota::{EffectiveQuota, QuotaUsage};
use crate::types::{Id, OwnerKind, OwnerName, RepoPath};

/// A dataset or an owner: `a/b` can be either, but never both.
#[derive(Debug, Clone)]
pub struct Subject {
    owner: Option<OwnerName>,
    dataset: Option<RepoPath>,
    text: String,
}

/// A quota setting.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Quota {
    /// The default from the configuration.
    Default,
    /// Unlimited.
    None,
    /// A limit in bytes.
    Bytes(u64),
}

/// Storage usage of an owner: all of its datasets together.
#[derive(Debug, Clone, Serialize)]
pub struct OwnerUsage {
    /// Name of the owner.
    pub owner: String,
    /// User or organisation.
    pub kind: OwnerKind,
    /// Number of objects.
    pub objects: u64,
    /// Total bytes of objects and git packs.
    pub bytes: u64,
    /// Bytes of git packs.
    pub git_bytes: u64,
    /// Bytes in the stores, if asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stored_bytes: Option<u64>,
    /// Quota in bytes; `None` if unlimited.
    pub quota_bytes: Option<u64>,
    /// Its datasets, or only the requested one.
    pub datasets: Vec<DatasetUsage>,
}

/// Storage usage and quota of an owner or a dataset: LFS objects and git packs.
#[derive(Debug, Clone, Copy, Serialize, utoipa::ToSchema)]
pub struct Held {
    /// Bytes used, including git packs; for an owner, the total of all its datasets.
    pub bytes: u64,
    /// Number of objects.
    pub objects: u64,
    /// Quota in bytes; null if unlimited.
    pub quota_bytes: Option<u64>,
}

/// Storage usage of a dataset.
#[derive(Debug, Clone, Serialize)]
pub struct DatasetUsage {
    /// `owner/name`.
    pub path: String,
    /// Number of objects.
    pub objects: u64,
    /// Total bytes of objects and git packs.
    pub bytes: u64,
    /// Bytes of git packs.
    pub git_bytes: u64,
    /// Bytes in the stores, if asked for: versions that are packed count with their difference.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stored_bytes: Option<u64>,
    /// Quota in bytes; `None` if unlimited.
    pub quota_bytes: Option<u64>,
}

impl Storage {
    /// Returns the batch request with its new objects refused if they exceed a quota. Damaged objects of the dataset
    /// can be uploaded again.
    pub(super) async fn within_quota<'a>(
        &self,
        dataset: Option<&DatasetRow>,
        request: &'a BatchRequest,
        held: &HashMap<Oid, u64>,
    ) -> Result<Cow<'a, BatchRequest>> {
        let Some(dataset) = dataset else { return Ok(Cow::Borrowed(request)) };
        let Some(bounds) = EffectiveQuota::of(dataset, &self.0.quotas) else { return Ok(Cow::Borrowed(request)) };
        let asked = request.news(held, self.0.object_bytes);
        if asked.is_empty() {
            return Ok(Cow::Borrowed(request));
        }
        for last in [false, true] {
            let mut news = asked.clone();
            let mut tx = self.0.db.read().await?;
            let mut ledger = QuotaUsage::read(&mut tx, &[&bounds]).await?;
            let refusal = ledger.refusal_of_news(&mut tx, &bounds, &mut news, 0).await?;
            drop(tx);
            let Some(message) = refusal else { break };
            if !last && self.abort_idle(dataset, None).await? > 0 {
                continue;
            }
            let mut request = request.clone();
            let oids: HashSet<Oid> = news.into_iter().map(|(oid, _)| oid).collect();
            request.refuse(&oids, &ObjectError { code: 507, message: message.into() });
            return Ok(Cow::Owned(request));
        }
        Ok(Cow::Borrowed(request))
    }

    /// Checks whether the quota allows an object, before any work is done for it. `is_reserved` is true if its bytes
    /// have been reserved.
    ///
    /// # Errors
    /// Not found if the dataset is gone; full if a quota is exceeded.
    pub(super) async fn expect_room(&self, arrival: &NewObject, is_reserved: bool) -> Result<()> {
        for last in [false, true] {
            let mut tx = self.0.db.read().await?;
            let target =
                tx.object_target(arrival).await?.ok_or_else(|| Error::not_found("the dataset has been deleted"))?;
            let Some(bounds) = EffectiveQuota::of(&target.dataset, &self.0.quotas) else { return Ok(()) };
            let mut ledger = QuotaUsage::read(&mut tx, &[&bounds]).await?;
            let refusal = ledger.admit(&mut tx, &bounds, arrival, is_reserved).await?;
            drop(tx);
            match refusal {
                None => return Ok(()),
                Some(_) if !last && self.abort_idle(&target.dataset, None).await? > 0 => {}
                Some(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Returns the usage and quota of a dataset.
    pub async fn held_by(&self, grant: &DatasetGrant<Read>) -> Result<Held> {
        let (bytes, objects) = self.0.db.read().await?.usage_of(grant.id()).await?;
        Ok(Held {
            objects: unsigned(objects),
            bytes: unsigned(bytes),
            quota_bytes: self.0.quotas.of_dataset(grant.dataset().quota_bytes),
        })
    }

    /// Returns the usage of all owners, of one owner, or of one dataset with its owner.
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
                    git_bytes: 0,
                    stored_bytes: None,
                    datasets: Vec::new(),
                });
            }
            let (Some(last), Some(name)) = (owners.last_mut(), row.name) else { continue };
            last.objects += unsigned(row.objects);
            last.bytes += unsigned(row.bytes);
            last.git_bytes += unsigned(row.git_bytes);
            if dataset.is_none() || dataset.map(|id| id.to_string()) == row.id {
                last.datasets.push(DatasetUsage {
                    path: format!("{}/{name}", row.owner_name),
                    objects: unsigned(row.objects),
                    bytes: unsigned(row.bytes),
                    git_bytes: unsigned(row.git_bytes),
                    stored_bytes: None,
                    quota_bytes: self.0.quotas.of_dataset(row.quota_bytes),
                });
            }
        }
        Ok(owners)
    }

    /// Like [`Storage::usage`], with the bytes in the stores. Reads the rows of all objects.
    pub async fn usage_and_stored(&self, subject: Option<&Subject>) -> Result<Vec<OwnerUsage>> {
        let mut owners = self.usage(subject).await?;
        let stored = self.0.db.read_long().await?.stored_bytes(None).await?;
        let stored: HashMap<String, u64> = stored.into_iter().map(|(path, bytes)| (path, unsigned(bytes))).collect();
        for owner in &mut owners {
            let mut all = 0;
            for dataset in &mut owner.datasets {
                let bytes = stored.get(&dataset.path).copied().unwrap_or_default() + dataset.git_bytes;
                dataset.stored_bytes = Some(bytes);
                all += bytes;
            }
            // With a dataset as the subject, the others of its owner are left out.
            let is_whole = owner.datasets.iter().map(|dataset| dataset.bytes).sum::<u64>() == owner.bytes;
            owner.stored_bytes = is_whole.then_some(all);
        }
        Ok(owners)
    }

    /// Returns the bytes that a dataset takes in the stores, without its git packs: versions that are packed count with their
    /// difference.
    pub async fn stored_bytes(&self, grant: &DatasetGrant<Read>) -> Result<u64> {
        let stored = self.0.db.read().await?.stored_bytes(Some(grant.id())).await?;
        Ok(stored.first().map_or(0, |(_, bytes)| unsigned(*bytes)))
    }

    /// Returns the usage and quota of an owner or a dataset.
    ///
    /// # Errors
    /// Not found if the owner or dataset does not exist.
    pub async fn held_by_subject(&self, _: &AdminGrant, subject: &Subject) -> Result<Held> {
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

    /// Recounts the usage of all datasets. Returns those whose count was wrong, with the difference in bytes and
    /// objects.
    pub async fn recount(&self) -> Result<Vec<(String, i64, i64)>> {
        let mut wrong = Vec::new();
        let datasets = self.0.db.read().await?.datasets().await?;
        for dataset in datasets {
            let mut tx = self.0.db.write_long().await?;
            // It may have been deleted in the meantime.
            if tx.repo(dataset.id).await?.is_none() {
                continue;
            }
            let (bytes, git_bytes, objects) = tx.recount(dataset.id).await?;
            if (bytes, git_bytes, objects) != (0, 0, 0) {
                tx.commit().await?;
                wrong.push((format!("{}/{}", dataset.owner_name, dataset.name), bytes + git_bytes, objects));
            }
        }
        Ok(wrong)
    }

    /// Returns the quota in bytes of an owner with this setting; `None` if unlimited.
    pub fn quota_of_owner(&self, kind: OwnerKind, said: Option<i64>) -> Option<u64> {
        self.0.quotas.of_owner(kind, said)
    }

    /// Sets the quota of an owner or a dataset. Existing content stays even if it exceeds the quota.
    ///
    /// # Errors
    /// Not found if the owner or dataset does not exist.
    pub async fn set_quota(&self, by: &AdminGrant, subject: &Subject, quota: Quota) -> Result<()> {
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
    /// Returns the owner, and the dataset if the subject is one.
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
        Error::not_found(format!("user, organisation or dataset `{}` not found", self.text.escape_debug()))
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
                    "`{}` is not a valid quota; use a size such as 500GB or 100GiB, `none` or `default`",
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
