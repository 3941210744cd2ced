//! The file browser API: one tree, that of the default branch, in which users read and write where a
//! [`Grant`] allows it. Files that are only for tools are hidden.

use std::collections::{BTreeSet, BinaryHeap, HashSet};
use std::slice::from_ref;
use std::sync::Arc;

use metastore::{CommitInfo, Content, Edit, Entry, EntryKind, FilePath, ObjectId, Reader, Side, Snapshot};

use super::Datasets;
use super::browse::{ListedEntry, ResolvedEntry, commits, not_found};
use super::commits::{CommitOutcome, exists, nothing_at, reading};
use super::copies::{CopyBudget, copy_side};
use super::ref_transaction::TrashChange;
use super::revisions::{Change, CommitMeta, head};
use super::sorted::folded;
use crate::access::{Grant, History, Read, Right, Write};
use crate::error::{Error, Kind, Result};
use crate::types::{Id, Level};

mod archive;
mod beside;
mod history;
mod rules;

use history::log_since;
pub(crate) use rules::expect_shown;
pub use rules::{KEEP, by_root, expect_inner, is_listed, is_shown, path_of};
pub(super) use rules::{folders_above, keep_folders, outermost};
use rules::{keep, nested};

/// Maximum number of results of a name search.
const MAX_FOUND: usize = 1000;

/// Maximum length in bytes of a path that can be addressed, and so found.
const MAX_PATH_BYTES: usize = 4096;

/// The version of a file that a client has seen before changing it, for optimistic concurrency control.
#[derive(Debug, Clone)]
pub struct IfMatch {
    /// Path of the file.
    pub path: FilePath,
    /// The newest revision that the client has seen, or the one that last changed the file.
    pub revision: String,
}

/// A file or folder that is moved or copied to another path.
pub struct MovedEntry<R: Right> {
    /// The path of the entry.
    pub from: Grant<R>,
    /// The new path.
    pub to: Grant<Write>,
    /// True to replace what is at the new path, if there is anything.
    pub replace: bool,
}

impl Datasets {
    /// Returns the entries at these paths of a revision. Access was checked when the paths were chosen.
    pub(crate) async fn locate_all(
        &self,
        id: Id,
        revision: ObjectId,
        paths: Vec<FilePath>,
    ) -> Result<Vec<ResolvedEntry>> {
        let snapshot = self.snapshot_of(id).await?;
        let entries = snapshot.read(move |reader| {
            let sides = reader.sides(revision, &paths)?;
            let entry = |(path, side): (&FilePath, Option<Side>)| match side {
                Some(side) => reader.entry_of(path.as_str(), side),
                None => Err(nothing_at(path)),
            };
            paths.iter().zip(sides).map(entry).collect::<metastore::Result<Vec<Entry>>>()
        });
        let located = entries.await?.into_iter();
        Ok(located.map(|entry| ResolvedEntry::of(id, Arc::clone(&snapshot), revision, entry)).collect())
    }

    /// Returns the entry at the path of the grant, with the revision that last changed it; without `revision`, the
    /// current one.
    ///
    /// # Errors
    /// As for [`Datasets::locate`].
    pub async fn entry(&self, grant: &Grant<Read>, revision: Option<&str>) -> Result<ListedEntry> {
        let located = self.locate(grant, revision).await?;
        let last = self.last_change(&located).await?.map(Arc::new);
        Ok(ListedEntry { entry: located.entry, last })
    }

