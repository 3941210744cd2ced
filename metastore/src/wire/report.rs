//! Status report and progress of a push (gitprotocol-pack(5), "Report Status" and "Packfile Data").

use std::{collections::VecDeque, future::Future, io, pin::Pin, time::Duration};

use bytes::{BufMut, Bytes, BytesMut};
use futures::Stream;
use gix::bstr::BString;
use tokio::sync::mpsc;

use super::{
    Capabilities, Push, ReportStatus,
    pktline::{MAX_PAYLOAD, WritePackets, length_of},
};

/// Maximum payload in bytes of a side-band packet, without its band byte.
const MAX_BAND: usize = MAX_PAYLOAD - 1;

/// Keep-alive interval: proxies drop connections that are silent for long.
const KEEP_ALIVE: Duration = Duration::from_secs(5);

/// Maximum length of a reason in bytes; longer ones are truncated.
const MAX_REASON: usize = 1024;

/// The result of one command: accepted, or the reason for the rejection in one line.
pub type Outcome = Result<(), String>;

/// The status report of a push (`report-status`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    unpack: Outcome,
    commands: Vec<(BString, Outcome)>,
}

impl Report {
    /// Creates a report of a push whose pack was received; `outcomes` are those of its commands, in order.
    ///
    /// With `--atomic` one rejection rejects all commands: see [`Push::settle`], which the caller applies
    /// before it commits anything.
    pub fn new(push: &Push, outcomes: impl IntoIterator<Item = Outcome>) -> Self {
        let mut outcomes = outcomes.into_iter();
        let missing = || Err("not processed".to_owned());
        let commands =
            push.commands.iter().map(|command| (command.name.clone(), outcomes.next().unwrap_or_else(missing)));
        Self { unpack: Ok(()), commands: commands.collect() }
    }

    /// Creates a report of a push whose pack was rejected, so that no command was executed.
    pub fn unpack_failed(push: &Push, reason: impl Into<String>) -> Self {
        let failed = || Err("unpacker error".to_owned());
        let commands = push.commands.iter().map(|command| (command.name.clone(), failed()));
        Self { unpack: Err(reason.into()), commands: commands.collect() }
    }

    /// Returns true if every command was accepted.
    pub fn is_success(&self) -> bool {
        self.unpack.is_ok() && self.commands.iter().all(|(_, outcome)| outcome.is_ok())
    }

    /// Encodes the end of the response according to the client's capabilities.
    fn encode(&self, capabilities: &Capabilities) -> Bytes {
        let mut lines = BytesMut::new();
        if capabilities.report_status != ReportStatus::None {
            self.write_lines(&mut lines);
        }
        if !capabilities.side_band {
            return lines.freeze();
        }
        let mut wire = BytesMut::with_capacity(lines.len() + lines.len() / MAX_BAND * 5 + 16);
        write_band(&mut wire, SideBand::Data, &lines);
        wire.flush();
        wire.freeze()
    }

    fn write_lines(&self, lines: &mut BytesMut) {
        match &self.unpack {
            Ok(()) => lines.packet(b"unpack ok\n"),
            Err(reason) => lines.packet(format!("unpack {}\n", one_line(reason)).as_bytes()),
        }
        for (name, outcome) in &self.commands {
            let (verb, reason) = match outcome {
                Ok(()) => ("ok ", None),
                Err(reason) => ("ng ", Some(one_line(reason))),
            };
            let mut line = BytesMut::new();
            line.put_slice(verb.as_bytes());
            line.put_slice(name);
            if let Some(reason) = reason {
                line.put_u8(b' ');
                line.put_slice(reason.as_bytes());
            }
            line.truncate(MAX_PAYLOAD - 1);
            line.put_u8(b'\n');
            lines.packet(&line);
        }
        lines.flush();
    }
}

impl Push {
    /// With `--atomic`, rejects all other commands if one is rejected; otherwise does nothing.
    pub fn settle(&self, outcomes: &mut [Outcome]) {
        if self.capabilities.atomic && outcomes.iter().any(Result::is_err) {
            for outcome in outcomes.iter_mut().filter(|outcome| outcome.is_ok()) {
                *outcome = Err("atomic push failed: another ref was rejected".to_owned());
            }
        }
    }
}

/// Makes a reason fit into the report: one line, not empty, of limited length.
fn one_line(reason: &str) -> String {
    let line = printable(reason).replace(['\n', '\r', '\t'], " ");
    let line = line.trim();
    if line.is_empty() { "failed".to_owned() } else { line[..line.floor_char_boundary(MAX_REASON)].to_owned() }
}

/// Replaces control characters: names and paths in messages are untrusted and must not reach a terminal as
/// escape sequences.
fn printable(text: &str) -> String {
    text.chars().map(|each| if each.is_control() && !matches!(each, '\n' | '\r' | '\t') { '?' } else { each }).collect()
}

