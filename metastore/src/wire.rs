//! The git smart HTTP protocol (gitprotocol-http(5), gitprotocol-v2(5), gitprotocol-pack(5)): upload-pack and
//! receive-pack on snapshots.
//!
//! Frequent, cheap requests are answered in process from the [`State`](crate::State) alone: [`advertise()`]
//! and the `ls-refs` command. Packs are built by `git upload-pack` and checked by `git index-pack`, each a
//! child process that is killed when its request is dropped.
//!
//! A push has four steps, which the caller connects:
//! 1. [`Push::read`] reads the commands, and [`read_ahead()`] the rest, so that a slow client does not block others;
//! 2. [`receive()`] takes the pack into a [`Quarantine`] and checks that it is connected;
//! 3. [`Quarantine::check_ref_edits`] and the caller's own rules decide which commands are accepted, and
//!    [`Quarantine::into_transaction`] turns those into the edits of one database transaction;
//! 4. a [`Report`] informs the client, framed and kept alive by [`respond`].

mod advertise;
mod fetch;
pub mod pktline;
mod push;
mod receive;
mod report;

pub use advertise::{advertise, advertise_empty};
pub use fetch::upload_pack;
pub use push::{Capabilities, Command, Push, PushHead, ReportStatus};
pub use receive::{Quarantine, ReceiveLimits, receive};
pub use report::{Outcome, Progress, Report, respond};

pub use crate::spool::{drain, read_ahead};

/// The `agent` capability of this server.
const AGENT: &str = concat!("agent=rutter/", env!("CARGO_PKG_VERSION"));

/// A service of the smart HTTP protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Service {
    /// `git-upload-pack`: fetch and clone.
    UploadPack,
    /// `git-receive-pack`: push.
    ReceivePack,
}

impl Service {
    /// Parses the service in `?service=` or the last path segment, such as `git-upload-pack`.
    pub fn from_name(name: &str) -> Option<Self> {
        match name {
            "git-upload-pack" => Some(Self::UploadPack),
            "git-receive-pack" => Some(Self::ReceivePack),
            _ => None,
        }
    }

    /// Returns the name used in URLs and media types.
    pub fn name(self) -> &'static str {
        match self {
            Self::UploadPack => "git-upload-pack",
            Self::ReceivePack => "git-receive-pack",
        }
    }
}

/// Version of the git protocol.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Protocol {
    /// Version 0, the original protocol.
    #[default]
    V0,
    /// Version 1: version 0 with a leading version line.
    V1,
    /// Version 2: commands instead of an advertisement of every ref.
    V2,
}

impl Protocol {
    /// Parses the `Git-Protocol` header: the highest known version among its colon-separated keys. Anything
    /// else, such as a missing header, means v0. The text of the header is never passed on.
    pub fn from_header(header: Option<&str>) -> Self {
        let keys = header.unwrap_or_default().split(':');
        let known = keys.filter_map(|key| match key {
            "version=1" => Some(Self::V1),
            "version=2" => Some(Self::V2),
            _ => None,
        });
        known.max().unwrap_or_default()
    }

    /// Returns the value of `GIT_PROTOCOL` for a git process.
    fn environment(self) -> &'static str {
        match self {
            Self::V0 => "version=0",
            Self::V1 => "version=1",
            Self::V2 => "version=2",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_known_versions_pass() {
        for (header, expected) in [
            (None, Protocol::V0),
            (Some(""), Protocol::V0),
            (Some("version=0"), Protocol::V0),
            (Some("version=1"), Protocol::V1),
            (Some("version=2"), Protocol::V2),
            (Some("version=1:version=2"), Protocol::V2),
            (Some("side=left:version=2"), Protocol::V2),
            (Some("version=3"), Protocol::V0),
            (Some("version=2 "), Protocol::V0),
            (Some("version=2;rm -rf /"), Protocol::V0),
            (Some("Version=2"), Protocol::V0),
        ] {
            assert_eq!(Protocol::from_header(header), expected, "{header:?}");
        }
    }

    #[test]
    fn services_go_by_their_names() {
        for service in [Service::UploadPack, Service::ReceivePack] {
            assert_eq!(Service::from_name(service.name()), Some(service));
        }
        assert_eq!(Service::from_name("upload-pack"), None);
        assert_eq!(Service::from_name("git-upload-archive"), None);
    }
}