    /// Returns up to `limit` revisions that changed the entry at the path of the grant, newest first, each with the
    /// resulting entry; `after` is the last revision of the previous page. Includes only revisions that the actor can
    /// see.
    ///
    /// # Errors
    /// Not found if no revision has this path.
    pub async fn versions(
        &self,
        grant: &Grant<Read>,
        after: Option<ObjectId>,
        limit: usize,
    ) -> Result<Vec<(CommitInfo, Option<Entry>)>> {
        let path = grant.path().cloned().ok_or_else(|| not_found(grant))?;
        let snapshot = self.snapshot_of(grant.id()).await?;
        let Some(head) = head(&snapshot) else { return Err(not_found(grant)) };
        let commits = match grant.history() {
            History::Whole | History::Branch => {
                self.history(grant.id(), &snapshot, head, Some(path.clone()), after, limit).await?
            }
            History::Since(since, _) => {
                let path = path.clone();
                snapshot.read_long(move |reader| log_since(reader, since, head, &path, after, limit)).await?
            }
        };
        let found = snapshot.read(move |reader| {
            let entry = |commit: &CommitInfo| match reader.entry(commit.id, &path) {
                Ok(entry) => Ok(Some(entry)),
                Err(metastore::Error::NotFound(_)) => Ok(None),
                Err(error) => Err(error),
            };
            commits.iter().map(|commit| Ok((commit.clone(), entry(commit)?))).collect::<metastore::Result<Vec<_>>>()
        });
        let found = found.await?;
        if found.is_empty() && after.is_none() {
            // The entry may exist although none of its versions is visible.
            self.locate(grant, None).await?;
        }
        Ok(found)
    }

    /// Searches below a path for names that contain all of these words, ignoring case and accents. Files closer to the
    /// root come first.
    pub async fn find_names(&self, grant: &Grant<Read>, words: &str, limit: usize) -> Result<Vec<ListedEntry>> {
        let words: Vec<String> = words.split_whitespace().map(folded).collect();
        let snapshot = self.snapshot_of(grant.id()).await?;
        let (Some(revision), false) = (head(&snapshot), words.is_empty()) else { return Ok(Vec::new()) };
        let folder = grant.path().cloned();
        let (limit, wanted) = (limit.min(MAX_FOUND), words);
        let (dataset, memory) = (grant.id(), Arc::clone(&self.memory));
        let found = snapshot.read_long(move |reader| {
            // The best matches so far, with the worst of them on top.
            let mut best: BinaryHeap<(usize, String)> = BinaryHeap::new();
            reader.visit(revision, folder.as_ref(), &mut |path, kind, _| {
                let name = path.rsplit('/').next().unwrap_or(path);
                if path.len() <= MAX_PATH_BYTES && is_shown(name) && kind != EntryKind::Submodule {
                    let name = folded(name);
                    if wanted.iter().all(|word| name.contains(word.as_str())) {
                        let depth = path.matches('/').count();
                        let is_better = |worst: &(usize, String)| (depth, path) < (worst.0, worst.1.as_str());
                        if best.len() < limit || best.peek().is_some_and(is_better) {
                            best.push((depth, path.to_owned()));
                        }
                        if best.len() > limit {
                            best.pop();
                        }
                    }
                }
                true
            })?;
            let paths = best.into_sorted_vec().into_iter().filter_map(|(_, path)| path.parse::<FilePath>().ok());
            let entries: Vec<Entry> =
                paths.map(|path| reader.entry(revision, &path)).collect::<metastore::Result<_>>()?;
            let paths: Vec<&str> = entries.iter().map(|entry| entry.path.as_str()).collect();
            let last = memory.last(reader, dataset, revision, &paths)?;
            let last = commits(reader, last)?;
            Ok(entries.into_iter().zip(last).map(|(entry, last)| ListedEntry { entry, last }).collect())
        });
        Ok(found.await?)
    }

    /// Returns the currently shared paths of a dataset; empty for actors who cannot share it.
    pub async fn shared_paths<R: Right>(&self, grant: &Grant<R>) -> Result<HashSet<String>> {
        if grant.level_at(None) != Some(Level::Own) {
            return Ok(HashSet::new());
        }
        let paths = self.db.read().await?.shared_paths(grant.id(), self.clock.now()).await?;
        Ok(paths.into_iter().collect())
    }

