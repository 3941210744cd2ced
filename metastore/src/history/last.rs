//! Last-change look-ups: the commit that last changed each file or folder.

use std::{collections::HashMap, sync::Arc};

use gix::{
    ObjectId,
    bstr::BString,
    objs::{TreeRefIter, tree::EntryMode},
};

use crate::{Error, FilePath, Reader, Result, path::DEPTH_LIMIT, read::Budget};

/// For each entry of a folder, ordered by name, the commit that last changed it.
pub type LastCommits = Vec<(String, Option<ObjectId>)>;

/// Maximum number of tree entries compared in one walk, a few seconds' worth. A huge folder that changes with
/// every commit must not occupy a thread for minutes.
const WORK: usize = 100_000_000;

/// Average path length in bytes up to which all paths of a revision are handled in one walk.
const LENGTH: usize = 128;

/// A folder or file on the way to the paths of interest.
#[derive(Default)]
struct Node {
    /// The entry at this path in the current commit of the walk.
    held: Option<(EntryMode, ObjectId)>,
    children: HashMap<BString, Node>,
    /// Index of the path that ends here, until its last change is found.
    wanted: Option<usize>,
    is_seen: bool,
}

impl Node {
    fn is_done(&self) -> bool {
        self.wanted.is_none() && self.children.is_empty()
    }

    /// Marks this node and everything below it as changed.
    fn close(&mut self, found: &mut Vec<usize>) {
        let mut nodes = vec![std::mem::take(self)];
        while let Some(node) = nodes.pop() {
            found.extend(node.wanted);
            nodes.extend(node.children.into_values());
        }
    }
}

/// Paths with the commit that last changed each, as far as it is known.
struct Watch {
    root: Node,
    found: Vec<Option<ObjectId>>,
    open: usize,
    /// Number of entries compared so far.
    work: usize,
}

impl Watch {
    /// Starts watching these paths in a tree. Those that do not exist there are never found.
    fn new<'p>(reader: &Reader, tree: ObjectId, paths: impl Iterator<Item = &'p str>) -> Result<Self> {
        let mut root = Node::default();
        let mut count = 0;
        for path in paths {
            if path.split('/').count() <= DEPTH_LIMIT {
                let node = path.split('/').fold(&mut root, |node, name| node.children.entry(name.into()).or_default());
                node.wanted = Some(count);
            }
            count += 1;
        }
        root.held = Some((gix::objs::tree::EntryKind::Tree.into(), tree));
        reader.hold(&mut root)?;
        let mut watch = Self { root, found: vec![None; count], open: 0, work: 0 };
        let mut nodes = vec![&watch.root];
        while let Some(node) = nodes.pop() {
            watch.open += usize::from(node.wanted.is_some());
            nodes.extend(node.children.values());
        }
        Ok(watch)
    }

    /// Moves one commit back.
    fn step(&mut self, reader: &Reader, commit: ObjectId, before: Option<ObjectId>) -> Result<()> {
        let mut changed = Vec::new();
        match before {
            Some(before) => self.work += reader.compare_node(&mut self.root, before, &mut changed)?,
            None => self.root.close(&mut changed),
        }
        self.open -= changed.len();
        for index in changed {
            self.found[index] = Some(commit);
        }
        Ok(())
    }
}

impl Reader {
    /// Fills in the entries at the nodes, and drops nodes without an entry.
    fn hold(&self, node: &mut Node) -> Result<()> {
        let Some((mode, tree)) = node.held.filter(|_| !node.children.is_empty()) else { return Ok(()) };
        if mode.is_tree() {
            let object = self.load_tree(tree)?;
            for entry in TreeRefIter::from_bytes(&object.data, gix::hash::Kind::Sha1) {
                let entry = entry?;
                if let Some(child) = node.children.get_mut(entry.filename) {
                    child.held = Some((entry.mode, entry.oid.to_owned()));
                }
            }
        }
        node.children.retain(|_, child| child.held.is_some());
        node.children.values_mut().try_for_each(|child| self.hold(child))
    }

    /// Compares a folder with its previous version and returns the number of entries read. Unchanged folders
    /// are skipped.
    fn compare_node(&self, node: &mut Node, before: ObjectId, changed: &mut Vec<usize>) -> Result<usize> {
        if node.held.is_some_and(|(_, now)| now == before) {
            return Ok(0);
        }
        let mut read = 0;
        let object = self.load_tree(before)?;
        for entry in TreeRefIter::from_bytes(&object.data, gix::hash::Kind::Sha1) {
            let entry = entry?;
            read += 1;
            let Some(child) = node.children.get_mut(entry.filename) else { continue };
            child.is_seen = true;
            let held = (entry.mode, entry.oid.to_owned());
            if child.held == Some(held) {
                continue;
            }
            changed.extend(child.wanted.take());
            match entry.mode.is_tree() {
                true if child.children.is_empty() => {}
                true => read += self.compare_node(child, held.1, changed)?,
                false => child.close(changed),
            }
            child.held = Some(held);
        }
        node.children.retain(|_, child| {
            if !std::mem::take(&mut child.is_seen) {
                child.close(changed);
            }
            !child.is_done()
        });
        node.held = node.held.map(|(mode, _)| (mode, before));
        Ok(read)
    }

