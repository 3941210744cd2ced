//! The trash: files and folders deleted in the browser, until they are restored or the trash is emptied. A row records
//! the original path and the revision that contains the item; the files stay in the history, which only grows.

use std::collections::{HashMap, HashSet};

use metastore::{Edit, EntryKind, FilePath, ObjectId, Reader, Side};

use super::commits::{exists, nothing_at};
use super::copies::{CopyBudget, copy_side};
use super::revisions::{Change, CommitMeta};
use super::tree_api::{folders_above, keep_folders, outermost};
use super::{Datasets, object_id};
use crate::access::{Grant, History, Read, Right, Write};
use crate::db::trash::TrashRow;
use crate::error::{Error, Result};
use crate::types::Id;

/// Number of rows read at a time when looking for those that a grant allows.
const ROWS: i64 = 1000;

/// A restored item.
#[derive(Debug, Clone)]
pub struct Restored {
    /// Original path.
    pub from: FilePath,
    /// Path after the restore.
    pub to: FilePath,
}

impl Datasets {
    /// Deletes files and folders in one revision and moves them to the trash. Parent folders are kept even if they
    /// become empty. Shares of the deleted items end.
    ///
    /// # Errors
    /// Not found if a path does not exist; as for [`Datasets::commit_operations`].
    pub async fn move_to_trash(
        &self,
        grants: &[Grant<Write>],
        paths: Vec<FilePath>,
        message: CommitMeta,
    ) -> Result<ObjectId> {
        // Items inside a deleted folder are deleted with it.
        let paths = outermost(paths);
        let first = paths.first().cloned().ok_or_else(|| Error::invalid("at least one file or folder is required"))?;
        let now = self.clock.now();
        let by = grants.first().map(|grant| grant.actor().name()).unwrap_or_default();
        let ids: Vec<String> = paths.iter().map(|_| self.clock.id().to_string()).collect();
        let work = move |reader: &Reader, head: Option<ObjectId>| {
            let head = head.ok_or_else(|| metastore::Error::NotFound(format!("{first} not found")))?;
            let mut change = Change::default();
            for ((path, id), side) in paths.iter().zip(&ids).zip(reader.sides(head, &paths)?) {
                let side = side.ok_or_else(|| nothing_at(path))?;
                let entry = reader.entry_of(path.as_str(), side)?;
                let bytes = entry.pointer.as_ref().map(|pointer| pointer.size).or(entry.size);
                let kind = if entry.kind == EntryKind::Folder { "folder" } else { "file" };
                change.edits.push(Edit::Delete { path: path.clone() });
                change.trash.added.push(TrashRow {
                    id: id.clone(),
                    path: path.to_string(),
                    kind: kind.to_owned(),
                    size: bytes.map(crate::db::signed),
                    revision: head.to_string(),
                    deleted_at: now,
                    deleted_by: by.clone(),
                });
            }
            change.edits.extend(keep_folders(reader, head, &paths)?);
            Ok(change)
        };
        self.edit(grants, message, work).await?.made()
    }

    /// Returns a page of the trash, as far as the grants allow, newest first, and the cursor of the next page.
    pub async fn trash(
        &self,
        grants: &[Grant<Read>],
        cursor: Option<&str>,
        limit: usize,
    ) -> Result<(Vec<TrashRow>, Option<String>)> {
        let Some(id) = grants.first().map(Grant::id) else { return Ok((Vec::new(), None)) };
        let (mut found, mut cursor) = (Vec::new(), cursor.unwrap_or_default().to_owned());
        let mut tx = self.db.read().await?;
        loop {
            let rows = tx.trash(id, &cursor, ROWS).await?;
            let is_end = rows.len() < usize::try_from(ROWS).unwrap_or(usize::MAX);
            for row in rows {
                cursor.clone_from(&row.id);
                if is_in(grants, &row) {
                    if found.len() == limit {
                        let next = found.last().map(|row: &TrashRow| row.id.clone());
                        return Ok((found, next));
                    }
                    found.push(row);
                }
            }
            if is_end {
                return Ok((found, None));
            }
        }
    }

    /// Returns the number of items in the trash of a dataset.
    pub(crate) async fn trash_count(&self, id: Id) -> Result<u64> {
        Ok(crate::db::unsigned(self.db.read().await?.trash_count(id).await?))
    }