    /// Returns the number of visible files of a dataset. The result is cached per snapshot.
    pub(crate) async fn count_files(&self, id: Id) -> Result<u64> {
        struct Files(u64);
        let snapshot = self.snapshot_of(id).await?;
        let Some(head) = head(&snapshot) else { return Ok(0) };
        let counted = snapshot.derive(move |reader| {
            let mut files = 0;
            let end = reader.visit(head, None, &mut |path, kind, _| {
                let is_file = matches!(kind, EntryKind::File | EntryKind::Executable | EntryKind::Link);
                files += u64::from(is_file && is_shown(path.rsplit('/').next().unwrap_or(path)));
                true
            });
            match end {
                // Too many to count: return what was counted so far.
                Ok(()) | Err(metastore::Error::TooLarge(_)) => Ok(Files(files)),
                Err(error) => Err(error),
            }
        });
        Ok(counted.await?.0)
    }

    /// Returns whether a file at this path is stored in Git LFS by the dataset's rules, and whether the path already
    /// exists.
    ///
    /// # Errors
    /// Conflict if the path is a folder.
    pub(crate) async fn storage_rules(&self, grant: &Grant<Write>) -> Result<(bool, bool)> {
        let path = grant.path().cloned().ok_or_else(|| Error::invalid("the path of a file is required"))?;
        let snapshot = self.snapshot_of(grant.id()).await?;
        let head = head(&snapshot);
        let found = snapshot.read(move |reader| {
            let kept = reader.lfs_keeps(head, from_ref(&path))?;
            let kind = match head.map(|head| reader.entry(head, &path)) {
                Some(Ok(entry)) => Some(entry.kind),
                None | Some(Err(metastore::Error::NotFound(_))) => None,
                Some(Err(error)) => return Err(error),
            };
            if kind == Some(EntryKind::Folder) {
                return Err(metastore::Error::Conflict(format!("{path} is a folder; choose another file name")));
            }
            Ok((kept.first().copied().unwrap_or_default(), kind.is_some()))
        });
        Ok(found.await?)
    }

    /// Writes a file as a new revision. With `known`, only if the file has not changed since. The executable bit of an
    /// existing file is kept.
    ///
    /// # Errors
    /// Precondition failed if the file was changed in the meantime; conflict if the path is a folder; as for
    /// [`Datasets::commit_operations`].
    pub(crate) async fn put_file(
        &self,
        grant: &Grant<Write>,
        content: Content,
        message: CommitMeta,
        known: Option<IfMatch>,
    ) -> Result<CommitOutcome> {
        let path = grant.path().cloned().ok_or_else(|| Error::invalid("the path of a file is required"))?;
        expect_shown(&path)?;
        let change = move |reader: &Reader, head: Option<ObjectId>| {
            let before = match head.map(|head| reader.entry(head, &path)) {
                Some(Ok(entry)) => Some(entry.kind),
                None | Some(Err(metastore::Error::NotFound(_))) => None,
                Some(Err(error)) => return Err(error),
            };
            let executable = before == Some(EntryKind::Executable);
            let put = Edit::Put { path: path.clone(), content: content.clone(), executable };
            Ok(Change { edits: vec![put], ..Change::default() })
        };
        let (change, known) = (reading(change), &known);
        let work = |snapshot: Arc<Snapshot>, head| {
            let change = change(snapshot.clone(), head);
            async move {
                if let Some(known) = known {
                    self.expect_known(grant, &snapshot, head, known).await?;
                }
                change.await
            }
        };
        self.revise(from_ref(grant), message, None, work).await.map_err(|refusal| refusal.error)
    }

