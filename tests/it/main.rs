//! The server as its clients' programs see it: plain HTTP and the command
//! line. Each test runs on SQLite and, where `RUTTER_TEST_POSTGRES` names a
//! server, on PostgreSQL.
#![expect(clippy::format_push_string, reason = "a report is written for a snapshot, not for speed")]
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod accounts;
mod activity;
mod admin;
mod apps;
mod browse;
mod check;
mod circles;
mod ckan;
mod cli;
mod collect;
mod commits;
mod connections;
mod db;
mod discussions;
mod disk_full;
mod drive_api;
mod emails;
mod file_requests;
mod find;
mod flight;
mod jwt;
mod layers;
mod lfs_batch;
mod limits;
mod locks_api;
mod matrix;
mod oauth;
mod openapi;
mod organisations;
mod owners;
mod packed;
mod packs;
mod platform_roles;
mod previews;
mod protection;
mod quotas;
mod rename;
mod search;
mod second_factor;
mod share_links;
mod shares;
mod sign_in;
mod site;
mod stats;
mod tables;
mod takeover;
mod thumbnails;
mod timeouts;
mod transfer;
mod uploads;
mod versions;
