//! Limits by cost: what each client address, user and token may use in a time, how often somebody may
//! guess, and how many of the transfers one address may hold. All of it is in memory, so each replica
//! counts for itself; it takes a bounded amount, and a few hundred nanoseconds of a request.
//!
//! A request is counted for its address when it comes, and for its token and user when those are known.
//! Who is over a limit is told when to come back (RFC 6585 §4), in at most a minute: git-lfs waits
//! silently for as long as it is told. But git does not come back by itself, and many versions of git-lfs
//! come back at once, eight times: so a request is first held up for some seconds, until its turn.

mod address;
mod attempts;
mod buckets;
mod shares;
#[cfg(test)]
mod tests;

use std::net::IpAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use axum::extract::Request;
use axum::http::HeaderMap;
use ipnet::IpNet;
use metastore::Effort;
use metrics::{Counter, Gauge};

pub(super) use self::address::{client as client_address, is_trusted, site};
use self::attempts::Attempt;
pub(super) use self::attempts::Guess;
use self::buckets::{Buckets, Key, Keys, LONGEST, Ledger, Nanos, nanos};
pub(super) use self::shares::Place;
use self::shares::Shares;
use super::extract::Peer;
use crate::access::{Access, Actor, Credentials};
use crate::config::Config;
use crate::error::{Delay, Error, RETRY_AFTER_SECONDS, Result};
use crate::types::Id;

/// A request that takes a look-up or two, or is about as many objects. One point is about what one small object takes.
const ORDINARY: u64 = 5;
/// A pack, made or taken by a git process.
const PACK: u64 = 100;
/// The use of a signed URL.
const TRANSFER: u64 = 1;
/// The figures are written anew each time.
const FIGURES: u64 = 20;
/// Who opens a link may be anybody, and each time is written down.
const OPENING: u64 = 50;

/// How much of the effort of reading makes a point: some eight objects, or 256 entries of folders.
const EFFORT: u64 = 256;

/// Who signed in within this time is not stopped by the failures of others behind the same address.
const KNOWN: Duration = Duration::from_hours(1);

/// Who signed in with a password within this time, from the same address, is not stopped by failures elsewhere.
const REMEMBERED: Duration = Duration::from_hours(30 * 24);

/// Requests of one address that wait for their turn; more are refused.
const WAITING: usize = 64;

/// How long a fetch or a push waits for another one from its address: git does not try again by itself.
const QUEUE: Duration = Duration::from_secs(30);

/// How often the log names somebody who is over a limit.
const TOLD: Duration = Duration::from_mins(1);

/// What a request costs its address, token and user, in points, by its route.
fn cost(route: &str) -> u64 {
    match route {
        // Whoever asks these restarts a server that does not answer.
        "/healthz" | "/readyz" => 0,
        "/metrics" => FIGURES,
        "/api/v1/links/open" => OPENING,
        route if route.starts_with(SIGNED) => TRANSFER,
        route if route.ends_with("/git-upload-pack") || route.ends_with("/git-receive-pack") => PACK,
        _ => ORDINARY,
    }
}

/// Signed URLs of objects.
const SIGNED: &str = "/_lfs/";

/// Other routes that move files as long as they are, or read as much of them.
const MOVES: &[&str] = &[
    "/api/v1/downloads/{token}",
    "/api/v1/drive/{owner}/{dataset}/content/{*path}",
    "/api/v1/drive/{owner}/{dataset}/files/{*path}",
    "/api/v1/drive/{owner}/{dataset}/rows/{*path}",
    "/api/v1/drive/{owner}/{dataset}/uploads/{id}/{number}",
    "/api/v1/datasets/{owner}/{dataset}/raw/{revision}/{*path}",
    "/datasets/{owner}/{dataset}/resolve/{revision}/{*path}",
];

fn is_transfer(route: &str) -> bool {
    route.starts_with(SIGNED) || MOVES.contains(&route)
}