    /// Returns, for every entry of the folder `path` (the root if `None`) by name, the last commit that
    /// changed it, following first parents only, so that a merge counts as one change. `None` for those not
    /// found within `cap` commits, or fewer for a very large folder that keeps changing.
    ///
    /// `known` may be the result for an older commit; the walk stops there.
    ///
    /// # Errors
    ///
    /// [`Error::TooLarge`] for more than 500,000 entries, or 64 MiB of their paths.
    pub fn last_commits(
        &self,
        revision: ObjectId,
        path: Option<&FilePath>,
        cap: usize,
        known: impl Fn(ObjectId) -> Option<Arc<LastCommits>>,
    ) -> Result<LastCommits> {
        let revision = self.commit(revision)?.id;
        let folder = self.folder(revision, path)?;
        let prefix = path.map(|path| format!("{path}/")).unwrap_or_default();
        let entries = self.raw_entries(folder, &prefix, &mut Budget::default())?;
        let mut paths: Vec<String> = entries.into_iter().map(|(path, _, _)| path).collect();
        paths.sort_unstable();
        let found = self.search_history(revision, &paths, cap, known)?;
        let names = paths.into_iter().map(|mut path| path.split_off(prefix.len()));
        Ok(names.zip(found).collect())
    }

    /// Returns the result of [`Reader::last_commits`] for all folders of a revision, by path (`None`: the
    /// root), in one walk. `None` if the revision has more than `limit` files and folders.
    pub fn last_commits_everywhere(
        &self,
        revision: ObjectId,
        cap: usize,
        limit: usize,
    ) -> Result<Option<HashMap<Option<String>, LastCommits>>> {
        let revision = self.commit(revision)?.id;
        let Some(paths) = self.all_paths(revision, limit)? else { return Ok(None) };
        let found = self.search_history(revision, &paths, cap, |_| None)?;
        let mut folders: HashMap<Option<String>, LastCommits> = HashMap::new();
        for (path, found) in paths.iter().zip(found) {
            let (folder, name) = path.rsplit_once('/').map_or((None, &**path), |(folder, name)| (Some(folder), name));
            folders.entry(folder.map(str::to_owned)).or_default().push((name.to_owned(), found));
        }
        for entries in folders.values_mut() {
            entries.sort_unstable();
        }
        Ok(Some(folders))
    }

    /// Returns the paths of all files and folders, unless there are more than `limit`, or they are very long:
    /// with deep nesting, every path repeats the names of all its parent folders.
    fn all_paths(&self, revision: ObjectId, limit: usize) -> Result<Option<Vec<String>>> {
        let mut paths = Vec::new();
        let mut budget = Budget::new(limit, limit.saturating_mul(LENGTH));
        let mut folders = vec![(self.tree_of(revision)?, String::new())];
        while let Some((tree, prefix)) = folders.pop() {
            let entries = match self.raw_entries(tree, &prefix, &mut budget) {
                Ok(entries) => entries,
                Err(Error::TooLarge(_)) => return Ok(None),
                Err(error) => return Err(error),
            };
            for (path, mode, id) in entries {
                if mode.is_tree() {
                    folders.push((id, format!("{path}/")));
                }
                paths.push(path);
            }
        }
        Ok(Some(paths))
    }

    /// Returns true if one of the newest `limit` commits along first parents satisfies `those`.
    pub fn is_near(&self, revision: ObjectId, limit: usize, those: impl Fn(ObjectId) -> bool) -> Result<bool> {
        let mut next = Some(revision);
        for _ in 0..limit {
            let Some(commit) = next else { break };
            if those(commit) {
                return Ok(true);
            }
            next = self.step(commit)?.parents.first().copied();
        }
        Ok(false)
    }

    /// Returns, for each of these paths, the last commit that changed it or, for a folder, anything in it, as
    /// [`Reader::last_commits`] does, in one walk.
    pub fn last_changes<P: AsRef<str>>(
        &self,
        revision: ObjectId,
        paths: &[P],
        cap: usize,
    ) -> Result<Vec<Option<ObjectId>>> {
        self.search_history(revision, paths, cap, |_| None)
    }

    fn search_history<P: AsRef<str>>(
        &self,
        revision: ObjectId,
        paths: &[P],
        cap: usize,
        known: impl Fn(ObjectId) -> Option<Arc<LastCommits>>,
    ) -> Result<Vec<Option<ObjectId>>> {
        let mut commit = self.step(self.commit(revision)?.id)?;
        let mut watch = Watch::new(self, commit.tree, paths.iter().map(AsRef::as_ref))?;
        for _ in 0..cap {
            if watch.open == 0 || watch.work > WORK {
                break;
            }
            let Some(&parent) = commit.parents.first() else {
                watch.step(self, commit.id, None)?;
                break;
            };
            let parent = self.step(parent)?;
            self.meter.check()?;
            watch.step(self, commit.id, Some(parent.tree))?;
            if let Some(known) = known(parent.id) {
                for (found, path) in watch.found.iter_mut().zip(paths).filter(|(found, _)| found.is_none()) {
                    let name = path.as_ref().rsplit('/').next().unwrap_or_default();
                    let at = known.binary_search_by(|(other, _)| other.as_str().cmp(name));
                    *found = at.ok().and_then(|at| known[at].1);
                }
                break;
            }
            commit = parent;
        }
        Ok(watch.found)
    }
}
