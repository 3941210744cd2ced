//! Describing tables: what engines infer from the files is added to `datapackage.json`, as one revision.

use std::collections::HashSet;
use std::time::Instant;

use datapackage::{Described, describe, resource_name};
use metastore::{FilePath, ObjectId};
use serde_json::{Map, Value, json};
use tables_wire::{Compression, Format, Task};

use super::names::{LocatedTable, package_resources};
use super::source::TableContent;
use super::{Charge, Tables};
use crate::access::{DatasetGrant, TableGrant, Write};
use crate::datasets::package::Package;
use crate::datasets::package_edit::{PackageEditOptions, new_package, resources_mut};
use crate::datasets::revisions::CommitMeta;
use crate::error::{Error, Kind, Result};

/// Maximum number of tables that one request describes.
pub const MAX_DESCRIBED: usize = 100;

/// How often tables are described again because their files changed meanwhile.
const ATTEMPTS: usize = 3;

/// The tables to describe.
#[derive(Debug, Clone)]
pub struct DescribeRequest {
    /// Their names. Default: all without a resource.
    pub tables: Option<Vec<String>>,
    /// True to return what would be added without adding it.
    pub dry_run: bool,
}

/// What was added to the package.
#[derive(Debug, Clone, Default)]
pub struct DescribeReport {
    /// The revision that was read; `None` for a dataset without revisions.
    pub from: Option<ObjectId>,
    /// The new revision; `None` if nothing was added, and for a dry run.
    pub revision: Option<ObjectId>,
    /// Properties that were missing.
    pub added: Vec<DescribedProperty>,
    /// Properties that differ from what was found, and stay as they are.
    pub conflicts: Vec<DescribedConflict>,
    /// Tables that cannot be read, with the reasons.
    pub failed: Vec<(String, String)>,
    /// True if there are more tables than were described.
    pub more: bool,
}

/// A property that was added.
#[derive(Debug, Clone)]
pub struct DescribedProperty {
    /// The name of the table, as it was asked for or found.
    pub table: String,
    /// The name of its resource.
    pub resource: String,
    /// The place in the resource, as a JSON pointer; empty for a new resource.
    pub property: String,
    /// The value.
    pub value: Value,
}

/// A property that differs from what was found.
#[derive(Debug, Clone)]
pub struct DescribedConflict {
    /// The name of the table, as it was asked for or found.
    pub table: String,
    /// The name of its resource.
    pub resource: String,
    /// The place in the resource, as a JSON pointer.
    pub property: String,
    /// What the resource says.
    pub existing: Value,
    /// What was found.
    pub found: Value,
}

/// What was found out about a table.
struct Findings {
    table: String,
    paths: Vec<String>,
    format: Format,
    contents: Vec<(FilePath, String)>,
    properties: Map<String, Value>,
}

impl Tables {
    /// Adds what is missing in the resources of tables: `schema`, `dialect`, `encoding`, `format`, `bytes` and `hash`; and
    /// resources for tables without.
    ///
    /// # Errors
    /// Not found if the branch does not exist; invalid for too many tables, and if the package is not valid; unavailable
    /// without the engine; conflict if files change all the time; as for [`Datasets::commit_operations`].
    ///
    /// [`Datasets::commit_operations`]: crate::datasets::Datasets::commit_operations
    pub async fn describe(
        &self,
        write: &DatasetGrant<Write>,
        grant: &TableGrant,
        request: DescribeRequest,
        meta: CommitMeta,
        charge: Charge,
    ) -> Result<DescribeReport> {
        if request.tables.as_ref().is_some_and(|tables| tables.len() > MAX_DESCRIBED) {
            return Err(Error::invalid(format!("`tables` must have at most {MAX_DESCRIBED} items")));
        }
        let begin = Instant::now();
        let mut attempt = 1;
        loop {
            match self.describe_once(write, grant, &request, meta.clone(), &charge, begin).await {
                Err(error) if error.kind() == Kind::Precondition && meta.parent.is_none() => {
                    if attempt == ATTEMPTS {
                        return Err(Error::conflict(error.detail()));
                    }
                    attempt += 1;
                }
                done => return done,
            }
        }
    }

