//! Messages of DataFusion in the words of the one who wrote the query.

use datafusion::common::{Column, SchemaError, TableReference};
use datafusion::error::DataFusionError;
use tables_wire::FailureKind;

use super::session::{CATALOG, DEFAULT_SCHEMA};
use crate::error::{Error, shortened};
use crate::names;

/// What no message may contain: names of libraries, of stores, and of their source code, and what only they understand.
const INTERNAL: [&str; 8] = [
    "datafusion",
    "DataFusion",
    "table://",
    ".rs:",
    "/src/",
    "sqlparser",
    "OuterReferenceColumn",
    "row count or at least",
];

/// Maximum length of a message of a library, in characters.
const SHOWN: usize = 300;

/// Explains why a query cannot be planned or run.
pub(super) fn explained(error: DataFusionError) -> Error {
    let mut error = Error::of_limit(&error).or_else(|| known(&error)).unwrap_or_else(|| error.into());
    if matches!(error.kind, FailureKind::Invalid | FailureKind::Limit) {
        error.message = error.message.replace(&format!("{CATALOG}.{DEFAULT_SCHEMA}."), "");
        error.message = error.message.replace(&format!("{CATALOG}."), "");
        uncapitalize(&mut error.message);
        if INTERNAL.iter().any(|word| error.message.contains(word)) {
            "the query uses something that is not supported; write it in another way".clone_into(&mut error.message);
        }
    }
    error
}

fn known(error: &DataFusionError) -> Option<Error> {
    match error {
        DataFusionError::SchemaError(error, _) => Some(Error::invalid(of_schema(error))),
        DataFusionError::Diagnostic(_, error) | DataFusionError::Context(_, error) => known(error),
        DataFusionError::Shared(error) => known(error),
        DataFusionError::Collection(errors) => errors.iter().find_map(known),
        DataFusionError::Plan(why) | DataFusionError::Execution(why) => Some(Error::invalid(of_plan(why))),
        DataFusionError::NotImplemented(why) => Some(Error::invalid(format!("not supported: {}", first_line(why)))),
        _ => None,
    }
}

fn of_schema(error: &SchemaError) -> String {
    match error {
        SchemaError::FieldNotFound { field, valid_fields } => unknown_column(field, valid_fields),
        SchemaError::AmbiguousReference { field } => {
            let name = shortened(field.name(), 60);
            format!("several tables have a column \"{name}\"; write TABLE.\"{name}\", or use other names with AS")
        }
        SchemaError::DuplicateQualifiedField { qualifier, .. } => format!(
            "several tables are named {} here; give them different names with AS",
            shortened(&table(qualifier), 100)
        ),
        SchemaError::DuplicateUnqualifiedField { name } => {
            format!("several columns are named \"{}\"; give them different names with AS", shortened(name, 60))
        }
    }
}

fn unknown_column(field: &Column, known: &[Column]) -> String {
    if let Some(qualifier) = &field.relation
        && !known.iter().any(|other| other.relation.as_ref().is_some_and(|other| qualifier.resolved_eq(other)))
    {
        let mut tables: Vec<_> = known.iter().filter_map(|column| column.relation.as_ref()).map(table).collect();
        tables.dedup();
        let table = shortened(&table(qualifier), 60);
        let name = shortened(field.name(), 60);
        return match &tables[..] {
            [] => format!("unknown table {table} of the column \"{name}\""),
            tables => format!(
                "unknown table {table} of the column \"{name}\"; the query has {}",
                shortened(&tables.join(", "), 200)
            ),
        };
    }
    let candidates = known.iter().filter(|other| match (&field.relation, &other.relation) {
        (Some(table), Some(other)) => table.resolved_eq(other),
        _ => true,
    });
    let mut candidates: Vec<&str> = candidates.map(Column::name).collect();
    candidates.sort_unstable();
    candidates.dedup();
    names::unknown(candidates, field.name(), "DESCRIBE \"TABLE\" lists the columns of a table").message
}

/// Returns the name of a table as it is written in a query.
fn table(name: &TableReference) -> String {
    match name.schema() {
        Some(schema) if schema != DEFAULT_SCHEMA => format!("\"{schema}\".\"{}\"", name.table()),
        _ => format!("\"{}\"", name.table()),
    }
}

/// Explains an error that has only a text.
fn of_plan(why: &str) -> String {
    if why.contains("require unique expression names") {
        return "several columns of a subquery have the same name; give them different names with AS".to_owned();
    }
    if why.starts_with("variable [") {
        return "there are no variables; write a parameter, $1 or $name".to_owned();
    }
    if let Some(rest) = why.strip_prefix("Invalid function '")
        && let Some((name, rest)) = rest.split_once('\'')
    {
        let similar = rest.split_once("Did you mean '").and_then(|(_, similar)| similar.split('\'').next());
        // The planner names one, however different it is.
        let similar = similar.filter(|similar| {
            name.len() <= similar.len() * 2 && 2 * strsim::levenshtein(&name.to_lowercase(), similar) <= name.len()
        });
        let name = shortened(name, 60);
        return match similar {
            Some(similar) => format!("unknown function {name}; did you mean {similar}?"),
            None => format!("unknown function {name}"),
        };
    }
    if why.contains("must appear in the GROUP BY clause")
        && let Some((_, rest)) = why.split_once("column \"")
        && let Some((column, _)) = rest.split_once("\" must appear")
    {
        return format!("the column {} must be in GROUP BY or in an aggregate function", shortened(column, 100));
    }
    if let Some((before, rest)) = why.split_once("' failed to match any signature")
        && let Some((_, name)) = before.rsplit_once('\'')
    {
        let received = rest.split_once("but received ").and_then(|(_, rest)| rest.split([' ', '.', ',']).next());
        return match received {
            Some(received) => format!("the function {name} does not accept {received}; convert values with CAST"),
            None => format!("the function {name} does not accept these types; convert values with CAST"),
        };
    }
    first_line(why)
}

/// Returns the first line of a message.
fn first_line(why: &str) -> String {
    let why = why.replace("Error during planning: ", "").replace("Internal error: ", "");
    shortened(why.lines().next().unwrap_or_default().trim_end_matches('.'), SHOWN)
}

/// Writes the first letter of a sentence in lower case.
fn uncapitalize(message: &mut String) {
    let mut chars = message.chars();
    if let (Some(first), Some(second)) = (chars.next(), chars.next())
        && first.is_ascii_uppercase()
        && (second.is_ascii_lowercase() || second == ' ')
    {
        message.replace_range(..1, &first.to_ascii_lowercase().to_string());
    }
}
