//! A dataset under another name: its own, or that of another owner.

use super::Hosting;
use crate::access::{Creation, Grant, Own};
use crate::drive::claim;
use crate::error::{Kind, Result};
use crate::types::RepoPath;

impl Hosting {
    /// Gives a dataset another name. What it is known by inside, its objects, locks and signed URLs among them, is its
    /// id and stays. The old name is free at once, and leads nowhere.
    ///
    /// # Errors
    /// Conflict if the name is taken; full if the new owner's quota has no room for it; not found if somebody else was
    /// faster.
    pub async fn rename(&self, grant: &Grant<Own>, to: &Creation) -> Result<()> {
        let (dataset, path) = (grant.dataset(), to.path());
        let old = RepoPath::from_segments(&dataset.owner_name, &dataset.name)?;
        let mut tx = self.0.db.write().await?;
        claim(&mut tx, path).await?;
        // Before any row of the dataset, as uploads take them.
        tx.lock_usage(to.owner()).await?;
        let repo = tx.lock_repo(grant.id()).await?;
        tx.rename_dataset(dataset, to.owner(), path).await?;
        // What was made of the dataset for others to find has its old name.
        tx.set_generation(grant.id(), repo.generation + 1, &repo.head).await?;
        if dataset.owner_id != to.owner()
            && let Some(renamed) = tx.dataset(path).await?
        {
            self.0.storage.expect_room_for_all(&mut tx, &renamed).await?;
        }
        let (id, now, actor) = (self.0.clock.id(), self.0.clock.now(), grant.actor().key());
        let request = crate::request::id();
        tx.insert_audit(id, now, &actor, "dataset.rename", &old.to_string(), &path.to_string(), &request).await?;
        tx.commit().await?;
        self.0.drive.look(grant.id()).await;
        match self.0.drive.readdress(&grant.narrow(), &old.to_string(), &path.to_string()).await {
            // It has its name, whatever its files say: the next change of its package puts that right.
            Err(error) if error.kind() != Kind::NotFound => {
                tracing::warn!(%error, dataset = %path, "a renamed dataset has an .lfsconfig with its old name");
            }
            _ => {}
        }
        Ok(())
    }
}
