//! A line between client and server that breaks.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;

use crate::harness::{Person, Server};

/// A proxy in front of a server.
pub(crate) struct BadLine {
    host: String,
    fate: Arc<Fate>,
}

/// Bytes after which a connection breaks, and how often that happens.
struct Fate {
    up: u64,
    down: u64,
    breaks: AtomicUsize,
    sent_down: AtomicU64,
}

impl BadLine {
    /// A connection breaks when more than `up` bytes went to the server, or
    /// more than `down` came back; after so many `breaks` the line is good.
    pub(crate) async fn open(server: &Server, up: u64, down: u64, breaks: usize) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let host = listener.local_addr().unwrap().to_string();
        let fate = Arc::new(Fate { up, down, breaks: AtomicUsize::new(breaks), sent_down: AtomicU64::new(0) });
        let server = server.url.strip_prefix("http://").unwrap().to_owned();
        let shared = fate.clone();
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(carry(client, server.clone(), shared.clone()));
            }
        });
        Self { host, fate }
    }

    /// The URL of a dataset's repository at the other end of the line.
    pub(crate) fn remote(&self, person: &Person, path: &str) -> String {
        format!("http://{}:{}@{}/{path}.git", person.name, person.token, self.host)
    }

    /// How many more times it is going to break.
    pub(crate) fn breaks_left(&self) -> usize {
        self.fate.breaks.load(Ordering::SeqCst)
    }

    /// Bytes that came from the server so far.
    pub(crate) fn sent_down(&self) -> u64 {
        self.fate.sent_down.load(Ordering::SeqCst)
    }
}

async fn carry(client: TcpStream, server: String, fate: Arc<Fate>) {
    let Ok(server) = TcpStream::connect(server).await else { return };
    let (from_client, to_client) = client.into_split();
    let (from_server, to_server) = server.into_split();
    let broken = CancellationToken::new();
    let up = pump(from_client, to_server, fate.up, &fate, false);
    let down = pump(from_server, to_client, fate.down, &fate, true);
    let (up, down) = (cut(up, &broken), cut(down, &broken));
    tokio::join!(up, down);
}

/// The end of one direction by force is the end of both.
async fn cut(pump: impl Future<Output = bool>, broken: &CancellationToken) {
    tokio::select! {
        breaks = pump => if breaks { broken.cancel() },
        () = broken.cancelled() => {}
    }
}

/// Gives whether the line broke.
async fn pump(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, limit: u64, fate: &Fate, down: bool) -> bool {
    let mut block = vec![0; 64 * 1024];
    let mut carried = 0;
    while let Ok(read @ 1..) = from.read(&mut block).await {
        carried += read as u64;
        let once_less = |left: usize| left.checked_sub(1);
        if carried > limit && fate.breaks.fetch_update(Ordering::SeqCst, Ordering::SeqCst, once_less).is_ok() {
            return true;
        }
        if down {
            fate.sent_down.fetch_add(read as u64, Ordering::SeqCst);
        }
        if to.write_all(&block[..read]).await.is_err() {
            break;
        }
    }
    let _ = to.shutdown().await;
    false
}
