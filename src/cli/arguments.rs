//! Command-line arguments and help texts.

mod values;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand};
use rutter::access::tokens::{TokenName, TokenScope};
use rutter::config::DEFAULT_STORE;
use rutter::storage::quota::{Quota, Subject};
use rutter::types::{Email, Id, OwnerName, RepoPath, Role, Visibility};

use self::values::{claim, lifetime};
use super::apps::AppCommand;
use super::convert::{ConvertArguments, DescribeArguments};
use super::login::CredentialAction;
use super::roles::RoleCommand;
use super::sql::SqlArguments;
use super::stores::StoreCommand;
use super::table_diff::DiffArguments;

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
  rutter login https://data.example.org
  git clone https://data.example.org/ada/census.git"
)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(super) common: Common,
    #[command(subcommand)]
    pub(super) command: Command,
}

#[derive(Args)]
pub(super) struct Common {
    /// Configuration file (TOML)
    #[arg(long, global = true, env = "RUTTER_CONFIG", hide_env_values = true, value_name = "FILE")]
    pub(super) config: Option<PathBuf>,
    /// Folder of the database, objects, cache and secret [default: ./rutter-data]
    #[arg(long, global = true, env = "RUTTER_DATA", hide_env_values = true, value_name = "DIR")]
    pub(super) data: Option<PathBuf>,
}

