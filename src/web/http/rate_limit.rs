//! Rate limiting (GCRA) and concurrency limits: request rates per client address, user and token; failed login
//! attempts; concurrent transfers per address. All state is in memory, so each replica counts separately. It takes
//! bounded memory and a few hundred nanoseconds per request.
//!
//! A request is counted for its address on arrival, and for its token and user once these are known. A request over a
//! limit gets 429 with `Retry-After` (RFC 6585 §4) of at most a minute, because git-lfs silently waits for as long as
//! it says. But git does not retry at all, and many versions of git-lfs retry immediately, eight times. So a request is
//! first delayed for some seconds, and refused only if that is not enough.
//!
//! `governor` does not fit: a cost that is known only after the work leaves a debt here, refused requests are refunded,
//! and the number of keys is bounded.

mod concurrency;
pub(crate) mod login_attempts;
mod rate_limiter;
#[cfg(test)]
mod tests;

use std::net::IpAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use axum::extract::Request;
use axum::http::{HeaderMap, Method};
use ipnet::IpNet;
use metastore::Effort;
use metrics::{Counter, Gauge};

use self::concurrency::ConcurrencyLimit;
pub(crate) use self::concurrency::Slot;
use self::rate_limiter::{BucketTable, Key, Keys, MAX_DEBT, Nanos, RateLimiter, nanos};
use super::address::{self, Peer, is_trusted, site};
use super::routes::RouteGroup;
use crate::access::Actor;
use crate::config::Config;
use crate::error::{Delay, Error, RETRY_AFTER_SECONDS, Result};
use crate::types::Id;

/// How much read effort makes one point: about eight objects, or 256 directory entries.
const EFFORT: u64 = 256;

/// The cost of a signature (RS256) in points: a few milliseconds of CPU time.
pub(crate) const SIGNATURE_COST: usize = 100;

/// The maximum number of delayed requests per address; further ones are refused.
const MAX_WAITING: usize = 64;

/// How long a fetch or push waits for a free git process of its address: git does not retry.
const QUEUE_TIMEOUT: Duration = Duration::from_secs(30);

/// The minimum interval between log messages about addresses over their limit.
const LOG_INTERVAL: Duration = Duration::from_mins(1);