/// Bands of `side-band-64k`. Band 3 is never used, since it would abort the client before the report.
#[derive(Clone, Copy)]
enum SideBand {
    Data = 1,
    Progress = 2,
}

/// Appends `payload` in as many packets as needed; none if it is empty.
fn write_band(wire: &mut BytesMut, band: SideBand, payload: &[u8]) {
    for piece in payload.chunks(MAX_BAND) {
        wire.reserve(piece.len() + 5);
        wire.put_slice(&length_of(piece.len() + 5));
        wire.put_u8(band as u8);
        wire.put_slice(piece);
    }
}

/// Sends progress messages to the client of a push. Cheap to clone; does nothing if the client is gone.
#[derive(Clone, Debug)]
pub struct Progress {
    messages: mpsc::UnboundedSender<Message>,
    quiet: bool,
}

#[derive(Debug)]
enum Message {
    Begin,
    Text(String),
}

impl Progress {
    /// Returns a progress that discards all messages.
    pub fn silent() -> Self {
        Self { messages: mpsc::unbounded_channel().0, quiet: true }
    }

    /// Marks the request as read to its end, so that the response may start. Some clients and most proxies do
    /// not expect a response earlier.
    pub fn begin(&self) {
        self.send(Message::Begin);
    }

    /// Sends a progress message, unless the client asked for quiet. It ends with `\r` if the next one
    /// replaces it, otherwise with `\n`, which is added if missing.
    pub fn update(&self, text: &str) {
        if !self.quiet {
            self.say(text);
        }
    }

    /// Sends a message that the user must see.
    pub fn say(&self, text: &str) {
        let mut text = printable(text);
        if !text.ends_with(['\n', '\r']) {
            text.push('\n');
        }
        self.send(Message::Text(text));
    }

    fn send(&self, message: Message) {
        // Fails if the client closed the connection; the work is dropped soon.
        let _ = self.messages.send(message);
    }
}

/// Runs `work` and returns the response body: its progress, keep-alive packets, and its report.
///
/// Resolves when there is something to send and the request has been read ([`Progress::begin`], or the end of
/// the work). Dropping the returned future or stream, as HTTP servers do when the client disconnects, drops
/// `work` and kills the processes it runs.
pub async fn respond<W, F>(
    capabilities: Capabilities,
    work: W,
) -> impl Stream<Item = io::Result<Bytes>> + Send + use<W, F>
where
    W: FnOnce(Progress) -> F,
    F: Future<Output = Report> + Send + 'static,
{
    let (messages, inbox) = mpsc::unbounded_channel();
    let work = Box::pin(work(Progress { messages, quiet: capabilities.quiet }));
    let mut response = Response { capabilities, inbox, work: Some(work), begun: false, ready: VecDeque::new() };
    let first = response.next().await;
    futures::stream::unfold((first, response), |(next, mut response)| async move {
        let next = match next {
            Some(next) => next,
            None => response.next().await?,
        };
        Some((Ok(next), (None, response)))
    })
}

struct Response<F> {
    capabilities: Capabilities,
    inbox: mpsc::UnboundedReceiver<Message>,
    /// `None` when it has ended.
    work: Option<Pin<Box<F>>>,
    begun: bool,
    /// Frames waiting to be sent.
    ready: VecDeque<Bytes>,
}

impl<F: Future<Output = Report>> Response<F> {
    async fn next(&mut self) -> Option<Bytes> {
        loop {
            if self.begun
                && let Some(frame) = self.ready.pop_front()
            {
                return Some(frame);
            }
            let work = self.work.as_mut()?;
            tokio::select! {
                biased;
                Some(message) = self.inbox.recv() => self.take(message),
                report = work => {
                    self.work = None;
                    while let Ok(message) = self.inbox.try_recv() {
                        self.take(message);
                    }
                    self.begun = true;
                    let end = report.encode(&self.capabilities);
                    if !end.is_empty() {
                        self.ready.push_back(end);
                    }
                }
                () = tokio::time::sleep(KEEP_ALIVE), if self.begun && self.capabilities.side_band => {
                    // An empty packet on band 2, which clients display as nothing.
                    self.ready.push_back(Bytes::from_static(b"0005\x02"));
                }
            }
        }
    }

    fn take(&mut self, message: Message) {
        match message {
            Message::Begin => self.begun = true,
            Message::Text(text) => {
                if self.capabilities.side_band {
                    let mut wire = BytesMut::new();
                    write_band(&mut wire, SideBand::Progress, text.as_bytes());
                    self.ready.push_back(wire.freeze());
                }
            }
        }
    }
}

#[cfg(test)]
mod tests;
