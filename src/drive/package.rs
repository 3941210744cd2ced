//! The document that says what a dataset is: `datapackage.json` (Frictionless Data Package).

use std::sync::Arc;

use bytes::Bytes;
use metastore::{CommitInfo, Content, Edit, FilePath, ObjectId, Reader, Snapshot};
use serde_json::{Map, Value};

use super::revisions::{Author, Wording, head, moved};
use super::{Drive, RETRIES};
use crate::access::{Creation, Grant, Read, Write};
use crate::error::{Error, Kind, Result};
use crate::types::Visibility;

/// Where it is.
const PACKAGE: &str = "datapackage.json";

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
        package: &Package,
        wording: Wording,
        grant: impl AsyncFnOnce() -> Result<Grant<Write>>,
    ) -> Result<()> {
        let edits = edits(package)?;
        self.create(creation, visibility, store).await?;
        let grant = grant().await?;
        let landed = async {
            let snapshot = self.snapshot(&grant.narrow()).await?;
            let changes = self.changes(grant.actor(), &snapshot, wording, "Initial datapackage commit", edits).await?;
            self.commit(&grant, changes).await
        };
        if let Err(error) = landed.await {
            self.remove(grant.id(), grant.actor(), &grant.path()).await?;
            return Err(error);
        }
        Ok(())
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
            let mut changes =
                self.changes(grant.actor(), &snapshot, wording, "Datapackage updated", edits(&package)?).await?;
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

/// The files that say it.
fn edits(package: &Package) -> Result<Vec<Edit>> {
    let mut text = serde_json::to_vec_pretty(package).map_err(Error::internal)?;
    text.push(b'\n');
    let content = Content::Bytes(text.into());
    Ok(vec![Edit::Put { path: place(), content, executable: false }])
}
