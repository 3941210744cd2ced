//! Renaming a dataset, or transferring it to another owner.

use super::Datasets;
use crate::access::{CreateGrant, DatasetGrant, Own};
use crate::error::{Kind, Result};
use crate::quota;
use crate::types::RepoPath;

impl Datasets {
    /// Renames a dataset or transfers it to another owner. Objects, locks and signed URLs refer to its id, which stays
    /// the same. The old name becomes free immediately and does not redirect.
    ///
    /// # Errors
    /// Conflict if the name is taken; full if it exceeds the new owner's quota; not found if the dataset was renamed or
    /// deleted concurrently.
    pub async fn rename(&self, grant: &DatasetGrant<Own>, to: &CreateGrant) -> Result<()> {
        let (dataset, path) = (grant.dataset(), to.path());
        let old = RepoPath::from_segments(&dataset.owner_name, &dataset.name)?;
        let mut tx = self.db.write().await?;
        tx.lock_dataset_name(path).await?;
        // Locked before any row of the dataset, in the same order as for uploads.
        tx.lock_usage(to.owner()).await?;
        let repo = tx.lock_repo(grant.id()).await?;
        tx.rename_dataset(dataset, to.owner(), path).await?;
        // The search index has the old name: a new generation makes it outdated.
        tx.set_generation(grant.id(), repo.generation + 1, &repo.head).await?;
        if dataset.owner_id != to.owner()
            && let Some(renamed) = tx.dataset(path).await?
        {
            quota::expect_room_for_all(&mut tx, &self.quotas, &renamed).await?;
        }
        self.audit(&mut tx, grant.actor(), "dataset.rename", &old.to_string(), &path.to_string()).await?;
        self.commit_and_index(tx, grant.id()).await?;
        match self.readdress(&grant.narrow(), &old.to_string(), &path.to_string()).await {
            // The rename has succeeded even so: the next change of the package corrects the files.
            Err(error) if error.kind() != Kind::NotFound => {
                tracing::warn!(%error, dataset = %path, "cannot update the .lfsconfig of a renamed dataset");
            }
            _ => {}
        }
        Ok(())
    }
}
