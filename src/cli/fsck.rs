//! `rutter fsck`.

use std::process::ExitCode;

use rutter::access::{Actor, Own};
use rutter::app::App;
use rutter::check::{Checked, Report};
use rutter::config::DEFAULT_STORE;
use rutter::error::{Error, Result};
use rutter::types::{RepoPath, amount};

use super::progress::Progress;

/// Exit code if something could not be checked.
pub(super) const COULD_NOT_LOOK: u8 = 2;

pub(super) async fn run(app: &App, dataset: Option<RepoPath>, quick: bool, json: bool) -> Result<ExitCode> {
    let only = match dataset {
        Some(path) => Some(app.access.authorize::<Own>(&Actor::operator(), &path).await?.id()),
        None => None,
    };
    let mut progress = Progress::new();
    let report = app.checker.run(only, !quick, |checked| progress.show(|| text(checked))).await?;
    progress.end();
    if json {
        println!("{}", serde_json::to_string_pretty(&report).map_err(Error::internal)?);
    } else {
        print(&report);
    }
    Ok(match (report.problems.is_empty(), report.unchecked.is_empty()) {
        (false, _) => ExitCode::FAILURE,
        (true, false) => ExitCode::from(COULD_NOT_LOOK),
        (true, true) => ExitCode::SUCCESS,
    })
}

fn print(report: &Report) {
    for problem in &report.problems {
        let dataset = problem.dataset.as_ref().map_or_else(String::new, |dataset| format!("{dataset}: "));
        let store = match problem.store.as_str() {
            DEFAULT_STORE => String::new(),
            other => format!(" (in {other})"),
        };
        let held = match problem.held_by.as_slice() {
            [] => String::new(),
            paths => format!("; held by {}", paths.join(", ")),
        };
        println!("{dataset}{}{store}{held}", problem.detail);
    }
    for unchecked in &report.unchecked {
        println!("not checked: {}: {}", unchecked.what, unchecked.detail);
    }
    for note in &report.notes {
        println!("note: {} ({} bytes in {}): {}", note.key, note.bytes, note.store, note.detail);
    }
    if report.clean {
        println!("clean");
    }
}

fn text(checked: &Checked) -> String {
    let Checked { objects, bytes, packs, datasets } = checked;
    format!("{datasets} datasets, {packs} packs, {objects} objects, {}", amount(*bytes))
}
