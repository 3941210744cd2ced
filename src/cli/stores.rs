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
        StoreCommand::Check { name, internal, origin } => return check(app, &name, internal, origin).await,
        StoreCommand::Cors { name, origins, dry_run } => {
            println!("{}", app.storage.cors(&name, &origins, false).await?.trim_end());
            if !dry_run {
                app.storage
                    .cors(&name, &origins, true)
                    .await
                    .map_err(|error| Error::invalid(format!("cannot set the rules above: {error}")))?;
                eprintln!("the rules are set; test them with `rutter store check {name} --origin {}`", origins[0]);
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}

async fn check(app: &App, name: &str, internal: bool, origin: Option<String>) -> Result<ExitCode> {
    let public = app.config.stores.get(name).and_then(|store| store.public_endpoint.clone());
    let steps = if internal && public.is_some() {
        // The same store, but URLs are signed for the endpoint that the server itself uses.
        let mut config = app.config.clone();
        if let Some(store) = config.stores.get_mut(name) {
            store.public_endpoint = None;
        }
        let inside = App::open(config).await?;
        let steps = inside.storage.try_store(name, origin).await;
        inside.db.close().await;
        steps?
    } else {
        app.storage.try_store(name, origin).await?
    };
    for (step, outcome) in &steps {
        match outcome {
            Ok(seen) => println!("ok    {step}: {seen}"),
            Err(wrong) => println!("FAIL  {step}: {wrong}"),
        }
    }
    let failed = steps.iter().any(|(_, outcome)| outcome.is_err());
    match public {
        Some(public) if internal => println!("NOTE  clients use {public}, which was not tested"),
        Some(public) if failed => {
            println!("NOTE  if only clients can reach {public}, use --internal to test the rest");
        }
        Some(_) | None => {}
    }
    if failed {
        return Ok(ExitCode::FAILURE);
    }
    let seen = if internal { ", except for the public endpoint" } else { "" };
    println!("the store `{name}` passed all tests{seen}");
    Ok(ExitCode::SUCCESS)
}
