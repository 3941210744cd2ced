//! Copies within the bucket: no bytes pass through this server.

use std::time::Duration;

use futures::{StreamExt as _, TryStreamExt as _, stream};
use http::Method;
use object_store::{ObjectMeta, ObjectStoreExt as _};
use serde::Deserialize;
use tokio::time::sleep;

use super::{
    Cloud, CloudStore, Inner, Key, Part, PartsId,
    failure::Failure,
    request::{Call, LONG_TIMEOUT, target},
};
use crate::{Error, parts::MAX_PARTS};

/// Maximum size in bytes copied in one S3 request. The limit of S3 is 5 GiB, but that takes long; parts are
/// copied concurrently.
const ONE_COPY: u64 = 256 << 20;

/// Number of concurrent part copies.
const COPY_CONCURRENCY: usize = 4;

/// How often the status of an asynchronous Azure copy is polled, once a second.
const QUESTIONS: u32 = 3600;

#[derive(Deserialize)]
struct CopiedPart {
    #[serde(rename = "ETag")]
    etag: String,
}

impl CloudStore {
    /// Copies the object at `from` to `to`, to which no client can write, so that the verified content cannot
    /// change. Returns `false` if there is no object at `from`. The source is kept.
    pub async fn promote(&self, from: &Key, to: &Key) -> Result<bool, Error> {
        let Some(found) = self.0.head(from).await? else { return Ok(false) };
        let (source, target) = (self.0.location(from), self.0.location(to));
        let end = match &self.0.cloud {
            Cloud::S3(s3) if found.size > ONE_COPY => {
                let part = part_size(found.size);
                self.0.copy_in_parts(&s3.bucket, &found, target.as_ref(), part).await
            }
            Cloud::Azure(_) => self.0.copy_blob(source.as_ref(), target.as_ref()).await,
            Cloud::S3(_) | Cloud::Gcs(_) => self.0.objects.copy(&source, &target).await.map_err(Failure::from),
        };
        match end {
            Ok(()) => Ok(true),
            Err(failure) if failure.is_missing() => Ok(false),
            Err(failure) => Err(failure.into()),
        }
    }
}

/// Returns the part size of a copy in bytes. It is a multiple of 1 MiB, so all parts but the last have equal
/// sizes.
fn part_size(size: u64) -> u64 {
    size.div_ceil(u64::from(MAX_PARTS)).next_multiple_of(1 << 20).max(ONE_COPY)
}

impl Inner {
    /// Copies in parts, with as many `UploadPartCopy` requests as required.
    async fn copy_in_parts(&self, bucket: &str, from: &ObjectMeta, to: &str, part: u64) -> Result<(), Failure> {
        let id = self.begin(to).await?;
        let copied = async {
            let parts = stream::iter(1..).map(|number| self.copy_part(bucket, from, to, &id, number, part));
            let count = usize::try_from(from.size.div_ceil(part)).unwrap_or(usize::MAX);
            let parts: Vec<_> = parts.take(count).buffered(COPY_CONCURRENCY).try_collect().await?;
            self.complete(to, &id, &parts).await
        };
        let end = copied.await;
        if end.is_err() {
            // Unfinished parts are invisible but take up space. If this fails too, the lifecycle rules of the
            // bucket must abort it.
            if let Err(failure) = self.abort(to, &id).await {
                tracing::warn!(%failure, to, "could not abort a failed copy");
            }
        }
        end
    }

    async fn copy_part(
        &self,
        bucket: &str,
        from: &ObjectMeta,
        to: &str,
        id: &PartsId,
        number: u32,
        part: u64,
    ) -> Result<Part, Failure> {
        let start = u64::from(number - 1) * part;
        let end = from.size.min(start + part);
        let (number_text, range) = (number.to_string(), format!("bytes={start}-{}", end - 1));
        let source = target(&format!("/{bucket}"), from.location.as_ref(), &[]);
        let mut headers = vec![("x-amz-copy-source", source.as_str()), ("x-amz-copy-source-range", &range)];
        headers.extend(from.e_tag.as_deref().map(|tag| ("x-amz-copy-source-if-match", tag)));
        let query = [("partNumber", number_text.as_str()), ("uploadId", id.as_str())];
        let call = Call { query: &query, headers: &headers, max_duration: LONG_TIMEOUT, ..Call::new(Method::PUT, to) };
        let copied: CopiedPart = self.send(call).await?.xml()?;
        Ok(Part { number, size: end - start, etag: copied.etag })
    }

    /// Sends `Copy Blob`, which may continue after its response.
    async fn copy_blob(&self, from: &str, to: &str) -> Result<(), Failure> {
        let source = target(&self.base, from, &[]);
        let headers = [("x-ms-copy-source", source.as_str())];
        let mut answer = self.send(Call { headers: &headers, ..Call::new(Method::PUT, to) }).await?;
        for _ in 0..QUESTIONS {
            match answer.header("x-ms-copy-status") {
                "pending" => {}
                "success" => return Ok(()),
                other => {
                    let why = answer.header("x-ms-copy-status-description");
                    return Err(Failure::silence(format!("the copy ended with status `{other}` {why}")));
                }
            }
            sleep(Duration::from_secs(1)).await;
            answer = self.send(Call::new(Method::HEAD, to)).await?;
        }
        Err(Failure::silence("the copy timed out"))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn any_size_fits_into_the_parts_of_a_copy(size in ONE_COPY..=5 << 40) {
            let part = part_size(size);
            prop_assert!(size.div_ceil(part) <= u64::from(MAX_PARTS));
            prop_assert!((ONE_COPY..=5 << 30).contains(&part));
        }
    }
}
