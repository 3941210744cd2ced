//! Looks up datasets by other names than `owner/name`: by id, or by the name alone if it is unique. Without read
//! access the lookup reveals nothing, not even where the dataset is.

use lfs::Oid;

use super::{Access, Actor, DatasetGrant, Fetch, Identity, Read, Right, Upload};
use crate::error::{Error, Kind, Result};
use crate::types::{Id, OwnerName, RepoPath};

/// Maximum number of datasets with one name, or with one resource, that are checked.
const LOOKED_AT: u8 = 20;

impl Access {
    /// Like [`Access::authorize`], for a dataset by its path, its id, or its name alone.
    ///
    /// # Errors
    /// As for [`Access::authorize`]; conflict if the name alone matches several datasets that the actor can see.
    pub async fn authorize_named<R: Right>(&self, actor: &Actor, name: &str) -> Result<DatasetGrant<R>> {
        let unseen = || {
            if actor.is_anonymous() {
                return Error::unauthenticated(format!("sign in to {} `{}`", R::NAME, name.escape_debug()));
            }
            Error::not_found(format!("there is no dataset `{}`, or you do not have access to it", name.escape_debug()))
        };
        let path = if name.contains('/') { name.parse().ok() } else { self.path_of(actor, name).await? };
        let granted = self.authorize::<R>(actor, &path.ok_or_else(unseen)?).await;
        granted.map_err(|error| match error.kind() {
            Kind::NotFound | Kind::Unauthenticated => unseen(),
            _ => error,
        })
    }

    async fn path_of(&self, actor: &Actor, name: &str) -> Result<Option<RepoPath>> {
        if let Ok(id) = name.parse::<Id>()
            && let Some(path) = self.db.read().await?.dataset_path(id).await?
        {
            return Ok(Some(path));
        }
        let (name, all) = (name.to_ascii_lowercase(), sees_all(actor));
        let mut tx = self.db.read().await?;
        let found = tx.datasets_named(&name, actor.user(), all, i64::from(LOOKED_AT)).await?;
        drop(tx);
        let is_cut = found.len() >= usize::from(LOOKED_AT);
        let mut seen = Vec::new();
        for path in found {
            if self.authorize_silently::<Read>(actor, &path).await?.is_some() {
                seen.push(path);
            }
        }
        if seen.len() > 1 || is_cut {
            let some: Vec<String> = seen.iter().take(3).map(|path| format!("`{path}`")).collect();
            let some = if some.is_empty() { String::new() } else { format!(", as {}", some.join(" or ")) };
            return Err(Error::conflict(format!("several datasets are named `{name}`: use OWNER/NAME{some}")));
        }
        Ok(seen.pop())
    }

    /// Returns the datasets that the actor can see and that are recorded as having a resource with this id, in the
    /// order in which they got it. Check their packages: they may have lost it since.
    pub async fn holders_of_resource(&self, actor: &Actor, resource: &str) -> Result<Vec<DatasetGrant<Read>>> {
        let found = self.db.read().await?.datasets_with_resource(resource, i64::from(LOOKED_AT)).await?;
        let mut seen = Vec::new();
        for path in found {
            seen.extend(self.authorize_silently(actor, &path).await?);
        }
        Ok(seen)
    }

    /// Finds a dataset of this store that holds the object and from which the actor may download everything.
    pub async fn find_source(&self, actor: &Actor, store: &str, oid: &Oid) -> Result<Option<DatasetGrant<Fetch>>> {
        let sees_all = matches!(actor.identity, Identity::Operator | Identity::User { admin: true, .. });
        let found = self.db.read().await?.reuse_sources(store, oid, actor.user(), sees_all).await?;
        for (owner, name) in found {
            let path = RepoPath::from_segments(&owner, &name)?;
            match self.decide(actor, &path, &[]).await {
                Ok(grant) => return Ok(Some(grant)),
                Err(error) if error.kind().status().is_server_error() => return Err(error),
                // The credential may have fewer rights than its user.
                Err(_) => {}
            }
        }
        Ok(None)
    }

    /// Returns the name of the owner that a CKAN client names by name or id.
    ///
    /// # Errors
    /// Invalid if it is not a valid name.
    pub async fn owner_named(&self, text: &str) -> Result<OwnerName> {
        if let Ok(id) = text.parse::<Id>()
            && let Some(name) = self.db.read().await?.owner_name(id).await?
        {
            return Ok(name);
        }
        text.parse()
    }

    /// Returns the grant, or `None` if access is denied. The user did not ask for this dataset, so a denial is not
    /// audited.
    pub(crate) async fn authorize_silently<R: Right>(
        &self,
        actor: &Actor,
        path: &RepoPath,
    ) -> Result<Option<DatasetGrant<R>>> {
        match self.decide(actor, path, &[]).await {
            Ok(grant) => Ok(Some(grant)),
            Err(error) if matches!(error.kind(), Kind::NotFound | Kind::Unauthenticated | Kind::Forbidden) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Returns true if an upload by the actor would create this dataset.
    pub(super) async fn may_make(&self, actor: &Actor, path: &RepoPath) -> Result<bool> {
        Ok(self.creatable::<Upload>(actor, path).await?.is_some())
    }
}

fn sees_all(actor: &Actor) -> bool {
    match &actor.identity {
        Identity::Operator | Identity::Guest { .. } | Identity::User { admin: true, .. } => true,
        Identity::Anonymous | Identity::User { .. } | Identity::Link(_) => false,
    }
}
