//! Which tables a dataset has.

use std::collections::BTreeSet;

use metastore::{Entry, EntryKind, ObjectId};
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
        let (mut names, mut described) = (BTreeSet::new(), BTreeSet::new());
        for resource in package.as_ref().map_or(&[][..], |package| package_resources(package)) {
            let Some(name) = resource["name"].as_str().filter(|name| !name.is_empty()) else { continue };
            let Ok(paths) = resource_paths(resource, name) else { continue };
            let format = resource["format"].as_str().and_then(Format::from_extension);
            let is_table = |path: &str| format.is_some() || Format::from_name(path).is_some();
            if !paths.is_empty() && paths.iter().all(|path| is_table(path.as_str())) {
                names.insert(name.to_owned());
                described.extend(paths.iter().map(ToString::to_string));
            }
        }
        names.extend(self.files(grant, commit).await?.into_iter().filter(|path| !described.contains(path)));
        Ok(names.into_iter().take(MAX_LISTED).collect())
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
        let files = self.files(grant, commit).await?.into_iter();
        Ok(files.filter(|path| !described.contains(path.as_str())).take(limit).collect())
    }

    /// Returns the files of a revision that are tables by their name.
    async fn files(&self, grant: &TableGrant, commit: ObjectId) -> Result<Vec<String>> {
        let listing = Listing { recursive: true, limit: MAX_ENTRIES, ..Listing::default() };
        let listed = self.0.datasets.list(&grant.narrow(), Some(&commit.to_string()), listing).await?;
        let entries = listed.map(|folder| folder.entries).unwrap_or_default().into_iter().map(|found| found.entry);
        let is_table = |entry: &Entry| {
            matches!(entry.kind, EntryKind::File | EntryKind::Executable) && Format::from_name(&entry.path).is_some()
        };
        Ok(entries.filter(is_table).map(|entry| entry.path).collect())
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
