//! The server of an app: tells what it received, and speaks WebSockets, events and large bodies.

use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;

pub(super) struct Upstream {
    /// `host:port`.
    pub(super) endpoint: String,
    /// Ends the server when it is cancelled.
    pub(super) stop: CancellationToken,
}

impl Upstream {
    /// Starts a server. A deaf one accepts connections, and never answers.
    pub(super) async fn start(is_deaf: bool) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let endpoint = listener.local_addr().unwrap().to_string();
        let stop = CancellationToken::new();
        let token = stop.clone();
        tokio::spawn(async move {
            while let Some(Ok((stream, _))) = token.run_until_cancelled(listener.accept()).await {
                let token = token.clone();
                tokio::spawn(async move {
                    let serving = async {
                        if is_deaf {
                            tokio::time::sleep(Duration::from_secs(600)).await;
                        }
                        serve(stream).await
                    };
                    token.run_until_cancelled(serving).await
                });
            }
        });
        Self { endpoint, stop }
    }
}

/// Serves the requests of one connection: by hand, so that each byte is known.
async fn serve(mut stream: TcpStream) -> Option<()> {
    let mut buffer = Vec::new();
    loop {
        let head = read_head(&mut stream, &mut buffer).await?;
        let line = head.lines().next()?.to_owned();
        let path = line.split(' ').nth(1)?.to_owned();
        let header = |name: &str| {
            head.lines().find_map(|line| {
                let (key, value) = line.split_once(':')?;
                key.eq_ignore_ascii_case(name).then(|| value.trim().to_owned())
            })
        };
        if header("upgrade").is_some() {
            let answer = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n";
            stream.write_all(answer.as_bytes()).await.ok()?;
            let mut bytes = vec![0; 4096];
            loop {
                let read = stream.read(&mut bytes).await.ok().filter(|read| *read > 0)?;
                stream.write_all(&bytes[..read]).await.ok()?;
            }
        }
        let body = read_body(&mut stream, &mut buffer, header("content-length"), header("transfer-encoding")).await?;
        let shown = format!("{head}\n[{} bytes]", body.len());
        let extra = match path.split('?').next()? {
            "/cookies" => {
                "Set-Cookie: own=1; Path=/\r\nSet-Cookie: rutter=evil\r\nSet-Cookie: wide=1; Domain=apps.localhost\r\n"
            }
            "/headers" => "Alt-Svc: h2=\":1\"\r\nService-Worker-Allowed: /\r\nClear-Site-Data: \"*\"\r\nX-Own: 1\r\n",
            "/redirect" => "Location: /elsewhere\r\n",
            _ => "",
        };
        match path.split('?').next()? {
            "/events" => {
                let head = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n";
                stream.write_all(head.as_bytes()).await.ok()?;
                loop {
                    stream.write_all(b"9\r\ndata: x\n\n\r\n").await.ok()?;
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
            }
            "/echo" => respond(&mut stream, extra, &body).await?,
            _ => respond(&mut stream, extra, shown.as_bytes()).await?,
        }
    }
}

async fn respond(stream: &mut TcpStream, extra: &str, body: &[u8]) -> Option<()> {
    let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n{extra}\r\n", body.len());
    stream.write_all(head.as_bytes()).await.ok()?;
    stream.write_all(body).await.ok()
}

async fn fill(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> Option<()> {
    let mut bytes = vec![0; 64 << 10];
    let read = stream.read(&mut bytes).await.ok().filter(|read| *read > 0)?;
    buffer.extend_from_slice(&bytes[..read]);
    Some(())
}

async fn read_head(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> Option<String> {
    loop {
        if let Some(end) = buffer.windows(4).position(|window| window == b"\r\n\r\n") {
            let head = String::from_utf8_lossy(&buffer[..end]).into_owned();
            buffer.drain(..end + 4);
            return Some(head);
        }
        fill(stream, buffer).await?;
    }
}

async fn read_body(
    stream: &mut TcpStream,
    buffer: &mut Vec<u8>,
    length: Option<String>,
    coding: Option<String>,
) -> Option<Vec<u8>> {
    if coding.is_none() {
        let length: usize = length.map_or(Some(0), |length| length.parse().ok())?;
        while buffer.len() < length {
            fill(stream, buffer).await?;
        }
        return Some(buffer.drain(..length).collect());
    }
    let mut body = Vec::new();
    loop {
        let end = loop {
            match buffer.windows(2).position(|window| window == b"\r\n") {
                Some(end) => break end,
                None => fill(stream, buffer).await?,
            }
        };
        let size = usize::from_str_radix(std::str::from_utf8(&buffer[..end]).ok()?.trim(), 16).ok()?;
        while buffer.len() < end + 2 + size + 2 {
            fill(stream, buffer).await?;
        }
        body.extend_from_slice(&buffer[end + 2..end + 2 + size]);
        buffer.drain(..end + 2 + size + 2);
        if size == 0 {
            return Some(body);
        }
    }
}
