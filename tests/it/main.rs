//! The server as its clients' programs see it: plain HTTP and the command
//! line. Each test runs on SQLite and, where `RUTTER_TEST_POSTGRES` names a
//! server, on PostgreSQL.
#![expect(clippy::format_push_string, reason = "a report is written for a snapshot, not for speed")]
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod accounts;
mod admin;
mod api;
mod browse;
mod check;
mod circles;
mod ckan;
mod cli;
mod collect;
mod commits;
mod connections;
mod db;
mod document;
mod drive;
mod drive_api;
mod facts;
mod full;
mod harness;
mod infer;
mod jwt;
mod layers;
mod letters;
mod lfs_batch;
mod limits;
mod locks_api;
mod matrix;
mod organisations;
mod patience;
mod protection;
mod quotas;
mod race;
mod rename;
mod search;
mod share_links;
mod shares;
mod site;
mod takeover;
mod transfer;
mod uploads;
mod versions;
