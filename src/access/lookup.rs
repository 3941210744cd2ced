//! Datasets by other names than `owner/name`: their id, or their own name where that means one only. Whatever the name
//! is, who may not see a dataset learns nothing of it, not even where it is.

use lfs::Oid;

use super::{Access, Actor, Fetch, Grant, Identity, Read, Right, Target, Upload};
use crate::error::{Error, Kind, Result};
use crate::types::{Id, OwnerName, RepoPath};

/// Datasets of one name, and holders of one resource, that are looked at.
const LOOKED_AT: u8 = 20;

impl Access {
    /// Like [`Access::authorize`], for a dataset by its path, its id, or its own name alone.
    ///
    /// # Errors
    /// As for [`Access::authorize`]; conflict for a name alone that means several datasets to the actor.
    pub async fn authorize_named<R: Right>(&self, actor: &Actor, name: &str) -> Result<Grant<R>> {
        let unseen = || {
            if actor.is_anonymous() {
                return Error::unauthenticated(format!("sign in to {} `{}`", R::NAME, name.escape_debug()));
            }
            Error::not_found(format!("there is no dataset `{}`, or you may not see it", name.escape_debug()))
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
            if self.quietly::<Read>(actor, &path).await?.is_some() {
                seen.push(path);
            }
        }
        if seen.len() > 1 || is_cut {
            let some: Vec<String> = seen.iter().take(3).map(|path| format!("`{path}`")).collect();
            let some = if some.is_empty() { String::new() } else { format!(", as {}", some.join(" or ")) };
            return Err(Error::conflict(format!("several datasets are called `{name}`: write OWNER/NAME{some}")));
        }
        Ok(seen.pop())
    }

    /// The datasets that are known to have a resource with this id and that the actor may see, the first to have it
    /// first. Whether they still have it, their packages say.
    pub async fn holders_of_resource(&self, actor: &Actor, resource: &str) -> Result<Vec<Grant<Read>>> {
        let found = self.db.read().await?.datasets_with_resource(resource, i64::from(LOOKED_AT)).await?;
        let mut seen = Vec::new();
        for path in found {
            seen.extend(self.quietly(actor, &path).await?);
        }
        Ok(seen)
    }

    /// A dataset of a store that holds an object and of which the actor may have all bytes, if there is one.
    pub async fn lender(&self, actor: &Actor, store: &str, oid: &Oid) -> Result<Option<Grant<Fetch>>> {
        let sees_all = matches!(actor.identity, Identity::Operator | Identity::User { admin: true, .. });
        let found = self.db.read().await?.lenders(store, oid, actor.user(), sees_all).await?;
        for (owner, name) in found {
            let path = RepoPath::from_segments(&owner, &name)?;
            match self.decide(actor, &path, &[]).await {
                Ok(grant) => return Ok(Some(grant)),
                Err(error) if error.kind().status().is_server_error() => return Err(error),
                // The credential may be limited to less than who has it.
                Err(_) => {}
            }
        }
        Ok(None)
    }

    /// The name of the owner whom CKAN's clients name so: by name, or by id.
    ///
    /// # Errors
    /// Invalid for what cannot be a name.
    pub async fn owner_named(&self, text: &str) -> Result<OwnerName> {
        if let Ok(id) = text.parse::<Id>()
            && let Some(name) = self.db.read().await?.owner_name(id).await?
        {
            return Ok(name);
        }
        text.parse()
    }

    /// The grant, if there is one. It was not asked for by name, so a refusal is nothing to take note of.
    pub(super) async fn quietly<R: Right>(&self, actor: &Actor, path: &RepoPath) -> Result<Option<Grant<R>>> {
        match self.decide(actor, path, &[]).await {
            Ok(grant) => Ok(Some(grant)),
            Err(error) if matches!(error.kind(), Kind::NotFound | Kind::Unauthenticated | Kind::Forbidden) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// The right to read a dataset, or to make it where there is none: for what is made when it is asked for first. That
    /// it is not there yet is no refusal, and nothing to take note of.
    ///
    /// # Errors
    /// As for [`Access::creation`].
    pub async fn authorize_or_create(&self, actor: &Actor, path: &RepoPath) -> Result<Target<Read>> {
        if let Some(grant) = self.quietly(actor, path).await? {
            return Ok(Target::Existing(grant));
        }
        match self.creation(actor, path).await {
            // Somebody else made it between the two questions.
            Err(error) if error.kind() == Kind::Conflict => self.authorize(actor, path).await.map(Target::Existing),
            creation => creation.map(Target::New),
        }
    }

    /// Whether an upload by the actor would make this dataset.
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
