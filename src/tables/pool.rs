//! The pool of table engines: how many there are, and which actors use them.
//!
//! An engine serves one actor for all its life, so that no data of one can stay in memory for another. Visitors, who have no
//! account, have at most half of the engines together, so that they cannot keep users from theirs.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use metastore::ProcessDir;
use metrics::{Gauge, gauge};
use tokio::sync::Notify;

use super::process::Process;
use crate::config::TablesConfig;
use crate::error::{Error, Result};

/// The pool. Cheap to clone.
#[derive(Clone)]
pub(super) struct Pool(Arc<Inner>);

struct Inner {
    config: TablesConfig,
    program: PathBuf,
    /// The folder of the engines' temporary files.
    run: Arc<ProcessDir>,
    state: Mutex<State>,
    /// Wakes requests that wait for an engine.
    freed: Notify,
    running: Gauge,
}

/// Whose an engine is.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Owner {
    /// The key of the actor.
    pub(super) actor: String,
    /// True for a caller without an account. All of them may be different people.
    pub(super) is_visitor: bool,
}

#[derive(Default)]
struct State {
    /// Number of engines in use, by owner.
    busy: HashMap<Owner, usize>,
    idle: Vec<Idle>,
    /// The number of the next engine.
    next: u64,
}

struct Idle {
    number: u64,
    owner: Owner,
    process: Process,
}

impl State {
    fn used(&self) -> usize {
        self.busy.values().sum()
    }

    /// Returns how many engines are used by visitors.
    fn used_by_visitors(&self) -> usize {
        self.busy.iter().filter(|(owner, _)| owner.is_visitor).map(|(_, count)| count).sum()
    }
}

/// What a request may do next.
enum Turn {
    /// Use this engine, which served the actor before.
    Warm(Box<Process>),
    /// Start an engine.
    Cold,
    /// Wait until one is freed.
    Wait,
}

impl Pool {
    pub(super) fn new(config: &TablesConfig, run: Arc<ProcessDir>) -> Self {
        Self(Arc::new(Inner {
            program: config.program(),
            config: config.clone(),
            run,
            state: Mutex::default(),
            freed: Notify::new(),
            running: gauge!("rutter_table_engines"),
        }))
    }

    /// Returns the program of the engine.
    pub(super) fn program(&self) -> &Path {
        &self.0.program
    }

    /// Returns an engine for an actor: one that served the same actor before, or a new one.
    ///
    /// # Errors
    /// Busy if no engine is free in time; unavailable if it cannot be started.
    pub(super) async fn take(&self, owner: &Owner) -> Result<Lease> {
        let timeout = Duration::from_secs(self.0.config.wait_seconds);
        let process = tokio::time::timeout(timeout, self.turn(owner)).await;
        let process = process.map_err(|_| {
            Error::busy(format!(
                "too many tables are being read: no table engine was free within {} s (`tables.wait_seconds`); try again in a \
                 moment",
                timeout.as_secs()
            ))
        })?;
        let mut lease = Lease { pool: self.clone(), owner: Some(owner.clone()), process };
        self.0.measure();
        if let Some(process) = &mut lease.process
            && process.is_running()
        {
            return Ok(lease);
        }
        lease.process = Some(self.start().await?);
        Ok(lease)
    }

    /// Starts an engine beside those of the pool, for one request.
    ///
    /// # Errors
    /// Unavailable if it cannot be started.
    pub(super) async fn start_extra(&self) -> Result<Lease> {
        Ok(Lease { pool: self.clone(), owner: None, process: Some(self.start().await?) })
    }

    async fn start(&self) -> Result<Process> {
        let run = Arc::clone(&self.0.run);
        let scratch = crate::blocking(move || run.scratch("engine-")).await??;
        Process::start(&self.0.program, scratch, &self.0.config).await
    }

    /// Waits for the permission to use an engine, and returns it if it is running already.
    async fn turn(&self, owner: &Owner) -> Option<Process> {
        loop {
            let freed = self.0.freed.notified();
            tokio::pin!(freed);
            // Registered before the state is looked at, so that nothing that is freed meanwhile is missed.
            freed.as_mut().enable();
            let turn = self.0.state().turn(owner, self.0.config.engines);
            match turn {
                Turn::Warm(process) => return Some(*process),
                Turn::Cold => return None,
                Turn::Wait => freed.await,
            }
        }
    }
}

