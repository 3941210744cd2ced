//! Writing without a client: a set of changes becomes one commit in one new pack, all in memory.

use bytes::Bytes;
use gix::{ObjectId, objs::Kind};
use lfs::Pointer;
use serde_json::{Map, Value};

use crate::{
    EntryKind, Error, FilePath, Landing, NewPack, Reader, RefEdit, RefName, Result, Side, check_edits,
    pack::{self, Object},
    read::check_size,
};

mod draft;
mod follow;
mod rehearse;
mod tree;

use draft::Draft;
pub use follow::Followed;

/// 31 December 9999: later times break other people's date arithmetic.
const LAST_SECOND: i64 = 253_402_300_799;

/// Who did something, and when by their own clock.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    /// The name; not empty, without `<`, `>` and control characters.
    pub name: String,
    /// The address; may be empty, without `<`, `>` and control characters.
    pub email: String,
    /// Seconds since the Unix epoch, not negative.
    pub seconds: i64,
    /// Minutes east of UTC, less than a day.
    pub offset_minutes: i32,
}

/// What a file is to hold.
#[derive(Debug, Clone)]
pub enum Content {
    /// These bytes.
    Bytes(Bytes),
    /// The canonical text of this pointer.
    Pointer(Pointer),
    /// A blob that the repository has.
    Existing(ObjectId),
}

/// One step of a changeset; each sees what those before it did.
#[derive(Debug, Clone)]
pub enum Edit {
    /// Makes or replaces a file. A folder is never replaced by a file, nor a file by a folder.
    Put {
        /// Where.
        path: FilePath,
        /// What.
        content: Content,
        /// Whether the file carries the executable bit.
        executable: bool,
    },
    /// Puts what stood somewhere in history, a file or a link, in the place of whatever is there.
    Restore {
        /// Where.
        path: FilePath,
        /// What.
        side: Side,
    },
    /// Removes a file, or a folder with all it holds.
    Delete {
        /// Where.
        path: FilePath,
    },
    /// Renames a file or folder to a path that is free.
    Move {
        /// From where.
        from: FilePath,
        /// To where.
        to: FilePath,
    },
    /// Copies a file or folder to a path that is free.
    Copy {
        /// From where.
        from: FilePath,
        /// To where.
        to: FilePath,
    },
    /// Brings files from elsewhere to a path that is free: one file there, or several below it.
    Graft {
        /// To where.
        to: FilePath,
        /// What, with the paths that they get.
        files: Vec<Grafted>,
    },
    /// Puts fields in the place of those of the same names in the JSON object that a file holds.
    Merge {
        /// The file.
        path: FilePath,
        /// The fields.
        fields: Map<String, Value>,
    },
}

/// A file, or a link, that comes from elsewhere.
#[derive(Debug, Clone)]
pub struct Grafted {
    /// Where it goes.
    pub path: FilePath,
    /// What it is; neither a folder nor a submodule.
    pub kind: EntryKind,
    /// What it holds; of a link, where it leads.
    pub content: Content,
}

/// Why a changeset cannot be.
#[derive(Debug)]
pub struct Flaw {
    /// The edit that is wrong, by its place in the changeset; `None` if it is none of them alone.
    pub edit: Option<usize>,
    /// What is wrong.
    pub error: Error,
}

impl<E: Into<Error>> From<E> for Flaw {
    fn from(error: E) -> Self {
        Self { edit: None, error: error.into() }
    }
}

impl Edit {
    /// The paths that it changes: of a folder, the files in it too.
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

/// What one commit is to change.
#[derive(Debug, Clone)]
pub struct Changeset {
    /// The branch that gets the commit; it is made if it does not exist.
    pub branch: RefName,
    /// What the branch must hold now: `Some(None)` for nothing yet, `None` for no matter what.
    pub parent: Option<Option<ObjectId>>,
    /// The changes, in order.
    pub edits: Vec<Edit>,
    /// The message; not empty, without NUL.
    pub message: String,
    /// Who made the change.
    pub author: Person,
    /// Who makes the commit.
    pub committer: Person,
}

impl Reader {
    /// Makes the commit that `changes` describe, and the landing that publishes it.
    ///
    /// [`Error::Conflict`] if the branch is not at the expected parent or the edits contradict the
    /// tree, [`Error::NotFound`] for a path or blob that is not there, [`Error::Unchanged`] if the tree
    /// stays as it is, [`Error::Invalid`] and [`Error::Refused`] for what must not be written.
    pub fn commit_changes(&self, changes: &Changeset) -> Result<(ObjectId, Landing)> {
        self.commit_edits(changes).map_err(|flaw| flaw.error)
    }

