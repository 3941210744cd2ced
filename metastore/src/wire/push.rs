//! Push commands (receive-pack): the part of a push before the pack (gitprotocol-pack(5), "Reference Update
//! Request and Packfile Transfer").

use gix::{ObjectId, bstr::BString};
use tokio::io::{AsyncRead, AsyncReadExt};

use super::pktline::{Packet, PacketReader};
use crate::{Error, RefName, Result};

/// Maximum size in bytes of the commands and push options.
const HEAD_LIMIT: usize = 16 << 20;

/// Maximum number of refs in one push.
const MAX_COMMANDS: usize = 20_000;

/// Maximum number of push options.
const MAX_OPTIONS: usize = 1000;

/// The start of a `git-receive-pack` request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PushHead {
    /// A flush packet (`0000`) alone: git probes whether it may push before it sends a body that it cannot
    /// send twice. The response is empty.
    Probe,
    /// A push. The rest of the body is the pack, if [`Push::has_pack`].
    Push(Push),
}

/// The commands of a push, and how the client wants to be informed of the result.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Push {
    /// The commands, at least one, in the order of the request, which the report keeps.
    pub commands: Vec<Command>,
    /// The capabilities chosen by the client.
    pub capabilities: Capabilities,
    /// The push options (`git push -o`).
    pub options: Vec<String>,
}

/// A command: one ref to create, update or delete.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Command {
    /// The ref name as sent by the client; see [`Command::ref_name`].
    pub name: BString,
    /// The old object ID that the client expects; `None` if it expects no such ref.
    pub old: Option<ObjectId>,
    /// The new object ID; `None` to delete the ref.
    pub new: Option<ObjectId>,
}

impl Command {
    /// Returns the ref name, if it is valid.
    pub fn ref_name(&self) -> Result<RefName> {
        let name = std::str::from_utf8(&self.name);
        name.map_err(|_| Error::Invalid("ref names must be UTF-8".to_owned()))?.parse()
    }
}

/// The capabilities chosen by a client (gitprotocol-capabilities(5)). Those without effect here (`ofs-delta`,
/// `delete-refs`, `session-id`) are ignored.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Capabilities {
    /// Which status report the client requests. `report-status-v2` only adds lines about refs rewritten by
    /// the server, which never happens here, so both look the same.
    pub report_status: ReportStatus,
    /// `side-band-64k`: multiplexes the report with progress messages.
    pub side_band: bool,
    /// `atomic`: apply all commands or none.
    pub atomic: bool,
    /// `quiet`: send no progress.
    pub quiet: bool,
    /// The client's agent string, for logs.
    pub agent: Option<String>,
}

/// The version of the status report.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ReportStatus {
    /// No report; the client reads the refs itself.
    #[default]
    None,
    /// `report-status`.
    V1,
    /// `report-status-v2`.
    V2,
}

impl Push {
    /// Reads the commands and push options from `body`, and not one byte more.
    ///
    /// `shallow` lines are ignored: a push whose base is known here works without them, and one whose base is
    /// unknown must fail, because the server never becomes shallow.
    ///
    /// # Errors
    ///
    /// [`Error::Invalid`] for malformed input, [`Error::Refused`] for capabilities that were not advertised,
    /// [`Error::TooLarge`] beyond 16 MiB, 20,000 commands or 1,000 options, [`Error::Io`] if the body ends
    /// early.
    pub async fn read(body: &mut (impl AsyncRead + Unpin)) -> Result<PushHead> {
        let mut reader = PacketReader::new(body, HEAD_LIMIT);
        let mut commands = Vec::new();
        let mut chosen = ChosenCapabilities::default();
        let mut first = true;
        loop {
            let packet = reader.require().await?;
            let Some(line) = packet.line() else {
                if packet != Packet::Flush {
                    return Err(malformed("unexpected protocol v2 packet among the commands"));
                }
                break;
            };
            if line.starts_with(b"shallow ") {
                parse_id(&line[b"shallow ".len()..])?;
            } else if line.starts_with(b"push-cert") {
                return Err(Error::Refused("signed pushes are not supported; push without --signed".to_owned()));
            } else {
                let (command, capabilities) = split_capabilities(line);
                if commands.is_empty() {
                    chosen = ChosenCapabilities::parse(capabilities.unwrap_or_default())?;
                } else if capabilities.is_some() {
                    return Err(malformed("capabilities after a command other than the first"));
                }
                if commands.len() == MAX_COMMANDS {
                    return Err(Error::TooLarge(format!(
                        "more than {MAX_COMMANDS} refs in one push; push fewer at a time"
                    )));
                }
                commands.push(parse_command(command)?);
            }
            first = false;
        }
        if commands.is_empty() {
            return if first { probe(body).await } else { Err(malformed("no commands")) };
        }
        let mut options = Vec::new();
        if chosen.push_options {
            loop {
                let packet = reader.require().await?;
                let Some(line) = packet.line() else {
                    if packet == Packet::Flush {
                        break;
                    }
                    return Err(malformed("unexpected protocol v2 packet among the push options"));
                };
                if options.len() == MAX_OPTIONS {
                    return Err(Error::TooLarge(format!("more than {MAX_OPTIONS} push options; use fewer")));
                }
                let option = std::str::from_utf8(line).map_err(|_| malformed("a push option is not valid UTF-8"))?;
                options.push(option.to_owned());
            }
        }
        Ok(PushHead::Push(Self { commands, capabilities: chosen.capabilities, options }))
    }

