//! The wire protocol with real git: a small HTTP server over an in-memory database, driven by the git binary
//! and by malicious raw requests. Test names that begin with `trap_` stand for the known pitfalls of serving
//! git without a repository on disk.

mod client;
mod raw;
mod server;

mod fetching;
mod hostile;
mod inspecting;
mod leaving;
mod pushing;
mod reporting;
