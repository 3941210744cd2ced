//! Commits made by the server: turns a changeset into one commit in one new pack, entirely in memory.

use bytes::Bytes;
use gix::{ObjectId, objs::Kind};
use lfs::Pointer;
use serde_json::{Map, Value};

use crate::{
    EntryKind, Error, FilePath, NewPack, Reader, RefEdit, RefName, RefTransaction, Result, Side, Signature,
    check_edits,
    pack::{self, Object},
    read::check_size,
};

mod dry_run;
mod managed_files;
mod tree;
mod tree_builder;

pub(crate) use managed_files::merge_attributes;
pub use managed_files::{LFS_CONFIG, ManagedEdits, ManagedFiles, Manifest, MergeManifest};
use tree::Objects;
pub(crate) use tree_builder::TreeBuilder;

/// 31 December 9999. Later timestamps break date arithmetic in other tools.
const LAST_SECOND: i64 = 253_402_300_799;

/// The new content of a file.
#[derive(Debug, Clone)]
pub enum Content {
    /// These bytes.
    Bytes(Bytes),
    /// The canonical text of this LFS pointer.
    Pointer(Pointer),
    /// A blob that the repository already has.
    Existing(ObjectId),
}

/// One edit of a changeset. Edits apply in order; each sees the result of those before it.
#[derive(Debug, Clone)]
pub enum Edit {
    /// Creates or replaces a file. Never replaces a folder with a file, or a file with a folder.
    Put {
        /// Path of the file.
        path: FilePath,
        /// The new content.
        content: Content,
        /// True if the file has the executable bit.
        executable: bool,
    },
    /// Restores a file or symbolic link from history, replacing whatever is at the path.
    Restore {
        /// The path to restore to.
        path: FilePath,
        /// The mode and blob to restore.
        side: Side,
    },
    /// Deletes a file, or a folder with everything in it.
    Delete {
        /// The path to delete.
        path: FilePath,
    },
    /// Renames a file or folder to a path that does not exist yet.
    Move {
        /// The old path.
        from: FilePath,
        /// The new path.
        to: FilePath,
    },
    /// Copies a file or folder to a path that does not exist yet.
    Copy {
        /// The source path.
        from: FilePath,
        /// The target path.
        to: FilePath,
    },
    /// Adds files from another source at a path that does not exist yet: a single file there, or several below it.
    Graft {
        /// The target path.
        to: FilePath,
        /// The files, with their full target paths.
        files: Vec<CopiedTree>,
    },
    /// Replaces members of the JSON object that a file holds.
    Merge {
        /// Path of the JSON file.
        path: FilePath,
        /// The members to set.
        fields: Map<String, Value>,
    },
}

/// A file or symbolic link from another source.
#[derive(Debug, Clone)]
pub struct CopiedTree {
    /// The target path.
    pub path: FilePath,
    /// The kind of the entry; neither a folder nor a submodule.
    pub kind: EntryKind,
    /// The content; for a symbolic link, its target.
    pub content: Content,
}

/// The reason why a changeset cannot be applied.
#[derive(Debug)]
pub struct EditError {
    /// Index of the invalid edit in the changeset; `None` if the error is not caused by a single edit.
    pub edit: Option<usize>,
    /// The error.
    pub error: Error,
}

impl<E: Into<Error>> From<E> for EditError {
    fn from(error: E) -> Self {
        Self { edit: None, error: error.into() }
    }
}

impl Edit {
    /// Returns the paths that the edit changes. For a folder, these include the files in it.
    pub fn paths(&self) -> impl Iterator<Item = &FilePath> {
        let (first, second) = match self {
            Self::Put { path, .. } | Self::Restore { path, .. } | Self::Delete { path } | Self::Merge { path, .. } => {
                (path, None)
            }
            Self::Move { from, to } => (from, Some(to)),
            Self::Copy { to, .. } | Self::Graft { to, .. } => (to, None),
        };
        std::iter::once(first).chain(second)
    }
}

/// The content of one commit.
#[derive(Debug, Clone)]
pub struct Changeset {
    /// The branch to commit to; created if it does not exist.
    pub branch: RefName,
    /// The expected current head of the branch: `Some(None)` if it must not exist, `None` to skip the check.
    pub parent: Option<Option<ObjectId>>,
    /// The edits, in order.
    pub edits: Vec<Edit>,
    /// The second parent, if this is a merge. A merge is made even if the tree stays the same.
    pub merged: Option<ObjectId>,
    /// The commit message; not empty, without NUL.
    pub message: String,
    /// The author of the change.
    pub author: Signature,
    /// The committer.
    pub committer: Signature,
}

