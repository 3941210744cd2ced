//! The files of a package that are stored in Git LFS.

use std::collections::{BTreeMap, HashSet};

use serde_json::Value;

use crate::{
    check::{Location, digest, location, named_sha256},
    get, resources,
    text::{JsonPointer, Problem, Problems, quoted, shown},
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

/// Compares the packages. Invalid parts of `old` are ignored. `is_path` is as in [`check`](crate::check()).
///
/// # Errors
///
/// Returns the problems for which there are no correct files: two files in Git LFS with the same path or one below the
/// other, an invalid path, a digest that is not 64 hexadecimal digits, or an invalid size.
pub fn plan(old: Option<&Value>, new: &Value, is_path: fn(&str) -> bool) -> Result<Plan, Vec<Problem>> {
    let mut problems = Problems::default();
    let wanted = lfs_files(new, is_path, &mut problems);
    let problems = problems.into_vec();
    if !problems.is_empty() {
        return Err(problems);
    }
    let mut before = old.map(|old| lfs_files(old, is_path, &mut Problems::default())).unwrap_or_default();
    let mut plan = Plan::default();
    for (path, file) in wanted {
        let same = before.remove(&path).is_some_and(|before| before == file);
        if same { &mut plan.kept } else { &mut plan.puts }.push(file);
    }
    let named: HashSet<&str> = resources(new).iter().flat_map(paths).collect();
    plan.stale = before.into_values().filter(|file| !named.contains(file.path.as_str())).collect();
    Ok(plan)
}

/// Returns the files of a package in Git LFS, by path.
fn lfs_files(package: &Value, is_path: fn(&str) -> bool, problems: &mut Problems) -> BTreeMap<String, LfsFile> {
    let mut files = BTreeMap::new();
    let mut places = BTreeMap::new();
    let root = JsonPointer::ROOT.key("resources");
    for (index, resource) in resources(package).iter().enumerate() {
        if problems.full() {
            break;
        }
        let place = root.index(index);
        let Some(file) = lfs_file(place, resource, is_path, problems) else { continue };
        match places.insert(file.path.clone(), index) {
            None => {
                files.insert(file.path.clone(), file);
            }
            Some(first) => {
                let message = format!("resource {first} also has the path {}", quoted(&file.path));
                problems.add(place.key("path"), message);
            }
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
    files
}

/// Returns the file of a resource, if it is stored in Git LFS.
fn lfs_file(
    place: JsonPointer<'_>,
    resource: &Value,
    is_path: fn(&str) -> bool,
    problems: &mut Problems,
) -> Option<LfsFile> {
    let text = |key| get(resource, key).and_then(Value::as_str);
    let (path, bytes) = (text("path")?, get(resource, "bytes").filter(|bytes| bytes.is_i64() || bytes.is_u64())?);
    let named = text("hash").and_then(named_sha256);
    let (key, digits) = text("sha256").map(|digits| ("sha256", digits)).or(named.map(|digits| ("hash", digits)))?;
    let path = match location(path, is_path) {
        Ok(Location::Url) => return None,
        Ok(Location::File) => Some(path.to_owned()),
        Err(message) => {
            problems.add(place.key("path"), message);
            None
        }
    };
    let sha256 = match digest(digits) {
        None => Err(format!("expected 64 hexadecimal digits, not {}", quoted(digits))),
        Some(_) if named.is_some_and(|named| !named.eq_ignore_ascii_case(digits)) => {
            Err("\"sha256\" and \"hash\" differ; expected the same SHA-256 in both".to_owned())
        }
        Some(sha256) => Ok(sha256),
    };
    let sha256 = sha256.map_err(|message| problems.add(place.key(key), message)).ok();
    let size = bytes.as_u64().filter(|size| *size <= MAX_BYTES);
    if size.is_none() {
        let message = format!("expected a size from 0 to {MAX_BYTES} bytes, not {}", shown(bytes));
        problems.add(place.key("bytes"), message);
    }
    let (path, sha256, bytes) = (path?, sha256?, size?);
    if (sha256 == EMPTY) != (bytes == 0) {
        let message = format!("an empty file, and no other, has 0 bytes and the SHA-256 {EMPTY}");
        problems.add(place.key("bytes"), message);
        return None;
    }
    Some(LfsFile { path, sha256, bytes })
}

/// Returns every path of a resource.
fn paths(resource: &Value) -> impl Iterator<Item = &str> {
    let path = get(resource, "path");
    let listed = path.and_then(Value::as_array).into_iter().flatten();
    path.into_iter().chain(listed).filter_map(Value::as_str)
}

#[cfg(test)]
mod tests;
