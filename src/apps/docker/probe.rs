//! What this program does in the containers of `rutter app check`.

use std::io;
use std::time::Duration;

use futures::future::join_all;
use tokio::net::{TcpListener, TcpStream};

/// Variable with the addresses to connect to, `host:port`, separated by commas.
pub(super) const CONNECT: &str = "RUTTER_PROBE_CONNECT";
/// Variable with the port to listen on.
pub(super) const LISTEN: &str = "RUTTER_PROBE_LISTEN";

/// How long to wait for a connection. The host is on the same machine.
const TIMEOUT: Duration = Duration::from_secs(3);

/// What an attempt to connect shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Answer {
    /// There is a connection.
    Open,
    /// The host was reached, but the port is closed.
    Refused,
    /// Nothing answers, or there is no way.
    Silent,
}

impl Answer {
    /// Reads a line of [`connect`]: the address, and the answer.
    pub(super) fn parse(line: &str) -> Option<(&str, Self)> {
        let (word, address) = line.split_once(' ')?;
        let answer = match word {
            "open" => Self::Open,
            "refused" => Self::Refused,
            "silent" => Self::Silent,
            _ => return None,
        };
        Some((address, answer))
    }
}

/// Tries to connect to all addresses. Returns a line for each.
pub async fn connect(addresses: &[String]) -> Vec<String> {
    let attempt = async |address: &String| {
        let word = match tokio::time::timeout(TIMEOUT, TcpStream::connect(address)).await {
            Ok(Ok(_)) => "open",
            Ok(Err(error)) if error.kind() == io::ErrorKind::ConnectionRefused => "refused",
            Ok(Err(_)) | Err(_) => "silent",
        };
        format!("{word} {address}")
    };
    join_all(addresses.iter().map(attempt)).await
}

/// Accepts connections and closes them, until the process is ended.
///
/// # Errors
/// Fails if the port cannot be listened on.
pub async fn listen(port: u16) -> io::Result<()> {
    let listener = TcpListener::bind(("0.0.0.0", port)).await?;
    loop {
        drop(listener.accept().await);
    }
}
