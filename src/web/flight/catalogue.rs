//! Metadata commands of Flight SQL: datasets as schemas, and their tables.

use std::sync::{Arc, LazyLock};

use arrow_array::{Array, Int32Array, RecordBatch, StringArray, new_null_array};
use arrow_flight::FlightData;
use arrow_flight::encode::FlightDataEncoderBuilder;
use arrow_flight::error::FlightError;
use arrow_flight::sql::{
    Command, CommandGetCatalogs, CommandGetDbSchemas, CommandGetPrimaryKeys, CommandGetSqlInfo, CommandGetTableTypes,
    CommandGetTables, CommandGetXdbcTypeInfo,
};
use arrow_flight::{IpcMessage, SchemaAsIpc};
use arrow_ipc::convert::try_schema_from_ipc_buffer;
use arrow_ipc::writer::IpcWriteOptions;
use arrow_schema::{ArrowError, DataType, Field, Schema, SchemaRef};
use bytes::Bytes;
use futures::future::BoxFuture;
use futures::stream::{self, BoxStream, Stream, StreamExt as _, TryStreamExt as _};
use serde_json::Value;

use super::caller::Caller;
use super::queries::Queries;
use super::sql_info::{SQL_INFO, TYPES};
use crate::access::TableGrant;
use crate::error::{Error, Kind, Result};
use crate::tables::{MAX_LISTED, PreparedQuery, quoted_name};
use crate::types::RepoPath;

/// The only catalogue.
const CATALOGUE: &str = "rutter";

/// The only type of table.
const TABLE: &str = "TABLE";

/// Maximum number of tables whose columns are returned at once: an engine reads each that is not in the cache.
const MAX_DESCRIBED: usize = 100;

/// How many datasets are read at once.
const CONCURRENT: usize = 8;

/// A metadata command.
pub(super) enum Listing {
    Catalogs(CommandGetCatalogs),
    Schemas(CommandGetDbSchemas),
    Tables(CommandGetTables),
    TableTypes(CommandGetTableTypes),
    SqlInfo(CommandGetSqlInfo),
    Types(CommandGetXdbcTypeInfo),
    PrimaryKeys(CommandGetPrimaryKeys),
    /// Exported or imported keys, or references between two tables: there are none.
    ForeignKeys,
}

impl Listing {
    /// Returns the listing of a command, if it is one.
    pub(super) fn of(command: Command) -> Option<Self> {
        Some(match command {
            Command::CommandGetCatalogs(command) => Self::Catalogs(command),
            Command::CommandGetDbSchemas(command) => Self::Schemas(command),
            Command::CommandGetTables(command) => Self::Tables(command),
            Command::CommandGetTableTypes(command) => Self::TableTypes(command),
            Command::CommandGetSqlInfo(command) => Self::SqlInfo(command),
            Command::CommandGetXdbcTypeInfo(command) => Self::Types(command),
            Command::CommandGetPrimaryKeys(command) => Self::PrimaryKeys(command),
            Command::CommandGetExportedKeys(_)
            | Command::CommandGetImportedKeys(_)
            | Command::CommandGetCrossReference(_) => Self::ForeignKeys,
            _ => return None,
        })
    }

    /// Returns the schema, as an IPC message with its prefix.
    ///
    /// # Errors
    /// Internal only.
    pub(super) fn schema(&self) -> Result<Bytes> {
        let schema = match self {
            Self::Catalogs(command) => command.into_builder().schema(),
            Self::Schemas(command) => command.clone().into_builder().schema(),
            Self::Tables(command) => command.clone().into_builder().schema(),
            Self::TableTypes(command) => command.into_builder().schema(),
            Self::SqlInfo(_) => SQL_INFO.schema(),
            Self::Types(_) => TYPES.schema(),
            Self::PrimaryKeys(_) => PRIMARY_KEYS.clone(),
            Self::ForeignKeys => FOREIGN_KEYS.clone(),
        };
        let message: Result<IpcMessage, ArrowError> = SchemaAsIpc::new(&schema, &IpcWriteOptions::default()).try_into();
        Ok(message.map_err(Error::internal)?.0)
    }
}