    /// Restores items to their original paths, or into the folder `to`, in one revision. If a path exists, the item
    /// gets another name.
    ///
    /// # Errors
    /// Not found for items that are not in the trash, or no longer in the history; too large for too many files; as for
    /// [`Datasets::commit_operations`].
    pub async fn restore_from_trash(
        &self,
        grants: &[Grant<Write>],
        ids: &[String],
        to: Option<Option<FilePath>>,
        message: CommitMeta,
    ) -> Result<(ObjectId, Vec<Restored>)> {
        let Some(id) = grants.first().map(Grant::id) else { return Err(gone()) };
        let mut seen = HashSet::with_capacity(ids.len());
        let ids: Vec<&str> = ids.iter().map(String::as_str).filter(|id| seen.insert(*id)).collect();
        let mut tx = self.db.read().await?;
        let found = tx.trash_rows(id, &ids).await?.into_iter();
        drop(tx);
        let mut known: HashMap<String, TrashRow> = found.map(|row| (row.id.clone(), row)).collect();
        let mut rows = Vec::with_capacity(ids.len());
        for id in ids {
            let row = known.remove(id).filter(|row| is_in(grants, row)).ok_or_else(gone)?;
            rows.push((row.id, row.path.parse::<FilePath>()?, object_id(&row.revision)?));
        }
        let (sender, found) = std::sync::mpsc::channel();
        let work = move |reader: &Reader, head: Option<ObjectId>| {
            let mut change = Change::default();
            let target = |from: &FilePath| -> metastore::Result<FilePath> {
                match &to {
                    None => Ok(from.clone()),
                    Some(None) => from.name().parse(),
                    Some(Some(folder)) => format!("{folder}/{}", from.name()).parse(),
                }
            };
            let targets: Vec<FilePath> =
                rows.iter().map(|(_, from, _)| target(from)).collect::<metastore::Result<_>>()?;
            let sides = sides_of(reader, &rows)?;
            let mut names = Names::of(reader, head, &targets, |tree: Option<ObjectId>, path: &FilePath| {
                tree.or(head).map_or(Ok(false), |revision| exists(reader, revision, path))
            })?;
            let mut restored: Vec<Restored> = Vec::with_capacity(rows.len());
            let mut room = CopyBudget::WITHIN;
            for (((id, from, _), side), target) in rows.iter().zip(sides).zip(&targets) {
                let side = side.ok_or_else(|| {
                    metastore::Error::NotFound(format!("{from} is no longer in the history and cannot be restored"))
                })?;
                let to = names.free(target, side)?;
                change.edits.push(copy_side(reader, side, from, &to, &mut room)?);
                change.trash.removed.push(id.clone());
                restored.push(Restored { from: from.clone(), to });
            }
            // The closure may run several times; the last result counts.
            let _ = sender.send(restored);
            Ok(change)
        };
        let revision = self.edit(grants, message, work).await?.made()?;
        Ok((revision, found.try_iter().last().unwrap_or_default()))
    }

    /// Removes items from the trash, as far as the grants allow; with `id`, only that item. The files stay in the history.
    ///
    /// # Errors
    /// Not found if there is no item `id`.
    pub async fn empty_trash(&self, grants: &[Grant<Write>], id: Option<&str>) -> Result<()> {
        let Some(repo) = grants.first().map(Grant::id) else { return Ok(()) };
        let mut tx = self.db.write().await?;
        if let Some(id) = id {
            tx.trash_rows(repo, &[id]).await?.pop().filter(|row| is_in(grants, row)).ok_or_else(gone)?;
            tx.delete_trash(repo, &[id]).await?;
            return tx.commit().await;
        }
        let mut cursor = String::new();
        loop {
            let rows = tx.trash(repo, &cursor, ROWS).await?;
            let Some(last) = rows.last() else { return tx.commit().await };
            cursor.clone_from(&last.id);
            let ids: Vec<&str> = rows.iter().filter(|row| is_in(grants, row)).map(|row| row.id.as_str()).collect();
            tx.delete_trash(repo, &ids).await?;
        }
    }
}

fn gone() -> Error {
    Error::not_found("item not found in the trash, or you do not have access to it")
}

/// Returns true if one of the grants allows the item's path, and it was not deleted before the share link was created.
fn is_in<R: Right>(grants: &[Grant<R>], row: &TrashRow) -> bool {
    let is_seen = |grant: &Grant<R>| match grant.history() {
        History::Since(_, made) => row.deleted_at >= made,
        History::Whole | History::Branch => true,
    };
    let allows = |grant: &Grant<R>| grant.allows_all() || row.path.parse().is_ok_and(|path| grant.allows(&path));
    grants.iter().any(|grant| is_seen(grant) && allows(grant))
}

