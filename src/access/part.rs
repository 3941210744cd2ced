//! Decisions about a part of a dataset: what lies at or below one path.
//!
//! Whoever may read or write a file or a folder alone has a [`Part`] of the dataset and never a
//! [`Grant`](super::Grant), so that no door opens to them that is about the whole. Features read and write at a
//! [`Spot`], which only a part gives out, and only for what is in it.
//!
//! ```
//! use metastore::FilePath;
//! use rutter::access::{Fetch, Part, Read, Spot};
//! fn look(part: &Part<Fetch>, path: &FilePath) -> rutter::error::Result<Spot<Read>> {
//!     Ok(part.at(path)?.narrow())
//! }
//! ```
//!
//! ```compile_fail,E0451
//! use rutter::access::{Part, Write};
//! // A part cannot be forged: its fields are private.
//! fn forge(part: Part<Write>) -> Part<Write> {
//!     Part { root: None, ..part }
//! }
//! ```
//!
//! ```compile_fail,E0451
//! use metastore::FilePath;
//! use rutter::access::{Part, Read, Spot};
//! // Nor is a spot what somebody says it is.
//! fn elsewhere(spot: Spot<Read>, path: FilePath) -> Spot<Read> {
//!     Spot { path: Some(path), ..spot }
//! }
//! ```
//!
//! ```compile_fail,E0277
//! use rutter::access::{Part, Read, Write};
//! // Reading a part does not include writing it.
//! fn widen(part: &Part<Read>) -> Part<Write> {
//!     part.narrow::<Write>()
//! }
//! ```
//!
//! ```compile_fail,E0308
//! use rutter::access::{Grant, Part, Read};
//! // A part is no decision about the whole.
//! fn whole(part: Part<Read>) -> Grant<Read> {
//!     part
//! }
//! ```

use std::marker::PhantomData;
use std::sync::Arc;

use metastore::{FilePath, ObjectId};

use super::standing::hidden;
use super::{Access, Actor, Fetch, Grant, Identity, Includes, Own, Read, Right, Rights, Write};
use crate::db::datasets::DatasetRow;
use crate::db::memo::Known;
use crate::error::{Error, Result};
use crate::types::{Id, Level, Millis, RepoPath, Visibility};

/// Somewhere from which rights reach down.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Reach {
    /// A file or a folder; none for the dataset.
    pub(super) root: Option<FilePath>,
    pub(super) rights: Rights,
}

/// Whether `path` is `root`, or lies below it. None is the root of the dataset.
fn covers(root: Option<&FilePath>, path: Option<&FilePath>) -> bool {
    match (root, path) {
        (None, _) => true,
        (Some(_), None) => false,
        (Some(root), Some(path)) => path == root || path.is_inside(root),
    }
}

/// What all of them together allow at a path.
fn rights_at(reach: &[Reach], path: Option<&FilePath>) -> Rights {
    let covering = reach.iter().filter(|reach| covers(reach.root.as_ref(), path));
    covering.fold(Rights::NONE, |rights, reach| rights.with(reach.rights))
}

/// The highest of the roots above a path, itself included, from which `wanted` reaches down.
fn widest<'a>(reach: &'a [Reach], path: Option<&FilePath>, wanted: Rights) -> Option<&'a Reach> {
    let above = reach.iter().filter(|reach| covers(reach.root.as_ref(), path));
    let allowing = above.filter(|found| rights_at(reach, found.root.as_ref()).has(wanted));
    allowing.min_by_key(|found| found.root.as_ref().map_or(0, |root| root.as_str().len()))
}

/// What of a dataset's history somebody sees at the paths that they may read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum History {
    /// Every branch, tag and revision.
    Whole,
    /// The revisions of the default branch.
    Branch,
    /// Those of the default branch that descend from this one, which was its newest at that time; without one, the
    /// newest alone.
    Since(Option<ObjectId>, Millis),
}

/// A decision: this actor has the right `R` on what is at or below a path of this dataset.
#[derive(Debug)]
#[must_use = "a decision that nobody uses is a check that protects nothing"]
pub struct Part<R: Right> {
    dataset: Arc<DatasetRow>,
    actor: Arc<Actor>,
    root: Option<FilePath>,
    /// All that the actor has in the dataset.
    reach: Arc<[Reach]>,
    /// What the actor may do with the dataset as such, through every door.
    whole: Rights,
    right: PhantomData<R>,
}

impl<R: Right> Clone for Part<R> {
    fn clone(&self) -> Self {
        self.cast(self.root.clone())
    }
}

impl<R: Right> Part<R> {
    /// The dataset it is of.
    pub fn dataset(&self) -> &DatasetRow {
        &self.dataset
    }

    /// The dataset's id, which is also the key of its repository.
    pub fn id(&self) -> Id {
        self.dataset.id
    }

