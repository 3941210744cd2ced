//! Tree editor. Unlike the editor of gix, which silently replaces folders with files and ignores removals of
//! missing entries, every step here reports what it found.

use std::collections::{BTreeMap, HashMap, HashSet};

use bytes::Bytes;
use gix::{
    ObjectId,
    bstr::{BStr, BString, ByteSlice as _},
    objs::{
        Exists as _, Kind, TreeRefIter, WriteTo as _,
        tree::{Entry, EntryKind, EntryMode},
    },
    validate::path::component::{Mode, Options},
};

use crate::{
    Content, Error, FilePath, Result, Side,
    pack::{self, Object},
    path::{DEPTH_LIMIT, LIMIT},
    read::check_size,
};

/// Limits that `git fsck` sets on `.gitattributes`, in bytes: for the file and for each line.
const ATTRIBUTES_LIMIT: u64 = 100 * 1024 * 1024;
const ATTRIBUTES_LINE_LIMIT: usize = 2048;

/// Maximum size in bytes of a file that is parsed.
pub(super) const TEXT_LIMIT: u64 = 32 << 20;

/// The objects of the repository plus those created so far.
pub(super) struct Objects<'r> {
    repository: &'r gix::Repository,
    made: HashMap<ObjectId, Object>,
    extents: HashMap<ObjectId, Extent>,
}

/// Extent of a folder: the largest number of components and the largest number of bytes in a path below it.
#[derive(Debug, Clone, Copy, Default)]
struct Extent {
    components: usize,
    bytes: usize,
}

impl<'r> Objects<'r> {
    pub(super) fn new(repository: &'r gix::Repository) -> Self {
        Self { repository, made: HashMap::new(), extents: HashMap::new() }
    }

    /// Adds an object unless the repository already has it. gix and git treat the empty tree as present even
    /// if it is not stored, but a pack must contain everything that its commit needs, so it is always added.
    pub(super) fn add(&mut self, kind: Kind, data: Vec<u8>) -> Result<ObjectId> {
        let id = pack::hash_object(kind, &data)?;
        check_size(id, kind, data.len() as u64)?;
        if !self.made.contains_key(&id) && !self.repository.objects.exists(&id) {
            self.made.insert(id, Object { id, kind, data });
        }
        Ok(id)
    }

    /// Returns the blob for this content, adding it if needed.
    pub(super) fn content(&mut self, content: &Content) -> Result<ObjectId> {
        match content {
            Content::Bytes(bytes) => self.add(Kind::Blob, bytes.to_vec()),
            Content::Pointer(pointer) => self.add(Kind::Blob, pointer.to_string().into_bytes()),
            Content::Existing(id) => self.existing_blob(*id),
        }
    }

    /// Returns the content of a blob that is a small text file.
    pub(super) fn text(&self, blob: ObjectId) -> Result<Bytes> {
        if let Some(object) = self.made.get(&blob) {
            return Ok(object.data.clone().into());
        }
        if self.repository.find_header(blob)?.size() > TEXT_LIMIT {
            return Err(Error::TooLarge("the file is too large to read into memory".to_owned()));
        }
        Ok(self.repository.find_object(blob)?.detach().data.into())
    }

    /// Returns the size of a blob in bytes.
    pub(super) fn size(&self, blob: ObjectId) -> Result<u64> {
        match self.made.get(&blob) {
            Some(object) => Ok(object.data.len() as u64),
            None => Ok(self.repository.find_header(blob)?.size()),
        }
    }

    /// Returns the entries of a stored folder; bytes in names that are not valid UTF-8 are replaced.
    pub(super) fn sides(&self, tree: ObjectId) -> Result<Vec<(String, Side)>> {
        let side = |node: Node| match node {
            Node::Leaf(leaf) => Some(leaf.side()),
            Node::Folder(folder) => folder.id.map(|id| Side { kind: crate::EntryKind::Folder, id }),
        };
        let entries = self.entries(tree)?.into_iter();
        Ok(entries.filter_map(|(name, node)| Some((name.to_string(), side(node)?))).collect())
    }

