//! `rutter convert` and `rutter describe`: what the server adds to a dataset by reading its tables.

use std::process::ExitCode;
use std::time::Duration;

use clap::Args;
use rutter::error::{Error, Result};
use rutter::types::{RepoPath, amount};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::client::{ApiClient, ServerArguments};
use super::output::Output;
use super::progress::Progress;
use super::text_table::{printable, value_text};

/// How often the server is asked how far a conversion is.
const POLL: Duration = Duration::from_millis(500);

/// Convert a table of a dataset to Parquet, on the server
#[derive(Args)]
#[command(after_help = "\
Examples:
  rutter convert ada/birds birds.csv
  rutter convert ada/birds birds.csv --to data/birds.parquet --branch cleaning
  rutter convert ada/birds data/2024/ --overwrite
  rutter convert ada/birds birds.csv --no-wait

The file is added to the branch, with a resource in datapackage.json that names its source. The server goes on if this \
command is ended; run it again to wait for the same conversion.")]
pub(super) struct ConvertArguments {
    /// OWNER/NAME
    dataset: RepoPath,
    /// The path of a file, the name of a resource, or the path of a folder with a trailing `/`
    table: String,
    /// The path of the new file [default: the path of the table, with the extension .parquet]
    #[arg(long, value_name = "PATH")]
    to: Option<String>,
    /// The branch to read from and to write to [default: the default branch]
    #[arg(long)]
    branch: Option<String>,
    /// Replace the file if it exists already
    #[arg(long)]
    overwrite: bool,
    /// Do not wait until the conversion is done
    #[arg(long)]
    no_wait: bool,
    #[command(flatten)]
    server: ServerArguments,
}

/// Add what the server infers from tables to datapackage.json: columns, types, encoding, sizes
#[derive(Args)]
#[command(after_help = "\
Examples:
  rutter describe ada/birds --dry-run
  rutter describe ada/birds
  rutter describe ada/birds birds.csv data/2024/ --branch cleaning -m 'Describe the tables of 2024'

Without TABLE, all tables that no resource describes are described. Nothing that is there is changed: what differs is \
listed as a conflict.")]
pub(super) struct DescribeArguments {
    /// OWNER/NAME
    dataset: RepoPath,
    /// Tables, each by the name of a resource, the path of a file, or the path of a folder with a trailing `/`
    #[arg(value_name = "TABLE")]
    tables: Vec<String>,
    /// The branch [default: the default branch]
    #[arg(long)]
    branch: Option<String>,
    /// The commit message
    #[arg(short, long)]
    message: Option<String>,
    /// Print what would be added, and add nothing
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    server: ServerArguments,
}

/// A conversion, as the server describes it.
#[derive(Deserialize)]
struct Derivation {
    id: String,
    state: String,
    progress: f64,
    path: String,
    branch: String,
    rows: Option<u64>,
    bytes: Option<u64>,
    error: Option<String>,
    result: Option<String>,
}

/// What was described.
#[derive(Deserialize)]
struct Description {
    revision: Option<String>,
    added: Vec<Added>,
    conflicts: Vec<Conflict>,
    failed: Vec<Failed>,
    more: bool,
}

#[derive(Deserialize)]
struct Added {
    table: String,
    resource: String,
    property: String,
    value: Value,
}

#[derive(Deserialize)]
struct Conflict {
    resource: String,
    property: String,
    existing: Value,
    inferred: Value,
}

#[derive(Deserialize)]
struct Failed {
    table: String,
    detail: String,
}

/// Converts a table, and waits for its file.
pub(super) async fn convert(arguments: ConvertArguments) -> Result<ExitCode> {
    let ConvertArguments { dataset, table, to, branch, overwrite, no_wait, server } = arguments;
    let mut client = ApiClient::new(&server).await?;
    let (owner, name) = (dataset.owner.to_string(), dataset.name.to_string());
    let body = given([
        ("path", Some(json!(table))),
        ("to", to.map(Value::from)),
        ("branch", branch.map(Value::from)),
        ("overwrite", overwrite.then_some(json!(true))),
    ]);
    let response = client.post(client.url(&["datasets", &owner, &name, "convert"], &[])?, &body).await?;
    let mut found: Derivation = client.json(response).await?;
    let url = client.url(&["datasets", &owner, &name, "derivations", &found.id], &[])?;
    let mut line = Progress::new();
    while !no_wait && matches!(found.state.as_str(), "waiting" | "running") {
        line.show(|| match found.state.as_str() {
            "waiting" => "waiting".to_owned(),
            _ => format!("converting: {:.0} %", found.progress * 100.0),
        });
        tokio::time::sleep(POLL).await;
        let response = client.get(url.clone()).await.inspect_err(|_| line.end())?;
        found = client.json(response).await?;
    }
    line.end();
    let mut output = Output::open(None)?;
    output.put_lines(&outcome(&found)?)?;
    output.finish()?;
    Ok(ExitCode::SUCCESS)
}

