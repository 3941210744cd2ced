//! Permission checks for a dataset and a path in it.
//!
//! A [`Grant`] gives an actor a right on one path of a dataset, a file or a folder with everything below; its path is
//! the root for the whole dataset. Features that need the whole dataset take a [`DatasetGrant`], which also serves as
//! a grant for any path in it. An actor with access to only a part of a dataset never gets one.
//!
//! ```
//! use metastore::FilePath;
//! use rutter::access::{DatasetGrant, Fetch, Grant, Own, Read, Write};
//! fn read(grant: &Grant<Fetch>, path: &FilePath) -> rutter::error::Result<Grant<Read>> {
//!     Ok(grant.at(path)?.narrow())
//! }
//! fn narrow(grant: &DatasetGrant<Own>) -> (DatasetGrant<Write>, DatasetGrant<Read>) {
//!     (grant.narrow::<Write>(), grant.narrow::<Read>())
//! }
//! // The whole dataset includes each of its paths.
//! fn part(grant: &DatasetGrant<Write>) -> &Grant<Write> {
//!     grant
//! }
//! ```
//!
//! ```compile_fail,E0451
//! use rutter::access::{Grant, Write};
//! // A grant cannot be forged: its fields are private.
//! fn forge(grant: Grant<Write>) -> Grant<Write> {
//!     Grant { root: None, ..grant }
//! }
//! ```
//!
//! ```compile_fail,E0451
//! use metastore::FilePath;
//! use rutter::access::{Grant, Read};
//! // A grant cannot be moved to another path.
//! fn elsewhere(grant: Grant<Read>, path: FilePath) -> Grant<Read> {
//!     Grant { path: Some(path), ..grant }
//! }
//! ```
//!
//! ```compile_fail,E0423
//! use rutter::access::{DatasetGrant, Grant, Write};
//! // A grant for a path cannot be turned into one for the whole dataset.
//! fn forge(grant: Grant<Write>) -> DatasetGrant<Write> {
//!     DatasetGrant(grant)
//! }
//! ```
//!
//! ```compile_fail,E0308
//! use rutter::access::{DatasetGrant, Grant, Read};
//! // A grant for a path does not give access to the whole dataset.
//! fn whole(grant: Grant<Read>) -> DatasetGrant<Read> {
//!     grant
//! }
//! ```
//!
//! ```compile_fail,E0277
//! use rutter::access::{Grant, Read, Write};
//! // Reading does not include writing.
//! fn widen(grant: &Grant<Read>) -> Grant<Write> {
//!     grant.narrow::<Write>()
//! }
//! ```
//!
//! ```compile_fail,E0277
//! use rutter::access::{DatasetGrant, Read, Write};
//! // Reading a dataset does not include writing to it.
//! fn widen(grant: &DatasetGrant<Read>) -> DatasetGrant<Write> {
//!     grant.narrow::<Write>()
//! }
//! ```
//!
//! ```compile_fail,E0277
//! use rutter::access::{Fetch, Grant, Own};
//! // Even the right to own does not include downloading: it must be requested by name.
//! fn bytes(grant: &Grant<Own>) -> Grant<Fetch> {
//!     grant.narrow::<Fetch>()
//! }
//! ```

use std::marker::PhantomData;
use std::ops::Deref;
use std::sync::Arc;

use lfs::Oid;
use metastore::{FilePath, ObjectId};

use super::base_rights::{by_object, not_found_for};
use super::path_rights::{PathRights, covers, rights_at, widest};
use super::{Access, Actor, Fetch, Identity, Includes, Own, Read, Right, Rights, Write};
use crate::db::datasets::DatasetRow;
use crate::db::query_cache::Known;
use crate::error::{Error, Result};
use crate::types::{Id, Level, Millis, RepoPath, Visibility};

/// The part of a dataset's history that an actor sees, at the paths that they can read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum History {
    /// Every branch, tag and revision.
    Whole,
    /// The revisions of the default branch.
    Branch,
    /// The revisions of the default branch that descend from this one, which was its newest at that time; without it,
    /// the newest revision only.
    Since(Option<ObjectId>, Millis),
}

/// A permission check that passed: this actor has the right `R` on everything at or below a path of this dataset.
#[derive(Debug)]
#[must_use = "an unused grant is a permission check without effect"]
pub struct Grant<R: Right> {
    dataset: Arc<DatasetRow>,
    actor: Arc<Actor>,
    /// The path of this grant; `None` for the root of the dataset.
    path: Option<FilePath>,
    /// Where the right begins: the path itself or a folder above it.
    root: Option<FilePath>,
    /// All paths of the dataset on which the actor has rights.
    reach: Arc<[PathRights]>,
    /// The actor's rights on the dataset as a whole.
    whole: Rights,
    right: PhantomData<R>,
}