    /// Creates an empty folder as a new revision.
    ///
    /// # Errors
    /// Conflict if the path exists; as for [`Datasets::commit_operations`].
    pub async fn add_folder(&self, grant: &Grant<Write>, message: CommitMeta) -> Result<ObjectId> {
        let path = grant
            .path()
            .cloned()
            .ok_or_else(|| Error::conflict("the root folder already exists; give the path of a new folder"))?;
        expect_shown(&path)?;
        let work = move |reader: &Reader, head: Option<ObjectId>| {
            if head.map_or(Ok(false), |head| exists(reader, head, &path))? {
                return Err(metastore::Error::Conflict(format!("{path} already exists; choose another name")));
            }
            Ok(Change { edits: vec![keep(&path)?], ..Change::default() })
        };
        self.edit(from_ref(grant), message, work).await?.made()
    }

    /// Moves or renames files and folders as one revision, each from one path to another, in this order, after everything
    /// that is replaced has been removed. Parent folders are kept even if they become empty; shares move along.
    ///
    /// # Errors
    /// Not found; conflict if a new path exists that is not to be replaced; invalid if one item is inside another; as for
    /// [`Datasets::commit_operations`].
    pub async fn move_entries(&self, items: &[MovedEntry<Write>], message: CommitMeta) -> Result<ObjectId> {
        let ways = items.iter().map(|item| Ok((path_of(&item.from)?, path_of(&item.to)?)));
        let ways: Vec<(FilePath, FilePath)> = ways.collect::<Result<_>>()?;
        let old: Vec<FilePath> = ways.iter().map(|(from, _)| from.clone()).collect();
        if let Some((inner, outer)) = nested(&old) {
            return Err(Error::invalid(format!("`{inner}` is inside `{outer}`; move only one of them")));
        }
        let replaced = replaced(items)?;
        let work = move |reader: &Reader, head: Option<ObjectId>| {
            let head = head.ok_or_else(|| metastore::Error::NotFound(format!("{} not found", old[0])))?;
            let cleared = clear(reader, head, &replaced)?;
            let moves = ways.iter().map(|(from, to)| Edit::Move { from: from.clone(), to: to.clone() });
            let left = keep_folders(reader, head, &old)?;
            // A target may be inside such a folder, which then is not empty.
            let filled: HashSet<&str> = ways.iter().flat_map(|(_, to)| folders_above(to)).collect();
            let is_empty = |edit: &Edit| {
                let mut folders = edit.paths().filter_map(|kept| folders_above(kept).next());
                !folders.any(|folder| filled.contains(folder))
            };
            let edits = cleared.into_iter().chain(moves).chain(left.into_iter().filter(is_empty)).collect();
            let trash = TrashChange { moved: ways.clone(), ..TrashChange::default() };
            Ok(Change { edits, trash, ..Change::default() })
        };
        let grants = by_root(items.iter().flat_map(|item| [&item.from, &item.to]));
        self.edit(&grants, message, work).await?.made()
    }

    /// Copies files and folders within a dataset as one revision.
    ///
    /// # Errors
    /// Not found; conflict if a new path exists that is not to be replaced; too large for too many files; as for
    /// [`Datasets::commit_operations`].
    pub async fn copy_entries(&self, items: &[MovedEntry<Read>], message: CommitMeta) -> Result<ObjectId> {
        let (mut old, mut new) = (Vec::with_capacity(items.len()), Vec::with_capacity(items.len()));
        for MovedEntry { from, to, .. } in items {
            let source = from
                .path()
                .cloned()
                .ok_or_else(|| Error::invalid("the root folder cannot be copied; choose a file or folder in it"))?;
            let target = path_of(to)?;
            expect_shown(&source)?;
            if target.is_inside(&source) {
                return Err(Error::invalid(format!("{source} cannot be copied into itself")));
            }
            old.push(source);
            new.push(target);
        }
        let replaced = replaced(items)?;
        let work = move |reader: &Reader, head: Option<ObjectId>| {
            let nothing = || metastore::Error::NotFound(format!("{} not found", old[0]));
            let head = head.ok_or_else(nothing)?;
            let mut edits = clear(reader, head, &replaced)?;
            let mut room = CopyBudget::WITHIN;
            for ((old, new), side) in old.iter().zip(&new).zip(reader.sides(head, &old)?) {
                let side = side.ok_or_else(|| nothing_at(old))?;
                // A graft rather than a copy edit: the target path is then the only one that the edit touches.
                edits.push(copy_side(reader, side, old, new, &mut room)?);
            }
            Ok(Change { edits, ..Change::default() })
        };
        self.edit(&by_root(items.iter().map(|item| &item.to)), message, work).await?.made()
    }

