//! `rutter pack`.

use std::process::ExitCode;

use rutter::app::App;
use rutter::error::Result;
use rutter::pack::PackEvent;
use rutter::types::{RepoPath, amount};

use super::progress::Progress;

pub(super) async fn run(app: &App, dataset: Option<RepoPath>) -> Result<ExitCode> {
    let mut exit_code = ExitCode::SUCCESS;
    let mut progress = Progress::new();
    let tell = |path: &str, event: PackEvent| match event {
        PackEvent::Read(bytes) => progress.show(|| format!("{path}: {} read", amount(bytes))),
        PackEvent::Ended(outcome) => {
            progress.end();
            match outcome {
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
            }
        }
    };
    app.packer.run(dataset.as_ref(), tell).await?;
    Ok(exit_code)
}
