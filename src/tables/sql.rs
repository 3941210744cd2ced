//! Queries in SQL over tables of any dataset and revision.
//!
//! An engine finds the names of the tables in a query. The server resolves them to commits, checks access to each, and
//! then has the query run on exactly these tables.

use std::collections::BTreeMap;

use metastore::{FilePath, ObjectId};
use serde_json::{Map, Value, json};
use tables_wire::{Output, Piece, Query, References, Sql, TableName, Task};

use super::names::{Described, LocatedTable, MAX_DECLARED_BYTES, MAX_FILES, declared_bytes};
use super::result::{TableResult, TableSource, limit_above};
use super::{Charge, Tables};
use crate::access::{Access, Actor, TableGrant};
use crate::error::{Error, Kind, Result};
use crate::types::RepoPath;

/// Maximum length of a query, in bytes.
pub const MAX_QUERY: usize = 64 << 10;

/// Maximum number of tables of a query.
const MAX_TABLES: usize = 64;

/// The revision of names without one.
const NEWEST: &str = "HEAD";

/// A query to run.
#[derive(Debug, Clone)]
pub struct SqlRequest {
    /// What to run.
    pub query: SqlText,
    /// Where names of tables without a dataset are looked up: `OWNER/DATASET[@REVISION]`.
    pub default: Option<String>,
    /// The values of `$1` (an array) or `$name` (an object).
    pub parameters: Value,
    /// Maximum number of rows.
    pub limit: Option<u64>,
    /// The format of the result.
    pub output: Output,
}

/// The text of a query.
#[derive(Debug, Clone)]
pub enum SqlText {
    /// The text itself.
    Given(String),
    /// The path of a file at the default revision.
    Saved(FilePath),
}

/// The result of a query.
pub struct SqlResult {
    /// The query in normal form, with the commits of all tables: it has the same result at any time.
    pub canonical: String,
    /// The rows, and the tables that they were computed from.
    pub rows: TableResult,
}

/// A query whose tables were found. Access to them has been checked.
struct Resolved {
    query: String,
    /// In the order of the query's references.
    tables: Vec<LocatedTable>,
    canonical: String,
}

/// `OWNER/DATASET[@REVISION]`
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct DatasetName {
    dataset: String,
    revision: String,
}

impl DatasetName {
    fn parse(name: &str) -> Self {
        let (dataset, revision) = name.split_once('@').unwrap_or((name, NEWEST));
        Self { dataset: dataset.to_owned(), revision: revision.to_owned() }
    }
}

/// Grants and commits of the datasets of a query.
#[derive(Default)]
struct Pinned {
    grants: BTreeMap<String, TableGrant>,
    commits: BTreeMap<DatasetName, ObjectId>,
}

impl Pinned {
    fn get(&self, name: &DatasetName) -> Result<(&TableGrant, ObjectId)> {
        let (grant, commit) = (self.grants.get(&name.dataset), self.commits.get(name));
        grant.zip(commit.copied()).ok_or_else(|| Error::internal("a dataset that was not resolved"))
    }
}

impl Tables {
    /// Runs a query with the rights of an actor.
    ///
    /// # Errors
    /// Not found if a dataset, a revision or a table does not exist, or the actor has no access; invalid for everything
    /// but one query that can be run; busy; unavailable without the engine.
    pub async fn sql(&self, access: &Access, actor: &Actor, request: SqlRequest, charge: Charge) -> Result<SqlResult> {
        let SqlRequest { query, default, parameters, limit, output } = request;
        // JSON has a limit of its own.
        let max_rows = self.0.rows.filter(|_| output != Output::Json);
        if let (Some(limit), Some(max)) = (limit, max_rows)
            && limit > max
        {
            return Err(limit_above(max));
        }
        let Resolved { query, tables, canonical } =
            self.resolve(access, actor, query, default.as_deref(), charge.clone()).await?;
        let metadata = match output {
            Output::Parquet | Output::Arrow => {
                let sources: Vec<TableSource> = tables.iter().map(|table| table.source.clone()).collect();
                metadata(&canonical, &sources)
            }
            Output::Json | Output::Csv => Map::new(),
        };
        let diff_rows = self.0.diff_rows;
        let task = Task::Sql(Sql { query, parameters, limit: limit.or(max_rows), output, metadata, diff_rows });
        let mut rows = self.start(actor, tables, task, charge).await?;
        if let (None, Some(max)) = (limit, max_rows) {
            rows = rows.complete(max).await?;
        }
        Ok(SqlResult { canonical, rows })
    }

    /// Returns the normal form of a query, with the commits of all tables, and checks access to them.
    ///
    /// # Errors
    /// As for [`Tables::sql`].
    pub async fn canonical(&self, access: &Access, actor: &Actor, query: String, charge: Charge) -> Result<String> {
        Ok(self.resolve(access, actor, SqlText::Given(query), None, charge).await?.canonical)
    }