    async fn describe_once(
        &self,
        write: &DatasetGrant<Write>,
        grant: &TableGrant,
        request: &DescribeRequest,
        meta: CommitMeta,
        charge: &Charge,
        begin: Instant,
    ) -> Result<DescribeReport> {
        let (branch, head) = self.0.datasets.branch_head(write, meta.branch.clone()).await?;
        let Some(head) = head else { return Ok(DescribeReport::default()) };
        self.engine_version().await?;
        let mut report = DescribeReport { from: Some(head), ..DescribeReport::default() };
        // An invalid package is an error before anything is read.
        let package = self.0.datasets.package(&write.narrow(), Some(&head.to_string())).await?.package;
        let mut names = match &request.tables {
            Some(tables) => tables.clone(),
            None => self.undescribed(grant, head, package.as_ref(), MAX_DESCRIBED + 1).await?,
        };
        let mut seen = HashSet::new();
        names.retain(|name| seen.insert(name.clone()));
        report.more = names.len() > MAX_DESCRIBED;
        names.truncate(MAX_DESCRIBED);
        let mut all = Vec::new();
        for name in names {
            if begin.elapsed() > self.0.timeout.time {
                report.more = true;
                break;
            }
            match self.examine(grant, head, &name, charge).await {
                Ok(findings) => all.push(findings),
                Err(error) if is_about_table(&error) => report.failed.push((name, error.detail().to_owned())),
                Err(error) => return Err(error),
            }
        }
        if all.is_empty() {
            return Ok(report);
        }
        let options = PackageEditOptions {
            unchanged: all.iter().flat_map(|findings| findings.contents.clone()).collect(),
            dry_run: request.dry_run,
            ..PackageEditOptions::default()
        };
        let name = &write.dataset().name;
        let new = |package: Option<&Package>| merge(package, name, &all);
        let count = all.len();
        let default = match &all[..] {
            [only] => format!("Describe {}", only.table),
            _ => format!("Describe {count} tables"),
        };
        let meta = CommitMeta { branch: Some(branch), ..meta }.or_message(&default);
        let (outcome, merged) = self.0.datasets.edit_package(write, meta, &options, new).await?;
        (report.added, report.conflicts) = merged.unwrap_or_default();
        report.revision = outcome.made().ok();
        Ok(report)
    }

    /// Infers what can be said of a table.
    async fn examine(&self, grant: &TableGrant, head: ObjectId, name: &str, charge: &Charge) -> Result<Findings> {
        let mut located = self.find(grant, &head.to_string(), name).await?;
        // The schema is to be compared with what the file has; without dialect and encoding, the file is not readable.
        located.table.declared.remove("schema");
        let (contents, format) = (located.contents()?, located.table.format);
        let paths: Vec<String> = located.table.files.iter().map(|file| file.name.clone()).collect();
        let size = size_and_hash(&located);
        let inferred = self.start(grant.actor(), vec![located], Task::Infer, charge.clone()).await?;
        let (inferred, _) = inferred.gather().await?;
        let mut inferred: Map<String, Value> = serde_json::from_slice(&inferred).map_err(Error::internal)?;
        // Only if all of them were read.
        let is_complete = inferred.get("is_complete").and_then(Value::as_bool).unwrap_or_default();
        let rows = inferred.get("rows").and_then(Value::as_u64).filter(|_| is_complete);
        let first = paths.first().map_or(name, String::as_str);
        let mut properties = Map::from_iter([("format".to_owned(), json!(format_name(first, format)))]);
        for key in ["encoding", "dialect", "schema"] {
            if let Some(value) = inferred.shift_remove(key).filter(|value| !value.is_null()) {
                properties.insert(key.to_owned(), value);
            }
        }
        properties.extend(size);
        if let Some(rows) = rows {
            properties.insert("stats".to_owned(), json!({"rows": rows}));
        }
        Ok(Findings { table: name.to_owned(), paths, format, contents, properties })
    }
}

/// Returns the properties `bytes` and `hash` of a table with one file. Files outside Git LFS get no `hash`: with it, a
/// resource stands for an object in Git LFS.
fn size_and_hash(located: &LocatedTable) -> Map<String, Value> {
    let [TableContent::File(file)] = &located.files[..] else { return Map::new() };
    let mut found = Map::from_iter([("bytes".to_owned(), json!(file.size))]);
    if let Some(oid) = file.oid {
        found.insert("hash".to_owned(), json!(format!("sha256:{oid}")));
    }
    found
}

