//! Configuration of tables.

use std::path::PathBuf;
use std::thread::available_parallelism;
use std::time::Duration;

use serde::Deserialize;

use super::units;
use crate::error::{Error, Result};

/// Tables: the rows of CSV, JSON Lines, Parquet and Arrow files, which separate processes read.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TablesConfig {
    /// The program of the table engine. Default: `rutter-tables` in the folder of this program.
    pub program: Option<PathBuf>,
    /// Maximum number of engines, each of which serves one request at a time. Default: half of the processors, 2 to 4.
    pub engines: usize,
    /// Threads of each engine. Default: 2.
    pub threads: usize,
    /// Memory of each engine for the rows that it works on, in bytes. Default: 512 MiB.
    #[serde(deserialize_with = "units::size")]
    pub memory_bytes: u64,
    /// Maximum size of the temporary files of each engine, in bytes. Default: 10 GiB.
    #[serde(deserialize_with = "units::size")]
    pub scratch_bytes: u64,
    /// Maximum time of one request, in seconds, without that for which the engine waits for the client. Default: 60.
    #[serde(deserialize_with = "units::seconds")]
    pub seconds: u64,
    /// Maximum time of a conversion to Parquet, in seconds. Default: 3600.
    #[serde(deserialize_with = "units::seconds")]
    pub convert_seconds: u64,
    /// Maximum time that a request waits for an engine, in seconds. Default: 10.
    #[serde(deserialize_with = "units::seconds")]
    pub wait_seconds: u64,
    /// Time for which an engine without requests is kept for its user, in seconds. Default: 30.
    #[serde(deserialize_with = "units::seconds")]
    pub idle_seconds: u64,
    /// Maximum number of rows of one response that is streamed: CSV, Parquet, Arrow or a flight. Default: no limit.
    pub rows: Option<u64>,
    /// Maximum number of rows that statistics are computed from: the first ones. Default: 5,000,000.
    pub statistics_rows: u64,
    /// Maximum number of rows of a row diff. Default: 1,000,000.
    pub diff_rows: u64,
    /// Maximum size of a result that is cached, in bytes. Default: 64 MiB.
    #[serde(deserialize_with = "units::size")]
    pub result_bytes: u64,
    /// Maximum size of the cache of results, in bytes. Default: 4 GiB.
    #[serde(deserialize_with = "units::size")]
    pub cache_bytes: u64,
    /// Lifetime of the tickets and prepared statements of Arrow Flight, in seconds. Default: 600.
    #[serde(deserialize_with = "units::seconds")]
    pub ticket_seconds: u64,
}

impl Default for TablesConfig {
    fn default() -> Self {
        let cores = available_parallelism().map_or(1, usize::from);
        Self {
            program: None,
            engines: (cores / 2).clamp(2, 4),
            threads: 2,
            memory_bytes: 512 << 20,
            scratch_bytes: 10 << 30,
            seconds: 60,
            convert_seconds: 3600,
            wait_seconds: 10,
            idle_seconds: 30,
            rows: None,
            statistics_rows: 5_000_000,
            diff_rows: 1_000_000,
            result_bytes: 64 << 20,
            cache_bytes: 4 << 30,
            ticket_seconds: 600,
        }
    }
}

impl TablesConfig {
    /// Minimum of `memory_bytes`.
    const MIN_MEMORY: u64 = 64 << 20;

    /// Checks the values.
    pub(super) fn check(&self) -> Result<()> {
        let positive = [
            ("engines", self.engines as u64),
            ("threads", self.threads as u64),
            ("seconds", self.seconds),
            ("convert_seconds", self.convert_seconds),
            ("ticket_seconds", self.ticket_seconds),
            ("rows", self.rows.unwrap_or(1)),
        ];
        for (key, value) in positive {
            if value == 0 {
                return Err(Error::invalid(format!("tables.{key} must be at least 1")));
            }
        }
        if self.memory_bytes < Self::MIN_MEMORY {
            return Err(Error::invalid("tables.memory_bytes must be at least 64 MiB"));
        }
        Ok(())
    }

    /// Returns the program of the table engine.
    pub fn program(&self) -> PathBuf {
        let beside = || std::env::current_exe().unwrap_or_default().with_file_name("rutter-tables");
        self.program.clone().unwrap_or_else(beside)
    }

    /// Returns `seconds`.
    pub fn timeout(&self) -> Duration {
        Duration::from_secs(self.seconds)
    }

    /// Returns `convert_seconds`.
    pub fn convert_timeout(&self) -> Duration {
        Duration::from_secs(self.convert_seconds)
    }
}
