//! Permission checks for a part of a dataset: the file or folder at one path, with everything below.
//!
//! An actor with access to only a file or a folder gets a [`PathGrant`] of the dataset and never a
//! [`Grant`](super::Grant), so APIs that need the whole dataset do not accept it. Features read and write at a
//! [`PathTarget`]; only a grant creates targets, and only for paths within it.
//!
//! ```
//! use metastore::FilePath;
//! use rutter::access::{Fetch, PathGrant, Read, PathTarget};
//! fn look(grant: &PathGrant<Fetch>, path: &FilePath) -> rutter::error::Result<PathTarget<Read>> {
//!     Ok(grant.at(path)?.narrow())
//! }
//! ```
//!
//! ```compile_fail,E0451
//! use rutter::access::{PathGrant, Write};
//! // A grant cannot be forged: its fields are private.
//! fn forge(grant: PathGrant<Write>) -> PathGrant<Write> {
//!     PathGrant { root: None, ..grant }
//! }
//! ```
//!
//! ```compile_fail,E0451
//! use metastore::FilePath;
//! use rutter::access::{PathGrant, Read, PathTarget};
//! // A target cannot be moved to another path.
//! fn elsewhere(target: PathTarget<Read>, path: FilePath) -> PathTarget<Read> {
//!     PathTarget { path: Some(path), ..target }
//! }
//! ```
//!
//! ```compile_fail,E0277
//! use rutter::access::{PathGrant, Read, Write};
//! // Reading at a path does not include writing it.
//! fn widen(grant: &PathGrant<Read>) -> PathGrant<Write> {
//!     grant.narrow::<Write>()
//! }
//! ```
//!
//! ```compile_fail,E0308
//! use rutter::access::{Grant, PathGrant, Read};
//! // A grant for a path does not give access to the whole dataset.
//! fn whole(grant: PathGrant<Read>) -> Grant<Read> {
//!     grant
//! }
//! ```

use std::marker::PhantomData;
use std::sync::Arc;

use metastore::{FilePath, ObjectId};

use super::base_rights::not_found_for;
use super::{Access, Actor, Fetch, Grant, Identity, Includes, Own, Read, Right, Rights, Write};
use crate::db::datasets::DatasetRow;
use crate::db::query_cache::Known;
use crate::error::{Error, Result};
use crate::types::{Id, Level, Millis, RepoPath, Visibility};

/// A path from which rights apply downwards.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct PathRights {
    /// A file or a folder; `None` for the whole dataset.
    pub(super) root: Option<FilePath>,
    pub(super) rights: Rights,
}

/// Returns true if `path` is `root` or below it. `None` is the root of the dataset.
fn covers(root: Option<&FilePath>, path: Option<&FilePath>) -> bool {
    match (root, path) {
        (None, _) => true,
        (Some(_), None) => false,
        (Some(root), Some(path)) => path == root || path.is_inside(root),
    }
}

/// Returns the union of the rights at a path.
fn rights_at(reach: &[PathRights], path: Option<&FilePath>) -> Rights {
    let covering = reach.iter().filter(|reach| covers(reach.root.as_ref(), path));
    covering.fold(Rights::NONE, |rights, reach| rights.with(reach.rights))
}

/// Returns the highest root at or above a path that has the `wanted` rights.
fn widest<'a>(reach: &'a [PathRights], path: Option<&FilePath>, wanted: Rights) -> Option<&'a PathRights> {
    let above = reach.iter().filter(|reach| covers(reach.root.as_ref(), path));
    let allowing = above.filter(|found| rights_at(reach, found.root.as_ref()).has(wanted));
    allowing.min_by_key(|found| found.root.as_ref().map_or(0, |root| root.as_str().len()))
}

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
pub struct PathGrant<R: Right> {
    dataset: Arc<DatasetRow>,
    actor: Arc<Actor>,
    root: Option<FilePath>,
    /// All paths of the dataset on which the actor has rights.
    reach: Arc<[PathRights]>,
    /// The actor's rights on the dataset as a whole.
    whole: Rights,
    right: PhantomData<R>,
}

impl<R: Right> Clone for PathGrant<R> {
    fn clone(&self) -> Self {
        self.cast(self.root.clone())
    }
}

impl<R: Right> PathGrant<R> {
    /// Returns the dataset.
    pub fn dataset(&self) -> &DatasetRow {
        &self.dataset
    }

    /// Returns the dataset's id, which is also the key of its repository.
    pub fn id(&self) -> Id {
        self.dataset.id
    }

