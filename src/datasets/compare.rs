//! Comparing two revisions (diff): changed files, metadata, and the lines of one file.

use std::sync::Arc;
use std::time::{Duration, Instant};

use metastore::{Change, ChangeKind, Entry, EntryKind, FilePath, ObjectId, Reader, Snapshot};
use similar::TextDiff;

use super::Datasets;
use super::browse::BrowseCache;
use super::package::{Metadata, Versioned, metadata, read_at};
use super::revisions::head;
use crate::access::{DatasetGrant, Read};
use crate::error::{Error, Kind, Result};
use crate::types::Id;

/// Maximum size in bytes of a file that is compared line by line.
const MAX_FILE_BYTES: u64 = 1 << 20;

/// How long a minimal diff is searched for; after that, any correct diff is returned.
const DIFF_TIMEOUT: Duration = Duration::from_millis(500);

/// Two revisions and the files that differ.
#[derive(Clone)]
pub struct Comparison {
    /// The older revision; `None` to compare with an empty tree.
    pub from: Option<ObjectId>,
    /// The newer revision.
    pub to: ObjectId,
    /// The changed files, ordered by path.
    changes: Arc<Vec<Change>>,
    dataset: Id,
    memory: Arc<BrowseCache>,
    pub(super) snapshot: Arc<Snapshot>,
}

/// A changed file.
#[derive(Debug, Clone)]
pub struct Changed {
    /// The kind of change.
    pub kind: ChangeKind,
    /// Its path; the old path if it was deleted.
    pub path: String,
    /// The entry in the older revision.
    pub before: Option<Entry>,
    /// The entry in the newer revision.
    pub after: Option<Entry>,
}

/// The line diff of a file, or the reason why it is missing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Lines {
    /// Unified diff with three lines of context.
    Unified(String),
    /// One side is stored in Git LFS.
    Stored,
    /// One side is larger than 1 MiB.
    Large,
    /// One side is not UTF-8 text.
    Binary,
    /// One side is not a file.
    Other,
}

impl Datasets {
    /// Compares two revisions: `to`, by default the newest revision of the default branch, with `from`, by default the
    /// first parent of `to`.
    ///
    /// # Errors
    /// Not found for a revision that does not exist; too large for more than 500,000 changes, or 64 MiB of paths.
    pub async fn compare(
        &self,
        grant: &DatasetGrant<Read>,
        from: Option<&str>,
        to: Option<&str>,
    ) -> Result<Comparison> {
        let snapshot = self.snapshot(grant).await?;
        let to = match to {
            Some(to) => self.resolve(grant.id(), &snapshot, to).await?,
            None => head(&snapshot).ok_or_else(|| Error::not_found("the dataset has no revisions yet"))?,
        };
        let from = match from {
            Some(from) => Some(self.resolve(grant.id(), &snapshot, from).await?),
            None => snapshot.read(move |reader| Ok(reader.commit(to)?.parents.first().copied())).await?,
        };
        let key = (grant.id(), from, to);
        let changes = if let Some(changes) = self.memory.changes.get(&key) {
            changes
        } else {
            let changes = Arc::new(snapshot.read_long(move |reader| reader.diff(from, to, true)).await?);
            self.memory.changes.insert(key, Arc::clone(&changes));
            changes
        };
        Ok(Comparison { from, to, changes, dataset: grant.id(), memory: Arc::clone(&self.memory), snapshot })
    }
}

impl Comparison {
    /// Compares the packages; `None` if neither side has one, or one of them cannot be read. If only one side has a
    /// package, the other side is treated as empty.
    pub async fn metadata(&self) -> Result<Option<Arc<Metadata>>> {
        let key = (self.dataset, self.from, self.to);
        if let Some(metadata) = self.memory.metadata.get(&key) {
            return Ok(Some(metadata));
        }
        let metadata = self.compare_metadata().await?.map(Arc::new);
        if let Some(metadata) = &metadata {
            self.memory.metadata.insert(key, Arc::clone(metadata));
        }
        Ok(metadata)
    }

