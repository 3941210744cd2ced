//! A connection under full control of a test.

use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::Server;

/// How long a test waits for data.
const TIMEOUT: Duration = Duration::from_mins(1);

/// A connection on which a test controls every byte and every pause.
pub struct RawConnection {
    stream: TcpStream,
    host: String,
    unread: Vec<u8>,
}

impl RawConnection {
    pub async fn open(server: &Server) -> Self {
        Self::connect(&server.url).await
    }

    /// Connects to the server at a URL.
    pub async fn connect(url: &str) -> Self {
        let host = url.strip_prefix("http://").unwrap().to_owned();
        Self { stream: TcpStream::connect(&host).await.unwrap(), host, unread: Vec::new() }
    }

    pub async fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.stream.write_all(bytes.as_ref()).await.unwrap();
    }

    /// Sends bytes if the other end still takes them.
    pub async fn try_send(&mut self, bytes: &[u8]) -> bool {
        self.stream.write_all(bytes).await.is_ok()
    }

    /// Sends the head of a request; `headers` are whole lines without their ends.
    pub async fn request(&mut self, method: &str, url: &str, headers: &[&str]) {
        let path = url.strip_prefix("http://").map_or(url, |rest| &rest[rest.find('/').unwrap()..]);
        let mut head = format!("{method} {path} HTTP/1.1\r\nHost: {}\r\n", self.host);
        for header in headers {
            head.push_str(header);
            head.push_str("\r\n");
        }
        head.push_str("\r\n");
        self.send(head).await;
    }

    /// Waits for the head of an answer, a `100 Continue` included.
    pub async fn head(&mut self) -> (u16, String) {
        let end = loop {
            if let Some(end) = self.unread.windows(4).position(|window| window == b"\r\n\r\n") {
                break end + 4;
            }
            assert!(self.read().await, "the connection ended: {}", String::from_utf8_lossy(&self.unread));
        };
        let head = String::from_utf8(self.unread.drain(..end).collect()).unwrap();
        (head[9..12].parse().unwrap(), head.to_ascii_lowercase())
    }

    /// Waits for a whole answer with a `Content-Length`.
    pub async fn reply(&mut self) -> (u16, String, Vec<u8>) {
        let (status, head) = self.head().await;
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
        let length: usize = length.map_or(0, |length| length.parse().unwrap());
        while self.unread.len() < length {
            assert!(self.read().await, "the connection ended");
        }
        (status, head, self.unread.drain(..length).collect())
    }

    /// Reads at least this much of a body, or to its end; returns the number of bytes.
    pub async fn read_at_least(&mut self, least: usize) -> usize {
        while self.unread.len() < least && self.read().await {}
        std::mem::take(&mut self.unread).len()
    }

    /// Reads until the connection ends or fails; returns the number of bytes.
    pub async fn read_to_end(&mut self) -> usize {
        let read = tokio::time::timeout(TIMEOUT, self.stream.read_to_end(&mut self.unread)).await;
        let _ = read.expect("the connection ends");
        std::mem::take(&mut self.unread).len()
    }

    async fn read(&mut self) -> bool {
        let read = tokio::time::timeout(TIMEOUT, self.stream.read_buf(&mut self.unread)).await;
        read.expect("something comes in time").unwrap() > 0
    }
}
