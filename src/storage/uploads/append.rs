//! Sequential uploads (tus) to a bucket.

use bytes::{Bytes, BytesMut};
use futures::{Stream, StreamExt as _};
use lfs::parts::tus::Patch;
use lfs::store::CloudStore;

use super::Upload;
use crate::error::Error;

/// Sends whole parts only: an incomplete part is sent again after an interruption.
pub(super) async fn to_bucket<S, E>(
    bucket: &CloudStore,
    upload: &Upload,
    patch: &Patch,
    mut body: S,
) -> std::result::Result<u64, lfs::Error>
where
    S: Stream<Item = Result<Bytes, E>> + Unpin + Send,
    E: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let broken = |error: Error| lfs::Error::Invalid(error.to_string());
    let (key, id) = (upload.key(bucket).map_err(broken)?, upload.parts_id().map_err(broken)?);
    let mut offset = patch.offset;
    let mut parts = upload.plan.parts().skip_while(|part| part.position < patch.offset);
    let Some(mut part) = parts.next() else { return Ok(offset) };
    let capacity = |size: u64| usize::try_from(size).unwrap_or(usize::MAX);
    let mut waiting = BytesMut::new();
    while let Some(block) = body.next().await {
        let mut block = block.map_err(|error| lfs::Error::Interrupted(error.into()))?;
        while !block.is_empty() {
            let taken = block.split_to(block.len().min(capacity(part.size) - waiting.len()));
            waiting.extend_from_slice(&taken);
            if waiting.len() < capacity(part.size) {
                continue;
            }
            let whole = waiting.split().freeze();
            // The checksum covers the whole request, which is held back until it has been verified: one part at most.
            if let Some(checksum) = &patch.checksum
                && (patch.length != Some(part.size) || !checksum.matches(&whole))
            {
                return Err(lfs::Error::WrongChecksum);
            }
            bucket.put_part(&key, &id, part.number, whole).await?;
            offset += part.size;
            match parts.next() {
                Some(next) => part = next,
                None if block.is_empty() => return Ok(offset),
                None => {
                    let actual = offset + block.len() as u64;
                    return Err(lfs::Error::WrongSize { expected: upload.size(), actual });
                }
            }
        }
    }
    Ok(offset)
}
