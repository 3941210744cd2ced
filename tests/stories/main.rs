//! Stories: several people, real git and real git-lfs, one server. Each runs
//! on SQLite and, where `RUTTER_TEST_POSTGRES` names a server, on PostgreSQL.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod applications;
mod attacker;
mod ckan;
mod clients;
mod concurrency;
mod contract;
mod fault_proxy;
mod flask_appbuilder;
mod flight;
mod hosting;
mod hub;
mod large;
mod large_tables;
mod login;
mod npm;
mod oauth;
mod platform;
mod pypi;
mod rules;
mod snippets;
mod tables;
mod uploads;
mod xet;
