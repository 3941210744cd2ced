//! The files of a package that are stored in Git LFS.

use std::collections::{BTreeMap, HashSet};

use serde_json::Value;

use crate::{
    get, resources,
    text::{JsonPointer, Problems, quoted},
    values::{Location, digest, location, named_sha256},
};

/// Maximum size of a file in Git LFS: 2^48 - 1 bytes (256 TiB).
pub const MAX_BYTES: u64 = (1 << 48) - 1;

/// The SHA-256 of the empty file.
const EMPTY: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

/// A file of a package that is stored in Git LFS.
///
/// A resource is stored there if its `path` is a single path (not a URL), it has a `sha256` (or a `hash` of the form
/// `sha256:<digits>`), and its `bytes` are an integer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LfsFile {
    /// The path, relative to the package.
    pub path: String,
    /// The SHA-256 in 64 lower-case hexadecimal digits.
    pub sha256: String,
    /// The size in bytes.
    pub bytes: u64,
}

/// The files in Git LFS of a new package, compared with those of the previous one.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Plan {
    /// Files that are new or changed.
    pub puts: Vec<LfsFile>,
    /// Unchanged files.
    pub kept: Vec<LfsFile>,
    /// Files of the old package at paths that the new one does not mention.
    pub stale: Vec<LfsFile>,
}

/// Compares the packages, of which the new one is [valid](crate::check()). Invalid parts of `old` are ignored.
pub fn plan(old: Option<&Value>, new: &Value, is_path: fn(&str) -> bool) -> Plan {
    let mut before = old.map(|old| lfs_files(old, is_path)).unwrap_or_default();
    let mut plan = Plan::default();
    for (path, file) in lfs_files(new, is_path) {
        let same = before.remove(&path).is_some_and(|before| before == file);
        if same { &mut plan.kept } else { &mut plan.puts }.push(file);
    }
    let named: HashSet<&str> = resources(new).iter().flat_map(paths).collect();
    plan.stale = before.into_values().filter(|file| !named.contains(file.path.as_str())).collect();
    plan
}

/// Checks that the files of these resources in Git LFS can be stored beside each other.
pub(crate) fn check(root: JsonPointer<'_>, resources: &[Value], is_path: fn(&str) -> bool, problems: &mut Problems) {
    let mut places = BTreeMap::new();
    for (index, resource) in resources.iter().enumerate() {
        let Some(file) = LfsFile::of(resource, is_path) else { continue };
        let place = root.index(index);
        if let Some(flaw) = file.flaw() {
            problems.add(place.key("bytes"), flaw);
        }
        if let Some(first) = places.get(&file.path) {
            let message = format!("resource {first} also has the path {}", quoted(&file.path));
            problems.add(place.key("path"), message);
        } else {
            places.insert(file.path, index);
        }
    }
    // Looks up all parent folders of each path among the other paths.
    for (path, index) in &places {
        let mut folders = path.match_indices('/').map(|(end, _)| &path[..end]);
        if let Some(folder) = folders.find(|folder| places.contains_key(*folder)) {
            let message = format!("{} is the path of another resource, so it cannot be a folder", quoted(folder));
            problems.add(root.index(*index).key("path"), message);
        }
    }
}

/// Returns the files of a package in Git LFS, by path.
fn lfs_files(package: &Value, is_path: fn(&str) -> bool) -> BTreeMap<String, LfsFile> {
    let files = resources(package).iter().filter_map(|resource| LfsFile::of(resource, is_path));
    // In reverse, since of several files with the same path the first one counts.
    files.rev().filter(|file| file.flaw().is_none()).map(|file| (file.path.clone(), file)).collect()
}

impl LfsFile {
    /// Returns the file of a resource, if it is stored in Git LFS.
    fn of(resource: &Value, is_path: fn(&str) -> bool) -> Option<Self> {
        let text = |key| get(resource, key).and_then(Value::as_str).filter(|text| !text.is_empty());
        let path = text("path").filter(|path| location(path, is_path) == Ok(Location::File))?;
        let named = text("hash").and_then(named_sha256);
        let digits = text("sha256").or(named)?;
        let sha256 = digest(digits).filter(|_| named.is_none_or(|named| named.eq_ignore_ascii_case(digits)))?;
        Some(Self { path: path.to_owned(), sha256, bytes: get(resource, "bytes")?.as_u64()? })
    }

    /// Returns why there is no such file, if its size is impossible.
    fn flaw(&self) -> Option<String> {
        if self.bytes > MAX_BYTES {
            return Some(format!("expected a size from 0 to {MAX_BYTES} bytes, not {}", self.bytes));
        }
        let message = format!("an empty file, and no other, has 0 bytes and the SHA-256 {EMPTY}");
        ((self.sha256 == EMPTY) != (self.bytes == 0)).then_some(message)
    }
}

/// Returns every path of a resource.
fn paths(resource: &Value) -> impl Iterator<Item = &str> {
    let path = get(resource, "path");
    let listed = path.and_then(Value::as_array).into_iter().flatten();
    path.into_iter().chain(listed).filter_map(Value::as_str)
}

#[cfg(test)]
mod tests;
