//! Compressed downloads (`Content-Encoding: zstd`), for objects that become smaller and clients that ask for it: git-lfs
//! 3.8 with `lfs.transfer.httpDownloadEncoding=zstd`.
//!
//! There is no gzip: every git-lfs asks for it unknowingly, and compressing is ten times slower than sending.

use std::io;
use std::sync::LazyLock;

use async_compression::Level;
use async_compression::tokio::bufread::ZstdEncoder;
use axum::body::Body;
use axum::http::response::Builder;
use axum::http::{HeaderMap, header};
use axum::response::Response;
use bytes::Bytes;
use futures::stream::{self, BoxStream};
use futures::{StreamExt as _, TryStreamExt as _};
use tokio::io::AsyncReadExt as _;
use tokio::sync::Semaphore;
use tokio_util::io::{ReaderStream, StreamReader};

use crate::error::{Error, Result};

/// Smaller objects are sent as they are, in bytes.
pub(super) const MIN_SIZE: u64 = 16 << 10;

/// Bytes that are compressed to see whether an object becomes smaller.
const SAMPLE: usize = 128 << 10;

/// An object is compressed if its sample becomes this much smaller, in percent.
const MIN_SAVED: usize = 20;

/// Bytes that are compressed at a time.
const BLOCK: usize = 64 << 10;

/// Downloads that are compressed at the same time: one for each core. Further ones are sent as they are.
static TURNS: LazyLock<Semaphore> =
    LazyLock::new(|| Semaphore::new(std::thread::available_parallelism().map_or(1, std::num::NonZero::get)));

/// The blocks of an object.
type Blocks = BoxStream<'static, Result<Bytes>>;

/// Returns true if the client accepts zstd.
pub(super) fn accepts_zstd(headers: &HeaderMap) -> bool {
    let values = headers.get_all(header::ACCEPT_ENCODING).into_iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).any(|coding| {
        let (name, parameters) = coding.split_once(';').unwrap_or((coding, ""));
        let quality = parameters.trim().strip_prefix("q=").map_or(Ok(1.0), str::parse::<f32>);
        name.trim().eq_ignore_ascii_case("zstd") && quality.is_ok_and(|quality| quality > 0.0)
    })
}

/// Compresses an object; returns it unchanged if that saves too little, or if too many are being compressed.
pub(super) async fn compressed(mut blocks: Blocks) -> Result<std::result::Result<Blocks, Blocks>> {
    let Ok(turn) = TURNS.try_acquire() else { return Ok(Err(blocks)) };
    let (mut first, mut length) = (Vec::new(), 0);
    while length < SAMPLE
        && let Some(block) = blocks.try_next().await?
    {
        length += block.len();
        first.push(block);
    }
    let sample: Vec<u8> = first.iter().flatten().copied().take(SAMPLE).collect();
    let whole = stream::iter(first.into_iter().map(Ok)).chain(blocks).boxed();
    let mut packed = Vec::new();
    encoder(stream::iter([Ok(Bytes::from(sample.clone()))]).boxed()).read_to_end(&mut packed).await?;
    if packed.len() * 100 > sample.len() * (100 - MIN_SAVED) {
        return Ok(Err(whole));
    }
    let compressed = ReaderStream::with_capacity(encoder(whole), BLOCK).map_err(Error::internal);
    let guarded = compressed.inspect(move |_| {
        let _turn = &turn;
    });
    Ok(Ok(guarded.boxed()))
}

fn encoder(blocks: Blocks) -> ZstdEncoder<StreamReader<BoxStream<'static, io::Result<Bytes>>, Bytes>> {
    let reader = StreamReader::new(blocks.map_err(io::Error::other).boxed());
    ZstdEncoder::with_quality(reader, Level::Fastest)
}

/// Returns the response with a compressed object.
pub(super) fn answer(mut response: Builder, oid: &str, compressed: Blocks) -> Result<Response> {
    if let Some(headers) = response.headers_mut() {
        headers.remove(header::CONTENT_LENGTH);
        headers.remove(header::ACCEPT_RANGES);
        headers.remove(header::ETAG);
    }
    let response = response.header(header::CONTENT_ENCODING, "zstd").header(header::ETAG, format!("\"{oid}-zstd\""));
    response.body(Body::from_stream(compressed)).map_err(Error::internal)
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    #[test]
    fn clients_ask_for_zstd() {
        for (value, expected) in [
            ("zstd", true),
            ("gzip, deflate, br, ZSTD", true),
            ("gzip;q=1.0, zstd;q=0.5", true),
            ("gzip", false),
            ("zstd;q=0", false),
            ("zstd;q=x", false),
            ("*", false),
            ("", false),
        ] {
            let headers = HeaderMap::from_iter([(header::ACCEPT_ENCODING, HeaderValue::from_static(value))]);
            assert_eq!(accepts_zstd(&headers), expected, "{value}");
        }
    }
}