/// The schema of `GetPrimaryKeys`.
static PRIMARY_KEYS: LazyLock<SchemaRef> = LazyLock::new(|| {
    Arc::new(Schema::new(vec![
        Field::new("catalog_name", DataType::Utf8, true),
        Field::new("db_schema_name", DataType::Utf8, true),
        Field::new("table_name", DataType::Utf8, false),
        Field::new("column_name", DataType::Utf8, false),
        Field::new("key_name", DataType::Utf8, true),
        Field::new("key_sequence", DataType::Int32, false),
    ]))
});

/// The schema of `GetExportedKeys`, `GetImportedKeys` and `GetCrossReference`.
static FOREIGN_KEYS: LazyLock<SchemaRef> = LazyLock::new(|| {
    Arc::new(Schema::new(vec![
        Field::new("pk_catalog_name", DataType::Utf8, true),
        Field::new("pk_db_schema_name", DataType::Utf8, true),
        Field::new("pk_table_name", DataType::Utf8, false),
        Field::new("pk_column_name", DataType::Utf8, false),
        Field::new("fk_catalog_name", DataType::Utf8, true),
        Field::new("fk_db_schema_name", DataType::Utf8, true),
        Field::new("fk_table_name", DataType::Utf8, false),
        Field::new("fk_column_name", DataType::Utf8, false),
        Field::new("key_sequence", DataType::Int32, false),
        Field::new("fk_key_name", DataType::Utf8, true),
        Field::new("pk_key_name", DataType::Utf8, true),
        Field::new("update_rule", DataType::UInt8, false),
        Field::new("delete_rule", DataType::UInt8, false),
    ]))
});

/// Rows, encoded for the client.
pub(super) type Encoded = BoxStream<'static, Result<FlightData, FlightError>>;

/// The datasets and tables that a caller sees.
pub(super) struct Catalogue {
    caller: Arc<Caller>,
}

impl Catalogue {
    pub(super) fn new(caller: Arc<Caller>) -> Self {
        Self { caller }
    }

