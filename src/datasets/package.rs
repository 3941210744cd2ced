//! Dataset metadata: `datapackage.json` (Frictionless Data Package).

use std::future::ready;
use std::slice::from_ref;
use std::sync::Arc;

use datapackage::{LfsFile, PACKAGE, complaint};
use lfs::Pointer;
use metastore::{
    CommitInfo, Content, Edit, EntryKind, FilePath, LFS_CONFIG, ManagedFiles, Manifest, ObjectId, Reader, Snapshot,
};
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use super::Datasets;
use super::card::{self, Stated};
use super::revisions::{Author, Change, CommitMeta, head, moved};
use crate::access::{CreateGrant, DatasetGrant, Grant, Read, Write};
use crate::error::{Error, Kind, Result};
use crate::types::Visibility;

/// Maximum size in bytes of a `.lfsconfig` that is read.
const MAX_CONFIG_BYTES: u64 = 32 << 20;

/// Maximum size in bytes of a `datapackage.json` that is read.
pub(super) const MAX_PACKAGE_BYTES: u64 = 32 << 20;

// Any file of a package fits into a pointer.
const _: () = assert!(datapackage::MAX_BYTES <= lfs::MAX_SIZE);

/// The data package as the engine sees it: a file that describes others.
pub(super) const MANIFEST: Manifest = Manifest { name: PACKAGE, plan, merge };

/// A package: a JSON object.
pub type Package = Map<String, Value>;

/// A package at a revision.
#[derive(Debug, Clone)]
pub struct Versioned {
    /// The revision; `None` for a dataset without revisions.
    pub revision: Option<CommitInfo>,
    /// Content of the package; `None` if the revision has none.
    pub package: Option<Package>,
}

/// A package at a revision, which may be unreadable.
#[derive(Debug, Clone)]
pub struct CommitNote {
    /// The revision and its package.
    pub versioned: Versioned,
    /// Why the package cannot be read.
    pub problem: Option<String>,
}

impl From<Versioned> for CommitNote {
    fn from(versioned: Versioned) -> Self {
        Self { versioned, problem: None }
    }
}

/// A change of a package.
#[derive(Debug, Clone)]
pub enum PackageChange {
    /// Replace the whole package.
    Replace(Package),
    /// Replace these top-level fields and keep the others.
    Merge(Package),
}

/// The metadata differences, serialised as JSON for the cache.
#[derive(Debug)]
pub struct Metadata {
    /// Changes of the package: a list of [`datapackage::Change`].
    pub package: Box<RawValue>,
    /// Changes of the resource schemas and whether they are compatible: a [`datapackage::SchemaReport`].
    pub schemas: Box<RawValue>,
}

impl Datasets {
    /// Returns the package at a revision, by default the newest of the default branch.
    ///
    /// # Errors
    /// Not found if the revision does not exist; invalid if its `datapackage.json` is not a package.
    pub async fn package(&self, grant: &DatasetGrant<Read>, revision: Option<&str>) -> Result<Versioned> {
        let snapshot = self.snapshot(grant).await?;
        let revision = match revision {
            Some(expression) => Some(self.resolve(grant.id(), &snapshot, expression).await?),
            None => head(&snapshot),
        };
        read_at(&snapshot, revision).await
    }

    /// Like [`Datasets::package`], but also returns revisions whose package cannot be read, with the reason.
    ///
    /// # Errors
    /// Not found if the revision does not exist.
    pub async fn note(&self, grant: &DatasetGrant<Read>, revision: Option<&str>) -> Result<CommitNote> {
        let problem = match self.package(grant, revision).await {
            Err(error) if matches!(error.kind(), Kind::Invalid | Kind::TooLarge) => error.detail().to_owned(),
            versioned => return versioned.map(Into::into),
        };
        let (_, commit) = self.revision(grant, revision.unwrap_or("HEAD")).await?;
        Ok(CommitNote { versioned: Versioned { revision: Some(commit), package: None }, problem: Some(problem) })
    }

