//! `rutter diff`: what changed in tables, row by row.

mod response;
mod text;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, ValueEnum};
use reqwest::Url;
use rutter::error::{Error, Kind, Result};
use rutter::types::RepoPath;
use serde_json::Value;

use self::response::{ChangedFile, ChangedFiles, DiffPage, FileChange};
use self::text::TextRows;
use super::client::{ApiClient, ServerArguments};
use super::output::Output;
use super::text_table::printable;

/// The exit code for an error: 1 means that there are differences.
pub(super) const TROUBLE: u8 = 2;

/// Number of rows that are shown of each table, unless all are.
const SHOWN_ROWS: u64 = 100;

/// Maximum number of rows of a request, as JSON and in other formats, and of files.
const PAGE_ROWS: u64 = 1000;
const MAX_ROWS: u64 = 100_000;

/// The format that always has the whole diff.
const DAFF: &str = "daff";

/// Show what changed in tables between two revisions, row by row
#[derive(Args)]
#[command(after_help = "\
Examples:
  rutter diff ada/birds v1.0 main
  rutter diff ada/birds v1.0 main birds.csv --key id
  rutter diff ada/birds main~1 main birds.csv --all | less
  rutter diff ada/birds v1.0 main data/2024.csv --from-table data/birds.csv --key 'id,\"last, first\"'
  rutter diff ada/birds v1.0 main birds.csv --format daff -o birds.diff.csv

Without TABLE, all files that are tables and that differ are compared, one after the other. Without --key, rows are \
compared by the primary key of the newer schema, or else as wholes: similar rows at the same place are a changed row.

Exit codes: 0 if the tables have no differences; 1 if they have; 2 on errors.")]
pub(super) struct DiffArguments {
    /// OWNER/NAME
    dataset: RepoPath,
    /// The older revision: a branch, a tag or a commit id
    #[arg(value_name = "FROM")]
    from: String,
    /// The newer revision
    #[arg(value_name = "TO")]
    to: String,
    /// The name of a resource, the path of a file, or the path of a folder with a trailing `/`
    table: Option<String>,
    /// The columns that identify a row, separated by commas
    #[arg(long, value_name = "COLUMNS")]
    key: Option<String>,
    /// The name of the table in the older revision, if it has another one
    #[arg(long, value_name = "TABLE", requires = "table")]
    from_table: Option<String>,
    /// The format of the result; all but text require TABLE [default: by the name of FILE, otherwise text]
    #[arg(long)]
    format: Option<DiffFormat>,
    /// Show all rows, not only the first 100 of each table; only for text: other formats have all
    #[arg(long)]
    all: bool,
    /// Write the result, with all rows, to a file, which appears once it is complete
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    #[command(flatten)]
    server: ServerArguments,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum DiffFormat {
    Text,
    Csv,
    Json,
    /// CSV that `daff patch` applies
    Daff,
    Parquet,
    Arrow,
}

/// A table, in both revisions.
struct ComparedTable {
    from: String,
    to: String,
}

impl ComparedTable {
    /// Returns its name, for messages.
    fn title(&self) -> String {
        if self.from == self.to {
            return printable(&self.to);
        }
        printable(&format!("{} → {}", self.from, self.to))
    }
}

/// What the command compares.
struct Comparison {
    client: ApiClient,
    dataset: RepoPath,
    from: String,
    to: String,
    key: Option<String>,
    /// True once something was written about a table.
    has_text: bool,
}

/// Compares tables, and writes what differs.
pub(super) async fn run(arguments: DiffArguments) -> Result<ExitCode> {
    let DiffArguments { dataset, from, to, table, key, from_table, format, all, output, server } = arguments;
    let mut output = Output::open(output.as_deref())?;
    let format = format.or_else(|| output.format_by_name()).unwrap_or(DiffFormat::Text);
    match format {
        DiffFormat::Parquet => output.expect_binary("Parquet")?,
        DiffFormat::Arrow => output.expect_binary("Arrow")?,
        DiffFormat::Text | DiffFormat::Csv | DiffFormat::Json | DiffFormat::Daff => {}
    }
    if format != DiffFormat::Text && table.is_none() {
        return Err(Error::invalid(
            "which table? name one after the revisions: only --format text compares all tables",
        ));
    }
    let client = ApiClient::new(&server).await?;
    let mut comparison = Comparison { client, dataset, from, to, key, has_text: false };
    let limit = if all || !output.is_stdout() { u64::MAX } else { SHOWN_ROWS };
    let outcome = match table {
        None => comparison.write_all_tables(limit, &mut output).await?,
        Some(to) => {
            let table = ComparedTable { from: from_table.unwrap_or_else(|| to.clone()), to };
            let differs = match format {
                DiffFormat::Text => comparison.write_text(&table, limit, &mut output).await?,
                DiffFormat::Json => comparison.write_json(&table, &mut output).await?,
                DiffFormat::Csv => comparison.write_csv(&table, &mut output).await?,
                DiffFormat::Daff => comparison.write_file(DAFF, &table, &mut output).await?,
                DiffFormat::Parquet => comparison.write_file("parquet", &table, &mut output).await?,
                DiffFormat::Arrow => comparison.write_file("arrow", &table, &mut output).await?,
            };
            u8::from(differs)
        }
    };
    output.finish()?;
    Ok(ExitCode::from(outcome))
}

impl Comparison {
    fn url(&self, path: &str, mut query: Vec<(&str, String)>) -> Result<Url> {
        query.extend([("from", self.from.clone()), ("to", self.to.clone())]);
        let (owner, name) = (self.dataset.owner.to_string(), self.dataset.name.to_string());
        let path: Vec<&str> = ["datasets", &owner, &name].into_iter().chain(path.split('/')).collect();
        self.client.url(&path, &query)
    }

