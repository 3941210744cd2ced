//! Which tables a dataset has.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use metastore::{Entry, EntryKind, FilePath, ObjectId};
use serde_json::{Map, Value};
use tables_wire::Format;

use super::Tables;
use super::describe::described;
use super::names::{package_path, package_resources, resource_paths};
use crate::access::{DatasetGrant, Read, TableGrant};
use crate::datasets::browse::Listing;
use crate::datasets::package::Package;
use crate::error::{Kind, Result};

/// Maximum number of tables of a dataset that are listed.
pub const MAX_LISTED: usize = 1000;

/// Maximum number of files and folders that are searched for tables.
const MAX_ENTRIES: usize = 10_000;

/// A page of the tables of a revision.
pub struct TableList {
    /// The revision.
    pub commit: ObjectId,
    /// The tables, by name.
    pub tables: Vec<ListedTable>,
    /// True if more tables follow.
    pub more: bool,
    /// The number of files and folders that were searched.
    pub searched: usize,
}

/// A table of a revision, and what the Data Package says about it.
pub struct ListedTable {
    /// The name: of a resource, otherwise the path of the file.
    pub name: String,
    /// The paths of its files.
    pub paths: Vec<FilePath>,
    /// The format of its files; `None` if they have different ones, so that it cannot be read.
    pub format: Option<Format>,
    /// The size of its files in bytes; `None` if one of them was not found.
    pub bytes: Option<u64>,
    /// The title of the resource.
    pub title: Option<String>,
    /// The description of the resource.
    pub description: Option<String>,
    /// The Table Schema of the resource, if it is in the package itself.
    pub schema: Option<Map<String, Value>>,
}

impl Tables {
    /// Lists `limit` tables of a revision from number `offset` on, by name: the resources of the Data Package that are
    /// tables, and all other files with the name of one. Only the names of files are read.
    ///
    /// # Errors
    /// Not found if the revision does not exist.
    pub async fn list_at(
        &self,
        grant: &DatasetGrant<Read>,
        revision: &str,
        offset: usize,
        limit: usize,
    ) -> Result<TableList> {
        let datasets = &self.0.datasets;
        let (commit, package) = datasets.package_for(&grant.at(package_path()), Some(revision)).await?;
        let listing = Listing { recursive: true, limit: MAX_ENTRIES, ..Listing::default() };
        let listed = datasets.list(&grant.at(None), Some(&commit.to_string()), listing).await?;
        let entries = listed.map(|folder| folder.entries).unwrap_or_default();
        let searched = entries.len();
        let files = entries.into_iter().map(|found| found.entry).filter(|entry| is_file(entry.kind));
        let size = |entry: &Entry| entry.pointer.as_ref().map(|pointer| pointer.size).or(entry.size).unwrap_or(0);
        let sizes: HashMap<FilePath, u64> =
            files.filter_map(|entry| Some((entry.path.parse().ok()?, size(&entry)))).collect();
        let named = sizes.keys().filter(|path| Format::from_name(path.as_str()).is_some()).cloned().collect();
        let mut all = tables_of(package.as_ref(), named).into_iter().skip(offset);
        let page: Vec<_> = all.by_ref().take(limit).collect();
        let resources = package.as_ref().map_or(&[][..], |package| package_resources(package));
        let resources: HashMap<&str, &Value> =
            resources.iter().rev().filter_map(|resource| Some((resource["name"].as_str()?, resource))).collect();
        let tables = page.into_iter().map(|(name, paths)| {
            let resource = resources.get(name.as_str()).copied().unwrap_or(&Value::Null);
            let bytes = paths.iter().map(|path| sizes.get(path)).sum();
            ListedTable::new(name, paths, bytes, resource)
        });
        Ok(TableList { commit, tables: tables.collect(), more: all.next().is_some(), searched })
    }

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
        Ok(entries
            .filter(|entry| is_file(entry.kind) && Format::from_name(&entry.path).is_some())
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

impl ListedTable {
    fn new(name: String, paths: Vec<FilePath>, bytes: Option<u64>, resource: &Value) -> Self {
        let declared = resource["format"].as_str().and_then(Format::from_extension);
        let formats = paths.iter().map(|path| Format::from_name(path.as_str()).map(|(format, _)| format));
        let formats: BTreeSet<_> = formats.map(|format| declared.or(format).map(Format::as_str)).collect();
        let format = match Vec::from_iter(formats)[..] {
            [Some(only)] => Format::from_extension(only),
            _ => None,
        };
        let text = |key: &str| resource[key].as_str().map(ToOwned::to_owned);
        let schema = resource["schema"].as_object().cloned();
        Self { name, paths, format, bytes, title: text("title"), description: text("description"), schema }
    }
}

fn is_file(kind: EntryKind) -> bool {
    matches!(kind, EntryKind::File | EntryKind::Executable)
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
