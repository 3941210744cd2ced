//! pkt-line framing, strict in what it reads (gitprotocol-common(5), "pkt-line Format").
//!
//! Every packet is four hexadecimal digits, the length of the whole packet, then the payload.
//! Lengths 0, 1 and 2 are markers without payload; 3 does not exist.

use std::io;

use bytes::{BufMut, Bytes, BytesMut};
use tokio::io::{AsyncRead, AsyncReadExt};

use crate::Error;

/// The longest payload one packet may carry, in bytes (`LARGE_PACKET_DATA_MAX` in git).
pub const MAX_PAYLOAD: usize = 65_516;

/// One packet as read from the wire.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Packet {
    /// `0000`: the end of a section, in protocol v0 also of a message.
    Flush,
    /// `0001`: separates the sections of one protocol v2 message.
    Delimiter,
    /// `0002`: the end of a stateless protocol v2 response.
    ResponseEnd,
    /// A payload; it may be empty and it keeps the newline that most senders append.
    Data(Bytes),
}

impl Packet {
    /// The payload without its one optional trailing newline, `None` for the markers.
    pub fn line(&self) -> Option<&[u8]> {
        match self {
            Self::Data(payload) => Some(payload.strip_suffix(b"\n").unwrap_or(payload)),
            Self::Flush | Self::Delimiter | Self::ResponseEnd => None,
        }
    }
}

/// Why a stream of packets could not be read any further.
#[derive(Debug, thiserror::Error)]
pub enum PacketError {
    /// The stream ended within a packet, or before an expected one.
    #[error("the request ends in the middle of a packet")]
    Truncated,
    /// The four bytes of a length are not hexadecimal, or name an impossible length.
    #[error("`{}` is not the length of a packet", .0.escape_ascii())]
    Length([u8; 4]),
    /// The packets together are longer than the reader was told to accept, in bytes.
    #[error("the commands of the request are longer than {0} bytes")]
    TooLong(usize),
    /// The stream itself failed.
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

/// Reads packets without ever taking a byte that lies behind the last packet asked for, so that a
/// pack which follows the packets stays in the stream.
pub struct PacketReader<'stream, R> {
    stream: &'stream mut R,
    limit: usize,
    left: usize,
}

impl<'stream, R: AsyncRead + Unpin> PacketReader<'stream, R> {
    /// Reads from `stream` at most `limit` bytes in all, framing included.
    pub fn new(stream: &'stream mut R, limit: usize) -> Self {
        Self { stream, limit, left: limit }
    }

    /// The next packet, or `None` where the stream ends between two packets.
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

    /// The next packet, where the end of the stream would be an error.
    pub async fn require(&mut self) -> Result<Packet, PacketError> {
        self.next().await?.ok_or(PacketError::Truncated)
    }

    fn spend(&mut self, bytes: usize) -> Result<(), PacketError> {
        self.left = self.left.checked_sub(bytes).ok_or(PacketError::TooLong(self.limit))?;
        Ok(())
    }
}

/// Lengths 0, 1, 2 and 4 to `MAX_PAYLOAD + 4`.
fn parse_length(header: [u8; 4]) -> Result<usize, PacketError> {
    let mut length = 0;
    for byte in header {
        // Not `usize::from_str_radix`: that would take a sign.
        let digit = char::from(byte).to_digit(16).ok_or(PacketError::Length(header))?;
        length = length * 16 + digit as usize;
    }
    if length == 3 || length > MAX_PAYLOAD + 4 { Err(PacketError::Length(header)) } else { Ok(length) }
}

/// Appends packets to a buffer.
pub trait WritePackets {
    /// Appends one packet; what lies behind [`MAX_PAYLOAD`] bytes is cut off, as it has no form on the wire.
    fn packet(&mut self, payload: &[u8]);
    /// Appends `0000`.
    fn flush(&mut self);
    /// Appends `0001`.
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

/// A packet's length as the wire writes it; `length` is at most 65,520.
pub(super) fn length_of(length: usize) -> [u8; 4] {
    let digit = |shift: u32| b"0123456789abcdef"[(length >> shift) & 0xf];
    [digit(12), digit(8), digit(4), digit(0)]
}

#[cfg(test)]
mod tests;
