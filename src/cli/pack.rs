//! `rutter pack`.

use std::process::ExitCode;

use rutter::app::App;
use rutter::error::Result;
use rutter::types::{RepoPath, amount};

pub(super) async fn run(app: &App, dataset: Option<RepoPath>) -> Result<ExitCode> {
    let mut exit_code = ExitCode::SUCCESS;
    let packed = |path: &str, outcome: Result<rutter::storage::PackSummary>| match outcome {
        Ok(packed) => println!(
            "{path}: packed {} objects of {}, {} written; {} stay whole",
            packed.objects,
            amount(packed.bytes),
            amount(packed.written),
            packed.left
        ),
        Err(error) => {
            eprintln!("{path}: {error}");
            exit_code = ExitCode::FAILURE;
        }
    };
    app.packer.run(dataset.as_ref(), packed).await?;
    Ok(exit_code)
}