    /// Returns `owner/name` of the dataset.
    pub fn path(&self) -> String {
        format!("{}/{}", self.dataset.owner_name, self.dataset.name)
    }

    /// Returns the actor, who is also recorded in the audit trail.
    pub fn actor(&self) -> &Actor {
        &self.actor
    }

    /// Returns the path of the part: a file, or a folder with everything below; `None` for the whole dataset.
    pub fn root(&self) -> Option<&FilePath> {
        self.root.as_ref()
    }

    /// Returns true if the part is the whole dataset.
    pub fn is_whole(&self) -> bool {
        self.root.is_none()
    }

    /// Returns true if the path is the root of the part or below it.
    pub fn contains(&self, path: &FilePath) -> bool {
        covers(self.root.as_ref(), Some(path))
    }

    /// Returns the spot at a path.
    ///
    /// # Errors
    /// For a path outside of the part the same as for one that does not exist.
    pub fn at(&self, path: &FilePath) -> Result<PathTarget<R>> {
        if self.contains(path) {
            Ok(PathTarget { part: self.clone(), path: Some(path.clone()) })
        } else {
            Err(missing(path))
        }
    }

    /// Returns the spot at the root of the part.
    pub fn top(&self) -> PathTarget<R> {
        PathTarget { part: self.clone(), path: self.root.clone() }
    }

    /// Converts the part to one for a right that `R` includes.
    pub fn narrow<S: Right>(&self) -> PathGrant<S>
    where
        R: Includes<S>,
    {
        self.cast(self.root.clone())
    }

    /// Returns the part with another right, if the actor has it on the whole part.
    pub fn also<S: Right>(&self) -> Option<PathGrant<S>> {
        rights_at(&self.reach, self.root()).has(S::RIGHTS).then(|| self.cast(self.root.clone()))
    }

    /// Returns the actor's permission level at a path of the dataset, from all their rights; `None` without access.
    pub fn right_at(&self, path: Option<&FilePath>) -> Option<Level> {
        Level::of(rights_at(&self.reach, path))
    }

    /// Returns a grant of the whole dataset, if the actor has the right on all of it.
    pub fn grant(&self) -> Option<Grant<R>> {
        self.whole.has(R::RIGHTS).then(|| Grant {
            dataset: self.dataset.clone(),
            actor: self.actor.clone(),
            rights: self.whole,
            right: PhantomData,
        })
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

    /// Returns true if the actor can share the dataset with others.
    pub fn may_reshare(&self) -> bool {
        self.whole.has(Own::RIGHTS) && self.actor.may_share()
    }

    fn cast<S: Right>(&self, root: Option<FilePath>) -> PathGrant<S> {
        PathGrant {
            dataset: self.dataset.clone(),
            actor: self.actor.clone(),
            root,
            reach: self.reach.clone(),
            whole: self.whole,
            right: PhantomData,
        }
    }
}

/// A path within a part: a permission check for everything at or below it.
#[derive(Debug)]
#[must_use = "an unused grant is a permission check without effect"]
pub struct PathTarget<R: Right> {
    part: PathGrant<R>,
    path: Option<FilePath>,
}

impl<R: Right> Clone for PathTarget<R> {
    fn clone(&self) -> Self {
        Self { part: self.part.clone(), path: self.path.clone() }
    }
}

impl<R: Right> PathTarget<R> {
    /// Returns the path; `None` for the root of the dataset.
    pub fn path(&self) -> Option<&FilePath> {
        self.path.as_ref()
    }

    /// Returns the part that contains the spot.
    pub fn part(&self) -> &PathGrant<R> {
        &self.part
    }

    /// Returns the dataset.
    pub fn dataset(&self) -> &DatasetRow {
        self.part.dataset()
    }

    /// Returns the dataset's id, which is also the key of its repository.
    pub fn id(&self) -> Id {
        self.part.id()
    }

    /// Returns the actor, who is also recorded in the audit trail.
    pub fn actor(&self) -> &Actor {
        self.part.actor()
    }

    /// Returns true if this is the root of the part. Moving or deleting the root requires rights beyond the part.
    pub fn is_top(&self) -> bool {
        self.path == self.part.root
    }

    /// Returns true if the path is that of the spot or below it.
    pub fn contains(&self, path: &FilePath) -> bool {
        covers(self.path(), Some(path))
    }

    /// Returns the spot for a path at or below this one.
    ///
    /// # Errors
    /// For a path elsewhere the same as for one that does not exist.
    pub fn below(&self, path: &FilePath) -> Result<Self> {
        if self.contains(path) {
            Ok(Self { part: self.part.clone(), path: Some(path.clone()) })
        } else {
            Err(missing(path))
        }
    }

