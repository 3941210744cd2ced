//! A simple load balancer: each new connection goes to the next server that accepts it.

use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// It knows nothing of HTTP and of sessions. Dropping it ends it.
pub(crate) struct Proxy {
    servers: Arc<Servers>,
    accepting: JoinHandle<()>,
}

struct Servers {
    ports: Vec<u16>,
    next: AtomicUsize,
    /// Connections that each has had.
    served: Mutex<Vec<u32>>,
    /// Connections that each has now.
    open: Vec<AtomicUsize>,
}

/// A connection to a server, counted until it is closed.
struct Counted<'a>(&'a AtomicUsize);

impl<'a> Counted<'a> {
    fn new(open: &'a AtomicUsize) -> Self {
        open.fetch_add(1, Ordering::SeqCst);
        Self(open)
    }
}

impl Drop for Counted<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Proxy {
    /// Listens on one port for what listens on others.
    pub(crate) async fn start(port: u16, ports: Vec<u16>) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", port)).await.unwrap();
        let served = Mutex::new(vec![0; ports.len()]);
        let open = ports.iter().map(|_| AtomicUsize::new(0)).collect();
        let servers = Arc::new(Servers { ports, next: AtomicUsize::new(0), served, open });
        let accepting = tokio::spawn({
            let servers = Arc::clone(&servers);
            async move {
                loop {
                    let Ok((client, _)) = listener.accept().await else { continue };
                    tokio::spawn(forward(client, Arc::clone(&servers)));
                }
            }
        });
        Self { servers, accepting }
    }

    /// How many connections each server has had.
    pub(crate) fn served(&self) -> Vec<u32> {
        self.servers.served.lock().unwrap().clone()
    }

    /// Whether no client has a connection to this server.
    pub(crate) fn is_idle(&self, place: usize) -> bool {
        self.servers.open[place].load(Ordering::SeqCst) == 0
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn forward(client: TcpStream, servers: Arc<Servers>) -> io::Result<()> {
    // Clients wait while no server is running.
    for _ in 0..100 {
        for _ in 0..servers.ports.len() {
            let place = servers.next.fetch_add(1, Ordering::Relaxed) % servers.ports.len();
            let Ok(mut server) = TcpStream::connect(("127.0.0.1", servers.ports[place])).await else { continue };
            servers.served.lock().unwrap()[place] += 1;
            // Declared first, so dropped last: the client's connection is closed by then.
            let _counted = Counted::new(&servers.open[place]);
            let mut client = client;
            client.set_nodelay(true)?;
            server.set_nodelay(true)?;
            tokio::io::copy_bidirectional(&mut client, &mut server).await?;
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    Ok(())
}
