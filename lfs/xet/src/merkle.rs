//! Hashes of xorbs and files: the root of a hash tree (Merkle tree) over their chunks.
//!
//! A node ends after its third or a later child if the hash of that child is divisible by 4, or after its ninth child, or
//! with the last child. Because this depends only on the children so far, the tree is built while chunks arrive: each
//! level keeps the children of its last node, so that a file of 1 TB needs a few kilobytes. Source: `hashing`, "Xorb
//! Hashes" and "File Hashes"; draft, "Merkle Tree Construction".

use crate::Hash;
use crate::format::{TREE_BRANCHES, TREE_MAX_CHILDREN, TREE_MIN_CHILDREN};

/// A hash tree that grows by its chunks.
#[derive(Clone, Debug, Default)]
pub struct Tree {
    levels: Vec<Level>,
    /// The text that a node is the hash of; kept for its memory.
    lines: Vec<u8>,
}

/// The last node of a level.
#[derive(Clone, Debug, Default)]
struct Level {
    /// Its children, each with the total length of its chunks in bytes.
    children: Vec<(Hash, u64)>,
    /// Whether the level has nodes before this one.
    has_nodes: bool,
}

impl Tree {
    /// Creates a tree without chunks.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds the next chunk, with its length in bytes.
    pub fn push(&mut self, chunk: Hash, length: u64) {
        let mut next = Some((chunk, length));
        let mut level = 0;
        while let Some(child) = next {
            next = self.add(level, child);
            level += 1;
        }
    }

    /// Returns the hash of a xorb of these chunks; zeros without chunks.
    pub fn xorb_hash(mut self) -> Hash {
        let mut level = 0;
        while let Some(last) = self.levels.get(level) {
            if let ([(root, _)], false) = (&last.children[..], last.has_nodes) {
                return *root;
            }
            if !last.children.is_empty() {
                let mut next = Some(self.merge(level));
                let mut above = level + 1;
                while let Some(child) = next {
                    next = self.add(above, child);
                    above += 1;
                }
            }
            level += 1;
        }
        Hash::ZERO
    }

    /// Returns the hash of a file of these chunks.
    ///
    /// An empty file has zeros, as for the official client. The draft has the keyed hash of zeros instead.
    pub fn file_hash(self) -> Hash {
        if self.levels.is_empty() { Hash::ZERO } else { self.xorb_hash().of_file() }
    }

    /// Adds a child to the last node of a level, and returns the node if that was its last child.
    fn add(&mut self, level: usize, child: (Hash, u64)) -> Option<(Hash, u64)> {
        if level == self.levels.len() {
            self.levels.push(Level::default());
        }
        let children = &mut self.levels[level].children;
        children.push(child);
        let natural = child.0.last_number().is_multiple_of(TREE_BRANCHES);
        let ends = children.len() >= TREE_MIN_CHILDREN && natural || children.len() == TREE_MAX_CHILDREN;
        ends.then(|| self.merge(level))
    }

    /// Ends the last node of a level, and returns it.
    fn merge(&mut self, level: usize) -> (Hash, u64) {
        let level = &mut self.levels[level];
        self.lines.clear();
        let mut total = 0_u64;
        for (hash, length) in level.children.drain(..) {
            self.lines.extend_from_slice(&hash.digits());
            self.lines.extend_from_slice(format!(" : {length}\n").as_bytes());
            total = total.saturating_add(length);
        }
        level.has_nodes = true;
        (Hash::of_node(&self.lines), total)
    }
}

impl Extend<(Hash, u64)> for Tree {
    fn extend<T: IntoIterator<Item = (Hash, u64)>>(&mut self, chunks: T) {
        chunks.into_iter().for_each(|(chunk, length)| self.push(chunk, length));
    }
}

impl FromIterator<(Hash, u64)> for Tree {
    fn from_iter<T: IntoIterator<Item = (Hash, u64)>>(chunks: T) -> Self {
        let mut tree = Self::new();
        tree.extend(chunks);
        tree
    }
}

#[cfg(test)]
mod tests;
