//! Which tables a dataset has.

use std::collections::{BTreeMap, BTreeSet};

use metastore::{EntryKind, FilePath, ObjectId};
use serde_json::Value;
use tables_wire::Format;

use super::Tables;
use super::describe::described;
use super::names::{package_path, package_resources, resource_paths};
use crate::access::TableGrant;
use crate::datasets::browse::Listing;
use crate::datasets::package::Package;
use crate::error::{Kind, Result};

/// Maximum number of tables of a dataset that are listed.
pub const MAX_LISTED: usize = 1000;

/// Maximum number of files and folders that are searched for tables.
const MAX_ENTRIES: usize = 10_000;

impl Tables {
    /// Lists the tables of the newest revision, by name: the resources of the Data Package that are tables, and all
    /// other files with the name of one.
    ///
    /// # Errors
    /// Whatever reading the dataset returns; a dataset without revisions has no tables.
    pub async fn list(&self, grant: &TableGrant) -> Result<Vec<String>> {
        let found = self.0.datasets.package_for(&grant.at(&package_path())?, None).await;
        let (commit, package) = match found {
            Err(error) if error.kind() == Kind::NotFound => return Ok(Vec::new()),
            found => found?,
        };
        let files = self.table_files(grant, commit).await?;
        Ok(tables_of(package.as_ref(), files).into_keys().take(MAX_LISTED).collect())
    }

    /// Returns the files of a revision that have the name of a table, in the order of their paths.
    pub(super) async fn table_files(&self, grant: &TableGrant, commit: ObjectId) -> Result<Vec<FilePath>> {
        let listing = Listing { recursive: true, limit: MAX_ENTRIES, ..Listing::default() };
        let listed = self.0.datasets.list(&grant.narrow(), Some(&commit.to_string()), listing).await?;
        let entries = listed.map(|folder| folder.entries).unwrap_or_default().into_iter().map(|found| found.entry);
        let is_table = |kind, path: &str| {
            matches!(kind, EntryKind::File | EntryKind::Executable) && Format::from_name(path).is_some()
        };
        Ok(entries
            .filter(|entry| is_table(entry.kind, &entry.path))
            .filter_map(|entry| entry.path.parse().ok())
            .collect())
    }

    /// Returns the first `limit` files of a revision that are tables and that no resource of its package describes.
    ///
    /// # Errors
    /// Whatever reading the dataset returns.
    pub(super) async fn undescribed(
        &self,
        grant: &TableGrant,
        commit: ObjectId,
        package: Option<&Package>,
        limit: usize,
    ) -> Result<Vec<String>> {
        let described = described(package);
        let paths = self.table_files(grant, commit).await?.into_iter().map(|path| path.to_string());
        Ok(paths.filter(|path| !described.contains(path.as_str())).take(limit).collect())
    }

    /// Returns the columns that identify the rows of a table, as its resource declares them.
    ///
    /// # Errors
    /// As for [`Tables::rows`].
    pub async fn primary_key(&self, grant: &TableGrant, name: &str) -> Result<Vec<String>> {
        let found = self.find(grant, "HEAD", name).await?;
        let key = found.table.declared.get("schema").map_or(&Value::Null, |schema| &schema["primaryKey"]);
        Ok(match key {
            Value::String(column) => vec![column.clone()],
            Value::Array(columns) => {
                columns.iter().filter_map(|column| column.as_str().map(ToOwned::to_owned)).collect()
            }
            _ => Vec::new(),
        })
    }
}

/// Returns the tables among these files, by name, each with its files: the resources of the Data Package that are tables,
/// and all other files.
pub(super) fn tables_of(package: Option<&Package>, files: Vec<FilePath>) -> BTreeMap<String, Vec<FilePath>> {
    let (mut tables, mut described) = (BTreeMap::new(), BTreeSet::new());
    for resource in package.map_or(&[][..], |package| package_resources(package)) {
        let Some(name) = resource["name"].as_str().filter(|name| !name.is_empty()) else { continue };
        let Ok(paths) = resource_paths(resource, name) else { continue };
        let format = resource["format"].as_str().and_then(Format::from_extension);
        let is_table = |path: &FilePath| format.is_some() || Format::from_name(path.as_str()).is_some();
        if !paths.is_empty() && paths.iter().all(is_table) {
            described.extend(paths.iter().cloned());
            tables.insert(name.to_owned(), paths);
        }
    }
    for path in files.into_iter().filter(|path| !described.contains(path)) {
        tables.insert(path.to_string(), vec![path]);
    }
    tables
}
