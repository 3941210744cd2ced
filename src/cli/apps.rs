//! `rutter app`.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Subcommand;
use rutter::access::Actor;
use rutter::app::App;
use rutter::apps::docker::probe;
use rutter::apps::manifest::Manifest;
use rutter::error::{Error, Result};

#[derive(Subcommand)]
pub(super) enum AppCommand {
    /// Add an app to the catalogue, or change it
    #[command(after_help = "\
Examples:
  rutter app add deploy/apps/notes/manifest.toml
  rutter app add manifest.toml --preinstalled

docs/apps.md describes the manifest. Installs keep the manifest that they were installed with until their owners update \
them.")]
    Add {
        /// The manifest
        file: PathBuf,
        /// Install it for each new account, without starting it
        #[arg(long)]
        preinstalled: bool,
        /// Forbid new installs
        #[arg(long)]
        disabled: bool,
    },
    /// List the apps of the catalogue
    #[command(after_help = "Example:\n  rutter app list")]
    List,
    /// Remove an app from the catalogue; installs of it stay
    #[command(after_help = "Example:\n  rutter app remove notes")]
    Remove {
        /// Name of the app
        name: String,
    },
    /// Check that apps can be run, and what they reach
    #[command(after_help = "\
Example:
  rutter app check

With Docker, this starts containers that are confined like apps, and tries from inside of them to connect to rutter, to \
another port of the host, to the metadata service of clouds, and to another app. It needs no registry and no internet, and \
removes everything that it has created.")]
    Check,
    /// Try connections, in the containers of `rutter app check`
    #[command(hide = true)]
    Probe {
        /// Addresses to connect to
        #[arg(long, env = "RUTTER_PROBE_CONNECT", value_delimiter = ',')]
        connect: Vec<String>,
        /// Port to listen on, until the process is ended
        #[arg(long, env = "RUTTER_PROBE_LISTEN")]
        listen: Option<u16>,
    },
}

pub(super) async fn run(app: &App, command: AppCommand) -> Result<ExitCode> {
    let operator = app.access.authorize_administrator(&Actor::operator())?;
    match command {
        AppCommand::Add { file, preinstalled, disabled } => {
            let place = file.display();
            let text = std::fs::read_to_string(&file)
                .map_err(|error| Error::invalid(format!("cannot read {place}: {error}")))?;
            let name = Manifest::parse(&text).map_err(|error| error.of_part(&place.to_string()))?.name;
            app.apps.put_catalogue_entry(&operator, &name, &text, !disabled, preinstalled).await?;
            eprintln!("`{name}` is in the catalogue");
        }
        AppCommand::List => {
            for entry in app.apps.catalogue().await? {
                let disabled = if entry.enabled { "" } else { " disabled" };
                let preinstalled = if entry.preinstalled { " preinstalled" } else { "" };
                let what = entry.manifest.image.or(entry.manifest.upstream).or(entry.manifest.url).unwrap_or_default();
                println!("{} {what}{disabled}{preinstalled}", entry.manifest.name);
            }
        }
        AppCommand::Remove { name } => app.apps.delete_catalogue_entry(&operator, &name).await?,
        AppCommand::Check => return check(app).await,
        // It needs no server: see `probe`.
        AppCommand::Probe { .. } => {}
    }
    Ok(ExitCode::SUCCESS)
}

async fn check(app: &App) -> Result<ExitCode> {
    let check = app.apps.check().await?;
    println!("apps are at {}", check.url);
    println!("each app has a host name of its own: {}", if check.has_wildcard { "yes" } else { "no" });
    match check.containers {
        Ok(number) => println!("the container engine answers; containers of this server: {number}"),
        Err(why) => {
            println!("{why}");
            return Ok(ExitCode::FAILURE);
        }
    }
    let Some(steps) = app.apps.check_from_inside(&super::stop_at_signal()).await? else {
        println!("NOTE  what apps reach is tried from inside of containers with Docker only, not on Kubernetes");
        return Ok(ExitCode::SUCCESS);
    };
    let failed = super::print_steps(&steps);
    Ok(if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

/// Tries connections, and prints what they show; or listens.
pub(super) async fn probe(connect: &[String], listen: Option<u16>) -> Result<()> {
    if let Some(port) = listen {
        return Ok(probe::listen(port).await?);
    }
    for line in probe::connect(connect).await {
        println!("{line}");
    }
    Ok(())
}
