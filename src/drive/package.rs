//! The document that says what a dataset is: `datapackage.json` (Frictionless Data Package).

use std::sync::Arc;

use bytes::Bytes;
use metastore::package::{ATTRIBUTES, Beside, CONFIG, PACKAGE, Plan, Problem, Standing};
use metastore::{CommitInfo, Content, Edit, FilePath, ObjectId, Reader, Snapshot};
use serde_json::{Map, Value};

use super::revisions::{Author, Wording, head, moved};
use super::{Drive, RETRIES};
use crate::access::{Creation, Grant, Read, Write};
use crate::error::{Error, Kind, Result};
use crate::types::Visibility;

/// Bytes of the largest one that is read.
const LARGEST: u64 = 32 << 20;

/// A package: a JSON object.
pub type Package = Map<String, Value>;

/// A package at a revision.
#[derive(Debug, Clone)]
pub struct Versioned {
    /// The revision; none for a dataset without any.
    pub revision: Option<CommitInfo>,
    /// What it says; none if the revision has no package.
    pub package: Option<Package>,
}

/// How a package is to change.
#[derive(Debug, Clone)]
pub enum PackageChange {
    /// Put this in its place.
    Replace(Package),
    /// Put these fields in the place of its fields of the same names.
    Merge(Package),
}

impl Drive {
    /// The package at a revision; at the default branch's newest unless one is named.
    ///
    /// # Errors
    /// Not found for the revision; invalid if what stands there is no package.
    pub async fn package(&self, grant: &Grant<Read>, revision: Option<&str>) -> Result<Versioned> {
        let snapshot = self.snapshot(grant).await?;
        let revision = match revision {
            Some(expression) => Some(self.resolve(grant.id(), &snapshot, expression).await?),
            None => head(&snapshot),
        };
        read_at(&snapshot, revision).await
    }

    /// Makes a dataset with its package as its first revision.
    ///
    /// # Errors
    /// Conflict if it exists; invalid for a package that cannot be one. Nothing is left behind then.
    pub async fn create_with_package(
        &self,
        creation: &Creation,
        visibility: Visibility,
        store: &str,
        package: Package,
        wording: Wording,
        grant: impl AsyncFnOnce() -> Result<Grant<Write>>,
    ) -> Result<()> {
        expect_sound(&Value::Object(package.clone()))?;
        self.create(creation, visibility, store).await?;
        let grant = grant().await?;
        let landed = self.begin(&grant, package, wording).await;
        if let Err(error) = landed {
            self.remove(grant.id(), grant.actor(), &grant.path()).await?;
            return Err(error);
        }
        Ok(())
    }

    /// Makes the first revision of a dataset that has none: an upload may have made it.
    ///
    /// # Errors
    /// Conflict if it has one; invalid for a package that cannot be one.
    pub async fn begin(&self, grant: &Grant<Write>, package: Package, wording: Wording) -> Result<()> {
        let snapshot = self.snapshot(&grant.narrow()).await?;
        let exists = || Error::conflict(format!("`{}` exists already", grant.path()));
        if !snapshot.state().refs.is_empty() {
            return Err(exists());
        }
        let edits = edits(&snapshot, None, None, &package, self.lfs_url(grant)).await?;
        let mut changes = self.changes(grant.actor(), &snapshot, wording, "Initial datapackage commit", edits).await?;
        changes.parent = Some(None);
        match self.commit(grant, changes).await {
            Ok(_) => Ok(()),
            Err(error) if error.kind() == Kind::Precondition => Err(exists()),
            Err(error) => Err(error),
        }
    }

    /// Where the objects of a dataset are, for `.lfsconfig`: only where the server knows its own address for good.
    fn lfs_url(&self, grant: &Grant<Write>) -> Option<String> {
        self.address.as_ref().map(|address| format!("{address}/{}.git/info/lfs", grant.path()))
    }

    /// Changes the package, as a new revision; where it says already what it is to say, nothing happens. `base` is the
    /// revision that the caller knew.
    ///
    /// # Errors
    /// Precondition if `base` is not the newest; not found for a `base` that there is not, or if there is no package
    /// to merge into; invalid for a package that cannot be one.
    pub async fn change_package(
        &self,
        grant: &Grant<Write>,
        change: &PackageChange,
        base: Option<&str>,
        author: &Author,
        message: Option<String>,
    ) -> Result<Versioned> {
        for _ in 0..RETRIES {
            let snapshot = self.snapshot(&grant.narrow()).await?;
            let current = head(&snapshot);
            if let Some(base) = base
                && Some(self.resolve(grant.id(), &snapshot, base).await?) != current
            {
                return Err(moved(&snapshot.state().head));
            }
            let before = read_at(&snapshot, current).await?;
            let package = match change {
                PackageChange::Replace(package) => package.clone(),
                PackageChange::Merge(fields) => {
                    let mut package = before.package.clone().ok_or_else(no_package)?;
                    package.extend(fields.clone());
                    package
                }
            };
            if before.package.as_ref() == Some(&package) {
                return Ok(before);
            }
            let wording = Wording { branch: None, parent: current, author: author.clone(), message: message.clone() };
            let edits = edits(&snapshot, current, before.package.as_ref(), &package, self.lfs_url(grant)).await?;
            let mut changes = self.changes(grant.actor(), &snapshot, wording, "Datapackage updated", edits).await?;
            changes.parent = Some(current);
            match self.commit(grant, changes).await {
                Ok(revision) => {
                    let snapshot = self.snapshot(&grant.narrow()).await?;
                    return read_at(&snapshot, Some(revision)).await;
                }
                // Somebody was faster, and the caller did not say that this would matter.
                Err(error) if error.kind() == Kind::Precondition && base.is_none() => {}
                Err(error) => return Err(error),
            }
        }
        Err(Error::busy("others keep changing this dataset; try again in a moment"))
    }
}

