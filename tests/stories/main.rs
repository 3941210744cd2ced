//! Stories: several people, real git and real git-lfs, one server. Each runs
//! on SQLite and, where `RUTTER_TEST_POSTGRES` names a server, on PostgreSQL.

#[path = "../it/harness.rs"]
mod harness;
mod hosting;
