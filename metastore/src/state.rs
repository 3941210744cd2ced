//! Data types exchanged between the engine and the database: names, refs, transactions.

use std::{
    collections::{BTreeSet, HashMap, HashSet},
    fmt,
    ops::Bound,
    str::FromStr,
};

use async_trait::async_trait;
use gix::ObjectId;

use crate::{Error, NewPack, Pack, PackBytes, PackId, Result};

/// Maximum length of a ref name in bytes.
const REF_NAME_LIMIT: usize = 1024;

/// The engine's name of a repository: 1 to 64 of `a-z`, `0-9` and `-`; safe as a folder name and object key.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RepoKey(String);

impl RepoKey {
    /// Returns the key as a string.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for RepoKey {
    type Err = Error;

    fn from_str(key: &str) -> Result<Self> {
        let plain = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-');
        if (1..=64).contains(&key.len()) && key.bytes().all(plain) {
            Ok(Self(key.to_owned()))
        } else {
            Err(Error::Invalid(format!("{key:?} is not a repository key")))
        }
    }
}

impl fmt::Display for RepoKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// A full ref name below `refs/`, in UTF-8 and valid according to `git check-ref-format`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RefName(String);

impl RefName {
    /// Returns the branch `refs/heads/<short>`; rejects `HEAD` and a leading `-`, as `git branch` does.
    pub fn branch(short: &str) -> Result<Self> {
        Self::porcelain("refs/heads/", short)
    }

    /// Returns the tag `refs/tags/<short>`; rejects `HEAD` and a leading `-`, as `git tag` does.
    pub fn tag(short: &str) -> Result<Self> {
        Self::porcelain("refs/tags/", short)
    }

    fn porcelain(prefix: &str, short: &str) -> Result<Self> {
        if short.starts_with('-') || short == "HEAD" {
            return Err(Error::Invalid(format!("{short:?} is not a valid name")));
        }
        format!("{prefix}{short}").parse()
    }

    /// Returns the full name.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the short name, without `refs/heads/`, `refs/tags/` or `refs/`.
    pub fn short(&self) -> &str {
        ["refs/heads/", "refs/tags/", "refs/"].iter().find_map(|prefix| self.0.strip_prefix(prefix)).unwrap_or(&self.0)
    }

    /// Returns true if this is a branch.
    pub fn is_branch(&self) -> bool {
        self.0.starts_with("refs/heads/")
    }

    /// Returns true if this is a tag.
    pub fn is_tag(&self) -> bool {
        self.0.starts_with("refs/tags/")
    }

    /// Returns true if the ref belongs to the engine; such refs are neither shown to clients nor writable by them.
    pub fn is_hidden(&self) -> bool {
        self.0 == "refs/internal" || self.0.starts_with("refs/internal/")
    }

    /// Returns true if the name has another meaning in git: a branch called `HEAD` makes `HEAD` ambiguous.
    pub fn is_reserved(&self) -> bool {
        self.0 == "refs/heads/HEAD"
    }
}

impl FromStr for RefName {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self> {
        let below_refs = name.strip_prefix("refs/").is_some_and(|rest| !rest.is_empty());
        if below_refs && name.len() <= REF_NAME_LIMIT && gix::validate::reference::name(name.into()).is_ok() {
            Ok(Self(name.to_owned()))
        } else {
            Err(Error::Invalid(format!("{name:?} is not a valid ref name")))
        }
    }
}

impl fmt::Display for RefName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// A ref and its target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ref {
    /// The full name.
    pub name: RefName,
    /// The object that the ref points to.
    pub target: ObjectId,
    /// For an annotated tag, the object it peels to.
    pub peeled: Option<ObjectId>,
}

/// A repository as seen by one database read transaction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct State {
    /// The repository.
    pub repo: RepoKey,
    /// Incremented with every change of refs or packs.
    pub generation: u64,
    /// Incremented by every garbage collection; a landing from an older epoch must be rejected.
    pub epoch: u64,
    /// The branch that `HEAD` points to; it may not exist yet.
    pub head: RefName,
    /// All refs, in any order.
    pub refs: Vec<Ref>,
    /// All live packs, in any order.
    pub packs: Vec<Pack>,
}

