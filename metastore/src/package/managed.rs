//! Managed files of a data package: pointer files of resources stored in Git LFS, their lines in
//! `.gitattributes`, and the LFS URL in `.lfsconfig`.

use std::collections::{BTreeMap, HashSet};

use bytes::Bytes;
use lfs::{Oid, Pointer};
use serde_json::Value;

use super::{
    check::{Location, digest, location, named_sha256},
    get, resources,
    text::{JsonPointer, Problem, Problems, quoted, shown},
};
use crate::{Content, Edit, FilePath};

pub(crate) mod attributes;
mod config;

/// File name of the data package.
pub const PACKAGE: &str = "datapackage.json";
/// File name of the git attributes, which select the files tracked by Git LFS.
pub const ATTRIBUTES: &str = ".gitattributes";
/// File name of the Git LFS configuration, which contains the URL of the LFS server.
pub const CONFIG: &str = ".lfsconfig";

/// The content of the repository file of a resource stored in Git LFS.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ManagedContent {
    /// A pointer file.
    Pointer(Pointer),
    /// The empty file, which Git LFS leaves as it is.
    Empty,
}

impl ManagedContent {
    /// Returns the content to write.
    pub fn content(&self) -> Content {
        match self {
            Self::Pointer(pointer) => Content::Pointer(pointer.clone()),
            Self::Empty => Content::Bytes(Bytes::new()),
        }
    }
}

/// The changes of managed files that a new data package requires, compared with the previous package.
///
/// A resource is stored in Git LFS if its `path` is a single path (not a URL), it has a `sha256` (or a `hash`
/// of the form `sha256:<digits>`), and its `bytes` are an integer.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Plan {
    /// Files to write: resources that are new or changed.
    pub puts: Vec<(FilePath, ManagedContent)>,
    /// Files of unchanged resources. They should exist already, unless a push replaced them; if one is
    /// missing, the caller moves it to `puts`.
    pub kept: Vec<(FilePath, ManagedContent)>,
    /// Files of resources that were in the old package, but are not in the new one. The caller removes those
    /// from the list that a push replaced or deleted.
    pub stale: Vec<(FilePath, ManagedContent)>,
    /// Other files that need a line in `.gitattributes`.
    pub listed: Vec<FilePath>,
    /// Files whose line in `.gitattributes` must be removed, because they are no longer tracked by Git LFS.
    pub unlisted: Vec<FilePath>,
}

/// The current managed files in the revision to be changed.
#[derive(Debug, Clone, Copy, Default)]
pub struct ManagedState<'b> {
    /// The content of `.gitattributes`, if it exists.
    pub attributes: Option<&'b [u8]>,
    /// The content of `.lfsconfig`, if it exists.
    pub config: Option<&'b [u8]>,
    /// The URL of the LFS server to write to `.lfsconfig`; if `None`, the file is left as it is.
    pub lfs_url: Option<&'b str>,
}

/// Compares the packages. Invalid parts of `old` are ignored.
///
/// # Errors
///
/// Returns the problems for which no correct files can be written: two LFS resources with the same path or
/// one below the other, a path that is absolute, contains `..` or has an unsupported URL scheme, a digest
/// that is not 64 hexadecimal digits, an invalid size, or a path reserved for the managed files themselves.
pub fn plan(old: Option<&Value>, new: &Value) -> Result<Plan, Vec<Problem>> {
    let mut problems = Problems::default();
    let wanted = kept(new, &mut problems);
    let problems = problems.into_vec();
    if !problems.is_empty() {
        return Err(problems);
    }
    let mut before = old.map(|old| kept(old, &mut Problems::default())).unwrap_or_default();
    let mut plan = Plan::default();
    for (path, content) in wanted {
        let same = before.remove(&path).is_some_and(|before| before == content);
        if same { &mut plan.kept } else { &mut plan.puts }.push((path, content));
    }
    let named: HashSet<&str> = resources(new).iter().flat_map(paths).collect();
    plan.stale = before.into_iter().filter(|(path, _)| !named.contains(path.as_str())).collect();
    Ok(plan)
}

