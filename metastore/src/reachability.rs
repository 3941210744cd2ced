//! Reachability: walks from the refs over all history, along the pack indexes of a snapshot.
//!
//! The walk keeps two bits for each object and a list of pending trees; the IDs stay in the memory-mapped
//! indexes. So a million objects cost a few megabytes in addition to the mapped packs.

use std::sync::Arc;

use gix::{
    ObjectId,
    hash::oid,
    objs::{CommitRefIter, Kind, TagRefIter, TreeRefIter},
    odb::pack::{cache::lru::MemoryCappedHashmap, data, index},
    zlib::Inflate,
};
use lfs::Pointer;

use crate::{Error, PackId, Result, Snapshot};

/// Size in bytes of the delta base cache.
const DELTA_BASES: usize = 16 * 1024 * 1024;

/// Number of recently seen IDs that are remembered to save index look-ups: neighbouring versions of a folder
/// name nearly the same objects.
const RECENT: usize = 1 << 16;

/// The packs of one snapshot, with the objects marked as reachable so far.
pub(crate) struct Reach {
    packs: Vec<ReachedPack>,
    decoder: Decoder,
    recent: Vec<ObjectId>,
    /// Commits and tags to read.
    commits: Vec<Place>,
    /// Trees to read.
    trees: Vec<Place>,
    /// Keeps the folder of the packs alive.
    _lease: Arc<Snapshot>,
}

/// One pack and its marks.
pub(crate) struct ReachedPack {
    pub(crate) id: PackId,
    index: index::File,
    data: data::File,
    reached: Bits,
    blobs: Bits,
}

/// An object: the index of its pack, and its position in the pack index. If there are several copies, the
/// first pack's is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Place {
    pack: usize,
    at: u32,
}

/// How to handle a missing object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Missing {
    IsCorrupt,
    IsIgnored,
}

impl Reach {
    /// Walks from every ref, then from `extra_roots`; missing objects are ignored in the latter.
    ///
    /// # Errors
    ///
    /// [`Error::Corrupt`] if an object reachable from a ref is missing or unreadable. Blocks.
    pub(crate) fn walk(lease: &Arc<Snapshot>, extra_roots: &[ObjectId]) -> Result<Self> {
        let mut reach = Self::open(lease)?;
        reach.mark(lease.state().refs.iter().map(|each| each.target), Missing::IsCorrupt)?;
        reach.mark(extra_roots.iter().copied(), Missing::IsIgnored)?;
        Ok(reach)
    }

    /// Walks the trees of these commits, but not their history.
    ///
    /// # Errors
    ///
    /// As for [`Reach::walk`].
    pub(crate) fn walk_trees(lease: &Arc<Snapshot>, commits: &[ObjectId]) -> Result<Self> {
        let mut reach = Self::open(lease)?;
        let mut buffer = Vec::new();
        for commit in commits {
            let Some(place) = reach.find(commit, Missing::IsCorrupt)? else { continue };
            if reach.decoder.decode(&reach.packs[place.pack], place.at, &mut buffer)? == Kind::Commit {
                let tree = CommitRefIter::from_bytes(&buffer, gix::hash::Kind::Sha1).tree_id()?;
                reach.visit_tree(&tree, Missing::IsCorrupt)?;
            }
        }
        reach.mark([], Missing::IsCorrupt)?;
        Ok(reach)
    }

    fn open(lease: &Arc<Snapshot>) -> Result<Self> {
        let folder = lease.pack_folder();
        let mut rows: Vec<_> = lease.state().packs.iter().collect();
        // Most objects are in the largest pack, so it is searched first.
        rows.sort_by_key(|row| (std::cmp::Reverse(row.pack_bytes), row.id));
        let mut packs = Vec::with_capacity(rows.len());
        for (number, row) in rows.into_iter().enumerate() {
            let file = folder.file(row.id);
            let index = index::File::at(&file.idx, gix::hash::Kind::Sha1)?;
            let mut data = data::File::at(&file.pack, gix::hash::Kind::Sha1)?;
            // The decoder's delta cache identifies packs by this number.
            data.id = u32::try_from(number).map_err(|_| Error::TooLarge("too many packs".to_owned()))?;
            let count = index.num_objects();
            packs.push(ReachedPack { id: row.id, index, data, reached: Bits::new(count), blobs: Bits::new(count) });
        }
        Ok(Self {
            packs,
            decoder: Decoder::new(DELTA_BASES),
            recent: vec![ObjectId::null(gix::hash::Kind::Sha1); RECENT],
            commits: Vec::new(),
            trees: Vec::new(),
            _lease: Arc::clone(lease),
        })
    }

