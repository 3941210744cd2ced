//! Configuration: defaults, then a TOML file, then `RUTTER_*` from the
//! environment, then the command line. A key that nobody reads is an error,
//! since a typing mistake in a limit must not go unnoticed. Sizes and durations take units ([`units`]).

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;

use figment::Figment;
use figment::providers::{Env, Format, Toml};
use figment::value::UncasedStr;
use ipnet::IpNet;
use serde::Deserialize;

use crate::error::{Error, Result};
use crate::types::Secret;

/// The `iss` claim of our own JSON Web Tokens; no other issuer can have this name.
pub const OUR_ISSUER: &str = "rutter";

/// All that an operator can decide.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Address and port to listen on.
    pub listen: SocketAddr,
    /// Folder of the embedded database, the objects, the cache and the secret.
    pub data: PathBuf,
    /// What clients put before `/owner/dataset`. Without it, the `Host` header
    /// of each request is used, or `X-Forwarded-*` from a trusted proxy.
    pub public_url: Option<String>,
    /// Proxies whose `X-Forwarded-*` headers are believed, as CIDR blocks.
    pub trusted_proxies: Vec<IpNet>,
    /// `sqlite:///path/to/file` or `postgres://…`. Default: `DATA/rutter.db`.
    pub database_url: Option<Secret>,
    /// The server's secret, at least 32 characters; seals keys and signs URLs.
    /// Default: made at first start and kept in `DATA/secret`.
    pub secret: Option<Secret>,
    /// Folder of materialised git packs; may be deleted at any time. Default: `DATA/cache`.
    pub cache: Option<PathBuf>,
    /// Where objects and packs are kept: `file:///folder`, `s3://bucket/prefix`, `gs://bucket/prefix`
    /// or `az://container/prefix`. Default: `DATA/store`.
    pub store_url: Option<String>,
    /// More stores by name, and more about the one of `store_url`, which is named `default`.
    pub stores: BTreeMap<String, StoreConfig>,
    /// What the clouds' own tools read from the environment: `AWS_*`, `AZURE_*`, `GOOGLE_*`.
    #[serde(skip)]
    pub cloud_environment: Vec<(String, Secret)>,
    /// Variables of Kubernetes that begin with `RUTTER_` and were passed over; the log names them.
    #[serde(skip)]
    pub service_links: Vec<String>,
    /// Whether the server collects garbage by itself, once a day; `rutter gc` does it by hand.
    pub collect: bool,
    /// Days in which the server reads everything that is stored once, to see whether it is sound; 0 for
    /// never. `rutter fsck` does it by hand.
    #[serde(deserialize_with = "units::days")]
    pub scrub_days: u32,
    /// The `git` program.
    pub git: PathBuf,
    /// Log filter, as in `info,rutter=debug`.
    pub log: String,
    /// `text` or `json`.
    pub log_format: LogFormat,
    /// Limits on what one client can ask for.
    pub limits: Limits,
    /// How much datasets may hold.
    pub quotas: Quotas,
    /// Limits on what one client may use in a time.
    pub rates: Rates,
    /// Lifetimes, in seconds.
    pub lifetimes: Lifetimes,
    /// Issuers of JSON Web Tokens that are accepted besides our own.
    pub issuers: Vec<Issuer>,
    /// Who may have an account, and for how long sessions last.
    pub accounts: AccountRules,
    /// How letters go out.
    pub mail: MailConfig,
}

/// The shape of log lines.
#[derive(Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