    /// `owner/name` of the dataset.
    pub fn path(&self) -> String {
        format!("{}/{}", self.dataset.owner_name, self.dataset.name)
    }

    /// Who may; also whom the audit trail names.
    pub fn actor(&self) -> &Actor {
        &self.actor
    }

    /// Where it begins: a file, or a folder with all that is below it; none for the whole dataset.
    pub fn root(&self) -> Option<&FilePath> {
        self.root.as_ref()
    }

    /// Whether it is all of the dataset.
    pub fn is_whole(&self) -> bool {
        self.root.is_none()
    }

    /// Whether the path is in it: its root, or below that.
    pub fn contains(&self, path: &FilePath) -> bool {
        covers(self.root.as_ref(), Some(path))
    }

    /// The key to what is at a path.
    ///
    /// # Errors
    /// For what is not in the part the same as for what is not there.
    pub fn at(&self, path: &FilePath) -> Result<Spot<R>> {
        if self.contains(path) { Ok(Spot { part: self.clone(), path: Some(path.clone()) }) } else { Err(missing(path)) }
    }

    /// The key to all of it.
    pub fn top(&self) -> Spot<R> {
        Spot { part: self.clone(), path: self.root.clone() }
    }

    /// The same decision, used for less.
    pub fn narrow<S: Right>(&self) -> Part<S>
    where
        R: Includes<S>,
    {
        self.cast(self.root.clone())
    }

    /// A further right that the same actor has on all of the part, if so.
    pub fn also<S: Right>(&self) -> Option<Part<S>> {
        rights_at(&self.reach, self.root()).has(S::RIGHTS).then(|| self.cast(self.root.clone()))
    }

    /// What the actor may do at a path of the dataset, if anything: by this decision and by all others.
    pub fn right_at(&self, path: Option<&FilePath>) -> Option<Level> {
        Level::of(rights_at(&self.reach, path))
    }

    /// The same as a decision about the dataset as such, for those who have one: it opens every door.
    pub fn grant(&self) -> Option<Grant<R>> {
        self.whole.has(R::RIGHTS).then(|| Grant {
            dataset: self.dataset.clone(),
            actor: self.actor.clone(),
            rights: self.whole,
            right: PhantomData,
        })
    }

    /// What of the history the actor sees. Who may read a part alone sees no branch but the default one: what others
    /// prepare elsewhere was not shared.
    pub fn history(&self) -> History {
        match &self.actor.identity {
            _ if self.whole.has(Read::RIGHTS) => History::Whole,
            Identity::Link(opened) => opened.history,
            _ => History::Branch,
        }
    }

    /// Whether the actor may decide who else gets at it.
    pub fn may_reshare(&self) -> bool {
        self.whole.has(Own::RIGHTS) && self.actor.may_share()
    }

    fn cast<S: Right>(&self, root: Option<FilePath>) -> Part<S> {
        Part {
            dataset: self.dataset.clone(),
            actor: self.actor.clone(),
            root,
            reach: self.reach.clone(),
            whole: self.whole,
            right: PhantomData,
        }
    }
}

/// A place in a part, and so the key to what is there and below.
#[derive(Debug)]
#[must_use = "a decision that nobody uses is a check that protects nothing"]
pub struct Spot<R: Right> {
    part: Part<R>,
    path: Option<FilePath>,
}

impl<R: Right> Clone for Spot<R> {
    fn clone(&self) -> Self {
        Self { part: self.part.clone(), path: self.path.clone() }
    }
}

impl<R: Right> Spot<R> {
    /// Where it is; none for the root of the dataset.
    pub fn path(&self) -> Option<&FilePath> {
        self.path.as_ref()
    }

    /// The part that it is in.
    pub fn part(&self) -> &Part<R> {
        &self.part
    }

    /// The dataset that it is in.
    pub fn dataset(&self) -> &DatasetRow {
        self.part.dataset()
    }

    /// The dataset's id, which is also the key of its repository.
    pub fn id(&self) -> Id {
        self.part.id()
    }

    /// Who may; also whom the audit trail names.
    pub fn actor(&self) -> &Actor {
        self.part.actor()
    }

    /// Whether it is where the part begins. To move or delete that is for those who have more than the part.
    pub fn is_top(&self) -> bool {
        self.path == self.part.root
    }

    /// Whether the path is the spot's, or below it.
    pub fn contains(&self, path: &FilePath) -> bool {
        covers(self.path(), Some(path))
    }

    /// The key to something at or below it.
    ///
    /// # Errors
    /// For what is elsewhere the same as for what is not there.
    pub fn below(&self, path: &FilePath) -> Result<Self> {
        if self.contains(path) {
            Ok(Self { part: self.part.clone(), path: Some(path.clone()) })
        } else {
            Err(missing(path))
        }
    }

    /// The same decision, used for less.
    pub fn narrow<S: Right>(&self) -> Spot<S>
    where
        R: Includes<S>,
    {
        Spot { part: self.part.narrow(), path: self.path.clone() }
    }

