//! Configuration: defaults, then a TOML file, then `RUTTER_*` from the
//! environment, then the command line. Unknown keys are errors, so that a misspelt limit does not go unnoticed.
//! Sizes and durations take units ([`units`]); renamed keys work for one more release ([`renamed`]).

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;

use figment::Figment;
use figment::providers::{Env, Format, Toml};
use figment::value::UncasedStr;
use ipnet::IpNet;
use serde::Deserialize;

use self::renamed::Renames;
use crate::error::{Error, Result};
use crate::types::Secret;

/// The configuration of the server.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Address and port to listen on. Default: `127.0.0.1:8080`.
    pub listen: SocketAddr,
    /// Folder of the SQLite database, the objects, the cache and the secret. Default: `rutter-data`.
    pub data: PathBuf,
    /// Base URL that clients use, before `/owner/dataset`. Default: from the `Host` header of each request, or from
    /// `X-Forwarded-*` of a trusted proxy.
    pub public_url: Option<String>,
    /// Proxies whose `X-Forwarded-*` headers are trusted, as CIDR blocks. Default: none.
    pub trusted_proxies: Vec<IpNet>,
    /// `sqlite:///path/to/file` or `postgres://…`. Default: `DATA/rutter.db`.
    pub database_url: Option<Secret>,
    /// The server's secret, at least 32 characters; encrypts keys and signs URLs.
    /// Default: generated at the first start and stored in `DATA/secret`.
    pub secret: Option<Secret>,
    /// Folder of local copies of git packs; can be deleted at any time. Default: `DATA/cache`.
    pub cache: Option<PathBuf>,
    /// Where objects and packs are stored: `file:///folder`, `s3://bucket/prefix`, `gs://bucket/prefix`
    /// or `az://container/prefix`. Default: `DATA/store`.
    pub store_url: Option<String>,
    /// Additional stores by name, and options of the store of `store_url`, which is named `default`.
    pub stores: BTreeMap<String, StoreConfig>,
    /// Environment variables of cloud SDKs: `AWS_*`, `AZURE_*`, `GOOGLE_*`.
    #[serde(skip)]
    pub cloud_environment: Vec<(String, Secret)>,
    /// Ignored environment variables: Kubernetes service links that begin with `RUTTER_`. Logged at the start.
    #[serde(skip)]
    pub service_links: Vec<String>,
    /// Keys that are set under their old names. Logged at the start.
    #[serde(skip)]
    pub renamed: Vec<RenamedKey>,
    /// The `git` executable. Default: `git`.
    pub git: PathBuf,
    /// Log filter, such as `info,rutter=debug`. Default: `info`.
    pub log: String,
    /// Log format, `text` or `json`. Default: `text`.
    pub log_format: LogFormat,
    /// Limits on single requests, and on what runs concurrently.
    pub limits: Limits,
    /// Default quotas.
    pub quotas: Quotas,
    /// Rate limits.
    pub rates: Rates,
    /// Lifetimes of what rutter issues.
    pub ttl: Ttl,
    /// Garbage collection.
    pub gc: GcConfig,
    /// Background integrity checks.
    pub scrub: ScrubConfig,
    /// Issuers of JSON Web Tokens that are accepted besides our own.
    pub issuers: Vec<Issuer>,
    /// Rules for accounts and sessions.
    pub accounts: AccountRules,
    /// Outgoing e-mail.
    pub mail: MailConfig,
    /// Signing keys, and applications that act for users (OAuth 2.1).
    pub oauth: OAuthConfig,
    /// Apps that run beside the data.
    pub apps: AppsConfig,
    /// Tables.
    pub tables: TablesConfig,
    /// External identity providers: sign-in with GitHub or OpenID Connect.
    pub sign_in: Vec<SignInProvider>,
}

/// The format of log lines.
#[derive(Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// Human-readable text.
    Text,
    /// One JSON object per line.
    Json,
}