impl Reader {
    /// Creates the commit that `changes` describe, and the landing that publishes it.
    ///
    /// # Errors
    ///
    /// [`Error::Conflict`] if the branch is not at the expected parent or the edits contradict the tree,
    /// [`Error::NotFound`] for a path or blob that does not exist, [`Error::Unchanged`] if the tree stays the
    /// same, [`Error::Invalid`] and [`Error::Refused`] for content that cannot be committed.
    pub fn commit_edits(&self, changes: &Changeset) -> Result<(ObjectId, RefTransaction), EditError> {
        if !changes.branch.is_branch() || changes.branch.is_reserved() {
            return Err(Error::Invalid(format!("{} is not a branch", changes.branch)).into());
        }
        let (head, tree, objects) = self.build_tree(changes)?;
        let edit = RefEdit { name: changes.branch.clone(), old: head, new: None, peeled: None };
        let commit = gix::objs::Commit {
            tree,
            parents: head.into_iter().chain(changes.merged).collect(),
            author: signature(&changes.author)?,
            committer: signature(&changes.committer)?,
            encoding: None,
            message: message(&changes.message)?.into(),
            extra_headers: Vec::new(),
        };
        let commit = serialise(Kind::Commit, &commit)?;
        let id = commit.id;
        let mut packed = vec![commit];
        packed.extend(objects.into_reachable(tree)?);
        Ok((id, self.transaction(&packed, vec![RefEdit { new: Some(id), ..edit }])?))
    }

    /// Builds the tree that `changes` describe. Returns the head of the branch, the tree and its new objects.
    fn build_tree(&self, changes: &Changeset) -> Result<(Option<ObjectId>, ObjectId, Objects<'_>), EditError> {
        let head = self.state().find(&changes.branch).map(|branch| branch.target);
        if changes.parent.is_some_and(|expected| expected != head) {
            let branch = changes.branch.short();
            return Err(Error::Conflict(format!("{branch} was updated in the meantime; fetch first")).into());
        }
        let before = head.map(|head| Ok::<_, Error>(self.commit(head)?.tree)).transpose()?;
        let (tree, objects) = TreeBuilder::of(self, before, &changes.edits)?.end()?;
        let is_unchanged = before.unwrap_or_else(|| ObjectId::empty_tree(gix::hash::Kind::Sha1)) == tree;
        if is_unchanged && changes.merged.is_none() {
            return Err(Error::Unchanged.into());
        }
        Ok((head, tree, objects))
    }

    /// Creates a root commit with the tree of a branch, and the landing that resets the branch to it.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`] if the branch does not exist.
    pub fn squash(&self, branch: &RefName, text: &str, person: &Signature) -> Result<(ObjectId, RefTransaction)> {
        let found = self.find_ref(branch).filter(|found| found.name.is_branch());
        let old = found.ok_or_else(|| Error::NotFound(format!("there is no branch {:?}", branch.short())))?.target;
        let commit = gix::objs::Commit {
            tree: self.commit(old)?.tree,
            parents: Vec::new().into(),
            author: signature(person)?,
            committer: signature(person)?,
            encoding: None,
            message: message(text)?.into(),
            extra_headers: Vec::new(),
        };
        let commit = serialise(Kind::Commit, &commit)?;
        let id = commit.id;
        let edit = RefEdit { name: branch.clone(), old: Some(old), new: Some(id), peeled: None };
        Ok((id, self.transaction(&[commit], vec![edit])?))
    }

    /// Creates an annotated tag of `target`, and the landing that publishes it as `name`, which must not exist yet.
    pub fn tag(
        &self,
        name: &RefName,
        target: ObjectId,
        text: &str,
        tagger: &Signature,
    ) -> Result<(ObjectId, RefTransaction)> {
        let (tag, edit) = self.annotate(name, target, text, tagger)?;
        let id = tag.id;
        Ok((id, self.transaction(&[tag], vec![edit])?))
    }

    /// Replaces an annotated tag in one landing: under the same name or a new one, with the same target.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`] if the tag `old` does not exist, [`Error::Conflict`] if another tag has the new name.
    pub fn retag(
        &self,
        old: &RefName,
        name: &RefName,
        text: &str,
        tagger: &Signature,
    ) -> Result<(ObjectId, RefTransaction)> {
        let found = self.find_ref(old).filter(|found| found.name.is_tag());
        let found = found.ok_or_else(|| Error::NotFound(format!("there is no tag {:?}", old.short())))?;
        let annotated = self.kind(found.target)? == Some(Kind::Tag);
        let target = if annotated { self.annotation(found.target)?.target } else { found.target };
        let (tag, mut edit) = self.annotate(name, target, text, tagger)?;
        let id = tag.id;
        let mut edits = Vec::new();
        if old == name {
            edit.old = Some(found.target);
        } else {
            edits.push(RefEdit { name: old.clone(), old: Some(found.target), new: None, peeled: None });
        }
        edits.push(edit);
        Ok((id, self.transaction(&[tag], edits)?))
    }

