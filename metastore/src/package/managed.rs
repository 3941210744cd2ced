//! The files that stand beside `datapackage.json` because of what it says: pointer files of the resources that Git LFS
//! keeps, the lines of `.gitattributes` that make git treat them so, and the address in `.lfsconfig`.

use std::collections::{BTreeMap, HashSet};

use bytes::Bytes;
use lfs::{Oid, Pointer};
use serde_json::Value;

use super::{
    check::{Location, digest, location, named_sha256},
    get, resources,
    text::{Place, Problem, Problems, quoted, shown},
};
use crate::{Content, Edit, FilePath};

pub(crate) mod attributes;
mod config;

/// The name of the package document.
pub const PACKAGE: &str = "datapackage.json";
/// The name of the file that says which files Git LFS keeps.
pub const ATTRIBUTES: &str = ".gitattributes";
/// The name of the file that says where Git LFS keeps them.
pub const CONFIG: &str = ".lfsconfig";

/// What a resource that Git LFS keeps has standing at its path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Standing {
    /// A pointer file.
    Pointer(Pointer),
    /// The empty file, which Git LFS passes through as it is.
    Empty,
}

impl Standing {
    /// What to put there.
    pub fn content(&self) -> Content {
        match self {
            Self::Pointer(pointer) => Content::Pointer(pointer.clone()),
            Self::Empty => Content::Bytes(Bytes::new()),
        }
    }
}

/// What a new package means for the files beside it, compared with the package before.
///
/// A resource is kept by Git LFS if its `path` is one text that is no URL, it has a `sha256` (or a `hash` of the form
/// `sha256:<digits>`) and its `bytes` are an integer.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Plan {
    /// What changes: resources that are new, or were not so at their path before.
    pub puts: Vec<(FilePath, Standing)>,
    /// What the old package says of the same path too. It stands there already, unless somebody pushed something else;
    /// a caller who finds it missing moves it to `puts`.
    pub kept: Vec<(FilePath, Standing)>,
    /// What the old package had Git LFS keep and the new one does not name any more. A caller takes out what the
    /// revision to be changed no longer has so, because somebody pushed something else there or removed it.
    pub stale: Vec<(FilePath, Standing)>,
    /// Other files that need a line in `.gitattributes`.
    pub listed: Vec<FilePath>,
    /// Files whose line in `.gitattributes` goes: what stands there now is nothing that Git LFS keeps.
    pub unlisted: Vec<FilePath>,
}

/// What stands beside the package in the revision to be changed, and where the objects are.
#[derive(Debug, Clone, Copy, Default)]
pub struct Beside<'b> {
    /// The bytes of `.gitattributes`, if there is one.
    pub attributes: Option<&'b [u8]>,
    /// The bytes of `.lfsconfig`, if there is one.
    pub config: Option<&'b [u8]>,
    /// The URL of the LFS server for `.lfsconfig`; without one that file is left alone.
    pub lfs_url: Option<&'b str>,
}

/// Compares the packages. An `old` one that breaks the rules is read as far as it keeps them.
///
/// The problems are those that leave no right files to write: two resources kept by Git LFS at one path or one in the
/// other, a path that is absolute, holds `..`, or begins with a scheme that is not of the web, a digest that is not 64
/// hexadecimal digits, a size that no object has, a path that belongs to the package itself.
pub fn plan(old: Option<&Value>, new: &Value) -> Result<Plan, Vec<Problem>> {
    let mut problems = Problems::default();
    let wanted = kept(new, &mut problems);
    let problems = problems.into_vec();
    if !problems.is_empty() {
        return Err(problems);
    }
    let mut before = old.map(|old| kept(old, &mut Problems::default())).unwrap_or_default();
    let mut plan = Plan::default();
    for (path, standing) in wanted {
        let same = before.remove(&path).is_some_and(|before| before == standing);
        if same { &mut plan.kept } else { &mut plan.puts }.push((path, standing));
    }
    let named: HashSet<&str> = resources(new).iter().flat_map(paths).collect();
    plan.stale = before.into_iter().filter(|(path, _)| !named.contains(path.as_str())).collect();
    Ok(plan)
}

