//! The server as its clients' programs see it: plain HTTP and the command
//! line. Each test runs on SQLite and, where `RUTTER_TEST_POSTGRES` names a
//! server, on PostgreSQL.

mod harness;
mod site;
