//! GCRA buckets, each stored as a single timestamp, and the bounded table that holds them.

use std::collections::HashMap;
use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher as _, Hash};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// A timestamp, in nanoseconds since the limits were created.
pub(super) type Nanos = u64;

/// The maximum debt of a bucket, and so the longest `Retry-After`. More is forgiven.
pub(super) const MAX_DEBT: Duration = Duration::from_secs(60);

/// The subject of a bucket, as a hash that is unpredictable outside of this process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Key(u64);

/// Creates keys. Collisions happen only by chance and cannot be provoked from outside of this process.
#[derive(Default)]
pub(super) struct Keys(RandomState);

impl Keys {
    pub(super) fn of(&self, subject: impl Hash) -> Key {
        Key(self.0.hash_one(subject))
    }
}

/// Timestamps by key; only those in the future matter. Takes bounded memory, about 2 MiB, because a client can use many
/// addresses.
pub(super) struct BucketTable {
    /// Sharded, so that threads rarely contend.
    shards: [Mutex<Shard>; SHARDS],
}

const SHARDS: usize = 16;

/// The maximum number of keys in a shard; beyond it, the least important ones are dropped.
const SHARD_MOST: usize = 4096;

type Shard = HashMap<Key, Nanos>;

impl BucketTable {
    pub(super) fn new() -> Self {
        Self { shards: std::array::from_fn(|_| Mutex::default()) }
    }

    /// Returns the timestamp of a key; 0 for a new one.
    pub(super) fn get(&self, key: Key) -> Nanos {
        self.shard(key).get(&key).copied().unwrap_or(0)
    }

    /// Changes the timestamp of a key; a new one starts at 0.
    pub(super) fn change<T>(&self, key: Key, now: Nanos, change: impl FnOnce(&mut Nanos) -> T) -> T {
        let mut shard = self.shard(key);
        if shard.len() >= SHARD_MOST && !shard.contains_key(&key) {
            forget(&mut shard, now);
        }
        change(shard.entry(key).or_insert(0))
    }

    fn shard(&self, key: Key) -> MutexGuard<'_, Shard> {
        self.shards[(key.0 >> 40) as usize % SHARDS].lock().unwrap_or_else(PoisonError::into_inner)
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.shards.iter().map(|shard| shard.lock().unwrap().len()).sum()
    }
}

/// Makes room: drops expired entries and, if that is not enough, the half that expires soonest. So a client with many
/// addresses that tries to evict the entry of a large debt only evicts its own.
fn forget(shard: &mut Shard, now: Nanos) {
    shard.retain(|_, moment| *moment > now);
    if shard.len() > SHARD_MOST / 2 {
        let mut moments: Vec<Nanos> = shard.values().copied().collect();
        let middle = moments.len() / 2;
        let middle = *moments.select_nth_unstable(middle).1;
        shard.retain(|_, moment| *moment > middle);
    }
}

/// Buckets of one size that fill at a constant rate. A bucket is stored as the time at which it will be full again: the
/// generic cell rate algorithm (GCRA, ITU-T I.371, annex A), with one difference: a request that costs more than is
/// left is let through and leaves a debt, because some costs are known only after the work has begun.
pub(super) struct RateLimiter {
    ledger: BucketTable,
    /// The time in which one point is added, in nanoseconds.
    point: Nanos,
    /// The time in which a bucket with one point fills up, in nanoseconds.
    depth: Nanos,
    /// The number of points in a full bucket.
    size: u64,
}

impl RateLimiter {
    /// Creates buckets that hold `size` points and gain `points` in each `period`.
    pub(super) fn new(points: u32, period: Duration, size: u64) -> Self {
        let point = (nanos(period) / u64::from(points.max(1))).max(1);
        Self { ledger: BucketTable::new(), point, depth: point.saturating_mul(size.max(1) - 1), size: size.max(1) }
    }

    /// Takes points from a bucket as soon as it has at least one. Returns the delay until then: 0 for now, at most
    /// `max_wait`. Delayed requests are served in order.
    ///
    /// # Errors
    /// The delay that would be needed. Nothing is taken then, so retrying too early does not increase it.
    pub(super) fn take(&self, key: Key, points: u64, now: Nanos, max_wait: Nanos) -> Result<Nanos, Nanos> {
        self.ledger.change(key, now, |full| {
            let wait = full.saturating_sub(now).saturating_sub(self.depth);
            if wait > max_wait {
                return Err(wait);
            }
            *full = self.after(*full, points, now);
            Ok(wait)
        })
    }

    /// Takes points, even if this leaves a debt.
    pub(super) fn charge(&self, key: Key, points: u64, now: Nanos) {
        self.ledger.change(key, now, |full| *full = self.after(*full, points, now));
    }

    /// Returns points that were taken without need.
    pub(super) fn refund(&self, key: Key, points: u64, now: Nanos) {
        self.ledger.change(key, now, |full| *full = full.saturating_sub(self.point.saturating_mul(points)));
    }

    fn after(&self, full: Nanos, points: u64, now: Nanos) -> Nanos {
        let most = now.saturating_add(self.depth).saturating_add(nanos(MAX_DEBT));
        full.max(now).saturating_add(self.point.saturating_mul(points)).min(most)
    }

    pub(super) fn size(&self) -> u64 {
        self.size
    }

    /// Returns the number of seconds in which an empty bucket fills up.
    pub(super) fn window(&self) -> u64 {
        self.point.saturating_mul(self.size).div_ceil(1_000_000_000)
    }
}

