//! Data Packages: validation of `datapackage.json`, its files in Git LFS, schema and metadata diffs; the CKAN mapping
//! ([`ckan`]).
//!
//! The crate knows documents, but no Git: a repository tells it by a function which paths it allows.
//!
//! Sources: the Data Package standard, versions 1 and 2 (`data-package`, `data-resource`, `table-schema`,
//! `table-dialect` at datapackage.org), RFC 6901.
//!
//! All functions on packages are pure, and their running time depends on the size of the documents only. Documents
//! should come from [`parse`], which limits their depth; a [`Value`] built in another way has no such limit.
//!
//! Throughout, a property that is `null` counts as absent, since Python and CKAN clients write it that way.

mod changes;
mod check;
mod describe;
mod error;
mod lfs_files;
mod merge;
mod rewrite;
mod schema;
mod text;
mod values;

pub mod ckan;

pub use changes::{Change, Fields, File, License, Named, Org, Tags, TextChange, changes};
pub use check::check;
pub use describe::{Addition, Conflict, Described, Found, describe, resource_name};
pub use error::{Error, Result};
pub use lfs_files::{LfsFile, MAX_BYTES, Plan, plan};
pub use merge::merge;
pub use rewrite::rewrite;
pub use schema::{
    Constraint, ResourceSchema, SchemaChange, SchemaDiff, SchemaEdit, SchemaReport, Verdict, package_schemas,
    schema_changes,
};
pub use text::{PROBLEM_LIMIT, Problem, complaint};

use serde_json::{Map, Value};

/// File name of the data package.
pub const PACKAGE: &str = "datapackage.json";

/// Parses the bytes of a `datapackage.json`: JSON (RFC 8259) in UTF-8, at most 128 levels deep. A leading
/// byte order mark is skipped. Of duplicate properties the last one counts.
pub fn parse(bytes: &[u8]) -> Result<Value, Problem> {
    let bytes = bytes.strip_prefix("\u{feff}".as_bytes()).unwrap_or(bytes);
    serde_json::from_slice(bytes).map_err(|error| Problem::whole(format!("invalid JSON: {error}")))
}

/// Returns the property `key` of `value`, if `value` is an object and the property is neither absent nor `null`.
fn get<'v>(value: &'v Value, key: &str) -> Option<&'v Value> {
    value.get(key).filter(|found| !found.is_null())
}

/// Like [`get`], for an object.
fn member<'v>(object: &'v Map<String, Value>, key: &str) -> Option<&'v Value> {
    object.get(key).filter(|found| !found.is_null())
}

/// Returns the resources of a package; empty if there is no such list.
pub fn resources(package: &Value) -> &[Value] {
    get(package, "resources").and_then(Value::as_array).map_or(&[], Vec::as_slice)
}
