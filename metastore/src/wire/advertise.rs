//! Ref advertisement and `ls-refs`, answered from the [`State`] alone: builds no snapshot and starts no process.

use std::fmt::Display;

use bytes::{Bytes, BytesMut};
use gix::ObjectId;

use super::{
    AGENT, Protocol, Service,
    pktline::{Packet, PacketReader, WritePackets},
};
use crate::{Error, Ref, RefName, Result, State};

/// Capabilities in protocol v0 and v1 of `git upload-pack` 2.32 and later with the configuration of a
/// snapshot; `symref` is inserted between them.
const FETCH_CAPABILITIES: &str = "multi_ack thin-pack side-band side-band-64k ofs-delta shallow deepen-since \
    deepen-not deepen-relative no-progress include-tag multi_ack_detailed allow-tip-sha1-in-want \
    allow-reachable-sha1-in-want no-done";

/// The capabilities that [`Push`](super::Push) and [`Report`](super::Report) support.
const PUSH_CAPABILITIES: &str = "report-status report-status-v2 delete-refs side-band-64k quiet atomic ofs-delta \
    push-options object-format=sha1";

/// Maximum size of an `ls-refs` request in bytes.
const LIST_LIMIT: usize = 4 << 20;

/// Number of prefixes from which on a listing is not filtered, as in git.
const TOO_MANY_PREFIXES: usize = 65_536;

/// Returns the body of `GET …/info/refs?service=…`.
///
/// The response for a push always has the format of v0; there is no newer version of receive-pack.
pub fn advertise(state: &State, service: Service, protocol: Protocol) -> Bytes {
    advertisement(&state.head, &state.refs, service, protocol)
}

/// Like [`advertise`], for a dataset that does not exist yet and is created by a push; `head` is its initial branch.
pub fn advertise_empty(head: &RefName, service: Service, protocol: Protocol) -> Bytes {
    advertisement(head, &[], service, protocol)
}

fn advertisement(head: &RefName, refs: &[Ref], service: Service, protocol: Protocol) -> Bytes {
    let mut wire = BytesMut::new();
    if service == Service::UploadPack && protocol == Protocol::V2 {
        for line in [
            "version 2",
            AGENT,
            "ls-refs=unborn",
            "fetch=shallow wait-for-done filter",
            "server-option",
            "object-format=sha1",
        ] {
            wire.packet(format!("{line}\n").as_bytes());
        }
        wire.flush();
        return wire.freeze();
    }
    // This preamble belongs to the HTTP transport, not to the service.
    wire.packet(format!("# service={}\n", service.name()).as_bytes());
    wire.flush();
    let refs = visible(refs, |_| true);
    match service {
        Service::UploadPack => {
            if protocol == Protocol::V1 {
                wire.packet(b"version 1\n");
            }
            let head_ref = refs.iter().find(|each| each.name == *head);
            let symref = head_ref.map_or_else(String::new, |_| format!(" symref=HEAD:{head}"));
            let mut lines = Lines::new(format!("{FETCH_CAPABILITIES}{symref} filter object-format=sha1 {AGENT}"));
            if let Some(head_ref) = head_ref {
                lines.write(&mut wire, head_ref.target, "HEAD");
            }
            for each in refs {
                lines.write(&mut wire, each.target, &each.name);
                if let Some(peeled) = each.peeled {
                    lines.write(&mut wire, peeled, format_args!("{}^{{}}", each.name));
                }
            }
            lines.end(&mut wire);
        }
        Service::ReceivePack => {
            let mut lines = Lines::new(format!("{PUSH_CAPABILITIES} {AGENT}"));
            for each in refs {
                lines.write(&mut wire, each.target, &each.name);
            }
            lines.end(&mut wire);
        }
    }
    wire.freeze()
}

/// The lines of a v0 advertisement: the first line carries the capabilities.
struct Lines {
    capabilities: Option<String>,
}

impl Lines {
    fn new(capabilities: String) -> Self {
        Self { capabilities: Some(capabilities) }
    }

    fn write(&mut self, wire: &mut BytesMut, id: ObjectId, name: impl Display) {
        let line = match self.capabilities.take() {
            Some(capabilities) => format!("{id} {name}\0{capabilities}\n"),
            None => format!("{id} {name}\n"),
        };
        wire.packet(line.as_bytes());
    }

    fn end(mut self, wire: &mut BytesMut) {
        if self.capabilities.is_some() {
            self.write(wire, ObjectId::null(gix::hash::Kind::Sha1), "capabilities^{}");
        }
        wire.flush();
    }
}

/// Returns the refs visible to clients, sorted bytewise as git requires.
fn visible(refs: &[Ref], wanted: impl Fn(&str) -> bool) -> Vec<&Ref> {
    let shown = |each: &&Ref| !each.name.is_hidden() && wanted(each.name.as_str());
    let mut refs: Vec<_> = refs.iter().filter(shown).collect();
    refs.sort_unstable_by(|left, right| left.name.cmp(&right.name));
    refs
}

