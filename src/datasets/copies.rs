//! Copies of files and folders: within a dataset, where they add no bytes, and from another one.

use lfs::Pointer;
use metastore::{Content, CopiedTree, Edit, EditError, Entry, EntryKind, FilePath, Reader, Side};

use super::Datasets;
use super::commits::{CommitError, nothing_at};
use super::revisions::head;
use crate::access::{DatasetGrant, Fetch, Grant, Read};
use crate::error::{Error, Result};

/// The remaining copy budget of a request.
#[derive(Debug, Clone, Copy)]
pub struct CopyBudget {
    /// Number of files.
    pub files: usize,
    /// Bytes copied into the repository.
    pub bytes: u64,
    /// Bytes of the new paths: all of them are in memory, and each repeats the path of its folder.
    paths: usize,
}

impl CopyBudget {
    /// For a request that copies within a dataset, which adds no bytes: as many files as one listing. A folder of few
    /// bytes can name the same subfolder again and again, and a request can name the same folder many times.
    pub(super) const WITHIN: Self = Self::new(500_000, 0);

    pub(crate) const fn new(files: usize, bytes: u64) -> Self {
        Self { files, bytes, paths: 64 << 20 }
    }
}

/// Files read from a path of another dataset.
#[derive(Debug)]
pub struct CopiedFiles {
    /// The edit that writes them to the target path.
    pub edit: Edit,
    /// The LFS objects that the files point to.
    pub pointers: Vec<Pointer>,
}

impl Datasets {
    /// Creates the edits that copy paths, in some revision of this dataset, to other paths (from, to). Copies no bytes.
    ///
    /// # Errors
    /// Not found if the revision or a path does not exist; too large if they exceed the copy budget; invalid for an
    /// entry that cannot be written here, such as a submodule. The error has the index of the path.
    pub async fn copy_within(
        &self,
        grant: &DatasetGrant<Read>,
        revision: &str,
        ways: Vec<(FilePath, FilePath)>,
        room: &mut CopyBudget,
    ) -> Result<Vec<Edit>, CommitError> {
        let copied = self.copy_from_revision(grant, Some(revision), ways, room, false).await?;
        Ok(copied.into_iter().map(|copied| copied.edit).collect())
    }

    /// Reads the paths of grants for another dataset, to be copied to paths of this one. Its pointers refer to objects
    /// that this dataset has to hold before the edits can be committed. Without `revision`, reads the newest one.
    ///
    /// # Errors
    /// As for [`Datasets::copy_within`].
    pub async fn copy_files(
        &self,
        from: &[Grant<Fetch>],
        revision: Option<&str>,
        to: Vec<FilePath>,
        room: &mut CopyBudget,
    ) -> Result<Vec<CopiedFiles>, CommitError> {
        let Some(source) = from.first() else { return Ok(Vec::new()) };
        let whole = || Error::invalid("a whole dataset cannot be copied; choose a file or folder in it");
        let from = from.iter().map(|grant| grant.path().cloned().ok_or_else(whole)).collect::<Result<Vec<_>>>()?;
        let ways = from.into_iter().zip(to).collect();
        self.copy_from_revision(&source.narrow(), revision, ways, room, true).await
    }

    async fn copy_from_revision(
        &self,
        source: &Grant<Read>,
        revision: Option<&str>,
        ways: Vec<(FilePath, FilePath)>,
        room: &mut CopyBudget,
        is_foreign: bool,
    ) -> Result<Vec<CopiedFiles>, CommitError> {
        let snapshot = self.snapshot_of(source.id()).await?;
        let (from, to): (Vec<FilePath>, Vec<FilePath>) = ways.into_iter().unzip();
        let revision = match revision {
            Some(revision) => self.resolve_visible_at(source, &snapshot, revision, from.clone()).await?,
            None => head(&snapshot).ok_or_else(|| Error::not_found("the dataset has no revisions yet"))?,
        };
        let before = *room;
        let work = move |reader: &Reader| {
            let sides = reader.sides(revision, &from)?;
            let (mut found, mut left) = (Vec::with_capacity(from.len()), before);
            for (index, ((from, to), side)) in from.iter().zip(&to).zip(sides).enumerate() {
                let collected = side.ok_or_else(|| nothing_at(from));
                match collected.and_then(|side| collect_side(reader, side, from, to, &mut left, is_foreign)) {
                    Ok(copied) => found.push(copied),
                    Err(error) => return Ok(Err(EditError { edit: Some(index), error })),
                }
            }
            Ok(Ok((found, left)))
        };
        let done = snapshot.read_long(work).await?;
        let (found, left) =
            done.map_err(|EditError { edit, error }| CommitError { operation: edit, error: error.into() })?;
        *room = left;
        Ok(found)
    }
}

/// Collects all files of what is at a path under their new paths, and charges the copy budget.
fn collect_side(
    reader: &Reader,
    source: Side,
    from: &FilePath,
    to: &FilePath,
    room: &mut CopyBudget,
    is_foreign: bool,
) -> metastore::Result<CopiedFiles> {
    let entries = match source.kind {
        EntryKind::Folder => reader.tree(source.id, None, true)?,
        _ => vec![reader.entry_of("", source)?],
    };
    let too_many = || {
        metastore::Error::TooLarge(format!(
            "{from} has more files than one request can copy; copy its folders one by one"
        ))
    };
    let too_much = || {
        metastore::Error::TooLarge(format!(
            "{from} has more bytes or longer paths than one request can copy; copy its folders one by one"
        ))
    };
    room.files = room.files.checked_sub(entries.len()).ok_or_else(too_many)?;
    let mut pointers = Vec::new();
    let mut files = Vec::with_capacity(entries.len());
    for Entry { path, kind, id, size, pointer } in entries {
        // The replacement character stands for bytes that are not valid UTF-8: the copy would have another name.
        let Some(size) = size.filter(|_| !path.contains('\u{fffd}')) else {
            let slash = if path.is_empty() { "" } else { "/" };
            return Err(metastore::Error::Invalid(format!(
                "{from}{slash}{path} cannot be copied here; copy it with git"
            )));
        };
        let path = if path.is_empty() { to.clone() } else { format!("{to}/{path}").parse()? };
        room.paths = room.paths.checked_sub(path.as_str().len()).ok_or_else(too_much)?;
        let content = if is_foreign {
            room.bytes = room.bytes.checked_sub(size).ok_or_else(too_much)?;
            pointers.extend(pointer);
            Content::Bytes(reader.blob(id, size)?)
        } else {
            Content::Existing(id)
        };
        files.push(CopiedTree { path, kind, content });
    }
    Ok(CopiedFiles { edit: Edit::Graft { to: to.clone(), files }, pointers })
}

/// Returns the edit that copies what is at a path to another path, which must be free.
pub(super) fn copy_side(
    reader: &Reader,
    side: Side,
    from: &FilePath,
    to: &FilePath,
    room: &mut CopyBudget,
) -> metastore::Result<Edit> {
    collect_side(reader, side, from, to, room, false).map(|copied| copied.edit)
}
