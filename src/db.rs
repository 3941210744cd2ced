//! The database: SQLite or PostgreSQL behind one [`Tx`]. All SQL lives in
//! this folder, one file per group of tables, written once for both engines
//! with `$1` placeholders. Only `Tx` has query methods, so a feature opens one
//! transaction, writes, enqueues jobs in it and commits; a connection nested
//! in a transaction cannot be written.

pub mod accounts;
pub mod admin;
pub mod check;
pub mod collect;
pub mod commits;
pub mod datasets;
pub mod groups;
pub mod intake;
pub mod invitations;
pub mod jobs;
pub mod keys;
pub mod lending;
pub mod links;
pub mod locks;
pub mod mail;
pub(crate) mod memo;
pub mod objects;
pub mod packs;
pub mod people;
pub mod resources;
pub mod search;
mod server;
pub mod sessions;
pub mod shares;
pub mod tickets;
pub mod trash;
pub mod uploads;
pub mod usage;

use std::str::FromStr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use sqlx::migrate::Migrator;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{Connection as _, Sqlite, SqliteConnection, Transaction};

use crate::error::{Error, Result};
use crate::types::Secret;

/// How long a request waits for a connection before it is told to come back.
const ACQUIRE: Duration = Duration::from_secs(20);

/// How long SQLite waits for another process that holds its file.
const BUSY: Duration = Duration::from_secs(30);

/// What both engines understand.
static MIGRATIONS: Migrator = sqlx::migrate!();

/// What has to be said to each in its own words. Their numbers are of one row with the others.
static SQLITE_MIGRATIONS: Migrator = sqlx::migrate!("migrations/sqlite");
static POSTGRES_MIGRATIONS: Migrator = sqlx::migrate!("migrations/postgres");

/// All migrations of an engine, in order.
fn migrations(own: &Migrator) -> Migrator {
    Migrator::with_migrations(MIGRATIONS.iter().chain(own.iter()).cloned().collect())
}

/// Connections to a server, where nobody says how many.
const CONNECTIONS: u32 = 20;

/// How long a server may take to answer, where nobody says so.
const PATIENCE: Duration = Duration::from_secs(25);

/// How long open transactions may take to end when all is closed.
const CLOSING: Duration = Duration::from_secs(10);

fn silent(error: sqlx::Error) -> Error {
    Error::unavailable("the database does not answer").because(error)
}

/// A pool of connections. Cheap to clone.
#[derive(Clone)]
pub enum Db {
    /// An embedded file.
    Sqlite {
        /// Many readers.
        read: SqlitePool,
        /// One writer: writers queue here, fairly, instead of polling the
        /// lock of the file.
        write: SqlitePool,
        /// Answers that are still true.
        memo: Arc<memo::Memo>,
    },
    /// A server.
    Postgres(server::Server),
}

/// One transaction. Dropped without [`Tx::commit`], it never happened.
pub enum Tx {
    /// On SQLite.
    Sqlite(Transaction<'static, Sqlite>),
    /// On PostgreSQL.
    Postgres(server::Session),
}

/// Stamps one query for both drivers: `run!(tx, on => query.fetch_all(on))`. A server's answer is not waited for for
/// ever.
macro_rules! run {
    ($tx:expr, $on:ident => $query:expr) => {
        match $tx {
            $crate::db::Tx::Sqlite(transaction) => {
                let $on = &mut **transaction;
                $query.await
            }
            $crate::db::Tx::Postgres(session) => session.answer(async |$on| $query.await).await,
        }
    };
}
pub(crate) use run;

/// Like `run!`, for statements; gives the number of rows affected.
macro_rules! exec {
    ($tx:expr, $query:expr) => {
        match $tx {
            $crate::db::Tx::Sqlite(transaction) => {
                $query.execute(&mut **transaction).await.map(|done| done.rows_affected())
            }
            $crate::db::Tx::Postgres(session) => {
                session.answer(async |on| $query.execute(on).await).await.map(|done| done.rows_affected())
            }
        }
    };
}
pub(crate) use exec;

impl Db {
    /// Connects, and brings the tables up to date.
    ///
    /// # Errors
    /// A URL that is neither `sqlite:` nor `postgres:`, a database that does
    /// not answer, a database written by a newer version.
    pub async fn connect(url: &Secret) -> Result<Self> {
        Self::connect_with(url, CONNECTIONS, PATIENCE).await
    }

