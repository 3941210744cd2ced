//! The trash: files and folders deleted in the browser, until they are restored or the trash is emptied. A row records
//! the original path and the revision that contains the item; the files stay in the history, which only grows.

use metastore::{Edit, FilePath, ObjectId, Reader};

use super::commits::{copy_tree, exists};
use super::revisions::{Change, CommitMeta};
use super::tree_api::keep_folders;
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
        let mut paths = paths;
        paths.sort();
        let first = paths.first().cloned().ok_or_else(|| Error::invalid("at least one file or folder is required"))?;
        paths.dedup();
        // Items inside a deleted folder are deleted with it.
        let inner: Vec<bool> = paths.iter().map(|path| paths.iter().any(|other| path.is_inside(other))).collect();
        let mut inner = inner.into_iter();
        paths.retain(|_| !inner.next().unwrap_or_default());
        let now = self.clock.now();
        let by = grants.first().map(|grant| grant.actor().name()).unwrap_or_default();
        let ids: Vec<String> = paths.iter().map(|_| self.clock.id().to_string()).collect();
        let work = move |reader: &Reader, head: Option<ObjectId>| {
            let head = head.ok_or_else(|| metastore::Error::NotFound(format!("{first} not found")))?;
            let mut change = Change::default();
            for (path, id) in paths.iter().zip(&ids) {
                let entry = reader.entry(head, path)?;
                let size = entry.pointer.as_ref().map(|pointer| pointer.size).or(entry.size);
                let kind = if entry.kind == metastore::EntryKind::Folder { "folder" } else { "file" };
                change.edits.push(Edit::Delete { path: path.clone() });
                change.trash.added.push(TrashRow {
                    id: id.clone(),
                    path: path.to_string(),
                    kind: kind.to_owned(),
                    size: size.map(crate::db::signed),
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
    /// Not found for items that are not in the trash, or no longer in the history; as for
    /// [`Datasets::commit_operations`].
    pub async fn restore_from_trash(
        &self,
        grants: &[Grant<Write>],
        ids: &[String],
        to: Option<Option<FilePath>>,
        message: CommitMeta,
    ) -> Result<(ObjectId, Vec<Restored>)> {
        let Some(id) = grants.first().map(Grant::id) else { return Err(gone()) };
        let mut rows = Vec::with_capacity(ids.len());
        let mut tx = self.db.read().await?;
        for wanted in ids {
            let row = tx.trash_row(id, wanted).await?.filter(|row| is_in(grants, row)).ok_or_else(gone)?;
            if !rows.iter().any(|(known, ..): &(String, FilePath, ObjectId)| known == wanted) {
                rows.push((row.id, row.path.parse::<FilePath>()?, object_id(&row.revision)?));
            }
        }
        drop(tx);
        let (sender, found) = std::sync::mpsc::channel();
        let work = move |reader: &Reader, head: Option<ObjectId>| {
            let mut change = Change::default();
            let mut restored: Vec<Restored> = Vec::new();
            for (id, from, revision) in &rows {
                let target: FilePath = match &to {
                    None => from.clone(),
                    Some(None) => from.name().parse()?,
                    Some(Some(folder)) => format!("{folder}/{}", from.name()).parse()?,
                };
                let is_taken = |path: &FilePath| {
                    if restored.iter().any(|other| other.to == *path || path.is_inside(&other.to)) {
                        return Ok(true);
                    }
                    head.map_or(Ok(false), |head| exists(reader, head, path))
                };
                let to = free_name(&target, is_taken)?;
                let graft = copy_tree(reader, *revision, from, &to).map_err(|error| match error {
                    metastore::Error::NotFound(_) => {
                        metastore::Error::NotFound(format!("{from} is no longer in the history and cannot be restored"))
                    }
                    error => error,
                })?;
                change.edits.push(graft);
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
            tx.trash_row(repo, id).await?.filter(|row| is_in(grants, row)).ok_or_else(gone)?;
            tx.delete_trash(repo, id).await?;
            return tx.commit().await;
        }
        let mut cursor = String::new();
        loop {
            let rows = tx.trash(repo, &cursor, ROWS).await?;
            let Some(last) = rows.last() else { return tx.commit().await };
            cursor.clone_from(&last.id);
            for row in rows.iter().filter(|row| is_in(grants, row)) {
                tx.delete_trash(repo, &row.id).await?;
            }
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

/// Returns the path, or a free one next to it: `a (restored).csv`, `a (restored 2).csv`.
fn free_name(path: &FilePath, is_taken: impl Fn(&FilePath) -> metastore::Result<bool>) -> metastore::Result<FilePath> {
    if !is_taken(path)? {
        return Ok(path.clone());
    }
    let (folder, name) = path.as_str().rsplit_once('/').map_or(("", path.as_str()), |(folder, name)| (folder, name));
    let (stem, extension) = match name.rsplit_once('.') {
        Some((stem, extension)) if !stem.is_empty() => (stem, format!(".{extension}")),
        _ => (name, String::new()),
    };
    for number in 1.. {
        let word = if number == 1 { "restored".to_owned() } else { format!("restored {number}") };
        let slash = if folder.is_empty() { "" } else { "/" };
        let candidate: FilePath = format!("{folder}{slash}{stem} ({word}){extension}").parse()?;
        if !is_taken(&candidate)? {
            return Ok(candidate);
        }
    }
    Ok(path.clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_taken_name_gets_a_suffix_before_its_extension() {
        let free = |path: &str, taken: &[&str]| {
            free_name(&path.parse().unwrap(), |path| Ok(taken.contains(&path.as_str()))).unwrap().to_string()
        };
        assert_eq!(free("a/b.csv", &[]), "a/b.csv");
        assert_eq!(free("a/b.csv", &["a/b.csv"]), "a/b (restored).csv");
        assert_eq!(free("b.csv", &["b.csv", "b (restored).csv"]), "b (restored 2).csv");
        assert_eq!(free("a/.env", &["a/.env"]), "a/.env (restored)");
    }
}
