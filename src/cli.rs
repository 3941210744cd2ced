//! The command line. Commands work on the database, also while a server runs.

use std::io::{BufRead as _, IsTerminal as _, Write as _};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::{Args, Parser, Subcommand};
use rutter::access::tokens::TokenScope;
use rutter::access::{Actor, Own};
use rutter::app::App;
use rutter::config::{Config, LogFormat, Overrides};
use rutter::error::{Error, Result};
use rutter::types::{Email, Id, Millis, OwnerName, RepoPath, Role, Secret, Visibility};
use rutter::web;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// A versioned data drive on Git and Git LFS.
#[derive(Parser)]
#[command(
    name = "rutter",
    version,
    after_help = "\
Examples:
  rutter serve --listen 0.0.0.0:8080 --data /srv/rutter --public-url https://data.example.org
  rutter user add ada --email ada@example.org --admin
  rutter token add ada --name laptop --expires 90d
  git clone http://ada:TOKEN@127.0.0.1:8080/ada/census.git"
)]
pub(crate) struct Cli {
    #[command(flatten)]
    common: Common,
    #[command(subcommand)]
    command: Command,
}

#[derive(Args)]
struct Common {
    /// Configuration file (TOML)
    #[arg(long, global = true, env = "RUTTER_CONFIG", value_name = "FILE")]
    config: Option<PathBuf>,
    /// Folder of database, objects, cache and secret [default: ./rutter-data]
    #[arg(long, global = true, value_name = "DIR")]
    data: Option<PathBuf>,
}

#[derive(Subcommand)]
enum Command {
    /// Run the server
    Serve {
        /// Address and port [default: 127.0.0.1:8080]
        #[arg(long, value_name = "ADDRESS:PORT")]
        listen: Option<SocketAddr>,
        /// What clients put before /owner/dataset, behind a proxy
        #[arg(long, value_name = "URL")]
        public_url: Option<String>,
    },
    /// Users
    #[command(subcommand)]
    User(UserCommand),
    /// Personal tokens, for git, git-lfs and programs
    #[command(subcommand)]
    Token(TokenCommand),
    /// Organisations and their members
    #[command(subcommand)]
    Org(OrgCommand),
    /// Datasets and their repositories
    #[command(subcommand)]
    Repo(RepoCommand),
    /// Check repositories and objects; exits with 1 if something is wrong
    #[command(after_help = "Damaged objects are taken out of use; a `git lfs push --all` heals them.")]
    Fsck {
        /// Only compare sizes; do not read every object
        #[arg(long)]
        quick: bool,
    },
    /// Print the version
    Version,
}

#[derive(Subcommand)]
enum UserCommand {
    /// Add a user
    #[command(
        after_help = "Example:\n  echo 'correct horse battery' | rutter user add ada --email ada@example.org --password-stdin"
    )]
    Add {
        /// Letters, digits, `.`, `_`, `-`
        name: OwnerName,
        /// E-mail address
        #[arg(long)]
        email: Email,
        /// May administer the site
        #[arg(long)]
        admin: bool,
        /// Read a password from standard input; without it, tokens are the only way in
        #[arg(long)]
        password_stdin: bool,
    },
    /// List users
    List,
}

#[derive(Subcommand)]
enum TokenCommand {
    /// Make a token and print it, alone, on standard output
    #[command(
        after_help = "Examples:\n  rutter token add ada --name ci --expires 30d --scope write:ada/census\n  rutter token add ada --scope read"
    )]
    Add {
        /// Whose token
        user: OwnerName,
        /// What to call it
        #[arg(long, default_value = "token")]
        name: String,
        /// How long it is good, as in 12h, 30d; for ever without it
        #[arg(long, value_parser = lifetime)]
        expires: Option<Duration>,
        /// read, write or own, alone or as in write:OWNER/NAME; may be repeated [default: own]
        #[arg(long = "scope", value_name = "SCOPE")]
        scopes: Vec<TokenScope>,
    },
    /// List a user's tokens
    List {
        /// Whose tokens
        user: OwnerName,
    },
    /// Revoke a token, at once
    Revoke {
        /// The id that `list` shows
        id: Id,
    },
    /// Sign a JSON Web Token for a user and print it
    #[command(after_help = "Example:\n  rutter token jwt ada --scope 'obj:ada/census/*:read' --expires 10m")]
    Jwt {
        /// For whom
        user: OwnerName,
        /// A scope as giftless and CKAN write them; may be repeated
        #[arg(long = "scope", value_name = "SCOPE", required = true)]
        scopes: Vec<String>,
        /// How long it is good, cut to the configured maximum
        #[arg(long, value_parser = lifetime, default_value = "15m")]
        expires: Duration,
    },
}

