//! The files of conversions: their paths, and their resources.

use datapackage::{PACKAGE, resource_name};
use lfs::Pointer;
use metastore::FilePath;
use serde_json::{Value, json};
use tables_wire::{Compression, Done};

use super::super::names::LocatedTable;
use crate::datasets::package::Package;
use crate::datasets::package_edit::{new_package, resources_mut};
use crate::datasets::tree_api::expect_shown;
use crate::error::{Error, Result};

/// The extension of the files.
const EXTENSION: &str = ".parquet";

/// Maximum number of files that are listed as sources one by one.
const MAX_SOURCES: usize = 100;

/// Returns the path for the file of a table: beside its first file.
///
/// # Errors
/// Invalid for a name that is too long.
pub(super) fn default_target(name: &str, located: &LocatedTable) -> Result<FilePath> {
    let first = located.table.files.first().map_or(name, |file| file.name.as_str());
    let target = match located.table.files.len() {
        1 => format!("{}{EXTENSION}", stem(first)),
        // The files of a folder.
        _ if name.ends_with('/') => format!("{}{EXTENSION}", name.trim_end_matches('/')),
        _ => {
            let folder = first.rsplit_once('/').map(|(folder, _)| format!("{folder}/")).unwrap_or_default();
            format!("{folder}{}{EXTENSION}", name.replace('/', "-"))
        }
    };
    Ok(target.parse()?)
}

/// Returns the path of a table without its extensions.
fn stem(path: &str) -> &str {
    let (stem, _) = Compression::split(path);
    match stem.rsplit_once('.') {
        Some((stem, extension)) if !stem.is_empty() && !stem.ends_with('/') && !extension.contains('/') => stem,
        _ => stem,
    }
}

/// Checks that a file of this name can be made of a table.
///
/// # Errors
/// Invalid.
pub(super) fn expect_target(target: &FilePath, located: &LocatedTable) -> Result<()> {
    expect_shown(target)?;
    if !target.as_str().to_ascii_lowercase().ends_with(EXTENSION) {
        return Err(Error::invalid(format!("`to` must end with {EXTENSION}, since the file is a Parquet file")));
    }
    if located.table.files.iter().any(|file| file.name == target.as_str()) {
        return Err(Error::invalid(format!("{target} is a file of the table itself; give another path with `to`")));
    }
    Ok(())
}

/// Returns a package with the resource of a new file.
///
/// # Errors
/// Invalid if the resources of the package are not a list.
pub(super) fn with_resource(
    package: Option<&Package>,
    dataset: &str,
    target: &FilePath,
    pointer: &Pointer,
    done: &Done,
    located: &LocatedTable,
) -> Result<Package> {
    let mut package = package.cloned().unwrap_or_else(|| new_package(dataset));
    let resources = resources_mut(&mut package)?;
    let version = located.source.commit.to_string();
    let files = &located.table.files;
    let sources: Vec<Value> = if files.len() > MAX_SOURCES {
        vec![json!({"title": located.source.table, "version": version})]
    } else {
        files.iter().map(|file| json!({"title": file.name, "path": file.name, "version": version})).collect()
    };
    let found = [
        ("format", json!("parquet")),
        ("mediatype", json!("application/vnd.apache.parquet")),
        ("bytes", json!(pointer.size)),
        ("hash", json!(format!("sha256:{}", pointer.oid))),
        ("schema", done.schema.clone()),
        ("stats", json!({"rows": done.rows})),
        ("sources", json!(sources)),
    ];
    let place = resources.iter().position(|resource| resource["path"] == target.as_str());
    let index = place.unwrap_or_else(|| {
        let name = resource_name(target.as_str(), |name| resources.iter().any(|other| other["name"] == name));
        resources.push(json!({"name": name, "type": "table", "path": target.as_str()}));
        resources.len() - 1
    });
    let resource = resources[index].as_object_mut();
    let resource = resource.ok_or_else(|| Error::invalid(format!("a resource of {PACKAGE} is not an object")))?;
    // The hash of the file that is replaced.
    resource.shift_remove("sha256");
    resource.extend(found.map(|(key, value)| (key.to_owned(), value)));
    Ok(package)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn extensions_are_replaced() {
        for (path, expected) in [
            ("birds.csv", "birds"),
            ("a.b/birds.2024.csv.gz", "a.b/birds.2024"),
            ("data/.csv", "data/.csv"),
            ("a.b/birds", "a.b/birds"),
            ("birds", "birds"),
        ] {
            assert_eq!(stem(path), expected, "{path}");
        }
    }
}
