//! Frames: a header of nine bytes, length (u32) · kind (u8) · number (u32), little-endian, then the payload.

use std::io::{Error, ErrorKind, Result};

use bytes::Bytes;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};

/// Maximum length of a payload, in bytes.
pub const MAX_PAYLOAD: usize = 16 << 20;

const HEADER: usize = 9;

macro_rules! kinds {
    ($($(#[$meta:meta])* $name:ident = $number:literal),+ $(,)?) => {
        /// What a frame contains.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        #[repr(u8)]
        pub enum Kind {
            $($(#[$meta])* $name = $number),+
        }

        impl Kind {
            fn of(number: u8) -> Option<Self> {
                match number {
                    $($number => Some(Self::$name),)+
                    _ => None,
                }
            }
        }
    };
}

kinds! {
    /// To the engine: a [`Work`](crate::Work).
    Work = 1,
    /// To the engine: the next bytes of the read with this number, which has as many as were asked for.
    Bytes = 2,
    /// To the engine: the read with this number failed. No payload: the server reports the cause itself.
    ReadFailed = 3,
    /// To the server: a [`Hello`](crate::Hello).
    Hello = 16,
    /// To the server: a [`Read`](crate::Read), with a number that no unanswered read has.
    Read = 17,
    /// To the server: a part of the result.
    Chunk = 18,
    /// To the server: [`Done`](crate::Done), the end of the result.
    Done = 19,
    /// To the server: a [`Failure`](crate::Failure) instead of the rest of the result.
    Failed = 20,
    /// To the server: [`Progress`](crate::Progress) of a long request.
    Progress = 21,
    /// In both directions: what the engine wants to know of the file with this number at the next request, such as the
    /// offsets of its rows. The server keeps it for as long as it likes, and does not look into it.
    Index = 32,
}

/// A message, or a part of one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frame {
    /// What it contains.
    pub kind: Kind,
    /// The number of the read or of the file; otherwise 0.
    pub number: u32,
    /// The content: JSON, or data.
    pub payload: Bytes,
}

impl Frame {
    /// Creates a frame with data.
    pub fn data(kind: Kind, number: u32, payload: impl Into<Bytes>) -> Self {
        Self { kind, number, payload: payload.into() }
    }

    /// Creates a frame with a message.
    pub fn message(kind: Kind, number: u32, message: &impl Serialize) -> Result<Self> {
        Ok(Self::data(kind, number, serde_json::to_vec(message)?))
    }

    /// Parses the message in a frame.
    pub fn parse<T: DeserializeOwned>(&self) -> Result<T> {
        Ok(serde_json::from_slice(&self.payload)?)
    }
}

/// Reads the next frame; `None` at the end of the stream.
///
/// # Errors
/// Invalid data for an unknown kind and for a payload over [`MAX_PAYLOAD`]; unexpected end within a frame. Not safe to
/// cancel: a part of a frame would be lost.
pub async fn read_frame(from: &mut (impl AsyncRead + Unpin)) -> Result<Option<Frame>> {
    let mut header = [0; HEADER];
    if from.read(&mut header[..1]).await? == 0 {
        return Ok(None);
    }
    from.read_exact(&mut header[1..]).await?;
    let [a, b, c, d, kind, number @ ..] = header;
    let length = u32::from_le_bytes([a, b, c, d]) as usize;
    let kind = Kind::of(kind).ok_or_else(|| Error::new(ErrorKind::InvalidData, format!("unknown frame {kind}")))?;
    if length > MAX_PAYLOAD {
        return Err(Error::new(ErrorKind::InvalidData, format!("a frame of {length} bytes is too long")));
    }
    let mut payload = vec![0; length];
    from.read_exact(&mut payload).await?;
    Ok(Some(Frame { kind, number: u32::from_le_bytes(number), payload: payload.into() }))
}

/// Writes a frame. The caller flushes.
///
/// # Errors
/// Invalid input for a payload over [`MAX_PAYLOAD`]; whatever the stream returns.
pub async fn write_frame(to: &mut (impl AsyncWrite + Unpin), frame: &Frame) -> Result<()> {
    let length = frame.payload.len();
    if length > MAX_PAYLOAD {
        return Err(Error::new(ErrorKind::InvalidInput, format!("a frame of {length} bytes is too long")));
    }
    let mut header = [0; HEADER];
    header[..4].copy_from_slice(&u32::try_from(length).unwrap_or(u32::MAX).to_le_bytes());
    header[4] = frame.kind as u8;
    header[5..].copy_from_slice(&frame.number.to_le_bytes());
    to.write_all(&header).await?;
    to.write_all(&frame.payload).await
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn run<T>(future: impl Future<Output = T>) -> T {
        tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
    }

    proptest! {
        #[test]
        fn frames_are_read_as_written(number: u32, payload in prop::collection::vec(any::<u8>(), 0..2000)) {
            for kind in (0..=u8::MAX).filter_map(Kind::of) {
                let frame = Frame::data(kind, number, payload.clone());
                let mut stream = Vec::new();
                run(write_frame(&mut stream, &frame)).unwrap();
                let mut rest = &stream[..];
                prop_assert_eq!(run(read_frame(&mut rest)).unwrap(), Some(frame));
                prop_assert_eq!(run(read_frame(&mut rest)).unwrap(), None);
                for end in 1..stream.len().min(12) {
                    prop_assert!(end == stream.len() || run(read_frame(&mut &stream[..end])).is_err());
                }
            }
        }
    }

    #[test]
    fn invalid_frames_are_refused() {
        for header in [[0, 0, 0, 0, 0, 0, 0, 0, 0], [255, 255, 255, 255, 1, 0, 0, 0, 0], [1, 0, 0, 1, 1, 0, 0, 0, 0]] {
            assert_eq!(run(read_frame(&mut &header[..])).unwrap_err().kind(), ErrorKind::InvalidData);
        }
    }
}