    async fn compare_metadata(&self) -> Result<Option<Metadata>> {
        let before = match self.from {
            Some(from) => read_at(&self.snapshot, Some(from)).await,
            None => Ok(Versioned { revision: None, package: None }),
        };
        let (before, after) = match (before, read_at(&self.snapshot, Some(self.to)).await) {
            (Ok(before), Ok(after)) => (before.package, after.package),
            (Err(error), _) | (_, Err(error)) if error.kind() == Kind::Invalid => return Ok(None),
            (Err(error), _) | (_, Err(error)) => return Err(error),
        };
        metadata(before, after).await
    }

    /// Returns the number of changed files.
    pub fn count(&self) -> usize {
        self.changes.len()
    }

    /// Returns a page of the changed files.
    pub async fn page(&self, skip: usize, limit: usize) -> Result<Vec<Changed>> {
        let changes = Arc::clone(&self.changes);
        let page = self
            .snapshot
            .read(move |reader| changes.iter().skip(skip).take(limit).map(|change| describe(reader, change)).collect());
        Ok(page.await?)
    }

    /// Compares one file, which may be named by its old path; `None` if it did not change.
    ///
    /// # Errors
    /// Not found if it is in neither revision.
    pub async fn file(&self, path: &FilePath) -> Result<Option<(Changed, Lines)>> {
        let (changes, path, from, to) = (Arc::clone(&self.changes), path.clone(), self.from, self.to);
        let was = |change: &Change| match &change.kind {
            ChangeKind::Renamed { from } => from.clone(),
            _ => change.path.clone(),
        };
        let found = self.snapshot.read(move |reader| {
            let found = changes.iter().find(|change| change.path == path.as_str());
            let Some(change) = found.or_else(|| changes.iter().find(|change| was(change) == path.as_str())) else {
                if let Some(Ok(_)) = from.map(|from| reader.entry(from, &path)) {
                    return Ok(None);
                }
                return reader.entry(to, &path).map(|_| None);
            };
            let file = describe(reader, change)?;
            let lines = lines(reader, &file, &was(change))?;
            Ok(Some((file, lines)))
        });
        Ok(found.await?)
    }
}

pub(super) fn describe(reader: &Reader, change: &Change) -> metastore::Result<Changed> {
    let was = match &change.kind {
        ChangeKind::Renamed { from } => from,
        _ => &change.path,
    };
    Ok(Changed {
        kind: change.kind.clone(),
        path: change.path.clone(),
        before: change.old.map(|side| reader.entry_of(was, side)).transpose()?,
        after: change.new.map(|side| reader.entry_of(&change.path, side)).transpose()?,
    })
}

fn lines(reader: &Reader, changed: &Changed, was: &str) -> metastore::Result<Lines> {
    let mut texts = [String::new(), String::new()];
    for (side, text) in [&changed.before, &changed.after].into_iter().zip(&mut texts) {
        let Some(entry) = side else { continue };
        if !matches!(entry.kind, EntryKind::File | EntryKind::Executable | EntryKind::Link) {
            return Ok(Lines::Other);
        }
        if entry.pointer.is_some() {
            return Ok(Lines::Stored);
        }
        if entry.size.is_none_or(|size| size > MAX_FILE_BYTES) {
            return Ok(Lines::Large);
        }
        let Ok(read) = String::from_utf8(reader.blob(entry.id, MAX_FILE_BYTES)?.into()) else {
            return Ok(Lines::Binary);
        };
        if read.contains('\0') {
            return Ok(Lines::Binary);
        }
        *text = read;
    }
    let name = |side: &Option<Entry>, c: &str, path: &str| match side {
        Some(_) => quoted(&format!("{c}/{path}")),
        None => "/dev/null".to_owned(),
    };
    let (before, after) = (name(&changed.before, "a", was), name(&changed.after, "b", &changed.path));
    let [old, new] = &texts;
    let diff = TextDiff::configure().deadline(Instant::now() + DIFF_TIMEOUT).diff_lines(old.as_str(), new.as_str());
    Ok(Lines::Unified(diff.unified_diff().context_radius(3).header(&before, &after).to_string()))
}

/// Quotes a path with control characters: it must not be able to start a line of its own in the diff.
fn quoted(path: &str) -> String {
    if path.contains(|c: char| c.is_control() || c == '"') { format!("{path:?}") } else { path.into() }
}