/// Limits on what one client can ask for.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// Objects in one LFS batch.
    pub batch_objects: usize,
    /// Bytes of a JSON request body.
    #[serde(deserialize_with = "units::size")]
    pub json_bytes: usize,
    /// Bytes of a commit over the API: of its request, and of what it copies.
    #[serde(deserialize_with = "units::size")]
    pub commit_bytes: usize,
    /// Bytes of one file that such a commit puts into git as it is; larger ones are LFS objects.
    #[serde(deserialize_with = "units::size")]
    pub commit_file_bytes: usize,
    /// Bytes of one LFS object.
    #[serde(deserialize_with = "units::optional_size")]
    pub object_bytes: Option<u64>,
    /// Bytes of the largest object that is hashed before its upload is confirmed, where the store
    /// vouches for nothing. Larger ones are taken on their size, and hashed afterwards.
    #[serde(deserialize_with = "units::size")]
    pub hash_bytes: u64,
    /// Bytes from which on an object is sent in parts, by clients that can do that.
    #[serde(deserialize_with = "units::size")]
    pub parts_from: u64,
    /// Bytes of one pushed pack.
    #[serde(deserialize_with = "units::size")]
    pub pack_bytes: u64,
    /// Connections to a PostgreSQL server, of each replica.
    pub database_connections: u32,
    /// Seconds that a PostgreSQL server may take to answer, before who waits for it is told to come again.
    #[serde(deserialize_with = "units::seconds")]
    pub database_seconds: u64,
    /// LFS uploads and downloads at one time.
    pub transfers: usize,
    /// Bytes of the cache of git packs; what is in use may take more.
    #[serde(deserialize_with = "units::size")]
    pub cache_bytes: u64,
    /// Git packs received at one time, and as many sent.
    pub git_processes: usize,
    /// Bytes of memory that git may take for one object: a file that comes as a delta of another one, or a
    /// list of objects. The memory of a git process is limited to three times as much, and 1.5 GiB.
    #[serde(deserialize_with = "units::size")]
    pub git_object_bytes: u64,
    /// Connections at one time; never more than half of the files that the process may have open.
    pub connections: usize,
    /// Seconds to wait, at shutdown, for transfers under way.
    #[serde(deserialize_with = "units::seconds")]
    pub shutdown_seconds: u64,
    /// Seconds that a client may let us wait for bytes, or leave ours unread,
    /// before its request is given up. Next to no bytes count as none.
    #[serde(deserialize_with = "units::seconds")]
    pub idle_seconds: u64,
}

/// How much may be held by those for whom nothing else was said (`rutter quota`), in bytes of LFS objects and of packs
/// of git; `None` for as much as there is room.
#[derive(Clone, Copy, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Quotas {
    /// All datasets of one user together.
    #[serde(deserialize_with = "units::optional_size")]
    pub user_bytes: Option<u64>,
    /// All datasets of one organisation together; those of organisations within it count for those.
    #[serde(deserialize_with = "units::optional_size")]
    pub organisation_bytes: Option<u64>,
    /// One dataset.
    #[serde(deserialize_with = "units::optional_size")]
    pub dataset_bytes: Option<u64>,
}

/// Lifetimes, in seconds.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Lifetimes {
    /// Signed transfer URLs.
    #[serde(deserialize_with = "units::seconds")]
    pub action: u32,
    /// Uploads in parts that nobody goes on with.
    #[serde(deserialize_with = "units::seconds")]
    pub upload: u64,
    /// JSON Web Tokens that we issue, at most.
    #[serde(deserialize_with = "units::seconds")]
    pub jwt: u64,
    /// Retired packs, uploads that never ended, before they are deleted.
    #[serde(deserialize_with = "units::seconds")]
    pub grace: u64,
}

/// An issuer of JSON Web Tokens, such as a CKAN site.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Issuer {
    /// The `iss` claim.
    pub issuer: String,
    /// PEM file of its public key (RSA, EC or Ed25519).
    pub public_key_file: Option<PathBuf>,
    /// Where its keys are published (RFC 7517).
    pub jwks_url: Option<String>,
    /// The `aud` claim to insist on.
    pub audience: Option<String>,
    /// Clock difference that is tolerated, in seconds.
    #[serde(default = "default_leeway", deserialize_with = "units::seconds")]
    pub leeway: u64,
}

fn default_leeway() -> u64 {
    10
}

impl Default for Config {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 8080)),
            data: PathBuf::from("rutter-data"),
            public_url: None,
            trusted_proxies: Vec::new(),
            database_url: None,
            secret: None,
            cache: None,
            store_url: None,
            stores: BTreeMap::new(),
            cloud_environment: Vec::new(),
            service_links: Vec::new(),
            collect: true,
            scrub_days: 30,
            git: PathBuf::from("git"),
            log: "info".into(),
            log_format: LogFormat::Text,
            limits: Limits::default(),
            quotas: Quotas::default(),
            rates: Rates::default(),
            lifetimes: Lifetimes::default(),
            issuers: Vec::new(),
            accounts: AccountRules::default(),
            mail: MailConfig::default(),
        }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            batch_objects: 1000,
            json_bytes: 1 << 20,
            commit_bytes: 64 << 20,
            commit_file_bytes: 10 << 20,
            object_bytes: None,
            hash_bytes: 1 << 30,
            parts_from: 64 << 20,
            pack_bytes: 2 << 30,
            database_connections: 20,
            database_seconds: 25,
            transfers: 256,
            cache_bytes: 16 << 30,
            git_processes: 8,
            git_object_bytes: 512 << 20,
            connections: 4096,
            shutdown_seconds: 60,
            idle_seconds: 60,
        }
    }
}

