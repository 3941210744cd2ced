//! Logs of containers.

use std::time::Duration;

use bollard::query_parameters::LogsOptions;
use bytes::Bytes;
use futures::StreamExt as _;

use super::engine::{self, Connection};
use crate::apps::backend::{LAST_LOG_BYTES, LogQuery, LogStream};

/// Longest time to wait for the next part of a log that has ended.
const STALLED: Duration = Duration::from_secs(30);

/// Longest time to read the end of a log. It must not delay the removal of its container much.
const LAST_LOG_TIMEOUT: Duration = Duration::from_secs(5);

/// The most lines that are kept of a run.
const LAST_LOG_LINES: u32 = 2000;

/// Returns the log of a container, in parts of at most 16 KiB, into which the engine divides it.
pub(super) fn stream(connection: &Connection, container: &str, query: LogQuery) -> LogStream {
    let options = LogsOptions {
        follow: query.follow,
        stdout: true,
        stderr: true,
        tail: query.tail.to_string(),
        ..LogsOptions::default()
    };
    let parts = connection.api.logs(container, Some(options)).boxed();
    let follow = query.follow;
    futures::stream::unfold(Some(parts), move |parts| async move {
        let mut parts = parts?;
        let next = if follow {
            parts.next().await
        } else {
            let late = |_| Some(Err(bollard::errors::Error::RequestTimeoutError));
            tokio::time::timeout(STALLED, parts.next()).await.unwrap_or_else(late)
        };
        match next? {
            Ok(part) => Some((Ok(text(part.into_bytes())), Some(parts))),
            Err(error) => Some((Err(engine::unavailable(error)), None)),
        }
    })
    .boxed()
}

/// Replaces what is not text.
fn text(part: Bytes) -> Bytes {
    match str::from_utf8(&part) {
        Ok(_) => part,
        Err(_) => String::from_utf8_lossy(&part).into_owned().into(),
    }
}

/// Returns the end of a container's log, or what can be read of it.
pub(super) async fn last(connection: &Connection, container: &str) -> String {
    let mut log = Vec::new();
    let mut parts = stream(connection, container, LogQuery { tail: LAST_LOG_LINES, follow: false });
    let read = async {
        while let Some(Ok(part)) = parts.next().await {
            log.extend_from_slice(&part);
            let excess = log.len().saturating_sub(LAST_LOG_BYTES);
            log.drain(..excess);
        }
    };
    _ = tokio::time::timeout(LAST_LOG_TIMEOUT, read).await;
    // The first character may be cut, and is replaced by a longer one.
    let mut start = log.iter().take_while(|byte| **byte & 0xc0 == 0x80).count();
    let mut text = String::from_utf8_lossy(&log[start..]);
    while text.len() > LAST_LOG_BYTES {
        start += 1;
        text = String::from_utf8_lossy(&log[start..]);
    }
    text.into_owned()
}