    fn table_url(&self, table: &ComparedTable, format: &str, page: Option<(u64, u64)>) -> Result<Url> {
        let mut query = vec![("table", table.to.clone()), ("format", format.to_owned())];
        if table.from != table.to {
            query.push(("from_table", table.from.clone()));
        }
        if let Some(key) = &self.key {
            query.push(("key", key.clone()));
        }
        if let Some((offset, limit)) = page {
            query.extend([("offset", offset.to_string()), ("limit", limit.to_string())]);
        }
        self.url("diff/rows", query)
    }

    /// Returns rows of a diff. The following requests are for the same commits, even if a branch moves.
    async fn page(&mut self, table: &ComparedTable, offset: u64, limit: u64) -> Result<DiffPage> {
        let url = self.table_url(table, "json", Some((offset, limit.min(PAGE_ROWS))))?;
        let response = self.client.get_finished(&url, &table.title()).await?;
        let page: DiffPage = self.client.json(response).await?;
        if page.rows.is_empty() && page.more {
            return Err(Error::unavailable("the server sent no rows, although there are more"));
        }
        (self.from, self.to) = (page.from.clone(), page.to.clone());
        Ok(page)
    }

    /// Compares all tables that differ; returns the exit code.
    async fn write_all_tables(&mut self, limit: u64, output: &mut Output) -> Result<u8> {
        let (mut outcome, mut cursor) = (0, None);
        loop {
            let mut query = vec![("limit", PAGE_ROWS.to_string())];
            query.extend(cursor.map(|cursor| ("cursor", cursor)));
            let url = self.url("diff", query)?;
            let response = self.client.get(url).await?;
            let files: ChangedFiles = self.client.json(response).await?;
            if let Some(from) = files.from {
                self.from = from;
            }
            self.to = files.to;
            for change in files.items.iter().filter_map(ChangedFile::change) {
                let differs = match change {
                    FileChange::Added(path) => {
                        self.write_title(&format!("{}: added\n", printable(path)), output)?;
                        Ok(true)
                    }
                    FileChange::Removed(path) => {
                        self.write_title(&format!("{}: removed\n", printable(path)), output)?;
                        Ok(true)
                    }
                    FileChange::Changed { from, to } => {
                        let table = ComparedTable { from: from.to_owned(), to: to.to_owned() };
                        let compared = self.write_text(&table, limit, output).await;
                        compared.map_err(|error| error.of_part(&table.title()))
                    }
                };
                match differs {
                    Ok(differs) => outcome = outcome.max(u8::from(differs)),
                    // A table that cannot be read does not hide what differs in others.
                    Err(error) if error.kind() == Kind::Invalid => {
                        output.flush()?;
                        eprintln!("rutter: {error}");
                        outcome = TROUBLE;
                    }
                    Err(error) => return Err(error),
                }
            }
            match files.next_cursor {
                Some(next) => cursor = Some(next),
                None => return Ok(outcome),
            }
        }
    }

    /// Writes the first line about a table, with an empty one after the table before.
    fn write_title(&mut self, line: &str, output: &mut Output) -> Result<()> {
        if std::mem::replace(&mut self.has_text, true) {
            output.put_lines("\n")?;
        }
        output.put_lines(line)
    }