impl Default for Lifetimes {
    fn default() -> Self {
        Self { action: 3600, upload: 3 * 24 * 3600, jwt: 900, grace: 7 * 24 * 3600 }
    }
}

/// What the command line says; it wins over file and environment.
#[derive(Default)]
pub struct Overrides {
    /// `--config`
    pub file: Option<PathBuf>,
    /// `--listen`
    pub listen: Option<SocketAddr>,
    /// `--data`
    pub data: Option<PathBuf>,
    /// `--public-url`
    pub public_url: Option<String>,
}

impl Config {
    /// Reads file and environment and applies the command line.
    ///
    /// # Errors
    /// A file that cannot be read, an unknown key, a value out of bounds; the
    /// sentence names the key.
    pub fn load(overrides: Overrides) -> Result<Self> {
        let mut figment = Figment::new();
        if let Some(file) = &overrides.file {
            if !file.is_file() {
                return Err(Error::invalid(format!("the configuration file {} does not exist", file.display())));
            }
            figment = figment.merge(Toml::file_exact(file));
        }
        let variables = Env::raw().lowercase(false);
        let variables: Vec<_> = variables.iter().map(|(name, value)| (name.into_string(), value)).collect();
        let service_links = service_links::service_links(&variables);
        // `RUTTER_CONFIG` names the file itself; `RUTTER_TEST_*` is for test runs.
        let links = service_links.clone();
        let is_ours = move |key: &UncasedStr| {
            key != "config" && !key.starts_with("test_") && !links.iter().any(|link| key == link["RUTTER_".len()..])
        };
        let environment = Env::prefixed("RUTTER_").filter(is_ours).split("__");
        let mut config: Self =
            figment.merge(environment).extract().map_err(|error| Error::invalid(format!("configuration: {error}")))?;
        config.service_links = service_links;
        config.listen = overrides.listen.unwrap_or(config.listen);
        config.data = overrides.data.unwrap_or(config.data);
        config.public_url = overrides.public_url.or(config.public_url);
        let of_clouds = Env::raw().filter(|key| {
            let key = key.as_str().to_ascii_lowercase();
            ["aws_", "azure_", "google_"].iter().any(|cloud| key.starts_with(cloud))
        });
        config.cloud_environment =
            of_clouds.iter().map(|(name, value)| (name.as_str().to_ascii_lowercase(), Secret::new(value))).collect();
        config.check()?;
        Ok(config)
    }

    fn check(&mut self) -> Result<()> {
        if let Some(url) = &mut self.public_url {
            while url.ends_with('/') {
                url.pop();
            }
            let host = url.strip_prefix("http://").or_else(|| url.strip_prefix("https://"));
            if host.is_none_or(|host| host.is_empty() || host.contains(['?', '#', ' ', '"', '\\'])) {
                return Err(Error::invalid(format!(
                    "public_url `{url}` must look like https://data.example.org, without query or fragment"
                )));
            }
        }
        if self.secret.as_ref().is_some_and(|secret| secret.expose().len() < 32) {
            return Err(Error::invalid("secret must have at least 32 characters; try `openssl rand -hex 32`"));
        }
        let Limits { batch_objects, json_bytes, pack_bytes, transfers, git_processes, idle_seconds, .. } = self.limits;
        let at_least = [
            ("limits.batch_objects", batch_objects as u64, 1),
            ("limits.json_bytes", json_bytes as u64, 1024),
            ("limits.commit_bytes", self.limits.commit_bytes as u64, 1024),
            ("limits.commit_file_bytes", self.limits.commit_file_bytes as u64, 1024),
            ("limits.pack_bytes", pack_bytes, 1024),
            ("limits.transfers", transfers as u64, 1),
            ("limits.database_connections", u64::from(self.limits.database_connections), 2),
            ("limits.database_seconds", self.limits.database_seconds, 1),
            ("limits.git_processes", git_processes as u64, 1),
            ("limits.git_object_bytes", self.limits.git_object_bytes, 64 << 20),
            ("limits.connections", self.limits.connections as u64, 16),
            ("limits.idle_seconds", idle_seconds, 1),
            ("lifetimes.action", u64::from(self.lifetimes.action), 60),
            ("lifetimes.upload", self.lifetimes.upload, 3600),
            ("lifetimes.jwt", self.lifetimes.jwt, 1),
            // A push that takes longer than this to be recorded is refused.
            ("lifetimes.grace", self.lifetimes.grace, 3600),
        ];
        if let Some((key, value, least)) = at_least.into_iter().find(|(_, value, least)| value < least) {
            return Err(Error::invalid(format!("{key} is {value}, but must be at least {least}")));
        }
        let at_most = [
            // What lies still for longer is taken for a left-over.
            ("limits.idle_seconds", idle_seconds, 3600),
            ("limits.database_seconds", self.limits.database_seconds, 3600),
            ("lifetimes.action", u64::from(self.lifetimes.action), 7 * 86_400),
        ];
        if let Some((key, value, most)) = at_most.into_iter().find(|(_, value, most)| value > most) {
            return Err(Error::invalid(format!("{key} is {value}, but must be at most {most}")));
        }
        self.rates.check()?;
        self.accounts.check()?;
        self.mail.check()?;
        self.store_options()?;
        for issuer in &self.issuers {
            if issuer.public_key_file.is_some() == issuer.jwks_url.is_some() {
                return Err(Error::invalid(format!(
                    "issuer `{}` needs exactly one of public_key_file and jwks_url",
                    issuer.issuer
                )));
            }
            if issuer.issuer.is_empty() || issuer.issuer == OUR_ISSUER {
                return Err(Error::invalid(format!("an issuer cannot be named `{}`", issuer.issuer)));
            }
            if issuer.jwks_url.as_deref().is_some_and(|url| !is_safe(url)) {
                return Err(Error::invalid(format!(
                    "jwks_url of issuer `{}` must begin with https://, since whoever can change its answer can forge \
                     tokens; http:// is for this machine only",
                    issuer.issuer
                )));
            }
        }
        Ok(())
    }

