//! The storage usage of one dataset, as its users see it.

use super::Files;
use crate::access::{DatasetGrant, Own, Read};
use crate::error::Result;

/// Storage usage of a dataset.
#[derive(Debug, Clone, Copy)]
pub struct Usage {
    /// Total bytes of its objects and its git packs.
    pub bytes: u64,
    /// Number of objects.
    pub objects: u64,
    /// Quota in bytes: that of the dataset or that of all datasets of its owner together, whichever leaves less room.
    pub quota_bytes: Option<u64>,
    /// Bytes used of that quota.
    pub used_bytes: u64,
    /// Number of visible files at its newest revision.
    pub files: u64,
    /// Number of items in its trash.
    pub trash: u64,
}

impl Files {
    /// Returns the storage usage of a dataset.
    pub async fn usage(&self, grant: &DatasetGrant<Read>) -> Result<Usage> {
        let (dataset, path) = (grant.dataset(), grant.full_name());
        let owner = self.0.storage.usage(Some(&path.parse()?)).await?.into_iter().next();
        let own = owner.as_ref().and_then(|owner| owner.datasets.iter().find(|dataset| dataset.path == path));
        let (bytes, objects, quota) = own.map(|own| (own.bytes, own.objects, own.quota_bytes)).unwrap_or_default();
        // The owner's total is only disclosed to owners.
        let together = owner.as_ref().filter(|_| grant.also::<Own>().is_some());
        let files = self.0.drive.count_files(dataset.id).await?;
        let trash = self.0.drive.trash_count(dataset.id).await?;
        let alone = quota.map(|quota| (bytes, quota));
        let together = together.and_then(|owner| Some((owner.bytes, owner.quota_bytes?)));
        let tightest = alone.into_iter().chain(together).min_by_key(|(used, quota)| quota.saturating_sub(*used));
        Ok(Usage {
            bytes,
            objects,
            quota_bytes: tightest.map(|(_, quota)| quota),
            used_bytes: tightest.map_or(bytes, |(used, _)| used),
            files,
            trash,
        })
    }
}
