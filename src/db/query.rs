//! Queries: written, bound and read the same way for both engines.
//!
//! The drivers are generic over the database, the arguments and the row. Here all of that is dynamic, so the
//! asynchronous part is compiled once per engine instead of once per query.

use futures::TryStreamExt as _;
use lfs::Oid;
use sqlx::postgres::{PgArguments, PgRow};
use sqlx::sqlite::{SqliteArguments, SqliteRow};
use sqlx::{Arguments as _, Executor as _, FromRow, PgConnection, Postgres, Sqlite};

use super::Tx;
use crate::types::{Id, Millis};

/// An argument of a query.
pub(super) enum Argument {
    Bool(bool),
    /// An `INTEGER`, for lengths: functions of PostgreSQL do not take a `BIGINT` there.
    Length(i32),
    Integer(Option<i64>),
    Text(Option<String>),
    Bytes(Option<Vec<u8>>),
    /// A list of texts: an array (`= ANY($1)`) for PostgreSQL, JSON (`json_each($1)`) for SQLite.
    List(Vec<String>),
}

macro_rules! argument {
    ($($from:ty => $variant:ident($value:ident => $into:expr),)*) => {
        $(impl From<$from> for Argument {
            fn from($value: $from) -> Self {
                Self::$variant($into)
            }
        })*
    };
}

argument! {
    bool => Bool(value => value),
    i32 => Length(value => value),
    i64 => Integer(value => Some(value)),
    Option<i64> => Integer(value => value),
    Millis => Integer(value => Some(value.0)),
    Option<Millis> => Integer(value => value.map(|time| time.0)),
    &str => Text(value => Some(value.to_owned())),
    &String => Text(value => Some(value.clone())),
    String => Text(value => Some(value)),
    Option<&str> => Text(value => value.map(str::to_owned)),
    Option<String> => Text(value => value),
    &Option<String> => Text(value => value.clone()),
    Id => Text(value => Some(value.to_string())),
    Option<Id> => Text(value => value.map(|id| id.to_string())),
    Oid => Text(value => Some(value.to_string())),
    &Oid => Text(value => Some(value.to_string())),
    &[u8] => Bytes(value => Some(value.to_vec())),
    Option<&[u8]> => Bytes(value => value.map(<[u8]>::to_vec)),
    &[String] => List(value => value.to_vec()),
    &[&str] => List(value => value.iter().copied().map(str::to_owned).collect()),
    &[Id] => List(value => value.iter().map(ToString::to_string).collect()),
    &[Oid] => List(value => value.iter().map(ToString::to_string).collect()),
}

/// A type that a row of either engine can be read as.
pub(super) trait Record: for<'r> FromRow<'r, SqliteRow> + for<'r> FromRow<'r, PgRow> {}

impl<T> Record for T where T: for<'r> FromRow<'r, SqliteRow> + for<'r> FromRow<'r, PgRow> {}

/// A row of either engine.
enum Row {
    Sqlite(SqliteRow),
    Postgres(PgRow),
}

impl Row {
    fn read<T: Record>(&self) -> sqlx::Result<T> {
        match self {
            Self::Sqlite(row) => T::from_row(row),
            Self::Postgres(row) => T::from_row(row),
        }
    }
}

/// A query with its arguments.
pub(super) struct Query {
    text: &'static str,
    arguments: Vec<Argument>,
    is_persistent: bool,
}

/// A query for a single column.
pub(super) struct ScalarQuery(Query);

/// Creates a query. Placeholders are `$1`, `$2` and so on.
pub(super) fn query(text: &'static str) -> Query {
    Query { text, arguments: Vec::new(), is_persistent: true }
}

/// Creates a query whose rows have a single column.
pub(super) fn query_scalar(text: &'static str) -> ScalarQuery {
    ScalarQuery(query(text))
}

impl Query {
    /// Binds the next argument.
    pub(super) fn bind(mut self, argument: impl Into<Argument>) -> Self {
        self.arguments.push(argument.into());
        self
    }

    /// Sets whether the prepared statement is kept for reuse; the default is yes.
    pub(super) fn persistent(mut self, is_persistent: bool) -> Self {
        self.is_persistent = is_persistent;
        self
    }

    /// Runs a statement; returns the number of affected rows.
    pub(super) async fn execute(self, tx: &mut Tx) -> sqlx::Result<u64> {
        match tx {
            Tx::Sqlite(transaction) => {
                let done = (&mut **transaction).execute(self.for_sqlite()?).await?;
                Ok(done.rows_affected())
            }
            Tx::Postgres(session) => {
                let query = self.for_postgres()?;
                let done = session.answer(async |connection| connection.execute(query).await).await?;
                Ok(done.rows_affected())
            }
        }
    }

