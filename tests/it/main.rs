//! The server as its clients' programs see it: plain HTTP and the command
//! line. Each test runs on SQLite and, where `RUTTER_TEST_POSTGRES` names a
//! server, on PostgreSQL.

mod api;
mod harness;
mod jwt;
mod layers;
mod lfs_batch;
mod locks_api;
mod matrix;
mod site;
mod transfer;
