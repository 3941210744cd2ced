//! What `git push` asks for: the commands before the pack (gitprotocol-pack(5), "Reference Update
//! Request and Packfile Transfer").

use gix::{ObjectId, bstr::BString};
use tokio::io::{AsyncRead, AsyncReadExt};

use super::pktline::{Packet, PacketReader};
use crate::{Error, RefName, Result};

/// The longest head of a push accepted, in bytes.
const HEAD_LIMIT: usize = 16 << 20;

/// The most refs that one push may name.
const MAX_COMMANDS: usize = 20_000;

/// The most push options of one push.
const MAX_OPTIONS: usize = 1000;

/// The first thing in the body of a `git-receive-pack` request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PushHead {
    /// Exactly `0000`: git finds out whether it may push before it sends a body that it cannot send
    /// twice. The answer is an empty body.
    Probe,
    /// A push. What is left in the body is its pack, if [`Push::has_pack`].
    Push(Push),
}

/// What a push wants, and how it wants to be told about the outcome.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Push {
    /// At least one, in the order in which they came; the report keeps it.
    pub commands: Vec<Command>,
    /// What the client chose among the advertised capabilities.
    pub capabilities: Capabilities,
    /// The values of `git push -o`.
    pub options: Vec<String>,
}

/// One ref that is to be created, moved or deleted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Command {
    /// The name as the client sent it; see [`Command::ref_name`].
    pub name: BString,
    /// What the client saw there; `None` where it saw no such ref.
    pub old: Option<ObjectId>,
    /// What is to be there; `None` deletes.
    pub new: Option<ObjectId>,
}

impl Command {
    /// The name, if it is one that a ref here may have.
    pub fn ref_name(&self) -> Result<RefName> {
        let name = std::str::from_utf8(&self.name);
        name.map_err(|_| Error::Invalid("ref names must be UTF-8".to_owned()))?.parse()
    }
}

/// The capabilities a client chose (gitprotocol-capabilities(5)); those that change nothing for us
/// (`ofs-delta`, `delete-refs`, `session-id`) are read and forgotten.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Capabilities {
    /// Whether the client wants to hear about each command at all. `report-status-v2` only adds
    /// lines about refs that a server rewrote, which we never do, so that both look the same.
    pub report_status: ReportStatus,
    /// `side-band-64k`: the report is framed, with progress and messages beside it.
    pub side_band: bool,
    /// All commands or none.
    pub atomic: bool,
    /// No progress, please.
    pub quiet: bool,
    /// The name of the client, for logs.
    pub agent: Option<String>,
}

/// Which report a client understands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ReportStatus {
    /// None: it will look at the refs itself.
    #[default]
    None,
    /// `report-status`.
    V1,
    /// `report-status-v2`.
    V2,
}

impl Push {
    /// Reads commands and push options from `body` and not one byte more.
    ///
    /// `shallow` lines are skipped: a push whose base is known here works without them, and one whose
    /// base is unknown must fail, because the server never becomes shallow.
    ///
    /// Fails with [`Error::Invalid`] on anything malformed, [`Error::Refused`] on what was not
    /// advertised, [`Error::TooLarge`] beyond 16 MiB, 20,000 commands or 1,000 options, [`Error::Io`] where the body itself breaks.
    pub async fn read(body: &mut (impl AsyncRead + Unpin)) -> Result<PushHead> {
        let mut reader = PacketReader::new(body, HEAD_LIMIT);
        let mut commands = Vec::new();
        let mut chosen = ChosenCapabilities::default();
        let mut first = true;
        loop {
            let packet = reader.require().await?;
            let Some(line) = packet.line() else {
                if packet != Packet::Flush {
                    return Err(malformed("a marker of protocol v2 among the commands"));
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
                    return Err(malformed("capabilities behind a command other than the first"));
                }
                if commands.len() == MAX_COMMANDS {
                    return Err(Error::TooLarge(format!(
                        "more than {MAX_COMMANDS} refs in one push; push them in steps"
                    )));
                }
                commands.push(parse_command(command)?);
            }
            first = false;
        }
        if commands.is_empty() {
            return if first { probe(body).await } else { Err(malformed("no command")) };
        }
        let mut options = Vec::new();
        if chosen.push_options {
            loop {
                let packet = reader.require().await?;
                let Some(line) = packet.line() else {
                    if packet == Packet::Flush {
                        break;
                    }
                    return Err(malformed("a marker of protocol v2 among the push options"));
                };
                if options.len() == MAX_OPTIONS {
                    return Err(Error::TooLarge(format!("more than {MAX_OPTIONS} push options; use fewer")));
                }
                let option = std::str::from_utf8(line).map_err(|_| malformed("a push option that is not UTF-8"))?;
                options.push(option.to_owned());
            }
        }
        Ok(PushHead::Push(Self { commands, capabilities: chosen.capabilities, options }))
    }

    /// Whether a pack follows: a push that only deletes has none, not even an empty one.
    pub fn has_pack(&self) -> bool {
        self.commands.iter().any(|command| command.new.is_some())
    }
}

/// A lone flush packet is a probe only where nothing follows it.
async fn probe(body: &mut (impl AsyncRead + Unpin)) -> Result<PushHead> {
    match body.read(&mut [0]).await? {
        0 => Ok(PushHead::Probe),
        _ => Err(malformed("no command")),
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
                            "this repository uses SHA-1 and cannot take objects named by {}",
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

/// `<old> SP <new> SP <name>`.
fn parse_command(line: &[u8]) -> Result<Command> {
    let mut parts = line.splitn(3, |&byte| byte == b' ');
    let mut next = || parts.next().ok_or_else(|| malformed("a command that is not `<old> <new> <ref>`"));
    let (old, new, name) = (parse_id(next()?)?, parse_id(next()?)?, next()?);
    if name.is_empty() {
        return Err(malformed("a command without a ref"));
    }
    let unless_zero = |id: ObjectId| (!id.is_null()).then_some(id);
    Ok(Command { name: name.into(), old: unless_zero(old), new: unless_zero(new) })
}

fn parse_id(hex: &[u8]) -> Result<ObjectId> {
    match ObjectId::from_hex(hex) {
        Ok(id) if id.kind() == gix::hash::Kind::Sha1 => Ok(id),
        _ => Err(malformed("an object id that is not 40 hexadecimal digits")),
    }
}

fn malformed(what: &str) -> Error {
    Error::Invalid(format!("malformed push: {what}"))
}

#[cfg(test)]
mod tests;
