//! The plain values that travel between the engine and the database: names, refs, packs, landings.

use std::{
    collections::{BTreeSet, HashMap, HashSet},
    fmt, io,
    ops::Bound,
    path::{Path, PathBuf},
    str::FromStr,
    sync::Arc,
};

use async_trait::async_trait;
use bytes::Bytes;
use gix::ObjectId;

use crate::{
    Error, Result,
    scratch::{Scratch, unique},
    snapshot::PackFile,
    store::link_or_copy,
};

/// Packs whose pack and index together are smaller than this (in bytes) live in their database row.
pub const INLINE_LIMIT: u64 = 64 * 1024;

/// The longest ref name accepted, in bytes: a file-system path component limit with room for a prefix.
const REF_NAME_LIMIT: usize = 1024;

/// The engine's name of a repository: 1 to 64 of `a-z`, `0-9` and `-`; safe as a folder name and key.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RepoKey(String);

impl RepoKey {
    /// The key as text.
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

/// A full ref name below `refs/`, valid by `git check-ref-format` and in UTF-8.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RefName(String);

impl RefName {
    /// The branch `refs/heads/<short>`; refuses `HEAD` and a leading `-` as `git branch` does.
    pub fn branch(short: &str) -> Result<Self> {
        Self::porcelain("refs/heads/", short)
    }

    /// The tag `refs/tags/<short>`; refuses `HEAD` and a leading `-` as `git tag` does.
    pub fn tag(short: &str) -> Result<Self> {
        Self::porcelain("refs/tags/", short)
    }

    fn porcelain(prefix: &str, short: &str) -> Result<Self> {
        if short.starts_with('-') || short == "HEAD" {
            return Err(Error::Invalid(format!("{short:?} is not a valid name")));
        }
        format!("{prefix}{short}").parse()
    }

    /// The full name.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The name as people write it: without `refs/heads/`, `refs/tags/` or `refs/`.
    pub fn short(&self) -> &str {
        ["refs/heads/", "refs/tags/", "refs/"].iter().find_map(|prefix| self.0.strip_prefix(prefix)).unwrap_or(&self.0)
    }

    /// Whether this is a branch.
    pub fn is_branch(&self) -> bool {
        self.0.starts_with("refs/heads/")
    }

    /// Whether this is a tag.
    pub fn is_tag(&self) -> bool {
        self.0.starts_with("refs/tags/")
    }

    /// Whether the ref is the engine's own and neither shown to clients nor writable by them.
    pub fn is_hidden(&self) -> bool {
        self.0 == "refs/internal" || self.0.starts_with("refs/internal/")
    }

    /// Whether the name means something else to git: a branch `HEAD` makes every `HEAD` ambiguous.
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

/// The checksum that ends a pack file, and thus its name: equal ids mean equal bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PackId(ObjectId);

impl PackId {
    /// The checksum.
    pub fn checksum(&self) -> ObjectId {
        self.0
    }
}

impl From<ObjectId> for PackId {
    fn from(checksum: ObjectId) -> Self {
        Self(checksum)
    }
}

impl FromStr for PackId {
    type Err = Error;

    fn from_str(hex: &str) -> Result<Self> {
        ObjectId::from_hex(hex.as_bytes()).map(Self).map_err(|_| Error::Invalid(format!("{hex:?} is not a pack id")))
    }
}

impl fmt::Display for PackId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}

/// One ref and what it points to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ref {
    /// The full name.
    pub name: RefName,
    /// The object the ref holds.
    pub target: ObjectId,
    /// For an annotated tag: the object behind all tag objects.
    pub peeled: Option<ObjectId>,
}

/// One live pack of a repository, as its row says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pack {
    /// The pack's checksum.
    pub id: PackId,
    /// The unique part of the object keys `packs/<repo>/<key>.pack` and `.idx`.
    pub key: String,
    /// The size of the pack in bytes.
    pub pack_bytes: u64,
    /// The size of its index in bytes.
    pub idx_bytes: u64,
    /// How many objects it holds.
    pub objects: u64,
    /// Whether its bytes live in the row and not in the object store.
    pub inline: bool,
}

