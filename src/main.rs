//! The rutter program: the server and the operator's commands.

mod cli;

use std::error::Error;
use std::process::ExitCode;

use clap::Parser as _;

/// Maximum number of blocking threads. Disk access is short: more threads would only use memory and compete.
const BLOCKING_THREADS: usize = 64;

fn main() -> ExitCode {
    let cli = cli::Cli::parse();
    let failure = cli.failure();
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    let runtime = match builder.enable_all().max_blocking_threads(BLOCKING_THREADS).build() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("rutter: cannot start: {error}");
            return ExitCode::FAILURE;
        }
    };
    match runtime.block_on(cli::run(cli)) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("rutter: {}", with_causes(&error));
            failure
        }
    }
}

/// Formats an error with its causes, for the operator at the terminal.
fn with_causes(error: &dyn Error) -> String {
    let mut message = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        let text = cause.to_string();
        // Some messages already contain their cause.
        if !message.contains(&text) {
            message = format!("{message}: {text}");
        }
        next = cause.source();
    }
    message
}
