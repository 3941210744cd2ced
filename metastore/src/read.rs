//! Read access to a snapshot: revisions, commits, trees and blobs.

use std::{
    collections::HashSet,
    sync::{Arc, Mutex, PoisonError},
};

use bytes::Bytes;
use gix::{
    ObjectId,
    bstr::ByteSlice as _,
    objs::{Kind, TreeRefIter, tree::EntryMode},
    odb::pack::cache::lru::MemoryCappedHashmap,
};
use lfs::Pointer;

use crate::{
    Error, FilePath, RefName, Result, State,
    effort::{Meter, Watch},
    repository,
};

mod batch;
mod limit;
mod page;
mod revision;
mod summary;
mod visit;

pub(crate) use limit::{Budget, check_size};
pub use page::TreePage;
pub use summary::{Summary, Weight};

/// Blobs of at least this size cannot be LFS pointers (limit of the pointer specification).
const POINTER_LIMIT: u64 = Pointer::MAX_LEN as u64;

/// Maximum size in bytes of a file that is kept in the object cache.
const REMEMBERED: u64 = 1 << 20;

/// Memory in bytes for the delta bases of one reader that reads most objects of a pack.
const DELTA_BASE_CACHE: usize = 16 << 20;

/// Memory limit in bytes for reading a larger file, including its delta bases.
const LARGE: usize = 400 << 20;

/// Only one such file is read at a time.
static READING_LARGE: Mutex<()> = Mutex::new(());

/// The mode and object at a path, if it exists.
pub(crate) type Held = Option<(EntryMode, ObjectId)>;

/// A tree entry: its path, mode and object.
type RawEntry = (String, EntryMode, ObjectId);

/// Reads one snapshot (or one quarantine), for a single blocking task.
pub struct Reader {
    pub(crate) repository: gix::Repository,
    state: Arc<State>,
    pub(crate) meter: Meter,
}

/// A commit signature: name, e-mail address and time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signature {
    /// The name; not empty, without `<`, `>` and control characters.
    pub name: String,
    /// The e-mail address; may be empty, without `<`, `>` and control characters.
    pub email: String,
    /// Seconds since the Unix epoch, not negative.
    pub seconds: i64,
    /// Offset from UTC in minutes, positive to the east, less than a day.
    pub offset_minutes: i32,
}

/// A commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommitInfo {
    /// The commit ID.
    pub id: ObjectId,
    /// The tree ID.
    pub tree: ObjectId,
    /// The parent IDs, first parent first.
    pub parents: Vec<ObjectId>,
    /// The author.
    pub author: Signature,
    /// The committer.
    pub committer: Signature,
    /// The whole message; bytes that are not valid UTF-8 are replaced.
    pub message: String,
}

/// An annotated tag.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TagInfo {
    /// The ID of the tag object.
    pub id: ObjectId,
    /// The tagged object: usually a commit, possibly another tag.
    pub target: ObjectId,
    /// The tagger; `None` in some very old tags.
    pub tagger: Option<Signature>,
    /// The message without the signature.
    pub message: String,
}

/// The kind of a tree entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum EntryKind {
    /// A folder.
    Folder,
    /// A regular file.
    File,
    /// A file with the executable bit.
    Executable,
    /// A symbolic link; its blob holds the target.
    Link,
    /// A submodule: a commit of another repository.
    Submodule,
}

impl EntryKind {
    pub(crate) fn of(mode: EntryMode) -> Self {
        match mode.kind() {
            gix::objs::tree::EntryKind::Tree => Self::Folder,
            gix::objs::tree::EntryKind::Blob => Self::File,
            gix::objs::tree::EntryKind::BlobExecutable => Self::Executable,
            gix::objs::tree::EntryKind::Link => Self::Link,
            gix::objs::tree::EntryKind::Commit => Self::Submodule,
        }
    }