/// Returns what is at the path of each row in its revision, if that still exists.
fn sides_of(reader: &Reader, rows: &[(String, FilePath, ObjectId)]) -> metastore::Result<Vec<Option<Side>>> {
    let mut by_revision: HashMap<ObjectId, Vec<usize>> = HashMap::new();
    for (index, (_, _, revision)) in rows.iter().enumerate() {
        by_revision.entry(*revision).or_default().push(index);
    }
    let mut found = vec![None; rows.len()];
    for (revision, indices) in by_revision {
        let paths: Vec<FilePath> = indices.iter().map(|index| rows[*index].1.clone()).collect();
        match reader.sides(revision, &paths) {
            Ok(sides) => indices.into_iter().zip(sides).for_each(|(index, side)| found[index] = side),
            Err(metastore::Error::NotFound(_)) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(found)
}

/// The names that items get when they are restored.
struct Names<E> {
    /// Wanted paths that exist.
    there: HashSet<FilePath>,
    /// What was restored before, by its path.
    restored: HashMap<String, Side>,
    /// The number to try next, by wanted path.
    next: HashMap<FilePath, u32>,
    /// Returns true if a path exists in a tree, or at the head of the branch for `None`.
    exists: E,
}

impl<E: Fn(Option<ObjectId>, &FilePath) -> metastore::Result<bool>> Names<E> {
    /// Creates the names for items that are wanted at these paths.
    fn of(reader: &Reader, head: Option<ObjectId>, wanted: &[FilePath], exists: E) -> metastore::Result<Self> {
        let sides = head.map_or(Ok(Vec::new()), |head| reader.sides(head, wanted))?;
        let there = wanted.iter().zip(sides).filter(|(_, side)| side.is_some()).map(|(path, _)| path.clone()).collect();
        Ok(Self { there, restored: HashMap::new(), next: HashMap::new(), exists })
    }

    /// Returns the path for an item, or a free one next to it: `a (restored).csv`, `a (restored 2).csv`.
    fn free(&mut self, wanted: &FilePath, side: Side) -> metastore::Result<FilePath> {
        let mut number = self.next.get(wanted).copied().unwrap_or_default();
        loop {
            let path = numbered(wanted, number)?;
            let is_there = if number == 0 { self.there.contains(&path) } else { (self.exists)(None, &path)? };
            number += 1;
            if !is_there && !self.is_restored(&path)? {
                self.next.insert(wanted.clone(), number);
                self.restored.insert(path.to_string(), side);
                return Ok(path);
            }
        }
    }

    /// Returns true if something was restored to the path, or a folder around it that contains it.
    fn is_restored(&self, path: &FilePath) -> metastore::Result<bool> {
        for folder in folders_above(path) {
            if let Some(Side { kind: EntryKind::Folder, id }) = self.restored.get(folder)
                && (self.exists)(Some(*id), &path.as_str()[folder.len() + 1..].parse()?)?
            {
                return Ok(true);
            }
        }
        Ok(self.restored.contains_key(path.as_str()))
    }
}

/// Returns a path with a number before its extension; 0 for the path itself.
fn numbered(path: &FilePath, number: u32) -> metastore::Result<FilePath> {
    let word = match number {
        0 => return Ok(path.clone()),
        1 => "restored".to_owned(),
        _ => format!("restored {number}"),
    };
    let (folder, name) = path.as_str().rsplit_once('/').map_or(("", path.as_str()), |(folder, name)| (folder, name));
    let (stem, extension) = match name.rsplit_once('.') {
        Some((stem, extension)) if !stem.is_empty() => (stem, format!(".{extension}")),
        _ => (name, String::new()),
    };
    let slash = if folder.is_empty() { "" } else { "/" };
    format!("{folder}{slash}{stem} ({word}){extension}").parse()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_taken_name_gets_a_suffix_before_its_extension() {
        let [folder, file] =
            [EntryKind::Folder, EntryKind::File].map(|kind| Side { kind, id: ObjectId::from_bytes_or_panic(&[1; 20]) });
        // The folder has a file `b`.
        let free = |paths: &[&str], taken: &[&str]| {
            let there: HashSet<FilePath> = taken.iter().map(|path| path.parse().unwrap()).collect();
            let exists = |tree: Option<ObjectId>, path: &FilePath| match tree {
                Some(_) => Ok(path.as_str() == "b"),
                None => Ok(there.contains(path)),
            };
            let (restored, next) = (HashMap::new(), HashMap::new());
            let mut names = Names { there: there.clone(), restored, next, exists };
            let side = |path: &str| if path == "a" { folder } else { file };
            let free = paths.iter().map(|path| names.free(&path.parse().unwrap(), side(path)).unwrap().to_string());
            free.collect::<Vec<_>>()
        };
        assert_eq!(free(&["a/b.csv"], &[]), ["a/b.csv"]);
        assert_eq!(free(&["a/b.csv"], &["a/b.csv"]), ["a/b (restored).csv"]);
        assert_eq!(free(&["b.csv"], &["b.csv", "b (restored).csv"]), ["b (restored 2).csv"]);
        assert_eq!(free(&["a/.env"], &["a/.env"]), ["a/.env (restored)"]);
        let twice = ["x", "x", "x", "a", "a/b", "a/c", "a/c"];
        let named = ["x", "x (restored)", "x (restored 2)", "a", "a/b (restored)", "a/c", "a/c (restored)"];
        assert_eq!(free(&twice, &[]), named);
    }
}