/// What a bucket is for.
#[derive(Hash)]
enum Subject<'a> {
    Address(IpAddr),
    User(Id),
    Guest(&'a str),
    /// With its account if it is a password.
    Secret(&'a str, Option<Key>),
    Account(&'a str),
    /// A secret at an address.
    Known(Key, Key),
}

/// The limits of one server.
pub(super) struct Limits {
    keys: Keys,
    since: Instant,
    proxies: Vec<IpNet>,
    /// Whether clients are told to come by https.
    is_secure: bool,
    address: Limit,
    user: Limit,
    token: Limit,
    failures_address: Limit,
    failures_account: Limit,
    /// Until when a credential is known at an address.
    known: Ledger,
    /// Transfers.
    shares: Arc<Shares>,
    /// Git processes that send, and those that receive.
    git: [(Arc<Shares>, Gauge); 2],
    git_refused: Counter,
    /// Requests that wait for their turn.
    waiting: Arc<Shares>,
    held_up: Gauge,
    patience: Duration,
    shares_refused: Counter,
    uploading: Gauge,
    downloading: Gauge,
    told: AtomicU64,
}

impl Limits {
    pub(super) fn new(config: &Config) -> Arc<Self> {
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
            (Shares::new(most), metrics::gauge!("rutter_git_processes", "service" => service))
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
            known: Ledger::new(),
            shares: Shares::new(rates.transfers_address(config.limits.transfers)),
            git: [git("fetch"), git("push")],
            git_refused: refusals("git"),
            waiting: Shares::new(WAITING),
            held_up: metrics::gauge!("rutter_limited_waiting"),
            patience: Duration::from_secs(u64::from(rates.wait_seconds)),
            shares_refused: refusals("transfers"),
            uploading: running("upload"),
            downloading: running("download"),
            told: AtomicU64::new(0),
        })
    }

    /// Whether the request came by https, as far as is known: the server itself speaks plain HTTP.
    pub(super) fn is_secure(&self, request: &Request) -> bool {
        let peer = request.extensions().get::<Peer>();
        let proxied = || peer.is_some_and(|Peer(peer)| is_trusted(peer.ip(), &self.proxies));
        let forwarded = request.headers().get("x-forwarded-proto").and_then(|value| value.to_str().ok());
        let first = forwarded.and_then(|list| list.split(',').next()).map(str::trim);
        self.is_secure || (first == Some("https") && proxied())
    }

    /// Counts a request that came at this moment for its address, and leaves a [`Client`] for those who
    /// learn more of it.
    ///
    /// # Errors
    /// Busy.
    pub(super) fn admit(
        self: &Arc<Self>,
        request: &mut Request,
        method: &str,
        route: &str,
        came: Instant,
    ) -> Result<Admission> {
        // Without one in tests of the router alone.
        let Some(&Peer(peer)) = request.extensions().get() else { return Ok(Admission::Now(None)) };
        let client = address::client(peer.ip(), request.headers(), &self.proxies);
        let (address, site) = (address::network(client), site(client));
        let now = nanos(came.saturating_duration_since(self.since));
        let cost = cost(route);
        // Of what git asks for one after the other the beginning is refused: there it shows its user why.
        let patience = if cost == PACK { self.patience.saturating_mul(2) } else { self.patience };
        let mut client = Client {
            limits: self.clone(),
            address: self.keys.of(Subject::Address(address)),
            site: self.keys.of(Subject::Address(site)),
            now,
            cost,
            patience: nanos(patience),
            payers: Arc::default(),
        };
        let admitted = client.admit(method, route);
        match &admitted {
            // Later limits are asked at that moment.
            Ok(Admission::Later(turn)) => client.now += nanos(turn.wait),
            Ok(Admission::Now(_)) => {}
            Err(_) => self.tell(peer.ip(), address, request.headers(), now),
        }
        request.extensions_mut().insert(client);
        admitted
    }

    fn no_place(&self) -> Error {
        self.shares_refused.increment(1);
        let quota = u64::try_from(self.shares.most()).unwrap_or(u64::MAX);
        let delay = Delay { seconds: RETRY_AFTER_SECONDS, limit: "transfers", quota, window: None };
        Error::busy("too many transfers at one time from your address; try again in a moment").until(delay)
    }

    /// A line in the log, now and then.
    fn tell(&self, peer: IpAddr, address: IpAddr, headers: &HeaderMap, now: Nanos) {
        let last = self.told.load(Ordering::Relaxed);
        if now < last
            || self.told.compare_exchange(last, now + nanos(TOLD), Ordering::Relaxed, Ordering::Relaxed).is_err()
        {
            return;
        }
        if address::is_forwarded(headers) && !is_trusted(peer, &self.proxies) {
            tracing::warn!(
                %address,
                "an address is over its limit; it sends X-Forwarded-For, but is not in `trusted_proxies`: if it is a \
                 proxy, all who come through it share the limits of one"
            );
        } else {
            tracing::warn!(%address, "an address is over its limit");
        }
    }
}

/// Where a request comes from, as far as it is known before anybody signs in.
#[derive(Clone)]
pub(super) struct Client {
    limits: Arc<Limits>,
    address: Key,
    /// For what only some can have at one time.
    site: Key,
    now: Nanos,
    cost: u64,
    /// For how long it may be held up.
    patience: Nanos,
    /// Token and user, when they are known.
    payers: Arc<OnceLock<(Key, Option<Key>)>>,
}

/// What becomes of a request that is within the limits.
pub(super) enum Admission {
    /// It is served, and a transfer holds its place.
    Now(Option<Place>),
    /// It has to wait for its turn.
    Later(Turn),
}

/// A request that waits for its turn.
pub(super) struct Turn {
    client: Client,
    wait: Duration,
    transfer: Option<Gauge>,
    _waiting: Place,
}

impl Turn {
    /// Comes when it is time; gives the place that a transfer holds.
    ///
    /// # Errors
    /// Busy where no place becomes free.
    pub(super) async fn come(self) -> Result<Option<Place>> {
        let Self { client, wait, transfer, .. } = &self;
        let limits = &client.limits;
        tokio::time::sleep(*wait).await;
        let Some(transfer) = transfer else { return Ok(None) };
        let place = limits.shares.wait(client.site, transfer, limits.patience).await;
        place.map(Some).ok_or_else(|| limits.no_place())
    }
}