    /// Also marks all objects of these packs and everything reachable from them, as far as it exists.
    pub(crate) fn mark_packs(&mut self, ids: &[PackId]) -> Result<()> {
        for number in 0..self.packs.len() {
            if !ids.contains(&self.packs[number].id) {
                continue;
            }
            let index = &self.packs[number].index;
            let all: Vec<ObjectId> = (0..index.num_objects()).map(|at| index.oid_at_index(at).to_owned()).collect();
            self.mark(all, Missing::IsIgnored)?;
        }
        Ok(())
    }

    fn mark(&mut self, roots: impl IntoIterator<Item = ObjectId>, missing: Missing) -> Result<()> {
        for root in roots {
            self.visit_any(&root, missing)?;
        }
        let mut buffer = Vec::new();
        while let Some(place) = self.commits.pop() {
            let kind = self.decoder.decode(&self.packs[place.pack], place.at, &mut buffer)?;
            match kind {
                Kind::Commit => {
                    let mut commit = CommitRefIter::from_bytes(&buffer, gix::hash::Kind::Sha1);
                    let tree = commit.tree_id()?;
                    self.visit_tree(&tree, missing)?;
                    for parent in commit.parent_ids() {
                        self.visit_commit(&parent, missing)?;
                    }
                }
                Kind::Tag => {
                    let target = TagRefIter::from_bytes(&buffer, gix::hash::Kind::Sha1).target_id()?;
                    self.visit_any(&target, missing)?;
                }
                Kind::Tree | Kind::Blob => return Err(self.misnamed(place, "commit")),
            }
        }
        // Level by level from the top, each time in pack order, which keeps delta bases close.
        while !self.trees.is_empty() {
            let mut wave = std::mem::take(&mut self.trees);
            wave.sort_unstable_by_key(|place| (place.pack, self.packs[place.pack].offset(place.at)));
            for place in wave {
                let kind = self.decoder.decode(&self.packs[place.pack], place.at, &mut buffer)?;
                if kind != Kind::Tree {
                    return Err(self.misnamed(place, "tree"));
                }
                for entry in TreeRefIter::from_bytes(&buffer, gix::hash::Kind::Sha1) {
                    let entry = entry?;
                    if entry.mode.is_tree() {
                        self.visit_tree(entry.oid, missing)?;
                    } else if !entry.mode.is_commit() {
                        self.visit_blob(entry.oid, missing)?;
                    }
                }
            }
        }
        Ok(())
    }

    /// Visits an object of unknown kind.
    fn visit_any(&mut self, id: &oid, missing: Missing) -> Result<()> {
        let Some(place) = self.find(id, missing)? else { return Ok(()) };
        let pack = &mut self.packs[place.pack];
        match self.decoder.header(pack, place.at)?.0 {
            Kind::Blob => {
                pack.reached.set(place.at);
                pack.blobs.set(place.at);
            }
            Kind::Tree => {
                if pack.reached.set(place.at) {
                    self.trees.push(place);
                }
            }
            Kind::Commit | Kind::Tag => {
                if pack.reached.set(place.at) {
                    self.commits.push(place);
                }
            }
        }
        Ok(())
    }

    fn visit_commit(&mut self, id: &oid, missing: Missing) -> Result<()> {
        if let Some(place) = self.find(id, missing)?
            && self.packs[place.pack].reached.set(place.at)
        {
            self.commits.push(place);
        }
        Ok(())
    }

    fn visit_tree(&mut self, id: &oid, missing: Missing) -> Result<()> {
        if !self.is_recent(id)
            && let Some(place) = self.find(id, missing)?
            && self.packs[place.pack].reached.set(place.at)
        {
            self.trees.push(place);
        }
        Ok(())
    }

    fn visit_blob(&mut self, id: &oid, missing: Missing) -> Result<()> {
        if !self.is_recent(id)
            && let Some(place) = self.find(id, missing)?
        {
            let pack = &mut self.packs[place.pack];
            pack.reached.set(place.at);
            pack.blobs.set(place.at);
        }
        Ok(())
    }

    /// Returns true if this ID was seen recently; it was then already handled.
    fn is_recent(&mut self, id: &oid) -> bool {
        let slot = id.as_bytes().first_chunk().map_or(0, |head| usize::from(u16::from_le_bytes(*head))) % RECENT;
        let seen = *self.recent[slot] == *id;
        if !seen {
            self.recent[slot] = id.to_owned();
        }
        seen
    }

    fn find(&self, id: &oid, missing: Missing) -> Result<Option<Place>> {
        let found = self.place(id);
        // For git, the empty tree exists even if no pack contains it.
        if found.is_none() && missing == Missing::IsCorrupt && !id.is_empty_tree() {
            return Err(Error::Corrupt(format!("the object {id} is missing, but reachable from a ref")));
        }
        Ok(found)
    }

    fn place(&self, id: &oid) -> Option<Place> {
        self.packs.iter().enumerate().find_map(|(pack, each)| Some(Place { pack, at: each.index.lookup(id)? }))
    }

