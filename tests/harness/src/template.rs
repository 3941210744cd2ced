//! Databases that have all tables and a signing key. The first test that needs one makes it, all others copy it: to make
//! one takes longer than the rest of a start.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rutter::access::jwt::Keys;
use rutter::access::secret::ServerSecret;
use rutter::clock::Clock;
use rutter::config::Config;
use rutter::db::{Db, migration_checksums};
use rutter::types::{Millis, Secret};
use sha2::{Digest as _, Sha256};
use sqlx::Connection as _;
use tempfile::TempDir;

use crate::database::{Engine, drop_old_databases, new_database_name, postgres, run, url_with_database};

/// Prepares the database and the secret of a server that starts for the first time, except where
/// the configuration names its own.
pub(crate) async fn copy(engine: Engine, config: &mut Config) {
    let own = config.secret.is_some() || config.secret_file().exists() || config.database_url.is_some();
    if own {
        if engine == Engine::Postgres && config.database_url.is_none() {
            config.database_url = engine.database_url().await.map(Secret::new);
        }
        return;
    }
    rutter::config::private_folder(&config.data).unwrap();
    let folder = folder().await;
    fs::copy(folder.join("secret"), config.secret_file()).unwrap();
    match engine {
        Engine::Sqlite => drop(fs::copy(folder.join("rutter.db"), config.data.join("rutter.db")).unwrap()),
        Engine::Postgres => config.database_url = Some(Secret::new(database(&folder).await)),
    }
}

/// Another one for other migrations. Those in the program count, not those in the working tree, which may be newer.
fn version() -> String {
    let mut hash = Sha256::new();
    for (number, checksum) in migration_checksums() {
        hash.update(number.to_le_bytes());
        hash.update(checksum);
    }
    hex::encode(&hash.finalize()[..8])
}

/// The data folder of a server that was started once.
async fn folder() -> PathBuf {
    let home = crate::tmp();
    fs::create_dir_all(&home).unwrap();
    let name = format!("template-{}", version());
    let made = home.join(&name);
    if !made.exists() {
        let _alone = lock(&home.join(format!("{name}.lock")));
        if !made.exists() {
            let new = TempDir::new_in(&home).unwrap();
            make(new.path()).await;
            // Atomic: an existing folder is complete.
            fs::rename(new.keep(), &made).unwrap();
        }
    }
    made
}

/// Waits for an exclusive lock.
fn lock(path: &Path) -> fs::File {
    let file = fs::File::create(path).unwrap();
    file.lock().unwrap();
    file
}

/// Creates a secret, all tables and a signing key, which is also written to a file: its id, sealed with the secret, and
/// its public part.
async fn make(folder: &Path) {
    let config = Config { data: folder.to_owned(), ..Config::default() };
    let secret = Arc::new(ServerSecret::load(&config).unwrap());
    let db = Db::connect(&config.database_url()).await.unwrap();
    Keys::load(&config, &db, &secret, &Clock::default()).await.unwrap();
    let keys = db.read().await.unwrap().signing_keys().await.unwrap();
    let keys: Vec<_> = keys.into_iter().map(|key| (key.kid, key.sealed, key.public)).collect();
    fs::write(folder.join("keys.json"), serde_json::to_vec(&keys).unwrap()).unwrap();
    // Writes the WAL into the file.
    db.close().await;
}

/// A new database of the test run's PostgreSQL.
async fn database(folder: &Path) -> String {
    let url = postgres().expect("RUTTER_TEST_POSTGRES");
    let mut connection = sqlx::PgConnection::connect(&url).await.unwrap();
    drop_old_databases(&mut connection).await;
    let (template, name) = (format!("template_{}", version()), new_database_name());
    let copy = format!("CREATE DATABASE {name} TEMPLATE {template}");
    if let Err(error) = run(&mut connection, copy.clone()).await {
        let missing = "3D000";
        assert_eq!(
            error.as_database_error().and_then(sqlx::error::DatabaseError::code).as_deref(),
            Some(missing),
            "{error}"
        );
        make_database(&mut connection, &url, &template, folder).await;
        run(&mut connection, copy).await.unwrap();
    }
    url_with_database(&url, &name)
}

async fn make_database(connection: &mut sqlx::PgConnection, url: &str, template: &str, folder: &Path) {
    let _alone = lock(&folder.join("postgres.lock"));
    let made = "SELECT COUNT(*) FROM pg_database WHERE datname = $1";
    if sqlx::query_scalar::<_, i64>(made).bind(template).fetch_one(&mut *connection).await.unwrap() > 0 {
        return;
    }
    let new = new_database_name();
    run(connection, format!("CREATE DATABASE {new}")).await.unwrap();
    let keys: Vec<(String, String, String)> =
        serde_json::from_slice(&fs::read(folder.join("keys.json")).unwrap()).unwrap();
    let db = Db::connect(&Secret::new(url_with_database(url, &new))).await.unwrap();
    let mut tx = db.write().await.unwrap();
    for (kid, sealed, public) in keys {
        tx.insert_signing_key(&kid, &sealed, &public, Clock::default().now(), Millis(0)).await.unwrap();
    }
    tx.commit().await.unwrap();
    db.close().await;
    run(connection, format!("ALTER DATABASE {new} RENAME TO {template}")).await.unwrap();
}
