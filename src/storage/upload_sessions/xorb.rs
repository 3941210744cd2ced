//! Storing xorbs, which are objects that no dataset holds.

use bytes::{Bytes, BytesMut};
use futures::{Stream, StreamExt as _, TryStreamExt as _, stream};
use lfs::Oid;
use xet::Hash;
use xet::xorb::{Decoder, Xorb};

use super::UploadSession;
use super::body::interrupted;
use crate::db::datasets::DatasetRow;
use crate::error::{Error, Result};
use crate::storage::Storage;

/// Bytes that are hashed at a time.
const BLOCK: usize = 256 << 10;

/// Number of blocks of a body that are verified at a time, if as many have arrived: each time, another thread wakes up.
const BLOCKS: usize = 16;

/// Without a nonce, the same xorb is the same object.
const NONCE: [u8; 4] = [0; 4];

/// A xorb that is verified while it arrives.
struct Verifier {
    expected: Hash,
    decoder: Decoder,
    /// Bytes that were read and may belong to a footer.
    held: BytesMut,
    passed: usize,
}

impl Storage {
    /// Stores a verified xorb with its list of chunks, as one of a dataset. Returns the object and its size in bytes.
    pub(in crate::storage) async fn store_xorb(
        &self,
        dataset: &DatasetRow,
        packed: Bytes,
        xorb: &Xorb,
    ) -> Result<(Oid, u64)> {
        let footer = Bytes::from(xorb.footer(NONCE));
        let size = (packed.len() + footer.len()) as u64;
        let blocks = (0..packed.len()).step_by(BLOCK).map(move |at| packed.slice(at..packed.len().min(at + BLOCK)));
        let blocks = stream::iter(blocks.chain([footer]).map(Ok::<_, Error>));
        self.store_whole(UploadSession::of_xorb(dataset, xorb.hash().to_string(), size), None, blocks).await
    }

    /// Stores a xorb that a client sends, with its list of chunks, if it is the one of this hash. With the list, it has at
    /// most `most` bytes.
    ///
    /// # Errors
    /// Malformed for another xorb, with the first chunk that is wrong.
    pub(in crate::storage) async fn receive_xorb<S, E>(
        &self,
        dataset: &DatasetRow,
        hash: Hash,
        most: u64,
        body: S,
    ) -> Result<(Oid, u64)>
    where
        S: Stream<Item = Result<Bytes, E>> + Unpin + Send,
        E: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let session = UploadSession::of_xorb(dataset, hash.to_string(), most);
        self.store_whole(session, None, Box::pin(Verifier::new(hash).verified(body))).await
    }
}

impl Verifier {
    fn new(expected: Hash) -> Self {
        Self { expected, decoder: Decoder::new(), held: BytesMut::new(), passed: 0 }
    }

    /// Returns the xorb as it is stored: without the footer of the client, and with ours.
    fn verified<S, E>(self, body: S) -> impl Stream<Item = Result<Bytes>>
    where
        S: Stream<Item = Result<Bytes, E>> + Unpin,
        E: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let state = Some((self, body.ready_chunks(BLOCKS)));
        let blocks = stream::try_unfold(state, async |state| {
            let Some((verifier, mut body)) = state else { return Ok::<_, Error>(None) };
            let blocks = body.next().await.map(|blocks| blocks.into_iter().collect::<std::result::Result<Vec<_>, _>>());
            Ok(Some(match blocks.transpose().map_err(interrupted)? {
                Some(blocks) => {
                    let (verifier, blocks) = crate::blocking(move || verifier.push_all(blocks)).await??;
                    (blocks, Some((verifier, body)))
                }
                None => (vec![crate::blocking(move || verifier.finish()).await??], None),
            }))
        });
        blocks.map_ok(|blocks| stream::iter(blocks).map(Ok)).try_flatten()
    }

    fn push_all(mut self, mut blocks: Vec<Bytes>) -> Result<(Self, Vec<Bytes>)> {
        for block in &mut blocks {
            (self, *block) = self.push(std::mem::take(block))?;
        }
        Ok((self, blocks))
    }

    /// Verifies a block. Returns what is to be stored of it.
    fn push(mut self, block: Bytes) -> Result<(Self, Bytes)> {
        let mut rest = &block[..];
        while self.decoder.next_chunk(&mut rest).map_err(malformed)?.is_some() {}
        let length = self.decoder.chunk_bytes() - self.passed;
        self.passed += length;
        if self.held.is_empty() && length == block.len() {
            return Ok((self, block));
        }
        self.held.extend_from_slice(&block);
        let block = self.held.split_to(length).freeze();
        Ok((self, block))
    }

    /// Returns the footer.
    fn finish(self) -> Result<Bytes> {
        let xorb = self.decoder.finish().map_err(malformed)?;
        if xorb.hash() != self.expected {
            return Err(Error::malformed(format!("the bytes are xorb {}, not {}", xorb.hash(), self.expected)));
        }
        Ok(Bytes::from(xorb.footer(NONCE)))
    }
}

/// Returns the error for bytes of a client.
#[expect(clippy::needless_pass_by_value, reason = "for map_err")]
pub(in crate::storage) fn malformed(error: xet::Error) -> Error {
    Error::malformed(error.to_string())
}
