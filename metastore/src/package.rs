//! What a dataset says about itself: its `datapackage.json` and the files that follow from it.
//!
//! Sources: the Data Package standard, versions 1 and 2 (`data-package`, `data-resource`, `table-schema`,
//! `table-dialect` at datapackage.org), RFC 6901, gitattributes(5), git-config(1), the Git LFS specification.
//!
//! Everything here is a function of its arguments, and its work grows with the size of the documents only. Documents
//! come from [`parse`], which bounds their depth; a [`Value`] built in another way is as deep as its maker made it.
//!
//! Throughout, a property that is `null` counts as one that is absent: Python's and CKAN's clients write it so.

mod changes;
mod check;
mod managed;
mod schema;
mod text;

pub use changes::{Change, Fields, File, License, Named, Org, Tags, TextChange, changes};
pub use check::check;
pub(crate) use managed::attributes;
pub use managed::{ATTRIBUTES, Beside, CONFIG, PACKAGE, Plan, Standing, plan};
pub use schema::{
    Constraint, ResourceSchema, SchemaChange, SchemaDiff, SchemaEdit, SchemaReport, Verdict, package_schemas,
    schema_changes,
};
pub use text::{PROBLEM_LIMIT, Problem, complaint};

use serde_json::{Map, Value};

/// Reads the bytes of a `datapackage.json`: JSON (RFC 8259) in UTF-8, at most 128 levels deep. A byte order mark at
/// the beginning is passed over. Of two properties with one name the later counts.
pub fn parse(bytes: &[u8]) -> Result<Value, Problem> {
    let bytes = bytes.strip_prefix("\u{feff}".as_bytes()).unwrap_or(bytes);
    serde_json::from_slice(bytes).map_err(|error| Problem::whole(format!("this is not JSON: {error}")))
}

/// The property `key` of `value`, if `value` is an object and the property is neither absent nor `null`.
fn get<'v>(value: &'v Value, key: &str) -> Option<&'v Value> {
    value.get(key).filter(|found| !found.is_null())
}

/// The same of an object.
fn member<'v>(object: &'v Map<String, Value>, key: &str) -> Option<&'v Value> {
    object.get(key).filter(|found| !found.is_null())
}

/// The resources of a package; none if there is no such list.
pub(crate) fn resources(package: &Value) -> &[Value] {
    get(package, "resources").and_then(Value::as_array).map_or(&[], Vec::as_slice)
}