    /// Converts the spot to one for a right that `R` includes.
    pub fn narrow<S: Right>(&self) -> PathTarget<S>
    where
        R: Includes<S>,
    {
        PathTarget { part: self.part.narrow(), path: self.path.clone() }
    }

    /// Returns the spot with another right, if the actor has it on everything at the spot.
    pub fn also<S: Right>(&self) -> Option<PathTarget<S>> {
        let root = widest(&self.part.reach, self.path(), S::RIGHTS)?.root.clone();
        Some(PathTarget { part: self.part.cast(root), path: self.path.clone() })
    }

    /// Returns the actor's permission level at the spot.
    pub fn right(&self) -> Option<Level> {
        self.part.right_at(self.path())
    }
}

impl Level {
    /// Returns the level that corresponds to a set of rights; `None` if it does not include reading.
    fn of(rights: Rights) -> Option<Self> {
        let levels = [(Own::RIGHTS, Self::Own), (Write::RIGHTS, Self::Edit), (Read::RIGHTS, Self::View)];
        levels.into_iter().find(|(needed, _)| rights.has(*needed)).map(|(_, level)| level)
    }
}

fn missing(path: &FilePath) -> Error {
    Error::not_found(format!("there is no `{path}`, or you do not have access to it"))
}

/// The rights of an actor in a dataset.
pub(super) struct DatasetRights {
    known: Known,
    whole: Rights,
    reach: Arc<[PathRights]>,
}

impl Access {
    /// Checks that the actor has the right `R` at this path of the dataset, or at its root for `None`. The returned
    /// part begins as high up as the right extends.
    ///
    /// # Errors
    /// As for [`Access::authorize`]; without read access the dataset looks as if it did not exist.
    pub async fn authorize_part<R: Right>(
        &self,
        actor: &Actor,
        path: &RepoPath,
        at: Option<&FilePath>,
    ) -> Result<PathGrant<R>> {
        let decided = self.decide_part(actor, path, at).await;
        decided.map_err(|refusal| self.notes.refused(actor, R::NAME, path, refusal))
    }

    /// Returns all parts of the dataset on which the actor has the right `R`, without parts inside of other parts; if
    /// that is the whole dataset, only that.
    ///
    /// # Errors
    /// As for [`Access::authorize`].
    pub async fn authorize_parts<R: Right>(&self, actor: &Actor, path: &RepoPath) -> Result<Vec<PathGrant<R>>> {
        let decided = self.decide_parts(actor, path).await;
        decided.map_err(|refusal| self.notes.refused(actor, R::NAME, path, refusal))
    }

    async fn decide_part<R: Right>(
        &self,
        actor: &Actor,
        path: &RepoPath,
        at: Option<&FilePath>,
    ) -> Result<PathGrant<R>> {
        let Some(reached) = self.reached(actor, path).await? else { return Err(not_found_for(actor, path)) };
        let Some(found) = widest(&reached.reach, at, R::RIGHTS) else {
            return Err(refusal::<R>(actor, path, reached.rights(at)));
        };
        self.note_shares(actor, &reached.known, at);
        Ok(reached.part(actor, found.root.clone()))
    }

    async fn decide_parts<R: Right>(&self, actor: &Actor, path: &RepoPath) -> Result<Vec<PathGrant<R>>> {
        let Some(reached) = self.reached(actor, path).await? else { return Err(not_found_for(actor, path)) };
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
            return Err(refusal::<R>(actor, path, all));
        }
        roots.sort();
        Ok(roots.into_iter().map(|root| reached.part(actor, root)).collect())
    }

    pub(super) async fn reached(&self, actor: &Actor, path: &RepoPath) -> Result<Option<DatasetRights>> {
        let Some(known) = self.db.dataset(path, actor.user()).await? else { return Ok(None) };
        let whole = self.whole(actor, path, &known, Rights::NONE);
        let mut reach = vec![PathRights { root: None, rights: whole }];
        reach.extend(self.shared_parts(actor, path, &known));
        Ok(Some(DatasetRights { known, whole, reach: reach.into() }))
    }
}

impl DatasetRights {
    /// Returns the actor's rights at a path.
    pub(super) fn rights(&self, at: Option<&FilePath>) -> Rights {
        rights_at(&self.reach, at)
    }

    fn part<R: Right>(&self, actor: &Actor, root: Option<FilePath>) -> PathGrant<R> {
        PathGrant {
            dataset: self.known.dataset.clone(),
            actor: Arc::new(actor.clone()),
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

#[cfg(test)]
mod tests;