impl State {
    /// Returns the state of a new, empty repository.
    pub fn empty(repo: RepoKey, head: RefName) -> Self {
        Self { repo, generation: 0, epoch: 0, head, refs: Vec::new(), packs: Vec::new() }
    }

    /// Returns the ref with this name, if it exists.
    pub fn find(&self, name: &RefName) -> Option<&Ref> {
        self.refs.iter().find(|candidate| candidate.name == *name)
    }
}

/// Access to inline packs, which are stored in the database.
#[async_trait]
pub trait InlinePacks: Send + Sync {
    /// Loads these packs; those that no longer exist are left out of the result.
    async fn load(&self, repo: &RepoKey, ids: &[PackId]) -> Result<Vec<(PackId, PackBytes)>>;
}

/// An update of one ref: from `old` (`None`: must not exist) to `new` (`None`: delete).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefEdit {
    /// The ref.
    pub name: RefName,
    /// The expected current target.
    pub old: Option<ObjectId>,
    /// The new target.
    pub new: Option<ObjectId>,
    /// For an annotated tag, the object that `new` peels to.
    pub peeled: Option<ObjectId>,
}

/// The changes of one write, to be committed in a single database transaction or not at all.
#[derive(Debug, Clone)]
pub struct RefTransaction {
    /// The generation that the write is based on.
    pub generation: u64,
    /// The epoch that must still be current.
    pub epoch: u64,
    /// The pack to insert; `None` if the write adds no objects.
    pub pack: Option<NewPack>,
    /// The refs to compare and swap.
    pub edits: Vec<RefEdit>,
}

/// Checks that `edits` may be applied to `refs` together; returns the error of the first edit that may not.
pub fn check_edits(refs: &[Ref], edits: &[RefEdit]) -> Result<()> {
    judge_edits(refs, edits).into_iter().collect()
}

/// Checks for each of `edits` whether they may be applied to `refs` together: every `old` is current, no ref
/// is edited twice, and no name is a folder of another (directory/file conflict: `a` and `a/b`). Deletions
/// apply first.
pub fn judge_edits(refs: &[Ref], edits: &[RefEdit]) -> Vec<Result<()>> {
    let current: HashMap<&str, ObjectId> = refs.iter().map(|each| (each.name.as_str(), each.target)).collect();
    let mut seen = HashSet::new();
    let mut verdicts: Vec<Result<()>> = edits
        .iter()
        .map(|edit| {
            if !seen.insert(edit.name.as_str()) {
                return Err(Error::Invalid(format!("{} occurs twice in the same change", edit.name)));
            }
            if current.get(edit.name.as_str()).copied() != edit.old {
                return Err(Error::Conflict(format!("{} was updated in the meantime; fetch first", edit.name)));
            }
            Ok(())
        })
        .collect();
    let mut names: BTreeSet<&str> = current.keys().copied().collect();
    for (edit, _) in edits.iter().zip(&verdicts).filter(|(edit, verdict)| verdict.is_ok() && edit.new.is_none()) {
        names.remove(edit.name.as_str());
    }
    for (edit, verdict) in edits.iter().zip(&mut verdicts).filter(|(edit, _)| edit.new.is_some()) {
        let name = edit.name.as_str();
        if verdict.is_err() {
            continue;
        }
        match conflict_in(&names, name) {
            Some(other) => *verdict = Err(Error::Conflict(format!("{name} conflicts with {other}; use another name"))),
            None => drop(names.insert(name)),
        }
    }
    verdicts
}

/// Returns the first of `names` that has a directory/file conflict with `new`.
pub(crate) fn conflict_in<'a>(names: &BTreeSet<&'a str>, new: &str) -> Option<&'a str> {
    let mut parents = new.match_indices('/').map(|(at, _)| &new[..at]);
    let parent = parents.find_map(|parent| names.get(parent).copied());
    parent.or_else(|| {
        let folder = format!("{new}/");
        // A range of `str` decouples the lifetime of the names from that of `folder`.
        let below = names.range::<str, _>((Bound::Included(folder.as_str()), Bound::Unbounded)).next().copied();
        below.filter(|name| name.starts_with(&folder))
    })
}

#[cfg(test)]
mod tests;
