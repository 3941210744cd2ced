//! `rutter sql`.

use std::io::{IsTerminal as _, Read as _};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, ValueEnum};
use rutter::error::{Error, Result};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::client::{ApiClient, ServerArguments};
use super::output::Output;
use super::text_table::{Cell, HEADER, TextColumn, TextTable, printable, value_text};

/// Maximum length of a query, in bytes.
const MAX_QUERY: usize = 64 << 10;

/// The revision of tables that were named without one.
const NEWEST: &str = "HEAD";

/// Query tables of datasets with SQL
#[derive(Args)]
#[command(after_help = r#"Examples:
  rutter sql 'SELECT species, count(*) FROM "birds.csv" GROUP BY species' --default ada/birds
  rutter sql 'SELECT * FROM "ada/birds@v1.0"."birds.csv" WHERE count > $1' --param 10 --format csv -o birds.csv
  rutter sql 'SELECT * FROM "birds.csv" WHERE species = $name' --default ada/birds@v1.0 --param name='Parus major'
  rutter sql --saved queries/by-species.sql --default ada/birds@v1.0
  rutter sql --default ada/birds --format parquet -o result.parquet < query.sql

A table is the name of a resource, the path of a file, or the path of a folder with a trailing `/`, in double quotes. \
You need the right to download its data.

A parameter is null, true, false, a number or a string: `--param 10` is a number, and `--param '"10"'` a string. `--param \
name=10` sets $name; `--param =a=b` is the string `a=b`."#)]
pub(super) struct SqlArguments {
    /// The query; `-`, or nothing, to read it from standard input
    query: Option<String>,
    /// Where names of tables without a dataset are looked up
    #[arg(long, value_name = "OWNER/NAME[@REVISION]")]
    default: Option<String>,
    /// Run the query in this file of the default dataset
    #[arg(long, value_name = "PATH", conflicts_with = "query", requires = "default")]
    saved: Option<String>,
    /// The value of $1, of the next parameter if repeated, or of $NAME
    #[arg(long = "param", value_name = "[NAME=]VALUE", allow_hyphen_values = true)]
    parameters: Vec<String>,
    /// The format of the result [default: by the name of FILE; table on a terminal, otherwise csv]
    #[arg(long)]
    format: Option<SqlFormat>,
    /// Write the result to a file, which appears once it is complete
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Maximum number of rows [default: 10000 for table and json, otherwise all]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    limit: Option<u64>,
    #[command(flatten)]
    server: ServerArguments,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum SqlFormat {
    Table,
    Csv,
    Json,
    Parquet,
    Arrow,
}

impl SqlFormat {
    /// Returns the name of the format in requests.
    fn of_response(self) -> &'static str {
        match self {
            Self::Table | Self::Json => "json",
            Self::Csv => "csv",
            Self::Parquet => "parquet",
            Self::Arrow => "arrow",
        }
    }
}

/// A result, as JSON.
#[derive(Deserialize)]
struct QueryResult {
    fields: Vec<tables_wire::Column>,
    rows: Vec<Vec<Value>>,
    more: bool,
    sources: Vec<QuerySource>,
}

/// What the command says of a result as JSON.
#[derive(Deserialize)]
struct QueryEnd {
    more: bool,
}

/// A table that a result was computed from.
#[derive(Deserialize)]
struct QuerySource {
    dataset: String,
    revision: String,
    commit: String,
    table: String,
}

impl SqlArguments {
    /// Reads the query from standard input, if it is to come from there.
    pub(super) fn with_query(mut self) -> Result<Self> {
        let is_given = self.query.as_deref().is_some_and(|query| query != "-");
        if is_given || self.saved.is_some() {
            return Ok(self);
        }
        let input = std::io::stdin();
        if input.is_terminal() {
            eprintln!("Type a query, then Ctrl-D.");
        }
        let (mut query, limit) = (String::new(), MAX_QUERY as u64 + 1);
        let read = input.lock().take(limit).read_to_string(&mut query);
        read.map_err(|error| Error::invalid(format!("cannot read the query from standard input: {error}")))?;
        self.query = Some(query);
        Ok(self)
    }

    /// Returns the body of the request.
    fn body(&self, format: SqlFormat) -> Result<Value> {
        let mut body = Map::new();
        if let Some(query) = &self.query {
            if query.trim().is_empty() {
                return Err(Error::invalid("the query is empty"));
            }
            if query.len() > MAX_QUERY {
                return Err(Error::invalid(format!("a query can have at most {MAX_QUERY} bytes")));
            }
            body.insert("query".into(), json!(query));
        }
        for (name, value) in [("default", &self.default), ("saved", &self.saved)] {
            if let Some(value) = value {
                body.insert(name.into(), json!(value));
            }
        }
        if let Some(parameters) = parameters(&self.parameters)? {
            body.insert("parameters".into(), parameters);
        }
        if let Some(limit) = self.limit {
            body.insert("limit".into(), json!(limit));
        }
        body.insert("format".into(), json!(format.of_response()));
        Ok(Value::Object(body))
    }
}

