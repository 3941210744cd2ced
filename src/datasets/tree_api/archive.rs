//! The contents of a download archive.

use std::sync::Arc;

use metastore::{Entry, EntryKind, FilePath, ObjectId, Reader, Snapshot};

use crate::datasets::Datasets;
use crate::datasets::browse::ResolvedEntry;
use crate::error::{Error, Result};
use crate::types::Id;

/// Maximum total bytes of all paths in an archive. Several copies of them are held in memory while it is created.
const ARCHIVED: usize = 16 << 20;

impl Datasets {
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
        let seconds = first.snapshot.read(move |reader| Ok(reader.commit(revision)?.committer.seconds)).await?;
        let mut files = Vec::new();
        let mut room = ARCHIVED;
        for one in located {
            let entries = if one.entry.kind == EntryKind::Folder {
                files_in(&one.snapshot, revision, Some(one.entry.path.parse()?), most).await?
            } else {
                vec![one.entry.clone()]
            };
            room = names_fit(room, &entries)?;
            files.extend(entries.into_iter().map(|entry| first.beside(entry)));
            if files.len() > most {
                return Err(too_many(most));
            }
        }
        Ok((seconds, files))
    }

    /// Like [`Datasets::files_below`], for a whole revision. Access was checked when the revision was chosen.
    pub(crate) async fn files_of(&self, id: Id, revision: ObjectId, most: usize) -> Result<(i64, Vec<ResolvedEntry>)> {
        let snapshot = self.snapshot_of(id).await?;
        let seconds = snapshot.read(move |reader| Ok(reader.commit(revision)?.committer.seconds)).await?;
        let entries = files_in(&snapshot, revision, None, most).await?;
        names_fit(ARCHIVED, &entries)?;
        let located = entries.into_iter().map(|entry| ResolvedEntry::of(id, Arc::clone(&snapshot), revision, entry));
        Ok((seconds, located.collect()))
    }
}

/// Returns all files and links below a folder, or of the whole revision.
async fn files_in(
    snapshot: &Arc<Snapshot>,
    revision: ObjectId,
    folder: Option<FilePath>,
    most: usize,
) -> Result<Vec<Entry>> {
    let list = move |reader: &Reader| reader.tree_page(revision, folder.as_ref(), true, None, most + 1);
    let page = snapshot.read_long(list).await?;
    if page.entries.len() > most {
        return Err(too_many(most));
    }
    // A page with fewer entries than the limit but a next page was cut because its names are too long.
    if page.next.is_some() {
        return Err(too_long());
    }
    let is_file = |entry: &Entry| !matches!(entry.kind, EntryKind::Folder | EntryKind::Submodule);
    Ok(page.entries.into_iter().filter(is_file).collect())
}

/// Returns how many bytes are left for names in an archive.
fn names_fit(room: usize, entries: &[Entry]) -> Result<usize> {
    room.checked_sub(entries.iter().map(|entry| entry.path.len()).sum()).ok_or_else(too_long)
}

fn too_many(most: usize) -> Error {
    Error::too_large(format!(
        "an archive can contain at most {most} files and folders; select fewer of them, or clone the dataset with git"
    ))
}

fn too_long() -> Error {
    Error::too_large(format!(
        "the file names in an archive can have at most {ARCHIVED} bytes in total; select fewer files"
    ))
}