/// A repository as one read transaction saw it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct State {
    /// Which repository.
    pub repo: RepoKey,
    /// Counts every change of refs or packs.
    pub generation: u64,
    /// Counts garbage collections; a landing from an older epoch must not land.
    pub epoch: u64,
    /// The branch that `HEAD` names, whether it exists yet or not.
    pub head: RefName,
    /// Every ref, in any order.
    pub refs: Vec<Ref>,
    /// Every live pack, in any order.
    pub packs: Vec<Pack>,
}

impl State {
    /// The state of a repository that was just made: nothing in it.
    pub fn empty(repo: RepoKey, head: RefName) -> Self {
        Self { repo, generation: 0, epoch: 0, head, refs: Vec::new(), packs: Vec::new() }
    }

    /// The ref of that name, if it exists.
    pub fn find(&self, name: &RefName) -> Option<&Ref> {
        self.refs.iter().find(|candidate| candidate.name == *name)
    }
}

/// The two files of a pack, in memory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PackBytes {
    /// The pack itself.
    pub pack: Bytes,
    /// Its version 2 index.
    pub idx: Bytes,
}

/// Where the bytes of inline packs come from: the database.
#[async_trait]
pub trait InlinePacks: Send + Sync {
    /// Loads the packs named; those that are no longer there are left out of the answer.
    async fn load(&self, repo: &RepoKey, ids: &[PackId]) -> Result<Vec<(PackId, PackBytes)>>;
}

/// A pack that was just made and that no row names yet.
#[derive(Debug, Clone)]
pub struct NewPack {
    /// The pack's checksum.
    pub id: PackId,
    /// The unique part of its object keys: unique per attempt, not per content, because a repeated
    /// identical push must never share its object with a retired one that the sweep is about to delete.
    pub key: String,
    /// The size of the pack in bytes.
    pub pack_bytes: u64,
    /// The size of its index in bytes.
    pub idx_bytes: u64,
    /// How many objects it holds.
    pub objects: u64,
    /// The bytes.
    pub data: PackData,
}

impl NewPack {
    /// A pack held in memory.
    pub(crate) fn in_memory(id: PackId, objects: u64, bytes: PackBytes) -> Self {
        Self {
            id,
            key: unique(),
            pack_bytes: bytes.pack.len() as u64,
            idx_bytes: bytes.idx.len() as u64,
            objects,
            data: PackData::Memory(bytes),
        }
    }

    /// A pack in files of a scratch folder. A small one is read into memory, so that it can be
    /// [inline](Self::inline). Blocks.
    pub(crate) fn from_files(
        id: PackId,
        objects: u64,
        folder: Arc<Scratch>,
        pack: PathBuf,
        idx: PathBuf,
    ) -> Result<Self> {
        let pack_bytes = std::fs::metadata(&pack)?.len();
        let idx_bytes = std::fs::metadata(&idx)?.len();
        let data = if pack_bytes + idx_bytes < INLINE_LIMIT {
            PackData::Memory(PackBytes { pack: std::fs::read(&pack)?.into(), idx: std::fs::read(&idx)?.into() })
        } else {
            PackData::Files(PackFiles { pack, idx, _folder: folder })
        };
        Ok(Self { id, key: unique(), pack_bytes, idx_bytes, objects, data })
    }

    /// The bytes to keep in the row, where the pack is small enough (see [`INLINE_LIMIT`]).
    pub fn inline(&self) -> Option<&PackBytes> {
        match &self.data {
            PackData::Memory(bytes) if self.pack_bytes + self.idx_bytes < INLINE_LIMIT => Some(bytes),
            PackData::Memory(_) | PackData::Files(_) => None,
        }
    }