#[derive(Subcommand)]
pub(super) enum Command {
    /// Run the server until SIGINT or SIGTERM; running transfers may finish, a second signal aborts them
    #[command(after_help = "\
Examples:
  rutter serve
  rutter serve --listen 0.0.0.0:8080 --data /srv/rutter --public-url https://data.example.org
  RUTTER_LOG=info,rutter=debug RUTTER_DATABASE_URL=postgres://rutter@db/rutter rutter serve --config /etc/rutter.toml

Set by file or environment only (the README describes each):
  RUTTER_DATABASE_URL  RUTTER_SECRET  RUTTER_STORE_URL  RUTTER_STORES__…  RUTTER_CACHE  RUTTER_GIT  RUTTER_TRUSTED_PROXIES
  RUTTER_LOG  RUTTER_LOG_FORMAT  RUTTER_LIMITS__…  RUTTER_TTL__…  RUTTER_GC__…  RUTTER_SCRUB__…
  RUTTER_RATES__…  RUTTER_QUOTAS__…  RUTTER_ACCOUNTS__…  RUTTER_MAIL__…  RUTTER_OAUTH__…
  RUTTER_APPS__…  RUTTER_TABLES__…

While there is no administrator, the server prints a link to the terminal to create the first one: valid once, for 24 \
hours. `rutter setup-link` prints one, too.")]
    Serve {
        /// Address and port [default: 127.0.0.1:8080]
        #[arg(long, env = "RUTTER_LISTEN", hide_env_values = true, value_name = "ADDRESS:PORT")]
        listen: Option<SocketAddr>,
        /// Base URL of the server for clients, if it runs behind a proxy
        #[arg(long, env = "RUTTER_PUBLIC_URL", hide_env_values = true, value_name = "URL")]
        public_url: Option<String>,
    },
    /// Print a link to create the first administrator; valid once, for 24 hours
    #[command(after_help = "\
Examples:
  rutter setup-link
  docker exec drive rutter setup-link

The link begins with public_url. It stops working as soon as there is an administrator.")]
    SetupLink,
    /// Manage users
    #[command(subcommand, after_help = "Example:\n  rutter user add ada --email ada@example.org")]
    User(UserCommand),
    /// Manage tokens for git, git-lfs and programs
    #[command(subcommand, after_help = "Example:\n  rutter token add ada --name laptop --expires 90d")]
    Token(TokenCommand),
    /// Manage organisations and their members
    #[command(subcommand, after_help = "Example:\n  rutter org member statistics ada --role writer")]
    Org(OrgCommand),
    /// Manage the roles of users in data platform applications
    #[command(subcommand, after_help = "Example:\n  rutter role import roles.toml --organisation statistics --dry-run")]
    Role(RoleCommand),
    /// Manage the catalogue of apps
    #[command(subcommand, after_help = "Example:\n  rutter app add deploy/apps/notes/manifest.toml")]
    App(AppCommand),
    /// Manage datasets
    #[command(subcommand, after_help = "Example:\n  rutter repo create statistics/census --visibility internal")]
    Repo(RepoCommand),
    /// Manage the stores of objects and packs
    #[command(subcommand, after_help = "Example:\n  rutter store check default --origin https://data.example.org")]
    Store(StoreCommand),
    /// Show storage usage and quotas
    #[command(after_help = "\
Examples:
  rutter usage
  rutter usage statistics --json
  rutter usage statistics/census
  rutter usage --recount

Usage is the size of the LFS objects of each dataset, including those that other datasets share, and of its git packs. \
The usage of an organisation does not include nested organisations.")]
    Usage {
        /// OWNER or OWNER/NAME; all owners if omitted
        subject: Option<Subject>,
        /// Print JSON, sizes in bytes
        #[arg(long)]
        json: bool,
        /// Recount the usage of all datasets, and print corrections
        #[arg(long, conflicts_with_all = ["subject", "json"])]
        recount: bool,
    },
    /// Set the storage quota of a dataset, or of all datasets of a user or an organisation together
    #[command(after_help = "\
Examples:
  rutter quota ada 500GB
  rutter quota statistics/census 1.5TiB
  rutter quota statistics none
  rutter quota ada default

`default` is the configured quota (quotas). Existing objects are kept even if they exceed the new quota.")]
    Quota {
        /// OWNER or OWNER/NAME
        subject: Subject,
        /// A size such as 500GB or 100GiB, or `none` or `default`
        #[arg(value_name = "SIZE")]
        quota: Quota,
    },
    /// Check the integrity of all stored data; the server also does this slowly in the background
    #[command(after_help = "\
Examples:
  rutter fsck --data /srv/rutter
  rutter fsck --quick
  rutter fsck ada/census
  rutter fsck --json

Damaged objects are quarantined: `git lfs push --all` repairs them, and so does restoring the file. To repair packs, \
restore them from a backup, or push a complete clone to a new dataset.

Exit codes: 0 if everything is fine; 1 if there are problems; 2 if no problems were found, but something could not be \
checked, for example because a store is unavailable.

JSON output, with stable names:
  clean      true if everything was checked and is fine
  checked    objects, bytes (of objects), packs, datasets
  problems   kind: object-missing, object-size, object-bytes, object-quarantined, pack-missing, pack-damaged, git
             store, dataset (packs, git), held_by (objects), oid, pack, detail; healed_by: push, restore
  notes      kind: object-stray, pack-stray; store, key, bytes, detail. Not in the database and older than an hour
  unchecked  what, detail")]
    Fsck {
        /// OWNER/NAME: check this dataset and its objects; everything if omitted
        #[arg(value_name = "OWNER/NAME")]
        dataset: Option<RepoPath>,
        /// Only compare names and sizes, without reading data
        #[arg(long)]
        quick: bool,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Delete objects that are no longer used; the server does this once a day (collect)
    #[command(after_help = "\
Examples:
  rutter gc --dry-run
  rutter gc
  rutter gc ada/census
  rutter gc --undo ada/census

Nothing is deleted at once. The first run marks objects that no branch, tag or earlier revision refers to. A run after \
the grace period (gc.grace) removes them from the dataset, which --undo reverts for another grace period. After \
that the data is deleted.")]
    Gc {
        /// OWNER/NAME; all datasets and stores if omitted
        dataset: Option<RepoPath>,
        /// Only print what would happen, object by object
        #[arg(long)]
        dry_run: bool,
        /// Restore objects that were removed but not deleted yet
        #[arg(long, conflicts_with = "dry_run")]
        undo: bool,
    },
    /// Store old versions of files as their differences; the server does this every ten minutes
    #[command(after_help = "\
Examples:
  rutter pack
  rutter pack ada/census

An old version is in no branch any more. It is packed if that saves at least 30 % (stores.NAME.pack).")]
    Pack {
        /// OWNER/NAME; all datasets if omitted
        dataset: Option<RepoPath>,
    },
    /// Log in to a server with a browser, for git, git-lfs and this program; without a URL, list your logins
    #[command(after_help = "\
Examples:
  rutter login https://data.example.org
  rutter login https://data.example.org --no-git
  rutter login

Prints a link. Open it in a browser on any device, and allow the login. git and git-lfs use it then: its token is \
refreshed automatically. It is saved in ~/.config/rutter, for your user only, and never shown.")]
    Login {
        /// URL of the server
        url: Option<String>,
        /// Leave the configuration of git as it is
        #[arg(long, requires = "url")]
        no_git: bool,
    },
    /// Log out of a server
    #[command(after_help = "Example:\n  rutter logout https://data.example.org")]
    Logout {
        /// URL of the server
        url: String,
    },
    /// Give git the token of a login; git runs this (see `git help credential`)
    #[command(after_help = "\
Example:
  rutter credential get

`rutter login` sets this helper, as you can with
  git config --global credential.https://data.example.org.helper '!rutter credential'")]
    Credential {
        /// What git asks for
        action: CredentialAction,
    },
    Sql(SqlArguments),
    Diff(Box<DiffArguments>),
    Convert(ConvertArguments),
    Describe(DescribeArguments),
    /// Print the version
    #[command(after_help = "Example:\n  rutter version")]
    Version,
}

#[derive(Subcommand)]
pub(super) enum UserCommand {
    /// Add a user
    #[command(after_help = "\
Examples:
  rutter user add ada --email ada@example.org
  rutter user add ada --email ada@example.org --admin

To sign in, the user needs a token (`rutter token add ada`), or for a browser a password (`rutter user set-password \
ada`).")]
    Add {
        /// Name: letters, digits, `.`, `_`, `-`
        name: OwnerName,
        /// E-mail address
        #[arg(long)]
        email: Email,
        /// Make the user a site administrator, who can read, write and delete every dataset
        #[arg(long)]
        admin: bool,
        /// Read a password of at least 8 characters from standard input; it is for browsers only: git, git-lfs and
        /// programs require tokens
        #[arg(long)]
        password_stdin: bool,
    },
    /// Set a user's password, read from standard input; all browsers are signed out
    #[command(
        after_help = "Examples:\n  rutter user set-password ada\n  rutter user set-password ada < password.txt\n\nThe password is the first line, with at least 8 characters. Personal tokens stay valid."
    )]
    SetPassword {
        /// Name of the user
        name: OwnerName,
    },
    /// Turn off two-factor authentication of a user who lost it
    #[command(after_help = "Example:\n  rutter user remove-second-factor ada")]
    RemoveSecondFactor { name: OwnerName },
    /// List users
    #[command(after_help = "Example:\n  rutter user list")]
    List,
    /// Suspend a user until `resume`: tokens are rejected and browsers signed out at once
    #[command(
        after_help = "Example:\n  rutter user suspend ada\n\nRunning transfers and signed URLs issued before stay valid until they expire (ttl.action)."
    )]
    Suspend {
        /// Name of the user
        name: OwnerName,
    },
    /// End a suspension; tokens are valid again
    #[command(after_help = "Example:\n  rutter user resume ada")]
    Resume {
        /// Name of the user
        name: OwnerName,
    },
}

