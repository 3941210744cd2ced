//! A proxy whose connections break.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use rutter_testing::{Person, Server};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;

/// A proxy in front of a server.
pub(crate) struct FaultProxy {
    host: String,
    faults: Arc<Faults>,
}

/// Bytes after which a connection breaks, and how often that happens.
struct Faults {
    up: u64,
    down: u64,
    breaks: AtomicUsize,
    sent_down: AtomicU64,
}

impl FaultProxy {
    /// A connection breaks when more than `up` bytes went to the server, or
    /// more than `down` came back; after `breaks` times it no longer breaks.
    pub(crate) async fn open(server: &Server, up: u64, down: u64, breaks: usize) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let host = listener.local_addr().unwrap().to_string();
        let faults = Arc::new(Faults { up, down, breaks: AtomicUsize::new(breaks), sent_down: AtomicU64::new(0) });
        let server = server.url.strip_prefix("http://").unwrap().to_owned();
        let shared = faults.clone();
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(carry(client, server.clone(), shared.clone()));
            }
        });
        Self { host, faults }
    }

    /// The URL of a dataset's repository through the proxy.
    pub(crate) fn remote(&self, person: &Person, path: &str) -> String {
        format!("http://{}:{}@{}/{path}.git", person.name, person.token, self.host)
    }

    /// How many more times it is going to break.
    pub(crate) fn breaks_left(&self) -> usize {
        self.faults.breaks.load(Ordering::SeqCst)
    }

    /// Bytes that came from the server so far.
    pub(crate) fn sent_down(&self) -> u64 {
        self.faults.sent_down.load(Ordering::SeqCst)
    }
}

async fn carry(client: TcpStream, server: String, faults: Arc<Faults>) {
    let Ok(server) = TcpStream::connect(server).await else { return };
    let (from_client, to_client) = client.into_split();
    let (from_server, to_server) = server.into_split();
    let broken = CancellationToken::new();
    let up = pump(from_client, to_server, faults.up, &faults, false);
    let down = pump(from_server, to_client, faults.down, &faults, true);
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

/// Returns whether the connection broke.
async fn pump(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, limit: u64, faults: &Faults, down: bool) -> bool {
    let mut block = vec![0; 64 * 1024];
    let mut carried = 0;
    while let Ok(read @ 1..) = from.read(&mut block).await {
        carried += read as u64;
        let once_less = |left: usize| left.checked_sub(1);
        if carried > limit && faults.breaks.fetch_update(Ordering::SeqCst, Ordering::SeqCst, once_less).is_ok() {
            return true;
        }
        if down {
            faults.sent_down.fetch_add(read as u64, Ordering::SeqCst);
        }
        if to.write_all(&block[..read]).await.is_err() {
            break;
        }
    }
    let _ = to.shutdown().await;
    false
}
