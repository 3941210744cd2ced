//! pkt-line framing with a strict reader (gitprotocol-common(5), "pkt-line Format").
//!
//! Every packet consists of four hexadecimal digits, the length of the whole packet, and the payload. Lengths
//! 0, 1 and 2 are special packets without payload; 3 is invalid.

use std::io;

use bytes::{BufMut, Bytes, BytesMut};
use tokio::io::{AsyncRead, AsyncReadExt};

use crate::Error;

/// Maximum payload of one packet in bytes (`LARGE_PACKET_DATA_MAX` in git).
pub const MAX_PAYLOAD: usize = 65_516;

/// A packet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Packet {
    /// `0000`, flush packet: the end of a section, in protocol v0 also of a message.
    Flush,
    /// `0001`, delimiter packet: separates the sections of a protocol v2 message.
    Delimiter,
    /// `0002`, response-end packet: the end of a stateless protocol v2 response.
    ResponseEnd,
    /// A data packet. The payload may be empty, and includes the newline that most senders append.
    Data(Bytes),
}

impl Packet {
    /// Returns the payload without its optional trailing newline; `None` for special packets.
    pub fn line(&self) -> Option<&[u8]> {
        match self {
            Self::Data(payload) => Some(payload.strip_suffix(b"\n").unwrap_or(payload)),
            Self::Flush | Self::Delimiter | Self::ResponseEnd => None,
        }
    }
}

/// The reason why a stream of packets cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum PacketError {
    /// The stream ended within a packet, or where a packet was required.
    #[error("the request ends in the middle of a packet")]
    Truncated,
    /// The length is not four hexadecimal digits, or is invalid.
    #[error("`{}` is not a valid packet length", .0.escape_ascii())]
    Length([u8; 4]),
    /// The packets together exceed the limit of the reader, given in bytes.
    #[error("the commands of the request are larger than {0} bytes")]
    TooLong(usize),
    /// The underlying stream failed.
    #[error(transparent)]
    Io(#[from] io::Error),
}

impl From<PacketError> for Error {
    fn from(error: PacketError) -> Self {
        match error {
            PacketError::Truncated | PacketError::Length(_) => Self::Invalid(error.to_string()),
            PacketError::TooLong(_) => Self::TooLarge(error.to_string()),
            PacketError::Io(error) => Self::Io(error),
        }
    }
}

/// Reads packets without consuming any byte after the last requested packet, so that a pack that follows
/// stays in the stream.
pub struct PacketReader<'stream, R> {
    stream: &'stream mut R,
    limit: usize,
    left: usize,
}

impl<'stream, R: AsyncRead + Unpin> PacketReader<'stream, R> {
    /// Creates a reader of at most `limit` bytes in total from `stream`, framing included.
    pub fn new(stream: &'stream mut R, limit: usize) -> Self {
        Self { stream, limit, left: limit }
    }

    /// Reads the next packet, or returns `None` if the stream ends between two packets.
    pub async fn next(&mut self) -> Result<Option<Packet>, PacketError> {
        let mut header = [0; 4];
        let mut filled = 0;
        while filled < header.len() {
            match self.stream.read(&mut header[filled..]).await? {
                0 if filled == 0 => return Ok(None),
                0 => return Err(PacketError::Truncated),
                read => filled += read,
            }
        }
        let length = match parse_length(header)? {
            0 => return self.spend(4).map(|()| Some(Packet::Flush)),
            1 => return self.spend(4).map(|()| Some(Packet::Delimiter)),
            2 => return self.spend(4).map(|()| Some(Packet::ResponseEnd)),
            length => length,
        };
        self.spend(length)?;
        let mut payload = BytesMut::zeroed(length - 4);
        match self.stream.read_exact(&mut payload).await {
            Ok(_) => Ok(Some(Packet::Data(payload.freeze()))),
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Err(PacketError::Truncated),
            Err(error) => Err(error.into()),
        }
    }

    /// Reads the next packet; the end of the stream is an error.
    pub async fn require(&mut self) -> Result<Packet, PacketError> {
        self.next().await?.ok_or(PacketError::Truncated)
    }

    fn spend(&mut self, bytes: usize) -> Result<(), PacketError> {
        self.left = self.left.checked_sub(bytes).ok_or(PacketError::TooLong(self.limit))?;
        Ok(())
    }
}

/// Parses a packet length: 0, 1, 2 or 4 to `MAX_PAYLOAD + 4`.
fn parse_length(header: [u8; 4]) -> Result<usize, PacketError> {
    let mut length = 0;
    for byte in header {
        // Not `usize::from_str_radix`, which accepts a sign.
        let digit = char::from(byte).to_digit(16).ok_or(PacketError::Length(header))?;
        length = length * 16 + digit as usize;
    }
    if length == 3 || length > MAX_PAYLOAD + 4 { Err(PacketError::Length(header)) } else { Ok(length) }
}

/// Appends packets to a buffer.
pub trait WritePackets {
    /// Appends a data packet; a payload longer than [`MAX_PAYLOAD`] is truncated.
    fn packet(&mut self, payload: &[u8]);
    /// Appends a flush packet (`0000`).
    fn flush(&mut self);
    /// Appends a delimiter packet (`0001`).
    fn delimiter(&mut self);
}

impl WritePackets for BytesMut {
    fn packet(&mut self, payload: &[u8]) {
        let payload = &payload[..payload.len().min(MAX_PAYLOAD)];
        self.reserve(payload.len() + 4);
        self.put_slice(&length_of(payload.len() + 4));
        self.put_slice(payload);
    }

    fn flush(&mut self) {
        self.put_slice(b"0000");
    }

    fn delimiter(&mut self) {
        self.put_slice(b"0001");
    }
}

/// Formats the length of a packet; `length` is at most 65,520.
pub(super) fn length_of(length: usize) -> [u8; 4] {
    let digit = |shift: u32| b"0123456789abcdef"[(length >> shift) & 0xf];
    [digit(12), digit(8), digit(4), digit(0)]
}

#[cfg(test)]
mod tests;