/// Limits on single requests, and on what runs concurrently.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// Maximum number of objects in one LFS batch. Default: 1000.
    pub batch_objects: usize,
    /// Maximum size of a JSON request body, in bytes. Default: 1 MiB.
    #[serde(deserialize_with = "units::size")]
    pub json_bytes: usize,
    /// Maximum size of a commit over the API, in bytes: of its request, and of what it copies. Default: 128 MiB. It also
    /// limits requests about many files, which have at most 8 MiB.
    #[serde(deserialize_with = "units::size")]
    pub commit_bytes: usize,
    /// Maximum size of one file that such a commit stores in git, in bytes; larger ones are LFS objects.
    /// Default: 10 MiB.
    #[serde(deserialize_with = "units::size")]
    pub commit_file_bytes: usize,
    /// Maximum size of one LFS object, in bytes. Default: unlimited.
    #[serde(deserialize_with = "units::optional_size")]
    pub object_bytes: Option<u64>,
    /// Maximum size, in bytes, of an object that is hashed before its upload is confirmed, on stores without
    /// checksum support. Larger ones are accepted by their size, and verified in the background. Default: 1 GiB.
    #[serde(deserialize_with = "units::size")]
    pub verify_before_commit_max: u64,
    /// Minimum size of an object, in bytes, to be uploaded in parts, by clients that support it. Default: 64 MiB.
    #[serde(deserialize_with = "units::size")]
    pub multipart_threshold: u64,
    /// Maximum size of one pushed pack, in bytes. Default: 2 GiB.
    #[serde(deserialize_with = "units::size")]
    pub pack_bytes: u64,
    /// Maximum PostgreSQL connections of each replica. Default: 20.
    pub database_connections: u32,
    /// PostgreSQL query timeout, in seconds; after it the request fails with 503. Default: 25.
    #[serde(deserialize_with = "units::seconds")]
    pub database_seconds: u64,
    /// Maximum number of concurrent LFS uploads and downloads. Default: 256.
    pub transfers: usize,
    /// Maximum size of the cache of git packs, in bytes; packs in use can exceed it. Default: 16 GiB.
    #[serde(deserialize_with = "units::size")]
    pub cache_bytes: u64,
    /// Maximum number of git packs received concurrently, and as many sent. Default: 8.
    pub git_processes: usize,
    /// Maximum memory, in bytes, that git uses for one object: a file that is pushed as a delta, or a list of
    /// objects. The memory of a git process is limited to three times as much, plus 1.5 GiB. Default: 512 MiB.
    #[serde(deserialize_with = "units::size")]
    pub git_object_bytes: u64,
    /// Maximum number of concurrent connections, at most half of the open file limit. Default: 4096.
    pub connections: usize,
    /// Time that transfers have to finish at shutdown, in seconds. Default: 60.
    #[serde(deserialize_with = "units::seconds")]
    pub shutdown_seconds: u64,
    /// Idle timeout of uploads and downloads, in seconds: the client neither sends nor reads. A very slow client
    /// counts as idle. Default: 60.
    #[serde(deserialize_with = "units::seconds")]
    pub idle_timeout: u64,
}

/// Default quotas, for owners and datasets without one of their own (`rutter quota`): bytes of LFS objects and of git
/// packs. `None`: unlimited.
#[derive(Clone, Copy, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Quotas {
    /// Quota for all datasets of one user together, in bytes.
    #[serde(deserialize_with = "units::optional_size")]
    pub user_bytes: Option<u64>,
    /// Quota for all datasets of one organisation together, in bytes; nested organisations are counted separately.
    #[serde(deserialize_with = "units::optional_size")]
    pub organisation_bytes: Option<u64>,
    /// Quota for one dataset, in bytes.
    #[serde(deserialize_with = "units::optional_size")]
    pub dataset_bytes: Option<u64>,
}

/// Lifetimes of what rutter issues, in seconds.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Ttl {
    /// Lifetime of signed transfer URLs, in seconds. Default: 1 hour.
    #[serde(deserialize_with = "units::seconds")]
    pub action: u32,
    /// Time without activity after which an upload in parts is deleted, in seconds. Default: 3 days.
    #[serde(deserialize_with = "units::seconds")]
    pub upload: u64,
    /// Maximum lifetime of JSON Web Tokens of this server, in seconds. Default: 15 minutes.
    #[serde(deserialize_with = "units::seconds")]
    pub jwt: u64,
}