    /// A further right that the same actor has on all that is at the spot, if so.
    pub fn also<S: Right>(&self) -> Option<Spot<S>> {
        let root = widest(&self.part.reach, self.path(), S::RIGHTS)?.root.clone();
        Some(Spot { part: self.part.cast(root), path: self.path.clone() })
    }

    /// What the actor may do there.
    pub fn right(&self) -> Option<Level> {
        self.part.right_at(self.path())
    }
}

impl Level {
    /// What rights amount to for people; none if not even reading is among them.
    fn of(rights: Rights) -> Option<Self> {
        let levels = [(Own::RIGHTS, Self::Own), (Write::RIGHTS, Self::Edit), (Read::RIGHTS, Self::View)];
        levels.into_iter().find(|(needed, _)| rights.has(*needed)).map(|(_, level)| level)
    }
}

fn missing(path: &FilePath) -> Error {
    Error::not_found(format!("there is no `{path}`, or you may not see it"))
}

/// What an actor has in a dataset.
pub(super) struct Reached {
    known: Known,
    whole: Rights,
    reach: Arc<[Reach]>,
}

impl Access {
    /// May the actor do `R` with what is at this path of the dataset, or at its root for none? The part that is given
    /// begins as high above as the right reaches.
    ///
    /// # Errors
    /// As for [`Access::authorize`]; what the actor may not see looks like a dataset that is not there.
    pub async fn authorize_part<R: Right>(
        &self,
        actor: &Actor,
        path: &RepoPath,
        at: Option<&FilePath>,
    ) -> Result<Part<R>> {
        let decided = self.decide_part(actor, path, at).await;
        decided.map_err(|refusal| self.notes.refused(actor, R::NAME, path, refusal))
    }

    /// All parts of the dataset with which the actor may do `R`, the whole alone if that is one; none lies in another.
    ///
    /// # Errors
    /// As for [`Access::authorize`].
    pub async fn authorize_parts<R: Right>(&self, actor: &Actor, path: &RepoPath) -> Result<Vec<Part<R>>> {
        let decided = self.decide_parts(actor, path).await;
        decided.map_err(|refusal| self.notes.refused(actor, R::NAME, path, refusal))
    }

    async fn decide_part<R: Right>(&self, actor: &Actor, path: &RepoPath, at: Option<&FilePath>) -> Result<Part<R>> {
        let Some(reached) = self.reached(actor, path).await? else { return Err(hidden(actor, path)) };
        let Some(found) = widest(&reached.reach, at, R::RIGHTS) else {
            return Err(refusal::<R>(actor, path, reached.rights(at)));
        };
        self.note_shares(actor, &reached.known, at);
        Ok(reached.part(actor, found.root.clone()))
    }

    async fn decide_parts<R: Right>(&self, actor: &Actor, path: &RepoPath) -> Result<Vec<Part<R>>> {
        let Some(reached) = self.reached(actor, path).await? else { return Err(hidden(actor, path)) };
        let mut roots: Vec<Option<FilePath>> = Vec::new();
        for Reach { root, .. } in &*reached.reach {
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

    pub(super) async fn reached(&self, actor: &Actor, path: &RepoPath) -> Result<Option<Reached>> {
        let Some(known) = self.db.standing(path, actor.user()).await? else { return Ok(None) };
        let whole = self.whole(actor, path, &known, Rights::NONE);
        let mut reach = vec![Reach { root: None, rights: whole }];
        reach.extend(self.shared_parts(actor, path, &known));
        Ok(Some(Reached { known, whole, reach: reach.into() }))
    }
}

impl Reached {
    /// What the actor may do at a path.
    pub(super) fn rights(&self, at: Option<&FilePath>) -> Rights {
        rights_at(&self.reach, at)
    }

    fn part<R: Right>(&self, actor: &Actor, root: Option<FilePath>) -> Part<R> {
        Part {
            dataset: self.known.dataset.clone(),
            actor: Arc::new(actor.clone()),
            root,
            reach: self.reach.clone(),
            whole: self.whole,
            right: PhantomData,
        }
    }
}

/// What everybody may do.
pub(super) fn open(dataset: &DatasetRow) -> Rights {
    if dataset.visibility == Visibility::Public { Read::RIGHTS.with(Fetch::RIGHTS) } else { Rights::NONE }
}

/// What is said to somebody who may do this much, and not `R`.
pub(super) fn refusal<R: Right>(actor: &Actor, path: &RepoPath, rights: Rights) -> Error {
    if !rights.has(Read::RIGHTS) {
        return hidden(actor, path);
    }
    if actor.is_anonymous() {
        return Error::unauthenticated(format!("sign in to {} `{path}`", R::NAME));
    }
    Error::forbidden(format!("you may read `{path}`, but not {} it", R::NAME))
}

#[cfg(test)]
mod tests;
