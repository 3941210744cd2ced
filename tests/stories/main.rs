//! Stories: several people, real git and real git-lfs, one server. Each runs
//! on SQLite and, where `RUTTER_TEST_POSTGRES` names a server, on PostgreSQL.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

#[path = "../it/api.rs"]
#[expect(dead_code, reason = "the tests of the API use the rest")]
mod api;
mod attacker;
mod bad_line;
mod ckan;
mod concurrency;
mod contract;
#[path = "../it/harness.rs"]
mod harness;
mod hosting;
mod hub;
mod large;
mod pypi;
mod rules;
mod sound;
mod uploads;