    fn misnamed(&self, place: Place, name: &str) -> Error {
        let id = self.packs[place.pack].index.oid_at_index(place.at);
        Error::Corrupt(format!("the object {id} is referenced as a {name}, but has another type"))
    }

    /// Returns the packs, largest first.
    pub(crate) fn packs(&self) -> &[ReachedPack] {
        &self.packs
    }

    /// Returns the unreachable objects of a pack as positions in its index, ascending.
    pub(crate) fn unreached(&self, number: usize) -> impl Iterator<Item = u32> {
        let pack = &self.packs[number];
        (0..pack.index.num_objects()).filter(move |&at| {
            // Only the first copy of an object is marked. If it is marked here, no other pack needs to be searched.
            !pack.reached.get(at)
                && self
                    .place(pack.index.oid_at_index(at))
                    .is_none_or(|place| !self.packs[place.pack].reached.get(place.at))
        })
    }

    /// Calls `found` for every reachable pointer, in pack order; a pointer that occurs in several blobs is
    /// reported several times. Blocks.
    pub(crate) fn pointers(&mut self, mut found: impl FnMut(Pointer) -> Result<()>) -> Result<()> {
        let mut buffer = Vec::new();
        for pack in &self.packs {
            let mut blobs: Vec<u32> = (0..pack.index.num_objects()).filter(|&at| pack.blobs.get(at)).collect();
            blobs.sort_unstable_by_key(|&at| pack.offset(at));
            for at in blobs {
                if self.decoder.header(pack, at)?.1 < Pointer::MAX_LEN as u64 {
                    self.decoder.decode(pack, at, &mut buffer)?;
                    if let Ok(pointer) = Pointer::parse(&buffer) {
                        found(pointer)?;
                    }
                }
            }
        }
        Ok(())
    }
}

impl ReachedPack {
    /// Returns the number of objects.
    pub(crate) fn count(&self) -> u32 {
        self.index.num_objects()
    }

    /// Returns the ID of an object.
    pub(crate) fn id_at(&self, at: u32) -> &oid {
        self.index.oid_at_index(at)
    }

    /// Returns true if the pack contains this object.
    pub(crate) fn holds(&self, id: &oid) -> bool {
        self.index.lookup(id).is_some()
    }

    /// Returns the offset of an object in the pack, in bytes.
    pub(crate) fn offset(&self, at: u32) -> u64 {
        self.index.pack_offset_at_index(at)
    }

    /// Returns the offset of the end of the last object, in bytes.
    pub(crate) fn end(&self) -> u64 {
        self.data.pack_end() as u64
    }
}

/// Decodes objects from packs.
struct Decoder {
    inflate: Inflate,
    bases: MemoryCappedHashmap,
}

impl Decoder {
    fn new(bases: usize) -> Self {
        Self { inflate: Inflate::default(), bases: MemoryCappedHashmap::new(bases) }
    }

    /// Returns the kind and size of an object without unpacking it.
    fn header(&mut self, pack: &ReachedPack, at: u32) -> Result<(Kind, u64)> {
        use data::decode::header::ResolvedBase::InPack;
        let entry = pack.data.entry(pack.offset(at))?;
        if let Some(kind) = entry.header.as_kind() {
            return Ok((kind, entry.decompressed_size));
        }
        let base = |id: &oid| {
            let at = pack.index.lookup(id);
            at.map(|at| Ok(InPack(pack.data.entry(pack.offset(at))?))).transpose()
        };
        let header = pack.data.decode_header(entry, &mut self.inflate, &base)?;
        Ok((header.kind, header.object_size))
    }

    /// Decodes the whole object into `buffer`.
    fn decode(&mut self, pack: &ReachedPack, at: u32, buffer: &mut Vec<u8>) -> Result<Kind> {
        use data::decode::entry::ResolvedBase::InPack;
        let entry = pack.data.entry(pack.offset(at))?;
        let base = |id: &oid, _: &mut Vec<u8>| {
            let at = pack.index.lookup(id);
            at.map(|at| Ok(InPack(pack.data.entry(pack.offset(at))?))).transpose()
        };
        Ok(pack.data.decode_entry(entry, buffer, &mut self.inflate, &base, &mut self.bases)?.kind)
    }
}

/// A bit set with one bit for each object of a pack.
struct Bits(Vec<u64>);

impl Bits {
    fn new(count: u32) -> Self {
        Self(vec![0; (count as usize).div_ceil(64)])
    }

    fn get(&self, at: u32) -> bool {
        self.0[at as usize / 64] >> (at % 64) & 1 == 1
    }

    /// Sets a bit; returns true if it was not set before.
    fn set(&mut self, at: u32) -> bool {
        let (word, mask) = (&mut self.0[at as usize / 64], 1 << (at % 64));
        let is_new = *word & mask == 0;
        *word |= mask;
        is_new
    }
}