/// Converts a duration to nanoseconds; at most about 584 years.
pub(super) fn nanos(duration: Duration) -> Nanos {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SECOND: Nanos = 1_000_000_000;

    fn ten_a_second() -> RateLimiter {
        RateLimiter::new(10, Duration::from_secs(1), 20)
    }

    #[test]
    fn a_bucket_empties_and_fills() {
        let (buckets, key) = (ten_a_second(), Keys::default().of("ada"));
        for _ in 0..20 {
            buckets.take(key, 1, 7, 0).unwrap();
        }
        assert_eq!(buckets.take(key, 1, 7, 0), Err(SECOND / 10));
        assert_eq!(buckets.take(key, 1, 7 + SECOND / 10 - 1, 0), Err(1));
        buckets.take(key, 1, 7 + SECOND / 10, 0).unwrap();
        assert!(buckets.take(key, 1, 7 + SECOND / 10, 0).is_err());
        let later = 60 * SECOND;
        for _ in 0..20 {
            buckets.take(key, 1, later, 0).unwrap();
        }
        assert!(buckets.take(key, 1, later, 0).is_err(), "a bucket is never more than full");
    }

    #[test]
    fn an_expensive_request_leaves_a_debt_of_at_most_a_minute() {
        let (buckets, key) = (ten_a_second(), Keys::default().of("ada"));
        buckets.take(key, 50, 0, 0).unwrap();
        assert_eq!(buckets.take(key, 1, 0, 0), Err(3 * SECOND + SECOND / 10));
        buckets.charge(key, 10, 0);
        assert_eq!(buckets.take(key, 1, 0, 0), Err(4 * SECOND + SECOND / 10));
        buckets.refund(key, 10, 0);
        assert_eq!(buckets.take(key, 1, 0, 0), Err(3 * SECOND + SECOND / 10));
        buckets.charge(key, u64::MAX, 0);
        assert_eq!(buckets.take(key, 1, 0, 0), Err(60 * SECOND));
        buckets.take(key, 1, 60 * SECOND, 0).unwrap();
    }

    #[test]
    fn waiting_requests_are_served_in_order() {
        let (buckets, key) = (ten_a_second(), Keys::default().of("ada"));
        buckets.take(key, 20, 0, 0).unwrap();
        let waits: Vec<_> = (0..12).map(|_| buckets.take(key, 1, 0, SECOND)).collect();
        let turns: Vec<_> = (1..=10).map(|turn| Ok(turn * SECOND / 10)).collect();
        assert_eq!(waits[..10], turns);
        assert_eq!(waits[10..], [Err(11 * SECOND / 10); 2], "refused requests are not counted");
        assert_eq!(buckets.take(key, 1, SECOND, 0), Err(SECOND / 10));
    }

    #[test]
    fn each_client_has_its_own_bucket() {
        let (buckets, keys) = (ten_a_second(), Keys::default());
        buckets.charge(keys.of("mallory"), 1000, 0);
        assert!(buckets.take(keys.of("mallory"), 1, 0, 0).is_err());
        buckets.take(keys.of("ada"), 1, 0, 0).unwrap();
        buckets.refund(keys.of("anyone"), 5, 0);
        assert_eq!(buckets.take(keys.of("anyone"), 20, 0, 0), Ok(0), "a refund never exceeds the size of the bucket");
        assert!(buckets.take(keys.of("anyone"), 1, 0, 0).is_err());
    }

    #[test]
    fn many_keys_use_bounded_memory_and_keep_large_debts() {
        let (buckets, keys) = (ten_a_second(), Keys::default());
        let debtor = keys.of("mallory");
        buckets.charge(debtor, 200, 0);
        for number in 0..300_000_u64 {
            buckets.take(keys.of(number), 1, number, 0).unwrap();
        }
        assert!(buckets.ledger.len() <= SHARDS * SHARD_MOST, "{}", buckets.ledger.len());
        assert!(buckets.take(debtor, 1, 300_000, 0).is_err());
        // Expired entries make room for the rest.
        for number in 300_000..600_000_u64 {
            buckets.take(keys.of(number), 1, 600 * SECOND, 0).unwrap();
        }
        assert!(buckets.ledger.len() <= SHARDS * SHARD_MOST);
        assert_eq!(buckets.ledger.get(debtor), 0, "a paid debt is dropped");
    }

    proptest! {
        /// Whatever the arrival pattern, in any interval no more points pass than the bucket held and gained, except
        /// for one request that may overdraw it; and a request that waits as long as required is let through.
        #[test]
        fn no_client_gets_more_than_the_rate(
            points in 1u32..2000, size in 1u64..500,
            requests in prop::collection::vec((1u64..40, 0u64..200_000_000), 1..200),
        ) {
            let (buckets, key) = (RateLimiter::new(points, Duration::from_secs(1), size), Keys::default().of(0));
            let (mut now, mut used) = (5, 0);
            for (cost, pause) in requests {
                now += pause;
                if let Err(wait) = buckets.take(key, cost, now, 0) {
                    prop_assert!(wait <= 60 * SECOND);
                    prop_assert!(buckets.take(key, cost, now + wait - 1, 0).is_err());
                    now += wait;
                    prop_assert!(buckets.take(key, cost, now, 0).is_ok());
                }
                // Rounding shortens a point by less than one nanosecond in at least 500,000.
                let filled = now / 1000 * u64::from(points) / (SECOND / 1000) + 1;
                prop_assert!(used < size + filled + filled / 100_000 + 1, "{used} {size} {filled}");
                used += cost;
            }
        }
    }
}
