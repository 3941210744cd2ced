//! Browsing a revision: paginated folder listings, files, and the last commit that changed each entry.

use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasher as _, BuildHasherDefault, DefaultHasher};
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures::{Stream, StreamExt as _, stream};
use metastore::{Change, CommitInfo, Entry, FilePath, History, LastCommits, ObjectId, Reader, Snapshot, Summary};
use quick_cache::sync::Cache;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::Datasets;
use super::browse_weight::Weight;
use super::merge::Mergeability;
use super::package::Metadata;
use super::revision_stats::RevisionStats;
use super::revisions::head;
use super::sorted::{self, Child, Sort, SortKey};
use crate::access::{Grant, Read};
use crate::error::{Error, Result};
use crate::types::Id;

/// How many revisions are searched for the last change of a file.
pub const DEPTH: usize = 10_000;

/// Maximum number of entries (files and folders) in a revision for computing the last change of all entries at once.
const MAX_ENTRIES: usize = 50_000;

/// How many revisions back an earlier cached result is looked for.
const MAX_REVISIONS_BACK: usize = 256;

/// Capacity of each cache of file names and changes, in units of [`WEIGHED`](super::browse_weight::WEIGHED) bytes.
const REMEMBERED: u64 = 400_000;

/// Minimum number of revisions of a history that are walked at once: a client that reads one page usually reads the
/// next.
const READ_AHEAD: usize = 1000;

/// Number of locks for history walks, and how long a request waits for one of them.
const WALK_CONCURRENCY: usize = 16;
const WALK_QUEUE_TIMEOUT: Duration = Duration::from_secs(30);

/// Maximum size in bytes of a file that is sent from the repository itself. Larger files belong in Git LFS.
const MAX_BLOB_BYTES: u64 = 128 << 20;

/// Maximum total bytes of such files that are sent at the same time: each is held in memory as a whole.
const MAX_BLOB_BYTES_IN_FLIGHT: usize = 256 << 20;

/// Files up to this size in bytes are sent from memory, however slowly the client reads: many of them fit at once.
const SMALL: usize = 256 << 10;

/// Granularity in bytes of the memory limit and of the blocks that are sent.
const BLOCK: u64 = 64 << 10;

/// Cache key: a path in a revision of a dataset; `None` for the root.
type FolderKey = (Id, ObjectId, Option<Box<str>>);

/// Cache key of a sorted folder.
type OrderKey = (Id, ObjectId, Option<Box<str>>, Sort);

/// Cache key of a comparison: the dataset, the older revision (if any) and the newer one.
type PairKey = (Id, Option<ObjectId>, ObjectId);

/// Caches of results that are expensive to compute and never change.
pub(super) struct BrowseCache {
    folders: Cache<FolderKey, Arc<LastCommits>, Weight>,
    /// Branch tips with more than [`MAX_ENTRIES`] files and folders.
    vast: Cache<(Id, ObjectId), ()>,
    /// Sorted entries of folders.
    orders: Cache<OrderKey, Arc<Vec<Child>>, Weight>,
    pub(super) changes: Cache<PairKey, Arc<Vec<Change>>, Weight>,
    pub(super) metadata: Cache<PairKey, Arc<Metadata>, Weight>,
    /// How the newer revision can be merged into the older one.
    pub(super) merges: Cache<PairKey, Arc<Mergeability>, Weight>,
    pub(super) summaries: Cache<FolderKey, Arc<Summary>, Weight>,
    /// What revisions changed, as a whole or at a path; `None` for too many files.
    pub(super) revision_stats: Cache<FolderKey, Option<RevisionStats>, Weight>,
    /// Histories of a revision, or of a path in it.
    histories: Cache<FolderKey, Arc<History>, Weight>,
    /// Locks that keep concurrent requests from walking the same history. Each dataset maps to one of them.
    walking: [tokio::sync::Mutex<()>; WALK_CONCURRENCY],
    sending: Arc<Semaphore>,
}

