//! The commands for operators.

use std::io::{BufRead as _, IsTerminal as _, Write as _};
use std::process::ExitCode;

use rutter::access::{Actor, Own};
use rutter::app::App;
use rutter::collect::Line;
use rutter::error::{Error, Result};
use rutter::storage::collect::GcState;
use rutter::types::{Millis, RepoPath, Secret};

use super::arguments::{Command, OrgCommand, RepoCommand, TokenCommand, UserCommand};

/// Runs a command on the database; a running server sees the changes at once.
pub(super) async fn run(app: &App, command: Command) -> Result<ExitCode> {
    match command {
        Command::Serve { .. }
        | Command::Version
        | Command::Login { .. }
        | Command::Logout { .. }
        | Command::Credential { .. }
        | Command::Convert(_)
        | Command::Describe(_)
        | Command::Diff(_)
        | Command::Sql(_) => {}
        Command::SetupLink => match app.accounts.set_up_link().await? {
            Some(link) => println!("{}", link.expose()),
            None => return Err(Error::conflict("there already is an administrator")),
        },
        Command::User(command) => user(app, command).await?,
        Command::Token(command) => token(app, command).await?,
        Command::Org(command) => organisation(app, command).await?,
        Command::Role(command) => return super::roles::run(app, command).await,
        Command::App(command) => return super::apps::run(app, command).await,
        Command::Repo(command) => repo(app, command).await?,
        Command::Store(command) => return super::stores::run(app, command).await,
        Command::Usage { subject, json, recount } => return super::usage::run(app, subject, json, recount).await,
        Command::Quota { subject, quota } => {
            let operator = app.access.authorize_administrator(&Actor::operator())?;
            app.storage.set_quota(&operator, &subject, quota).await?;
        }
        Command::Gc { dataset, dry_run, undo } => return gc(app, dataset, dry_run, undo).await,
        Command::Pack { dataset } => return super::pack::run(app, dataset).await,
        Command::Fsck { dataset, quick, json } => return super::fsck::run(app, dataset, quick, json).await,
    }
    Ok(ExitCode::SUCCESS)
}

fn line() -> Result<String> {
    let mut line = String::new();
    std::io::stdin().lock().read_line(&mut line)?;
    Ok(line)
}

fn password() -> Result<Secret> {
    Ok(Secret::new(line()?.trim_end_matches(['\r', '\n']).to_owned()))
}

async fn user(app: &App, command: UserCommand) -> Result<()> {
    match command {
        UserCommand::Add { name, email, admin, password_stdin } => {
            let password = if password_stdin { Some(password()?) } else { None };
            app.accounts.add_user(&name, &email, password, admin).await?;
            eprintln!("added `{name}`; create a token with `rutter token add {name}`");
        }
        UserCommand::SetPassword { name } => {
            if std::io::stdin().is_terminal() {
                // The input is visible: hiding it would require a terminal library.
                eprint!("New password of `{name}`: ");
                std::io::stderr().flush()?;
            }
            app.accounts.set_password(&name, password()?).await?;
            eprintln!("changed the password of `{name}`; all browsers were signed out");
        }
        UserCommand::RemoveSecondFactor { name } => {
            app.accounts.remove_second_factor(&name).await?;
            eprintln!("two-factor authentication of `{name}` is off");
        }
        UserCommand::List => {
            for user in app.accounts.users().await? {
                let admin = if user.admin { " admin" } else { "" };
                let suspended = if user.suspended_at.is_some() { " suspended" } else { "" };
                let closed = if user.closed_at.is_some() { " closed" } else { "" };
                println!("{} {}{admin}{suspended}{closed}", user.name, user.email);
            }
        }
        UserCommand::Suspend { name } => app.accounts.suspend(&name).await?,
        UserCommand::Resume { name } => app.accounts.resume(&name).await?,
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
            println!("{:36}  {:12}  {:20}  {:20}  SCOPES", "ID", "NAME", "LAST USED", "EXPIRES");
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
            app.accounts.active(&user).await?;
            let lifetime = expires.as_secs().min(app.config.ttl.jwt);
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
        OrgCommand::List => {
            for name in app.accounts.organisations().await? {
                println!("{name}");
            }
        }
        OrgCommand::Member { organisation, user: None, .. } => {
            for (name, role) in app.accounts.members(&organisation).await? {
                println!("{name} {role}");
            }
        }
        OrgCommand::Member { organisation, user: Some(user), remove: true, .. } => {
            app.accounts.set_member(&organisation, &user, None).await?;
        }
        OrgCommand::Member { organisation, user: Some(user), role: Some(role), .. } => {
            app.accounts.set_member(&organisation, &user, Some(role)).await?;
        }
        OrgCommand::Member { organisation, user: Some(user), role: None, .. } => {
            let role = app.accounts.join(&organisation, &user).await?;
            eprintln!("`{user}` is a member of `{organisation}` with the role {role}; change it with --role");
        }
    }
    Ok(())
}