impl<R: Right> Clone for Grant<R> {
    fn clone(&self) -> Self {
        self.cast()
    }
}

impl<R: Right> Grant<R> {
    /// Returns the dataset.
    pub fn dataset(&self) -> &DatasetRow {
        &self.dataset
    }

    /// Returns the dataset's id, which is also the key of its repository.
    pub fn id(&self) -> Id {
        self.dataset.id
    }

    /// Returns `owner/name` of the dataset.
    pub fn full_name(&self) -> String {
        format!("{}/{}", self.dataset.owner_name, self.dataset.name)
    }

    /// Returns the actor, which audit entries name.
    pub fn actor(&self) -> &Actor {
        &self.actor
    }

    /// Returns the path in the dataset; `None` for its root.
    pub fn path(&self) -> Option<&FilePath> {
        self.path.as_ref()
    }

    /// Returns the path at which the actor's right begins: the file or folder that was shared; `None` for the whole
    /// dataset.
    pub fn root(&self) -> Option<&FilePath> {
        self.root.as_ref()
    }

    /// Returns true if the right begins at this path. Moving or deleting it requires rights on its folder.
    pub fn is_root(&self) -> bool {
        self.path == self.root
    }

    /// Returns true if the actor has the right on a path of the dataset, which may be outside of this grant's path.
    pub fn allows(&self, path: &FilePath) -> bool {
        covers(self.root(), Some(path))
    }

    /// Returns true if the actor has the right on the whole dataset.
    pub fn allows_all(&self) -> bool {
        self.root.is_none()
    }

    /// Returns the grant for a path at or below this one.
    ///
    /// # Errors
    /// For a path elsewhere the same as for one that does not exist.
    pub fn at(&self, path: &FilePath) -> Result<Self> {
        if !covers(self.path(), Some(path)) {
            return Err(Error::not_found(format!("there is no `{path}`, or you do not have access to it")));
        }
        Ok(Self { path: Some(path.clone()), ..self.clone() })
    }

    /// Returns the grant for another path of the dataset, if the actor has the right there, too.
    pub(super) fn beside(&self, path: &FilePath) -> Option<Self> {
        self.allows(path).then(|| Self { path: Some(path.clone()), ..self.clone() })
    }

    /// Converts the grant to one for a right that `R` includes.
    pub fn narrow<S: Right>(&self) -> Grant<S>
    where
        R: Includes<S>,
    {
        self.cast()
    }

    /// Returns the actor's permission level at a path of the dataset, from all their rights; `None` without access.
    pub fn level_at(&self, path: Option<&FilePath>) -> Option<Level> {
        Level::of(rights_at(&self.reach, path))
    }

    /// Returns the history that the actor sees. An actor who can read only a part sees no branch but the default one:
    /// work on other branches was not shared.
    pub fn history(&self) -> History {
        match &self.actor.identity {
            _ if self.whole.has(Read::RIGHTS) => History::Whole,
            Identity::Link(opened) => opened.history,
            _ => History::Branch,
        }
    }

    fn cast<S: Right>(&self) -> Grant<S> {
        Grant {
            dataset: self.dataset.clone(),
            actor: self.actor.clone(),
            path: self.path.clone(),
            root: self.root.clone(),
            reach: self.reach.clone(),
            whole: self.whole,
            right: PhantomData,
        }
    }
}

/// A permission check that passed: this actor has the right `R` on all of this dataset: its files, every branch, tag
/// and revision, and its settings. Dereferences to the [`Grant`] at the root.
#[derive(Debug)]
#[must_use = "an unused grant is a permission check without effect"]
pub struct DatasetGrant<R: Right>(Grant<R>);

impl<R: Right> Clone for DatasetGrant<R> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<R: Right> Deref for DatasetGrant<R> {
    type Target = Grant<R>;

    fn deref(&self) -> &Grant<R> {
        &self.0
    }
}

impl<R: Right> DatasetGrant<R> {
    /// Returns the grant for a path of the dataset; `None` for its root.
    pub fn at(&self, path: impl Into<Option<FilePath>>) -> Grant<R> {
        Grant { path: path.into(), ..self.0.clone() }
    }

