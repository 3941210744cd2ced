//! Manifests: what an app is, and what it needs. Written in TOML; unknown keys are refused.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::backend::{Egress, ImageRef, RunLimits};
use crate::access::app_tokens::AppScopes;
use crate::config::{AppsConfig, MaxEgress, Origin};
use crate::error::{Error, Result};
use crate::types::{Slug, Visibility};

/// Maximum length of a manifest, in bytes.
pub const MAX_MANIFEST_BYTES: usize = 32 << 10;
/// Maximum number of entries in a list or table.
const MAX_ENTRIES: usize = 50;
/// Maximum length of a text, in bytes.
const MAX_TEXT_BYTES: usize = 2000;
/// The smallest size of memory in which a program starts, in megabytes.
const MIN_MEMORY_MB: u32 = 8;

/// What an app is.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// Name in the catalogue.
    pub name: String,
    /// Name for people.
    pub title: String,
    /// What it does, in a sentence.
    #[serde(default)]
    pub summary: String,
    /// What runs it.
    #[serde(default)]
    pub kind: Kind,
    /// The image of a container.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image: Option<String>,
    /// The URL of a server that exists.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub upstream: Option<String>,
    /// The URL of an application outside.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// The port that the container listens on.
    #[serde(default = "default_port")]
    pub port: u16,
    /// What happens to the path prefix of an app without a host name of its own.
    #[serde(default)]
    pub prefix: Prefix,
    /// Path that answers below 500 when the app is ready.
    #[serde(default = "default_health")]
    pub health: String,
    /// Seconds after which a start has failed.
    #[serde(default = "default_start_seconds")]
    pub start_seconds: u32,
    /// Path in the container of storage that is kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub volume: Option<String>,
    /// Size to ask for, in megabytes, where volumes have sizes.
    #[serde(default = "default_volume_mb")]
    pub volume_mb: u32,
    /// What the container can reach.
    #[serde(default = "default_egress")]
    pub egress: Egress,
    /// Names of the environment variables that it gets.
    #[serde(default)]
    pub profile: Profile,
    /// OAuth scopes, separated by spaces.
    #[serde(default = "default_scopes")]
    pub scopes: String,
    /// Paths of its redirect URLs.
    #[serde(default)]
    pub redirects: Vec<String>,
    /// File types that it opens: extensions such as `.csv`, or media types.
    #[serde(default)]
    pub opens: Vec<String>,
    /// Path that opens a file; `{dataset}`, `{path}` and `{revision}` are replaced.
    #[serde(default = "default_open_path")]
    pub open_path: String,
    /// The widest visibility that an owner can choose.
    #[serde(default = "default_widest")]
    pub widest: Visibility,
    /// True to send the name of the user with each request, as `X-Rutter-User`.
    #[serde(default)]
    pub identity: bool,
    /// What it needs at most.
    #[serde(default)]
    pub limits: ManifestLimits,
    /// User id of its processes.
    #[serde(default = "default_user")]
    pub user: u32,
    /// True if it writes to its root file system.
    #[serde(default)]
    pub writable: bool,
    /// Environment variables.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub environment: BTreeMap<String, String>,
}

/// What runs an app.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// A container.
    #[default]
    Container,
    /// A server that exists. Only administrators can install it.
    Service,
    /// An application outside: a link, and a client of the OAuth provider.
    External,
}

/// What happens to the path prefix.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Prefix {
    /// It is removed.
    #[default]
    Strip,
    /// It is kept: the app serves below `RUTTER_BASE_PATH`.
    Keep,
}

/// Names of environment variables.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Profile {
    /// `RUTTER_*` only.
    #[default]
    Rutter,
    /// Those of Columbus, too.
    Columbus,
    /// Those of Hugging Face Spaces, too.
    Space,
}

/// What an app needs at most. Less is not possible; more than the site allows is reduced.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct ManifestLimits {
    /// Memory, in megabytes.
    pub memory_mb: u32,
    /// CPU time, in cores.
    pub cpus: f64,
    /// Processes and threads.
    pub pids: u32,
}