    pub(crate) fn mode(self) -> EntryMode {
        match self {
            Self::Folder => gix::objs::tree::EntryKind::Tree,
            Self::File => gix::objs::tree::EntryKind::Blob,
            Self::Executable => gix::objs::tree::EntryKind::BlobExecutable,
            Self::Link => gix::objs::tree::EntryKind::Link,
            Self::Submodule => gix::objs::tree::EntryKind::Commit,
        }
        .into()
    }

    fn is_file(self) -> bool {
        matches!(self, Self::File | Self::Executable)
    }
}

/// An entry of a tree without its path: one side of a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Side {
    /// The kind of the entry.
    pub kind: EntryKind,
    /// The blob ID, or the commit ID of a submodule.
    pub id: ObjectId,
}

/// A tree entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The full path from the root; bytes that are not valid UTF-8 are replaced.
    pub path: String,
    /// The kind of the entry.
    pub kind: EntryKind,
    /// The ID of the blob, tree or commit.
    pub id: ObjectId,
    /// The size of the blob in bytes; `None` for folders and submodules.
    pub size: Option<u64>,
    /// The LFS pointer, if the blob is one.
    pub pointer: Option<Pointer>,
}

impl Reader {
    pub(crate) fn new(mut repository: gix::Repository, state: Arc<State>) -> Self {
        // The folder never changes, so there are no new packs to look for when an object is missing.
        repository.objects.refresh_never();
        Self { repository, state, meter: Meter::default() }
    }

    /// Keeps more delta bases in memory, for work that reads most objects of a pack: without it, most of a push is
    /// inflating the same bases again (`git push` in `make bench`).
    pub(crate) fn with_delta_base_cache(mut self) -> Self {
        let cache = || Box::new(MemoryCappedHashmap::new(DELTA_BASE_CACHE)) as Box<_>;
        self.repository.objects.set_pack_cache(cache);
        self
    }

    /// Attaches a watch to the reader.
    pub(crate) fn watched(self, watch: Watch) -> Self {
        Self { meter: Meter::new(watch), ..self }
    }

    /// Returns the shared state, to create another reader of it.
    pub(crate) fn state_shared(&self) -> Arc<State> {
        Arc::clone(&self.state)
    }

    /// Returns the refs and packs behind this reader.
    pub fn state(&self) -> &State {
        &self.state
    }

    /// Returns true if the object exists.
    pub fn contains(&self, id: ObjectId) -> Result<bool> {
        Ok(self.repository.try_find_header(id)?.is_some())
    }

    /// Returns the kind of the object `id`, or `None` if it does not exist.
    pub fn kind(&self, id: ObjectId) -> Result<Option<Kind>> {
        Ok(self.repository.try_find_header(id)?.map(|header| header.kind()))
    }

    /// Returns the commit `id`.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`] if there is no such commit.
    pub fn commit(&self, id: ObjectId) -> Result<CommitInfo> {
        let object = self.object_of_kind(id, Kind::Commit)?;
        let commit = object.try_to_commit_ref()?;
        Ok(CommitInfo {
            id,
            tree: commit.tree(),
            parents: commit.parents().collect(),
            author: person(commit.author),
            committer: person(commit.committer),
            message: commit.message.to_str_lossy().into_owned(),
        })
    }

    /// Returns the annotated tag `id`.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`] if there is no such tag object.
    pub fn annotation(&self, id: ObjectId) -> Result<TagInfo> {
        let object = self.object_of_kind(id, Kind::Tag)?;
        let tag = object.try_to_tag_ref()?;
        Ok(TagInfo {
            id,
            target: tag.target(),
            tagger: tag.tagger.map(person),
            message: tag.message.to_str_lossy().into_owned(),
        })
    }

    /// Returns the object that `id` peels to; `None` if it is not a tag object.
    pub fn peeled(&self, id: ObjectId) -> Result<Option<ObjectId>> {
        let mut current = id;
        while self.kind(current)? == Some(Kind::Tag) {
            current = self.annotation(current)?.target;
        }
        Ok((current != id).then_some(current))
    }