    /// Converts the grant to one for a right that `R` includes.
    pub fn narrow<S: Right>(&self) -> DatasetGrant<S>
    where
        R: Includes<S>,
    {
        DatasetGrant(self.0.cast())
    }

    /// Returns all rights of the actor on the dataset.
    pub fn rights(&self) -> Rights {
        self.0.whole
    }

    /// Returns a grant of another right, if the actor has it on the dataset.
    pub fn also<S: Right>(&self) -> Option<DatasetGrant<S>> {
        self.rights().has(S::RIGHTS).then(|| DatasetGrant(self.0.cast()))
    }
}

impl Level {
    /// Returns the level that corresponds to a set of rights; `None` if it does not include reading.
    pub(super) fn of(rights: Rights) -> Option<Self> {
        let levels = [(Own::RIGHTS, Self::Own), (Write::RIGHTS, Self::Edit), (Read::RIGHTS, Self::View)];
        levels.into_iter().find(|(needed, _)| rights.has(*needed)).map(|(_, level)| level)
    }
}

/// The rights of an actor in a dataset.
pub(super) struct DatasetRights {
    known: Known,
    whole: Rights,
    reach: Arc<[PathRights]>,
}

impl Access {
    /// Checks that the actor has the right `R` on the dataset. Grants of a whole dataset are made only here.
    ///
    /// # Errors
    /// Without read access the error is the same as for a dataset that does not exist: 401 without credentials, 404
    /// otherwise. 403 with read access but without `R`.
    pub async fn authorize<R: Right>(&self, actor: &Actor, dataset: &RepoPath) -> Result<DatasetGrant<R>> {
        self.authorize_objects(actor, dataset, &[]).await
    }

    /// Like [`Access::authorize`], for a credential that may be limited to single objects: it must cover all of
    /// these. An empty list means the whole dataset.
    pub async fn authorize_objects<R: Right>(
        &self,
        actor: &Actor,
        dataset: &RepoPath,
        oids: &[Oid],
    ) -> Result<DatasetGrant<R>> {
        let decided = self.decide(actor, dataset, oids).await;
        decided.map_err(|refusal| self.notes.refused(actor, R::NAME, dataset, refusal))
    }

    /// Checks that the actor has the right `R` at this path of the dataset, or at its root for `None`.
    ///
    /// # Errors
    /// As for [`Access::authorize`]; without read access the dataset looks as if it did not exist.
    pub async fn authorize_path<R: Right>(
        &self,
        actor: &Actor,
        dataset: &RepoPath,
        path: Option<&FilePath>,
    ) -> Result<Grant<R>> {
        let granted = self.authorize_each(actor, dataset, &[path.cloned()]).await?;
        granted.into_iter().next().ok_or_else(|| not_found_for(actor, dataset))
    }

    /// Checks that the actor has the right `R` at each of these paths of the dataset; `None` is its root. Returns the
    /// grants in the same order.
    ///
    /// # Errors
    /// As for [`Access::authorize_path`] of the first path without the right.
    pub async fn authorize_each<R: Right>(
        &self,
        actor: &Actor,
        dataset: &RepoPath,
        paths: &[Option<FilePath>],
    ) -> Result<Vec<Grant<R>>> {
        let decided = self.decide_each(actor, dataset, paths).await;
        decided.map_err(|refusal| self.notes.refused(actor, R::NAME, dataset, refusal))
    }

    /// Returns grants for all paths of the dataset on which the actor has the right `R`, without paths inside of other
    /// ones; if that is the whole dataset, only its root.
    ///
    /// # Errors
    /// As for [`Access::authorize`].
    pub async fn authorize_paths<R: Right>(&self, actor: &Actor, dataset: &RepoPath) -> Result<Vec<Grant<R>>> {
        let decided = self.decide_paths(actor, dataset).await;
        decided.map_err(|refusal| self.notes.refused(actor, R::NAME, dataset, refusal))
    }

    pub(super) async fn decide<R: Right>(
        &self,
        actor: &Actor,
        dataset: &RepoPath,
        oids: &[Oid],
    ) -> Result<DatasetGrant<R>> {
        let reached = self.reached(actor, dataset, by_object::<R>(actor, dataset, oids)).await?;
        let reached = reached.ok_or_else(|| not_found_for(actor, dataset))?;
        // Not by the rights at the root: a link to the whole dataset gives access to its files only.
        if !reached.whole.has(R::RIGHTS) {
            return Err(refusal::<R>(actor, dataset, reached.whole));
        }
        self.note_shares(actor, &reached.known, &[None]);
        Ok(DatasetGrant(reached.grant(actor, None, None)))
    }

