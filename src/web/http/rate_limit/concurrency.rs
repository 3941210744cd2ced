//! Concurrency limits: the number of concurrent transfers per client.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::body::Body;
use hyper::body::Body as _;
use metrics::Gauge;
use tokio::sync::Notify;
use tokio::sync::futures::OwnedNotified;

use super::rate_limiter::Key;
use crate::web::http::body::hold;

/// Slots for concurrent transfers, counted per client. Takes memory only for clients that hold one.
pub(super) struct ConcurrencyLimit {
    most: usize,
    taken: Mutex<HashMap<Key, UsedSlots>>,
}

/// The slots of one client.
#[derive(Default)]
struct UsedSlots {
    count: usize,
    /// Notified when a slot becomes free.
    freed: Arc<Notify>,
}

impl ConcurrencyLimit {
    /// Creates the table, with at most `most` slots per client.
    pub(super) fn new(most: usize) -> Arc<Self> {
        Arc::new(Self { most: most.max(1), taken: Mutex::default() })
    }

    pub(super) fn most(&self) -> usize {
        self.most
    }

    /// Takes a slot if one is free. `running` counts it while it is held.
    pub(super) fn take(self: &Arc<Self>, client: Key, running: &Gauge) -> Option<Slot> {
        self.try_take(client, running).ok()
    }

    /// Takes a slot; otherwise returns the notification to wait for.
    fn try_take(self: &Arc<Self>, client: Key, running: &Gauge) -> Result<Slot, OwnedNotified> {
        let mut taken = self.taken();
        let places = taken.entry(client).or_default();
        if places.count >= self.most {
            return Err(places.freed.clone().notified_owned());
        }
        places.count += 1;
        running.increment(1.0);
        Ok(Slot { shares: self.clone(), client, running: running.clone() })
    }

    /// Takes a slot as soon as one is free, waiting for at most `max_wait`.
    pub(super) async fn wait(self: &Arc<Self>, client: Key, running: &Gauge, max_wait: Duration) -> Option<Slot> {
        let place = async {
            loop {
                match self.try_take(client, running) {
                    Ok(place) => return place,
                    Err(freed) => freed.await,
                }
            }
        };
        tokio::time::timeout(max_wait, place).await.ok()
    }

    fn taken(&self) -> MutexGuard<'_, HashMap<Key, UsedSlots>> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A slot of a client, held until it is dropped.
pub(crate) struct Slot {
    shares: Arc<ConcurrencyLimit>,
    client: Key,
    running: Gauge,
}

impl Slot {
    /// Holds the slot until the body was sent or dropped.
    pub(crate) fn until_sent(self, body: Body) -> Body {
        if body.is_end_stream() {
            return body;
        }
        hold(body, self)
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.running.decrement(1.0);
        let mut taken = self.shares.taken();
        if let Some(places) = taken.get_mut(&self.client) {
            places.count -= 1;
            places.freed.notify_waiters();
            if places.count == 0 {
                taken.remove(&self.client);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::rate_limiter::Keys;
    use super::*;

    #[tokio::test]
    async fn each_client_has_its_own_share() {
        let (shares, keys, gauge) = (ConcurrencyLimit::new(2), Keys::default(), Gauge::noop());
        let (ada, bob) = (keys.of("ada"), keys.of("bob"));
        let first = shares.take(ada, &gauge).unwrap();
        let second = shares.take(ada, &gauge).unwrap();
        assert!(shares.take(ada, &gauge).is_none());
        let others = shares.take(bob, &gauge).unwrap();

        // A response holds its slot until it is sent.
        let body = second.until_sent(Body::from("bytes"));
        assert_eq!(body.size_hint().exact(), Some(5));
        assert!(shares.take(ada, &gauge).is_none());
        let second = Duration::from_secs(1);
        assert!(shares.wait(ada, &gauge, Duration::from_millis(10)).await.is_none());
        let (waited, _) = tokio::join!(shares.wait(ada, &gauge, second), axum::body::to_bytes(body, 10));
        drop(waited.unwrap());
        drop(shares.take(ada, &gauge).unwrap().until_sent(Body::empty()));
        let body = shares.take(ada, &gauge).unwrap().until_sent(Body::from("never read"));
        drop(body);
        drop((first, others));
        assert!(shares.taken().is_empty(), "clients without slots take no memory");
    }
}
