//! Databases for tests: a new SQLite file or a new database of the test run's PostgreSQL.

use std::fmt::Write as _;
use std::path::Path;

use sqlx::{Connection as _, Executor as _};

use crate::environment;

/// Which database a story runs on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Engine {
    Sqlite,
    Postgres,
}

impl Engine {
    /// The URL of an empty database; `None` for the default.
    pub async fn database_url(self) -> Option<String> {
        match self {
            Self::Sqlite => None,
            Self::Postgres => Some(new_postgres_database(&postgres().expect("RUTTER_TEST_POSTGRES")).await),
        }
    }
}

/// The PostgreSQL server for tests, if there is one.
pub fn postgres() -> Option<String> {
    environment("RUTTER_TEST_POSTGRES")
}

/// An empty database on this PostgreSQL server.
pub async fn new_postgres_database(url: &str) -> String {
    let mut connection = sqlx::PgConnection::connect(url).await.unwrap();
    drop_old_databases(&mut connection).await;
    let name = new_database_name();
    run(&mut connection, format!("CREATE DATABASE {name}")).await.unwrap();
    url_with_database(url, &name)
}

/// How many databases of ended tests may be left: a thousand would fill a small disk, and dropping each one immediately
/// takes longer than starting a server.
const MAX_OLD_DATABASES: usize = 100;

pub(crate) async fn drop_old_databases(connection: &mut sqlx::PgConnection) {
    let databases: Vec<String> =
        sqlx::query_scalar("SELECT datname::text FROM pg_database").fetch_all(&mut *connection).await.unwrap();
    let is_left = |database: &String| {
        let owner = database.strip_prefix("rutter_").and_then(|rest| rest.split('_').next());
        owner.is_some_and(|process| process.parse::<u32>().is_ok() && !Path::new("/proc").join(process).exists())
    };
    let left: Vec<_> = databases.into_iter().filter(is_left).collect();
    if left.len() > MAX_OLD_DATABASES {
        for database in left {
            // Another test may be doing the same.
            let _ = run(connection, format!("DROP DATABASE IF EXISTS {database} WITH (FORCE)")).await;
        }
    }
}

pub(crate) fn new_database_name() -> String {
    let mut name = format!("rutter_{}_", std::process::id());
    for byte in rutter::clock::random::<8>() {
        write!(name, "{byte:02x}").unwrap();
    }
    name
}

pub(crate) async fn run(connection: &mut sqlx::PgConnection, statement: String) -> sqlx::Result<()> {
    connection.execute(sqlx::AssertSqlSafe(statement)).await.map(|_| ())
}

/// The address of another database of the same server.
pub(crate) fn url_with_database(url: &str, name: &str) -> String {
    let (head, query) = url.split_once('?').map_or((url, None), |(head, query)| (head, Some(query)));
    let (base, _) = head.rsplit_once('/').unwrap();
    query.map_or_else(|| format!("{base}/{name}"), |query| format!("{base}/{name}?{query}"))
}