    /// Returns `id` if it is a blob of the repository.
    pub(super) fn existing_blob(&self, id: ObjectId) -> Result<ObjectId> {
        match self.repository.try_find_header(id)?.map(|header| header.kind()) {
            Some(Kind::Blob) => Ok(id),
            Some(_) => Err(Error::Invalid(format!("{id} is not a blob"))),
            None => Err(Error::NotFound(format!("there is no blob {id}"))),
        }
    }

    fn entries(&self, tree: ObjectId) -> Result<BTreeMap<BString, Node>> {
        let parse = |data: &[u8]| {
            TreeRefIter::from_bytes(data, gix::hash::Kind::Sha1)
                .map(|entry| {
                    let entry = entry?;
                    Ok((entry.filename.to_owned(), Node::new(entry.mode, entry.oid.to_owned())))
                })
                .collect::<Result<_>>()
        };
        if let Some(object) = self.made.get(&tree) {
            return parse(&object.data);
        }
        let header = self.repository.find_header(tree)?;
        check_size(tree, header.kind(), header.size())?;
        parse(&self.repository.find_tree(tree)?.data)
    }

    /// Checks that `node` is allowed at `path`: no path in it becomes too long, and files with a meaning to
    /// git pass `git fsck`, so that clients with `transfer.fsckObjects` can clone the commit.
    pub(super) fn check_fit(&mut self, path: &FilePath, node: &Node) -> Result<()> {
        let leaf = match node {
            Node::Leaf(leaf) => leaf,
            Node::Folder(Folder { id: Some(id), .. }) => {
                let depth = path.components().count();
                let too_long = || Error::Invalid(format!("paths below {path} would be too long"));
                let below = self.extent(*id, DEPTH_LIMIT.saturating_sub(depth))?.ok_or_else(too_long)?;
                return if path.as_str().len() + below.bytes > LIMIT { Err(too_long()) } else { Ok(()) };
            }
            Node::Folder(_) => return Err(Error::Internal("a folder is inserted before it is stored".to_owned())),
        };
        let name = path.name();
        let protect = Options { protect_windows: false, protect_hfs: true, protect_ntfs: true };
        // Validating the name as a symbolic link recognises every spelling of `.gitmodules`.
        if gix::validate::path::component(name.into(), Some(Mode::Symlink), protect).is_err() {
            return Err(Error::Refused(format!("{path}: submodules can only be pushed with git")));
        }
        if may_be_attributes(name) && !self.is_sound_attributes(leaf.id)? {
            return Err(Error::Refused(format!("{path} has a line longer than 2048 bytes")));
        }
        Ok(())
    }

    /// Returns the extent of a stored folder, or `None` if it is deeper than `room`. Each tree is read once,
    /// however often it occurs.
    fn extent(&mut self, tree: ObjectId, room: usize) -> Result<Option<Extent>> {
        if let Some(known) = self.extents.get(&tree) {
            return Ok(Some(*known).filter(|extent| extent.components <= room));
        }
        let Some(room_below) = room.checked_sub(1) else { return Ok(None) };
        let mut extent = Extent::default();
        for (name, node) in self.entries(tree)? {
            let below = match node {
                Node::Leaf(_) => Extent::default(),
                Node::Folder(folder) => {
                    let Some(id) = folder.id else { continue };
                    match self.extent(id, room_below)? {
                        Some(below) => below,
                        None => return Ok(None),
                    }
                }
            };
            extent.components = extent.components.max(below.components + 1);
            extent.bytes = extent.bytes.max(below.bytes + name.len() + 1);
        }
        self.extents.insert(tree, extent);
        Ok(Some(extent))
    }

