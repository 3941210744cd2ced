//! The database: SQLite or PostgreSQL behind one [`Tx`]. All SQL is in this directory, one file per group of
//! tables, written once for both engines with `$1` placeholders. Only `Tx` has query methods, so a feature opens
//! one transaction, writes, enqueues its jobs in it and commits; opening a second connection inside a transaction
//! is impossible.

pub mod accounts;
pub mod activity;
pub mod admin;
pub mod app_installs;
pub mod apps;
pub mod check;
pub mod collect;
pub mod commits;
pub mod consents;
pub mod datasets;
pub mod derivations;
pub mod discussions;
pub mod file_requests;
pub mod groups;
pub mod identities;
pub mod invitations;
pub mod jobs;
pub mod keys;
pub mod links;
pub mod locks;
pub mod mail;
pub mod notifications;
pub mod oauth;
pub mod oauth_resources;
pub mod object_reuse;
pub mod objects;
pub mod one_time_tokens;
pub mod packs;
pub mod passkeys;
pub mod people;
pub mod platform_roles;
mod postgres;
pub mod profiles;
mod query;
pub(crate) mod query_cache;
pub mod reconstructions;
pub mod resources;
pub mod search;
pub mod second_factors;
pub mod sessions;
pub mod shares;
pub mod stars;
pub mod trash;
pub mod upload_sessions;
pub mod usage;
pub mod xorbs;

use std::str::FromStr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use sqlx::migrate::Migrator;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{Connection as _, Sqlite, SqliteConnection, Transaction};

use self::query::query;
use crate::error::{Error, Result};
use crate::types::Secret;

/// Timeout for a connection from the SQLite pools.
const ACQUIRE: Duration = Duration::from_secs(20);

/// SQLite's busy timeout: how long to wait for another process that has locked the file.
const BUSY: Duration = Duration::from_secs(30);

/// Migrations in SQL that both engines understand.
static MIGRATIONS: Migrator = sqlx_macros::migrate!();

/// Migrations specific to one engine. Their numbers are in one sequence with the common ones.
static SQLITE_MIGRATIONS: Migrator = sqlx_macros::migrate!("migrations/sqlite");
static POSTGRES_MIGRATIONS: Migrator = sqlx_macros::migrate!("migrations/postgres");

/// Returns all migrations of an engine, in order.
fn migrations(own: &Migrator) -> Migrator {
    Migrator::with_migrations(MIGRATIONS.iter().chain(own.iter()).cloned().collect())
}

/// Returns the number and checksum of each migration in this program, of all engines. Databases migrated by programs where
/// these are equal have the same tables.
pub fn migration_checksums() -> impl Iterator<Item = (i64, &'static [u8])> {
    let all = [&MIGRATIONS, &SQLITE_MIGRATIONS, &POSTGRES_MIGRATIONS].into_iter().flat_map(|each| each.iter());
    all.map(|migration| (migration.version, &*migration.checksum))
}

/// Default number of connections to a PostgreSQL server.
const CONNECTIONS: u32 = 20;

/// Default query timeout of a PostgreSQL server.
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(25);

/// How long closing waits for open transactions.
const CLOSING: Duration = Duration::from_secs(10);

fn silent(error: sqlx::Error) -> Error {
    Error::unavailable("cannot connect to the database").because(error)
}

/// A connection pool. Cheap to clone.
#[derive(Clone)]
pub enum Db {
    /// SQLite: an embedded file.
    Sqlite {
        /// Pool of readers.
        read: SqlitePool,
        /// Pool of a single writer: writers queue here, fairly, instead of polling the lock of the file.
        write: SqlitePool,
        /// Cache of query results.
        cache: Arc<query_cache::QueryCache>,
    },
    /// A PostgreSQL server.
    Postgres(postgres::Server),
}

