//! Raw requests over a plain socket, as no git client would send them.

use std::net::SocketAddr;

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

/// A share without a limit, for [`upload_pack`](metastore::wire::upload_pack).
pub(crate) fn anybody() -> std::future::Ready<Option<()>> {
    std::future::ready(Some(()))
}

/// Returns one packet.
pub(crate) fn packet(payload: impl AsRef<[u8]>) -> Vec<u8> {
    let payload = payload.as_ref();
    let mut packet = format!("{:04x}", payload.len() + 4).into_bytes();
    packet.extend_from_slice(payload);
    packet
}

/// Returns the commands of a push that requests a plain report.
pub(crate) fn commands(lines: &[(&str, &str, &str)]) -> Vec<u8> {
    let mut wire = Vec::new();
    for (index, (old, new, name)) in lines.iter().enumerate() {
        let capabilities = if index == 0 { "\0report-status" } else { "" };
        wire.extend(packet(format!("{old} {new} {name}{capabilities}")));
    }
    wire.extend(b"0000");
    wire
}

pub(crate) const ZERO: &str = "0000000000000000000000000000000000000000";

/// Returns a pack without objects.
pub(crate) fn empty_pack() -> Vec<u8> {
    let mut pack = b"PACK\0\0\0\x02\0\0\0\0".to_vec();
    pack.extend(hex("029d08823bd8a8eab510ad6ac75c823cfd3ed31e"));
    pack
}

pub(crate) fn hex(text: &str) -> Vec<u8> {
    let digit = |byte: u8| u8::try_from(char::from(byte).to_digit(16).expect("hex")).expect("a digit");
    text.as_bytes().chunks(2).map(|pair| digit(pair[0]) * 16 + digit(pair[1])).collect()
}

/// A response: status and body.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    /// Returns the payloads of its packets, trimmed; `flush` for flush packets.
    pub(crate) fn lines(&self) -> Vec<String> {
        let mut rest = &self.body[..];
        let mut lines = Vec::new();
        while rest.len() >= 4 {
            let length = std::str::from_utf8(&rest[..4]).ok().and_then(|hex| usize::from_str_radix(hex, 16).ok());
            match length.expect("a length") {
                0 => {
                    lines.push("flush".to_owned());
                    rest = &rest[4..];
                }
                length => {
                    lines.push(String::from_utf8_lossy(&rest[4..length]).trim_end().to_owned());
                    rest = &rest[length..];
                }
            }
        }
        lines
    }
}

/// Sends `POST /demo.git/<service>` with a `Content-Length`.
pub(crate) async fn post(address: SocketAddr, service: &str, headers: &str, body: &[u8]) -> Answer {
    let mut stream = open(address, service, &format!("{headers}Content-Length: {}\r\n", body.len())).await;
    stream.write_all(body).await.expect("sent");
    answer(stream).await
}

/// Opens a request and sends its head.
pub(crate) async fn open(address: SocketAddr, service: &str, headers: &str) -> TcpStream {
    let mut stream = TcpStream::connect(address).await.expect("a connection");
    let head = format!(
        "POST /demo.git/{service} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\
         Content-Type: application/x-{service}-request\r\n{headers}\r\n"
    );
    stream.write_all(head.as_bytes()).await.expect("sent");
    stream
}

/// Sends one chunk of a chunked body.
pub(crate) async fn send_chunk(stream: &mut TcpStream, chunk: &[u8]) -> std::io::Result<()> {
    stream.write_all(format!("{:x}\r\n", chunk.len()).as_bytes()).await?;
    stream.write_all(chunk).await?;
    stream.write_all(b"\r\n").await
}

/// Reads a complete response.
pub(crate) async fn answer(mut stream: TcpStream) -> Answer {
    let mut all = Vec::new();
    stream.read_to_end(&mut all).await.expect("an answer");
    let end = all.windows(4).position(|window| window == b"\r\n\r\n").expect("a head") + 4;
    let head = String::from_utf8_lossy(&all[..end]).to_lowercase();
    let status = head.split(' ').nth(1).and_then(|code| code.parse().ok()).expect("a status");
    let body = if head.contains("transfer-encoding: chunked") { unchunk(&all[end..]) } else { all[end..].to_vec() };
    Answer { status, body }
}

fn unchunk(mut wire: &[u8]) -> Vec<u8> {
    let mut body = Vec::new();
    while let Some(end) = wire.windows(2).position(|window| window == b"\r\n") {
        let length = usize::from_str_radix(std::str::from_utf8(&wire[..end]).expect("ascii"), 16).expect("a length");
        if length == 0 {
            break;
        }
        body.extend_from_slice(&wire[end + 2..end + 2 + length]);
        wire = &wire[end + 4 + length..];
    }
    body
}

/// Returns a protocol v0 request for everything reachable from `want`.
pub(crate) fn fetch_request(want: &str) -> Vec<u8> {
    let mut wire = packet(format!("want {want} side-band-64k ofs-delta no-progress\n"));
    wire.extend(b"0000");
    wire.extend(packet("done\n"));
    wire
}

/// Requests everything reachable from `want` and does not read the response.
pub(crate) async fn open_fetch(address: SocketAddr, want: &str) -> TcpStream {
    let body = fetch_request(want);
    let mut stream = open(address, "git-upload-pack", &format!("Content-Length: {}\r\n", body.len())).await;
    stream.write_all(&body).await.expect("sent");
    stream
}
