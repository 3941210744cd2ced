//! What a repository says of itself before anything is fetched or pushed. Written from the
//! [`State`] alone: no snapshot is built and no child started for it.

use std::fmt::Display;

use bytes::{Bytes, BytesMut};
use gix::ObjectId;

use super::{
    AGENT, Protocol, Service,
    pktline::{Packet, PacketReader, WritePackets},
};
use crate::{Error, Ref, RefName, Result, State};

/// What `git upload-pack` of version 2.32 and later can do under the configuration of a snapshot, in
/// protocol v0 and v1; `symref` goes into the middle.
const FETCH_CAPABILITIES: &str = "multi_ack thin-pack side-band side-band-64k ofs-delta shallow deepen-since \
    deepen-not deepen-relative no-progress include-tag multi_ack_detailed allow-tip-sha1-in-want \
    allow-reachable-sha1-in-want no-done";

/// What [`Push`](super::Push) and [`Report`](super::Report) understand.
const PUSH_CAPABILITIES: &str = "report-status report-status-v2 delete-refs side-band-64k quiet atomic ofs-delta \
    push-options object-format=sha1";

/// The most bytes of an `ls-refs` request.
const LIST_LIMIT: usize = 4 << 20;

/// With that many prefixes, a listing is not filtered at all, as in git.
const TOO_MANY_PREFIXES: usize = 65_536;

/// The body of `GET …/info/refs?service=…`.
///
/// Pushing is always answered in the form of v0: no newer one exists for it.
pub fn advertise(state: &State, service: Service, protocol: Protocol) -> Bytes {
    advertisement(&state.head, &state.refs, service, protocol)
}

/// [`advertise`] for a dataset that does not exist yet and would be made by a push; `head` is the
/// branch it would start with.
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
    // The preamble is HTTP's, not the service's.
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

/// The lines of a v0 advertisement: the first one, whichever it is, carries the capabilities.
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

/// The refs that clients may see, in the bytewise order that git promises.
fn visible(refs: &[Ref], wanted: impl Fn(&str) -> bool) -> Vec<&Ref> {
    let shown = |each: &&Ref| !each.name.is_hidden() && wanted(each.name.as_str());
    let mut refs: Vec<_> = refs.iter().filter(shown).collect();
    refs.sort_unstable_by(|left, right| left.name.cmp(&right.name));
    refs
}

/// The arguments of the `ls-refs` command (gitprotocol-v2(5), "ls-refs").
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct ListRefs {
    peel: bool,
    symrefs: bool,
    unborn: bool,
    /// None at all wants every ref.
    prefixes: Prefixes,
}

impl ListRefs {
    /// Reads what follows `command=ls-refs`.
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
                        return Err(Error::Refused("this repository uses SHA-1".to_owned()));
                    }
                }
                _ => {
                    return Err(Error::Invalid("malformed ls-refs: a marker out of place".to_owned()));
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
                // No ref here has a name that is not UTF-8, so such a prefix matches none; it must
                // still be kept, because no prefix at all would match every ref.
                self.prefixes.add(String::from_utf8_lossy(prefix).into_owned());
            }
        }
        Ok(())
    }

    /// The answer.
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

/// What the names of wanted refs begin with. In order, and without those that begin with another one:
/// whatever sorts between a prefix and a name that begins with it would begin with it too, so that
/// only the last prefix up to a name can be its beginning.
#[derive(Debug, Default, PartialEq, Eq)]
struct Prefixes(Vec<String>);

impl Prefixes {
    fn add(&mut self, prefix: String) {
        if self.0.len() < TOO_MANY_PREFIXES {
            self.0.push(prefix);
        }
    }

    /// To be called when all are added.
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