    /// Returns the entry at `path` in a commit or tree.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`] if it does not exist.
    pub fn entry(&self, revision: ObjectId, path: &FilePath) -> Result<Entry> {
        let found = self.look_up(revision, path)?;
        let (mode, id) = found.ok_or_else(|| Error::NotFound(format!("there is no {path}")))?;
        self.describe(path.as_str().to_owned(), mode, id)
    }

    /// Returns the content of a blob.
    ///
    /// # Errors
    ///
    /// [`Error::TooLarge`], without reading it, if it has more than `max` bytes.
    pub fn blob(&self, id: ObjectId, max: u64) -> Result<Bytes> {
        let header = self.repository.try_find_header(id)?;
        let header = header.filter(|header| header.kind() == Kind::Blob);
        let header = header.ok_or_else(|| Error::NotFound(format!("there is no blob {id}")))?;
        if header.size() > max {
            return Err(Error::TooLarge(format!("the blob has {} bytes", header.size())));
        }
        self.meter.object()?;
        self.meter.bytes(header.size());
        if header.size() <= REMEMBERED {
            return Ok(self.repository.find_object(id)?.detach().data.into());
        }
        // Cached objects are copies, so large ones bypass the object cache.
        let mut alone = self.repository.clone();
        alone.objects.unset_object_cache();
        match alone.find_object(id) {
            Ok(object) => Ok(object.detach().data.into()),
            Err(error) if error.is_resource_exhausted() => self.large_blob(id),
            Err(error) => Err(error.into()),
        }
    }

    /// Reads a blob that exceeds the usual memory limit of readers; see `allocLimit` in the snapshot's configuration.
    fn large_blob(&self, id: ObjectId) -> Result<Bytes> {
        let _alone = READING_LARGE.lock().unwrap_or_else(PoisonError::into_inner);
        self.meter.check()?;
        let repository = repository::open_with(self.repository.git_dir(), Some(LARGE))?.to_thread_local();
        Ok(repository.find_object(id)?.detach().data.into())
    }

    /// Returns the LFS pointer in a blob, if it is one.
    pub fn pointer(&self, blob: ObjectId) -> Result<Option<Pointer>> {
        let header = self.repository.try_find_header(blob)?;
        if !header.is_some_and(|header| header.kind() == Kind::Blob && header.size() < POINTER_LIMIT) {
            return Ok(None);
        }
        self.meter.object()?;
        Ok(Pointer::parse(&self.repository.find_object(blob)?.data).ok())
    }

    /// Returns the entries of the folder at `path` (the root if `None`) in a commit or tree, in git's order;
    /// with `recursive`, everything below it except the folders themselves.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`] if there is no such folder, [`Error::TooLarge`] beyond 500,000 entries or 64 MiB of paths.
    pub fn tree(&self, revision: ObjectId, path: Option<&FilePath>, recursive: bool) -> Result<Vec<Entry>> {
        let root = self.folder(revision, path)?;
        let prefix = path.map(|path| format!("{path}/")).unwrap_or_default();
        let mut found = Vec::new();
        self.walk(root, &prefix, recursive, &mut Budget::default(), &mut |path, mode, id| {
            found.push((path, mode, id));
            Ok(true)
        })?;
        found.into_iter().map(|(path, mode, id)| self.describe(path, mode, id)).collect()
    }

    /// Passes the entries of a tree to `tell`, in git's order, until it returns `false`; with `recursive`,
    /// the content of folders instead of the folders themselves.
    fn walk(
        &self,
        root: ObjectId,
        prefix: &str,
        recursive: bool,
        budget: &mut Budget,
        tell: &mut dyn FnMut(String, EntryMode, ObjectId) -> Result<bool>,
    ) -> Result<()> {
        // A stack instead of recursion: nested folders could overflow the call stack. Reversed, so that the
        // first entry of a tree is popped first.
        let mut stack = self.raw_entries(root, prefix, budget)?;
        stack.reverse();
        while let Some((path, mode, id)) = stack.pop() {
            if recursive && mode.is_tree() {
                let mut below = self.raw_entries(id, &format!("{path}/"), budget)?;
                below.reverse();
                stack.append(&mut below);
            } else if !tell(path, mode, id)? {
                break;
            }
        }
        Ok(())
    }

