//! What can be written on the command line.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand};
use rutter::access::claims::{self, Claim, Opened};
use rutter::access::tokens::{TokenName, TokenScope};
use rutter::config::DEFAULT_STORE;
use rutter::storage::quota::{Quota, Subject};
use rutter::types::{Email, Id, OwnerName, RepoPath, Role, Visibility};

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
    pub(super) common: Common,
    #[command(subcommand)]
    pub(super) command: Command,
}

#[derive(Args)]
pub(super) struct Common {
    /// Configuration file (TOML)
    #[arg(long, global = true, env = "RUTTER_CONFIG", hide_env_values = true, value_name = "FILE")]
    pub(super) config: Option<PathBuf>,
    /// Folder of database, objects, cache and secret [default: ./rutter-data]
    #[arg(long, global = true, env = "RUTTER_DATA", hide_env_values = true, value_name = "DIR")]
    pub(super) data: Option<PathBuf>,
}

#[derive(Subcommand)]
pub(super) enum Command {
    /// Run the server, until SIGINT or SIGTERM; transfers under way may end, a second signal cuts them off
    #[command(after_help = "\
Examples:
  rutter serve
  rutter serve --listen 0.0.0.0:8080 --data /srv/rutter --public-url https://data.example.org
  RUTTER_LOG=info,rutter=debug RUTTER_DATABASE_URL=postgres://rutter@db/rutter rutter serve --config /etc/rutter.toml

Set by file or environment only (the README describes each):
  RUTTER_DATABASE_URL  RUTTER_SECRET  RUTTER_STORE_URL  RUTTER_STORES__…  RUTTER_CACHE  RUTTER_GIT  RUTTER_TRUSTED_PROXIES
  RUTTER_LOG  RUTTER_LOG_FORMAT  RUTTER_LIMITS__…  RUTTER_TTL__…  RUTTER_GC__…  RUTTER_SCRUB__…
  RUTTER_RATES__…  RUTTER_QUOTAS__…  RUTTER_ACCOUNTS__…  RUTTER_MAIL__…

While there is no administrator, it prints a link to the terminal that makes the first one: good once, for 24 hours. \
`rutter setup-link` prints one, too.")]
    Serve {
        /// Address and port [default: 127.0.0.1:8080]
        #[arg(long, env = "RUTTER_LISTEN", hide_env_values = true, value_name = "ADDRESS:PORT")]
        listen: Option<SocketAddr>,
        /// What clients put before /owner/dataset, behind a proxy
        #[arg(long, env = "RUTTER_PUBLIC_URL", hide_env_values = true, value_name = "URL")]
        public_url: Option<String>,
    },
    /// Print a link that makes the first administrator; good once, for 24 hours
    #[command(after_help = "\
Examples:
  rutter setup-link
  docker exec drive rutter setup-link

The link begins with public_url. Once there is an administrator, however made, no such link works.")]
    SetupLink,
    /// Users
    #[command(subcommand, after_help = "Example:\n  rutter user add ada --email ada@example.org")]
    User(UserCommand),
    /// Tokens, for git, git-lfs and programs
    #[command(subcommand, after_help = "Example:\n  rutter token add ada --name laptop --expires 90d")]
    Token(TokenCommand),
    /// Organisations and their members
    #[command(subcommand, after_help = "Example:\n  rutter org member statistics ada --role writer")]
    Org(OrgCommand),
    /// Datasets and their repositories
    #[command(subcommand, after_help = "Example:\n  rutter repo create statistics/census --visibility internal")]
    Repo(RepoCommand),
    /// Where objects and packs are kept
    #[command(subcommand, after_help = "Example:\n  rutter store check default --origin https://data.example.org")]
    Store(StoreCommand),
    /// Show how much is held, and how much may be
    #[command(after_help = "\
Examples:
  rutter usage
  rutter usage statistics --json
  rutter usage statistics/census
  rutter usage --recount

What counts are the bytes of LFS objects: those of each dataset, also where another holds the same ones, and not those \
of git's packs. An organisation within another counts for itself alone.")]
    Usage {
        /// OWNER or OWNER/NAME; all owners without it
        subject: Option<Subject>,
        /// Print JSON, in bytes
        #[arg(long)]
        json: bool,
        /// Count anew what each dataset holds, and tell where the count was wrong
        #[arg(long, conflicts_with_all = ["subject", "json"])]
        recount: bool,
    },
    /// Say how much a dataset may hold, or all datasets of a user or an organisation together
    #[command(after_help = "\
Examples:
  rutter quota ada 500GB
  rutter quota statistics/census 1.5TiB
  rutter quota statistics none
  rutter quota ada default

`default` is what the configuration says (quotas). What is held already stays, also where it is more.")]
    Quota {
        /// OWNER or OWNER/NAME
        subject: Subject,
        /// A number of bytes as in 500GB or 100GiB, none or default
        #[arg(value_name = "SIZE")]
        quota: Quota,
    },
    /// Check that everything stored is there and is what its name says; the server does so slowly, all the time
    #[command(after_help = "\
Examples:
  rutter fsck --data /srv/rutter
  rutter fsck --quick
  rutter fsck ada/census
  rutter fsck --json

Damaged objects are taken out of use; a `git lfs push --all` heals them, and so does the file if it comes back. Packs \
come back from a backup, or by pushing a complete clone to a new dataset.

Exits with 0 if all is well, 1 if something is wrong, 2 if nothing is wrong as far as could be seen, but something could \
not be looked at, as when a store is away.

JSON, with names that stay:
  clean      whether all was looked at and is well
  checked    objects, bytes (of objects), packs, datasets
  problems   kind: object-missing, object-size, object-bytes, object-quarantined, pack-missing, pack-damaged, git
             store, dataset (packs, git), held_by (objects), oid, pack, detail; healed_by: push, restore
  notes      kind: object-stray, pack-stray; store, key, bytes, detail. What no row names and is older than an hour
  unchecked  what, detail")]
    Fsck {
        /// OWNER/NAME: check this dataset and what it holds; everything without it
        #[arg(value_name = "OWNER/NAME")]
        dataset: Option<RepoPath>,
        /// Only compare names and sizes; read no bytes
        #[arg(long)]
        quick: bool,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Collect what no revision names and nobody holds; the server does this once a day (collect)
    #[command(after_help = "\
Examples:
  rutter gc --dry-run
  rutter gc
  rutter gc ada/census
  rutter gc --undo ada/census

Nothing goes at once. A first run marks what no branch, no tag and no earlier revision names. A later run, when the \
grace period is over (gc.grace), takes it away from the dataset, which --undo reverts for as long again. Then \
the bytes are deleted.")]
    Gc {
        /// OWNER/NAME; all datasets and stores without it
        dataset: Option<RepoPath>,
        /// Only tell what would happen, object by object
        #[arg(long)]
        dry_run: bool,
        /// Give back what was taken away and is not deleted yet
        #[arg(long, conflicts_with = "dry_run")]
        undo: bool,
    },
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

The way in is a token, `rutter token add ada`, or with a browser a password: `rutter user set-password ada`.")]
    Add {
        /// Letters, digits, `.`, `_`, `-`
        name: OwnerName,
        /// E-mail address
        #[arg(long)]
        email: Email,
        /// May read, write and delete every dataset
        #[arg(long)]
        admin: bool,
        /// Read a password of at least 8 characters from standard input, for browsers: git, git-lfs and programs take
        /// tokens only
        #[arg(long)]
        password_stdin: bool,
    },
    /// Give a user another password, read from standard input; all browsers are signed out
    #[command(after_help = "\
Examples:
  rutter user set-password ada
  rutter user set-password ada < password.txt

The first line counts, and has at least 8 characters. Personal tokens stay as they are.")]
    SetPassword {
        /// The user
        name: OwnerName,
    },
    /// List users
    #[command(after_help = "Example:\n  rutter user list")]
    List,
    /// Let nobody in as this user, until `resume`: every token is refused, and browsers are signed out, at once
    #[command(after_help = "\
Example:
  rutter user suspend ada

Transfers that have begun, and signed URLs handed out before, go on until they end (ttl.action).")]
    Suspend {
        /// The user
        name: OwnerName,
    },
    /// End a suspension; the tokens are good again
    #[command(after_help = "Example:\n  rutter user resume ada")]
    Resume {
        /// The user
        name: OwnerName,
    },
}

#[derive(Subcommand)]
pub(super) enum TokenCommand {
    /// Make a personal token and print it, alone, on standard output
    #[command(
        after_help = "Examples:\n  rutter token add ada --name ci --expires 30d --scope write:ada/census\n  rutter token add ada --scope read"
    )]
    Add {
        /// Whose token
        user: OwnerName,
        /// What to call it, in at most 100 characters
        #[arg(long, default_value = "token")]
        name: TokenName,
        /// How long it is good, as in 12h, 30d; for ever without it
        #[arg(long, value_parser = lifetime)]
        expires: Option<Duration>,
        /// read, write or own, alone or as in write:OWNER/NAME; may be repeated [default: own]
        #[arg(long = "scope", value_name = "SCOPE")]
        scopes: Vec<TokenScope>,
    },
    /// List a user's personal tokens
    #[command(after_help = "Example:\n  rutter token list ada")]
    List {
        /// Whose tokens
        user: OwnerName,
    },
    /// Revoke a personal token, at once
    #[command(after_help = "\
