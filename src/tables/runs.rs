//! Results that are computed as a whole, once for all who ask for them: row diffs and thumbnails.
//!
//! Requests for the same result share one run, which goes on for a minute after the last of them. An engine writes the result
//! into a file of the cache.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use metrics::counter;
use tokio::sync::{OwnedMutexGuard, watch};
use tokio::time::Instant;

use super::cache::{CachedResult, Key};
use super::pool::Owner;
use super::{Charge, Request, Tables};
use crate::error::{Error, Kind, Result};

/// How long a request waits at most for a result before it returns how far that is.
pub const MAX_WAIT: Duration = Duration::from_secs(20);

/// How long a run goes on after the last request for it.
const UNWANTED: Duration = Duration::from_mins(1);

/// What a run computes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum RunKind {
    RowDiff,
    Thumbnail,
}

impl RunKind {
    /// Returns the maximum number of runs of an actor that are computed, or wait for an engine. They go on without a
    /// connection, so the number of connections does not limit them.
    fn limit(self) -> usize {
        match self {
            Self::RowDiff => 16,
            // Several pages with many images each: a run takes a fraction of a second.
            Self::Thumbnail => 200,
        }
    }

    fn too_many(self) -> Error {
        Error::busy(match self {
            Self::RowDiff => "too many row diffs are being computed for you; try again in a moment",
            Self::Thumbnail => "too many thumbnails are being made for you; try again in a moment",
        })
    }

    fn unwanted(self) -> Error {
        Error::unavailable(match self {
            Self::RowDiff => "the row diff was given up, because there were no requests for it",
            Self::Thumbnail => "the thumbnail was given up, because there were no requests for it",
        })
    }

    /// Returns the error for a result that has more than `limit` bytes.
    fn too_large(self, limit: u64) -> Error {
        Error::invalid(match self {
            Self::RowDiff => format!(
                "the row diff does not fit into the cache: it has more than {limit} bytes, half of `tables.cache_bytes`; lower \
                 `tables.diff_rows`, or raise `tables.cache_bytes`"
            ),
            Self::Thumbnail => format!(
                "the thumbnail does not fit into the cache: it has more than {limit} bytes, half of `tables.cache_bytes`; \
                 raise `tables.cache_bytes`"
            ),
        })
    }
}

/// The results that are being computed.
#[derive(Default)]
pub(super) struct Runs {
    all: Mutex<HashMap<Key, Arc<Run>>>,
    /// Actors whose thumbnails are being made, with one engine at a time: a page asks for many at once, which must leave
    /// engines to the tables of the same actor.
    turns: Mutex<HashMap<Owner, Arc<tokio::sync::Mutex<()>>>>,
}

/// A result that is being computed.
struct Run {
    kind: RunKind,
    /// Whose engine computes it.
    owner: Owner,
    state: watch::Sender<State>,
    /// When it was last asked for.
    wanted: Mutex<Instant>,
}

#[derive(Clone)]
enum State {
    Running(f64),
    Done(CachedResult),
    Failed(Kind, String),
}

impl Runs {
    fn all(&self) -> MutexGuard<'_, HashMap<Key, Arc<Run>>> {
        self.all.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for the turn of a run of this kind.
    async fn turn(&self, kind: RunKind, owner: &Owner) -> Option<OwnedMutexGuard<()>> {
        if kind != RunKind::Thumbnail {
            return None;
        }
        let turn = {
            let mut turns = self.turns.lock().unwrap_or_else(PoisonError::into_inner);
            // Those who have or await a turn hold a reference.
            turns.retain(|_, turn| Arc::strong_count(turn) > 1);
            Arc::clone(turns.entry(owner.clone()).or_default())
        };
        Some(turn.lock_owned().await)
    }
}

impl Run {
    fn new(kind: RunKind, owner: Owner) -> Self {
        Self { kind, owner, state: watch::channel(State::Running(0.0)).0, wanted: Mutex::new(Instant::now()) }
    }

    fn wanted(&self) -> MutexGuard<'_, Instant> {
        self.wanted.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until there was no request for the result for a while.
    async fn unwanted(&self) {
        loop {
            let until = *self.wanted() + UNWANTED;
            if until <= Instant::now() {
                return;
            }
            tokio::time::sleep_until(until).await;
        }
    }
}

