//! Reading request bodies in pieces of a known size.

use bytes::{Bytes, BytesMut};
use futures::{Stream, StreamExt as _};

use crate::error::{Error, Result};

pub(super) fn ended_early() -> Error {
    Error::malformed("the request body is shorter than announced; send it again")
}

/// Returns the error for a body that was interrupted.
pub(crate) fn interrupted(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Error {
    let cause: Box<dyn std::error::Error + Send + Sync> = error.into();
    Error::malformed(format!("the request body was interrupted: {cause}; send it again"))
}

/// Reads exactly `size` bytes of a body; `rest` holds the remainder of the previous block.
pub(super) async fn whole_part<S, E>(size: u64, rest: &mut Bytes, body: &mut S) -> Result<Bytes>
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
            None => return Err(ended_early()),
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