    /// Returns the entries of a tree, with their paths prefixed by `prefix` and charged to `budget`.
    pub(crate) fn raw_entries(&self, tree: ObjectId, prefix: &str, budget: &mut Budget) -> Result<Vec<RawEntry>> {
        let object = self.load_tree(tree)?;
        TreeRefIter::from_bytes(&object.data, gix::hash::Kind::Sha1)
            .map(|entry| {
                let entry = entry?;
                budget.take(prefix.len() + entry.filename.len())?;
                Ok((format!("{prefix}{}", entry.filename.to_str_lossy()), entry.mode, entry.oid.to_owned()))
            })
            .collect()
    }

    fn describe(&self, path: String, mode: EntryMode, id: ObjectId) -> Result<Entry> {
        let kind = EntryKind::of(mode);
        if matches!(kind, EntryKind::Folder | EntryKind::Submodule) {
            return Ok(Entry { path, kind, id, size: None, pointer: None });
        }
        self.meter.object()?;
        let size = self.repository.find_header(id)?.size();
        let pointer = if kind.is_file() && size < POINTER_LIMIT {
            Pointer::parse(&self.repository.find_object(id)?.data).ok()
        } else {
            None
        };
        Ok(Entry { path, kind, id, size: Some(size), pointer })
    }

    /// Returns the tree ID of the folder at `path`.
    pub(crate) fn folder(&self, revision: ObjectId, path: Option<&FilePath>) -> Result<ObjectId> {
        let Some(path) = path else { return self.tree_of(revision) };
        match self.look_up(revision, path)? {
            Some((mode, id)) if mode.is_tree() => Ok(id),
            Some(_) => Err(Error::NotFound(format!("{path} is not a folder"))),
            None => Err(Error::NotFound(format!("there is no {path}"))),
        }
    }

    /// Looks up `path` in a commit or tree.
    pub(crate) fn look_up(&self, revision: ObjectId, path: &FilePath) -> Result<Held> {
        let mut tree = self.tree_of(revision)?;
        let mut components = path.components().peekable();
        while let Some(component) = components.next() {
            match self.child(tree, component)? {
                found if components.peek().is_none() => return Ok(found),
                Some((mode, id)) if mode.is_tree() => tree = id,
                Some(_) | None => return Ok(None),
            }
        }
        Ok(None)
    }

    /// Looks up `name` in the tree itself.
    pub(crate) fn child(&self, tree: ObjectId, name: &str) -> Result<Held> {
        let object = self.load_tree(tree)?;
        for entry in TreeRefIter::from_bytes(&object.data, gix::hash::Kind::Sha1) {
            let entry = entry?;
            if entry.filename == name {
                return Ok(Some((entry.mode, entry.oid.to_owned())));
            }
        }
        Ok(None)
    }

    /// Returns the tree of a commit, or of a tag of a commit; for a tree, the tree itself.
    pub(crate) fn tree_of(&self, revision: ObjectId) -> Result<ObjectId> {
        let mut id = revision;
        loop {
            let object = self.node(id)?;
            match object.map(|object| (object.kind, object)) {
                Some((Kind::Tree, _)) => return Ok(id),
                Some((Kind::Commit, object)) => return Ok(object.into_commit().tree_id()?.detach()),
                Some((Kind::Tag, object)) => id = object.into_tag().target_id()?.detach(),
                Some((Kind::Blob, _)) | None => {
                    return Err(Error::NotFound(format!("there is no revision {revision}")));
                }
            }
        }
    }