impl Default for ManifestLimits {
    fn default() -> Self {
        Self { memory_mb: 512, cpus: 0.5, pids: 128 }
    }
}

fn default_port() -> u16 {
    8000
}

fn default_health() -> String {
    "/".into()
}

fn default_start_seconds() -> u32 {
    60
}

fn default_volume_mb() -> u32 {
    1024
}

fn default_egress() -> Egress {
    Egress::Server
}

fn default_scopes() -> String {
    "openid profile files".into()
}

fn default_open_path() -> String {
    "/open?dataset={dataset}&path={path}&revision={revision}".into()
}

fn default_widest() -> Visibility {
    Visibility::Private
}

fn default_user() -> u32 {
    10_001
}

impl Manifest {
    /// Reads a manifest.
    ///
    /// # Errors
    /// Invalid for TOML that cannot be parsed, an unknown key or a value out of bounds; the message names the key.
    pub fn parse(text: &str) -> Result<Self> {
        if text.len() > MAX_MANIFEST_BYTES {
            return Err(Error::invalid(format!("a manifest can have at most {MAX_MANIFEST_BYTES} bytes")));
        }
        let manifest: Self =
            toml::from_str(text).map_err(|error| Error::invalid(format!("manifest: {}", error.message())))?;
        manifest.check()?;
        Ok(manifest)
    }

    /// Returns the manifest of an image that is installed without an entry of the catalogue: with the defaults of
    /// Columbus.
    pub fn of_image(image: &ImageRef) -> Self {
        let title = image.name().rsplit('/').next().unwrap_or_default().to_owned();
        Self {
            name: String::new(),
            title,
            summary: String::new(),
            kind: Kind::Container,
            image: Some(image.to_string()),
            upstream: None,
            url: None,
            port: default_port(),
            prefix: Prefix::Strip,
            health: default_health(),
            start_seconds: default_start_seconds(),
            volume: Some("/storage".into()),
            volume_mb: default_volume_mb(),
            egress: Egress::Server,
            profile: Profile::Columbus,
            scopes: default_scopes(),
            redirects: vec!["/oauth/callback".into(), "/".into()],
            opens: Vec::new(),
            open_path: default_open_path(),
            widest: Visibility::Internal,
            identity: false,
            limits: ManifestLimits::default(),
            user: default_user(),
            writable: false,
            environment: BTreeMap::new(),
        }
    }

    fn check(&self) -> Result<()> {
        let refuse = |key: &str, why: &str| Err(Error::invalid(format!("manifest: `{key}` {why}")));
        if self.name.parse::<Slug>().is_err() || self.name.len() > 40 {
            return refuse("name", "must have 1 to 40 letters, digits, `-` or `_`");
        }
        for (key, text) in [("title", &self.title), ("summary", &self.summary)] {
            if text.len() > MAX_TEXT_BYTES || text.chars().any(char::is_control) {
                return refuse(key, "must be a line of at most 2000 bytes");
            }
        }
        if self.title.trim().is_empty() {
            return refuse("title", "must not be empty");
        }
        match self.kind {
            Kind::Container => {
                let Some(image) = &self.image else { return refuse("image", "is missing: a container needs one") };
                image.parse::<ImageRef>().map_err(|error| error.of_part("image"))?;
            }
            Kind::Service => {
                let upstream = self.upstream.as_deref().and_then(|url| url.parse::<Origin>().ok());
                if upstream.is_none_or(|upstream| upstream.is_secure()) {
                    return refuse("upstream", "must be the origin of a server, such as http://127.0.0.1:9000");
                }
            }
            Kind::External => {
                if self.url.as_deref().and_then(Origin::of).is_none() {
                    return refuse("url", "must be the URL of the application, such as https://superset.example.org");
                }
            }
        }
        if (self.kind != Kind::Container && (self.image.is_some() || self.volume.is_some()))
            || (self.kind != Kind::Service && self.upstream.is_some())
            || (self.kind != Kind::External && self.url.is_some())
        {
            return refuse(
                "kind",
                "does not fit: use image and volume for a container, upstream for a service, url for external",
            );
        }
        self.check_run()?;
        self.check_paths()?;
        let _: AppScopes = self.scopes.parse().map_err(|error: Error| error.of_part("scopes"))?;
        Ok(())
    }

