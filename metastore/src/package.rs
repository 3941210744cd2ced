//! Data Package: validation of `datapackage.json`, the files managed with it, and schema and metadata diffs.
//!
//! Sources: the Data Package standard, versions 1 and 2 (`data-package`, `data-resource`, `table-schema`,
//! `table-dialect` at datapackage.org), RFC 6901, gitattributes(5), git-config(1), the Git LFS specification.
//!
//! All functions are pure, and their running time depends on the size of the documents only. Documents should
//! come from [`parse`], which limits their depth; a [`Value`] built in another way has no such limit.
//!
//! Throughout, a property that is `null` counts as absent, since Python and CKAN clients write it that way.

mod changes;
mod check;
mod managed;
mod schema;
mod text;

pub use changes::{Change, Fields, File, License, Named, Org, Tags, TextChange, changes};
pub use check::check;
pub(crate) use managed::attributes;
pub use managed::{ATTRIBUTES, CONFIG, ManagedContent, ManagedState, PACKAGE, Plan, plan};
pub use schema::{
    Constraint, ResourceSchema, SchemaChange, SchemaDiff, SchemaEdit, SchemaReport, Verdict, package_schemas,
    schema_changes,
};
pub use text::{PROBLEM_LIMIT, Problem, complaint};

use serde_json::{Map, Value};

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
pub(crate) fn resources(package: &Value) -> &[Value] {
    get(package, "resources").and_then(Value::as_array).map_or(&[], Vec::as_slice)
}
