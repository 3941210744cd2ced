//! The container engine that runs apps: everything that rutter needs of one. A new engine is one implementation.
//!
//! The database says what is wanted; an engine is asked to make it so, as often as needed. Containers are replaceable:
//! one that does not belong to a run which the database knows is removed.

use std::fmt;
use std::str::FromStr;

use async_trait::async_trait;
use bytes::Bytes;
use futures::stream::BoxStream;

use crate::error::{Error, Result};
use crate::types::{Id, Secret};

/// The maximum length of the log that is kept of a run that has ended, in bytes.
pub const LAST_LOG_BYTES: usize = 64 << 10;

/// The maximum length of an image reference, in bytes.
const MAX_IMAGE_BYTES: usize = 400;

/// Runs containers. Implementations touch only objects with the label of this site.
#[async_trait]
pub trait Backend: Send + Sync {
    /// Returns false if the engine cannot pause a container: it is stopped instead.
    fn can_pause(&self) -> bool;

    /// Looks up an image in its registry, without downloading it.
    ///
    /// # Errors
    /// Not found if the registry has no such image; unavailable if the engine or the registry does not answer.
    async fn resolve(&self, image: &ImageRef) -> Result<PinnedImage>;

    /// Takes the next steps to what the plan wants, and returns what there is then. Returns soon: a download goes on in
    /// the background. Idempotent, also if two servers call it at the same time: there is never a second container. Leaves
    /// a container of a later run alone, and replaces one of an earlier run.
    ///
    /// # Errors
    /// Unavailable if the engine does not answer. What is wrong with the app itself is a [`Phase::Failed`].
    async fn apply(&self, plan: &Plan) -> Result<Observed>;

    /// Returns all objects of this site, with one call, or few calls, of the engine.
    async fn observe(&self) -> Result<Vec<Observed>>;

    /// Removes the container and everything else of an install, but no volume. Succeeds if there is nothing.
    async fn remove(&self, install: Id) -> Result<()>;

    /// Returns the log of the current run, as text.
    ///
    /// # Errors
    /// Not found if there is no container.
    async fn logs(&self, install: Id, query: LogQuery) -> Result<LogStream>;

    /// Deletes a volume of this site. Succeeds if there is none.
    ///
    /// # Errors
    /// Conflict while a container uses it.
    async fn remove_volume(&self, name: &str) -> Result<()>;
}

/// The output of a container, in the order in which it was written.
pub type LogStream = BoxStream<'static, Result<Bytes>>;

/// Which part of a log to return.
#[derive(Debug, Clone, Copy)]
pub struct LogQuery {
    /// The number of lines at the end.
    pub tail: u32,
    /// True to go on with new lines until the container ends.
    pub follow: bool,
}

/// What to run.
#[derive(Clone)]
pub struct Plan {
    /// The install. Objects are named by it.
    pub install: Id,
    /// The number of the run. Each start from nothing is a new run with a new container; pausing does not change it.
    pub run: i64,
    /// What there should be.
    pub wanted: Target,
    /// The image with its digest: `repository@sha256:…`.
    pub image: String,
    /// The digest of the image's configuration, once it is known. Another one is [`Phase::Failed`].
    pub image_id: Option<String>,
    /// The port that the app listens on.
    pub port: u16,
    /// Environment variables.
    pub environment: Vec<(String, Secret)>,
    /// Storage that is kept across runs.
    pub volume: Option<VolumeMount>,
    /// What the container can reach.
    pub egress: Egress,
    /// What the container can use.
    pub limits: RunLimits,
    /// The user id of its processes; never 0.
    pub user: u32,
    /// True if the root file system can be written to; otherwise only `/tmp` and the volume.
    pub writable: bool,
}

/// What there should be of a container.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Target {
    /// It runs.
    Running,
    /// It is paused; stopped if the engine cannot pause, or if there is none.
    Paused,
    /// There is no container.
    Stopped,
}

/// A volume, and where the container finds it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VolumeMount {
    /// The name of the volume at the engine; it gets the label of the site.
    pub name: String,
    /// The path in the container.
    pub path: String,
    /// The size to ask for, in megabytes, if the engine has sizes.
    pub size_mb: u32,
}

/// What a container can reach.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Egress {
    /// Nothing.
    None,
    /// This server.
    Server,
    /// This server and the internet, without private networks where the engine can tell them apart.
    Internet,
}

/// What a container can use at most.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RunLimits {
    /// Memory, in megabytes; there is no swap beyond it.
    pub memory_mb: u32,
    /// CPU time, in thousandths of a core.
    pub cpu_millis: u32,
    /// Processes and threads.
    pub pids: u32,
}