    /// Like [`Reader::commit_changes`]; says which edit is wrong.
    pub fn commit_edits(&self, changes: &Changeset) -> Result<(ObjectId, Landing), Flaw> {
        if !changes.branch.is_branch() || changes.branch.is_reserved() {
            return Err(Error::Invalid(format!("{} is not a branch", changes.branch)).into());
        }
        let head = self.state().find(&changes.branch).map(|branch| branch.target);
        if changes.parent.is_some_and(|expected| expected != head) {
            return Err(Error::Conflict(format!("{} has moved meanwhile; fetch first", changes.branch.short())).into());
        }
        let edit = RefEdit { name: changes.branch.clone(), old: head, new: None, peeled: None };
        let parent_tree = head.map(|head| Ok::<_, Error>(self.commit(head)?.tree)).transpose()?;
        let (tree, objects) = Draft::of(self, parent_tree, &changes.edits)?.end()?;
        if parent_tree.unwrap_or_else(|| ObjectId::empty_tree(gix::hash::Kind::Sha1)) == tree {
            return Err(Error::Unchanged.into());
        }
        let commit = gix::objs::Commit {
            tree,
            parents: head.into_iter().collect(),
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
        Ok((id, self.landing(&packed, vec![RefEdit { new: Some(id), ..edit }])?))
    }

    /// Makes a commit of what a branch holds that has no past, and the landing that puts it in the branch's place.
    /// [`Error::NotFound`] if there is no such branch.
    pub fn squash(&self, branch: &RefName, text: &str, person: &Person) -> Result<(ObjectId, Landing)> {
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
        Ok((id, self.landing(&[commit], vec![edit])?))
    }

    /// Makes an annotated tag of `target`, and the landing that publishes it as `name`, which must
    /// not exist yet.
    pub fn tag(&self, name: &RefName, target: ObjectId, text: &str, tagger: &Person) -> Result<(ObjectId, Landing)> {
        let (tag, edit) = self.annotate(name, target, text, tagger)?;
        let id = tag.id;
        Ok((id, self.landing(&[tag], vec![edit])?))
    }

    /// Puts an annotated tag in the place of another, in one landing: under the same name or a new one, of the same
    /// target. [`Error::NotFound`] if there is no tag `old`, [`Error::Conflict`] if another one has the new name.
    pub fn retag(&self, old: &RefName, name: &RefName, text: &str, tagger: &Person) -> Result<(ObjectId, Landing)> {
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
        Ok((id, self.landing(&[tag], edits)?))
    }

    /// The landing that changes refs alone. [`Error::Conflict`] if the edits cannot be.
    pub fn move_refs(&self, edits: Vec<RefEdit>) -> Result<Landing> {
        check_edits(&self.state().refs, &edits)?;
        Ok(Landing { generation: self.state().generation, epoch: self.state().epoch, pack: None, edits })
    }

    fn annotate(&self, name: &RefName, target: ObjectId, text: &str, tagger: &Person) -> Result<(Object, RefEdit)> {
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

    /// The pointers that `changes` put somewhere, each with the place of its edit: the objects must be there.
    pub fn pointers_in(&self, changes: &Changeset) -> Result<Vec<(usize, Pointer)>> {
        let mut found = Vec::new();
        for (index, edit) in changes.edits.iter().enumerate() {
            match edit {
                Edit::Put { content, .. } => found.extend(self.pointer_of(content)?.map(|pointer| (index, pointer))),
                Edit::Restore { side: Side { id, .. }, .. } => {
                    found.extend(self.pointer(*id)?.map(|pointer| (index, pointer)));
                }
                Edit::Graft { files, .. } => {
                    for Grafted { content, .. } in files {
                        found.extend(self.pointer_of(content)?.map(|pointer| (index, pointer)));
                    }
                }
                // JSON is no pointer.
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

    fn landing(&self, objects: &[Object], edits: Vec<RefEdit>) -> Result<Landing> {
        check_edits(&self.state().refs, &edits)?;
        let (id, bytes) = pack::encode(objects)?;
        let pack = NewPack::in_memory(id, objects.len() as u64, bytes);
        Ok(Landing { generation: self.state().generation, epoch: self.state().epoch, pack: Some(pack), edits })
    }
}

fn serialise(kind: Kind, object: &dyn gix::objs::WriteTo) -> Result<Object> {
    let mut data = Vec::new();
    object.write_to(&mut data)?;
    let id = pack::hash_object(kind, &data)?;
    check_size(id, kind, data.len() as u64)?;
    Ok(Object { id, kind, data })
}

fn signature(person: &Person) -> Result<gix::actor::Signature> {
    let unsafe_letter = |letter: char| matches!(letter, '<' | '>') || letter.is_control();
    for (what, text) in [("name", &person.name), ("email address", &person.email)] {
        if text.contains(unsafe_letter) || text.trim() != text {
            return Err(Error::Invalid(format!("{text:?} is not usable as {what}")));
        }
    }
    if person.name.is_empty() {
        return Err(Error::Invalid("a person needs a name".to_owned()));
    }
    if !(0..=LAST_SECOND).contains(&person.seconds) || !(-1439..=1439).contains(&person.offset_minutes) {
        return Err(Error::Invalid("the time is out of range".to_owned()));
    }
    Ok(gix::actor::Signature {
        name: person.name.as_str().into(),
        email: person.email.as_str().into(),
        time: gix::date::Time::new(person.seconds, person.offset_minutes * 60),
    })
}

/// The message as `git commit` would store it: no blank ends, one newline at its end.
fn message(text: &str) -> Result<String> {
    let trimmed = text.trim_matches('\n').trim_end();
    if trimmed.is_empty() || trimmed.contains('\0') {
        return Err(Error::Invalid("a message must not be empty or hold NUL".to_owned()));
    }
    Ok(format!("{trimmed}\n"))
}