    fn check_run(&self) -> Result<()> {
        let refuse = |key: &str, why: &str| Err(Error::invalid(format!("manifest: `{key}` {why}")));
        if self.port == 0 {
            return refuse("port", "must not be 0");
        }
        if !(1..=3600).contains(&self.start_seconds) {
            return refuse("start_seconds", "must be between 1 and 3600");
        }
        if !(1..=4 << 20).contains(&self.volume_mb) {
            return refuse("volume_mb", "must be between 1 and 4194304");
        }
        if self.user == 0 || self.user > 1 << 30 {
            return refuse("user", "must be a user id above 0: apps do not run as root");
        }
        let ManifestLimits { memory_mb, cpus, pids } = self.limits;
        if memory_mb < MIN_MEMORY_MB || !(0.01..=1024.0).contains(&cpus) || pids < 1 {
            return refuse("limits", "needs memory_mb of 8 or more, cpus of 0.01 or more, and pids of 1 or more");
        }
        if self.environment.len() > MAX_ENTRIES {
            return refuse("environment", "can have at most 50 variables");
        }
        for (name, value) in &self.environment {
            let is_name = !name.is_empty()
                && !name.starts_with(|c: char| c.is_ascii_digit())
                && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
            if !is_name || name.len() > 100 || value.len() > MAX_TEXT_BYTES || value.contains('\0') {
                return refuse("environment", "has an invalid name, or a value of more than 2000 bytes");
            }
            let is_ours = ["RUTTER_", "COLUMBUS_", "OAUTH_"].iter().any(|prefix| name.starts_with(prefix));
            if is_ours || ["PORT", "OPENID_PROVIDER_URL", "SPACE_ID", "SPACE_HOST"].contains(&name.as_str()) {
                return refuse("environment", "must not set variables that rutter sets");
            }
        }
        Ok(())
    }