#[derive(Subcommand)]
pub(super) enum TokenCommand {
    /// Create a personal token, and print only the token on standard output
    #[command(
        after_help = "Examples:\n  rutter token add ada --name ci --expires 30d --scope write:ada/census\n  rutter token add ada --scope read"
    )]
    Add {
        /// Name of the user
        user: OwnerName,
        /// Name of the token, at most 100 characters
        #[arg(long, default_value = "token")]
        name: TokenName,
        /// Lifetime, such as 12h or 30d; no expiry if omitted
        #[arg(long, value_parser = lifetime)]
        expires: Option<Duration>,
        /// read, write or own, alone or as write:OWNER/NAME; may be repeated [default: own]
        #[arg(long = "scope", value_name = "SCOPE")]
        scopes: Vec<TokenScope>,
    },
    /// List a user's personal tokens
    #[command(after_help = "Example:\n  rutter token list ada")]
    List {
        /// Name of the user
        user: OwnerName,
    },
    /// Revoke a personal token, at once
    #[command(after_help = "\
Example:
  rutter token revoke 01890a5d-ac96-774b-bcce-b302099a8057

Running transfers and signed URLs issued before stay valid until they expire (ttl.action).")]
    Revoke {
        /// Id of the token, as shown by `list`
        id: Id,
    },
    /// Issue a JSON Web Token for a user and print it; it cannot be revoked, but the user can be suspended
    #[command(after_help = "\