impl Default for BrowseCache {
    fn default() -> Self {
        Self {
            folders: Cache::with_weighter(1000, REMEMBERED, Weight),
            vast: Cache::new(1000),
            orders: Cache::with_weighter(1000, REMEMBERED, Weight),
            changes: Cache::with_weighter(1000, REMEMBERED, Weight),
            metadata: Cache::with_weighter(100, REMEMBERED, Weight),
            merges: Cache::with_weighter(1000, REMEMBERED, Weight),
            summaries: Cache::with_weighter(1000, REMEMBERED, Weight),
            revision_stats: Cache::with_weighter(100_000, REMEMBERED, Weight),
            histories: Cache::with_weighter(1000, REMEMBERED, Weight),
            walking: Default::default(),
            sending: Arc::new(Semaphore::new(MAX_BLOB_BYTES_IN_FLIGHT / usize::try_from(BLOCK).unwrap_or(1))),
        }
    }
}

/// Selects a page of a folder.
#[derive(Debug, Clone, Default)]
pub struct Listing {
    /// True to list everything below the folder, not only its direct entries.
    pub recursive: bool,
    /// The order of the direct entries of the folder. Default: git's.
    pub sort: Option<Sort>,
    /// Cursor: where the previous page ended.
    pub after: Option<Vec<u8>>,
    /// Maximum number of entries.
    pub limit: usize,
    /// True to include the revision that last changed each entry.
    pub last: bool,
}

/// A page of a folder.
#[derive(Debug, Clone)]
pub struct Folder {
    /// The revision that was listed.
    pub revision: ObjectId,
    /// The entries of the page.
    pub entries: Vec<ListedEntry>,
    /// Cursor of the next page, if there is one.
    pub next: Option<Vec<u8>>,
}

/// An entry of a revision.
#[derive(Debug, Clone)]
pub struct ListedEntry {
    /// The file or folder and its path.
    pub entry: Entry,
    /// The revision that last changed it, along first parents: a merge counts as one change. `None` if it was not
    /// requested, or is more than [`DEPTH`] revisions back.
    pub last: Option<Arc<CommitInfo>>,
}

/// A file or folder, and the revision in which it was found.
#[derive(Clone)]
pub struct ResolvedEntry {
    /// The resolved revision.
    pub revision: ObjectId,
    /// The file or folder and its path.
    pub entry: Entry,
    dataset: Id,
    pub(crate) snapshot: Arc<Snapshot>,
}

impl ResolvedEntry {
    /// Creates a located entry of this revision of a dataset.
    pub(super) fn of(dataset: Id, snapshot: Arc<Snapshot>, revision: ObjectId, entry: Entry) -> Self {
        Self { revision, entry, dataset, snapshot }
    }

    /// Returns another entry of the same revision.
    pub(super) fn beside(&self, entry: Entry) -> Self {
        Self { entry, ..self.clone() }
    }
}

impl Datasets {
    /// Lists a page of the folder at the path of the grant; `None` for a dataset without revisions. Without `revision`,
    /// the newest one.
    ///
    /// # Errors
    /// Not found if the revision or the folder does not exist, or the actor does not see the revision.
    pub async fn list(&self, grant: &Grant<Read>, revision: Option<&str>, listing: Listing) -> Result<Option<Folder>> {
        let snapshot = self.snapshot_of(grant.id()).await?;
        let revision = match revision {
            Some(revision) => self.resolve_visible(grant, &snapshot, revision).await?,
            None => match (head(&snapshot), grant.path()) {
                (Some(head), _) => head,
                (None, None) => return Ok(None),
                (None, Some(_)) => return Err(not_found(grant)),
            },
        };
        self.list_in(grant, &snapshot, revision, listing).await.map(Some)
    }

    async fn list_in(
        &self,
        grant: &Grant<Read>,
        snapshot: &Arc<Snapshot>,
        revision: ObjectId,
        listing: Listing,
    ) -> Result<Folder> {
        let (memory, dataset, path) = (Arc::clone(&self.memory), grant.id(), grant.path().cloned());
        // To sort by what is in the entries, all of them are read.
        let is_long = listing.sort.is_some_and(|sort| sort.key != SortKey::Name);
        let work = move |reader: &Reader| {
            let Listing { recursive, sort, after, limit, last } = &listing;
            let (folder, after) = (path.as_ref(), after.as_deref());
            let page = match sort {
                None => reader.tree_page(revision, folder, *recursive, after, *limit)?,
                Some(sort) => {
                    let children = memory.ordered(reader, dataset, revision, folder, *sort)?;
                    sorted::page(reader, folder, &children, after, *limit)?
                }
            };
            let last = if *last {
                let paths: Vec<&str> = page.entries.iter().map(|entry| entry.path.as_str()).collect();
                memory.last(reader, dataset, revision, &paths)?
            } else {
                vec![None; page.entries.len()]
            };
            let entries = page.entries.into_iter().zip(commits(reader, last)?);
            let entries = entries.map(|(entry, last)| ListedEntry { entry, last }).collect();
            Ok::<_, metastore::Error>(Folder { revision, entries, next: page.next })
        };
        Ok(if is_long { snapshot.read_long(work).await? } else { snapshot.read(work).await? })
    }

