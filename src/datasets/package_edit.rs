//! Revisions that add what the server computed: metadata in `datapackage.json`, together with files. The text of the package
//! stays as its author wrote it, apart from what changes.

use std::slice::from_ref;
use std::sync::{Arc, Mutex, PoisonError};

use datapackage::PACKAGE;
use lfs::Pointer;
use metastore::{Content, Edit, EntryKind, FilePath, ObjectId, Reader, RefName, Snapshot};
use serde_json::{Map, Value};

use super::commits::CommitOutcome;
use super::idempotency::IdempotencyKey;
use super::package::{MAX_PACKAGE_BYTES, Package, parse, place, put};
use super::revisions::{Change, CommitMeta};
use super::{Datasets, content_tag};
use crate::access::{DatasetGrant, Write};
use crate::error::{Error, Result};

/// What an edit is based on, and how it is made.
#[derive(Debug, Clone, Default)]
pub(crate) struct PackageEditOptions {
    /// Files with the tags of the content that they must have.
    pub(crate) unchanged: Vec<(FilePath, String)>,
    /// A file to write.
    pub(crate) file: Option<NewFile>,
    /// Makes the revision at most once.
    pub(crate) once: Option<IdempotencyKey>,
    /// True to check the change without making it.
    pub(crate) dry_run: bool,
}

/// A file to write.
#[derive(Debug, Clone)]
pub(crate) struct NewFile {
    pub(crate) path: FilePath,
    pub(crate) pointer: Pointer,
    /// True if the file may exist.
    pub(crate) overwrite: bool,
}

/// What is at a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum AtPath {
    /// Nothing, and a file can be written.
    Nothing,
    /// A file, with the id of its entry.
    File(ObjectId),
    /// A folder, or something else that no file can replace.
    Other,
    /// Nothing, since this is a file.
    Below(FilePath),
}

impl AtPath {
    /// Checks that a file can be written.
    ///
    /// # Errors
    /// Conflict.
    pub(crate) fn expect_free(&self, path: &FilePath, overwrite: bool) -> Result<()> {
        Err(Error::conflict(match self {
            Self::Nothing => return Ok(()),
            Self::File(_) if overwrite => return Ok(()),
            Self::File(_) => format!("{path} exists already; choose another name, or overwrite it"),
            Self::Other => format!("{path} is a folder; choose another file name"),
            Self::Below(file) => format!("{file} is a file, not a folder; choose another path"),
        }))
    }
}

/// What was read at the head of the branch.
struct Read {
    text: Option<String>,
    changed: Option<FilePath>,
    at_path: AtPath,
}

impl Datasets {
    /// Returns a branch, by default the default one, and its newest revision; `None` for a dataset without revisions.
    ///
    /// # Errors
    /// Not found for a branch that does not exist.
    pub(crate) async fn branch_head(
        &self,
        grant: &DatasetGrant<Write>,
        branch: Option<RefName>,
    ) -> Result<(RefName, Option<ObjectId>)> {
        let snapshot = self.snapshot_of(grant.id()).await?;
        let state = snapshot.state();
        let branch = branch.unwrap_or_else(|| state.head.clone());
        let head = state.find(&branch).map(|found| found.target);
        if head.is_none() && branch != state.head {
            return Err(Error::not_found(format!("branch `{}` not found", branch.short())));
        }
        Ok((branch, head))
    }

    /// Returns what is at a path of a revision.
    ///
    /// # Errors
    /// Not found if the revision does not exist.
    pub(crate) async fn at_path(
        &self,
        grant: &DatasetGrant<Write>,
        revision: ObjectId,
        path: &FilePath,
    ) -> Result<AtPath> {
        let path = path.clone();
        Ok(self.snapshot_of(grant.id()).await?.read(move |reader| at_path(reader, revision, &path)).await?)
    }