    /// Creates a landing that only updates refs.
    ///
    /// # Errors
    ///
    /// [`Error::Conflict`] if the edits cannot be applied.
    pub fn move_refs(&self, edits: Vec<RefEdit>) -> Result<RefTransaction> {
        check_edits(&self.state().refs, &edits)?;
        Ok(RefTransaction { generation: self.state().generation, epoch: self.state().epoch, pack: None, edits })
    }

    fn annotate(&self, name: &RefName, target: ObjectId, text: &str, tagger: &Signature) -> Result<(Object, RefEdit)> {
        if !name.is_tag() {
            return Err(Error::Invalid(format!("{name} is not a tag name")));
        }
        let header = self.repository.try_find_header(target)?;
        let header = header.ok_or_else(|| Error::NotFound(format!("there is no object {target}")))?;
        let tag = gix::objs::Tag {
            target,
            target_kind: header.kind(),
            name: name.short().into(),
            tagger: Some(signature(tagger)?),
            message: message(text)?.into(),
            signature: None,
        };
        let tag = serialise(Kind::Tag, &tag)?;
        let peeled = self.peeled(target)?.or(Some(target));
        let edit = RefEdit { name: name.clone(), old: None, new: Some(tag.id), peeled };
        Ok((tag, edit))
    }

    /// Returns the pointers that `changes` add, each with the index of its edit. Their LFS objects must exist.
    pub fn pointers_in(&self, changes: &Changeset) -> Result<Vec<(usize, Pointer)>> {
        let mut found = Vec::new();
        for (index, edit) in changes.edits.iter().enumerate() {
            match edit {
                Edit::Put { content, .. } => found.extend(self.pointer_of(content)?.map(|pointer| (index, pointer))),
                Edit::Restore { side: Side { id, .. }, .. } => {
                    found.extend(self.pointer(*id)?.map(|pointer| (index, pointer)));
                }
                Edit::Graft { files, .. } => {
                    for CopiedTree { content, .. } in files {
                        found.extend(self.pointer_of(content)?.map(|pointer| (index, pointer)));
                    }
                }
                // A merged JSON file is never a pointer file.
                Edit::Delete { .. } | Edit::Move { .. } | Edit::Copy { .. } | Edit::Merge { .. } => {}
            }
        }
        Ok(found)
    }

    fn pointer_of(&self, content: &Content) -> Result<Option<Pointer>> {
        match content {
            Content::Pointer(pointer) => Ok(Some(pointer.clone())),
            Content::Bytes(bytes) => Ok(Pointer::parse(bytes).ok()),
            Content::Existing(id) => self.pointer(*id),
        }
    }

    fn transaction(&self, objects: &[Object], edits: Vec<RefEdit>) -> Result<RefTransaction> {
        check_edits(&self.state().refs, &edits)?;
        let (id, bytes) = pack::encode(objects)?;
        let pack = NewPack::in_memory(id, objects.len() as u64, bytes);
        Ok(RefTransaction { generation: self.state().generation, epoch: self.state().epoch, pack: Some(pack), edits })
    }
}

fn serialise(kind: Kind, object: &dyn gix::objs::WriteTo) -> Result<Object> {
    let mut data = Vec::new();
    object.write_to(&mut data)?;
    let id = pack::hash_object(kind, &data)?;
    check_size(id, kind, data.len() as u64)?;
    Ok(Object { id, kind, data })
}

fn signature(person: &Signature) -> Result<gix::actor::Signature> {
    let is_unsafe = |c: char| matches!(c, '<' | '>') || c.is_control();
    for (what, text) in [("name", &person.name), ("email address", &person.email)] {
        if text.contains(is_unsafe) || text.trim() != text {
            return Err(Error::Invalid(format!("{text:?} is not a valid {what}")));
        }
    }
    if person.name.is_empty() {
        return Err(Error::Invalid("the author or committer name is empty".to_owned()));
    }
    if !(0..=LAST_SECOND).contains(&person.seconds) || !(-1439..=1439).contains(&person.offset_minutes) {
        return Err(Error::Invalid("the author or committer time is out of range".to_owned()));
    }
    Ok(gix::actor::Signature {
        name: person.name.as_str().into(),
        email: person.email.as_str().into(),
        time: gix::date::Time::new(person.seconds, person.offset_minutes * 60),
    })
}

/// Normalises the message as `git commit` does: trimmed, with one newline at the end.
fn message(text: &str) -> Result<String> {
    let trimmed = text.trim_matches('\n').trim_end();
    if trimmed.is_empty() || trimmed.contains('\0') {
        return Err(Error::Invalid("the message must not be empty or contain NUL".to_owned()));
    }
    Ok(format!("{trimmed}\n"))
}