    /// Finds the tables of a query, and checks access to them.
    async fn resolve(
        &self,
        access: &Access,
        actor: &Actor,
        query: SqlText,
        default: Option<&str>,
        charge: Charge,
    ) -> Result<Resolved> {
        let default = default.map(DatasetName::parse);
        let mut pinned = Pinned::default();
        let query = match query {
            SqlText::Given(query) => query,
            SqlText::Saved(path) => {
                let default = default.as_ref().ok_or_else(|| {
                    Error::invalid(
                        "`saved` requires `default`: the dataset that the query is saved in, as OWNER/DATASET",
                    )
                })?;
                self.pin(access, actor, &[default], &mut pinned).await?;
                self.saved_query(&pinned, default, &path).await?
            }
        };
        check_length(&query)?;
        let task = Task::References(Query { query: query.clone() });
        let (references, _) = self.start(actor, Vec::new(), task, charge).await?.gather().await?;
        let references: References = serde_json::from_slice(&references).map_err(Error::internal)?;
        if references.tables.len() > MAX_TABLES {
            return Err(Error::invalid(format!("a query can read at most {MAX_TABLES} tables")));
        }
        let names = names(&references, default.as_ref())?;
        self.pin(access, actor, &names.iter().collect::<Vec<_>>(), &mut pinned).await?;
        let tables = self.located(&pinned, &names, &references.tables).await?;
        let sources: Vec<TableSource> = tables.iter().map(|table| table.source.clone()).collect();
        let canonical = canonical(&references, &sources)?;
        Ok(Resolved { query, tables, canonical })
    }

    /// Checks access to all of these datasets, and then resolves their revisions: those of one dataset at one moment.
    async fn pin(&self, access: &Access, actor: &Actor, names: &[&DatasetName], pinned: &mut Pinned) -> Result<()> {
        let mut revisions: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for name in names.iter().filter(|name| !pinned.commits.contains_key(name)) {
            let wanted = revisions.entry(&name.dataset).or_default();
            if !wanted.contains(&name.revision.as_str()) {
                wanted.push(&name.revision);
            }
        }
        for dataset in revisions.keys() {
            if !pinned.grants.contains_key(*dataset) {
                let path: RepoPath = dataset.parse().map_err(|_| not_a_dataset(dataset))?;
                let grant = access.authorize_table(actor, &path).await?;
                pinned.grants.insert((*dataset).to_owned(), grant);
            }
        }
        for (dataset, revisions) in revisions {
            let grant = pinned.grants.get(dataset).ok_or_else(|| Error::internal("a dataset without a grant"))?;
            let commits = self.0.datasets.resolve_at_once(&grant.at(&super::names::package_path())?, &revisions).await;
            let commits = commits.map_err(|error| about(dataset, &error))?;
            for (revision, commit) in revisions.into_iter().zip(commits) {
                let name = DatasetName { dataset: dataset.to_owned(), revision: revision.to_owned() };
                pinned.commits.insert(name, commit);
            }
        }
        Ok(())
    }

    /// Finds tables: each with its dataset. What they have together is limited like what one of them has.
    async fn located(&self, pinned: &Pinned, names: &[DatasetName], tables: &[TableName]) -> Result<Vec<LocatedTable>> {
        // Those of one revision follow each other, so that what it says about tables, which can be long, is read once and
        // in memory alone.
        let mut order: Vec<usize> = (0..names.len()).collect();
        order.sort_by_key(|index| (&names[*index].dataset, pinned.commits.get(&names[*index])));
        let mut last: Option<(&str, Described)> = None;
        let (mut located, mut files, mut declared) = (Vec::with_capacity(names.len()), 0, 0);
        for index in order {
            let (name, table) = (&names[index], &tables[index]);
            let (grant, commit) = pinned.get(name)?;
            let about = |error: Error| about(&format!("{}@{}", name.dataset, name.revision), &error);
            let kept = last.take().filter(|(dataset, kept)| *dataset == name.dataset && kept.commit == commit);
            let described = match kept {
                Some((_, described)) => described,
                None => self.described(grant, &commit.to_string()).await.map_err(about)?,
            };
            let mut found = self.find_for_query(grant, &described, table).await.map_err(about)?;
            last = Some((name.dataset.as_str(), described));
            name.revision.clone_into(&mut found.source.revision);
            files += found.files.len();
            declared += declared_bytes(&found.table.declared)?;
            if files > MAX_FILES {
                return Err(Error::invalid(format!(
                    "the tables of a query can have at most {MAX_FILES} files together"
                )));
            }
            if declared > MAX_DECLARED_BYTES {
                return Err(Error::invalid(format!(
                    "the schemas of the tables of a query can have at most {MAX_DECLARED_BYTES} bytes together"
                )));
            }
            located.push((index, found));
        }
        located.sort_unstable_by_key(|(index, _)| *index);
        Ok(located.into_iter().map(|(_, found)| found).collect())
    }