    /// Creates a revision with the package that `new` makes of the one at the head of the branch, `None` if there is none,
    /// and with a file. `new` is called again after a lost race with another writer; the result is that of its last call. If
    /// nothing changes, no revision is created.
    ///
    /// # Errors
    /// Precondition failed if a file has changed; conflict if the new one exists already; invalid if the package is not a
    /// JSON object, or becomes invalid; as for [`Datasets::commit_operations`]; those of `new`.
    pub(crate) async fn edit_package<T: Send>(
        &self,
        grant: &DatasetGrant<Write>,
        meta: CommitMeta,
        options: &PackageEditOptions,
        new: impl Fn(Option<&Package>) -> Result<(Package, T)> + Sync,
    ) -> Result<(CommitOutcome, Option<T>)> {
        let (new, made) = (&new, &Mutex::new(None));
        let work = |snapshot: Arc<Snapshot>, head: Option<ObjectId>| async move {
            let asked = options.clone();
            let Read { text, changed, at_path } = snapshot.read(move |reader| read(reader, head, &asked)).await?;
            if let Some(path) = changed {
                return Err(Error::precondition(format!("{path} was changed in the meantime; try again")));
            }
            let before =
                text.as_ref().map(|text| parse(text.as_bytes()).map_err(|why| unreadable(&why))).transpose()?;
            let (package, value) = new(before.as_ref())?;
            *made.lock().unwrap_or_else(PoisonError::into_inner) = Some(value);
            let mut edits = Vec::new();
            if let Some(NewFile { path, pointer, overwrite }) = &options.file {
                at_path.expect_free(path, *overwrite)?;
                let content = Content::Pointer(pointer.clone());
                edits.push(Edit::Put { path: path.clone(), content, executable: false });
            }
            if before.as_ref() != Some(&package) {
                edits.push(put_over(text.as_deref(), package)?);
            }
            Ok(Change { edits, ..Change::default() })
        };
        let outcome = if options.dry_run {
            let planned = self.plan(from_ref(&**grant), &meta, &work).await;
            CommitOutcome::Unchanged(planned.map_err(|refusal| refusal.error)?.head)
        } else {
            let done = self.revise(from_ref(&**grant), meta, options.once.as_ref(), work).await;
            done.map_err(|refusal| refusal.error)?
        };
        let value = made.lock().unwrap_or_else(PoisonError::into_inner).take();
        Ok((outcome, value))
    }
}

/// Returns the resources of a package, to be changed.
///
/// # Errors
/// Invalid if they are not a list.
pub(crate) fn resources_mut(package: &mut Package) -> Result<&mut Vec<Value>> {
    let resources = package.entry("resources").or_insert_with(|| Value::Array(Vec::new()));
    if resources.is_null() {
        *resources = Value::Array(Vec::new());
    }
    resources
        .as_array_mut()
        .ok_or_else(|| Error::invalid(format!("the property `resources` of {PACKAGE} is not a list; correct it first")))
}

/// Returns the package of a dataset that has none.
pub(crate) fn new_package(name: &str) -> Package {
    Map::from_iter([
        ("$schema".to_owned(), Value::from("https://datapackage.org/profiles/2.0/datapackage.json")),
        ("name".to_owned(), Value::from(name)),
        ("resources".to_owned(), Value::Array(Vec::new())),
    ])
}

fn read(reader: &Reader, head: Option<ObjectId>, options: &PackageEditOptions) -> metastore::Result<Read> {
    let PackageEditOptions { unchanged, file, .. } = options;
    let Some(head) = head else {
        let changed = unchanged.first().map(|(path, _)| path.clone());
        return Ok(Read { text: None, changed, at_path: AtPath::Nothing });
    };
    let mut changed = None;
    for (path, tag) in unchanged {
        let is_same = match reader.entry(head, path) {
            Ok(entry) => content_tag(&entry) == *tag,
            Err(metastore::Error::NotFound(_)) => false,
            Err(error) => return Err(error),
        };
        if !is_same {
            changed = Some(path.clone());
            break;
        }
    }
    let text = match reader.entry(head, &place()) {
        Ok(entry) if entry.size.is_some() => Some(reader.blob(entry.id, MAX_PACKAGE_BYTES)?),
        Ok(_) | Err(metastore::Error::NotFound(_)) => None,
        Err(error) => return Err(error),
    };
    let invalid = |_| metastore::Error::Invalid(format!("{PACKAGE} is not UTF-8 text; correct it first"));
    let text = text.map(|text| String::from_utf8(text.to_vec()).map_err(invalid)).transpose()?;
    let at_path = file.as_ref().map_or(Ok(AtPath::Nothing), |file| at_path(reader, head, &file.path))?;
    Ok(Read { text, changed, at_path })
}

fn at_path(reader: &Reader, revision: ObjectId, path: &FilePath) -> metastore::Result<AtPath> {
    let kind = |path: &FilePath| match reader.entry(revision, path) {
        Ok(entry) => Ok(Some((entry.kind, entry.id))),
        Err(metastore::Error::NotFound(_)) => Ok(None),
        Err(error) => Err(error),
    };
    match kind(path)? {
        Some((EntryKind::File | EntryKind::Executable, id)) => return Ok(AtPath::File(id)),
        Some(_) => return Ok(AtPath::Other),
        None => {}
    }
    for (end, _) in path.as_str().match_indices('/') {
        let folder: FilePath = path.as_str()[..end].parse()?;
        match kind(&folder)? {
            Some((EntryKind::Folder, _)) => {}
            Some(_) => return Ok(AtPath::Below(folder)),
            None => break,
        }
    }
    Ok(AtPath::Nothing)
}

/// Returns the edit that writes a package, of which `before` is the old text.
fn put_over(before: Option<&str>, package: Package) -> Result<Edit> {
    let Some(before) = before else { return put(&package) };
    let text = datapackage::rewrite(before, &Value::Object(package));
    Ok(Edit::Put { path: place(), content: Content::Bytes(text.into()), executable: false })
}

fn unreadable(why: &str) -> Error {
    Error::invalid(format!("{PACKAGE} is not a JSON object: {why}; correct it first"))
}