/// What there is of an install.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Observed {
    /// The install.
    pub install: Id,
    /// The run; 0 if there is no container.
    pub run: i64,
    /// In which state the container is.
    pub phase: Phase,
    /// `host:port` where this server reaches the app, while it runs or is paused.
    pub endpoint: Option<String>,
    /// The digest of the image's configuration, if it is known.
    pub image_id: Option<String>,
    /// Why it is in this state, for its owner; may be empty.
    pub reason: String,
    /// The end of the log of a run that has ended since, at most [`LAST_LOG_BYTES`].
    pub last_log: Option<String>,
}

/// The state of a container.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// It does not exist.
    Absent,
    /// Its image is being downloaded, or it is being created.
    Pending,
    /// Its process runs.
    Running,
    /// It is paused.
    Paused,
    /// Its process has ended.
    Exited,
    /// It cannot be run; trying again does not help.
    Failed,
}

/// An image in its registry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PinnedImage {
    /// `sha256:…` of the manifest, or of the index of manifests for several platforms.
    pub digest: String,
}

/// A reference to an image: `[HOST[:PORT]/]PATH[:TAG][@sha256:DIGEST]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImageRef {
    name: String,
    tag: Option<String>,
    digest: Option<String>,
}

impl ImageRef {
    /// Returns the reference without tag and digest.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns the digest, if it has one.
    pub fn digest(&self) -> Option<&str> {
        self.digest.as_deref()
    }

    /// Returns the reference with this digest in place of its tag: `repository@sha256:…`.
    pub fn pinned(&self, digest: &str) -> String {
        format!("{}@{digest}", self.name)
    }
}

impl fmt::Display for ImageRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)?;
        if let Some(tag) = &self.tag {
            write!(f, ":{tag}")?;
        }
        self.digest.iter().try_for_each(|digest| write!(f, "@{digest}"))
    }
}

impl FromStr for ImageRef {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let invalid = || {
            let text: String = text.chars().take(100).collect();
            Error::invalid(format!(
                "`{}` is not an image: use a name such as registry.example.org/notes:1.4 or …/notes@sha256:…",
                text.escape_debug()
            ))
        };
        if text.len() > MAX_IMAGE_BYTES {
            return Err(invalid());
        }
        let (rest, digest) = match text.split_once('@') {
            Some((rest, digest)) if is_digest(digest) => (rest, Some(digest.to_owned())),
            Some(_) => return Err(invalid()),
            None => (text, None),
        };
        // A colon before the last slash belongs to the port of the registry.
        let (name, tag) = match rest.rsplit_once(':') {
            Some((name, tag)) if !tag.contains('/') => (name, Some(tag.to_owned())),
            _ => (rest, None),
        };
        let is_tag = |tag: &String| {
            (1..=128).contains(&tag.len())
                && tag.bytes().all(|b| b.is_ascii_alphanumeric() || b"_.-".contains(&b))
                && !tag.starts_with(['.', '-'])
        };
        let mut parts = name.split('/').enumerate();
        let is_part = |(at, part): (usize, &str)| {
            let is_host = at == 0 && name.contains('/');
            !part.is_empty()
                && part.bytes().all(|b| {
                    b.is_ascii_lowercase() || b.is_ascii_digit() || b"_.-".contains(&b) || (is_host && b == b':')
                })
                && part.starts_with(|c: char| c.is_ascii_alphanumeric())
                && part.ends_with(|c: char| c.is_ascii_alphanumeric())
        };
        if !parts.all(is_part) || !tag.iter().all(is_tag) {
            return Err(invalid());
        }
        Ok(Self { name: name.to_owned(), tag, digest })
    }
}

/// Returns true for `sha256:` and 64 hexadecimal digits.
pub fn is_digest(text: &str) -> bool {
    text.strip_prefix("sha256:")
        .is_some_and(|hex| hex.len() == 64 && hex.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn image_references_are_parsed() {
        let digest = format!("sha256:{}", "0a".repeat(32));
        for (text, name, pinned) in [
            ("notes", "notes", false),
            ("127.0.0.1:5000/team/notes:1.4", "127.0.0.1:5000/team/notes", false),
            ("localhost:5000/notes", "localhost:5000/notes", false),
            (&*format!("registry.example/notes@{digest}"), "registry.example/notes", true),
            (&*format!("registry.example/a/b_c:v1@{digest}"), "registry.example/a/b_c", true),
        ] {
            let image: ImageRef = text.parse().unwrap();
            assert_eq!((image.name(), image.digest().is_some(), image.to_string().as_str()), (name, pinned, text));
            assert_eq!(image.pinned(&digest), format!("{name}@{digest}"));
        }
        for text in
            ["", "/", "a/", "A", "a:", "a:-x", "a b", "a@sha256:12", "a@b", "../x", "a//b", "a\n", "-a", "a:b/c"]
        {
            let parsed = text.parse::<ImageRef>();
            assert!(parsed.is_err() || text == "a:b/c", "{text}");
        }
        assert!("x".repeat(401).parse::<ImageRef>().is_err());
    }
}
