//! WebSockets (RFC 6455): copies bytes both ways after the app has accepted the upgrade.

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::body::Body;
use axum::extract::Request;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, Version, header};
use axum::response::Response;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};

use super::Proxy;
use super::cookies::Cookies;
use super::headers;
use super::pages;
use super::registry::Entry;
use crate::access::AppUseGrant;
use crate::apps::Apps;
use crate::apps::installs::InstallRow;
use crate::error::{Error, Result};
use crate::web::http::Client;

/// Interval at which data is noted as use of the app.
const USE_INTERVAL: Duration = Duration::from_secs(60);
/// Size of the buffer of each direction, in bytes.
const BUFFER: usize = 8 << 10;

/// Returns true for a request to open a WebSocket.
///
/// # Errors
/// Malformed for any other upgrade: an app could answer it with a protocol that this proxy does not understand.
pub(super) fn requested(request: &Parts) -> Result<bool> {
    let headers = &request.headers;
    if !headers.contains_key(header::UPGRADE) {
        return Ok(false);
    }
    let is_named = |name: header::HeaderName, word: &str| {
        let lines = headers.get_all(name).iter().filter_map(|line| line.to_str().ok());
        lines.flat_map(|line| line.split(',')).any(|part| part.trim().eq_ignore_ascii_case(word))
    };
    let is_websocket = request.method == Method::GET
        && request.version == Version::HTTP_11
        && headers.get_all(header::UPGRADE).iter().count() == 1
        && headers.get(header::UPGRADE).is_some_and(|value| value.as_bytes().eq_ignore_ascii_case(b"websocket"))
        && is_named(header::CONNECTION, "upgrade")
        && headers.get(header::SEC_WEBSOCKET_VERSION).is_some_and(|version| version == "13")
        && headers.contains_key(header::SEC_WEBSOCKET_KEY)
        && !has_body(headers);
    if is_websocket { Ok(true) } else { Err(Error::malformed("only WebSockets (RFC 6455) can be opened to an app")) }
}

fn has_body(headers: &HeaderMap) -> bool {
    headers.contains_key(header::TRANSFER_ENCODING)
        || headers.get(header::CONTENT_LENGTH).is_some_and(|length| length != "0")
}

/// Sends the request, and connects both sides if the app accepts.
pub(super) async fn forward(
    proxy: &Proxy,
    mut request: Request,
    endpoint: &str,
    grant: &AppUseGrant,
    entry: Entry,
    base: &str,
    cookies: &Cookies,
) -> Result<Response> {
    // The connection leaves the limit of connections when it is upgraded.
    let slot = match request.extensions().get::<Client>() {
        Some(client) => Some(client.tunnel().ok_or_else(|| Error::busy("too many WebSockets from your address"))?),
        None => None,
    };
    let from_client = hyper::upgrade::on(&mut request);
    let (parts, _) = request.into_parts();
    let mut request = Request::from_parts(parts, Body::empty());
    request.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("Upgrade"));
    request.headers_mut().insert(header::UPGRADE, HeaderValue::from_static("websocket"));
    let mut response = match proxy.upstream.send(endpoint, request).await {
        Ok(response) => response,
        Err((status, detail)) => return Ok(pages::failure(status, detail, None)),
    };
    if response.status() != StatusCode::SWITCHING_PROTOCOLS {
        headers::prepare_response(&mut response, &proxy.app.apps, grant.install(), base, cookies);
        return Ok(response.map(|body| entry.until_sent(body)));
    }
    let from_app = hyper::upgrade::on(&mut response);
    let (apps, install) = (proxy.app.apps.clone(), grant.shared_install());
    tokio::spawn(async move {
        let _slot = slot;
        let Ok((client, app)) = tokio::try_join!(from_client, from_app) else { return };
        let copied = copy(TokioIo::new(client), TokioIo::new(app), (&apps, &install));
        tokio::select! {
            () = copied => {}
            () = entry.ended() => {}
        }
    });
    headers::prepare_response(&mut response, &proxy.app.apps, grant.install(), base, cookies);
    response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("Upgrade"));
    response.headers_mut().insert(header::UPGRADE, HeaderValue::from_static("websocket"));
    Ok(response.map(|_| Body::empty()))
}

/// Copies both ways until one side closes; then what the other has sent is still delivered.
async fn copy<C, A>(client: C, app: A, (apps, install): (&Apps, &Arc<InstallRow>))
where
    C: AsyncRead + AsyncWrite,
    A: AsyncRead + AsyncWrite,
{
    let (mut client_reads, mut client_writes) = tokio::io::split(client);
    let (mut app_reads, mut app_writes) = tokio::io::split(app);
    let to_app = async {
        let (mut buffer, mut frames, mut noted) = (vec![0; BUFFER], Frames::default(), Instant::now());
        loop {
            let read = match client_reads.read(&mut buffer).await {
                Ok(0) | Err(_) => break,
                Ok(read) => read,
            };
            // Pings and their answers do not keep an app awake.
            if frames.has_data(&buffer[..read]) && noted.elapsed() >= USE_INTERVAL {
                noted = Instant::now();
                apps.used(install);
            }
            if app_writes.write_all(&buffer[..read]).await.is_err() {
                break;
            }
        }
        let _ = app_writes.shutdown().await;
    };
    let to_client = async {
        let mut buffer = vec![0; BUFFER];
        loop {
            let read = match app_reads.read(&mut buffer).await {
                Ok(0) | Err(_) => break,
                Ok(read) => read,
            };
            if client_writes.write_all(&buffer[..read]).await.is_err() {
                break;
            }
        }
        let _ = client_writes.shutdown().await;
    };
    // A side that has ended sends nothing more; the other may still close in order.
    tokio::select! {
        () = to_app => {}
        () = to_client => {}
    }
}

