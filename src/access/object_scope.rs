//! Permission checks for credentials that may be limited to single objects.

use std::collections::HashSet;

use lfs::Oid;

use super::{Access, Actor, CredentialScope, DatasetGrant, Includes, Read, Right, claims};
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

/// Returns the single objects of a dataset for which the credential grants `R` by name.
pub(super) fn objects_of<R: Right>(actor: &Actor, dataset: &RepoPath) -> HashSet<Oid> {
    let CredentialScope::Claims(claims) = &actor.limit else { return HashSet::new() };
    let opened = claims::open(claims, dataset).objects.into_iter();
    opened.filter(|(_, rights)| rights.has(R::RIGHTS)).map(|(oid, _)| oid).collect()
}