    /// Writes a summary, and at most `limit` rows; returns true if there are differences.
    async fn write_text(&mut self, table: &ComparedTable, limit: u64, output: &mut Output) -> Result<bool> {
        let mut page = self.page(table, 0, limit).await?;
        let summary = page.summary()?;
        self.write_title(&text::summary_line(&table.title(), &summary), output)?;
        output.put_lines(&text::schema_lines(&summary))?;
        if page.rows.is_empty() {
            return Ok(summary.has_differences());
        }
        let mut values = page.values()?;
        let mut rows = TextRows::new(&summary, &page.fields()?, output.width(), &values)?;
        output.put_lines(&rows.header(output))?;
        let mut shown = 0;
        loop {
            shown += values.len() as u64;
            output.put_lines(&rows.lines(&values, output))?;
            if !page.more || shown >= limit {
                break;
            }
            output.flush()?;
            page = self.page(table, shown, limit - shown).await?;
            values = page.values()?;
            rows.measure(&values);
        }
        output.put_lines(&text::end_lines(&summary, shown, page.more, rows.hidden()))?;
        Ok(summary.has_differences())
    }

    /// Writes a document like those of the API, with all rows.
    async fn write_json(&mut self, table: &ComparedTable, output: &mut Output) -> Result<bool> {
        let mut page = self.page(table, 0, PAGE_ROWS).await?;
        let summary = page.summary()?;
        let head = page.head()?;
        output.put(format!("{head},\"rows\":[").as_bytes())?;
        let mut written: u64 = 0;
        loop {
            for row in &page.rows {
                output.put(if written == 0 { b"\n" } else { b",\n" })?;
                output.put(row.get().as_bytes())?;
                written += 1;
            }
            if !page.more {
                break;
            }
            page = self.page(table, written, PAGE_ROWS).await?;
        }
        let total = page.total.map_or(Value::Null, Value::from);
        output.put(format!("\n],\"offset\":0,\"more\":false,\"total\":{total}}}\n").as_bytes())?;
        Ok(summary.has_differences())
    }

    /// Writes CSV with all rows.
    async fn write_csv(&mut self, table: &ComparedTable, output: &mut Output) -> Result<bool> {
        let first = self.page(table, 0, 1).await?;
        let total = first.total.unwrap_or(0);
        let mut offset = 0;
        loop {
            let url = self.table_url(table, "csv", Some((offset, MAX_ROWS)))?;
            let response = self.client.get_finished(&url, &table.title()).await?;
            if offset == 0 {
                self.client.copy(response, output).await?;
            } else {
                self.client.copy_rows(response, output).await?;
            }
            offset += MAX_ROWS;
            if offset >= total {
                break;
            }
        }
        Ok(first.summary()?.has_differences())
    }

    /// Writes a file of another format.
    async fn write_file(&mut self, format: &str, table: &ComparedTable, output: &mut Output) -> Result<bool> {
        let first = self.page(table, 0, 1).await?;
        let page = if format == DAFF { None } else { Some((0, MAX_ROWS)) };
        if let Some(rows) = first.total.filter(|rows| page.is_some() && *rows > MAX_ROWS) {
            return Err(Error::invalid(format!(
                "{rows} rows differ, and {format} can have at most {MAX_ROWS}: use --format csv"
            )));
        }
        let url = self.table_url(table, format, page)?;
        let response = self.client.get_finished(&url, &table.title()).await?;
        self.client.copy(response, output).await?;
        Ok(first.summary()?.has_differences())
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;

    #[derive(clap::Parser)]
    struct Line {
        #[command(flatten)]
        diff: DiffArguments,
    }

    #[test]
    fn arguments_are_checked() {
        let parse = |line: &[&str]| Line::try_parse_from(std::iter::once(&"diff").chain(line)).map(|line| line.diff);
        let all = ["m/s/birds", "v1.0", "main", "b.csv", "--from-table", "a.csv", "--key", "id", "--format", "daff"];
        let arguments = parse(&all).map_err(|error| error.to_string()).unwrap();
        assert_eq!(arguments.dataset.owner.to_string(), "m/s");
        assert!(arguments.format == Some(DiffFormat::Daff) && !arguments.all);
        for wrong in [
            &["birds", "v1.0", "main"][..],
            &["ada/birds", "v1.0"],
            &["ada/birds", "v1.0", "main", "--from-table", "a.csv"],
            &["ada/birds", "v1.0", "main", "--format", "table"],
        ] {
            assert!(parse(wrong).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn renamed_tables_have_both_names() {
        let title = |from: &str, to: &str| ComparedTable { from: from.into(), to: to.into() }.title();
        assert_eq!(title("a.csv", "a.csv"), "a.csv");
        assert_eq!(title("a\u{1b}.csv", "b.csv"), "a\\u{1b}.csv → b.csv");
    }
}