    /// Returns true if a pack follows. A push that only deletes refs has none, not even an empty one.
    pub fn has_pack(&self) -> bool {
        self.commands.iter().any(|command| command.new.is_some())
    }
}

/// A single flush packet is a probe only if nothing follows.
async fn probe(body: &mut (impl AsyncRead + Unpin)) -> Result<PushHead> {
    match body.read(&mut [0]).await? {
        0 => Ok(PushHead::Probe),
        _ => Err(malformed("no commands")),
    }
}

#[derive(Default)]
struct ChosenCapabilities {
    capabilities: Capabilities,
    push_options: bool,
}

impl ChosenCapabilities {
    fn parse(list: &[u8]) -> Result<Self> {
        let mut chosen = Self::default();
        let capabilities = &mut chosen.capabilities;
        for word in list.split(|&byte| byte == b' ').filter(|word| !word.is_empty()) {
            match word {
                b"report-status" if capabilities.report_status == ReportStatus::None => {
                    capabilities.report_status = ReportStatus::V1;
                }
                b"report-status-v2" => capabilities.report_status = ReportStatus::V2,
                b"side-band-64k" => capabilities.side_band = true,
                b"atomic" => capabilities.atomic = true,
                b"quiet" => capabilities.quiet = true,
                b"push-options" => chosen.push_options = true,
                _ => {
                    if let Some(format) = word.strip_prefix(b"object-format=")
                        && format != b"sha1"
                    {
                        return Err(Error::Refused(format!(
                            "this repository uses the SHA-1 object format, not {}",
                            format.escape_ascii()
                        )));
                    }
                    if let Some(agent) = word.strip_prefix(b"agent=") {
                        capabilities.agent = Some(String::from_utf8_lossy(agent).into_owned());
                    }
                }
            }
        }
        Ok(chosen)
    }
}

fn split_capabilities(line: &[u8]) -> (&[u8], Option<&[u8]>) {
    match line.iter().position(|&byte| byte == 0) {
        Some(end) => (&line[..end], Some(&line[end + 1..])),
        None => (line, None),
    }
}

/// Parses `<old> SP <new> SP <name>`.
fn parse_command(line: &[u8]) -> Result<Command> {
    let mut parts = line.splitn(3, |&byte| byte == b' ');
    let mut next = || parts.next().ok_or_else(|| malformed("a command is not `<old> <new> <ref>`"));
    let (old, new, name) = (parse_id(next()?)?, parse_id(next()?)?, next()?);
    if name.is_empty() {
        return Err(malformed("a command has an empty ref name"));
    }
    let unless_zero = |id: ObjectId| (!id.is_null()).then_some(id);
    Ok(Command { name: name.into(), old: unless_zero(old), new: unless_zero(new) })
}

fn parse_id(hex: &[u8]) -> Result<ObjectId> {
    match ObjectId::from_hex(hex) {
        Ok(id) if id.kind() == gix::hash::Kind::Sha1 => Ok(id),
        _ => Err(malformed("an object ID is not 40 hexadecimal digits")),
    }
}

fn malformed(what: &str) -> Error {
    Error::Invalid(format!("malformed push: {what}"))
}

#[cfg(test)]
mod tests;