Examples:
  rutter token jwt ada --scope 'obj:ada/census/*:read' --expires 10m
  rutter token jwt ada --scope 'obj:ada/census/*:write' --scope ds:ada/census:read

Scopes are TYPE[:ID[:ACTIONS]] or TYPE:ID:SUBSCOPE:ACTIONS, with `*` for all:
  obj:OWNER/NAME/OID  read, write                    the data
  ds:OWNER/NAME       read, update, patch, write, *  the dataset and its history")]
    Jwt {
        /// Name of the user
        user: OwnerName,
        /// Scope in the syntax of giftless and CKAN; may be repeated
        #[arg(long = "scope", value_name = "SCOPE", required = true, value_parser = claim)]
        scopes: Vec<String>,
        /// Lifetime, limited to the configured maximum (ttl.jwt)
        #[arg(long, value_parser = lifetime, default_value = "15m")]
        expires: Duration,
    },
}

#[derive(Subcommand)]
pub(super) enum OrgCommand {
    /// Add an organisation; `a/b` is nested in `a`
    #[command(after_help = "Examples:\n  rutter org add ministry\n  rutter org add ministry/statistics")]
    Add {
        /// Name of the organisation
        name: OwnerName,
    },
    /// List organisations
    #[command(after_help = "Example:\n  rutter org list")]
    List,
    /// List members, add a member, change a role, or remove a member
    #[command(after_help = "\
Examples:
  rutter org member statistics
  rutter org member statistics ada --role writer
  rutter org member statistics ada --remove")]
    Member {
        /// Name of the organisation
        organisation: OwnerName,
        /// Name of the user; members are listed if omitted
        user: Option<OwnerName>,
        /// reader, writer or owner; if omitted, a new member becomes a reader, and an existing one keeps their role
        #[arg(long, requires = "user")]
        role: Option<Role>,
        /// Remove the member
        #[arg(long, conflicts_with = "role", requires = "user")]
        remove: bool,
    },
}

#[derive(Subcommand)]
pub(super) enum RepoCommand {
    /// Create an empty dataset
    #[command(
        after_help = "Examples:\n  rutter repo create ada/census\n  rutter repo create statistics/census --visibility internal\n  rutter repo create ada/survey --store frankfurt"
    )]
    Create {
        /// OWNER/NAME
        path: RepoPath,
        /// private, internal or public
        #[arg(long, default_value = "private")]
        visibility: Visibility,
        /// Store of its objects, which cannot be changed later: a name from the configuration (stores)
        #[arg(long, default_value = DEFAULT_STORE, value_name = "NAME")]
        store: String,
    },
    /// List datasets
    #[command(after_help = "Example:\n  rutter repo list")]
    List,
    /// Change the visibility of a dataset
    #[command(after_help = "Example:\n  rutter repo visibility ada/census public")]
    Visibility {
        /// OWNER/NAME
        path: RepoPath,
        /// private, internal or public
        visibility: Visibility,
    },
    /// Delete a dataset with all its revisions
    #[command(after_help = "Examples:\n  rutter repo delete ada/census\n  rutter repo delete ada/census --yes")]
    Delete {
        /// OWNER/NAME
        path: RepoPath,
        /// Do not ask for confirmation
        #[arg(long)]
        yes: bool,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_argument_definitions_are_valid() {
        use clap::CommandFactory as _;
        Cli::command().debug_assert();
    }
}
