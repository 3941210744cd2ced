//! Looking around in a revision: folders in pages, files, and what changed them last.

use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasher as _, BuildHasherDefault, DefaultHasher};
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures::{Stream, StreamExt as _, stream};
use metastore::{Change, CommitInfo, Entry, FilePath, History, LastCommits, ObjectId, Reader, Snapshot, Summary};
use quick_cache::Weighter;
use quick_cache::sync::Cache;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::Drive;
use super::compare::Metadata;
use crate::access::{Grant, Read};
use crate::error::{Error, Result};
use crate::types::Id;

/// In how many revisions the last change of a file is looked for.
pub const DEPTH: usize = 10_000;

/// The most files and folders of a revision for which that is found at once.
const MANY: usize = 50_000;

/// How many revisions back an answer is looked for that was given before.
const NEAR: usize = 256;

/// How many names of files, and how many changes, are remembered, of each in blocks of [`WEIGHED`] bytes.
const REMEMBERED: u64 = 400_000;

/// Bytes that weigh 1 in what is remembered: what a name or an id takes.
const WEIGHED: usize = 64;

/// How many revisions of a history are found out at once: who asks for a page will ask for the next one.
const AHEAD: usize = 1000;

/// How many histories are walked at one time, at most, and how long a request waits for another one that walks.
const WALKS: usize = 16;
const TURN: Duration = Duration::from_secs(30);

/// Bytes of the largest file that is sent from the repository itself. Larger ones belong to Git LFS.
const LARGEST: u64 = 128 << 20;

/// Bytes of all such files that are sent at one time: each is in memory as a whole.
const TOGETHER: usize = 256 << 20;

/// Bytes of a file of which so many are in memory at once that it does not matter who takes them slowly.
const SMALL: usize = 256 << 10;

/// Those bytes are counted in blocks.
const BLOCK: u64 = 64 << 10;

/// A folder in a revision of a dataset.
type FolderKey = (Id, ObjectId, Option<Box<str>>);

/// What was compared: the revision before, if there was one, and after.
type PairKey = (Id, Option<ObjectId>, ObjectId);

/// What took long to find out and never changes.
pub(super) struct Memory {
    folders: Cache<FolderKey, Arc<LastCommits>, Weight>,
    /// Tips with more than [`MANY`] files and folders.
    vast: Cache<(Id, ObjectId), ()>,
    pub(super) changes: Cache<PairKey, Arc<Vec<Change>>, Weight>,
    pub(super) metadata: Cache<PairKey, Arc<Metadata>, Weight>,
    pub(super) summaries: Cache<FolderKey, Arc<Summary>, Weight>,
    /// Of a revision, or of a path in it.
    histories: Cache<FolderKey, Arc<History>, Weight>,
    /// Who asks for a history that another one is walking waits for it. Each dataset has one of these turns.
    walking: [tokio::sync::Mutex<()>; WALKS],
    sending: Arc<Semaphore>,
}

/// What is remembered weighs what it takes: an entry at least 1, and more with a long name.
#[derive(Clone)]
pub(super) struct Weight;

fn weight(bytes: usize) -> u64 {
    1 + (bytes / WEIGHED) as u64
}

impl<K> Weighter<K, Arc<LastCommits>> for Weight {
    fn weight(&self, _: &K, kept: &Arc<LastCommits>) -> u64 {
        1 + kept.iter().map(|(name, _)| weight(name.len())).sum::<u64>()
    }
}

impl<K> Weighter<K, Arc<Vec<Change>>> for Weight {
    fn weight(&self, _: &K, kept: &Arc<Vec<Change>>) -> u64 {
        1 + kept.iter().map(|change| weight(change.path.len())).sum::<u64>()
    }
}

impl<K> Weighter<K, Arc<History>> for Weight {
    fn weight(&self, _: &K, kept: &Arc<History>) -> u64 {
        1 + weight(size_of::<ObjectId>() * kept.ids.len())
    }
}

impl<K> Weighter<K, Arc<Metadata>> for Weight {
    fn weight(&self, _: &K, kept: &Arc<Metadata>) -> u64 {
        weight(kept.package.get().len() + kept.schemas.get().len())
    }
}

impl<K> Weighter<K, Arc<Summary>> for Weight {
    fn weight(&self, _: &K, kept: &Arc<Summary>) -> u64 {
        1 + kept.folders.iter().map(|(path, _)| weight(path.len())).sum::<u64>()
    }
}

impl Default for Memory {
    fn default() -> Self {
        Self {
            folders: Cache::with_weighter(1000, REMEMBERED, Weight),
            vast: Cache::new(1000),
            changes: Cache::with_weighter(1000, REMEMBERED, Weight),
            metadata: Cache::with_weighter(100, REMEMBERED, Weight),
            summaries: Cache::with_weighter(1000, REMEMBERED, Weight),
            histories: Cache::with_weighter(1000, REMEMBERED, Weight),
            walking: Default::default(),
            sending: Arc::new(Semaphore::new(TOGETHER / usize::try_from(BLOCK).unwrap_or(1))),
        }
    }
}