/// Runs a query, and writes its result.
pub(super) async fn run(arguments: SqlArguments) -> Result<ExitCode> {
    let mut output = Output::open(arguments.output.as_deref())?;
    let default = if output.is_terminal() { SqlFormat::Table } else { SqlFormat::Csv };
    let format = arguments.format.or_else(|| output.format_by_name()).unwrap_or(default);
    match format {
        SqlFormat::Parquet => output.expect_binary("Parquet")?,
        SqlFormat::Arrow => output.expect_binary("Arrow")?,
        SqlFormat::Table | SqlFormat::Csv | SqlFormat::Json => {}
    }
    let body = arguments.body(format)?;
    let mut client = ApiClient::new(&arguments.server).await?;
    let response = client.post(client.url(&["sql"], &[])?, &body).await?;
    match format {
        SqlFormat::Table => {
            let result: QueryResult = client.json(response).await?;
            table(&result, &mut output)?;
            output.finish()?;
            eprintln!("{}", footer(&result));
        }
        SqlFormat::Json => {
            let text = client.bytes(response).await?;
            let end: QueryEnd = client.parse(&text)?;
            output.put(&text)?;
            output.put(b"\n")?;
            output.finish()?;
            if end.more {
                eprintln!("rutter: there are more rows: use --limit (at most 100000), or --format csv");
            }
        }
        SqlFormat::Csv | SqlFormat::Parquet | SqlFormat::Arrow => {
            client.copy(response, &mut output).await?;
            output.finish()?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Returns the values of parameters: an array, or an object if they have names.
fn parameters(given: &[String]) -> Result<Option<Value>> {
    let (mut list, mut named) = (Vec::new(), Map::new());
    for text in given {
        match text.split_once('=') {
            Some(("", value)) => list.push(json!(value)),
            Some((name, value)) if is_identifier(name) => {
                if named.insert(name.to_owned(), parameter(value)).is_some() {
                    return Err(Error::invalid(format!("the parameter ${name} is given twice")));
                }
            }
            _ => list.push(parameter(text)),
        }
    }
    match (list.is_empty(), named.is_empty()) {
        (true, true) => Ok(None),
        (false, true) => Ok(Some(Value::Array(list))),
        (true, false) => Ok(Some(Value::Object(named))),
        (false, false) => Err(Error::invalid("parameters are either all NAME=VALUE or all values without names")),
    }
}

fn is_identifier(text: &str) -> bool {
    let mut characters = text.chars();
    let first = characters.next().is_some_and(|c| c.is_ascii_alphabetic() || c == '_');
    first && characters.all(|c| c.is_ascii_alphanumeric() || c == '_')
}

/// Returns the value of a parameter: a JSON scalar, or otherwise the text itself.
fn parameter(text: &str) -> Value {
    match serde_json::from_str::<Value>(text) {
        // Neither may a number change: one with too many digits is a string, which the engine converts exactly.
        Ok(Value::Number(number)) if number.is_f64() && !text.contains(['.', 'e', 'E']) => json!(text),
        Ok(value @ (Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_))) => value,
        _ => json!(text),
    }
}

fn table(result: &QueryResult, output: &mut Output) -> Result<()> {
    let columns = result.fields.iter().map(|field| TextColumn::new(&field.name, &field.r#type)).collect();
    let mut table = TextTable::new(columns, output.width());
    let cell = |value: &Value| Cell::plain(value_text(value));
    // Rows as text take more memory than as values: those of a page at a time.
    for rows in result.rows.chunks(1000) {
        let rows: Vec<Vec<Cell>> = rows.iter().map(|row| row.iter().map(cell).collect()).collect();
        table.measure(&rows);
    }
    output.put_lines(&table.header(output.style(HEADER)))?;
    for rows in result.rows.chunks(1000) {
        let rows: Vec<Vec<Cell>> = rows.iter().map(|row| row.iter().map(cell).collect()).collect();
        output.put_lines(&table.lines(&rows))?;
    }
    match table.hidden() {
        0 => Ok(()),
        1 => output.put_lines("1 more column: select fewer columns, or use --format csv\n"),
        hidden => output.put_lines(&format!("{hidden} more columns: select fewer columns, or use --format csv\n")),
    }
}

/// Returns the number of rows and the sources.
fn footer(result: &QueryResult) -> String {
    let rows = match result.rows.len() {
        1 => "1 row".to_owned(),
        rows => format!("{rows} rows"),
    };
    let more = if result.more { ", and there are more: use --limit (at most 100000), or --format csv" } else { "" };
    let source = |source: &QuerySource| {
        let QuerySource { dataset, revision, commit, table } = source;
        let id: String = commit.chars().take(10).collect();
        let is_given = revision != commit && revision != NEWEST;
        let revision = if is_given { format!("{revision} ({id})") } else { id };
        printable(&format!("{dataset}@{revision} {table}"))
    };
    let sources: Vec<String> = result.sources.iter().map(source).collect();
    let from = if sources.is_empty() { String::new() } else { format!(" from {}", sources.join(", ")) };
    format!("{rows}{from}{more}")
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;

    #[derive(clap::Parser)]
    struct Line {
        #[command(flatten)]
        sql: SqlArguments,
    }

    fn arguments(line: &[&str]) -> SqlArguments {
        Line::try_parse_from(std::iter::once(&"sql").chain(line)).map_err(|error| error.to_string()).unwrap().sql
    }

    fn values(given: &[&str]) -> Result<Option<Value>> {
        parameters(&given.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>())
    }

    #[test]
    fn parameters_are_scalars() {
        assert_eq!(values(&[]).unwrap(), None);
        for (text, value) in [
            ("10", json!(10)),
            ("-1.5", json!(-1.5)),
            ("1e3", json!(1000.0)),
            ("18446744073709551615", json!(u64::MAX)),
            // Each would change as a number.
            ("123456789012345678901234567890", json!("123456789012345678901234567890")),
            ("007", json!("007")),
            ("1e999", json!("1e999")),
            ("null", json!(null)),
            ("true", json!(true)),
            (r#""10""#, json!("10")),
            ("Parus major", json!("Parus major")),
            ("2024-01-01", json!("2024-01-01")),
            ("[1]", json!("[1]")),
            ("", json!("")),
            ("a b=c", json!("a b=c")),
            ("=a=b", json!("a=b")),
            ("=10", json!("10")),
        ] {
            assert_eq!(values(&[text]).unwrap(), Some(json!([value])), "{text}");
        }
        assert_eq!(values(&["a=1", "_b2=x=y"]).unwrap(), Some(json!({"a": 1, "_b2": "x=y"})));
        assert_eq!(values(&["1", "2"]).unwrap(), Some(json!([1, 2])));
        for wrong in [&["a=1", "2"][..], &["a=1", "a=2"]] {
            assert!(values(wrong).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn requests_have_what_the_arguments_say() {
        let all = ["SELECT 1", "--default", "ada/birds@v1.0", "--param", "-5", "--limit", "7"];
        let body = arguments(&all).with_query().unwrap().body(SqlFormat::Table).unwrap();
        let expected =
            json!({"query": "SELECT 1", "default": "ada/birds@v1.0", "parameters": [-5], "limit": 7, "format": "json"});
        assert_eq!(body, expected);
        let saved = arguments(&["--saved", "queries/a.sql", "--default", "ada/birds"]).with_query().unwrap();
        let expected = json!({"default": "ada/birds", "saved": "queries/a.sql", "format": "parquet"});
        assert_eq!(saved.body(SqlFormat::Parquet).unwrap(), expected);
        for (query, says) in [(" \n".to_owned(), "empty"), ("x".repeat(MAX_QUERY + 1), "at most 65536 bytes")] {
            let error = arguments(&[&query]).body(SqlFormat::Csv).unwrap_err().to_string();
            assert!(error.contains(says), "{error}");
        }
        for wrong in [
            &["SELECT 1", "--saved", "a.sql", "--default", "ada/birds"][..],
            &["--saved", "a.sql"],
            &["SELECT 1", "--limit", "0"],
            &["SELECT 1", "--format", "xml"],
        ] {
            assert!(Line::try_parse_from(std::iter::once(&"sql").chain(wrong)).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn the_footer_names_the_sources() {
        let source =
            json!({"dataset": "ada/birds", "revision": "main", "commit": "0123456789abcdef", "table": "a\u{1b}"});
        let pinned =
            json!({"dataset": "ada/birds", "revision": "0123456789abcdef", "commit": "0123456789abcdef", "table": "b"});
        let result = json!({"fields": [], "rows": [[]], "more": false, "sources": [source, pinned], "canonical": ""});
        let mut result: QueryResult = serde_json::from_value(result).unwrap();
        let expected = "1 row from ada/birds@main (0123456789) a\\u{1b}, ada/birds@0123456789 b";
        assert_eq!(footer(&result), expected);
        (result.more, result.sources) = (true, Vec::new());
        assert!(footer(&result).starts_with("1 row, and there are more: use --limit"));
        result.rows.clear();
        assert!(footer(&result).starts_with("0 rows,"));
        let newest = json!({"dataset": "a/b", "revision": "HEAD", "commit": "0123456789abcdef", "table": "t"});
        (result.more, result.sources) = (false, vec![serde_json::from_value(newest).unwrap()]);
        assert_eq!(footer(&result), "0 rows from a/b@0123456789 t");
    }
}