/// A database transaction. Dropping it without [`Tx::commit`] rolls it back.
pub enum Tx {
    /// A transaction on SQLite.
    Sqlite(Transaction<'static, Sqlite>),
    /// A transaction on PostgreSQL.
    Postgres(postgres::PgTx),
}

/// Builds a statement about the texts in a list ([`query::Argument::List`]), for each engine.
macro_rules! listed {
    ($tx:expr, $before:literal, $list:literal, $after:literal) => {
        match $tx {
            $crate::db::Tx::Sqlite(_) => concat!($before, " IN (SELECT value FROM json_each(", $list, ")) ", $after),
            $crate::db::Tx::Postgres(_) => {
                concat!($before, " = ANY(", $list, ") ", $after)
            }
        }
    };
}
pub(crate) use listed;

impl Db {
    /// Connects and runs pending migrations.
    ///
    /// # Errors
    /// If the URL is neither `sqlite:` nor `postgres:`, the database is unavailable, or it was migrated by a
    /// newer version.
    pub async fn connect(url: &Secret) -> Result<Self> {
        Self::connect_with(url, CONNECTIONS, DEFAULT_TIMEOUT).await
    }

    /// Like [`Db::connect`], with a maximum number of connections to a PostgreSQL server and a query timeout: a
    /// request whose query exceeds it fails as unavailable.
    pub async fn connect_with(url: &Secret, connections: u32, query_timeout: Duration) -> Result<Self> {
        let text = url.expose();
        let outdated = |error| Error::unavailable("the database migrations failed").because(error);
        if text.starts_with("sqlite:") {
            let db = Self::connect_sqlite(text).await?;
            if let Self::Sqlite { write, .. } = &db {
                migrate_sqlite(write).await.map_err(outdated)?;
            }
            return Ok(db);
        }
        if !text.starts_with("postgres:") && !text.starts_with("postgresql:") {
            return Err(Error::invalid("database_url must start with sqlite:// or postgres://"));
        }
        let options = PgConnectOptions::from_str(text)
            .map_err(|_| Error::invalid("database_url is not a PostgreSQL URL"))?
            .application_name("rutter");
        // On a separate connection without timeouts: migrations may take long, and wait for those of another
        // replica.
        let alone = PgPoolOptions::new().max_connections(1).acquire_timeout(postgres::ACQUIRE);
        let alone = alone.connect_with(options.clone()).await.map_err(silent)?;
        migrations(&POSTGRES_MIGRATIONS).run(&alone).await.map_err(outdated)?;
        alone.close().await;
        Ok(Self::Postgres(postgres::Server::connect(options, connections, query_timeout).await.map_err(silent)?))
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
        let cannot_open = |error: sqlx::Error| Error::unavailable("cannot open the database file").because(error);
        let cache = Arc::new(query_cache::QueryCache::new(options.get_filename()));
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
                // If another process converts the same new file to WAL, SQLite's busy timeout does not apply.
                Err(error) if is_busy(&error) && begun.elapsed() < BUSY => tokio::time::sleep(BUSY / 1000).await,
                opened => break opened.map_err(cannot_open)?,
            }
        };
        let read = SqlitePoolOptions::new()
            .before_acquire(|connection, _| Box::pin(std::future::ready(Ok(is_idle(connection)))))
            .max_connections(4)
            .acquire_timeout(ACQUIRE)
            .connect_lazy_with(options.read_only(true));
        Ok(Self::Sqlite { read, write, cache })
    }

    /// Begins a read transaction on a consistent snapshot.
    pub async fn read(&self) -> Result<Tx> {
        self.begin_read(false).await
    }

    /// Like [`Db::read`], for statements that may take minutes, such as full scans of large tables. Not for use
    /// in requests.
    pub async fn read_long(&self) -> Result<Tx> {
        self.begin_read(true).await
    }

    /// Begins a transaction that may write.
    pub async fn write(&self) -> Result<Tx> {
        self.begin_write(false).await
    }

    /// Like [`Db::write`], for long statements as in [`Db::read_long`].
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
            // IMMEDIATE: a reader that becomes a writer later could fail with "busy".
            Self::Sqlite { write, .. } => Tx::Sqlite(write.begin_with("BEGIN IMMEDIATE").await?),
            Self::Postgres(server) => Tx::Postgres(server.write(long).await?),
        })
    }

    /// Fails if the PostgreSQL server was found unresponsive after `moment`. Tasks queued for another resource
    /// call this with the time at which they started to wait, so that all of them fail at once after the first
    /// timeout instead of one after the other.
    ///
    /// # Errors
    /// Unavailable if the server is unresponsive.
    pub fn expect_answers_since(&self, moment: Instant) -> Result<()> {
        match self {
            Self::Postgres(server) if server.is_silent_since(moment) => {
                Err(Error::unavailable("the database is unavailable; try again in a moment"))
            }
            Self::Sqlite { .. } | Self::Postgres(_) => Ok(()),
        }
    }

    /// Updates the connection metrics.
    pub fn observe(&self) {
        match self {
            Self::Sqlite { read, write, .. } => {
                observe_pool("read", read);
                observe_pool("write", write);
            }
            Self::Postgres(server) => observe_pool("all", server.pool()),
        }
    }

    /// Closes all connections.
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
    // The two numbers are not read atomically.
    connections("used", pool.size().saturating_sub(idle));
    let most = f64::from(pool.options().get_max_connections());
    metrics::gauge!("rutter_database_connections_most", "pool" => name).set(most);
}