#[derive(Subcommand)]
enum OrgCommand {
    /// Add an organisation; `a/b` is one within `a`
    Add {
        /// Its name
        name: OwnerName,
    },
    /// Make a user a member, change the role, or end the membership
    #[command(
        after_help = "Examples:\n  rutter org member statistics ada --role writer\n  rutter org member statistics ada --remove"
    )]
    Member {
        /// The organisation
        organisation: OwnerName,
        /// The user; without it, members are listed
        user: Option<OwnerName>,
        /// reader, writer or owner
        #[arg(long, default_value = "reader")]
        role: Role,
        /// End the membership
        #[arg(long, conflicts_with = "role")]
        remove: bool,
    },
}

#[derive(Subcommand)]
enum RepoCommand {
    /// Make an empty dataset
    Create {
        /// OWNER/NAME
        path: RepoPath,
        /// private, internal or public
        #[arg(long, default_value = "private")]
        visibility: Visibility,
    },
    /// List datasets
    List,
    /// Change who sees a dataset
    Visibility {
        /// OWNER/NAME
        path: RepoPath,
        /// private, internal or public
        visibility: Visibility,
    },
    /// Delete a dataset
    Delete {
        /// OWNER/NAME
        path: RepoPath,
        /// Do not ask
        #[arg(long)]
        yes: bool,
    },
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
    log(&config, serving);
    if serving {
        return serve(config).await;
    }
    let app = App::open(config).await?;
    let done = command(&app, cli.command).await;
    app.db.close().await;
    done
}

async fn command(app: &App, command: Command) -> Result<ExitCode> {
    match command {
        Command::Serve { .. } | Command::Version => {}
        Command::User(command) => user(app, command).await?,
        Command::Token(command) => token(app, command).await?,
        Command::Org(command) => organisation(app, command).await?,
        Command::Repo(command) => repo(app, command).await?,
        Command::Fsck { quick } => return fsck(app, quick).await,
    }
    Ok(ExitCode::SUCCESS)
}

fn log(config: &Config, serving: bool) {
    let filter = if serving { config.log.as_str() } else { "warn" };
    let subscriber = tracing_subscriber::fmt()
        .with_env_filter(tracing_subscriber::EnvFilter::new(filter))
        .with_ansi(std::io::stderr().is_terminal())
        .with_writer(std::io::stderr);
    match config.log_format {
        LogFormat::Text => subscriber.init(),
        LogFormat::Json => subscriber.json().init(),
    }
}