    /// Returns the tables of datasets whose names match a pattern: (dataset, table).
    ///
    /// # Errors
    /// Invalid for a pattern that cannot be used; whatever reading the datasets returns.
    pub(super) fn tables(self, datasets: Option<String>) -> BoxFuture<'static, Result<Vec<(String, String)>>> {
        Box::pin(async move { self.matching_tables(datasets.as_deref(), None).await })
    }

    /// As [`Catalogue::tables`], and only those whose own name matches `name`.
    async fn matching_tables(&self, datasets: Option<&str>, name: Option<&str>) -> Result<Vec<(String, String)>> {
        let mut all = Vec::new();
        let mut listed = std::pin::pin!(self.listed(datasets).await?);
        while let Some((dataset, tables)) = listed.try_next().await? {
            let matching = tables.into_iter().filter(|table| name.is_none_or(|pattern| is_like(table, pattern)));
            all.extend(matching.map(|table| (dataset.clone(), table)));
            if all.len() >= MAX_LISTED {
                all.truncate(MAX_LISTED);
                break;
            }
        }
        Ok(all)
    }

    /// Returns the tables of each dataset that the caller sees, whose name matches, and that has tables.
    async fn listed(&self, pattern: Option<&str>) -> Result<impl Stream<Item = Result<(String, Vec<String>)>>> {
        let visible = self.caller.app.access.visible_datasets(self.caller.actor()).await?;
        let names = self.caller.app.datasets.matching_names(&visible, pattern, MAX_LISTED).await?;
        self.caller.charge(names.len());
        let lists = names.into_iter().map(|name| async move {
            let Some(grant) = self.grant(&name).await? else { return Ok((name, Vec::new())) };
            let tables = self.caller.app.tables.list(&grant).await?;
            Ok((name, tables))
        });
        let lists = stream::iter(lists.collect::<Vec<_>>()).buffered(CONCURRENT);
        Ok(lists.try_filter(|(_, tables)| std::future::ready(!tables.is_empty())))
    }

    /// Returns the permission to read the tables of a dataset, if the caller has it.
    async fn grant(&self, dataset: &str) -> Result<Option<TableGrant>> {
        let Ok(path) = dataset.parse::<RepoPath>() else { return Ok(None) };
        match self.caller.app.access.authorize_table(self.caller.actor(), &path).await {
            Ok(grant) => Ok(Some(grant)),
            Err(error) if matches!(error.kind(), Kind::NotFound | Kind::Forbidden | Kind::Unauthenticated) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Runs a metadata command.
    ///
    /// # Errors
    /// As for [`Catalogue::tables`]; invalid if the columns of too many tables are requested.
    pub(super) fn read(self, listing: Listing) -> BoxFuture<'static, Result<Encoded>> {
        Box::pin(async move { self.read_listing(listing).await })
    }

    async fn read_listing(&self, listing: Listing) -> Result<Encoded> {
        let batch = match listing {
            Listing::Catalogs(command) => {
                let mut builder = command.into_builder();
                builder.append(CATALOGUE);
                builder.build()
            }
            Listing::TableTypes(command) => {
                let mut builder = command.into_builder();
                builder.append(TABLE);
                builder.build()
            }
            Listing::SqlInfo(command) => command.into_builder(&SQL_INFO).build(),
            Listing::Types(command) => command.into_builder(&TYPES).build(),
            Listing::ForeignKeys => Ok(RecordBatch::new_empty(FOREIGN_KEYS.clone())),
            Listing::PrimaryKeys(command) => Ok(self.primary_key(command).await?),
            Listing::Schemas(command) => {
                let pattern = command.db_schema_filter_pattern.clone();
                let is_here = is_catalogue(command.catalog.as_deref());
                let mut builder = command.into_builder();
                if is_here {
                    let mut listed = std::pin::pin!(self.listed(pattern.as_deref()).await?);
                    while let Some((dataset, _)) = listed.try_next().await? {
                        builder.append(CATALOGUE, dataset);
                    }
                }
                builder.build()
            }
            Listing::Tables(command) => self.describe_tables(command).await?,
        };
        let batch = batch.map_err(Error::internal)?;
        let encoder = FlightDataEncoderBuilder::new().with_schema(batch.schema());
        Ok(encoder.build(stream::iter([Ok(batch)])).boxed())
    }

    async fn describe_tables(&self, command: CommandGetTables) -> Result<Result<RecordBatch, FlightError>> {
        let is_wanted = command.table_types.is_empty() || command.table_types.iter().any(|kind| kind == TABLE);
        let mut found = Vec::new();
        if is_wanted && is_catalogue(command.catalog.as_deref()) {
            let datasets = command.db_schema_filter_pattern.as_deref();
            found = self.matching_tables(datasets, command.table_name_filter_pattern.as_deref()).await?;
        }
        let with_schema = command.include_schema;
        if with_schema && found.len() > MAX_DESCRIBED {
            return Err(Error::invalid(format!(
                "the columns of at most {MAX_DESCRIBED} tables are returned at once, and {} match; name a dataset (schema) \
                 or a table",
                found.len()
            )));
        }
        let mut builder = command.into_builder();
        let queries = Queries::new(self.caller.clone());
        for (dataset, table) in found {
            let schema = if with_schema { self.columns(&queries, &dataset, &table).await? } else { Schema::empty() };
            if let Err(error) = builder.append(CATALOGUE, dataset, table, TABLE, &schema) {
                return Ok(Err(error));
            }
        }
        Ok(builder.build())
    }

    /// Returns the columns of a table; none if it cannot be read, so that one damaged file does not hide all others.
    async fn columns(&self, queries: &Queries, dataset: &str, table: &str) -> Result<Schema> {
        let query = format!("SELECT * FROM {}", quoted_name(dataset, table));
        match queries.schema(PreparedQuery { query, parameters: Value::Null }).await {
            Ok((_, schema)) => try_schema_from_ipc_buffer(&schema).map_err(Error::internal),
            Err(error) if matches!(error.kind(), Kind::Busy | Kind::Unavailable | Kind::Full | Kind::Internal) => {
                Err(error)
            }
            Err(_) => Ok(Schema::empty()),
        }
    }

    async fn primary_key(&self, command: CommandGetPrimaryKeys) -> Result<RecordBatch> {
        let CommandGetPrimaryKeys { catalog, db_schema, table } = command;
        let dataset = db_schema.unwrap_or_default();
        let mut columns = Vec::new();
        if is_catalogue(catalog.as_deref())
            && let Some(grant) = self.grant(&dataset).await?
        {
            columns = match self.caller.app.tables.primary_key(&grant, &table).await {
                Ok(columns) => columns,
                Err(error) if matches!(error.kind(), Kind::NotFound | Kind::Invalid | Kind::UnsupportedMedia) => {
                    Vec::new()
                }
                Err(error) => return Err(error),
            };
        }
        let count = columns.len();
        let same = |text: &str| Arc::new(StringArray::from(vec![text; count])) as Arc<dyn Array>;
        let numbers: Int32Array = (1..).take(count).collect();
        let arrays = vec![
            same(CATALOGUE),
            same(&dataset),
            same(&table),
            Arc::new(StringArray::from(columns)),
            new_null_array(&DataType::Utf8, count),
            Arc::new(numbers),
        ];
        RecordBatch::try_new(PRIMARY_KEYS.clone(), arrays).map_err(Error::internal)
    }
}