    async fn decide_each<R: Right>(
        &self,
        actor: &Actor,
        dataset: &RepoPath,
        paths: &[Option<FilePath>],
    ) -> Result<Vec<Grant<R>>> {
        let reached = self.reached(actor, dataset, Rights::NONE).await?;
        let reached = reached.ok_or_else(|| not_found_for(actor, dataset))?;
        let any = reached.grant(actor, None, None);
        let decide = |path: &Option<FilePath>| {
            let Some(found) = widest(&reached.reach, path.as_ref(), R::RIGHTS) else {
                return Err(refusal::<R>(actor, dataset, reached.rights(path.as_ref())));
            };
            Ok(Grant { path: path.clone(), root: found.root.clone(), ..any.clone() })
        };
        let granted = paths.iter().map(decide).collect::<Result<_>>()?;
        self.note_shares(actor, &reached.known, paths);
        Ok(granted)
    }

    async fn decide_paths<R: Right>(&self, actor: &Actor, dataset: &RepoPath) -> Result<Vec<Grant<R>>> {
        let reached = self.reached(actor, dataset, Rights::NONE).await?;
        let reached = reached.ok_or_else(|| not_found_for(actor, dataset))?;
        let mut roots: Vec<Option<FilePath>> = Vec::new();
        for PathRights { root, .. } in &*reached.reach {
            if let Some(top) = widest(&reached.reach, root.as_ref(), R::RIGHTS)
                && !roots.contains(&top.root)
            {
                roots.push(top.root.clone());
            }
        }
        if roots.is_empty() {
            let all = reached.reach.iter().fold(Rights::NONE, |rights, reach| rights.with(reach.rights));
            return Err(refusal::<R>(actor, dataset, all));
        }
        roots.sort();
        Ok(roots.into_iter().map(|root| reached.grant(actor, root.clone(), root)).collect())
    }

    /// Returns the actor's rights in a dataset; `None` if it does not exist. All decisions about a dataset begin here,
    /// so this is where the actor's own drive is created.
    pub(super) async fn reached(
        &self,
        actor: &Actor,
        dataset: &RepoPath,
        by_object: Rights,
    ) -> Result<Option<DatasetRights>> {
        let mut known = self.db.dataset(dataset, actor.user()).await?;
        if known.is_none() && self.create_own_drive(actor, dataset).await? {
            known = self.db.dataset(dataset, actor.user()).await?;
        }
        let Some(known) = known else { return Ok(None) };
        let reach = self.reach(actor, dataset, &known, by_object);
        // A link gives access to files only, even if it is one to the root.
        let whole = if actor.came_by_link() { open(&known.dataset) } else { rights_at(&reach, None) };
        Ok(Some(DatasetRights { known, whole, reach: reach.into() }))
    }
}

impl DatasetRights {
    /// Returns the actor's rights at a path.
    pub(super) fn rights(&self, path: Option<&FilePath>) -> Rights {
        rights_at(&self.reach, path)
    }

    /// Returns the rights of an actor who may add files to a folder, `None` for the root, and has no other rights in the
    /// dataset.
    pub(super) fn to_add(known: Known, folder: Option<FilePath>) -> Self {
        let reach = [PathRights { root: folder, rights: Write::RIGHTS }].into();
        Self { whole: open(&known.dataset), known, reach }
    }

    pub(super) fn grant<R: Right>(&self, actor: &Actor, path: Option<FilePath>, root: Option<FilePath>) -> Grant<R> {
        Grant {
            dataset: self.known.dataset.clone(),
            actor: Arc::new(actor.clone()),
            path,
            root,
            reach: self.reach.clone(),
            whole: self.whole,
            right: PhantomData,
        }
    }
}

/// Returns the rights of everyone, including anonymous requests.
pub(super) fn open(dataset: &DatasetRow) -> Rights {
    if dataset.visibility == Visibility::Public { Read::RIGHTS.with(Fetch::RIGHTS) } else { Rights::NONE }
}

/// Returns the error for an actor with these rights, which lack `R`.
pub(super) fn refusal<R: Right>(actor: &Actor, path: &RepoPath, rights: Rights) -> Error {
    if !rights.has(Read::RIGHTS) {
        return not_found_for(actor, path);
    }
    if actor.is_anonymous() {
        return Error::unauthenticated(format!("sign in to {} `{path}`", R::NAME));
    }
    Error::forbidden(format!("you can read `{path}`, but you cannot {} it", R::NAME))
}