    /// Returns the revision, and its package if it has a readable one. The grant is for `datapackage.json`.
    ///
    /// # Errors
    /// Not found if the revision does not exist, or the actor does not see it.
    pub(crate) async fn package_for(
        &self,
        grant: &Grant<Read>,
        revision: Option<&str>,
    ) -> Result<(ObjectId, Option<Package>)> {
        let snapshot = self.snapshot_of(grant.id()).await?;
        let revision = match revision {
            Some(revision) => self.resolve_visible(grant, &snapshot, revision).await?,
            None => head(&snapshot).ok_or_else(|| Error::not_found("the dataset has no revisions"))?,
        };
        match snapshot.read(move |reader| package_at(reader, revision)).await {
            Ok(package) => Ok((revision, package)),
            Err(metastore::Error::Invalid(_) | metastore::Error::TooLarge(_)) => Ok((revision, None)),
            Err(error) => Err(error.into()),
        }
    }

    /// Returns the front matter of the README at a revision; `None` if it is missing or invalid. The grant is for
    /// `README.md`.
    pub(crate) async fn front_matter_for(
        &self,
        grant: &Grant<Read>,
        revision: ObjectId,
    ) -> Result<Option<Map<String, Value>>> {
        let snapshot = self.snapshot_of(grant.id()).await?;
        Ok(snapshot.read(move |reader| front_matter(reader, revision)).await?)
    }

    /// Returns the metadata from the README's front matter at a revision.
    pub async fn card(&self, grant: &DatasetGrant<Read>, revision: ObjectId) -> Result<Arc<Stated>> {
        let snapshot = self.snapshot(grant).await?;
        let read = move |reader: &Reader| stated(reader, revision);
        if head(&snapshot) == Some(revision) {
            return Ok(snapshot.derive(read).await?);
        }
        Ok(Arc::new(snapshot.read(read).await?))
    }

    /// Creates a dataset with a package as its first revision.
    ///
    /// # Errors
    /// Conflict if it exists; invalid for an invalid package. In these cases no dataset is left behind.
    pub async fn create_with_package(
        &self,
        creation: &CreateGrant,
        visibility: Visibility,
        store: &str,
        package: Package,
        wording: CommitMeta,
        grant: impl AsyncFnOnce() -> Result<DatasetGrant<Write>>,
    ) -> Result<()> {
        expect_sound(&package)?;
        self.create(creation, visibility, store).await?;
        let grant = grant().await?;
        let landed = self.begin(&grant, package, wording).await;
        if let Err(error) = landed {
            self.remove(grant.id(), grant.actor(), &grant.full_name()).await?;
            return Err(error);
        }
        Ok(())
    }

    /// Creates the first revision of a dataset that has none, such as one created by an upload.
    ///
    /// # Errors
    /// Conflict if it has one; invalid for an invalid package.
    pub async fn begin(&self, grant: &DatasetGrant<Write>, package: Package, wording: CommitMeta) -> Result<()> {
        let put = put(&package)?;
        let work = |snapshot: Arc<Snapshot>, _| {
            let exists = format!("`{}` already exists; choose another name", grant.full_name());
            ready(if snapshot.state().refs.is_empty() {
                Ok(Change { edits: vec![put.clone()], ..Change::default() })
            } else {
                Err(Error::conflict(exists))
            })
        };
        let wording = CommitMeta { branch: None, parent: None, ..wording }.or_message("Initial datapackage commit");
        let done = self.revise(from_ref(grant), wording, None, work).await;
        done.map_err(|refusal| refusal.error)?.made().map(drop)
    }

    /// Returns the LFS URL of a dataset for `.lfsconfig`, if the server has a configured base URL.
    pub(super) fn lfs_url(&self, path: &str) -> Option<String> {
        self.address.as_ref().map(|address| format!("{address}/{path}.git/info/lfs"))
    }