    /// Finds the entry at the path of the grant. Without `revision`, in the newest one.
    ///
    /// # Errors
    /// Not found if there is no entry, or the actor does not see the revision, and for the root.
    pub async fn locate(&self, grant: &Grant<Read>, revision: Option<&str>) -> Result<ResolvedEntry> {
        let path = grant.path().ok_or_else(|| not_found(grant))?;
        let snapshot = self.snapshot_of(grant.id()).await?;
        let revision = match revision {
            Some(revision) => self.resolve_visible(grant, &snapshot, revision).await?,
            None => head(&snapshot).ok_or_else(|| not_found(grant))?,
        };
        Self::locate_in(grant.id(), snapshot, revision, path.clone()).await
    }

    pub(super) async fn locate_in(
        dataset: Id,
        snapshot: Arc<Snapshot>,
        revision: ObjectId,
        path: FilePath,
    ) -> Result<ResolvedEntry> {
        let entry = snapshot.read(move |reader| reader.entry(revision, &path)).await?;
        Ok(ResolvedEntry { revision, entry, dataset, snapshot })
    }

    /// Returns the revision that last changed an entry, as for [`ListedEntry::last`].
    pub async fn last_change(&self, located: &ResolvedEntry) -> Result<Option<CommitInfo>> {
        let (memory, dataset) = (Arc::clone(&self.memory), located.dataset);
        let (revision, path) = (located.revision, located.entry.path.clone());
        let found = located.snapshot.read(move |reader| {
            let found = memory.last(reader, dataset, revision, &[&path])?;
            found.into_iter().flatten().next().map(|id| reader.commit(id)).transpose()
        });
        Ok(found.await?)
    }

    /// Returns up to `limit` revisions starting at `from`, newest first; with `path`, only those that changed it.
    /// `after` is the last revision of the previous page. Walked histories are cached: they never change.
    ///
    /// # Errors
    /// Not found if `after` is not among the revisions.
    pub(crate) async fn history(
        &self,
        dataset: Id,
        snapshot: &Arc<Snapshot>,
        from: ObjectId,
        path: Option<FilePath>,
        after: Option<ObjectId>,
        limit: usize,
    ) -> Result<Vec<CommitInfo>> {
        if path.is_none() && after.is_none() {
            return Ok(snapshot.read(move |reader| reader.log(from, limit, None, None)).await?);
        }
        let key = (dataset, from, path.as_ref().map(|path| path.as_str().into()));
        let page = |history: &History| Ok::<_, Error>(history.page(after, limit)?.map(<[ObjectId]>::to_vec));
        if let Some(ids) = self.memory.histories.get(&key).map(|known| page(&known)).transpose()?.flatten() {
            return Ok(snapshot.read(move |reader| reader.commits(&ids)).await?);
        }
        let number = BuildHasherDefault::<DefaultHasher>::default().hash_one(dataset) % WALK_CONCURRENCY as u64;
        let turn = self.memory.walking[usize::try_from(number).unwrap_or_default()].lock();
        let turn = tokio::time::timeout(WALK_QUEUE_TIMEOUT, turn).await;
        let _turn = turn.map_err(|_| {
            Error::busy("the history of this dataset is being read by other requests; try again in a moment")
        })?;
        let memory = Arc::clone(&self.memory);
        let found = snapshot.read_long(move |reader| {
            // Another request may have walked it while this one waited for the lock.
            let known = memory.histories.get(&key);
            if let Some(known) = &known
                && let Some(ids) = known.page(after, limit)?
            {
                return reader.commits(ids);
            }
            let further = known.map_or(READ_AHEAD, |known| known.ids.len()).max(limit);
            let history = Arc::new(reader.history(from, path.as_ref(), after, further)?);
            memory.histories.insert(key.clone(), Arc::clone(&history));
            reader.commits(history.page(after, limit)?.unwrap_or_default())
        });
        Ok(found.await?)
    }