/// Returns what the command says of a conversion.
///
/// # Errors
/// If it failed.
fn outcome(found: &Derivation) -> Result<String> {
    let Derivation { id, state, path, branch, rows, bytes, error, result, .. } = found;
    match state.as_str() {
        "done" => {
            let size = bytes.map_or_else(String::new, |bytes| format!(", {}", amount(bytes)));
            let rows = rows.map_or_else(String::new, |rows| format!(": {rows} rows{size}"));
            let commit: String = result.iter().flat_map(|result| result.chars().take(10)).collect();
            Ok(format!("{} ({})\n", printable(&format!("{path}{rows}")), printable(&format!("{branch}, {commit}"))))
        }
        "failed" => Err(Error::invalid(printable(error.as_deref().unwrap_or("the conversion failed")))),
        _ => Ok(format!("{}: {}, conversion {}\n", printable(path), printable(state), printable(id))),
    }
}

/// Describes tables.
pub(super) async fn describe(arguments: DescribeArguments) -> Result<ExitCode> {
    let DescribeArguments { dataset, tables, branch, message, dry_run, server } = arguments;
    let mut client = ApiClient::new(&server).await?;
    let body = given([
        ("tables", (!tables.is_empty()).then(|| json!(tables))),
        ("branch", branch.map(Value::from)),
        ("message", message.map(Value::from)),
        ("dry_run", dry_run.then_some(json!(true))),
    ]);
    let url = client.url(&["datasets", &dataset.owner.to_string(), &dataset.name.to_string(), "describe"], &[])?;
    let response = client.post(url, &body).await?;
    let found: Description = client.json(response).await?;
    let mut output = Output::open(None)?;
    output.put_lines(&report(&found, dry_run))?;
    output.finish()?;
    if found.more {
        eprintln!("rutter: there are more tables: run the command again");
    }
    Ok(if found.failed.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Returns the lines about a description.
fn report(found: &Description, dry_run: bool) -> String {
    let mut lines = Vec::new();
    for Added { table, resource, property, value } in &found.added {
        lines.push(match property.as_str() {
            "" => format!("+ {table}: new resource {resource}{}", columns(&value["schema"])),
            property => format!("+ {resource} {property}: {}", short(value)),
        });
    }
    for Conflict { resource, property, existing, inferred } in &found.conflicts {
        lines.push(format!(
            "! {resource} {property}: {} in datapackage.json, {} in the file",
            short(existing),
            short(inferred)
        ));
    }
    lines.extend(found.failed.iter().map(|Failed { table, detail }| format!("? {table}: {detail}")));
    lines.push(match &found.revision {
        Some(revision) => format!("committed as {}", revision.chars().take(10).collect::<String>()),
        None if dry_run && !found.added.is_empty() => "nothing was changed (--dry-run)".to_owned(),
        None => "there is nothing to add".to_owned(),
    });
    lines.iter().map(|line| printable(line) + "\n").collect()
}

/// Returns the number of columns of a schema.
fn columns(schema: &Value) -> String {
    match schema["fields"].as_array().map_or(0, Vec::len) {
        0 => String::new(),
        1 => " with 1 column".to_owned(),
        columns => format!(" with {columns} columns"),
    }
}

/// Returns a value, shortened.
fn short(value: &Value) -> String {
    const SHOWN: usize = 60;
    let text = value_text(value);
    match text.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

/// Returns the object with the members that have a value.
fn given<const N: usize>(members: [(&str, Option<Value>); N]) -> Value {
    let members = members.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?)));
    Value::Object(members.collect::<Map<_, _>>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reports_name_what_was_added_and_what_was_not() {
        let found: Description = serde_json::from_value(json!({
            "revision": "0123456789abcdef", "more": false,
            "added": [{"table": "a.csv", "resource": "a", "property": "", "value": {"schema": {"fields": [{}, {}]}}},
                {"table": "b", "resource": "b", "property": "/bytes", "value": 5}],
            "conflicts": [{"resource": "b", "property": "/schema/fields/0/type", "existing": "string", "inferred": "date"}],
            "failed": [{"table": "c\u{1b}.csv", "detail": "no"}],
        }))
        .unwrap();
        let expected = "+ a.csv: new resource a with 2 columns\n+ b /bytes: 5\n\
                        ! b /schema/fields/0/type: string in datapackage.json, date in the file\n? c\\u{1b}.csv: no\n";
        assert_eq!(report(&found, false), format!("{expected}committed as 0123456789\n"));
        let dry = Description { revision: None, ..found };
        assert!(report(&dry, true).ends_with("nothing was changed (--dry-run)\n"));
        let nothing = Description { added: Vec::new(), ..dry };
        assert!(report(&nothing, true).ends_with("there is nothing to add\n"));
    }

    #[test]
    fn failures_are_errors() {
        let derivation = |state: &str, error: Value| -> Derivation {
            serde_json::from_value(
                json!({"id": "1", "state": state, "progress": 0.5, "path": "a.parquet", "branch": "main",
                "rows": 3, "bytes": 2048, "error": error, "result": "0123456789abcdef"}),
            )
            .unwrap()
        };
        assert_eq!(
            outcome(&derivation("done", json!(null))).unwrap(),
            "a.parquet: 3 rows, 2.05 kB (main, 0123456789)\n"
        );
        assert_eq!(outcome(&derivation("failed", json!("row 2\u{1b}"))).unwrap_err().to_string(), "row 2\\u{1b}");
        assert_eq!(outcome(&derivation("waiting", json!(null))).unwrap(), "a.parquet: waiting, conversion 1\n");
    }
}