    /// Updates the `.lfsconfig` of each branch after a rename, where it contains the old LFS URL.
    pub(crate) async fn readdress(&self, grant: &DatasetGrant<Write>, old: &str, new: &str) -> Result<()> {
        let (Some(old), Some(new)) = (self.lfs_url(old), self.lfs_url(new)) else { return Ok(()) };
        let snapshot = self.snapshot(&grant.narrow()).await?;
        let message = format!("Change the Git LFS URL to {new}");
        let edits = move |reader: &Reader, head| readdressed(reader, head, &old, &new);
        let change = {
            let edits = edits.clone();
            move |reader: &Reader, head: Option<ObjectId>| {
                let edits = head.map(|head| edits(reader, head)).transpose()?.unwrap_or_default();
                Ok(Change { edits, exact: true, ..Change::default() })
            }
        };
        for branch in snapshot.state().refs.iter().filter(|each| each.name.is_branch()) {
            let (look, head) = (edits.clone(), branch.target);
            if !snapshot.read(move |reader| look(reader, head)).await?.is_empty() {
                let message = Some(message.clone());
                let wording = CommitMeta { branch: Some(branch.name.clone()), message, ..CommitMeta::default() };
                self.edit(from_ref(grant), wording, change.clone()).await?;
            }
        }
        Ok(())
    }

    /// Changes the package in a new revision; if nothing would change, no revision is created. `base` is the revision
    /// that the caller has seen.
    ///
    /// # Errors
    /// Precondition failed if `base` is not the newest revision; not found if `base` does not exist, or if there is no
    /// package to merge into; invalid for an invalid package.
    pub async fn change_package(
        &self,
        grant: &DatasetGrant<Write>,
        change: &PackageChange,
        base: Option<&str>,
        author: &Author,
        message: Option<String>,
    ) -> Result<Versioned> {
        let new = |before: Option<&Package>| match change {
            PackageChange::Replace(package) => Ok(package.clone()),
            PackageChange::Merge(fields) => {
                let mut package = before.cloned().ok_or_else(no_package)?;
                package.extend(fields.clone());
                Ok(package)
            }
        };
        self.rewrite_package(grant, new, base, author, message).await
    }

    /// Replaces the package with the result of `new`, which is called again after a lost race with another writer.
    /// Otherwise like [`Datasets::change_package`].
    ///
    /// # Errors
    /// As for [`Datasets::change_package`], and those of `new`.
    pub async fn rewrite_package(
        &self,
        grant: &DatasetGrant<Write>,
        new: impl Fn(Option<&Package>) -> Result<Package> + Send + Sync,
        base: Option<&str>,
        author: &Author,
        message: Option<String>,
    ) -> Result<Versioned> {
        let new = &new;
        let work = |snapshot: Arc<Snapshot>, head| async move {
            if let Some(base) = base
                && Some(self.resolve(grant.id(), &snapshot, base).await?) != head
            {
                return Err(moved(&snapshot.state().head));
            }
            let before = read_at(&snapshot, head).await?.package;
            let package = new(before.as_ref())?;
            let edits = if before.as_ref() == Some(&package) { Vec::new() } else { vec![put(&package)?] };
            Ok(Change { edits, ..Change::default() })
        };
        let meta = CommitMeta { author: author.clone(), message, ..CommitMeta::default() };
        let done = self.revise(from_ref(grant), meta.or_message("Datapackage updated"), None, work).await;
        let revision = done.map_err(|refusal| refusal.error)?.newest()?;
        read_at(&self.snapshot_of(grant.id()).await?, Some(revision)).await
    }
}

/// Compares two packages; `None` if there is neither. A missing package is treated as empty.
pub(super) async fn metadata(before: Option<Package>, after: Option<Package>) -> Result<Option<Metadata>> {
    if before.is_none() && after.is_none() {
        return Ok(None);
    }
    let [before, after] = [before, after].map(|package| Value::Object(package.unwrap_or_default()));
    let compare = move || {
        let package = serde_json::value::to_raw_value(&datapackage::changes(&before, &after))?;
        let schemas = serde_json::value::to_raw_value(&datapackage::package_schemas(&before, &after))?;
        Ok(Some(Metadata { package, schemas }))
    };
    crate::blocking(compare).await?.map_err(|error: serde_json::Error| Error::internal(error))
}