async fn repo(app: &App, command: RepoCommand) -> Result<()> {
    let operator = Actor::operator();
    match command {
        RepoCommand::Create { path, visibility, store } => {
            app.storage.expect_store(&store)?;
            app.datasets.create(&app.access.creation(&operator, &path).await?, visibility, &store).await?;
        }
        RepoCommand::List => {
            for dataset in app.datasets.datasets(&operator).await? {
                println!("{}/{} {}", dataset.owner_name, dataset.name, dataset.visibility);
            }
        }
        RepoCommand::Visibility { path, visibility } => {
            let grant = app.access.authorize::<Own>(&operator, &path).await?;
            app.datasets.set_visibility(&grant, visibility).await?;
        }
        RepoCommand::Delete { path, yes } => {
            let grant = app.access.authorize::<Own>(&operator, &path).await?;
            if !yes {
                eprint!("Delete `{path}` with all its revisions? Type its name to confirm: ");
                std::io::stderr().flush()?;
                if line()?.trim() != path.to_string() {
                    return Err(Error::invalid("nothing was deleted"));
                }
            }
            app.datasets.delete(&grant).await?;
        }
    }
    Ok(())
}

async fn gc(app: &App, dataset: Option<RepoPath>, dry_run: bool, undo: bool) -> Result<ExitCode> {
    let dataset = match dataset {
        Some(path) => Some(app.access.authorize::<Own>(&Actor::operator(), &path).await?.id()),
        None => None,
    };
    if undo {
        let restored = app.storage.restore(dataset).await?;
        println!("restored {restored} objects");
        return Ok(ExitCode::SUCCESS);
    }
    if dry_run {
        println!("{:64}  {:>14}  {:30}  REASON", "OBJECT", "BYTES", "DATASET");
    }
    let tell = |line: Line| {
        if dry_run {
            let due = line.due.map(Millis::rfc3339).unwrap_or_default();
            let why = match line.fate {
                GcState::Unused => format!("unused; would be marked, and removed after {due}"),
                GcState::Waiting(since) => {
                    format!("unused since {}; will be removed after {due}", since.rfc3339())
                }
                GcState::Released => "unused, and the grace period is over: would be removed".into(),
                GcState::Deleted => "in no dataset: would be deleted".into(),
                GcState::Stray => "not in the database: would be deleted".into(),
            };
            println!("{:64}  {:>14}  {:30}  {why}", line.oid, line.size, line.dataset.as_deref().unwrap_or("-"));
        }
    };
    let summary = app.collector.run(dataset, dry_run, tell).await?;
    let would = if dry_run { "would be " } else { "" };
    for ((number, bytes), what) in [
        (summary.unused, "unused objects are in the grace period".to_owned()),
        (summary.released, format!("objects {would}removed from their datasets (undo with rutter gc --undo)")),
        (summary.deleted, format!("objects {would}deleted")),
        (summary.git, format!("git objects {would}deleted")),
    ] {
        println!("{number:>10} {what}, {bytes} bytes");
    }
    for left in &summary.left {
        println!("left for the next run: {left}");
    }
    for problem in &summary.problems {
        println!("problem: {problem}");
    }
    Ok(if summary.problems.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