    fn is_sound_attributes(&self, id: ObjectId) -> Result<bool> {
        let sound = |data: &[u8]| data.lines().all(|line| line.len() < ATTRIBUTES_LINE_LIMIT);
        if let Some(object) = self.made.get(&id) {
            return Ok(object.data.len() as u64 <= ATTRIBUTES_LIMIT && sound(&object.data));
        }
        let small = self.repository.find_header(id)?.size() <= ATTRIBUTES_LIMIT;
        Ok(small && sound(&self.repository.find_object(id)?.data))
    }

    /// Returns the new objects that are reachable from `tree`, without those that only intermediate steps needed.
    pub(super) fn into_reachable(mut self, tree: ObjectId) -> Result<Vec<Object>> {
        let mut reached = Vec::new();
        let mut seen = HashSet::from([tree]);
        let mut queue = vec![tree];
        while let Some(id) = queue.pop() {
            let Some(object) = self.made.remove(&id) else { continue };
            if object.kind == Kind::Tree {
                for entry in TreeRefIter::from_bytes(&object.data, gix::hash::Kind::Sha1) {
                    let id = entry?.oid.to_owned();
                    if seen.insert(id) {
                        queue.push(id);
                    }
                }
            }
            reached.push(object);
        }
        // Trees before blobs, as git packs them: history walks then read adjacent data.
        reached.sort_by_key(|object| object.kind != Kind::Tree);
        Ok(reached)
    }
}

/// Returns true for every spelling of `.gitattributes` that common file systems accept, and some harmless names more.
fn may_be_attributes(name: &str) -> bool {
    let plain: String = name.chars().filter(char::is_ascii).collect::<String>().to_ascii_lowercase();
    plain.starts_with(".gitattributes") || plain.starts_with("gitatt~") || plain.starts_with("gi7d29~")
}

/// An entry of a folder.
pub(super) enum Node {
    Leaf(Leaf),
    Folder(Folder),
}

impl Node {
    fn new(mode: EntryMode, id: ObjectId) -> Self {
        if mode.is_tree() { Self::Folder(Folder::stored(id)) } else { Self::Leaf(Leaf { mode, id }) }
    }

    /// Returns a copy in which folders are referenced by ID. So a copy of a copy costs one ID, and folders in
    /// memory never nest deeper than the longest path.
    pub(super) fn freeze(&mut self, objects: &mut Objects<'_>) -> Result<Self> {
        Ok(match self {
            Self::Leaf(leaf) => Self::Leaf(leaf.clone()),
            Self::Folder(folder) => Self::Folder(Folder::stored(folder.write(objects)?)),
        })
    }

    /// Returns the kind and object of the entry.
    pub(super) fn side(&mut self, objects: &mut Objects<'_>) -> Result<Side> {
        Ok(match self {
            Self::Leaf(leaf) => leaf.side(),
            Self::Folder(folder) => Side { kind: crate::EntryKind::Folder, id: folder.write(objects)? },
        })
    }
}

/// A file, symbolic link or submodule.
#[derive(Clone)]
pub(super) struct Leaf {
    mode: EntryMode,
    id: ObjectId,
}

impl Leaf {
    pub(super) fn file(id: ObjectId, executable: bool) -> Self {
        let kind = if executable { EntryKind::BlobExecutable } else { EntryKind::Blob };
        Self { mode: kind.into(), id }
    }

    pub(super) fn of(side: Side) -> Self {
        Self { mode: side.kind.mode(), id: side.id }
    }

    /// Returns the kind and object of the entry.
    pub(super) fn side(&self) -> Side {
        Side { kind: crate::EntryKind::of(self.mode), id: self.id }
    }

    /// Returns the same entry with other content.
    pub(super) fn with(self, id: ObjectId) -> Self {
        Self { id, ..self }
    }
}

/// A folder: as stored or read into memory; the ID is known as long as the folder is unchanged.
#[derive(Default)]
pub(super) struct Folder {
    id: Option<ObjectId>,
    entries: Option<BTreeMap<BString, Node>>,
}

