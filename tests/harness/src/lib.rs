//! What the tests of rutter share: servers, clients, Git working trees, databases, and users that work while servers are
//! killed.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]
#![expect(missing_docs, reason = "most helpers are described by their names")]

mod actors;
pub mod audit;
mod connection;
mod database;
mod files;
mod git;
mod installation;
mod ledger;
mod race;
mod random;
mod reply;
mod server;
mod story;
mod table_requests;
mod template;
pub mod xet;

use std::path::PathBuf;
use std::time::{Duration, Instant};

pub use self::actors::{Author, StopOnPanic, StopSignal, upload_until_stopped};
pub use self::connection::RawConnection;
pub use self::database::{Engine, new_postgres_database, postgres};
pub use self::files::{files, files_below, names, noise, parquet_file};
pub use self::git::{Tree, assert_success, git_command, text};
pub use self::installation::{DATABASE, Database, Installation, ServerProcess};
pub use self::ledger::{Change, Entries, Held, Ledger, Push, Refs};
pub use self::race::{Pusher, object_from_pool, pointers};
pub use self::random::Random;
pub use self::reply::{Reply, shape};
pub use self::server::{PASSWORD, Person, ReceivedEmail, Server, table_engine};
pub use self::story::run;
pub use self::table_requests::{TableClient, assert_hidden};

/// The media type of the LFS API.
pub const LFS_JSON: &str = "application/vnd.git-lfs+json";

/// Returns a variable of the environment of the test run, unless it is empty.
#[expect(clippy::disallowed_methods, reason = "a test run is configured by its environment")]
pub fn environment(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// The program `rutter` that cargo has built for the tests.
pub fn program() -> PathBuf {
    environment("CARGO_BIN_EXE_rutter").expect("cargo says where its programs are").into()
}

/// Waits for something that happens in the background.
pub async fn eventually(what: &str, mut happened: impl AsyncFnMut() -> bool) {
    let begun = Instant::now();
    while begun.elapsed() < Duration::from_mins(1) {
        if happened().await {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("{what}: it never happened");
}

/// What `CARGO_TARGET_TMPDIR` names, which only the tests themselves have.
fn tmp() -> std::path::PathBuf {
    program().ancestors().nth(2).unwrap().join("tmp")
}

/// A port that stays free while no server listens on it: below those that
/// the system gives to outgoing connections, and locked against other tests
/// until this process ends.
pub fn free_port() -> u16 {
    let folder = tmp().join("ports");
    std::fs::create_dir_all(&folder).unwrap();
    loop {
        let [high, low] = rutter::clock::random::<2>();
        let port = 15_000 + u16::from_be_bytes([high, low]) % 5_000;
        let lock = std::fs::File::create(folder.join(port.to_string())).unwrap();
        if lock.try_lock().is_ok() && std::net::TcpListener::bind(("127.0.0.1", port)).is_ok() {
            // The lock lasts as long as the descriptor.
            std::mem::forget(lock);
            return port;
        }
    }
}