impl Tables {
    /// Waits for a result, and returns its file; if it takes long, how far it is.
    ///
    /// # Errors
    /// Those of the engine; busy if too many are computed for this actor.
    pub(super) async fn finished(
        &self,
        mut request: Request,
        kind: RunKind,
        wait: Duration,
        charge: &Charge,
    ) -> Result<Result<CachedResult, f64>> {
        if let Some(cached) = self.0.cache.open(&request.key).await {
            counter!("rutter_table_cache_total", "outcome" => "hit").increment(1);
            return Ok(Ok(cached));
        }
        let until = Instant::now() + wait;
        loop {
            let (run, unused) = self.join(request, kind, charge)?;
            let mut state = run.state.subscribe();
            let ended = state.wait_for(|state| !matches!(state, State::Running(_)));
            let ended = tokio::time::timeout_at(until, ended).await.map(|ended| ended.map(|state| state.clone()));
            match ended.unwrap_or_else(|_| Ok(state.borrow().clone())).map_err(Error::internal)? {
                State::Done(result) => return Ok(Ok(result)),
                State::Running(progress) => return Ok(Err(progress)),
                State::Failed(kind, detail) => match unused {
                    // The one who began it has no engine for it. This actor may have one.
                    Some(own) if kind == Kind::Busy && own.owner != run.owner => request = own,
                    _ => return Err(Error::of_kind(kind, detail)),
                },
            }
        }
    }

    /// Returns the run of a result, starting it if necessary. If it was running already, also returns the request.
    ///
    /// # Errors
    /// Busy if there are too many of this actor.
    fn join(&self, request: Request, kind: RunKind, charge: &Charge) -> Result<(Arc<Run>, Option<Request>)> {
        let mut runs = self.0.runs.all();
        if let Some(run) = runs.get(&request.key) {
            *run.wanted() = Instant::now();
            return Ok((Arc::clone(run), Some(request)));
        }
        if runs.values().filter(|run| run.kind == kind && run.owner == request.owner).count() >= kind.limit() {
            return Err(kind.too_many());
        }
        counter!("rutter_table_cache_total", "outcome" => "miss").increment(1);
        let run = Arc::new(Run::new(kind, request.owner.clone()));
        runs.insert(request.key.clone(), Arc::clone(&run));
        tokio::spawn(self.clone().drive(request, Arc::clone(&run), Arc::clone(charge)));
        Ok((run, None))
    }

    /// Computes a result, until there are no more requests for it.
    async fn drive(self, request: Request, run: Arc<Run>, charge: Charge) {
        let key = request.key.clone();
        let result = tokio::select! {
            result = self.drain(request, &run, charge) => result,
            () = run.unwanted() => Err(run.kind.unwanted()),
        };
        self.0.runs.all().remove(&key);
        run.state.send_replace(match result {
            Ok(found) => State::Done(found),
            Err(error) => {
                error.log();
                State::Failed(error.kind(), error.detail().to_owned())
            }
        });
    }

    /// Computes a result into the cache.
    async fn drain(&self, request: Request, run: &Run, charge: Charge) -> Result<CachedResult> {
        let _turn = self.0.runs.turn(run.kind, &run.owner).await;
        let progress = |fraction| {
            run.state.send_replace(State::Running(fraction));
        };
        let found = self.compute_file(request, charge, progress).await?;
        found.ok_or_else(|| run.kind.too_large(self.0.cache.file_limit()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn visitor() -> Owner {
        Owner { actor: String::new(), is_visitor: true }
    }

    #[tokio::test(start_paused = true)]
    async fn a_run_is_given_up_a_minute_after_the_last_request() {
        let run = Run::new(RunKind::RowDiff, visitor());
        let begin = Instant::now();
        let asking = async {
            for _ in 0..3 {
                tokio::time::sleep(Duration::from_secs(40)).await;
                *run.wanted() = Instant::now();
            }
        };
        tokio::join!(asking, run.unwanted());
        assert_eq!(begin.elapsed().as_secs(), 180);
    }

    #[tokio::test(start_paused = true)]
    async fn thumbnails_of_an_actor_take_turns() {
        let (runs, owner) = (Runs::default(), visitor());
        let first = runs.turn(RunKind::Thumbnail, &owner).await;
        assert!(first.is_some());
        assert!(runs.turn(RunKind::RowDiff, &owner).await.is_none(), "row diffs do not");
        let other = Owner { actor: "ada".to_owned(), is_visitor: false };
        assert!(runs.turn(RunKind::Thumbnail, &other).await.is_some());
        let wait = Duration::from_secs(1);
        assert!(tokio::time::timeout(wait, runs.turn(RunKind::Thumbnail, &owner)).await.is_err());
        drop(first);
        assert!(tokio::time::timeout(wait, runs.turn(RunKind::Thumbnail, &owner)).await.is_ok());
    }
}
