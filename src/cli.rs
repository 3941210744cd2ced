//! The command line. Commands work on the database, also while a server runs.

mod arguments;
mod commands;
mod fsck;
mod stores;
mod usage;

use std::io::IsTerminal as _;
use std::process::ExitCode;
use std::time::Duration;

use rutter::app::App;
use rutter::config::{Config, LogFormat, Overrides};
use rutter::error::{Error, Result};
use rutter::web;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing_subscriber::EnvFilter;

pub(crate) use self::arguments::Cli;
use self::arguments::Command;

impl Cli {
    /// What the program ends with if the command fails.
    pub(crate) fn failure(&self) -> ExitCode {
        match self.command {
            Command::Fsck { .. } => ExitCode::from(fsck::COULD_NOT_LOOK),
            _ => ExitCode::FAILURE,
        }
    }
}

/// Runs what the command line says.
pub(crate) async fn run(cli: Cli) -> Result<ExitCode> {
    let mut overrides = Overrides { file: cli.common.config, data: cli.common.data, ..Overrides::default() };
    if let Command::Version = cli.command {
        println!("rutter {}", env!("CARGO_PKG_VERSION"));
        return Ok(ExitCode::SUCCESS);
    }
    if let Command::Serve { listen, public_url } = &cli.command {
        overrides.listen = *listen;
        overrides.public_url.clone_from(public_url);
    }
    let config = Config::load(overrides)?;
    let serving = matches!(cli.command, Command::Serve { .. });
    log(&config, serving)?;
    for key in &config.renamed {
        let (old, new, variable) = (key.old, key.new, key.variable());
        tracing::warn!(old, new, variable, "renamed configuration key: the old name stops working in the next release");
    }
    if serving {
        return serve(config).await;
    }
    let app = App::open(config).await?;
    let done = commands::run(&app, cli.command).await;
    app.db.close().await;
    done
}

fn log(config: &Config, serving: bool) -> Result<()> {
    let stated = EnvFilter::builder()
        .parse(&config.log)
        .map_err(|error| Error::invalid(format!("log `{}`: {error}; write it as in info,rutter=debug", config.log)))?;
    let filter = if serving { stated } else { EnvFilter::new("warn") };
    let subscriber = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(std::io::stderr().is_terminal())
        .with_writer(std::io::stderr);
    match config.log_format {
        LogFormat::Text => subscriber.init(),
        LogFormat::Json => subscriber.json().init(),
    }
    Ok(())
}

async fn serve(config: Config) -> Result<ExitCode> {
    let address = config.listen;
    if !config.service_links.is_empty() {
        tracing::info!(variables = ?config.service_links, "service links of Kubernetes are no configuration: ignored");
    }
    let app = App::open(config).await?;
    let listener = tokio::net::TcpListener::bind(address).await.map_err(|error| {
        Error::invalid(format!("cannot listen on {address}: {error}; choose another with --listen"))
    })?;
    let address = listener.local_addr()?;
    let (tasks, stop) = (TaskTracker::new(), CancellationToken::new());
    app.start(&tasks, &stop);
    tracing::info!(%address, data = %app.config.data.display(), version = env!("CARGO_PKG_VERSION"), "rutter serves");
    tell_how_to_begin(&app).await;
    let signal = stop.clone();
    tokio::spawn(async move {
        interrupted().await;
        signal.cancel();
        // A second signal means: now.
        interrupted().await;
        std::process::exit(130);
    });
    web::server::serve(app.clone(), listener, stop).await;
    tasks.close();
    let _ = tokio::time::timeout(Duration::from_secs(10), tasks.wait()).await;
    app.db.close().await;
    tracing::info!("rutter ended");
    Ok(ExitCode::SUCCESS)
}

/// Prints the link that makes the first administrator where a person reads it. In a log it would stay, and be read by
/// whoever reads logs: there stands only how to get it.
async fn tell_how_to_begin(app: &App) {
    // There is time for it at the next start.
    let unknown = |error| tracing::warn!(%error, "it is not known whether there is an administrator");
    if !std::io::stderr().is_terminal() || app.config.log_format == LogFormat::Json {
        match app.accounts.needs_set_up().await {
            Ok(false) => {}
            Ok(true) => {
                tracing::warn!("there is no administrator yet: `rutter setup-link` prints a link that makes one");
            }
            Err(error) => unknown(error),
        }
        return;
    }
    let link = match app.accounts.set_up_link().await {
        Ok(None) => return,
        Ok(Some(link)) => link,
        Err(error) => return unknown(error),
    };
    eprintln!("There is no administrator yet. Make the first one here: {}", link.expose());
}

async fn interrupted() {
    use tokio::signal::unix::{SignalKind, signal};
    match signal(SignalKind::terminate()) {
        Ok(mut terminate) => {
            tokio::select! {
                _ = tokio::signal::ctrl_c() => {}
                _ = terminate.recv() => {}
            }
        }
        Err(_) => {
            let _ = tokio::signal::ctrl_c().await;
        }
    }
}
