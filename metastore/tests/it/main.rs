//! Tests of the engine's public interface, with git for comparison and a small in-memory database.

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
mod merges;
mod pointers;
mod reading;
mod snapshots;
mod stores;
mod support;
