//! The table engine of rutter: reads tables and images for the server, in a process without rights of its own.
//!
//! The server sends requests over standard input; see `tables-wire`. Everything that parses files of users is in this
//! program, so that a malicious one can at most end it.

mod arrow_file;
mod blocking;
mod confine;
mod connection;
mod convert;
mod diff;
mod error;
mod features;
mod infer;
mod kept;
mod names;
mod output;
mod page;
mod panics;
mod parquet_file;
mod picture;
mod query;
mod rows;
mod serve;
mod source;
mod sql;
mod statistics;
mod syntax;
mod text;
mod types;

use std::path::Path;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};

use crate::query::Context;

/// Stack of each thread, in bytes: expressions of requests are nested, and so are types of files.
const STACK: usize = 16 << 20;

/// Threads for what blocks, such as writing spilled rows.
const BLOCKING_THREADS: usize = 4;

/// The table engine of rutter. The server starts it; there is no need to do so yourself.
#[derive(Parser)]
#[command(name = "rutter-tables", version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Serve requests from standard input, with spilled rows in the working directory.
    #[command(after_help = "Example:\n  cd SCRATCH && env -i rutter-tables serve --memory-bytes 536870912 \
                            --scratch-bytes 10737418240 --threads 2")]
    Serve(Serve),
    /// Confine the process as `serve` does, and report whether it can read files, connect, listen or send UDP.
    #[command(after_help = "Example:\n  rutter-tables check && echo 'table engines are confined'")]
    Check,
}

#[derive(Args)]
struct Serve {
    /// Memory of a request, in bytes.
    #[arg(long, value_parser = clap::value_parser!(u64).range(1 << 20..))]
    memory_bytes: u64,
    /// Disk space for spilled rows, in bytes.
    #[arg(long)]
    scratch_bytes: u64,
    /// Threads of a request.
    #[arg(long, value_parser = clap::value_parser!(u16).range(1..=64))]
    threads: u16,
}

fn main() -> ExitCode {
    panics::end_process();
    let result = match Cli::parse().command {
        Command::Serve(limits) => serve(&limits),
        Command::Check => check(),
    };
    match result {
        Ok(status) => status,
        Err(message) => {
            eprintln!("rutter-tables: {message}");
            ExitCode::FAILURE
        }
    }
}

fn serve(limits: &Serve) -> Result<ExitCode, String> {
    confine::drop_inherited()?;
    let confinement = confine::confine(limits.memory_bytes, Some(Path::new(".")))?;
    let threads = usize::from(limits.threads);
    let context = Context {
        memory: usize::try_from(limits.memory_bytes).unwrap_or(usize::MAX),
        scratch: limits.scratch_bytes,
        threads,
    };
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(threads)
        .max_blocking_threads(BLOCKING_THREADS)
        .thread_stack_size(STACK)
        .enable_all()
        .build()
        .map_err(|error| format!("cannot start threads: {error}"))?;
    // In a thread of its own, for the larger stack.
    let thread = std::thread::Builder::new().stack_size(STACK);
    let served = thread.spawn(move || runtime.block_on(serve::serve(context, confinement.weaknesses)));
    let served = served.map_err(|error| format!("cannot start threads: {error}"))?.join();
    served.map_err(|_| "panicked".to_owned())?.map_err(|error| error.to_string())?;
    Ok(ExitCode::SUCCESS)
}

fn check() -> Result<ExitCode, String> {
    let confinement = confine::confine(0, None)?;
    for weakness in &confinement.weaknesses {
        println!("{weakness}");
    }
    if !confinement.covers_udp {
        println!("the kernel is older than Linux 7.2: Landlock does not restrict UDP");
    }
    let mut status = ExitCode::SUCCESS;
    for (attempt, is_refused) in confine::attempts() {
        println!("{attempt}: {}", if is_refused { "refused" } else { "possible" });
        // What no setting of this computer would change is no failure.
        let is_expected = attempt == confine::UDP && !confinement.covers_udp;
        if !is_refused && !is_expected {
            status = ExitCode::FAILURE;
        }
    }
    Ok(status)
}