impl Plan {
    /// The changes to the files beside the package, in the order in which they must be made: what is stale goes, what
    /// changed is put, then `.gitattributes` and `.lfsconfig` follow where they become other bytes.
    ///
    /// In `.gitattributes` our lines stand in a block of their own, in the order of their bytes; everything else stays
    /// as it is and where it is. A line of the block goes only together with its pointer file: a pointer without a line
    /// would be checked out as a pointer.
    pub fn edits(&self, beside: &Beside<'_>) -> Result<Vec<Edit>, Problem> {
        let put = |path: &FilePath, content| Edit::Put { path: path.clone(), content, executable: false };
        let mut edits: Vec<Edit> = self.stale.iter().map(|(path, _)| Edit::Delete { path: path.clone() }).collect();
        edits.extend(self.puts.iter().map(|(path, standing)| put(path, standing.content())));
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
        // Without any such resource there is nothing to find at that address.
        let any = !self.puts.is_empty() || !self.kept.is_empty();
        if let Some(url) = beside.lfs_url.filter(|_| any)
            && let Some(bytes) = config::with_url(beside.config, url)?
        {
            edits.push(put(&own(CONFIG)?, Content::Bytes(bytes.into())));
        }
        Ok(edits)
    }
}

/// The resources of a package that Git LFS keeps, by path.
fn kept(package: &Value, problems: &mut Problems) -> BTreeMap<FilePath, Standing> {
    let mut kept = BTreeMap::new();
    let mut places = BTreeMap::new();
    let root = Place::ROOT.key("resources");
    for (index, resource) in resources(package).iter().enumerate() {
        if problems.full() {
            break;
        }
        let place = root.index(index);
        let Some((path, standing)) = qualified(place, resource, problems) else { continue };
        match places.insert(path.clone(), index) {
            None => {
                kept.insert(path, standing);
            }
            Some(first) => {
                let message = format!("resource {first} has the path {} too", quoted(path.as_str()));
                problems.add(place.key("path"), message);
            }
        }
    }
    // Each path is looked for among the folders of the others.
    let texts: HashSet<&str> = places.keys().map(FilePath::as_str).collect();
    for (path, index) in &places {
        let path = path.as_str();
        let mut folders = path.match_indices('/').map(|(end, _)| &path[..end]);
        if let Some(folder) = folders.find(|folder| texts.contains(folder)) {
            let message = format!("{} is the path of another resource, which cannot be a folder too", quoted(folder));
            problems.add(root.index(*index).key("path"), message);
        }
    }
    kept
}

/// The path of a resource that Git LFS keeps, and what stands there.
fn qualified(place: Place<'_>, resource: &Value, problems: &mut Problems) -> Option<(FilePath, Standing)> {
    let text = |key| get(resource, key).and_then(Value::as_str);
    let (path, bytes) = (text("path")?, get(resource, "bytes").filter(|bytes| bytes.is_i64() || bytes.is_u64())?);
    let named = text("hash").and_then(named_sha256);
    let (key, digits) = text("sha256").map(|digits| ("sha256", digits)).or(named.map(|digits| ("hash", digits)))?;
    let path = match location(path) {
        Ok(Location::Url) => return None,
        Ok(Location::File(path)) if [PACKAGE, ATTRIBUTES, CONFIG].contains(&path.as_str()) => {
            Err(format!("{path} belongs to the package itself"))
        }
        Ok(Location::File(path)) if !attributes::fits(&path) => {
            Err(format!("{} is too long for a line of {ATTRIBUTES}", quoted(path.as_str())))
        }
        Ok(Location::File(path)) => Ok(path),
        Err(message) => Err(message),
    };
    let path = path.map_err(|message| problems.add(place.key("path"), message)).ok();
    let oid = match digest(digits) {
        None => Err(format!("expected 64 hexadecimal digits, not {}", quoted(digits))),
        Some(_) if named.is_some_and(|named| !named.eq_ignore_ascii_case(digits)) => {
            Err("\"hash\" names another SHA-256; expected the same in both".to_owned())
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
            format!("only the empty file has 0 bytes, and only it has the SHA-256 {}", Oid::EMPTY),
        );
        return None;
    }
    let standing = if size == 0 { Standing::Empty } else { Standing::Pointer(Pointer::new(oid, size)) };
    Some((path, standing))
}

/// Every path that a resource names.
fn paths(resource: &Value) -> impl Iterator<Item = &str> {
    let path = get(resource, "path");
    let listed = path.and_then(Value::as_array).into_iter().flatten();
    path.into_iter().chain(listed).filter_map(Value::as_str)
}

#[cfg(test)]
mod tests;
