//! The engine from outside, with git as the oracle and a small database in memory.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod bounds;
mod caching;
mod checks;
mod commits;
mod concurrency;
mod diffs;
mod garbage;
mod histories;
mod maintenance;
mod pointers;
mod reading;
mod snapshots;
mod stores;
mod support;
