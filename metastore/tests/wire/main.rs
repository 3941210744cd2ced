//! The wire against real git: a small HTTP server over a database in memory, driven by the git binary
//! and by hostile raw requests. Test names that begin with `trap_` stand for the known pitfalls of
//! serving git without a repository on disk.

mod client;
mod raw;
mod server;

mod fetching;
mod hostile;
mod inspecting;
mod leaving;
mod pushing;
mod reporting;