    pub(crate) fn object_of_kind(&self, id: ObjectId, kind: Kind) -> Result<gix::Object<'_>> {
        let object = self.node(id)?.filter(|object| object.kind == kind);
        object.ok_or_else(|| Error::NotFound(format!("there is no {kind} {id}")))
    }

    /// Returns the commit, tag or tree `id`, if it is one.
    ///
    /// # Errors
    ///
    /// [`Error::TooLarge`], without reading it, if it is larger than [`check_size`] allows.
    pub(crate) fn node(&self, id: ObjectId) -> Result<Option<gix::Object<'_>>> {
        let Some(header) = self.repository.try_find_header(id)?.filter(|header| header.kind() != Kind::Blob) else {
            return Ok(None);
        };
        check_size(id, header.kind(), header.size())?;
        self.meter.object()?;
        Ok(self.repository.try_find_object(id)?)
    }

    /// Returns the tree `id`, which must exist; otherwise like [`Reader::node`].
    pub(crate) fn load_tree(&self, id: ObjectId) -> Result<gix::Tree<'_>> {
        let tree = self.load(id, Kind::Tree)?.into_tree();
        self.meter_tree(&tree);
        Ok(tree)
    }

    /// Returns the tree `id`, whose kind and size the caller has checked.
    pub(crate) fn load_checked_tree(&self, id: ObjectId) -> Result<gix::Tree<'_>> {
        self.meter.object()?;
        let tree = self.repository.find_tree(id)?;
        self.meter_tree(&tree);
        Ok(tree)
    }

    fn meter_tree(&self, tree: &gix::Tree<'_>) {
        // An entry takes about 40 bytes.
        self.meter.entries(tree.data.len() / 40);
    }

    /// Returns the commit `id`, which must exist; otherwise like [`Reader::node`].
    pub(crate) fn load_commit(&self, id: ObjectId) -> Result<gix::Commit<'_>> {
        Ok(self.load(id, Kind::Commit)?.into_commit())
    }

    fn load(&self, id: ObjectId, kind: Kind) -> Result<gix::Object<'_>> {
        let object = self.node(id)?.filter(|object| object.kind == kind);
        object.ok_or_else(|| Error::Corrupt(format!("the {kind} {id} is missing")))
    }

    /// Returns true if `ancestor` is `descendant` or reachable from it through parents.
    pub fn is_ancestor(&self, ancestor: ObjectId, descendant: ObjectId) -> Result<bool> {
        if ancestor == descendant {
            return Ok(true);
        }
        self.object_of_kind(ancestor, Kind::Commit)?;
        self.object_of_kind(descendant, Kind::Commit)?;
        let bases = self.repository.merge_bases_many(ancestor, &[descendant])?;
        Ok(bases.iter().any(|base| base.detach() == ancestor))
    }

    /// Returns the branch or tag, unless it does not exist or is hidden.
    pub fn find_ref(&self, name: &RefName) -> Option<&crate::Ref> {
        self.state.find(name).filter(|found| !found.name.is_hidden())
    }

    /// Returns all objects whose hexadecimal ID starts with `prefix`.
    pub(crate) fn ids_with_prefix(&self, prefix: &str) -> Result<HashSet<ObjectId>> {
        let mut found = HashSet::new();
        if let Ok(prefix) = gix::hash::Prefix::from_hex(prefix) {
            self.repository.objects.lookup_prefix(prefix, Some(&mut found))?;
        }
        Ok(found)
    }
}

/// Old and foreign commits can have arbitrary bytes as signature; unreadable parts become empty or zero.
fn person(raw: &gix::bstr::BStr) -> Signature {
    let signature = gix::actor::SignatureRef::from_bytes(raw).unwrap_or_default().trim();
    let time = signature.time().unwrap_or_default();
    Signature {
        name: signature.name.to_str_lossy().into_owned(),
        email: signature.email.to_str_lossy().into_owned(),
        seconds: time.seconds,
        offset_minutes: time.offset / 60,
    }
}
