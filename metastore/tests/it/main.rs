//! The engine from outside, with git as the oracle and a small database in memory.

mod commits;
mod concurrency;
mod diffs;
mod histories;
mod maintenance;
mod reading;
mod snapshots;
mod stores;
mod support;