/// Which part of a folder.
#[derive(Debug, Clone, Default)]
pub struct Listing {
    /// The folder; the root if none.
    pub path: Option<FilePath>,
    /// With all that is below it.
    pub recursive: bool,
    /// Where the page before ended.
    pub after: Option<Vec<u8>>,
    /// The most entries.
    pub limit: usize,
    /// With the revision that changed each entry last.
    pub last: bool,
}

/// A part of a folder.
#[derive(Debug, Clone)]
pub struct Folder {
    /// The revision that was named.
    pub revision: ObjectId,
    /// What is there.
    pub entries: Vec<Found>,
    /// Where the next page begins, if there is one.
    pub next: Option<Vec<u8>>,
}

/// Something in a revision.
#[derive(Debug, Clone)]
pub struct Found {
    /// What and where.
    pub entry: Entry,
    /// The revision that changed it last, along first parents: a merge is one change. None if nobody asked, or it is
    /// more than [`DEPTH`] revisions back.
    pub last: Option<Arc<CommitInfo>>,
}

/// A file or folder, and the revision that it was found in.
#[derive(Clone)]
pub struct Located {
    /// The revision that was named.
    pub revision: ObjectId,
    /// What and where.
    pub entry: Entry,
    dataset: Id,
    pub(crate) snapshot: Arc<Snapshot>,
}

impl Located {
    /// A file or folder of this revision of a dataset.
    pub(super) fn of(dataset: Id, snapshot: Arc<Snapshot>, revision: ObjectId, entry: Entry) -> Self {
        Self { revision, entry, dataset, snapshot }
    }

    /// Something else of the same revision.
    pub(super) fn beside(&self, entry: Entry) -> Self {
        Self { entry, ..self.clone() }
    }
}

impl Drive {
    /// Lists a folder.
    ///
    /// # Errors
    /// Not found for the revision or the folder.
    pub async fn list(&self, grant: &Grant<Read>, revision: &str, listing: Listing) -> Result<Folder> {
        let snapshot = self.snapshot(grant).await?;
        let revision = self.resolve(grant.id(), &snapshot, revision).await?;
        self.list_in(grant.id(), &snapshot, revision, listing).await
    }

    pub(super) async fn list_in(
        &self,
        dataset: Id,
        snapshot: &Arc<Snapshot>,
        revision: ObjectId,
        listing: Listing,
    ) -> Result<Folder> {
        let memory = Arc::clone(&self.memory);
        let listed = snapshot.read(move |reader| {
            let Listing { path, recursive, after, limit, last } = &listing;
            let page = reader.tree_page(revision, path.as_ref(), *recursive, after.as_deref(), *limit)?;
            let last = if *last {
                let paths: Vec<&str> = page.entries.iter().map(|entry| entry.path.as_str()).collect();
                memory.last(reader, dataset, revision, &paths)?
            } else {
                vec![None; page.entries.len()]
            };
            let entries = page.entries.into_iter().zip(commits(reader, last)?);
            let entries = entries.map(|(entry, last)| Found { entry, last }).collect();
            Ok(Folder { revision, entries, next: page.next })
        });
        Ok(listed.await?)
    }

    /// Finds what stands at a path.
    ///
    /// # Errors
    /// Not found for the revision or the path.
    pub async fn locate(&self, grant: &Grant<Read>, revision: &str, path: &FilePath) -> Result<Located> {
        let snapshot = self.snapshot(grant).await?;
        let revision = self.resolve(grant.id(), &snapshot, revision).await?;
        Self::locate_in(grant.id(), snapshot, revision, path.clone()).await
    }

    pub(super) async fn locate_in(
        dataset: Id,
        snapshot: Arc<Snapshot>,
        revision: ObjectId,
        path: FilePath,
    ) -> Result<Located> {
        let entry = snapshot.read(move |reader| reader.entry(revision, &path)).await?;
        Ok(Located { revision, entry, dataset, snapshot })
    }

    /// The revision that changed it last, as for [`Found::last`].
    pub async fn last_change(&self, located: &Located) -> Result<Option<CommitInfo>> {
        let (memory, dataset) = (Arc::clone(&self.memory), located.dataset);
        let (revision, path) = (located.revision, located.entry.path.clone());
        let found = located.snapshot.read(move |reader| {
            let found = memory.last(reader, dataset, revision, &[&path])?;
            found.into_iter().flatten().next().map(|id| reader.commit(id)).transpose()
        });
        Ok(found.await?)
    }

