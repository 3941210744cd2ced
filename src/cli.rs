//! The command line. Commands access the database directly, even while a server is running.

mod apps;
mod arguments;
mod client;
mod commands;
mod convert;
mod fsck;
mod login;
mod output;
mod pack;
mod progress;
mod roles;
mod sql;
mod stores;
mod table_diff;
mod text_table;
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

use self::apps::AppCommand;
pub(crate) use self::arguments::Cli;
use self::arguments::Command;
use self::output::is_closed_pipe;

impl Cli {
    /// Returns the exit code for a failed command.
    pub(crate) fn failure(&self) -> ExitCode {
        match self.command {
            Command::Fsck { .. } => ExitCode::from(fsck::COULD_NOT_LOOK),
            Command::Diff(_) => ExitCode::from(table_diff::TROUBLE),
            _ => ExitCode::FAILURE,
        }
    }
}

/// Runs a command.
pub(crate) async fn run(mut cli: Cli) -> Result<ExitCode> {
    // These need neither configuration nor database.
    cli.command = match cli.command {
        Command::Diff(arguments) => return until_signal(table_diff::run(*arguments)).await,
        Command::Convert(arguments) => return until_signal(convert::convert(arguments)).await,
        Command::Describe(arguments) => return until_signal(convert::describe(arguments)).await,
        // A signal must end this program while it reads.
        Command::Sql(arguments) => return until_signal(sql::run(arguments.with_query()?)).await,
        command => command,
    };
    match &cli.command {
        Command::Version => println!("rutter {}", env!("CARGO_PKG_VERSION")),
        Command::Login { url, no_git } => login::log_in(url.as_deref(), !no_git).await?,
        Command::Logout { url } => login::log_out(url).await?,
        Command::Credential { action } => login::credential(*action).await?,
        Command::App(AppCommand::Probe { connect, listen }) => apps::probe(connect, *listen).await?,
        _ => return Box::pin(run_on_server(cli)).await,
    }
    Ok(ExitCode::SUCCESS)
}

async fn run_on_server(cli: Cli) -> Result<ExitCode> {
    let mut overrides = Overrides { file: cli.common.config, data: cli.common.data, ..Overrides::default() };
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
        .map_err(|error| Error::invalid(format!("log `{}`: {error}; use a form like info,rutter=debug", config.log)))?;
    let mut filter = if serving { stated } else { EnvFilter::new("warn") };
    // Below that, they log requests and responses, which contain the secrets of apps.
    for directive in ["bollard=info", "kube_client=info", "hyper=info", "tower_http=info"] {
        filter = filter.add_directive(directive.parse().map_err(Error::internal)?);
    }
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
        tracing::info!(variables = ?config.service_links, "ignoring service link variables of Kubernetes");
    }
    let app = App::open(config).await?;
    let listener = tokio::net::TcpListener::bind(address).await.map_err(|error| {
        Error::invalid(format!("cannot listen on {address}: {error}; choose another address with --listen"))
    })?;
    let mut listeners = vec![listener];
    if let Some(address) = app.config.apps.listen {
        let second = tokio::net::TcpListener::bind(address).await;
        listeners
            .push(second.map_err(|error| Error::invalid(format!("apps.listen: cannot listen on {address}: {error}")))?);
    }
    let address = listeners[0].local_addr()?;
    let (tasks, stop) = (TaskTracker::new(), stop_at_signal());
    app.start(&tasks, &stop);
    tracing::info!(%address, data = %app.config.data.display(), version = env!("CARGO_PKG_VERSION"), "rutter started");
    tell_how_to_begin(&app).await;
    web::serve(app.clone(), listeners, stop).await;
    tasks.close();
    let _ = tokio::time::timeout(Duration::from_secs(10), tasks.wait()).await;
    app.db.close().await;
    tracing::info!("rutter stopped");
    Ok(ExitCode::SUCCESS)
}

/// Prints the link to create the first administrator if stderr is a terminal. In a log the link would persist, and
/// everyone with access to the logs could use it, so the log only says how to get one.
async fn tell_how_to_begin(app: &App) {
    // Not fatal: the next start tries again.
    let unknown = |error| tracing::warn!(%error, "cannot check whether there is an administrator");
    if !std::io::stderr().is_terminal() || app.config.log_format == LogFormat::Json {
        match app.accounts.needs_set_up().await {
            Ok(false) => {}
            Ok(true) => {
                tracing::warn!("there is no administrator yet: run `rutter setup-link` for a link to create one");
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
    eprintln!("There is no administrator yet. Create the first one here: {}", link.expose());
}

/// Runs a command that a signal ends in order: its connection is closed, and unfinished files are removed.
async fn until_signal(command: impl Future<Output = Result<ExitCode>>) -> Result<ExitCode> {
    let stop = stop_at_signal();
    tokio::select! {
        // As a shell reports a program that was ended by SIGPIPE.
        done = command => done.or_else(|error| if is_closed_pipe(&error) { Ok(ExitCode::from(141)) } else { Err(error) }),
        () = stop.cancelled() => Ok(ExitCode::from(130)),
    }
}

/// Returns a token that is cancelled by the first signal to end.
fn stop_at_signal() -> CancellationToken {
    let stop = CancellationToken::new();
    let signal = stop.clone();
    tokio::spawn(async move {
        interrupted().await;
        signal.cancel();
        // A second signal exits at once.
        interrupted().await;
        std::process::exit(130);
    });
    stop
}

/// Prints what a check has tried; returns true if something failed.
fn print_steps<S: std::fmt::Display>(steps: &[(S, std::result::Result<String, String>)]) -> bool {
    for (step, outcome) in steps {
        match outcome {
            Ok(seen) => println!("ok    {step}: {seen}"),
            Err(wrong) => println!("FAIL  {step}: {wrong}"),
        }
    }
    steps.iter().any(|(_, outcome)| outcome.is_err())
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