/// What a bucket counts.
#[derive(Hash)]
enum Subject<'a> {
    Address(IpAddr),
    User(Id),
    Guest(&'a str),
    /// With its account, if it is a password.
    Secret(&'a str, Option<Key>),
    Account(&'a str),
    /// A credential used from an address.
    Known(Key, Key),
}

/// The rate and concurrency limits of one server.
pub(crate) struct Limits {
    keys: Keys,
    since: Instant,
    proxies: Vec<IpNet>,
    /// True if the configuration tells clients to use HTTPS.
    is_secure: bool,
    address: Limit,
    user: Limit,
    token: Limit,
    failures_address: Limit,
    failures_account: Limit,
    /// Until when a credential is trusted at an address.
    known: BucketTable,
    /// Concurrent transfers.
    shares: Arc<ConcurrencyLimit>,
    /// Concurrent git processes: for fetches and for pushes.
    git: [(Arc<ConcurrencyLimit>, Gauge); 2],
    git_refused: Counter,
    /// Open WebSockets of apps.
    tunnels: Arc<ConcurrencyLimit>,
    tunneled: Gauge,
    /// Delayed requests.
    waiting: Arc<ConcurrencyLimit>,
    held_up: Gauge,
    max_wait: Duration,
    shares_refused: Counter,
    uploading: Gauge,
    downloading: Gauge,
    last_logged: AtomicU64,
}

impl Limits {
    pub(crate) fn new(config: &Config) -> Arc<Self> {
        let rates = &config.rates;
        let points = |name, who, points: u32| {
            let size = u64::from(points) * u64::from(rates.burst_seconds);
            Limit::new(name, who, points, Duration::from_secs(1), size)
        };
        let failures =
            |name, who, failures: u32| Limit::new(name, who, failures, Duration::from_mins(1), u64::from(failures));
        let running = |direction| metrics::gauge!("rutter_transfers", "direction" => direction);
        let git = |service| {
            let most = rates.git_address(config.limits.git_processes);
            (ConcurrencyLimit::new(most), metrics::gauge!("rutter_git_processes", "service" => service))
        };
        Arc::new(Self {
            keys: Keys::default(),
            since: Instant::now(),
            proxies: config.trusted_proxies.clone(),
            is_secure: config.public_url.as_deref().is_some_and(|url| url.starts_with("https://")),
            address: points("address", "requests from your address", rates.address),
            user: points("user", "requests by your account", rates.user),
            token: points("token", "requests with this token", rates.token),
            failures_address: failures(
                "failures-address",
                "wrong passwords or tokens from your address",
                rates.failures_address,
            ),
            failures_account: failures("failures-account", "wrong passwords for this account", rates.failures_account),
            known: BucketTable::new(),
            shares: ConcurrencyLimit::new(rates.transfers_address(config.limits.transfers)),
            git: [git("fetch"), git("push")],
            git_refused: refusals("git"),
            tunnels: ConcurrencyLimit::new(rates.connections_address(config.limits.connections)),
            tunneled: metrics::gauge!("rutter_app_websockets"),
            waiting: ConcurrencyLimit::new(MAX_WAITING),
            held_up: metrics::gauge!("rutter_limited_waiting"),
            max_wait: Duration::from_secs(u64::from(rates.wait_seconds)),
            shares_refused: refusals("transfers"),
            uploading: running("upload"),
            downloading: running("download"),
            last_logged: AtomicU64::new(0),
        })
    }

    /// Returns true if the request came by HTTPS, as far as is known: the server itself speaks plain HTTP.
    pub(super) fn is_secure(&self, request: &Request) -> bool {
        let forwarded = request.headers().get("x-forwarded-proto").and_then(|value| value.to_str().ok());
        let first = forwarded.and_then(|list| list.split(',').next()).map(str::trim);
        self.is_secure || (first == Some("https") && address::is_proxied(request.extensions(), &self.proxies))
    }

    /// Counts a request for its address. Attaches a [`Client`] to it for later checks.
    ///
    /// # Errors
    /// Busy if the address is over its limit.
    pub(crate) fn admit(
        self: &Arc<Self>,
        request: &mut Request,
        group: &RouteGroup,
        came: Instant,
    ) -> Result<Admission> {
        // Absent only in tests of the router.
        let Some(&Peer(peer)) = request.extensions().get() else { return Ok(Admission::Now(None)) };
        let client = address::client(peer.ip(), request.headers(), &self.proxies);
        let (address, site) = (address::network(client), site(client));
        let now = nanos(came.saturating_duration_since(self.since));
        let max_wait = self.max_wait.saturating_mul(group.wait_factor);
        let mut client = Client {
            limits: self.clone(),
            address: self.keys.of(Subject::Address(address)),
            site: self.keys.of(Subject::Address(site)),
            now,
            cost: group.cost,
            max_wait: nanos(max_wait),
            payers: Arc::default(),
        };
        let admitted = client.admit(request.method(), group);
        match &admitted {
            // Later limits are checked at that time.
            Ok(Admission::Later(turn)) => client.now += nanos(turn.wait),
            Ok(Admission::Now(_)) => {}
            Err(_) => self.describe(peer.ip(), address, request.headers(), now),
        }
        request.extensions_mut().insert(client);
        admitted
    }

    fn no_slot(&self) -> Error {
        self.shares_refused.increment(1);
        let quota = u64::try_from(self.shares.most()).unwrap_or(u64::MAX);
        let delay = Delay { seconds: RETRY_AFTER_SECONDS, limit: "transfers", quota, window: None };
        Error::busy("too many concurrent transfers from your address; try again in a moment").until(delay)
    }

    /// Logs an address over its limit, at most once per interval.
    fn describe(&self, peer: IpAddr, address: IpAddr, headers: &HeaderMap, now: Nanos) {
        let last = self.last_logged.load(Ordering::Relaxed);
        if now < last
            || self
                .last_logged
                .compare_exchange(last, now + nanos(LOG_INTERVAL), Ordering::Relaxed, Ordering::Relaxed)
                .is_err()
        {
            return;
        }
        if address::is_forwarded(headers) && !is_trusted(peer, &self.proxies) {
            tracing::warn!(
                %address,
                "rate limit exceeded; the address sends X-Forwarded-For, but is not in `trusted_proxies`: if it is a \
                 proxy, all its clients share one limit"
            );
        } else {
            tracing::warn!(%address, "rate limit exceeded");
        }
    }
}

/// The client of a request, as far as it is known before authentication.
#[derive(Clone)]
pub(crate) struct Client {
    limits: Arc<Limits>,
    address: Key,
    /// The key for concurrency limits.
    site: Key,
    now: Nanos,
    cost: u64,
    /// The maximum delay of the request.
    max_wait: Nanos,
    /// Token and user, once they are known.
    payers: Arc<OnceLock<(Key, Option<Key>)>>,
}

/// The decision on a request that is within its limits.
pub(crate) enum Admission {
    /// Serve it now; a transfer holds its slot.
    Now(Option<Slot>),
    /// Delay it.
    Later(Delayed),
}

/// A delayed request.
pub(crate) struct Delayed {
    client: Client,
    wait: Duration,
    transfer: Option<Gauge>,
    _waiting: Slot,
}

impl Delayed {
    /// Waits until the delay is over. Returns the slot of a transfer.
    ///
    /// # Errors
    /// Busy if no slot becomes free.
    pub(crate) async fn come(self) -> Result<Option<Slot>> {
        let Self { client, wait, transfer, .. } = &self;
        let limits = &client.limits;
        tokio::time::sleep(*wait).await;
        let Some(transfer) = transfer else { return Ok(None) };
        let place = limits.shares.wait(client.site, transfer, limits.max_wait).await;
        place.map(Some).ok_or_else(|| limits.no_slot())
    }
}

impl Client {
    fn admit(&self, method: &Method, group: &RouteGroup) -> Result<Admission> {
        let limits = &self.limits;
        let wait =
            if self.cost > 0 { limits.address.take(self.address, self.cost, self.now, self.max_wait)? } else { 0 };
        let transfer = match *method {
            Method::PUT | Method::PATCH if group.is_transfer => Some(&limits.uploading),
            Method::GET | Method::HEAD if group.is_transfer => Some(&limits.downloading),
            Method::POST if group.is_query => Some(&limits.downloading),
            _ => None,
        };
        if wait == 0 {
            match transfer {
                None => return Ok(Admission::Now(None)),
                Some(transfer) => {
                    if let Some(place) = limits.shares.take(self.site, transfer) {
                        return Ok(Admission::Now(Some(place)));
                    }
                }
            }
        }
        let waiting = limits.waiting.take(self.address, &limits.held_up);
        let waiting = waiting.ok_or_else(|| {
            limits.address.refund(self.address, self.cost, self.now);
            if wait == 0 { limits.no_slot() } else { limits.address.refusal(wait) }
        })?;
        let (client, wait) = (self.clone(), Duration::from_nanos(wait));
        Ok(Admission::Later(Delayed { client, wait, transfer: transfer.cloned(), _waiting: waiting }))
    }

    /// Waits for one of the concurrent git processes that the client's address may have for fetches or pushes. Returns
    /// `None` after a timeout.
    pub(crate) async fn git_process(self, is_push: bool) -> Option<Slot> {
        let (shares, running) = &self.limits.git[usize::from(is_push)];
        let place = shares.wait(self.site, running, QUEUE_TIMEOUT).await;
        if place.is_none() {
            self.limits.git_refused.increment(1);
        }
        place
    }

    /// Charges the address for work beyond the fixed cost of the request.
    pub(crate) fn charge(&self, points: usize) {
        Account { client: self.clone(), token: None, user: None }.charge(points);
    }

    /// Returns the slot of a WebSocket; `None` if the client's address has too many.
    pub(crate) fn tunnel(&self) -> Option<Slot> {
        self.limits.tunnels.take(self.site, &self.limits.tunneled)
    }

    fn account(&self, token: Key, actor: &Actor) -> Account {
        let keys = &self.limits.keys;
        let user = match actor.user() {
            Some(id) => Some(keys.of(Subject::User(id))),
            None => actor.is_identified().then(|| keys.of(Subject::Guest(&actor.key()))),
        };
        // For costs that become known later.
        let _ = self.payers.set((token, user));
        Account { client: self.clone(), token: Some(token), user }
    }
}

/// Measures the repository reads of a request and charges them at its end, even if it failed or the client has
/// disconnected.
pub(super) struct Bill {
    client: Option<Client>,
    effort: Effort,
}

impl Bill {
    pub(super) fn of(request: &Request) -> Self {
        Self { client: request.extensions().get().cloned(), effort: Effort::default() }
    }

    /// Returns the effort counter.
    pub(super) fn effort(&self) -> &Effort {
        &self.effort
    }
}

impl Drop for Bill {
    fn drop(&mut self) {
        if let Some(client) = self.client.take() {
            let (token, user) = client.payers.get().copied().unzip();
            let points = usize::try_from(self.effort.spent() / EFFORT).unwrap_or(usize::MAX);
            Account { client, token, user: user.flatten() }.charge(points);
        }
    }
}

/// The buckets that a request is charged to.
pub(crate) struct Account {
    client: Client,
    token: Option<Key>,
    user: Option<Key>,
}

impl Account {
    /// Charges the cost of the request, and delays it if required.
    async fn take(&self) -> Result<()> {
        let Client { limits, address, now, cost, max_wait, .. } = &self.client;
        let take = |limit: &Limit, key: Option<Key>| key.map_or(Ok(0), |key| limit.take(key, *cost, *now, *max_wait));
        let by_token = take(&limits.token, self.token).inspect_err(|_| self.refund(None, None))?;
        let by_user = take(&limits.user, self.user).inspect_err(|_| self.refund(self.token, None))?;
        let wait = by_token.max(by_user);
        if wait > 0 {
            let Some(_waiting) = limits.waiting.take(*address, &limits.held_up) else {
                self.refund(self.token, self.user);
                return Err(if by_user > by_token { &limits.user } else { &limits.token }.refusal(wait));
            };
            tokio::time::sleep(Duration::from_nanos(wait)).await;
        }
        Ok(())
    }

    /// Refunds a refused request. Others behind the same address do not pay for a client that does not wait, either.
    fn refund(&self, token: Option<Key>, user: Option<Key>) {
        let Client { limits, address, now, cost, .. } = &self.client;
        token.inspect(|token| limits.token.refund(*token, *cost, *now));
        user.inspect(|user| limits.user.refund(*user, *cost, *now));
        limits.address.refund(*address, cost.saturating_sub(1), *now);
    }

    /// Charges the cost beyond the fixed cost of the route: one point for each object processed or entry listed that
    /// the fixed cost does not cover. This does not refuse the current request, but may refuse a later one.
    pub(super) fn charge(&self, objects: usize) {
        let Client { limits, address, now, cost, .. } = &self.client;
        let points = u64::try_from(objects).unwrap_or(u64::MAX).saturating_sub(*cost);
        if points == 0 {
            return;
        }
        limits.address.charge(*address, points, *now);
        self.token.inspect(|token| limits.token.charge(*token, points, *now));
        self.user.inspect(|user| limits.user.charge(*user, points, *now));
    }
}

/// A rate limit, with what its error message says.
struct Limit {
    name: &'static str,
    /// What there is too much of.
    what: &'static str,
    /// `None` for unlimited.
    buckets: Option<RateLimiter>,
    refused: Counter,
}

impl Limit {
    fn new(name: &'static str, what: &'static str, points: u32, period: Duration, size: u64) -> Self {
        let buckets = (points > 0).then(|| RateLimiter::new(points, period, size));
        Self { name, what, buckets, refused: refusals(name) }
    }

    fn take(&self, key: Key, points: u64, now: Nanos, max_wait: Nanos) -> Result<Nanos> {
        let Some(buckets) = &self.buckets else { return Ok(0) };
        buckets.take(key, points, now, max_wait).map_err(|wait| self.refusal(wait))
    }

    fn refusal(&self, wait: Nanos) -> Error {
        self.refused.increment(1);
        let seconds = wait.div_ceil(nanos(Duration::from_secs(1))).clamp(1, MAX_DEBT.as_secs());
        let unit = if seconds == 1 { "second" } else { "seconds" };
        let (quota, window) = self.buckets.as_ref().map_or((0, None), |all| (all.size(), Some(all.window())));
        Error::busy(format!("too many {}; try again in {seconds} {unit}", self.what)).until(Delay {
            seconds,
            limit: self.name,
            quota,
            window,
        })
    }

    fn charge(&self, key: Key, points: u64, now: Nanos) {
        self.buckets.as_ref().inspect(|buckets| buckets.charge(key, points, now));
    }

    fn refund(&self, key: Key, points: u64, now: Nanos) {
        self.buckets.as_ref().inspect(|buckets| buckets.refund(key, points, now));
    }
}

/// Returns the counter of requests that a limit refused.
fn refusals(limit: &'static str) -> Counter {
    metrics::counter!("rutter_limited_total", "limit" => limit)
}
