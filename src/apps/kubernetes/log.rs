//! The log of a pod.

use bytes::Bytes;
use futures::io::{AsyncBufRead, AsyncBufReadExt};
use futures::stream::{StreamExt, TryStreamExt};
use k8s_openapi::api::core::v1::Pod;
use kube::api::LogParams;

use super::api::{Answer, Namespace};
use super::{objects, phase};
use crate::apps::backend::{LAST_LOG_BYTES, LogQuery, LogStream};
use crate::error::{Error, Result};

/// The number of lines of which the end is kept as the last log.
const LAST_LOG_LINES: u32 = 2000;

/// Returns the log of a pod: of the container before, if that has ended and no other runs.
pub(super) async fn log(namespace: &Namespace, pod: &Pod, query: LogQuery) -> Result<LogStream> {
    let name = pod.metadata.name.as_deref().unwrap_or_default();
    let container = phase::container(pod);
    let has_ended = container.is_some_and(|container| phase::ending(container).is_some());
    let is_waiting =
        container.and_then(|container| container.state.as_ref()).is_some_and(|state| state.waiting.is_some());
    let params = LogParams {
        container: Some(objects::CONTAINER.to_owned()),
        tail_lines: Some(i64::from(query.tail)),
        follow: query.follow,
        previous: has_ended && is_waiting,
        ..LogParams::default()
    };
    if params.follow {
        // The API server answers with the first line, which may take long: opening is a part of the stream.
        let (namespace, name) = (namespace.clone(), name.to_owned());
        let opened = futures::stream::once(async move { opened(namespace.follow(&name, &params).await?) });
        return Ok(opened.try_flatten().boxed());
    }
    opened(namespace.log(name, &params).await?)
}

fn opened(answer: Answer<impl AsyncBufRead + Send + 'static>) -> Result<LogStream> {
    match answer {
        Answer::Done(log) => Ok(chunks(log)),
        // The container has not started yet, or the node has removed its log.
        Answer::Invalid(_) => Ok(futures::stream::empty().boxed()),
        Answer::NotFound => Err(Error::not_found("there is no container")),
        Answer::Conflict => Err(Error::unavailable("Kubernetes has no log of this container; try again")),
    }
}

/// Returns the end of the log of a pod, or `None` if it cannot be read: the state of an app does not depend on its log.
pub(super) async fn last(namespace: &Namespace, pod: &Pod) -> Option<String> {
    let read = async {
        let mut chunks = log(namespace, pod, LogQuery { tail: LAST_LOG_LINES, follow: false }).await?;
        let mut end: Vec<u8> = Vec::new();
        while let Some(chunk) = chunks.try_next().await? {
            end.extend_from_slice(&chunk);
            let excess = end.len().saturating_sub(LAST_LOG_BYTES);
            end.drain(..excess);
        }
        Ok::<_, Error>(end)
    };
    let bytes = namespace.within(read).await.and_then(|read| read).ok()?;
    let mut text = String::from_utf8_lossy(&bytes).into_owned();
    // Invalid bytes were replaced by longer characters.
    let mut excess = text.len().saturating_sub(LAST_LOG_BYTES);
    while !text.is_char_boundary(excess) {
        excess += 1;
    }
    Some(text.split_off(excess)).filter(|text| !text.is_empty())
}

fn chunks(log: impl AsyncBufRead + Send + 'static) -> LogStream {
    futures::stream::try_unfold(Box::pin(log), async |mut log| {
        let chunk = log.fill_buf().await.map(Bytes::copy_from_slice);
        let chunk = chunk.map_err(|error| Error::unavailable("the log has been interrupted").because(error))?;
        log.consume_unpin(chunk.len());
        Ok((!chunk.is_empty()).then_some((chunk, log)))
    })
    .boxed()
}