fn no_package() -> Error {
    Error::not_found("the dataset has no datapackage.json; put a whole one first")
}

pub(super) async fn read_at(snapshot: &Arc<Snapshot>, revision: Option<ObjectId>) -> Result<Versioned> {
    let Some(id) = revision else { return Ok(Versioned { revision: None, package: None }) };
    let (commit, text) = snapshot.read(move |reader| Ok((reader.commit(id)?, package_text(reader, id)?))).await?;
    let package = text.map(|text| parse(&text)).transpose()?;
    Ok(Versioned { revision: Some(commit), package })
}

fn package_text(reader: &Reader, revision: ObjectId) -> metastore::Result<Option<Bytes>> {
    match reader.entry(revision, &place()) {
        Ok(entry) if entry.size.is_some() => reader.blob(entry.id, LARGEST).map(Some),
        Ok(_) | Err(metastore::Error::NotFound(_)) => Ok(None),
        Err(error) => Err(error),
    }
}

fn parse(text: &[u8]) -> Result<Package> {
    serde_json::from_slice(text)
        .map_err(|error| Error::invalid(format!("the datapackage.json of this revision is not a JSON object: {error}")))
}

pub(super) fn place() -> FilePath {
    PACKAGE.parse().expect("a plain name is a path")
}

/// What is wrong with a package, for people: each place as a JSON pointer (RFC 6901).
pub(super) fn expect_sound(package: &Value) -> Result<()> {
    told(&metastore::package::check(package))
}

fn sentence(problem: &Problem) -> String {
    match problem.path.as_str() {
        "" => problem.message.clone(),
        path => format!("`{path}`: {}", problem.message),
    }
}

fn told(problems: &[Problem]) -> Result<()> {
    const NAMED: usize = 10;
    if problems.is_empty() {
        return Ok(());
    }
    let more = problems.len().saturating_sub(NAMED);
    let named: Vec<String> = problems.iter().take(NAMED).map(sentence).collect();
    let more = if more == 0 { String::new() } else { format!("; and {more} more") };
    Err(Error::invalid(format!("{PACKAGE} is not valid: {}{more}", named.join("; "))))
}

/// The files that say it: the document, and what follows from it for git and Git LFS.
async fn edits(
    snapshot: &Arc<Snapshot>,
    revision: Option<ObjectId>,
    before: Option<&Package>,
    package: &Package,
    lfs_url: Option<String>,
) -> Result<Vec<Edit>> {
    let package = Value::Object(package.clone());
    expect_sound(&package)?;
    let before = before.map(|before| Value::Object(before.clone()));
    let plan = match metastore::package::plan(before.as_ref(), &package) {
        Ok(plan) => plan,
        Err(problems) => {
            told(&problems)?;
            Plan::default()
        }
    };
    let mut text = serde_json::to_vec_pretty(&package).map_err(Error::internal)?;
    text.push(b'\n');
    let mut edits = vec![Edit::Put { path: place(), content: Content::Bytes(text.into()), executable: false }];
    let beside = snapshot.read(move |reader| beside(reader, revision, plan.clone(), lfs_url.as_deref())).await?;
    edits.extend(beside.map_err(|problem| Error::invalid(sentence(&problem)))?);
    Ok(edits)
}

/// What the plan comes to in a revision: somebody may have pushed something else at a path that the package names.
fn beside(
    reader: &Reader,
    revision: Option<ObjectId>,
    mut plan: Plan,
    lfs_url: Option<&str>,
) -> metastore::Result<std::result::Result<Vec<Edit>, Problem>> {
    let Some(revision) = revision else {
        return Ok(plan.edits(&Beside { attributes: None, config: None, lfs_url }));
    };
    let stands = |path: &FilePath, standing: &Standing| match reader.entry(revision, path) {
        Ok(entry) => Ok(match standing {
            Standing::Pointer(pointer) => entry.pointer.as_ref() == Some(pointer),
            Standing::Empty => entry.size == Some(0),
        }),
        Err(metastore::Error::NotFound(_)) => Ok(false),
        Err(error) => Err(error),
    };
    for (path, standing) in std::mem::take(&mut plan.kept) {
        if stands(&path, &standing)? { &mut plan.kept } else { &mut plan.puts }.push((path, standing));
    }
    for (path, standing) in std::mem::take(&mut plan.stale) {
        if stands(&path, &standing)? {
            plan.stale.push((path, standing));
        }
    }
    let file = |name: &str| match reader.entry(revision, &name.parse()?) {
        Ok(entry) if entry.size.is_some() => reader.blob(entry.id, LARGEST).map(Some),
        Ok(_) | Err(metastore::Error::NotFound(_)) => Ok(None),
        Err(error) => Err(error),
    };
    let (attributes, config) = (file(ATTRIBUTES)?, file(CONFIG)?);
    Ok(plan.edits(&Beside { attributes: attributes.as_deref(), config: config.as_deref(), lfs_url }))
}
