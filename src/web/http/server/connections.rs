//! Connection limits: how many connections are open, from which addresses, and which ones are idle.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use axum::body::Body;
use hyper::body::Body as _;
use metrics::{Counter, Gauge};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::sync::Notify;

use crate::web::http::body::hold;
use crate::web::http::timeouts::SLOWEST;

/// The maximum number of open files that the server makes use of.
const OPEN_FILES: u64 = 1 << 16;

/// Returns the maximum number of open files, after raising the soft limit as far as allowed: the usual 1024 is too low
/// for a server.
pub(super) fn open_files() -> u64 {
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    let current = current.unwrap_or(u64::MAX);
    let wanted = maximum.unwrap_or(u64::MAX).min(OPEN_FILES);
    if current >= wanted {
        return current;
    }
    match setrlimit(Resource::Nofile, Rlimit { current: Some(wanted), maximum }) {
        Ok(()) => wanted,
        Err(error) => {
            tracing::warn!(%error, current, "failed to raise the limit of open files");
            current
        }
    }
}

/// The connections of one server. At the limit, the connection that has been idle for longest is evicted; a new one is
/// refused only if all are busy.
pub(super) struct Connections {
    most: usize,
    most_of_one: usize,
    since: Instant,
    open: Mutex<Open>,
    figure: Gauge,
    refused: Counter,
}

#[derive(Default)]
struct Open {
    count: usize,
    serial: u64,
    /// Not for trusted proxies: their connections carry the requests of many clients and count only towards the total.
    of: HashMap<IpAddr, HashMap<u64, Arc<Activity>>>,
}

impl Connections {
    /// Creates the table, with at most `most` connections in total and `most_of_one` per address.
    pub(super) fn new(most: usize, most_of_one: usize) -> Arc<Self> {
        let figure = metrics::gauge!("rutter_connections");
        let refused = metrics::counter!("rutter_limited_total", "limit" => "connections");
        Arc::new(Self { most, most_of_one, since: Instant::now(), open: Mutex::default(), figure, refused })
    }

    /// Adds a connection from this address; `None` for a trusted proxy. Returns `None` if the limit is reached.
    pub(super) fn admit(self: &Arc<Self>, address: Option<IpAddr>) -> Option<Connection> {
        let mut open = self.open();
        let own = address.and_then(|address| Some((address, open.of.get(&address)?)));
        let victim = if let Some((address, own)) = own.filter(|(_, own)| own.len() >= self.most_of_one) {
            Some(idlest(own).map(|id| (address, id)))
        } else if open.count >= self.most {
            let idle = open.of.iter().filter_map(|(address, own)| Some((*address, idlest(own)?)));
            Some(idle.min_by_key(|(address, id)| open.of[address][id].last.load(Relaxed)))
        } else {
            None
        };
        match victim {
            None => {}
            Some(Some((address, id))) => open.end(address, id),
            Some(None) => {
                self.refused.increment(1);
                return None;
            }
        }
        open.count += 1;
        open.serial += 1;
        let id = open.serial;
        let activity = Arc::new(Activity { since: self.since, ..Activity::default() });
        activity.touch();
        if let Some(address) = address {
            open.of.entry(address).or_default().insert(id, activity.clone());
        }
        self.figure.increment(1.0);
        Some(Connection { all: self.clone(), address, id, activity })
    }

    fn open(&self) -> MutexGuard<'_, Open> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Open {
    fn end(&mut self, address: IpAddr, id: u64) {
        if let Some(activity) = self.remove(address, id) {
            activity.evicted.store(true, Relaxed);
            activity.changed.notify_one();
        }
    }

    fn remove(&mut self, address: IpAddr, id: u64) -> Option<Arc<Activity>> {
        let own = self.of.get_mut(&address)?;
        let activity = own.remove(&id)?;
        if own.is_empty() {
            self.of.remove(&address);
        }
        self.count -= 1;
        Some(activity)
    }
}

/// Returns the connection that has been idle for longest, of those without a request in progress.
fn idlest(own: &HashMap<u64, Arc<Activity>>) -> Option<u64> {
    let idle = own.iter().filter(|(_, activity)| activity.running.load(Relaxed) == 0);
    // Several may have come within a millisecond.
    idle.min_by_key(|(id, activity)| (activity.last.load(Relaxed), **id)).map(|(id, _)| *id)
}

/// A connection, counted until it is dropped.
pub(super) struct Connection {
    all: Arc<Connections>,
    address: Option<IpAddr>,
    id: u64,
    pub(super) activity: Arc<Activity>,
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.all.figure.decrement(1.0);
        let mut open = self.all.open();
        match self.address {
            Some(address) => drop(open.remove(address, self.id)),
            None => open.count -= 1,
        }
    }
}

/// The activity of a connection.
pub(super) struct Activity {
    since: Instant,
    /// The number of requests in progress.
    running: AtomicUsize,
    /// The number of requests received.
    requests: AtomicU64,
    /// The number of bytes that the client has read.
    written: AtomicU64,
    /// The time of the last activity, in milliseconds.
    last: AtomicU64,
    evicted: AtomicBool,
    changed: Notify,
}

impl Default for Activity {
    fn default() -> Self {
        Self {
            since: Instant::now(),
            running: AtomicUsize::default(),
            requests: AtomicU64::default(),
            written: AtomicU64::default(),
            last: AtomicU64::default(),
            evicted: AtomicBool::default(),
            changed: Notify::new(),
        }
    }
}