impl Client {
    fn admit(&self, method: &str, route: &str) -> Result<Admission> {
        let limits = &self.limits;
        let wait =
            if self.cost > 0 { limits.address.take(self.address, self.cost, self.now, self.patience)? } else { 0 };
        let transfer = match method {
            "PUT" | "PATCH" if is_transfer(route) => Some(&limits.uploading),
            "GET" | "HEAD" if is_transfer(route) => Some(&limits.downloading),
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
            if wait == 0 { limits.no_place() } else { limits.address.refusal(wait) }
        })?;
        let (client, wait) = (self.clone(), Duration::from_nanos(wait));
        Ok(Admission::Later(Turn { client, wait, transfer: transfer.cloned(), _waiting: waiting }))
    }

    /// Waits for one of the git processes that the client's address may have: for a fetch, or a push. None where there
    /// is none for too long.
    pub(super) async fn git_process(self, is_push: bool) -> Option<Place> {
        let (shares, running) = &self.limits.git[usize::from(is_push)];
        let place = shares.wait(self.site, running, QUEUE).await;
        if place.is_none() {
            self.limits.git_refused.increment(1);
        }
        place
    }

    fn account(&self, token: Key, actor: &Actor) -> Account {
        let keys = &self.limits.keys;
        let user = match actor.user() {
            Some(id) => Some(keys.of(Subject::User(id))),
            None => actor.is_somebody().then(|| keys.of(Subject::Guest(&actor.key()))),
        };
        // For what turns out to be dear.
        let _ = self.payers.set((token, user));
        Account { client: self.clone(), token: Some(token), user }
    }

    /// Who it is, if there was not too much guessing, and the points that token and user have left allow
    /// the request.
    ///
    /// # Errors
    /// As for [`Access::authenticate`]; busy.
    pub(super) async fn sign_in(&self, access: &Access, credentials: Credentials) -> Result<(Actor, Account)> {
        let Some(attempt) = Attempt::begin(self, &credentials)? else {
            let actor = access.authenticate(credentials).await?;
            return Ok((actor, Account { client: self.clone(), token: None, user: None }));
        };
        let actor = access.authenticate(credentials).await;
        attempt.settle(actor.as_ref());
        let actor = actor?;
        let account = self.account(attempt.token, &actor);
        account.take().await?;
        Ok((actor, account))
    }
}

/// What the reading of repositories costs that a request needs, whatever its handler knows of it: charged at its end, also
/// where it failed, or the client has left.
pub(super) struct Bill {
    client: Option<Client>,
    effort: Effort,
}

impl Bill {
    pub(super) fn of(request: &Request) -> Self {
        Self { client: request.extensions().get().cloned(), effort: Effort::default() }
    }

    /// What is counted so far.
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

/// Who pays for a request.
pub(super) struct Account {
    client: Client,
    token: Option<Key>,
    user: Option<Key>,
}

impl Account {
    /// Takes what the request costs; comes when it is time.
    async fn take(&self) -> Result<()> {
        let Client { limits, address, now, cost, patience, .. } = &self.client;
        let take = |limit: &Limit, key: Option<Key>| key.map_or(Ok(0), |key| limit.take(key, *cost, *now, *patience));
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

    /// Who is refused pays nothing; nor do those behind the same address for one who does not wait.
    fn refund(&self, token: Option<Key>, user: Option<Key>) {
        let Client { limits, address, now, cost, .. } = &self.client;
        token.inspect(|token| limits.token.refund(*token, *cost, *now));
        user.inspect(|user| limits.user.refund(*user, *cost, *now));
        limits.address.refund(*address, cost.saturating_sub(1), *now);
    }

    /// Counts what a request costs more than is known from its route: a point for each object that it is about, or
    /// entry that it lists, beyond those in the price. It is not refused for that any more; a later one may be.
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

/// Buckets, and how it is told that one is empty.
struct Limit {
    name: &'static str,
    /// Too many of what.
    what: &'static str,
    /// None where nothing is limited.
    buckets: Option<Buckets>,
    refused: Counter,
}

impl Limit {
    fn new(name: &'static str, what: &'static str, points: u32, period: Duration, size: u64) -> Self {
        let buckets = (points > 0).then(|| Buckets::new(points, period, size));
        Self { name, what, buckets, refused: refusals(name) }
    }

    fn take(&self, key: Key, points: u64, now: Nanos, patience: Nanos) -> Result<Nanos> {
        let Some(buckets) = &self.buckets else { return Ok(0) };
        buckets.take(key, points, now, patience).map_err(|wait| self.refusal(wait))
    }

    fn refusal(&self, wait: Nanos) -> Error {
        self.refused.increment(1);
        let seconds = wait.div_ceil(nanos(Duration::from_secs(1))).clamp(1, LONGEST.as_secs());
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

/// Counts the requests that a limit refused.
fn refusals(limit: &'static str) -> Counter {
    metrics::counter!("rutter_limited_total", "limit" => limit)
}