    /// Like [`Db::connect`], with at most so many connections to a server, of which each answer may take so long: after
    /// that, what needs it is unavailable.
    pub async fn connect_with(url: &Secret, connections: u32, patience: Duration) -> Result<Self> {
        let text = url.expose();
        let outdated =
            |error| Error::unavailable("the database's tables could not be brought up to date").because(error);
        if text.starts_with("sqlite:") {
            let db = Self::connect_sqlite(text).await?;
            if let Self::Sqlite { write, .. } = &db {
                migrate_sqlite(write).await.map_err(outdated)?;
            }
            return Ok(db);
        }
        if !text.starts_with("postgres:") && !text.starts_with("postgresql:") {
            return Err(Error::invalid("database_url must begin with sqlite:// or postgres://"));
        }
        let options = PgConnectOptions::from_str(text)
            .map_err(|_| Error::invalid("database_url is not a PostgreSQL URL"))?
            .application_name("rutter");
        // On a connection of their own: they may take long, and wait for those of another replica.
        let alone = PgPoolOptions::new().max_connections(1).acquire_timeout(server::ACQUIRE);
        let alone = alone.connect_with(options.clone()).await.map_err(silent)?;
        migrations(&POSTGRES_MIGRATIONS).run(&alone).await.map_err(outdated)?;
        alone.close().await;
        Ok(Self::Postgres(server::Server::connect(options, connections, patience).await.map_err(silent)?))
    }

    async fn connect_sqlite(url: &str) -> Result<Self> {
        let options = SqliteConnectOptions::from_str(url)
            .map_err(|error| Error::invalid(format!("database_url: {error}")))?
            .create_if_missing(true)
            .foreign_keys(true)
            .journal_mode(SqliteJournalMode::Wal)
            // FULL, not NORMAL: an acknowledged push must survive a power cut.
            .synchronous(SqliteSynchronous::Full)
            .busy_timeout(BUSY)
            .pragma("journal_size_limit", "67108864");
        let cannot_open = |error: sqlx::Error| Error::unavailable("the database file cannot be opened").because(error);
        let memo = Arc::new(memo::Memo::new(options.get_filename()));
        let write = SqlitePoolOptions::new()
            .max_connections(1)
            .min_connections(1)
            .idle_timeout(None)
            .max_lifetime(None)
            .acquire_timeout(ACQUIRE)
            .before_acquire(|connection, _| Box::pin(std::future::ready(Ok(is_idle(connection)))));
        let begun = Instant::now();
        let write = loop {
            match write.clone().connect_with(options.clone()).await {
                // Where another process makes the same new file a WAL one, SQLite does not wait by itself.
                Err(error) if is_busy(&error) && begun.elapsed() < BUSY => tokio::time::sleep(BUSY / 1000).await,
                opened => break opened.map_err(cannot_open)?,
            }
        };
        let read = SqlitePoolOptions::new()
            .before_acquire(|connection, _| Box::pin(std::future::ready(Ok(is_idle(connection)))))
            .max_connections(4)
            .acquire_timeout(ACQUIRE)
            .connect_lazy_with(options.read_only(true));
        Ok(Self::Sqlite { read, write, memo })
    }

    /// A transaction that sees one moment of the database.
    pub async fn read(&self) -> Result<Tx> {
        self.begin_read(false).await
    }

    /// Like [`Db::read`], for work of which each statement may take minutes, as where it looks at all rows of a large
    /// table. Nobody should wait for that.
    pub async fn read_long(&self) -> Result<Tx> {
        self.begin_read(true).await
    }

    /// A transaction that may write.
    pub async fn write(&self) -> Result<Tx> {
        self.begin_write(false).await
    }

    /// Like [`Db::write`]; as in [`Db::read_long`].
    pub async fn write_long(&self) -> Result<Tx> {
        self.begin_write(true).await
    }

    async fn begin_read(&self, long: bool) -> Result<Tx> {
        let _wait = Wait::begin("read");
        Ok(match self {
            Self::Sqlite { read, .. } => Tx::Sqlite(read.begin().await?),
            Self::Postgres(server) => Tx::Postgres(server.read(long).await?),
        })
    }

    async fn begin_write(&self, long: bool) -> Result<Tx> {
        let _wait = Wait::begin("write");
        Ok(match self {
            // IMMEDIATE: a reader that becomes a writer half way could fail with "busy".
            Self::Sqlite { write, .. } => Tx::Sqlite(write.begin_with("BEGIN IMMEDIATE").await?),
            Self::Postgres(server) => Tx::Postgres(server.write(long).await?),
        })
    }