/// Returns true if an error is about one table, so that others can be described.
fn is_about_table(error: &Error) -> bool {
    matches!(error.kind(), Kind::NotFound | Kind::UnsupportedMedia | Kind::Invalid | Kind::TooLarge | Kind::Malformed)
}

/// What was added, and what was not.
type Merged = (Vec<DescribedProperty>, Vec<DescribedConflict>);

/// Adds what was found to a package.
///
/// # Errors
/// Invalid if its resources are not a list.
fn merge(package: Option<&Package>, dataset: &str, all: &[Findings]) -> Result<(Package, Merged)> {
    let mut package = package.cloned().unwrap_or_else(|| new_package(dataset));
    let (mut added, mut conflicts) = Merged::default();
    for Findings { table, paths, format, properties, .. } in all {
        let resources = resources_mut(&mut package)?;
        let is_it = |resource: &Value| resource["name"] == **table || has_paths(resource, paths);
        let Some(resource) = resources.iter_mut().find(|resource| is_it(resource)).and_then(Value::as_object_mut)
        else {
            let first = if paths.len() == 1 { paths[0].as_str() } else { table };
            let name = resource_name(first, |name| resources.iter().any(|other| other["name"] == name));
            let path = if let [path] = &paths[..] { json!(path) } else { json!(paths) };
            let mut resource = json!({"name": name, "type": "table", "path": path});
            if let Some(resource) = resource.as_object_mut() {
                resource.extend(properties.clone());
            }
            let property = String::new();
            added.push(DescribedProperty { table: table.clone(), resource: name, property, value: resource.clone() });
            resources.push(resource);
            continue;
        };
        let mut properties = properties.clone();
        if resource.get("format").and_then(Value::as_str).and_then(Format::from_extension) == Some(*format) {
            // Only another name of it.
            properties.shift_remove("format");
        }
        let is_set = |key| resource.get(key).is_some_and(|value| !value.is_null());
        if !properties.contains_key("hash") && (is_set("hash") || is_set("sha256")) {
            // With a size as well, the resource would stand for an object in Git LFS.
            properties.shift_remove("bytes");
        }
        let found = describe(resource, &properties);
        let Described { resource: new, added: new_properties, conflicts: differences } = found;
        let name = resource.get("name").and_then(Value::as_str).unwrap_or_default().to_owned();
        added.extend(new_properties.into_iter().map(|new| DescribedProperty {
            table: table.clone(),
            resource: name.clone(),
            property: new.property,
            value: new.value,
        }));
        conflicts.extend(differences.into_iter().map(|conflict| DescribedConflict {
            table: table.clone(),
            resource: name.clone(),
            property: conflict.property,
            existing: conflict.existing,
            found: conflict.found,
        }));
        *resource = new;
    }
    Ok((package, (added, conflicts)))
}

/// Returns true if a resource has exactly these files.
fn has_paths(resource: &Value, paths: &[String]) -> bool {
    match &resource["path"] {
        Value::Array(own) => own.iter().map(Value::as_str).eq(paths.iter().map(|path| Some(path.as_str()))),
        own => paths.len() == 1 && own == paths[0].as_str(),
    }
}

/// Returns the paths of all files that resources describe.
pub(super) fn described(package: Option<&Package>) -> HashSet<&str> {
    let resources = package.map_or(&[][..], package_resources);
    let paths = resources.iter().flat_map(|resource| match &resource["path"] {
        Value::Array(paths) => &paths[..],
        path => std::slice::from_ref(path),
    });
    paths.filter_map(Value::as_str).collect()
}

/// Returns the format of a file by its name, as it is called in a Data Package.
fn format_name(path: &str, format: Format) -> String {
    let name = path.rsplit('/').next().unwrap_or(path);
    let stem = Compression::split(name).0;
    let extension = stem.rsplit_once('.').map(|(_, extension)| extension.to_ascii_lowercase());
    match extension.as_deref() {
        Some("tab") => "tsv".to_owned(),
        Some(extension) if Format::from_extension(extension) == Some(format) => extension.to_owned(),
        _ => format.as_str().to_owned(),
    }
}
