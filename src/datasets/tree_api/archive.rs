//! The contents of a download archive.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use metastore::{Entry, EntryKind, FilePath, ObjectId, Reader};

use super::folders_above;
use crate::access::{Grant, Read};
use crate::datasets::Datasets;
use crate::datasets::browse::ResolvedEntry;
use crate::datasets::commits::nothing_at;
use crate::datasets::revisions::head;
use crate::error::{Error, Result};
use crate::types::Id;

/// Maximum total bytes of all paths in an archive. Several copies of them are held in memory while it is created.
const ARCHIVED: usize = 16 << 20;

impl Datasets {
    /// Resolves a revision, and checks that it has these paths. If there are more than `few`, all directly in one folder, also
    /// returns their numbers among its entries, in git's order.
    ///
    /// # Errors
    /// Not found if a path does not exist, or the actor does not see the revision.
    pub(crate) async fn locate_numbers(
        &self,
        grant: &Grant<Read>,
        revision: Option<&str>,
        paths: Vec<FilePath>,
        few: usize,
    ) -> Result<(ObjectId, Option<Vec<usize>>)> {
        let snapshot = self.snapshot_of(grant.id()).await?;
        let revision = match revision {
            Some(revision) => self.resolve_visible_at(grant, &snapshot, revision, paths.clone()).await?,
            None => head(&snapshot).ok_or_else(|| Error::not_found("the dataset has no revisions yet"))?,
        };
        let found = snapshot.read(move |reader| {
            let sides = reader.sides(revision, &paths)?;
            if let Some((path, _)) = paths.iter().zip(sides).find(|(_, side)| side.is_none()) {
                return Err(nothing_at(path));
            }
            let folders: HashSet<Option<&str>> = paths.iter().map(|path| folders_above(path).next()).collect();
            let folder = match folders.iter().next() {
                Some(folder) if paths.len() > few && folders.len() == 1 => *folder,
                _ => return Ok(None),
            };
            let names = names_in(reader, revision, folder)?;
            let numbers: HashMap<&str, usize> =
                names.iter().enumerate().map(|(number, path)| (path.as_str(), number)).collect();
            Ok(paths.iter().map(|path| numbers.get(path.as_str()).copied()).collect::<Option<Vec<usize>>>())
        });
        Ok((revision, found.await?))
    }

    /// Returns all entries of a folder of a revision, in git's order. Access was checked when the revision was chosen.
    pub(crate) async fn entries_of(
        &self,
        id: Id,
        revision: ObjectId,
        folder: Option<FilePath>,
    ) -> Result<Vec<ResolvedEntry>> {
        let snapshot = self.snapshot_of(id).await?;
        let entries =
            snapshot.read_long(move |reader| reader.tree(revision, folder.as_ref(), false)).await?.into_iter();
        Ok(entries.map(|entry| ResolvedEntry::of(id, Arc::clone(&snapshot), revision, entry)).collect())
    }

    /// Returns all files and links that these entries are or contain, and the commit time of their revision in seconds
    /// since the Unix epoch.
    ///
    /// # Errors
    /// Too large for more than `most` entries.
    pub(crate) async fn files_below(
        &self,
        located: &[ResolvedEntry],
        most: usize,
    ) -> Result<(i64, Vec<ResolvedEntry>)> {
        let Some(first) = located.first() else { return Ok((0, Vec::new())) };
        let revision = first.revision;
        let entries: Vec<Entry> = located.iter().map(|one| one.entry.clone()).collect();
        let work = move |reader: &Reader| {
            let mut files = Vec::new();
            let mut room = ARCHIVED;
            for entry in &entries {
                let found = if entry.kind == EntryKind::Folder {
                    files_in(reader, entry.id, &format!("{}/", entry.path), most)?
                } else {
                    vec![entry.clone()]
                };
                room = names_fit(room, &found)?;
                files.extend(found);
                if files.len() > most {
                    return Err(too_many(most));
                }
            }
            Ok((reader.commit(revision)?.committer.seconds, files))
        };
        let (seconds, files) = first.snapshot.read_long(work).await?;
        Ok((seconds, files.into_iter().map(|entry| first.beside(entry)).collect()))
    }

    /// Like [`Datasets::files_below`], for a whole revision. Access was checked when the revision was chosen.
    pub(crate) async fn files_of(&self, id: Id, revision: ObjectId, most: usize) -> Result<(i64, Vec<ResolvedEntry>)> {
        let snapshot = self.snapshot_of(id).await?;
        let work = move |reader: &Reader| {
            let files = files_in(reader, revision, "", most)?;
            names_fit(ARCHIVED, &files)?;
            Ok((reader.commit(revision)?.committer.seconds, files))
        };
        let (seconds, files) = snapshot.read_long(work).await?;
        let located = files.into_iter().map(|entry| ResolvedEntry::of(id, Arc::clone(&snapshot), revision, entry));
        Ok((seconds, located.collect()))
    }
}

/// Returns the path of each entry of a folder, in git's order.
fn names_in(reader: &Reader, revision: ObjectId, folder: Option<&str>) -> metastore::Result<Vec<String>> {
    let folder: Option<FilePath> = folder.map(str::parse).transpose()?;
    let start = folder.as_ref().map_or(0, |folder| folder.as_str().len() + 1);
    let mut names = Vec::new();
    // All entries of a folder come before those of its subfolders.
    reader.visit(revision, folder.as_ref(), &mut |path, _, _| {
        let is_direct = path.get(start..).is_some_and(|name| !name.contains('/'));
        if is_direct {
            names.push(path.to_owned());
        }
        is_direct
    })?;
    Ok(names)
}

/// Returns all files and links in a commit or tree, with their paths after a prefix.
fn files_in(reader: &Reader, revision: ObjectId, prefix: &str, most: usize) -> metastore::Result<Vec<Entry>> {
    let page = reader.tree_page(revision, None, true, None, most + 1)?;
    if page.entries.len() > most {
        return Err(too_many(most));
    }
    // A page with fewer entries than the limit but a next page was cut because its names are too long.
    if page.next.is_some() {
        return Err(too_long());
    }
    let is_file = |entry: &Entry| !matches!(entry.kind, EntryKind::Folder | EntryKind::Submodule);
    let placed = |entry: Entry| Entry { path: format!("{prefix}{}", entry.path), ..entry };
    Ok(page.entries.into_iter().filter(is_file).map(placed).collect())
}

/// Returns how many bytes are left for names in an archive.
fn names_fit(room: usize, entries: &[Entry]) -> metastore::Result<usize> {
    room.checked_sub(entries.iter().map(|entry| entry.path.len()).sum()).ok_or_else(too_long)
}

fn too_many(most: usize) -> metastore::Error {
    metastore::Error::TooLarge(format!(
        "an archive can contain at most {most} files and folders; select fewer of them, or clone the dataset with git"
    ))
}

fn too_long() -> metastore::Error {
    metastore::Error::TooLarge(format!(
        "the file names in an archive can have at most {ARCHIVED} bytes in total; select fewer files"
    ))
}
