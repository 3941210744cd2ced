//! Arrow IPC streams, cut into their messages. Only the header of a message is looked at; record batches are passed on
//! as they are.

use arrow_ipc::root_as_message;
use bytes::{Buf as _, Bytes, BytesMut};
use futures::{Stream, StreamExt as _, stream};

use crate::error::{Error, Result};

/// Maximum size of a message, in bytes. It is in memory until the client has read it. The engine splits batches, so only a
/// row can be as long.
const MAX_MESSAGE: usize = 8 << 20;

/// What a message begins with, before the length of its header.
const CONTINUATION: u32 = u32::MAX;

/// The length of [`CONTINUATION`] and of the length that follows it.
const PREFIX: usize = 8;

/// A message of an Arrow IPC stream: the schema, a dictionary or a record batch.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Message {
    /// The header: a flatbuffer.
    pub(super) header: Bytes,
    /// The body.
    pub(super) body: Bytes,
}

/// Cuts a stream into its messages, in order.
pub(super) fn messages(
    input: impl Stream<Item = Result<Bytes>> + Send + 'static,
) -> impl Stream<Item = Result<Message>> + Send + 'static {
    stream::try_unfold((input.boxed(), Cutter::default()), async |(mut input, mut cutter)| {
        loop {
            if let Some(message) = cutter.next()? {
                return Ok(Some((message, (input, cutter))));
            }
            match input.next().await {
                Some(part) => cutter.add(&part?)?,
                None if cutter.is_at_end() => return Ok(None),
                None => return Err(malformed("it is truncated")),
            }
        }
    })
}

/// Returns the schema of a stream that is complete, as a message with its prefix.
pub(super) fn schema(stream: &[u8]) -> Result<Bytes> {
    let mut cutter = Cutter::default();
    cutter.add(stream)?;
    let Some(Message { header, .. }) = cutter.next()? else { return Err(malformed("it has no schema")) };
    let length = u32::try_from(header.len()).map_err(Error::internal)?;
    Ok([&CONTINUATION.to_le_bytes()[..], &length.to_le_bytes(), &header].concat().into())
}

#[derive(Default)]
struct Cutter {
    unread: BytesMut,
    /// True after the mark of the end.
    has_ended: bool,
}

impl Cutter {
    fn add(&mut self, part: &[u8]) -> Result<()> {
        if self.has_ended && !part.is_empty() {
            return Err(malformed("something follows its end"));
        }
        self.unread.extend_from_slice(part);
        Ok(())
    }

    fn is_at_end(&self) -> bool {
        self.unread.is_empty()
    }

    /// Returns the next message, if all of it is there.
    fn next(&mut self) -> Result<Option<Message>> {
        let Some((prefix, rest)) = self.unread.split_first_chunk::<PREFIX>() else { return Ok(None) };
        let mut prefix = &prefix[..];
        if prefix.get_u32_le() != CONTINUATION {
            return Err(malformed("a message has no prefix"));
        }
        let length = prefix.get_u32_le() as usize;
        if length == 0 {
            self.has_ended = true;
            if !rest.is_empty() {
                return Err(malformed("something follows its end"));
            }
            self.unread.clear();
            return Ok(None);
        }
        if length > MAX_MESSAGE {
            return Err(too_large());
        }
        let Some(header) = rest.get(..length) else { return Ok(None) };
        let message = root_as_message(header).map_err(|_| malformed("a message is damaged"))?;
        let body = usize::try_from(message.bodyLength()).map_err(|_| malformed("a message has no length"))?;
        if body > MAX_MESSAGE - length {
            return Err(too_large());
        }
        if rest.len() - length < body {
            self.unread.reserve(PREFIX + length + body - self.unread.len());
            return Ok(None);
        }
        self.unread.advance(PREFIX);
        let header = self.unread.split_to(length).freeze();
        Ok(Some(Message { header, body: self.unread.split_to(body).freeze() }))
    }
}

fn malformed(why: &'static str) -> Error {
    Error::internal(format!("the table engine sent no Arrow IPC stream: {why}"))
}

fn too_large() -> Error {
    Error::invalid(format!(
        "a record batch of the result has more than {MAX_MESSAGE} bytes; select fewer columns, or shorter values"
    ))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow_array::{Int64Array, RecordBatch, StringArray};
    use arrow_ipc::convert::try_schema_from_ipc_buffer;
    use arrow_ipc::writer::StreamWriter;
    use futures::TryStreamExt as _;
    use proptest::prelude::*;

    use super::*;
    use crate::error::Kind;

    fn sample() -> (RecordBatch, Vec<u8>) {
        let (ids, names) = (Int64Array::from(vec![1, 2, 3]), StringArray::from(vec![Some("a"), None, Some("ccc")]));
        let batch = RecordBatch::try_from_iter([("id", Arc::new(ids) as _), ("name", Arc::new(names) as _)]).unwrap();
        let mut writer = StreamWriter::try_new(Vec::new(), &batch.schema()).unwrap();
        (0..3).for_each(|_| writer.write(&batch).unwrap());
        (batch, writer.into_inner().unwrap())
    }

    async fn cut(parts: Vec<Vec<u8>>) -> Result<Vec<Message>> {
        messages(stream::iter(parts.into_iter().map(|part| Ok(part.into())))).try_collect().await
    }

    #[tokio::test]
    async fn messages_do_not_depend_on_how_they_arrive() {
        let (batch, bytes) = sample();
        let whole = cut(vec![bytes.clone()]).await.unwrap();
        assert_eq!(whole.len(), 4);
        assert_eq!(try_schema_from_ipc_buffer(&schema(&bytes).unwrap()).unwrap(), *batch.schema());
        for size in [1, 7, 64, 1000] {
            assert_eq!(cut(bytes.chunks(size).map(<[u8]>::to_vec).collect()).await.unwrap(), whole, "{size}");
        }
    }

    #[tokio::test]
    async fn damaged_streams_are_refused() {
        let (_, bytes) = sample();
        let huge = [&u32::MAX.to_le_bytes()[..], &(1_u32 << 30).to_le_bytes()].concat();
        let mut more = bytes.clone();
        more.extend_from_slice(b"more");
        for damaged in [bytes[..bytes.len() - 100].to_vec(), bytes[..3].to_vec(), more, b"12345678".to_vec()] {
            assert_eq!(cut(vec![damaged]).await.unwrap_err().detail(), "internal error");
        }
        assert_eq!(cut(vec![huge]).await.unwrap_err().kind(), Kind::Invalid);
        assert!(schema(&[]).is_err());
    }

    proptest! {
        #[test]
        fn any_bytes_are_cut_or_refused(at in any::<prop::sample::Index>(), byte in any::<u8>()) {
            let (_, mut bytes) = sample();
            let at = at.index(bytes.len());
            bytes[at] = byte;
            let mut cutter = Cutter::default();
            cutter.add(&bytes).unwrap();
            while let Ok(Some(_)) = cutter.next() {}
        }
    }
}