/// Returns true if a filter for catalogues selects ours.
fn is_catalogue(filter: Option<&str>) -> bool {
    filter.is_none_or(|filter| filter == CATALOGUE)
}

/// Returns true if a name matches an SQL pattern: `%` for any text, `_` for a character, `\` before one of them.
fn is_like(name: &str, pattern: &str) -> bool {
    let pattern: Vec<(char, bool)> = {
        let mut characters = pattern.chars();
        let mut all = Vec::new();
        while let Some(character) = characters.next() {
            match character {
                '\\' => all.push((characters.next().unwrap_or('\\'), false)),
                '%' | '_' => all.push((character, true)),
                _ => all.push((character, false)),
            }
        }
        all
    };
    let name: Vec<char> = name.chars().collect();
    // After a mismatch, the last `%` takes one character more.
    let (mut at, mut next, mut back) = (0, 0, None);
    while at < name.len() {
        match pattern.get(next) {
            Some(('%', true)) => {
                back = Some((at, next));
                next += 1;
            }
            Some((character, is_any)) if *is_any || *character == name[at] => {
                (at, next) = (at + 1, next + 1);
            }
            _ => {
                let Some((from, percent)) = back else { return false };
                back = Some((from + 1, percent));
                (at, next) = (from + 1, percent + 1);
            }
        }
    }
    pattern[next..].iter().all(|piece| *piece == ('%', true))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_match_as_in_sql() {
        for (name, pattern, matches) in [
            ("birds", "birds", true),
            ("birds", "%", true),
            ("birds", "b%s", true),
            ("birds", "b%x", false),
            ("birds", "b_rds", true),
            ("birds", "b_ds", false),
            ("a_b", "a\\_b", true),
            ("axb", "a\\_b", false),
            ("aaab", "%a%ab", true),
            ("", "", true),
            ("", "%", true),
            ("x", "", false),
            ("ä.csv", "_.csv", true),
        ] {
            assert_eq!(is_like(name, pattern), matches, "{name} {pattern}");
        }
    }

    #[test]
    fn schemas_are_those_of_the_specification() {
        let names = |listing: Listing| {
            let schema = try_schema_from_ipc_buffer(&listing.schema().unwrap()).unwrap();
            let field = |field: &Arc<Field>| format!("{}{}", field.name(), if field.is_nullable() { "?" } else { "" });
            schema.fields().iter().map(field).collect::<Vec<_>>().join(" ")
        };
        assert_eq!(names(Listing::Catalogs(CommandGetCatalogs {})), "catalog_name");
        assert_eq!(names(Listing::Schemas(CommandGetDbSchemas::default())), "catalog_name? db_schema_name");
        let tables = CommandGetTables { include_schema: true, ..CommandGetTables::default() };
        assert_eq!(names(Listing::Tables(tables)), "catalog_name? db_schema_name? table_name table_type table_schema");
        assert_eq!(names(Listing::TableTypes(CommandGetTableTypes {})), "table_type");
        assert_eq!(names(Listing::SqlInfo(CommandGetSqlInfo::default())), "info_name value");
        assert_eq!(names(Listing::Types(CommandGetXdbcTypeInfo::default())).split(' ').count(), 19);
    }
}
