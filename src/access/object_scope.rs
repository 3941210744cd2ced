//! Permission checks for credentials that may be limited to single objects.

use lfs::Oid;

use super::base_rights::objects_of;
use super::{Access, Actor, DatasetGrant, Includes, Read, Right};
use crate::error::{Error, Kind, Result};
use crate::types::RepoPath;

impl Access {
    /// Like [`Access::authorize`], for one file of a dataset and a credential that may be limited to single objects.
    /// Returns the grant with the result of `find`; `object` extracts the object id of the file, if it has one.
    ///
    /// # Errors
    /// Those of `find`. If the credential is limited to single objects, `hidden` for everything else, whether it
    /// exists or not: the credential must not reveal other objects.
    pub async fn authorize_file<R: Right + Includes<Read>, T>(
        &self,
        actor: &Actor,
        dataset: &RepoPath,
        find: impl AsyncFnOnce(&DatasetGrant<Read>) -> Result<T>,
        object: impl FnOnce(&T) -> Option<Oid>,
        hidden: impl FnOnce() -> Error,
    ) -> Result<(DatasetGrant<R>, T)> {
        let objects = objects_of::<R>(actor, dataset);
        if objects.is_empty() || self.decide::<R>(actor, dataset, &[]).await.is_ok() {
            let grant = self.authorize(actor, dataset).await?;
            let found = find(&grant.narrow()).await?;
            return Ok((grant, found));
        }
        let all: Vec<Oid> = objects.iter().copied().collect();
        let grant = self.authorize_objects(actor, dataset, &all).await?;
        match find(&grant.narrow()).await {
            Ok(found) if object(&found).is_some_and(|oid| objects.contains(&oid)) => Ok((grant, found)),
            Err(error) if error.kind() != Kind::NotFound => Err(error),
            Ok(_) | Err(_) => Err(hidden()),
        }
    }
}