/// Garbage collection.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct GcConfig {
    /// True if the server collects garbage once a day; `rutter gc` does it manually. Default: true.
    pub enabled: bool,
    /// Grace period before unused objects, replaced packs and unfinished uploads are deleted, in seconds.
    /// Default: 7 days.
    #[serde(deserialize_with = "units::seconds")]
    pub grace: u64,
}

/// Background integrity checks (scrubbing).
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ScrubConfig {
    /// Days in which the server reads and verifies everything in its stores once; 0: never. `rutter fsck` does it
    /// manually. Default: 30.
    #[serde(deserialize_with = "units::days")]
    pub interval_days: u32,
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
            renamed: Vec::new(),
            git: PathBuf::from("git"),
            log: "info".into(),
            log_format: LogFormat::Text,
            limits: Limits::default(),
            quotas: Quotas::default(),
            rates: Rates::default(),
            ttl: Ttl::default(),
            gc: GcConfig::default(),
            scrub: ScrubConfig::default(),
            issuers: Vec::new(),
            accounts: AccountRules::default(),
            mail: MailConfig::default(),
            oauth: OAuthConfig::default(),
            apps: AppsConfig::default(),
            tables: TablesConfig::default(),
            sign_in: Vec::new(),
        }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            batch_objects: 1000,
            json_bytes: 1 << 20,
            commit_bytes: 128 << 20,
            commit_file_bytes: 10 << 20,
            object_bytes: None,
            verify_before_commit_max: 1 << 30,
            multipart_threshold: 64 << 20,
            pack_bytes: 2 << 30,
            database_connections: 20,
            database_seconds: 25,
            transfers: 256,
            cache_bytes: 16 << 30,
            git_processes: 8,
            git_object_bytes: 512 << 20,
            connections: 4096,
            shutdown_seconds: 60,
            idle_timeout: 60,
        }
    }
}

impl Default for Ttl {
    fn default() -> Self {
        Self { action: 3600, upload: 3 * 24 * 3600, jwt: 900 }
    }
}

impl Default for GcConfig {
    fn default() -> Self {
        Self { enabled: true, grace: 7 * 24 * 3600 }
    }
}

impl Default for ScrubConfig {
    fn default() -> Self {
        Self { interval_days: 30 }
    }
}

