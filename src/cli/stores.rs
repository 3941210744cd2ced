//! `rutter store`.

use std::process::ExitCode;

use clap::Subcommand;
use rutter::app::App;
use rutter::error::{Error, Result};

#[derive(Subcommand)]
pub(super) enum StoreCommand {
    /// List the configured stores
    #[command(after_help = "Example:\n  rutter store list")]
    List,
    /// Test every operation of a store, and explain failures
    #[command(after_help = "\
Examples:
  rutter store check default
  rutter store check frankfurt --origin https://data.example.org
  rutter store check default --internal

This writes a few small objects and one part of 5 MiB, and deletes them. It uses the endpoint that clients use \
(public_endpoint). If only clients can reach that endpoint, for example http://localhost:3900 when rutter runs in a \
container, --internal tests the endpoint that rutter itself uses, and reports that the other one was not tested.")]
    Check {
        /// Name of the store: `default`, or one from the configuration (stores)
        name: String,
        /// Do not use the public endpoint, if it cannot be reached from here
        #[arg(long)]
        internal: bool,
        /// Also test whether web pages of this origin can upload and download
        #[arg(long, value_name = "ORIGIN")]
        origin: Option<String>,
    },
    /// Print the CORS rules of a bucket for web pages; on S3, also set them
    #[command(after_help = "\
Examples:
  rutter store cors default --origin https://data.example.org
  rutter store cors default --origin https://data.example.org --origin http://localhost:5173 --dry-run

On S3 the rules replace the existing ones of the bucket. On Google and Azure, set them manually.")]
    Cors {
        /// Name of the store
        name: String,
        /// Origin of the pages (scheme, host and port); may be repeated
        #[arg(long = "origin", value_name = "ORIGIN", required = true)]
        origins: Vec<String>,
        /// Only print the rules
        #[arg(long)]
        dry_run: bool,
    },
}

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
    let failed = super::print_steps(&steps);
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