Example:
  rutter token revoke 01890a5d-ac96-774b-bcce-b302099a8057

Transfers that have begun, and signed URLs handed out before, go on until they end (ttl.action).")]
    Revoke {
        /// The id that `list` shows
        id: Id,
    },
    /// Sign a JSON Web Token for a user and print it; it cannot be revoked, only its user suspended
    #[command(after_help = "\
Examples:
  rutter token jwt ada --scope 'obj:ada/census/*:read' --expires 10m
  rutter token jwt ada --scope 'obj:ada/census/*:write' --scope ds:ada/census:read

Scopes are TYPE[:ID[:ACTIONS]] or TYPE:ID:SUBSCOPE:ACTIONS, with `*` for all:
  obj:OWNER/NAME/OID  read, write                    the bytes
  ds:OWNER/NAME       read, update, patch, write, *  the dataset and its history")]
    Jwt {
        /// For whom
        user: OwnerName,
        /// A scope as giftless and CKAN write them; may be repeated
        #[arg(long = "scope", value_name = "SCOPE", required = true, value_parser = claim)]
        scopes: Vec<String>,
        /// How long it is good, cut to the configured maximum (ttl.jwt)
        #[arg(long, value_parser = lifetime, default_value = "15m")]
        expires: Duration,
    },
}