    /// Up to `limit` revisions from one back, the newest first; with `path`, those that changed it. `after` continues
    /// behind one. What was walked once is remembered: it never changes.
    ///
    /// # Errors
    /// Not found if `after` is not among them.
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
        let number = BuildHasherDefault::<DefaultHasher>::default().hash_one(dataset) % WALKS as u64;
        let turn = self.memory.walking[usize::try_from(number).unwrap_or_default()].lock();
        let turn = tokio::time::timeout(TURN, turn).await;
        let _turn = turn.map_err(|_| Error::busy("a long history is being walked; try again in a moment"))?;
        let memory = Arc::clone(&self.memory);
        let found = snapshot.read_long(move |reader| {
            // Somebody else may have walked while this one waited for its turn.
            let known = memory.histories.get(&key);
            if let Some(known) = &known
                && let Some(ids) = known.page(after, limit)?
            {
                return reader.commits(ids);
            }
            let further = known.map_or(AHEAD, |known| known.ids.len()).max(limit);
            let history = Arc::new(reader.history(from, path.as_ref(), after, further)?);
            memory.histories.insert(key.clone(), Arc::clone(&history));
            reader.commits(history.page(after, limit)?.unwrap_or_default())
        });
        Ok(found.await?)
    }

    /// The bytes of a file that is in the repository itself.
    ///
    /// # Errors
    /// Not found for what is no file; too large for what belongs to Git LFS; busy if too many others are being sent.
    pub async fn open(&self, located: &Located) -> Result<Sending> {
        let Entry { id, size, path, .. } = &located.entry;
        let size = size.ok_or_else(|| Error::not_found(format!("{path} is not a file")))?;
        if size > LARGEST {
            return Err(Error::too_large(format!(
                "{path} has {size} bytes, and is not kept by Git LFS: clone the dataset with git to get it"
            )));
        }
        let blocks = u32::try_from(size.div_ceil(BLOCK).max(1)).map_err(Error::internal)?;
        let place = Arc::clone(&self.memory.sending).try_acquire_many_owned(blocks);
        let place = place.map_err(|_| Error::busy("too many files are being sent; try again in a moment"))?;
        let id = *id;
        let bytes = located.snapshot.read(move |reader| reader.blob(id, LARGEST)).await?;
        Ok(Sending { bytes, place, snapshot: Arc::clone(&located.snapshot) })
    }

    /// Like [`Drive::open`], for one of many files that are sent one after the other: waits until there is room for it.
    pub(crate) async fn open_in_turn(&self, snapshot: &Arc<Snapshot>, entry: &Entry) -> Result<Sending> {
        let blocks = entry.size.unwrap_or_default().min(LARGEST).div_ceil(BLOCK).max(1);
        let blocks = u32::try_from(blocks).map_err(Error::internal)?;
        let place = Arc::clone(&self.memory.sending).acquire_many_owned(blocks).await.map_err(Error::internal)?;
        let id = entry.id;
        let bytes = snapshot.read(move |reader| reader.blob(id, LARGEST)).await?;
        Ok(Sending { bytes, place, snapshot: Arc::clone(snapshot) })
    }
}

/// The bytes of a file, and their place among those that are sent at one time.
pub struct Sending {
    bytes: Bytes,
    place: OwnedSemaphorePermit,
    snapshot: Arc<Snapshot>,
}

impl Sending {
    /// A part of them, in blocks. Of what is large a slow client gets the rest from disk, so that it does not hold the
    /// memory that others wait for.
    pub fn stream(self, range: Range<u64>) -> impl Stream<Item = std::io::Result<Bytes>> + Send + 'static {
        let Self { bytes, place, snapshot } = self;
        let within = |at: u64| usize::try_from(at).map_or(bytes.len(), |at| at.min(bytes.len()));
        let rest = bytes.slice(within(range.start)..within(range.end));
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

impl Memory {
    /// The revisions that changed these paths last. For the tip of a branch they are found for the whole tree at once,
    /// and kept: the next folder is there already, and a newer tip has to look no further than this one.
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
                && !reader.is_near(revision, NEAR, |commit| known(commit, missing).is_some())?;
            let all = if is_worth_it { reader.last_commits_everywhere(revision, DEPTH, MANY)? } else { None };
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

/// The folder that something is in (none: the root), and its name there.
fn place(path: &str) -> (Option<&str>, &str) {
    path.rsplit_once('/').map_or((None, path), |(folder, name)| (Some(folder), name))
}

/// None of what is too large to be found out as a whole.
fn fits<T>(found: metastore::Result<T>) -> metastore::Result<Option<T>> {
    match found {
        Ok(found) => Ok(Some(found)),
        Err(metastore::Error::TooLarge(_)) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Reads commits, each once.
pub(super) fn commits(reader: &Reader, ids: Vec<Option<ObjectId>>) -> metastore::Result<Vec<Option<Arc<CommitInfo>>>> {
    let mut different: Vec<ObjectId> = ids.iter().flatten().copied().collect();
    different.sort_unstable();
    different.dedup();
    let read = reader.commits(&different)?.into_iter().map(|commit| (commit.id, Arc::new(commit)));
    let known: HashMap<ObjectId, Arc<CommitInfo>> = read.collect();
    Ok(ids.into_iter().map(|id| known.get(&id?).cloned()).collect())
}