    /// Opens a file that is stored in the repository itself.
    ///
    /// # Errors
    /// Not found if the entry is not a file; too large for a file that belongs in Git LFS; busy if too many files are
    /// being sent.
    pub async fn open(&self, located: &ResolvedEntry) -> Result<BlobStream> {
        let Entry { id, size, path, .. } = &located.entry;
        let size = size.ok_or_else(|| Error::not_found(format!("{path} is not a file")))?;
        if size > MAX_BLOB_BYTES {
            return Err(Error::too_large(format!(
                "{path} has {size} bytes and is not stored in Git LFS; clone the dataset with git to get it"
            )));
        }
        let blocks = u32::try_from(size.div_ceil(BLOCK).max(1)).map_err(Error::internal)?;
        let place = Arc::clone(&self.memory.sending).try_acquire_many_owned(blocks);
        let place = place.map_err(|_| Error::busy("too many downloads at the same time; try again in a moment"))?;
        let id = *id;
        let bytes = located.snapshot.read(move |reader| reader.blob(id, MAX_BLOB_BYTES)).await?;
        Ok(BlobStream { bytes, place, snapshot: Arc::clone(&located.snapshot) })
    }

    /// Like [`Datasets::open`], for a sequence of files: waits for memory instead of failing.
    pub(crate) async fn open_in_turn(&self, snapshot: &Arc<Snapshot>, entry: &Entry) -> Result<BlobStream> {
        let blocks = entry.size.unwrap_or_default().min(MAX_BLOB_BYTES).div_ceil(BLOCK).max(1);
        let blocks = u32::try_from(blocks).map_err(Error::internal)?;
        let place = Arc::clone(&self.memory.sending).acquire_many_owned(blocks).await.map_err(Error::internal)?;
        let id = entry.id;
        let bytes = snapshot.read(move |reader| reader.blob(id, MAX_BLOB_BYTES)).await?;
        Ok(BlobStream { bytes, place, snapshot: Arc::clone(snapshot) })
    }
}

/// The bytes of a file, and its share of the memory limit.
pub struct BlobStream {
    bytes: Bytes,
    place: OwnedSemaphorePermit,
    snapshot: Arc<Snapshot>,
}

impl BlobStream {
    /// Returns a range of the file, as far as the file has it.
    pub(crate) fn slice(&self, range: Range<u64>) -> Bytes {
        let within = |at: u64| usize::try_from(at).map_or(self.bytes.len(), |at| at.min(self.bytes.len()));
        self.bytes.slice(within(range.start)..within(range.end))
    }

    /// Streams a range of the file in blocks. Large files go through a file on disk, so that a slow client does not
    /// hold memory that other requests wait for.
    pub fn stream(self, range: Range<u64>) -> impl Stream<Item = std::io::Result<Bytes>> + Send + 'static {
        let rest = self.slice(range);
        let Self { bytes, place, snapshot } = self;
        if bytes.len() > SMALL {
            return snapshot.send(rest, place).left_stream();
        }
        let blocks = stream::unfold((rest, place), |(mut rest, place)| async {
            if rest.is_empty() {
                return None;
            }
            let block = rest.split_to(rest.len().min(usize::try_from(BLOCK).unwrap_or(1)));
            Some((Ok(block), (rest, place)))
        });
        blocks.right_stream()
    }
}

