//! The git smart HTTP protocol, on snapshots (gitprotocol-http(5), gitprotocol-v2(5), gitprotocol-pack(5)).
//!
//! What is asked often and costs little is answered here, from the [`State`](crate::State) alone:
//! [`advertise()`] and the `ls-refs` command. Packs are made by `git upload-pack` and checked by
//! `git index-pack`, each a child process that dies with the request it serves.
//!
//! A push goes through four steps, and the caller decides between them:
//! 1. [`Push::read`] reads the commands, and [`read_ahead()`] what follows, so that nobody waits for a slow client;
//! 2. [`receive()`] takes the pack into a [`Quarantine`] and proves it complete;
//! 3. [`Quarantine::verdicts`] and the caller's own rules say which commands may land, and
//!    [`Quarantine::into_landing`] turns those into one database transaction's worth of edits;
//! 4. a [`Report`] tells the client, framed and kept alive by [`respond`].

mod advertise;
mod fetch;
pub mod pktline;
mod push;
mod receive;
mod report;

pub use advertise::{advertise, advertise_empty};
pub use fetch::upload_pack;
pub use push::{Capabilities, Command, Push, PushHead, ReportStatus};
pub use receive::{Quarantine, ReceiveLimits, drain, receive};
pub use report::{Outcome, Progress, Report, respond};

pub use crate::spool::read_ahead;

/// How rutter names itself on the wire.
const AGENT: &str = concat!("agent=rutter/", env!("CARGO_PKG_VERSION"));

/// The two services of smart HTTP.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Service {
    /// Fetching.
    UploadPack,
    /// Pushing.
    ReceivePack,
}

impl Service {
    /// The service of `?service=` or of the last path segment, e.g. `git-upload-pack`.
    pub fn from_name(name: &str) -> Option<Self> {
        match name {
            "git-upload-pack" => Some(Self::UploadPack),
            "git-receive-pack" => Some(Self::ReceivePack),
            _ => None,
        }
    }

    /// The name in URLs and media types.
    pub fn name(self) -> &'static str {
        match self {
            Self::UploadPack => "git-upload-pack",
            Self::ReceivePack => "git-receive-pack",
        }
    }
}

/// The version of the protocol that a client speaks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Protocol {
    /// The original.
    #[default]
    V0,
    /// The original with a version line.
    V1,
    /// Commands instead of an advertisement of every ref.
    V2,
}

impl Protocol {
    /// Reads the `Git-Protocol` header: the highest known version among its colon-separated keys.
    /// Anything else, as a missing header, means v0; nothing of the header's text is ever passed on.
    pub fn from_header(header: Option<&str>) -> Self {
        let keys = header.unwrap_or_default().split(':');
        let known = keys.filter_map(|key| match key {
            "version=1" => Some(Self::V1),
            "version=2" => Some(Self::V2),
            _ => None,
        });
        known.max().unwrap_or_default()
    }

    /// The value of `GIT_PROTOCOL` for a child.
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