    /// Writes files copied from another dataset, as a new revision.
    ///
    /// # Errors
    /// Conflict if a path exists; as for [`Datasets::commit_operations`].
    pub(crate) async fn write_copied(
        &self,
        to: &[Grant<Write>],
        edits: Vec<Edit>,
        message: CommitMeta,
    ) -> Result<ObjectId> {
        let work = move |_: &Reader, _: Option<ObjectId>| Ok(Change { edits: edits.clone(), ..Change::default() });
        self.edit(&by_root(to), message, work).await?.made()
    }

    /// Restores the entry from an earlier revision, as a new revision.
    ///
    /// # Errors
    /// Not found if the revision does not exist or does not contain the path; as for [`Datasets::commit_operations`].
    pub async fn restore_path(
        &self,
        grant: &Grant<Write>,
        revision: &str,
        message: CommitMeta,
    ) -> Result<CommitOutcome> {
        let path = path_of(grant)?;
        let snapshot = self.snapshot_of(grant.id()).await?;
        let revision = self.resolve_visible(&grant.narrow(), &snapshot, revision).await?;
        let work = move |reader: &Reader, head: Option<ObjectId>| {
            let Entry { kind, id, .. } = reader.entry(revision, &path)?;
            let edits = match head {
                Some(head) => reader.bring_back(head, revision, Some(&path))?,
                None => vec![copy_side(reader, Side { kind, id }, &path, &path, &mut { CopyBudget::WITHIN })?],
            };
            Ok(Change { edits, ..Change::default() })
        };
        self.edit(from_ref(grant), message, work).await
    }

    async fn expect_known(
        &self,
        grant: &Grant<Write>,
        snapshot: &Arc<Snapshot>,
        head: Option<ObjectId>,
        known: &IfMatch,
    ) -> Result<()> {
        let named = ObjectId::from_hex(known.revision.as_bytes()).ok();
        if head.is_some() && head == named {
            return Ok(());
        }
        let changed = || {
            Error::precondition(format!(
                "`{}` was changed by someone else in the meantime; reload it and try again",
                known.path
            ))
        };
        let head = head.ok_or_else(changed)?;
        let located = Self::locate_in(grant.id(), Arc::clone(snapshot), head, known.path.clone()).await;
        let located = located.map_err(|error| if error.kind() == Kind::NotFound { changed() } else { error })?;
        let last = self.last_change(&located).await?;
        if last.is_some_and(|last| Some(last.id) == named) { Ok(()) } else { Err(changed()) }
    }
}

/// Returns the paths that may be replaced, each of them once.
///
/// # Errors
/// As for [`path_of`].
fn replaced<R: Right>(items: &[MovedEntry<R>]) -> Result<Vec<FilePath>> {
    let paths: BTreeSet<FilePath> =
        items.iter().filter(|item| item.replace).map(|item| path_of(&item.to)).collect::<Result<_>>()?;
    Ok(paths.into_iter().collect())
}

/// Returns the edits that delete those of these paths that exist.
fn clear(reader: &Reader, head: ObjectId, paths: &[FilePath]) -> metastore::Result<Vec<Edit>> {
    let there = paths.iter().zip(reader.sides(head, paths)?).filter(|(_, side)| side.is_some());
    Ok(there.map(|(path, _)| Edit::Delete { path: path.clone() }).collect())
}