/// Records how long a transaction waits for a connection and its `BEGIN`, even if it fails.
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

/// Returns true if the driver considers the connection to be outside of a transaction; one that is not must not
/// be reused. SQLite rolls back on its own when its disk is full (its documentation, "Transaction", §3); the
/// driver does not notice, and every later transaction on the connection would fail.
fn is_idle(connection: &SqliteConnection) -> bool {
    !connection.is_in_transaction()
}

/// Returns true if another process has locked the file (`SQLITE_BUSY` or one of its extended codes, whose low
/// byte is 5).
fn is_busy(error: &sqlx::Error) -> bool {
    let code = error.as_database_error().and_then(|error| error.code()?.parse::<u32>().ok());
    code.is_some_and(|code| code & 0xff == 5)
}

/// Runs the migrations in one transaction: two processes may start at once, and SQLite has no other lock for
/// this.
async fn migrate_sqlite(write: &SqlitePool) -> Result<(), sqlx::migrate::MigrateError> {
    let mut transaction = write.begin_with("BEGIN IMMEDIATE").await?;
    migrations(&SQLITE_MIGRATIONS).run(&mut *transaction).await?;
    Ok(transaction.commit().await?)
}

impl Tx {
    /// Commits the transaction.
    pub async fn commit(self) -> Result<()> {
        match self {
            Self::Sqlite(transaction) => transaction.commit().await?,
            Self::Postgres(session) => session.commit().await?,
        }
        Ok(())
    }

    /// Checks that the database responds.
    pub async fn ping(&mut self) -> Result<()> {
        query("SELECT 1").execute(self).await?;
        Ok(())
    }
}

/// Converts a unique violation into a conflict with a message for the user.
pub(crate) fn taken(error: sqlx::Error, what: impl FnOnce() -> String) -> Error {
    if error.as_database_error().is_some_and(sqlx::error::DatabaseError::is_unique_violation) {
        Error::conflict(what())
    } else {
        error.into()
    }
}

/// Returns the error of a statement that refers to a dataset, which may have been deleted in the meantime.
pub(crate) fn dataset_deleted(error: sqlx::Error) -> Error {
    if error.as_database_error().is_some_and(sqlx::error::DatabaseError::is_foreign_key_violation) {
        Error::not_found("the dataset was deleted")
    } else {
        error.into()
    }
}

/// Parses the oid of an object in a row.
pub(crate) fn oid(text: &str) -> Result<lfs::Oid> {
    text.parse().map_err(Error::internal)
}

/// Converts a BIGINT of SQL to the unsigned type used in Rust for sizes and counters.
pub(crate) fn unsigned(value: i64) -> u64 {
    u64::try_from(value).unwrap_or(0)
}

/// Converts an unsigned size or counter to a BIGINT; see [`unsigned`].
pub(crate) fn signed(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}
