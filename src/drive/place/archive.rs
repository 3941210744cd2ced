//! What an archive of files and folders has in it.

use std::sync::Arc;

use metastore::{Entry, EntryKind, FilePath, ObjectId, Reader, Snapshot};

use crate::drive::Drive;
use crate::drive::browse::Located;
use crate::error::{Error, Result};
use crate::types::Id;

/// Bytes of all paths in an archive. There are several copies of them while it is made.
const ARCHIVED: usize = 16 << 20;

impl Drive {
    /// All files and links that these are or hold, and when their revision was made, in seconds since the Unix epoch.
    ///
    /// # Errors
    /// Too large for more than `most`.
    pub(crate) async fn files_below(&self, located: &[Located], most: usize) -> Result<(i64, Vec<Located>)> {
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

    /// As [`Drive::files_below`], of a whole revision. Who asks has been let, when it was chosen.
    pub(crate) async fn files_of(&self, id: Id, revision: ObjectId, most: usize) -> Result<(i64, Vec<Located>)> {
        let snapshot = self.snapshot_of(id).await?;
        let seconds = snapshot.read(move |reader| Ok(reader.commit(revision)?.committer.seconds)).await?;
        let entries = files_in(&snapshot, revision, None, most).await?;
        names_fit(ARCHIVED, &entries)?;
        let located = entries.into_iter().map(|entry| Located::of(id, Arc::clone(&snapshot), revision, entry));
        Ok((seconds, located.collect()))
    }
}

/// All files and links below a folder, or of the whole revision.
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
    // A page that is not full ends where its names take too many bytes.
    if page.next.is_some() {
        return Err(too_long());
    }
    let is_file = |entry: &Entry| !matches!(entry.kind, EntryKind::Folder | EntryKind::Submodule);
    Ok(page.entries.into_iter().filter(is_file).collect())
}

/// How many bytes are left for more names in an archive.
fn names_fit(room: usize, entries: &[Entry]) -> Result<usize> {
    room.checked_sub(entries.iter().map(|entry| entry.path.len()).sum()).ok_or_else(too_long)
}

fn too_many(most: usize) -> Error {
    Error::too_large(format!("an archive has at most {most} files and folders; choose some of them"))
}

fn too_long() -> Error {
    Error::too_large(format!("the names of an archive have at most {ARCHIVED} bytes; choose some of the files"))
}
