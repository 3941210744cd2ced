//! The tree of a changeset while its edits are applied.

use std::collections::HashMap;

use bytes::Bytes;
use gix::{ObjectId, objs::Kind};
use lfs::Pointer;
use serde_json::{Map, Value};

use super::tree::{Folder, Leaf, Node, Objects};
use super::{CopiedTree, Edit, EditError};
use crate::{EntryKind, Error, FilePath, Reader, Result, Side};

/// A tree with the edits applied so far.
pub(crate) struct TreeBuilder<'r> {
    root: Folder,
    objects: Objects<'r>,
    /// For each file and folder examined so far: true if it is, or contains, a pointer file.
    pointed: HashMap<ObjectId, bool>,
}

impl<'r> TreeBuilder<'r> {
    /// Applies `edits` to a tree in order; each sees the result of those before it.
    pub(crate) fn of(reader: &'r Reader, tree: Option<ObjectId>, edits: &[Edit]) -> Result<Self, EditError> {
        let root = tree.map_or_else(Folder::default, Folder::stored);
        let mut draft = Self { root, objects: Objects::new(&reader.repository), pointed: HashMap::new() };
        for (index, edit) in edits.iter().enumerate() {
            draft.apply(edit).map_err(|error| EditError { edit: Some(index), error })?;
        }
        Ok(draft)
    }

    /// Returns the resulting tree and the objects created for it.
    pub(super) fn end(mut self) -> Result<(ObjectId, Objects<'r>)> {
        Ok((self.root.write(&mut self.objects)?, self.objects))
    }

    /// Returns the kind and object of the entry at `path`.
    pub(crate) fn side(&mut self, path: &FilePath) -> Result<Option<Side>> {
        self.root.find(&self.objects, path)?.map(|node| node.side(&mut self.objects)).transpose()
    }

    /// Returns the content of the file at a path; `None` if there is no file.
    pub(super) fn file(&mut self, path: &FilePath) -> Result<Option<Bytes>> {
        match self.side(path)? {
            Some(side @ Side { kind: EntryKind::File | EntryKind::Executable, .. }) => self.text(side).map(Some),
            Some(_) | None => Ok(None),
        }
    }

    /// Returns the content of a file.
    pub(super) fn text(&self, side: Side) -> Result<Bytes> {
        self.objects.text(side.id)
    }

    /// Returns the size of a file in bytes, and the pointer if it is a pointer file.
    pub(super) fn content(&self, side: Side) -> Result<(u64, Option<Pointer>)> {
        if !matches!(side.kind, EntryKind::File | EntryKind::Executable) {
            return Ok((0, None));
        }
        let bytes = self.objects.size(side.id)?;
        let may_be_one = bytes > 0 && bytes < Pointer::MAX_LEN as u64;
        let pointer = if may_be_one { Pointer::parse(&self.objects.text(side.id)?).ok() } else { None };
        Ok((bytes, pointer))
    }

    /// Calls `tell` for each pointer file at a path or below it.
    pub(super) fn pointers(&mut self, path: &FilePath, tell: &mut dyn FnMut(FilePath) -> Result<()>) -> Result<()> {
        match self.side(path)? {
            None => Ok(()),
            Some(side) => self.pointers_in(side, path.as_str(), tell).map(drop),
        }
    }

    /// The same folder can occur many times in a tree, so its result is remembered: a folder without pointer
    /// files is not walked again.
    fn pointers_in(&mut self, side: Side, path: &str, tell: &mut dyn FnMut(FilePath) -> Result<()>) -> Result<bool> {
        if !matches!(side.kind, EntryKind::Folder | EntryKind::File | EntryKind::Executable) {
            return Ok(false);
        }
        if side.kind != EntryKind::Folder {
            let is_pointer = match self.pointed.get(&side.id) {
                Some(known) => *known,
                None => self.content(side)?.1.is_some(),
            };
            self.pointed.insert(side.id, is_pointer);
            // A path that is not valid UTF-8 cannot be a [`FilePath`].
            if is_pointer && let Ok(path) = path.parse() {
                tell(path)?;
            }
            return Ok(is_pointer);
        }
        if self.pointed.get(&side.id) == Some(&false) {
            return Ok(false);
        }
        let mut found = false;
        for (name, side) in self.objects.sides(side.id)? {
            found |= self.pointers_in(side, &format!("{path}/{name}"), tell)?;
        }
        self.pointed.insert(side.id, found);
        Ok(found)
    }

