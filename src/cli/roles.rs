//! `rutter role`.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Subcommand;
use rutter::accounts::role_file::RoleFile;
use rutter::app::App;
use rutter::error::{Error, Result};
use rutter::types::OwnerName;

#[derive(Subcommand)]
pub(super) enum RoleCommand {
    /// Replace all platform roles of an organisation by those of a file, or none if a line is wrong
    #[command(after_help = "\
Examples:
  rutter role import roles.toml --organisation statistics --dry-run
  rutter role import roles.toml --organisation statistics

The file is TOML, with one line for each user:

  [roles]
  ada = \"engineer\"
  \"bob.b\" = \"viewer\"

The roles are admin, engineer, scientist, analyst and viewer. With its platform role, a user becomes a member of the \
organisation: admin an owner, engineer and scientist writers, analyst and viewer readers. Users that are not in the \
file lose their platform role, and stay members.")]
    Import {
        /// The file
        file: PathBuf,
        /// Name of the organisation
        #[arg(long)]
        organisation: OwnerName,
        /// Only print the changes
        #[arg(long)]
        dry_run: bool,
    },
}

pub(super) async fn run(app: &App, command: RoleCommand) -> Result<ExitCode> {
    let RoleCommand::Import { file, organisation, dry_run } = command;
    let place = file.display();
    let text =
        std::fs::read_to_string(&file).map_err(|error| Error::invalid(format!("cannot read {place}: {error}")))?;
    let named = |error: Error| {
        let detail = format!("{place}: {}", error.detail());
        if error.kind().status().is_server_error() { error } else { Error::invalid(detail) }
    };
    let roles = RoleFile::parse(&text).map_err(named)?;
    let changes = app.accounts.import_platform_roles(&organisation, &roles, dry_run).await.map_err(named)?;
    for change in &changes {
        let shown = |role: Option<_>| role.map_or("none".to_owned(), |role| format!("{role}"));
        let membership =
            change.membership.map_or_else(String::new, |role| format!(", becomes {role} of {organisation}"));
        println!("{} {} -> {}{membership}", change.user, shown(change.from), shown(change.to));
    }
    let done = if dry_run { "nothing was changed; without --dry-run, roles of users change" } else { "roles changed" };
    eprintln!("{done}: {}", changes.len());
    Ok(ExitCode::SUCCESS)
}