    /// Reads the text of a saved query.
    async fn saved_query(&self, pinned: &Pinned, default: &DatasetName, path: &FilePath) -> Result<String> {
        let (grant, commit) = pinned.get(default)?;
        let file = self.0.files.open_for_table(grant, path, &commit.to_string()).await?;
        if file.size > MAX_QUERY as u64 {
            return Err(too_long());
        }
        let text = self.0.files.read_all(&file).await?;
        String::from_utf8(text).map_err(|_| Error::invalid(format!("{path} is not a query: it is not UTF-8 text")))
    }
}

/// Returns the name of a table in SQL, `"OWNER/DATASET[@REVISION]"."TABLE"`.
pub fn quoted_name(dataset: &str, table: &str) -> String {
    format!("\"{}\".\"{}\"", dataset.replace('"', "\"\""), table.replace('"', "\"\""))
}

fn check_length(query: &str) -> Result<()> {
    if query.len() > MAX_QUERY {
        return Err(too_long());
    }
    if query.trim().is_empty() {
        return Err(Error::invalid("the query is empty; write a SELECT"));
    }
    Ok(())
}

fn too_long() -> Error {
    Error::invalid(format!("a query must have at most {MAX_QUERY} bytes"))
}

fn not_a_dataset(name: &str) -> Error {
    Error::invalid(format!(
        "`{}` is not a dataset: tables are named \"OWNER/DATASET@REVISION\".\"TABLE\", and names with dots, dashes or \
         slashes need double quotes",
        name.escape_debug()
    ))
}

/// Adds which dataset an error is about.
fn about(dataset: &str, error: &Error) -> Error {
    match error.kind() {
        Kind::NotFound | Kind::UnsupportedMedia | Kind::Invalid => {
            Error::of_kind(error.kind(), format!("{dataset}: {}", error.detail()))
        }
        kind => Error::of_kind(kind, error.detail()),
    }
}

/// Returns the dataset of each table.
fn names(references: &References, default: Option<&DatasetName>) -> Result<Vec<DatasetName>> {
    let name = |table: &TableName| match (&table.dataset, default) {
        (Some(dataset), _) => Ok(DatasetName::parse(dataset)),
        (None, Some(default)) => Ok(default.clone()),
        (None, None) => Err(Error::invalid(format!(
            "the table \"{}\" has no dataset: write \"OWNER/DATASET\".\"{}\", or send `default` with the dataset",
            table.table.escape_debug(),
            table.table.escape_debug()
        ))),
    };
    references.tables.iter().map(name).collect()
}

/// Returns the query in normal form.
fn canonical(references: &References, sources: &[TableSource]) -> Result<String> {
    let mut text = String::new();
    let source = |index: usize| sources.get(index).ok_or_else(|| Error::internal("a table without a name"));
    for piece in &references.canonical {
        match piece {
            Piece::Text(piece) => text.push_str(piece),
            Piece::Table(index) => {
                let TableSource { dataset, commit, table, .. } = source(*index)?;
                text.push_str(&quoted_name(&format!("{dataset}@{commit}"), table));
            }
            Piece::Dataset(index) => {
                let TableSource { dataset, commit, .. } = source(*index)?;
                text.extend(["'", dataset, "@", &commit.to_string(), "'"]);
            }
        }
    }
    Ok(text)
}

/// Returns the metadata of files with results.
fn metadata(canonical: &str, sources: &[TableSource]) -> Map<String, Value> {
    let sources: Vec<String> =
        sources.iter().map(|source| format!("{}@{}/{}", source.dataset, source.commit, source.table)).collect();
    Map::from_iter([
        ("rutter.query".to_owned(), json!(canonical)),
        ("rutter.sources".to_owned(), json!(json!(sources).to_string())),
    ])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_without_a_revision_are_the_newest_one() {
        let name = |dataset: &str, revision: &str| DatasetName { dataset: dataset.into(), revision: revision.into() };
        assert_eq!(DatasetName::parse("ada/birds"), name("ada/birds", "HEAD"));
        assert_eq!(DatasetName::parse("ada/birds@v1.0~2"), name("ada/birds", "v1.0~2"));
        assert_eq!(DatasetName::parse("ada/birds@main@{2026-01-01}"), name("ada/birds", "main@{2026-01-01}"));
    }

    #[test]
    fn the_normal_form_names_commits_and_quotes_names() {
        let commit = ObjectId::from_hex("0123456789012345678901234567890123456789".as_bytes()).unwrap();
        let source = TableSource {
            dataset: "ada/birds".to_owned(),
            revision: "main".to_owned(),
            commit,
            table: "a \"b\".csv".to_owned(),
        };
        let references = References {
            tables: Vec::new(),
            canonical: vec![
                Piece::Text("SELECT * FROM ".to_owned()),
                Piece::Table(0),
                Piece::Text(", row_diff(".to_owned()),
                Piece::Dataset(0),
            ],
        };
        assert_eq!(
            canonical(&references, &[source]).unwrap(),
            format!("SELECT * FROM \"ada/birds@{commit}\".\"a \"\"b\"\".csv\", row_diff('ada/birds@{commit}'")
        );
    }
}