async fn serve(config: Config) -> Result<ExitCode> {
    let address = config.listen;
    let app = App::open(config).await?;
    let listener = tokio::net::TcpListener::bind(address).await.map_err(|error| {
        Error::invalid(format!("cannot listen on {address}: {error}; choose another with --listen"))
    })?;
    let address = listener.local_addr()?;
    let (tasks, stop) = (TaskTracker::new(), CancellationToken::new());
    app.start(&tasks, &stop);
    tracing::info!(%address, data = %app.config.data.display(), version = env!("CARGO_PKG_VERSION"), "rutter serves");
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

async fn user(app: &App, command: UserCommand) -> Result<()> {
    match command {
        UserCommand::Add { name, email, admin, password_stdin } => {
            let password = if password_stdin {
                let mut line = String::new();
                std::io::stdin().lock().read_line(&mut line)?;
                Some(Secret::new(line.trim_end_matches(['\r', '\n']).to_owned()))
            } else {
                None
            };
            app.accounts.add_user(&name, &email, password, admin).await?;
            eprintln!("added `{name}`; make a token with `rutter token add {name}`");
        }
        UserCommand::List => {
            for user in app.accounts.users().await? {
                let admin = if user.admin { " admin" } else { "" };
                println!("{} {}{admin}", user.name, user.email);
            }
        }
    }
    Ok(())
}

async fn token(app: &App, command: TokenCommand) -> Result<()> {
    match command {
        TokenCommand::Add { user, name, expires, scopes } => {
            let token = app.accounts.add_token(&user, &name, &scopes, expires).await?;
            println!("{}", token.expose());
        }
        TokenCommand::List { user } => {
            let day = |at: Option<Millis>, none: &str| at.map_or(none.to_owned(), Millis::rfc3339);
            let tokens = app.accounts.tokens(&user).await?;
            println!("{:36}  {:12}  {:20}  {:20}  SCOPES", "ID", "NAME", "LAST USED", "ENDS");
            for token in tokens {
                let end = match token.revoked_at {
                    Some(at) => format!("revoked {}", at.rfc3339()),
                    None => day(token.expires_at, "never"),
                };
                let used = day(token.last_used_at, "never");
                println!("{:36}  {:12}  {used:20}  {end:20}  {}", token.id, token.name, token.scopes);
            }
        }
        TokenCommand::Revoke { id } => app.accounts.revoke_token(id).await?,
        TokenCommand::Jwt { user, scopes, expires } => {
            let lifetime = expires.as_secs().min(app.config.lifetimes.jwt);
            println!("{}", app.access.issue(&user, &scopes.join(" "), lifetime)?);
        }
    }
    Ok(())
}

async fn organisation(app: &App, command: OrgCommand) -> Result<()> {
    match command {
        OrgCommand::Add { name } => {
            app.accounts.add_organisation(&name).await?;
        }
        OrgCommand::Member { organisation, user: None, .. } => {
            for (name, role) in app.accounts.members(&organisation).await? {
                println!("{name} {role}");
            }
        }
        OrgCommand::Member { organisation, user: Some(user), role, remove } => {
            app.accounts.set_member(&organisation, &user, (!remove).then_some(role)).await?;
        }
    }
    Ok(())
}

async fn repo(app: &App, command: RepoCommand) -> Result<()> {
    let operator = Actor::operator();
    match command {
        RepoCommand::Create { path, visibility } => {
            app.drive.create(&app.access.creation(&operator, &path).await?, visibility).await?;
        }
        RepoCommand::List => {
            for dataset in app.drive.datasets(&operator).await? {
                println!("{}/{} {}", dataset.owner_name, dataset.name, dataset.visibility);
            }
        }
        RepoCommand::Visibility { path, visibility } => {
            let grant = app.access.authorize::<Own>(&operator, &path).await?;
            app.drive.set_visibility(&grant, visibility).await?;
        }
        RepoCommand::Delete { path, yes } => {
            let grant = app.access.authorize::<Own>(&operator, &path).await?;
            if !yes {
                eprint!("Delete `{path}` with all its revisions? Type its name to confirm: ");
                std::io::stderr().flush()?;
                let mut line = String::new();
                std::io::stdin().lock().read_line(&mut line)?;
                if line.trim() != path.to_string() {
                    return Err(Error::invalid("nothing was deleted"));
                }
            }
            app.drive.delete(&grant).await?;
        }
    }
    Ok(())
}

async fn fsck(app: &App, quick: bool) -> Result<ExitCode> {
    let mut problems = Vec::new();
    for dataset in app.drive.datasets(&Actor::operator()).await? {
        let path = format!("{}/{}", dataset.owner_name, dataset.name);
        match app.drive.check(dataset.id).await {
            Ok(found) => problems.extend(found.into_iter().map(|line| format!("{path}: {line}"))),
            Err(error) => problems.push(format!("{path}: {error}")),
        }
    }
    problems.extend(app.storage.check(!quick).await?);
    for problem in &problems {
        println!("{problem}");
    }
    if problems.is_empty() {
        println!("clean");
        Ok(ExitCode::SUCCESS)
    } else {
        Ok(ExitCode::FAILURE)
    }
}

/// Reads `30d`, `12h`, `15m`, `90s`.
fn lifetime(text: &str) -> Result<Duration, String> {
    let seconds = text
        .strip_suffix(['d', 'h', 'm', 's'])
        .and_then(|number| number.parse::<u64>().ok())
        .zip(text.chars().last())
        .and_then(|(number, unit)| {
            number.checked_mul(match unit {
                'd' => 86_400,
                'h' => 3_600,
                'm' => 60,
                _ => 1,
            })
        });
    match seconds {
        // Beyond a century it is a typing mistake.
        Some(seconds) if (1..=3_155_760_000).contains(&seconds) => Ok(Duration::from_secs(seconds)),
        _ => Err("write a number and a unit, as in 15m, 12h or 30d".into()),
    }
}