    fn check_paths(&self) -> Result<()> {
        let refuse = |key: &str, why: &str| Err(Error::invalid(format!("manifest: `{key}` {why}")));
        let is_path = |path: &str| {
            path.starts_with('/')
                && !path.starts_with("//")
                && path.len() <= 500
                && !path.contains("..")
                && path.bytes().all(|b| b.is_ascii_graphic() && !b"\"<>\\^`|#".contains(&b))
        };
        if let Some(volume) = &self.volume {
            let is_system = ["/", "/proc", "/sys", "/dev", "/etc", "/bin", "/sbin", "/lib", "/usr", "/tmp"]
                .iter()
                .any(|path| volume.trim_end_matches('/') == path.trim_end_matches('/'));
            let is_below = ["/proc/", "/sys/", "/dev/"].iter().any(|path| volume.starts_with(path));
            if !is_path(volume) || volume.contains(['{', '}', ':', ',', '?', '%']) || is_system || is_below {
                return refuse("volume", "must be an absolute path of its own, such as /storage");
            }
        }
        if !is_path(&self.health) || self.health.contains(['{', '}']) {
            return refuse("health", "must be a path such as /healthz");
        }
        if !is_path(&self.open_path) {
            return refuse("open_path", "must be a path such as /open?path={path}");
        }
        let are_redirects = |path: &String| is_path(path) && !path.contains(['{', '}']);
        if self.redirects.len() > 10 || !self.redirects.iter().all(are_redirects) {
            return refuse("redirects", "must be at most 10 paths such as /oauth/callback");
        }
        let is_type = |text: &String| {
            (2..=100).contains(&text.len())
                && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"._+-/".contains(&b))
                && (text.starts_with('.') || text.contains('/'))
        };
        if self.opens.len() > MAX_ENTRIES || !self.opens.iter().all(is_type) {
            return refuse("opens", "must be at most 50 extensions such as .csv, or media types");
        }
        Ok(())
    }

    /// Returns what a container can use: what the manifest says, but at most what the site allows.
    pub fn run_limits(&self, site: &AppsConfig) -> RunLimits {
        let cpus = self.limits.cpus.min(site.cpus);
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0.01 to 1024 cores")]
        let cpu_millis = (cpus * 1000.0).round() as u32;
        RunLimits {
            memory_mb: self.limits.memory_mb.min(site.memory_mb),
            cpu_millis,
            pids: self.limits.pids.min(site.pids),
        }
    }

    /// Returns what a container can reach: what the manifest says, but at most what the site allows.
    pub fn allowed_egress(&self, site: &AppsConfig) -> Egress {
        match (self.egress, site.egress) {
            (Egress::None, _) | (_, MaxEgress::None) => Egress::None,
            (Egress::Server, _) | (_, MaxEgress::Server) => Egress::Server,
            (Egress::Internet, MaxEgress::Internet) => Egress::Internet,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOTES: &str = r#"
        name = "notes"
        title = "Notes"
        image = "registry.example/notes:1.4"
        volume = "/storage"
        health = "/healthz"
        opens = [".csv", "text/csv"]
        widest = "internal"
        limits = { memory_mb = 4096, cpus = 2.0, pids = 64 }
        [environment]
        GREETING = "hello"
    "#;

    #[test]
    fn a_manifest_has_defaults_and_the_limits_of_the_site() {
        let manifest = Manifest::parse(NOTES).unwrap();
        assert_eq!((manifest.kind, manifest.port, manifest.user), (Kind::Container, 8000, 10_001));
        let site = AppsConfig::default();
        let limits = manifest.run_limits(&site);
        assert_eq!((limits.memory_mb, limits.cpu_millis, limits.pids), (1024, 1000, 64));
        assert_eq!(manifest.allowed_egress(&site), Egress::Server);
        let none = AppsConfig { egress: MaxEgress::None, ..AppsConfig::default() };
        assert_eq!(manifest.allowed_egress(&none), Egress::None);
        // It is stored as JSON.
        let stored = serde_json::to_string(&manifest).unwrap();
        assert_eq!(serde_json::from_str::<Manifest>(&stored).unwrap(), manifest);
    }

    #[test]
    fn bad_manifests_are_refused_by_key() {
        for (line, key) in [
            ("naem = \"x\"", "naem"),
            ("user = 0", "user"),
            ("port = 0", "port"),
            ("volume = \"/etc\"", "volume"),
            ("volume = \"/a/../etc\"", "volume"),
            ("volume = \"relative\"", "volume"),
            ("volume = \"/a:/b\"", "volume"),
            ("health = \"healthz\"", "health"),
            ("redirects = [\"https://elsewhere\"]", "redirects"),
            ("redirects = [\"//elsewhere\"]", "redirects"),
            ("scopes = \"own\"", "own"),
            ("upstream = \"http://127.0.0.1\"", "kind"),
            ("limits = { memory_mb = 1 }", "limits"),
            ("[environment]\nRUTTER_SECRET = \"x\"", "environment"),
            ("[environment]\n\"A B\" = \"x\"", "environment"),
        ] {
            let text = format!("name = \"x\"\ntitle = \"X\"\nimage = \"x\"\n{line}");
            let error = Manifest::parse(&text).unwrap_err();
            assert!(error.detail().contains(key), "{line}: {}", error.detail());
        }
        for text in [
            "name = \"x\"\ntitle = \"X\"",
            "name = \"a b\"\ntitle = \"X\"\nimage = \"x\"",
            "name = \"x\"\ntitle = \" \"\nimage = \"x\"",
            "name = \"x\"\ntitle = \"X\"\nkind = \"service\"",
            "name = \"x\"\ntitle = \"X\"\nkind = \"service\"\nupstream = \"http://a/b\"",
            "name = \"x\"\ntitle = \"X\"\nkind = \"external\"\nurl = \"javascript:alert(1)\"",
        ] {
            assert!(Manifest::parse(text).is_err(), "{text}");
        }
        assert!(Manifest::parse(&"#".repeat(MAX_MANIFEST_BYTES + 1)).is_err());
    }
}