/// Follows the frames of one direction: only their opcodes and lengths.
#[derive(Default)]
struct Frames {
    head: Vec<u8>,
    /// Bytes of the current frame that are still to come, after its head.
    left: u64,
}

impl Frames {
    /// Returns true if a data frame begins within these bytes.
    fn has_data(&mut self, mut bytes: &[u8]) -> bool {
        let mut found = false;
        while !bytes.is_empty() {
            if self.left > 0 {
                let skipped = usize::try_from(self.left).unwrap_or(usize::MAX).min(bytes.len());
                self.left -= u64::try_from(skipped).unwrap_or(u64::MAX);
                bytes = &bytes[skipped..];
                continue;
            }
            self.head.push(bytes[0]);
            bytes = &bytes[1..];
            let Some(length) = length(&self.head) else { continue };
            // Continuation, text and binary.
            found |= self.head[0] & 0x0f <= 2;
            self.left = length;
            self.head.clear();
        }
        found
    }
}

/// Returns the length of the payload and the mask of a frame; `None` if its head is not complete.
fn length(head: &[u8]) -> Option<u64> {
    let second = *head.get(1)?;
    let mask = if second & 0x80 == 0 { 0 } else { 4 };
    let payload = match second & 0x7f {
        126 => u64::from(u16::from_be_bytes(head.get(2..4)?.try_into().ok()?)),
        127 => u64::from_be_bytes(head.get(2..10)?.try_into().ok()?),
        short => u64::from(short),
    };
    payload.checked_add(mask).or(Some(u64::MAX))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn frame(opcode: u8, payload: usize) -> Vec<u8> {
        let mut frame = vec![0x80 | opcode];
        match payload {
            0..=125 => frame.push(0x80 | u8::try_from(payload).unwrap()),
            126..=0xffff => {
                frame.push(0x80 | 0x7e);
                frame.extend(u16::try_from(payload).unwrap().to_be_bytes());
            }
            _ => {
                frame.push(0x80 | 0x7f);
                frame.extend(u64::try_from(payload).unwrap().to_be_bytes());
            }
        }
        // The mask, and a payload that looks like heads of data frames.
        frame.extend([0x81; 4]);
        frame.extend(std::iter::repeat_n(0x81, payload));
        frame
    }

    proptest! {
        #[test]
        fn data_frames_differ_from_control_frames(
            sizes in proptest::collection::vec((0usize..3, prop_oneof![0usize..130, 65_530usize..65_540]), 1..6),
            cut in 1usize..5000,
        ) {
            let opcodes = [9u8, 10, 8];
            let mut bytes: Vec<u8> = sizes.iter().flat_map(|(at, size)| frame(opcodes[*at], *size)).collect();
            let mut frames = Frames::default();
            for chunk in bytes.chunks(cut) {
                prop_assert!(!frames.has_data(chunk), "control frames only");
            }
            bytes = frame(2, 3);
            prop_assert_eq!(bytes.chunks(cut).filter(|chunk| frames.has_data(chunk)).count(), 1);
        }
    }

    #[test]
    fn only_websockets_are_upgrades() {
        let request = |pairs: &[(&str, &str)]| {
            let (mut request, ()) = axum::http::Request::new(()).into_parts();
            for (name, value) in pairs {
                request.headers.append(name.parse::<header::HeaderName>().unwrap(), value.parse().unwrap());
            }
            request
        };
        let good = [
            ("upgrade", "websocket"),
            ("connection", "keep-alive, Upgrade"),
            ("sec-websocket-version", "13"),
            ("sec-websocket-key", "x"),
        ];
        assert!(requested(&request(&good)).unwrap() && !requested(&request(&good[1..])).unwrap());
        for bad in [
            &[("upgrade", "h2c"), good[1], good[2], good[3]][..],
            &[good[0], ("connection", "close"), good[2], good[3]],
            &[good[0], good[1], ("sec-websocket-version", "8"), good[3]],
            &good[..3],
            &[good[0], good[0], good[1], good[2], good[3]],
            &[good[0], good[1], good[2], good[3], ("content-length", "5")],
            &[good[0], good[1], good[2], good[3], ("transfer-encoding", "chunked")],
        ] {
            assert!(requested(&request(bad)).is_err(), "{bad:?}");
        }
        let mut post = request(&good);
        post.method = Method::POST;
        assert!(requested(&post).is_err());
    }
}