impl Folder {
    pub(super) fn stored(id: ObjectId) -> Self {
        Self { id: Some(id), entries: None }
    }

    fn load(&mut self, objects: &Objects<'_>) -> Result<&mut BTreeMap<BString, Node>> {
        if self.entries.is_none() {
            self.entries = Some(self.id.map(|id| objects.entries(id)).transpose()?.unwrap_or_default());
        }
        Ok(self.entries.get_or_insert_default())
    }

    /// Returns the entry at `path`, or `None` if it or one of its parent folders does not exist.
    pub(super) fn find(&mut self, objects: &Objects<'_>, path: &FilePath) -> Result<Option<&mut Node>> {
        let mut folder = self;
        let mut components = path.components().peekable();
        while let Some(component) = components.next() {
            match folder.load(objects)?.get_mut(BStr::new(component)) {
                found if components.peek().is_none() => return Ok(found),
                Some(Node::Folder(child)) => folder = child,
                Some(Node::Leaf(_)) | None => return Ok(None),
            }
        }
        Ok(None)
    }

    /// Inserts `node` at `path`, creating parent folders. A file in place of a parent folder is a conflict.
    pub(super) fn insert(&mut self, objects: &Objects<'_>, path: &FilePath, node: Node) -> Result<()> {
        let mut folder = self;
        let mut components = path.components().peekable();
        let mut walked = String::new();
        while let Some(component) = components.next() {
            folder.load(objects)?;
            folder.id = None;
            let entries = folder.entries.get_or_insert_default();
            if components.peek().is_none() {
                entries.insert(component.into(), node);
                return Ok(());
            }
            walked.push_str(component);
            let child = entries.entry(component.into()).or_insert_with(|| Node::Folder(Folder::default()));
            folder = match child {
                Node::Folder(child) => child,
                Node::Leaf(_) => return Err(Error::Conflict(format!("{walked} is a file, not a folder"))),
            };
            walked.push('/');
        }
        Ok(())
    }

    /// Removes the entry at `path`, and parent folders that become empty: git does not store empty folders.
    pub(super) fn remove(&mut self, objects: &Objects<'_>, path: &FilePath) -> Result<Option<Node>> {
        let components: Vec<_> = path.components().collect();
        self.take(objects, &components)
    }

    fn take(&mut self, objects: &Objects<'_>, components: &[&str]) -> Result<Option<Node>> {
        let Some((first, rest)) = components.split_first() else { return Ok(None) };
        let name = BStr::new(first);
        let entries = self.load(objects)?;
        let taken = if rest.is_empty() {
            entries.remove(name)
        } else {
            let Some(Node::Folder(child)) = entries.get_mut(name) else { return Ok(None) };
            let taken = child.take(objects, rest)?;
            if taken.is_some() && child.load(objects)?.is_empty() {
                entries.remove(name);
            }
            taken
        };
        if taken.is_some() {
            self.id = None;
        }
        Ok(taken)
    }

    /// Stores the folder and everything changed below it; returns its tree ID.
    pub(super) fn write(&mut self, objects: &mut Objects<'_>) -> Result<ObjectId> {
        if let Some(id) = self.id {
            return Ok(id);
        }
        let mut entries = Vec::new();
        for (name, node) in self.entries.get_or_insert_default() {
            let (mode, oid) = match node {
                Node::Leaf(leaf) => (leaf.mode, leaf.id),
                Node::Folder(folder) => (EntryKind::Tree.into(), folder.write(objects)?),
            };
            entries.push(Entry { mode, filename: name.clone(), oid });
        }
        // git sorts folders as if their names ended with a slash.
        entries.sort();
        let mut data = Vec::new();
        gix::objs::Tree { entries }.write_to(&mut data)?;
        let id = objects.add(Kind::Tree, data)?;
        self.id = Some(id);
        Ok(id)
    }
}
