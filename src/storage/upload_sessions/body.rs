//! Request bodies in pieces of a known size, and their way to a bucket.

use bytes::{Bytes, BytesMut};
use futures::{Stream, StreamExt as _};
use lfs::parts::Checksum;
use lfs::store::CloudStore;

use super::{UploadSession, gone};
use crate::error::{Error, Result};
use crate::storage::Storage;

pub(super) fn ended_early() -> Error {
    Error::malformed("the request body is shorter than announced; send it again")
}

/// Returns the error for a body that was interrupted, or the one of ours that ended it.
pub(crate) fn interrupted(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Error {
    match error.into().downcast::<Error>() {
        Ok(own) => *own,
        Err(cause) => Error::malformed(format!("the request body was interrupted: {cause}; send it again")),
    }
}

/// Reads `size` bytes of a body, or fewer if it ends before; `rest` holds the remainder of the previous block.
pub(super) async fn next_part<S, E>(size: u64, rest: &mut Bytes, body: &mut S) -> Result<Bytes>
where
    S: Stream<Item = Result<Bytes, E>> + Unpin,
    E: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let size = usize::try_from(size).map_err(Error::internal)?;
    let mut whole = BytesMut::with_capacity(size);
    loop {
        let taken = rest.split_to(rest.len().min(size - whole.len()));
        whole.extend_from_slice(&taken);
        if whole.len() == size {
            return Ok(whole.freeze());
        }
        *rest = match body.next().await {
            None => return Ok(whole.freeze()),
            Some(block) => block.map_err(interrupted)?,
        };
    }
}

pub(super) async fn expect_end<S, E>(rest: &Bytes, body: &mut S) -> Result<()>
where
    S: Stream<Item = Result<Bytes, E>> + Unpin,
{
    if !rest.is_empty() || body.next().await.is_some() {
        return Err(Error::invalid(
            "the request body is longer than announced; send exactly the announced number of bytes",
        ));
    }
    Ok(())
}

impl Storage {
    /// Sends a body to a bucket part by part, from an offset at which a part begins, holding one part in memory. Returns
    /// the new offset: an incomplete part is not sent, unless the upload may be smaller than planned.
    ///
    /// # Errors
    /// Wrong checksum, if one is given: it covers the whole body, which can then be only one part.
    pub(super) async fn send_parts<S, E>(
        &self,
        bucket: &CloudStore,
        session: &UploadSession,
        from: u64,
        checksum: Option<&Checksum>,
        mut body: S,
    ) -> Result<std::result::Result<u64, lfs::Error>>
    where
        S: Stream<Item = Result<Bytes, E>> + Unpin,
        E: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let (key, remote) = (session.key(bucket)?, session.remote()?.ok_or_else(gone)?);
        let (mut offset, mut rest) = (from, Bytes::new());
        for part in session.plan.parts().skip_while(|part| part.position < from) {
            let _memory = self.part_memory(part.size).await?;
            let bytes = next_part(part.size, &mut rest, &mut body).await?;
            let length = bytes.len() as u64;
            if length < part.size && (length == 0 || session.sizes().start() == session.sizes().end()) {
                return Ok(Ok(offset));
            }
            if let Some(checksum) = checksum {
                expect_end(&rest, &mut body).await?;
                if !checksum.matches(&bytes) {
                    return Ok(Err(lfs::Error::WrongChecksum));
                }
            }
            bucket.put_part(&key, &remote, part.number, bytes).await?;
            offset += length;
            if length < part.size {
                break;
            }
        }
        expect_end(&rest, &mut body).await?;
        Ok(Ok(offset))
    }
}