/// Returns the edit that replaces the URL in the `.lfsconfig` of a revision; empty if it does not contain the old one.
fn readdressed(reader: &Reader, revision: ObjectId, old: &str, new: &str) -> metastore::Result<Vec<Edit>> {
    let path: FilePath = LFS_CONFIG.parse()?;
    let blob = match reader.entry(revision, &path) {
        Ok(entry) if matches!(entry.kind, EntryKind::File | EntryKind::Executable) => entry.id,
        Ok(_) | Err(metastore::Error::NotFound(_)) => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let text = reader.blob(blob, MAX_CONFIG_BYTES)?;
    let Some(text) = str::from_utf8(&text).ok().filter(|text| text.contains(old)) else { return Ok(Vec::new()) };
    let content = Content::Bytes(text.replace(old, new).into());
    Ok(vec![Edit::Put { path, content, executable: false }])
}

fn no_package() -> Error {
    Error::not_found("the dataset has no datapackage.json to merge into; send a complete package first")
}

pub(super) async fn read_at(snapshot: &Arc<Snapshot>, revision: Option<ObjectId>) -> Result<Versioned> {
    let Some(id) = revision else { return Ok(Versioned { revision: None, package: None }) };
    let (commit, package) = snapshot.read(move |reader| Ok((reader.commit(id)?, package_at(reader, id)?))).await?;
    Ok(Versioned { revision: Some(commit), package })
}

pub(super) fn place() -> FilePath {
    PACKAGE.parse().expect("a plain name is a path")
}

/// # Errors
/// Invalid for an invalid package, with all problems: each location is a JSON pointer (RFC 6901).
fn expect_sound(package: &Package) -> Result<()> {
    let problems = datapackage::check(&Value::Object(package.clone()), is_path);
    if problems.is_empty() { Ok(()) } else { Err(Error::invalid(complaint(&problems))) }
}

fn is_path(text: &str) -> bool {
    text.parse::<FilePath>().is_ok()
}

/// Parses a `datapackage.json`; otherwise returns why it is not a JSON object.
pub(super) fn parse(bytes: &[u8]) -> Result<Package, String> {
    match datapackage::parse(bytes) {
        Ok(Value::Object(package)) => Ok(package),
        Ok(_) => Err("the top-level value is not an object".to_owned()),
        Err(problem) => Err(problem.message),
    }
}

/// Returns the package of a commit or tree; `None` if it has no `datapackage.json`.
///
/// # Errors
/// Invalid if it is not a JSON object; too large beyond 32 MiB.
pub(super) fn package_at(reader: &Reader, revision: ObjectId) -> metastore::Result<Option<Package>> {
    let blob = match reader.entry(revision, &place()) {
        Ok(entry) if entry.size.is_some() => entry.id,
        Ok(_) | Err(metastore::Error::NotFound(_)) => return Ok(None),
        Err(error) => return Err(error),
    };
    let invalid =
        |why| metastore::Error::Invalid(format!("the {PACKAGE} of this revision is not a JSON object: {why}"));
    parse(&reader.blob(blob, MAX_PACKAGE_BYTES)?).map(Some).map_err(invalid)
}

/// Returns the edits that restore one resource, and its files, to their state in `revision`. If the branch no longer has
/// this resource, it is appended to the list.
///
/// # Errors
/// Not found if the resource did not exist in `revision`, or the branch has no package; invalid if a package cannot be
/// read.
pub(super) fn bring_back_resource(
    reader: &Reader,
    head: ObjectId,
    revision: ObjectId,
    name: &str,
) -> metastore::Result<Vec<Edit>> {
    let not_found = metastore::Error::NotFound;
    let resources = |package: &Package| package.get("resources").and_then(Value::as_array).cloned().unwrap_or_default();
    let is_it = |resource: &Value| resource["name"] == name;
    let then = package_at(reader, revision)?.as_ref().map(resources).unwrap_or_default();
    let now = package_at(reader, head)?;
    let resource = then.into_iter().find(is_it);
    let resource = resource.ok_or_else(|| not_found(format!("the revision has no resource {name:?}")))?;
    let now = now.ok_or_else(|| not_found(format!("the branch has no {PACKAGE}; restore that first")))?;
    let path = &resource["path"];
    let paths = path.as_array().into_iter().flatten().chain([path]).filter_map(Value::as_str);
    let mut edits = reader.bring_back_files(head, revision, &paths.filter_map(|path| path.parse().ok()).collect())?;
    let before = resources(&now);
    let mut after = before.clone();
    match after.iter_mut().find(|resource| is_it(resource)) {
        Some(place) => *place = resource,
        None => after.push(resource),
    }
    if after != before {
        edits.push(Edit::Merge { path: place(), fields: Package::from_iter([("resources".to_owned(), after.into())]) });
    }
    Ok(edits)
}

/// Validates a new `datapackage.json`, and compares its files in Git LFS with those of the previous one.
fn plan(before: Option<&[u8]>, after: &[u8]) -> metastore::Result<ManagedFiles> {
    let invalid = metastore::Error::Invalid;
    let package = parse(after).map_err(|why| invalid(format!("{PACKAGE} is not a JSON object: {why}")))?;
    let package = Value::Object(package);
    let problems = datapackage::check(&package, is_path);
    if !problems.is_empty() {
        return Err(invalid(complaint(&problems)));
    }
    let before = before.and_then(|before| datapackage::parse(before).ok());
    let plan = datapackage::plan(before.as_ref(), &package, is_path);
    let managed = |file: LfsFile| {
        let oid = file.sha256.parse().map_err(|_| invalid(format!("{} is not a SHA-256", file.sha256)))?;
        Ok((file.path.parse()?, Pointer::new(oid, file.bytes)))
    };
    let all = |files: Vec<LfsFile>| files.into_iter().map(managed).collect::<metastore::Result<_>>();
    Ok(ManagedFiles { puts: all(plan.puts)?, kept: all(plan.kept)?, stale: all(plan.stale)? })
}

/// Merges two versions of a `datapackage.json`, by resource and property. `None` if a version is not a JSON object. `lines`
/// is the merge by lines: if it means the same, it is preferred, since it keeps the format of the file.
fn merge(
    base: Option<&[u8]>,
    ours: &[u8],
    theirs: &[u8],
    lines: Option<&[u8]>,
) -> Option<std::result::Result<Vec<u8>, Vec<String>>> {
    let read = |text| parse(text).ok().map(Value::Object);
    let base = base.map(read);
    if base == Some(None) {
        return None;
    }
    let merged = match datapackage::merge(base.flatten().as_ref(), &read(ours)?, &read(theirs)?) {
        Ok(merged) => merged,
        Err(places) => return Some(Err(places)),
    };
    if let Some(lines) = lines.filter(|lines| read(lines).as_ref() == Some(&merged)) {
        return Some(Ok(lines.to_vec()));
    }
    let mut text = serde_json::to_vec_pretty(&merged).ok()?;
    text.push(b'\n');
    Some(Ok(text))
}

/// Returns the edit that writes `datapackage.json`.
pub(super) fn put(package: &Package) -> Result<Edit> {
    let mut text = serde_json::to_vec_pretty(package).map_err(Error::internal)?;
    text.push(b'\n');
    Ok(Edit::Put { path: place(), content: Content::Bytes(text.into()), executable: false })
}

/// Reads the metadata from the README's front matter; empty if there is no readable README in the repository itself.
fn stated(reader: &Reader, revision: ObjectId) -> metastore::Result<Stated> {
    Ok(readme(reader, revision)?.map(|text| Stated::of(&text)).unwrap_or_default())
}

/// Reads the README's front matter; `None` if there is none, or if it is invalid.
pub(crate) fn front_matter(reader: &Reader, revision: ObjectId) -> metastore::Result<Option<Map<String, Value>>> {
    Ok(readme(reader, revision)?.and_then(|text| card::read(&text).ok()).flatten())
}

/// Reads the README; `None` if there is no readable one in the repository itself.
fn readme(reader: &Reader, revision: ObjectId) -> metastore::Result<Option<String>> {
    let blob = match reader.entry(revision, &"README.md".parse()?) {
        Ok(entry) if matches!(entry.kind, EntryKind::File | EntryKind::Executable) && entry.pointer.is_none() => {
            entry.id
        }
        Ok(_) | Err(metastore::Error::NotFound(_)) => return Ok(None),
        Err(error) => return Err(error),
    };
    match reader.blob(blob, card::MAX_README_BYTES) {
        Ok(bytes) => Ok(String::from_utf8(bytes.into()).ok()),
        Err(metastore::Error::TooLarge(_)) => Ok(None),
        Err(error) => Err(error),
    }
}