#[derive(Subcommand)]
pub(super) enum OrgCommand {
    /// Add an organisation; `a/b` is one within `a`
    #[command(after_help = "Examples:\n  rutter org add ministry\n  rutter org add ministry/statistics")]
    Add {
        /// Its name
        name: OwnerName,
    },
    /// List organisations
    #[command(after_help = "Example:\n  rutter org list")]
    List,
    /// List members, make a user one, change the role, or end the membership
    #[command(after_help = "\
Examples:
  rutter org member statistics
  rutter org member statistics ada --role writer
  rutter org member statistics ada --remove")]
    Member {
        /// The organisation
        organisation: OwnerName,
        /// The user; without it, members are listed
        user: Option<OwnerName>,
        /// reader, writer or owner; without it, who is new becomes a reader, and who is a member stays what they are
        #[arg(long, requires = "user")]
        role: Option<Role>,
        /// End the membership
        #[arg(long, conflicts_with = "role", requires = "user")]
        remove: bool,
    },
}

#[derive(Subcommand)]
pub(super) enum RepoCommand {
    /// Make an empty dataset
    #[command(
        after_help = "Examples:\n  rutter repo create ada/census\n  rutter repo create statistics/census --visibility internal\n  rutter repo create ada/survey --store frankfurt"
    )]
    Create {
        /// OWNER/NAME
        path: RepoPath,
        /// private, internal or public
        #[arg(long, default_value = "private")]
        visibility: Visibility,
        /// Where its objects are kept, for good: a name from the configuration (stores)
        #[arg(long, default_value = DEFAULT_STORE, value_name = "NAME")]
        store: String,
    },
    /// List datasets
    #[command(after_help = "Example:\n  rutter repo list")]
    List,
    /// Change who sees a dataset
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
        /// Do not ask
        #[arg(long)]
        yes: bool,
    },
}