impl BrowseCache {
    /// Returns the revisions that last changed these paths. For the tip of a branch, the result is computed for the
    /// whole tree and cached: other folders are then answered from the cache, and a newer tip only has to search back
    /// to this one.
    pub(super) fn last(
        &self,
        reader: &Reader,
        dataset: Id,
        revision: ObjectId,
        paths: &[&str],
    ) -> metastore::Result<Vec<Option<ObjectId>>> {
        let folders: HashSet<Option<&str>> = paths.iter().map(|path| place(path).0).collect();
        let known = |commit, folder: Option<&str>| self.folders.get(&(dataset, commit, folder.map(Box::from)));
        let mut found: HashMap<_, _> =
            folders.iter().filter_map(|folder| Some((*folder, known(revision, *folder)?))).collect();
        if let Some(&missing) = folders.iter().find(|folder| !found.contains_key(*folder)) {
            let keep = |folder: Option<&str>, last| {
                let last = Arc::new(last);
                self.folders.insert((dataset, revision, folder.map(Box::from)), Arc::clone(&last));
                last
            };
            let is_tip = reader.state().refs.iter().any(|each| each.target == revision && each.name.is_branch());
            let is_worth_it = is_tip
                && self.vast.get(&(dataset, revision)).is_none()
                && !reader.is_near(revision, MAX_REVISIONS_BACK, |commit| known(commit, missing).is_some())?;
            let all = if is_worth_it { reader.last_commits_everywhere(revision, DEPTH, MAX_ENTRIES)? } else { None };
            if is_worth_it && all.is_none() {
                self.vast.insert((dataset, revision), ());
            }
            if let Some(mut all) = all {
                for asked in &folders {
                    let last = all.remove(&asked.map(str::to_owned));
                    found.extend(last.map(|last| (*asked, keep(*asked, last))));
                }
                for (folder, last) in all {
                    keep(folder.as_deref(), last);
                }
            } else if folders.len() == 1
                && paths.len() > 1
                && let Ok(folder) = missing.map(str::parse::<FilePath>).transpose()
                && let Some(last) =
                    fits(reader.last_commits(revision, folder.as_ref(), DEPTH, |commit| known(commit, missing)))?
            {
                found.insert(missing, keep(missing, last));
            } else {
                return reader.last_changes(revision, paths, DEPTH);
            }
        }
        let last = |path: &&str| {
            let (folder, name) = place(path);
            let all = found.get(&folder)?;
            let at = all.binary_search_by(|(other, _)| other.as_str().cmp(name)).ok()?;
            all[at].1
        };
        Ok(paths.iter().map(last).collect())
    }
}

impl BrowseCache {
    /// Returns the entries of a folder in this order.
    fn ordered(
        &self,
        reader: &Reader,
        dataset: Id,
        revision: ObjectId,
        folder: Option<&FilePath>,
        sort: Sort,
    ) -> metastore::Result<Arc<Vec<Child>>> {
        let key = (dataset, revision, folder.map(|path| path.as_str().into()), sort);
        if let Some(known) = self.orders.get(&key) {
            return Ok(known);
        }
        let children = sorted::children(reader, revision, folder, sort.key)?;
        let values = match sort.key {
            SortKey::Name => None,
            SortKey::Size => Some(sorted::sizes(reader, folder, &children)?),
            SortKey::Modified => {
                let paths = sorted::paths(folder, &children);
                let paths: Vec<&str> = paths.iter().map(String::as_str).collect();
                let last = commits(reader, self.last(reader, dataset, revision, &paths)?)?;
                Some(last.iter().map(|last| last.as_ref().map_or(0, |last| last.committer.seconds)).collect())
            }
        };
        let children = Arc::new(sorted::sorted(children, values, sort.descending));
        self.orders.insert(key, Arc::clone(&children));
        Ok(children)
    }
}

/// Returns the error for a path that does not exist.
pub(super) fn not_found(grant: &Grant<Read>) -> Error {
    let path = grant.path().map_or_else(String::new, ToString::to_string);
    Error::not_found(format!("{path:?} not found"))
}

/// Splits a path into its folder (`None` for the root) and its name.
fn place(path: &str) -> (Option<&str>, &str) {
    path.rsplit_once('/').map_or((None, path), |(folder, name)| (Some(folder), name))
}

/// Turns a "too large" error into `None`.
fn fits<T>(found: metastore::Result<T>) -> metastore::Result<Option<T>> {
    match found {
        Ok(found) => Ok(Some(found)),
        Err(metastore::Error::TooLarge(_)) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Reads commits, each of them once.
pub(super) fn commits(reader: &Reader, ids: Vec<Option<ObjectId>>) -> metastore::Result<Vec<Option<Arc<CommitInfo>>>> {
    let mut different: Vec<ObjectId> = ids.iter().flatten().copied().collect();
    different.sort_unstable();
    different.dedup();
    let read = reader.commits(&different)?.into_iter().map(|commit| (commit.id, Arc::new(commit)));
    let known: HashMap<ObjectId, Arc<CommitInfo>> = read.collect();
    Ok(ids.into_iter().map(|id| known.get(&id?).cloned()).collect())
}