    /// Returns all rows.
    pub(super) async fn fetch_all<T: Record + Send>(self, tx: &mut Tx) -> sqlx::Result<Vec<T>> {
        let mut all = Vec::new();
        let mut add = |row: Row| {
            all.push(row.read()?);
            Ok(())
        };
        self.for_each(tx, &mut add).await?;
        Ok(all)
    }

    /// Returns the first row, if there is one.
    pub(super) async fn fetch_optional<T: Record>(self, tx: &mut Tx) -> sqlx::Result<Option<T>> {
        self.first(tx).await?.map(|row| row.read()).transpose()
    }

    /// Returns the first row. [`sqlx::Error::RowNotFound`] without one.
    pub(super) async fn fetch_one<T: Record>(self, tx: &mut Tx) -> sqlx::Result<T> {
        self.first(tx).await?.ok_or(sqlx::Error::RowNotFound)?.read()
    }

    async fn for_each(self, tx: &mut Tx, each: &mut (dyn FnMut(Row) -> sqlx::Result<()> + Send)) -> sqlx::Result<()> {
        match tx {
            Tx::Sqlite(transaction) => {
                let mut rows = (&mut **transaction).fetch(self.for_sqlite()?);
                while let Some(row) = rows.try_next().await? {
                    each(Row::Sqlite(row))?;
                }
                Ok(())
            }
            Tx::Postgres(session) => {
                let query = self.for_postgres()?;
                let read = async |connection: &mut PgConnection| {
                    let mut rows = connection.fetch(query);
                    while let Some(row) = rows.try_next().await? {
                        each(Row::Postgres(row))?;
                    }
                    Ok(())
                };
                session.answer(read).await
            }
        }
    }

    async fn first(self, tx: &mut Tx) -> sqlx::Result<Option<Row>> {
        match tx {
            Tx::Sqlite(transaction) => {
                Ok((&mut **transaction).fetch_optional(self.for_sqlite()?).await?.map(Row::Sqlite))
            }
            Tx::Postgres(session) => {
                let query = self.for_postgres()?;
                let row = session.answer(async |connection| connection.fetch_optional(query).await).await?;
                Ok(row.map(Row::Postgres))
            }
        }
    }

    fn for_sqlite(self) -> sqlx::Result<sqlx::query::Query<'static, Sqlite, SqliteArguments>> {
        let mut bound = SqliteArguments::default();
        for argument in self.arguments {
            match argument {
                Argument::Bool(value) => bound.add(value),
                Argument::Length(value) => bound.add(value),
                Argument::Integer(value) => bound.add(value),
                Argument::Text(value) => bound.add(value),
                Argument::Bytes(value) => bound.add(value),
                Argument::List(value) => bound.add(serde_json::Value::from(value).to_string()),
            }
            .map_err(sqlx::Error::Encode)?;
        }
        Ok(sqlx::query_with(self.text, bound).persistent(self.is_persistent))
    }

    fn for_postgres(self) -> sqlx::Result<sqlx::query::Query<'static, Postgres, PgArguments>> {
        let mut bound = PgArguments::default();
        for argument in self.arguments {
            match argument {
                Argument::Bool(value) => bound.add(value),
                Argument::Length(value) => bound.add(value),
                Argument::Integer(value) => bound.add(value),
                Argument::Text(value) => bound.add(value),
                Argument::Bytes(value) => bound.add(value),
                Argument::List(value) => bound.add(value),
            }
            .map_err(sqlx::Error::Encode)?;
        }
        Ok(sqlx::query_with(self.text, bound).persistent(self.is_persistent))
    }
}

impl ScalarQuery {
    /// Binds the next argument.
    pub(super) fn bind(self, argument: impl Into<Argument>) -> Self {
        Self(self.0.bind(argument))
    }

    /// Returns the values of all rows.
    pub(super) async fn fetch_all<T>(self, tx: &mut Tx) -> sqlx::Result<Vec<T>>
    where
        (T,): Record,
        T: Send,
    {
        Ok(self.0.fetch_all::<(T,)>(tx).await?.into_iter().map(|(value,)| value).collect())
    }

    /// Returns the value of the first row, if there is one.
    pub(super) async fn fetch_optional<T>(self, tx: &mut Tx) -> sqlx::Result<Option<T>>
    where
        (T,): Record,
    {
        Ok(self.0.fetch_optional::<(T,)>(tx).await?.map(|(value,)| value))
    }

    /// Returns the value of the first row. [`sqlx::Error::RowNotFound`] without one.
    pub(super) async fn fetch_one<T>(self, tx: &mut Tx) -> sqlx::Result<T>
    where
        (T,): Record,
    {
        Ok(self.0.fetch_one::<(T,)>(tx).await?.0)
    }
}