    /// Where the database is.
    pub fn database_url(&self) -> Secret {
        self.database_url
            .clone()
            .unwrap_or_else(|| Secret::new(format!("sqlite://{}", self.data.join("rutter.db").display())))
    }

    /// What comes before the path in links that go out in letters: `public_url`, or where the server listens.
    pub fn link_base(&self) -> String {
        let here = |ip: IpAddr| match ip {
            IpAddr::V4(_) => IpAddr::from(Ipv4Addr::LOCALHOST),
            IpAddr::V6(_) => IpAddr::from(Ipv6Addr::LOCALHOST),
        };
        self.public_url.clone().unwrap_or_else(|| {
            let ip = self.listen.ip();
            let ip = if ip.is_unspecified() { here(ip) } else { ip };
            format!("http://{}", SocketAddr::new(ip, self.listen.port()))
        })
    }

    /// The folder of letters that are not sent.
    pub fn mail_folder(&self) -> PathBuf {
        self.mail.folder.clone().unwrap_or_else(|| self.data.join("mail"))
    }

    /// Where materialised packs go.
    pub fn cache(&self) -> PathBuf {
        self.cache.clone().unwrap_or_else(|| self.data.join("cache"))
    }

    /// The file of the server's own secret.
    pub fn secret_file(&self) -> PathBuf {
        self.data.join("secret")
    }

    /// The time in which everything that is stored is read once; none for never.
    pub fn scrub_round(&self) -> Option<Duration> {
        (self.scrub_days > 0).then(|| Duration::from_secs(u64::from(self.scrub_days) * 24 * 3600))
    }

    /// Lifetime of what is retired before it is deleted.
    pub fn grace(&self) -> Duration {
        Duration::from_secs(self.lifetimes.grace)
    }
}

mod accounts;
mod rates;
mod service_links;
mod stores;
mod units;

pub use accounts::{AccountRules, MailConfig, Makers, SignUp};
pub use rates::Rates;
pub use stores::{DEFAULT_STORE, StoreConfig, StoreOptions, StorePlace};
pub use units::duration;

/// Whether nobody on the way can change what this URL gives.
fn is_safe(url: &str) -> bool {
    let Some((scheme, rest)) = url.split_once("://") else { return false };
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let host = match authority.strip_prefix('[') {
        Some(address) => address.split(']').next().unwrap_or_default(),
        None => authority.split(':').next().unwrap_or_default(),
    };
    let here = host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback());
    !host.is_empty() && !authority.contains('@') && (scheme == "https" || (scheme == "http" && here))
}

/// Makes a folder that only this user can enter.
pub fn private_folder(path: &Path) -> Result<()> {
    use std::os::unix::fs::DirBuilderExt as _;
    std::fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(path)
        .map_err(|error| Error::invalid(format!("cannot create the folder {}: {error}", path.display())))
}

#[cfg(test)]
mod tests;