impl Plan {
    /// Returns the edits in the order in which they must be applied: deletes stale files, writes changed
    /// ones, then updates `.gitattributes` and `.lfsconfig` if their content changes.
    ///
    /// In `.gitattributes` our lines form a sorted block of their own; everything else stays as and where it
    /// is. A line of the block is only removed together with its pointer file: without its line, a pointer
    /// file would be checked out as a pointer.
    pub fn edits(&self, beside: &ManagedState<'_>) -> Result<Vec<Edit>, Problem> {
        let put = |path: &FilePath, content| Edit::Put { path: path.clone(), content, executable: false };
        let mut edits: Vec<Edit> = self.stale.iter().map(|(path, _)| Edit::Delete { path: path.clone() }).collect();
        edits.extend(self.puts.iter().map(|(path, content)| put(path, content.content())));
        let own = |name: &str| name.parse::<FilePath>().map_err(|error| Problem::whole(error.to_string()));
        let tracked = self.puts.iter().chain(&self.kept).map(|(path, _)| path).chain(&self.listed);
        let dropped = self.stale.iter().map(|(path, _)| path).chain(&self.unlisted);
        let bytes = attributes::rewrite(beside.attributes, tracked, dropped);
        match (beside.attributes, bytes) {
            (Some(before), after) if before == after => {}
            (None, after) if after.is_empty() => {}
            (Some(_), after) if after.is_empty() => edits.push(Edit::Delete { path: own(ATTRIBUTES)? }),
            (_, after) => edits.push(put(&own(ATTRIBUTES)?, Content::Bytes(after.into()))),
        }
        // Without LFS resources, no LFS URL is needed.
        let any = !self.puts.is_empty() || !self.kept.is_empty();
        if let Some(url) = beside.lfs_url.filter(|_| any)
            && let Some(bytes) = config::with_url(beside.config, url)?
        {
            edits.push(put(&own(CONFIG)?, Content::Bytes(bytes.into())));
        }
        Ok(edits)
    }
}

/// Returns the resources of a package stored in Git LFS, by path.
fn kept(package: &Value, problems: &mut Problems) -> BTreeMap<FilePath, ManagedContent> {
    let mut kept = BTreeMap::new();
    let mut places = BTreeMap::new();
    let root = JsonPointer::ROOT.key("resources");
    for (index, resource) in resources(package).iter().enumerate() {
        if problems.full() {
            break;
        }
        let place = root.index(index);
        let Some((path, content)) = qualified(place, resource, problems) else { continue };
        match places.insert(path.clone(), index) {
            None => {
                kept.insert(path, content);
            }
            Some(first) => {
                let message = format!("resource {first} also has the path {}", quoted(path.as_str()));
                problems.add(place.key("path"), message);
            }
        }
    }
    // Looks up all parent folders of each path among the other paths.
    let texts: HashSet<&str> = places.keys().map(FilePath::as_str).collect();
    for (path, index) in &places {
        let path = path.as_str();
        let mut folders = path.match_indices('/').map(|(end, _)| &path[..end]);
        if let Some(folder) = folders.find(|folder| texts.contains(folder)) {
            let message = format!("{} is the path of another resource, so it cannot be a folder", quoted(folder));
            problems.add(root.index(*index).key("path"), message);
        }
    }
    kept
}

/// Returns the path and file content of a resource, if it is stored in Git LFS.
fn qualified(place: JsonPointer<'_>, resource: &Value, problems: &mut Problems) -> Option<(FilePath, ManagedContent)> {
    let text = |key| get(resource, key).and_then(Value::as_str);
    let (path, bytes) = (text("path")?, get(resource, "bytes").filter(|bytes| bytes.is_i64() || bytes.is_u64())?);
    let named = text("hash").and_then(named_sha256);
    let (key, digits) = text("sha256").map(|digits| ("sha256", digits)).or(named.map(|digits| ("hash", digits)))?;
    let path = match location(path) {
        Ok(Location::Url) => return None,
        Ok(Location::File(path)) if [PACKAGE, ATTRIBUTES, CONFIG].contains(&path.as_str()) => {
            Err(format!("{path} is reserved for the package itself"))
        }
        Ok(Location::File(path)) if !attributes::fits(&path) => {
            Err(format!("{} is too long for a line in {ATTRIBUTES}", quoted(path.as_str())))
        }
        Ok(Location::File(path)) => Ok(path),
        Err(message) => Err(message),
    };
    let path = path.map_err(|message| problems.add(place.key("path"), message)).ok();
    let oid = match digest(digits) {
        None => Err(format!("expected 64 hexadecimal digits, not {}", quoted(digits))),
        Some(_) if named.is_some_and(|named| !named.eq_ignore_ascii_case(digits)) => {
            Err("\"sha256\" and \"hash\" differ; expected the same SHA-256 in both".to_owned())
        }
        Some(oid) => Ok(oid),
    };
    let oid = oid.map_err(|message| problems.add(place.key(key), message)).ok();
    let size = bytes.as_u64().filter(|size| *size <= lfs::MAX_SIZE);
    if size.is_none() {
        let message = format!("expected a size from 0 to {} bytes, not {}", lfs::MAX_SIZE, shown(bytes));
        problems.add(place.key("bytes"), message);
    }
    let (path, oid, size) = (path?, oid?, size?);
    if (oid == Oid::EMPTY) != (size == 0) {
        problems.add(
            place.key("bytes"),
            format!("an empty file, and no other, has 0 bytes and the SHA-256 {}", Oid::EMPTY),
        );
        return None;
    }
    let content = if size == 0 { ManagedContent::Empty } else { ManagedContent::Pointer(Pointer::new(oid, size)) };
    Some((path, content))
}

/// Returns every path of a resource.
fn paths(resource: &Value) -> impl Iterator<Item = &str> {
    let path = get(resource, "path");
    let listed = path.and_then(Value::as_array).into_iter().flatten();
    path.into_iter().chain(listed).filter_map(Value::as_str)
}

#[cfg(test)]
mod tests;