    /// Puts both files at `target`, the index last. Blocks.
    pub(crate) fn place(&self, target: &PackFile) -> io::Result<()> {
        match &self.data {
            PackData::Memory(bytes) => {
                std::fs::write(&target.pack, &bytes.pack)?;
                std::fs::write(&target.idx, &bytes.idx)
            }
            PackData::Files(files) => {
                link_or_copy(files.pack(), &target.pack)?;
                link_or_copy(files.idx(), &target.idx)
            }
        }
    }

    /// The row of this pack.
    pub fn row(&self) -> Pack {
        Pack {
            id: self.id,
            key: self.key.clone(),
            pack_bytes: self.pack_bytes,
            idx_bytes: self.idx_bytes,
            objects: self.objects,
            inline: self.inline().is_some(),
        }
    }
}

/// The bytes of a new pack.
#[derive(Debug, Clone)]
pub enum PackData {
    /// Both files in memory.
    Memory(PackBytes),
    /// Both files on disk.
    Files(PackFiles),
}

/// A pack and its index in a folder that vanishes with the last copy of this value.
#[derive(Debug, Clone)]
pub struct PackFiles {
    pack: PathBuf,
    idx: PathBuf,
    _folder: Arc<Scratch>,
}

impl PackFiles {
    /// The pack file.
    pub fn pack(&self) -> &Path {
        &self.pack
    }

    /// The index file.
    pub fn idx(&self) -> &Path {
        &self.idx
    }
}

/// One change of one ref: from `old` (`None`: must not exist) to `new` (`None`: deleted).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefEdit {
    /// Which ref.
    pub name: RefName,
    /// What it must hold now.
    pub old: Option<ObjectId>,
    /// What it holds afterwards.
    pub new: Option<ObjectId>,
    /// What `new` peels to, where it is an annotated tag.
    pub peeled: Option<ObjectId>,
}

/// Everything that one write wants from the database, to be done in one transaction or not at all.
#[derive(Debug, Clone)]
pub struct Landing {
    /// The generation that the write was prepared on.
    pub generation: u64,
    /// The epoch that must still be current.
    pub epoch: u64,
    /// The pack to insert; `None` where the write brings no new object.
    pub pack: Option<NewPack>,
    /// The refs to compare and swap.
    pub edits: Vec<RefEdit>,
}

/// Whether `edits` may be applied to `refs` as one; the error is that of the first that may not.
pub fn check_edits(refs: &[Ref], edits: &[RefEdit]) -> Result<()> {
    judge_edits(refs, edits).into_iter().collect()
}

/// Which of `edits` may be applied to `refs` together: every `old` is current, no ref is edited twice,
/// and no name becomes the folder of another (`a` and `a/b`). Deletions count first.
pub fn judge_edits(refs: &[Ref], edits: &[RefEdit]) -> Vec<Result<()>> {
    let current: HashMap<&str, ObjectId> = refs.iter().map(|each| (each.name.as_str(), each.target)).collect();
    let mut seen = HashSet::new();
    let mut verdicts: Vec<Result<()>> = edits
        .iter()
        .map(|edit| {
            if !seen.insert(edit.name.as_str()) {
                return Err(Error::Invalid(format!("{} is edited twice", edit.name)));
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
            Some(other) => *verdict = Err(Error::Conflict(format!("{name} cannot exist beside {other}"))),
            None => drop(names.insert(name)),
        }
    }
    verdicts
}

/// The first of `names` that cannot exist beside `new`, because one is a folder of the other.
pub(crate) fn conflict_in<'a>(names: &BTreeSet<&'a str>, new: &str) -> Option<&'a str> {
    let mut parents = new.match_indices('/').map(|(at, _)| &new[..at]);
    let parent = parents.find_map(|parent| names.get(parent).copied());
    parent.or_else(|| {
        let folder = format!("{new}/");
        // A range by `str` keeps the lifetime of the names apart from that of `folder`.
        let below = names.range::<str, _>((Bound::Included(folder.as_str()), Bound::Unbounded)).next().copied();
        below.filter(|name| name.starts_with(&folder))
    })
}

#[cfg(test)]
mod tests;