impl State {
    /// Decides what a request of an actor may do, and counts it if it may go on.
    fn turn(&mut self, owner: &Owner, engines: usize) -> Turn {
        let (used, own) = (self.used(), self.busy.get(owner).copied().unwrap_or_default());
        // An actor uses at most half of them, and so do all visitors.
        if used >= engines
            || own >= engines.div_ceil(2)
            || owner.is_visitor && self.used_by_visitors() >= (engines / 2).max(1)
        {
            return Turn::Wait;
        }
        *self.busy.entry(owner.clone()).or_default() += 1;
        if let Some(found) = self.idle.iter().position(|idle| idle.owner == *owner) {
            return Turn::Warm(Box::new(self.idle.remove(found).process));
        }
        if used + self.idle.len() >= engines {
            // The one that was idle for longest gives way.
            drop(self.idle.remove(0));
        }
        Turn::Cold
    }
}

impl Inner {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    #[expect(clippy::cast_precision_loss, reason = "a handful")]
    fn measure(&self) {
        let state = self.state();
        self.running.set((state.used() + state.idle.len()) as f64);
    }
}

/// The right to use an engine for one request. Dropping it ends the engine, unless it was given back.
pub(super) struct Lease {
    pool: Pool,
    /// Whose it is among those of the pool; `None` for an engine beside it, which is never kept.
    owner: Option<Owner>,
    process: Option<Process>,
}

impl Lease {
    /// Returns the engine.
    pub(super) fn process(&mut self) -> Result<&mut Process> {
        self.process.as_mut().ok_or_else(|| Error::internal("a lease without an engine"))
    }

    /// Returns the engine to the pool, which keeps it for a while for further requests of the same actor.
    pub(super) fn give_back(mut self) {
        let Some(process) = self.process.take() else { return };
        let idle = Duration::from_secs(self.pool.0.config.idle_seconds);
        let Some(owner) = self.owner.clone().filter(|_| !idle.is_zero()) else { return };
        let number = {
            let mut state = self.pool.0.state();
            state.next += 1;
            let number = state.next;
            state.idle.push(Idle { number, owner, process });
            number
        };
        let pool = Arc::downgrade(&self.pool.0);
        let until = Instant::now() + idle;
        tokio::spawn(async move {
            tokio::time::sleep_until(until.into()).await;
            if let Some(pool) = pool.upgrade() {
                let found = {
                    let mut state = pool.state();
                    let found = state.idle.iter().position(|idle| idle.number == number);
                    found.map(|found| state.idle.remove(found))
                };
                drop(found);
                pool.measure();
            }
        });
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        // First the engine, so that there are never more than there may be.
        drop(self.process.take());
        let Some(owner) = &self.owner else { return };
        {
            let mut state = self.pool.0.state();
            if let Some(busy) = state.busy.get_mut(owner) {
                *busy -= 1;
                if *busy == 0 {
                    state.busy.remove(owner);
                }
            }
        }
        self.pool.0.measure();
        self.pool.0.freed.notify_waiters();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_cold(turn: &Turn) -> bool {
        matches!(turn, Turn::Cold)
    }

    fn user(name: &str) -> Owner {
        Owner { actor: name.to_owned(), is_visitor: false }
    }

    #[test]
    fn an_actor_uses_at_most_half_of_the_engines() {
        let mut state = State::default();
        assert!(is_cold(&state.turn(&user("ada"), 4)) && is_cold(&state.turn(&user("ada"), 4)));
        assert!(matches!(state.turn(&user("ada"), 4), Turn::Wait));
        assert!(is_cold(&state.turn(&user("ben"), 4)) && is_cold(&state.turn(&user("cleo"), 4)));
        assert!(matches!(state.turn(&user("dan"), 4), Turn::Wait), "all are in use");
        // One is enough for everybody.
        let mut single = State::default();
        assert!(is_cold(&single.turn(&user("ada"), 1)));
        assert!(matches!(single.turn(&user("ben"), 1), Turn::Wait));
    }

    #[test]
    fn visitors_leave_half_of_the_engines_to_users() {
        let visitor = |name: &str| Owner { actor: name.to_owned(), is_visitor: true };
        for (engines, most) in [(1, 1), (2, 1), (3, 1), (4, 2), (5, 2)] {
            let mut state = State::default();
            let taken = (0..9).filter(|link| is_cold(&state.turn(&visitor(&format!("link:{link}")), engines))).count();
            assert_eq!(taken, most, "{engines}");
            assert_eq!(is_cold(&state.turn(&user("ada"), engines)), engines > 1, "{engines}");
        }
    }
}