    fn apply(&mut self, edit: &Edit) -> Result<()> {
        let (root, objects) = (&mut self.root, &mut self.objects);
        match edit {
            Edit::Put { path, content, executable } => {
                if let Some(Node::Folder(_)) = root.find(objects, path)? {
                    return Err(Error::Conflict(format!("{path} is a folder")));
                }
                let id = objects.content(content)?;
                plant(root, objects, path, Leaf::file(id, *executable))
            }
            Edit::Restore { path, side } => {
                let leaf = Leaf::of(*side);
                if side.kind != EntryKind::Submodule {
                    objects.existing_blob(side.id)?;
                }
                root.remove(objects, path)?;
                plant(root, objects, path, leaf)
            }
            Edit::Delete { path } => root.remove(objects, path)?.map(drop).ok_or_else(|| missing(path)),
            Edit::Move { from, to } => {
                if to == from || to.is_inside(from) {
                    return Err(Error::Invalid(format!("{from} cannot be moved to {to}")));
                }
                let mut node = root.remove(objects, from)?.ok_or_else(|| missing(from))?;
                let node = node.freeze(objects)?;
                place(root, objects, to, node)
            }
            Edit::Copy { from, to } => {
                let node = root.find(objects, from)?.ok_or_else(|| missing(from))?.freeze(objects)?;
                place(root, objects, to, node)
            }
            Edit::Graft { to, files } => {
                if root.find(objects, to)?.is_some() {
                    return Err(Error::Conflict(format!("{to} already exists")));
                }
                for CopiedTree { path, kind, content } in files {
                    if path != to && !path.is_inside(to) || matches!(kind, EntryKind::Folder | EntryKind::Submodule) {
                        return Err(Error::Invalid(format!("{path} cannot be copied to {to}")));
                    }
                    let id = objects.content(content)?;
                    plant(root, objects, path, Leaf::of(Side { kind: *kind, id }))?;
                }
                Ok(())
            }
            Edit::Merge { path, fields } => {
                let leaf = match root.find(objects, path)? {
                    Some(Node::Leaf(leaf)) if leaf.side().kind != EntryKind::Submodule => leaf.clone(),
                    Some(_) | None => return Err(missing(path)),
                };
                let parsed: Result<Map<String, Value>, _> = serde_json::from_slice(&objects.text(leaf.side().id)?);
                let mut object =
                    parsed.map_err(|error| Error::Conflict(format!("{path} is not a JSON object: {error}")))?;
                object.extend(fields.clone());
                let text = serde_json::to_vec_pretty(&object);
                let mut text = text.map_err(|error| Error::Internal(error.to_string()))?;
                text.push(b'\n');
                let id = objects.add(Kind::Blob, text)?;
                root.insert(objects, path, Node::Leaf(leaf.with(id)))
            }
        }
    }
}

/// Inserts a file or symbolic link, after checking that it is allowed at this path.
fn plant(root: &mut Folder, objects: &mut Objects<'_>, path: &FilePath, leaf: Leaf) -> Result<()> {
    let node = Node::Leaf(leaf);
    objects.check_fit(path, &node)?;
    root.insert(objects, path, node)
}

fn place(root: &mut Folder, objects: &mut Objects<'_>, to: &FilePath, node: Node) -> Result<()> {
    if root.find(objects, to)?.is_some() {
        return Err(Error::Conflict(format!("{to} already exists")));
    }
    objects.check_fit(to, &node)?;
    root.insert(objects, to, node)
}

fn missing(path: &FilePath) -> Error {
    Error::NotFound(format!("there is no {path}"))
}