/// Options of the command line; they override file and environment.
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
    /// Reads file and environment, and applies the command line.
    ///
    /// # Errors
    /// Invalid for a file that cannot be read, an unknown key, a key that is also set under its old name, or a value
    /// out of bounds; the message names the key.
    pub fn load(overrides: Overrides) -> Result<Self> {
        let (mut figment, mut renames) = (Figment::new(), Renames::default());
        if let Some(file) = &overrides.file {
            if !file.is_file() {
                return Err(Error::invalid(format!("the configuration file {} does not exist", file.display())));
            }
            figment = figment.merge(renames.apply(&Toml::file_exact(file)));
        }
        let variables = Env::raw().lowercase(false);
        let variables: Vec<_> = variables.iter().map(|(name, value)| (name.into_string(), value)).collect();
        let service_links = service_links::service_links(&variables);
        // `RUTTER_CONFIG` is the path of the file, `RUTTER_TEST_*` are for test runs, and the others for clients of the API.
        let links = service_links.clone();
        let is_ours = move |key: &UncasedStr| {
            let is_other = key == "config" || key == "server" || key == "token" || key.starts_with("test_");
            !is_other && !links.iter().any(|link| key == link["RUTTER_".len()..])
        };
        let environment = Env::prefixed("RUTTER_").filter(is_ours).split("__");
        figment = figment.merge(renames.apply(&environment));
        let old_keys = renames.used()?;
        let mut config: Self = figment.extract().map_err(|error| Error::invalid(format!("configuration: {error}")))?;
        config.service_links = service_links;
        config.renamed = old_keys;
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
        let Limits { batch_objects, json_bytes, pack_bytes, transfers, git_processes, idle_timeout, .. } = self.limits;
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
            ("limits.idle_timeout", idle_timeout, 1),
            ("ttl.action", u64::from(self.ttl.action), 60),
            ("ttl.upload", self.ttl.upload, 3600),
            ("ttl.jwt", self.ttl.jwt, 1),
            // A push that takes longer than the grace period to be recorded is refused.
            ("gc.grace", self.gc.grace, 3600),
        ];
        if let Some((key, value, least)) = at_least.into_iter().find(|(_, value, least)| value < least) {
            return Err(Error::invalid(format!("{key} is {value}, but must be at least {least}")));
        }
        let at_most = [
            // Temporary files that are idle for longer are deleted as abandoned.
            ("limits.idle_timeout", idle_timeout, 3600),
            ("limits.database_seconds", self.limits.database_seconds, 3600),
            ("ttl.action", u64::from(self.ttl.action), 7 * 86_400),
        ];
        if let Some((key, value, most)) = at_most.into_iter().find(|(_, value, most)| value > most) {
            return Err(Error::invalid(format!("{key} is {value}, but must be at most {most}")));
        }
        self.rates.check()?;
        self.accounts.check()?;
        self.mail.check()?;
        self.oauth.check()?;
        self.apps.check(self.public_url.as_deref())?;
        self.tables.check()?;
        sign_in::check(&self.sign_in, self.public_url.as_deref(), self.accounts.passwords)?;
        self.store_options()?;
        // Tokens of the OAuth provider name this URL as their issuer.
        let own = self.link_base();
        self.issuers.iter().try_for_each(|issuer| issuer.check(&own))
    }

    /// Returns the URL of the database.
    pub fn database_url(&self) -> Secret {
        self.database_url
            .clone()
            .unwrap_or_else(|| Secret::new(format!("sqlite://{}", self.data.join("rutter.db").display())))
    }

    /// Returns the base URL of links in e-mails: `public_url`, or the address that the server listens on.
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

    /// Returns the folder for e-mails that are not sent by SMTP.
    pub fn mail_folder(&self) -> PathBuf {
        self.mail.folder.clone().unwrap_or_else(|| self.data.join("mail"))
    }

    /// Returns the cache folder.
    pub fn cache(&self) -> PathBuf {
        self.cache.clone().unwrap_or_else(|| self.data.join("cache"))
    }

    /// Returns the path of the generated secret.
    pub fn secret_file(&self) -> PathBuf {
        self.data.join("secret")
    }

    /// Returns the time in which everything in the stores is verified once; `None` for never.
    pub fn scrub_round(&self) -> Option<Duration> {
        let days = u64::from(self.scrub.interval_days);
        (days > 0).then(|| Duration::from_secs(days * 24 * 3600))
    }

    /// Returns the grace period of garbage collection.
    pub fn grace(&self) -> Duration {
        Duration::from_secs(self.gc.grace)
    }
}

mod accounts;
mod apps;
mod issuers;
mod oauth;
mod origin;
mod rates;
mod renamed;
mod service_links;
mod sign_in;
mod stores;
mod tables;
mod units;

pub use accounts::{AccountRules, MailConfig, Makers, SecondFactor, SignUp, Suggest};
pub use apps::{AppBackend, AppsConfig, DockerConfig, KubernetesConfig, MaxEgress};
pub(crate) use issuers::is_safe as is_safe_url;
pub use issuers::{Issuer, OUR_ISSUER};
pub use oauth::{OAuthConfig, Registration};
pub use origin::Origin;
pub use rates::Rates;
pub use renamed::RenamedKey;
pub use sign_in::{ProviderKind, SignInProvider};
pub use stores::{DEFAULT_STORE, PackPolicy, StoreConfig, StoreOptions, StorePlace};
pub use tables::TablesConfig;
pub use units::duration;

/// Creates a folder that only the current user can access.
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