impl Activity {
    fn touch(&self) {
        self.last.store(u64::try_from(self.since.elapsed().as_millis()).unwrap_or(u64::MAX), Relaxed);
    }

    /// Records bytes sent.
    pub(super) fn wrote(&self, bytes: usize) {
        self.written.fetch_add(bytes as u64, Relaxed);
        self.touch();
    }

    /// Records a request, which is in progress until all clones of the result are dropped.
    pub(super) fn begin(self: &Arc<Self>) -> Running {
        self.requests.fetch_add(1, Relaxed);
        self.running.fetch_add(1, Relaxed);
        self.touch();
        Running { _ended: Arc::new(Ended(self.clone())) }
    }

    /// Waits until the connection is evicted.
    pub(super) async fn evicted(&self) {
        while !self.evicted.load(Relaxed) {
            self.changed.notified().await;
        }
    }

    /// Waits until the connection is idle: for this long or slightly longer, no request began or was in progress, and
    /// the client read next to nothing of earlier responses. Anything else that it sends does not count.
    pub(super) async fn idle(&self, limit: Duration) {
        let enough = SLOWEST.saturating_mul(limit.as_secs()).max(1);
        let so_far = || (self.requests.load(Relaxed), self.written.load(Relaxed));
        let (mut requests, mut written) = so_far();
        loop {
            tokio::time::sleep(limit).await;
            let (came, taken) = so_far();
            if self.running.load(Relaxed) == 0 && came == requests && taken - written < enough {
                return;
            }
            (requests, written) = (came, taken);
        }
    }
}

/// A request in progress.
#[derive(Clone)]
pub(crate) struct Running {
    _ended: Arc<Ended>,
}

struct Ended(Arc<Activity>);

impl Drop for Ended {
    fn drop(&mut self) {
        self.0.running.fetch_sub(1, Relaxed);
        self.0.touch();
    }
}

impl Running {
    /// Keeps the request in progress until the body was sent or dropped. Bodies in memory are not tracked: they are
    /// written soon, or not at all.
    pub(crate) fn until_sent(self, body: Body) -> Body {
        if body.size_hint().exact().is_some() {
            return body;
        }
        hold(body, self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(last: u8) -> IpAddr {
        IpAddr::from([203, 0, 113, last])
    }

    fn is_evicted(connection: &Connection) -> bool {
        connection.activity.evicted.load(Relaxed)
    }

    #[tokio::test]
    async fn a_client_over_its_limit_loses_its_longest_idle_connection() {
        let all = Connections::new(100, 3);
        let mut own: Vec<_> = (0..3).map(|_| all.admit(Some(address(1))).unwrap()).collect();
        for (connection, last) in own.iter().zip([5, 3, 4]) {
            connection.activity.last.store(last, Relaxed);
        }
        let request = own[1].activity.begin();
        own[1].activity.last.store(3, Relaxed);
        let other = all.admit(Some(address(2))).unwrap();
        own.push(all.admit(Some(address(1))).unwrap());
        let evicted: Vec<_> = own.iter().map(is_evicted).collect();
        assert_eq!(evicted, [false, false, true, false], "the oldest one serves a request");
        own[2].activity.evicted().await;
        assert!(!is_evicted(&other), "the limit of other addresses is separate");

        // If all are busy, the new one is refused.
        let busy: Vec<_> = [0, 3].map(|at| own[at].activity.begin()).into();
        assert!(all.admit(Some(address(1))).is_none());
        assert!(all.admit(Some(address(2))).is_some());
        drop((busy, request));
        assert!(all.admit(Some(address(1))).is_some());
        drop((own, other));
        assert!(all.open().of.is_empty() && all.open().count == 0, "addresses without connections take no memory");
    }

    #[tokio::test]
    async fn the_total_is_bounded_and_a_proxy_is_not_one_client() {
        let all = Connections::new(4, 2);
        let proxied: Vec<_> = (0..3).map(|_| all.admit(None).unwrap()).collect();
        let idle = all.admit(Some(address(1))).unwrap();
        let fresh = all.admit(Some(address(2))).unwrap();
        assert!(is_evicted(&idle));
        let _request = fresh.activity.begin();
        assert!(all.admit(Some(address(3))).is_none(), "connections through a proxy do not count for it");
        drop(proxied);
        assert!(all.admit(Some(address(3))).is_some());
        drop(idle);
        assert_eq!(all.open().count, 1);
    }

    #[tokio::test]
    async fn a_connection_is_idle_without_requests_and_bytes() {
        tokio::time::pause();
        let limit = Duration::from_secs(30);
        let began = tokio::time::Instant::now();
        let activity = Arc::new(Activity::default());
        let busy = async {
            for _ in 0..3 {
                tokio::time::sleep(Duration::from_secs(20)).await;
                drop(activity.begin());
            }
            let long = activity.begin();
            tokio::time::sleep(Duration::from_secs(100)).await;
            drop(long);
            for _ in 0..10 {
                tokio::time::sleep(Duration::from_secs(20)).await;
                activity.wrote(10_000);
            }
            // HTTP/2 pings and their acknowledgements.
            for _ in 0..100 {
                tokio::time::sleep(Duration::from_secs(1)).await;
                activity.wrote(17);
            }
        };
        tokio::join!(busy, activity.idle(limit));
        let after = began.elapsed().as_secs();
        assert!(after >= 360, "{after}");
        let began = tokio::time::Instant::now();
        Activity::default().idle(limit).await;
        assert_eq!(began.elapsed().as_secs(), 30);
    }
}