/// Arguments of the `ls-refs` command (gitprotocol-v2(5), "ls-refs").
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct ListRefs {
    peel: bool,
    symrefs: bool,
    unborn: bool,
    /// Ref prefixes; if empty, all refs are listed.
    prefixes: Prefixes,
}

impl ListRefs {
    /// Reads the request after `command=ls-refs`.
    pub(super) async fn read(body: &mut (impl tokio::io::AsyncRead + Unpin)) -> Result<Self> {
        let mut reader = PacketReader::new(body, LIST_LIMIT);
        let mut list = Self::default();
        let mut arguments = false;
        loop {
            let packet = reader.require().await?;
            match (&packet, packet.line()) {
                (Packet::Flush, _) => {
                    list.prefixes.settle();
                    return Ok(list);
                }
                (Packet::Delimiter, _) if !arguments => arguments = true,
                (_, Some(line)) if arguments => list.argument(line)?,
                // Capabilities: agent, object-format, server-option, session-id.
                (_, Some(line)) => {
                    if line.strip_prefix(b"object-format=").is_some_and(|format| format != b"sha1") {
                        return Err(Error::Refused("this repository uses the SHA-1 object format".to_owned()));
                    }
                }
                _ => {
                    return Err(Error::Invalid(
                        "malformed ls-refs: misplaced delimiter or response-end packet".to_owned(),
                    ));
                }
            }
        }
    }

    fn argument(&mut self, line: &[u8]) -> Result<()> {
        match line {
            b"peel" => self.peel = true,
            b"symrefs" => self.symrefs = true,
            b"unborn" => self.unborn = true,
            _ => {
                let prefix = line.strip_prefix(b"ref-prefix ").ok_or_else(|| {
                    Error::Invalid(format!("malformed ls-refs: unexpected line `{}`", line.escape_ascii()))
                })?;
                // No ref has a name that is not valid UTF-8, so this prefix matches none. It must still be
                // added, since without any prefix all refs would match.
                self.prefixes.add(String::from_utf8_lossy(prefix).into_owned());
            }
        }
        Ok(())
    }

    /// Returns the response.
    pub(super) fn answer(&self, state: &State) -> Bytes {
        let wanted = |name: &str| self.prefixes.want(name);
        let mut wire = BytesMut::new();
        if wanted("HEAD") && !state.head.is_hidden() {
            let head = state.find(&state.head);
            if head.is_some() || (self.unborn && self.symrefs) {
                self.line(&mut wire, "HEAD", Some(&state.head), head.map(|each| (each.target, each.peeled)));
            }
        }
        for each in visible(&state.refs, wanted) {
            self.line(&mut wire, each.name.as_str(), None, Some((each.target, each.peeled)));
        }
        wire.flush();
        wire.freeze()
    }

    fn line(
        &self,
        wire: &mut BytesMut,
        name: &str,
        symref: Option<&RefName>,
        target: Option<(ObjectId, Option<ObjectId>)>,
    ) {
        let mut line = match target {
            Some((id, _)) => format!("{id} {name}"),
            None => format!("unborn {name}"),
        };
        if let Some(symref) = symref.filter(|_| self.symrefs) {
            line.push_str(" symref-target:");
            line.push_str(symref.as_str());
        }
        if let Some((_, Some(peeled))) = target
            && self.peel
        {
            line.push_str(" peeled:");
            line.push_str(&peeled.to_string());
        }
        line.push('\n');
        wire.packet(line.as_bytes());
    }
}

/// The requested ref prefixes, sorted, without those that start with another prefix. Any name that sorts
/// between a prefix and a name starting with it starts with it too, so only the last prefix that sorts before
/// a name can match it.
#[derive(Debug, Default, PartialEq, Eq)]
struct Prefixes(Vec<String>);

impl Prefixes {
    fn add(&mut self, prefix: String) {
        if self.0.len() < TOO_MANY_PREFIXES {
            self.0.push(prefix);
        }
    }

    /// Sorts and deduplicates; to be called after the last prefix was added.
    fn settle(&mut self) {
        if self.0.len() >= TOO_MANY_PREFIXES {
            self.0.clear();
        }
        self.0.sort_unstable();
        self.0.dedup_by(|next, kept| next.starts_with(kept.as_str()));
    }

    fn want(&self, name: &str) -> bool {
        let behind = self.0.partition_point(|prefix| prefix.as_str() <= name);
        self.0.is_empty() || self.0[..behind].last().is_some_and(|prefix| name.starts_with(prefix.as_str()))
    }
}

#[cfg(test)]
mod tests;