    /// Those who stand in line for something else learn together, not one after the other, that a server which the
    /// first of them waited for is silent: to be asked with the moment at which they came.
    ///
    /// # Errors
    /// Unavailable.
    pub fn expect_answers_since(&self, moment: Instant) -> Result<()> {
        match self {
            Self::Postgres(server) if server.is_silent_since(moment) => {
                Err(Error::unavailable("the database does not answer; try again in a moment"))
            }
            Self::Sqlite { .. } | Self::Postgres(_) => Ok(()),
        }
    }

    /// Brings the figures of the connections up to date.
    pub fn observe(&self) {
        match self {
            Self::Sqlite { read, write, .. } => {
                observe_pool("read", read);
                observe_pool("write", write);
            }
            Self::Postgres(server) => observe_pool("all", server.pool()),
        }
    }

    /// Ends all connections.
    pub async fn close(&self) {
        match self {
            Self::Sqlite { read, write, .. } => {
                read.close().await;
                write.close().await;
            }
            Self::Postgres(server) => {
                let _ = tokio::time::timeout(CLOSING, server.pool().close()).await;
            }
        }
    }
}

fn observe_pool<D: sqlx::Database>(name: &'static str, pool: &sqlx::Pool<D>) {
    let idle = u32::try_from(pool.num_idle()).unwrap_or(u32::MAX);
    let connections = |state, number: u32| {
        metrics::gauge!("rutter_database_connections", "pool" => name, "state" => state).set(f64::from(number));
    };
    connections("idle", idle);
    // The two numbers are not of one moment.
    connections("used", pool.size().saturating_sub(idle));
    let most = f64::from(pool.options().get_max_connections());
    metrics::gauge!("rutter_database_connections_most", "pool" => name).set(most);
}

/// How long a transaction waits for a connection and its begin, in the figures: also where it waits in vain.
struct Wait {
    since: Instant,
    kind: &'static str,
}

impl Wait {
    fn begin(kind: &'static str) -> Self {
        Self { since: Instant::now(), kind }
    }
}

impl Drop for Wait {
    fn drop(&mut self) {
        metrics::histogram!("rutter_database_wait_seconds", "transaction" => self.kind).record(self.since.elapsed());
    }
}

/// Whether the driver takes the connection to be outside of a transaction; one
/// that is not must not be used again. SQLite ends a transaction by itself when
/// its disk is full (its documentation, "Transaction", §3); the driver does not
/// learn of it, and every later transaction on the connection would fail.
fn is_idle(connection: &SqliteConnection) -> bool {
    !connection.is_in_transaction()
}

/// Whether another process holds the file (`SQLITE_BUSY` or one of its extended codes, whose low byte is 5).
fn is_busy(error: &sqlx::Error) -> bool {
    let code = error.as_database_error().and_then(|error| error.code()?.parse::<u32>().ok());
    code.is_some_and(|code| code & 0xff == 5)
}

/// In one transaction: two processes may start at once, and SQLite has no lock
/// for that but its own.
async fn migrate_sqlite(write: &SqlitePool) -> Result<(), sqlx::migrate::MigrateError> {
    let mut transaction = write.begin_with("BEGIN IMMEDIATE").await?;
    migrations(&SQLITE_MIGRATIONS).run(&mut *transaction).await?;
    Ok(transaction.commit().await?)
}

impl Tx {
    /// Makes it so.
    pub async fn commit(self) -> Result<()> {
        match self {
            Self::Sqlite(transaction) => transaction.commit().await?,
            Self::Postgres(session) => session.commit().await?,
        }
        Ok(())
    }

    /// Whether the database answers.
    pub async fn ping(&mut self) -> Result<()> {
        run!(self, on => sqlx::query_scalar::<_, i32>("SELECT 1").fetch_one(on))?;
        Ok(())
    }
}

/// Turns "already there" into a conflict that the person can understand.
pub(crate) fn taken(error: sqlx::Error, what: impl FnOnce() -> String) -> Error {
    if error.as_database_error().is_some_and(sqlx::error::DatabaseError::is_unique_violation) {
        Error::conflict(what())
    } else {
        error.into()
    }
}

/// An object's name as a row has it.
pub(crate) fn oid(text: &str) -> Result<lfs::Oid> {
    text.parse().map_err(Error::internal)
}

/// Sizes and counters are unsigned in Rust and BIGINT in SQL.
pub(crate) fn unsigned(value: i64) -> u64 {
    u64::try_from(value).unwrap_or(0)
}

/// See [`unsigned`].
pub(crate) fn signed(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}
