//! `rutter store`.

use std::process::ExitCode;

use rutter::app::App;
use rutter::error::{Error, Result};

use super::arguments::StoreCommand;

pub(super) async fn run(app: &App, command: StoreCommand) -> Result<ExitCode> {
    match command {
        StoreCommand::List => {
            for (name, place) in app.storage.stores() {
                println!("{name}  {place}");
            }
        }
        StoreCommand::Check { name, origin } => {
            let steps = app.storage.try_store(&name, origin).await?;
            for (step, outcome) in &steps {
                match outcome {
                    Ok(seen) => println!("ok    {step}: {seen}"),
                    Err(wrong) => println!("FAIL  {step}: {wrong}"),
                }
            }
            if steps.iter().any(|(_, outcome)| outcome.is_err()) {
                return Ok(ExitCode::FAILURE);
            }
            println!("the store `{name}` does all that rutter needs");
        }
        StoreCommand::Cors { name, origins, dry_run } => {
            println!("{}", app.storage.cors(&name, &origins, false).await?.trim_end());
            if !dry_run {
                app.storage
                    .cors(&name, &origins, true)
                    .await
                    .map_err(|error| Error::invalid(format!("the rules above were not set: {error}")))?;
                eprintln!("the rules are set; try them with `rutter store check {name} --origin {}`", origins[0]);
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}