#[derive(Subcommand)]
pub(super) enum StoreCommand {
    /// List the configured stores
    #[command(after_help = "Example:\n  rutter store list")]
    List,
    /// Try everything that rutter does with a store, and say in plain words what is wrong
    #[command(after_help = "\
Examples:
  rutter store check default
  rutter store check frankfurt --origin https://data.example.org
  rutter store check default --internal

It writes a few small objects and one part of 5 MiB, and removes them. It goes where clients are sent \
(public_endpoint). Where only they can go there, as when that is http://localhost:3900 and rutter runs in a container, \
--internal tries everything at the endpoint that rutter itself uses, and says that the other one was not tried.")]
    Check {
        /// Its name: `default`, or one of the configuration (stores)
        name: String,
        /// Do not go to the public endpoint: it cannot be reached from here
        #[arg(long)]
        internal: bool,
        /// Try also whether web pages of this origin can upload and download
        #[arg(long, value_name = "ORIGIN")]
        origin: Option<String>,
    },
    /// Print the rules by which web pages may reach a bucket, and on S3 set them
    #[command(after_help = "\
Examples:
  rutter store cors default --origin https://data.example.org
  rutter store cors default --origin https://data.example.org --origin http://localhost:5173 --dry-run

On S3 the rules replace those that the bucket has. On Google and Azure they are to be set by hand.")]
    Cors {
        /// Its name
        name: String,
        /// Scheme, host and port of the pages; may be repeated
        #[arg(long = "origin", value_name = "ORIGIN", required = true)]
        origins: Vec<String>,
        /// Only print them
        #[arg(long)]
        dry_run: bool,
    },
}

/// Reads `30d`, `12h`, `15m`, `90s`.
fn lifetime(text: &str) -> Result<Duration, String> {
    match rutter::config::duration(text) {
        // Beyond a century it is a typing mistake.
        Some(duration) if (1..=3_155_760_000).contains(&duration.as_secs()) => Ok(duration),
        _ => Err("write a number and a unit, as in 15m, 12h or 30d".into()),
    }
}

/// One scope of a JSON Web Token that opens something: what others' scopes
/// may not say is a typing mistake in ours.
fn claim(text: &str) -> Result<String, String> {
    let refusal = || Err("it opens nothing: write it as in obj:OWNER/NAME/*:read or ds:OWNER/NAME:update".to_owned());
    if text.contains(char::is_whitespace) {
        return Err("one scope at a time: repeat --scope".into());
    }
    // A dataset that the scope must be about, whatever it leaves open.
    let id = text.split(':').nth(1).unwrap_or_default();
    let mut segments: Vec<&str> = id.split('/').map(|segment| if segment == "*" { "any" } else { segment }).collect();
    segments.retain(|segment| !segment.is_empty());
    segments.resize(segments.len().max(2), "any");
    let Ok(path) = segments.join("/").parse::<RepoPath>() else { return refusal() };
    if claims::open(&[Claim::parse(text)], &path) == Opened::default() {
        return refusal();
    }
    Ok(text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_definitions_fit_together() {
        use clap::CommandFactory as _;
        Cli::command().debug_assert();
    }

    #[test]
    fn a_scope_must_open_something() {
        let oid = "0".repeat(64);
        for good in [
            "obj:ada/census/*:read",
            "obj:ada/census:read,write",
            "obj:ada/*:read",
            "obj:*:read",
            "obj",
            "obj:ministry/statistics/census/*:metadata:read",
            &format!("obj:ada/census/{oid}:read"),
            "ds:ada/census:update",
            "ds:ada/census",
        ] {
            assert_eq!(claim(good).as_deref(), Ok(good));
        }
        for bad in [
            "",
            "read",
            "write:ada/census",
            "obj:ada/census/*:raed",
            "obj:ada/census/*:delete",
            "obj:ada/census/*:foo:read",
            "obj:ada/census:a:b:c",
            "obj:../census:read",
            "obj:api/census:read",
            "org:ada:read",
            "obj:ada/census:read obj:ada/other:read",
        ] {
            assert!(claim(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn spans_have_a_unit() {
        assert_eq!(lifetime("90s"), Ok(Duration::from_secs(90)));
        assert_eq!(lifetime("30d"), Ok(Duration::from_secs(30 * 86_400)));
        for bad in ["", "d", "30", "0m", "-1d", "99999999999999999999d", "1000000d"] {
            assert!(lifetime(bad).is_err(), "{bad}");
        }
    }
}
