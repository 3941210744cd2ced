//! PostgreSQL connections with client-side query timeouts. The server may become unresponsive: frozen, or behind
//! a network that drops packets. Its own timeouts do not help then, so every response is subject to a timeout
//! here.
//!
//! A connection with an outstanding response is closed, never reused: the response may still arrive and would be
//! taken for that of another query.

use std::io;
use std::ops::{Deref, DerefMut};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use sqlx::pool::PoolConnection;
use sqlx::postgres::{PgConnectOptions, PgPool, PgPoolOptions};
use sqlx::{Connection as _, Executor as _, PgConnection, Postgres};

/// Timeout for acquiring a connection. A server handles many writes at once, so a longer wait means that it is
/// unavailable, which should be reported soon.
pub(super) const ACQUIRE: Duration = Duration::from_secs(5);

/// Timeout of the ping before a connection is reused.
const GREETING: Duration = Duration::from_secs(3);

/// Idle timeout of connections: firewalls silently drop idle ones.
const IDLE: Duration = Duration::from_mins(2);

const READ: &str = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";
const WRITE: &str = "BEGIN";

/// Query timeout of long statements outside of requests. The server's own timeout is somewhat shorter.
const LONG: Duration = Duration::from_secs(330);
const READ_LONG: &str = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SET LOCAL statement_timeout = '300s'";
const WRITE_LONG: &str = "BEGIN; SET LOCAL statement_timeout = '300s'";

/// A PostgreSQL server: connection pool, query timeout and hang detection. Cheap to clone.
#[derive(Clone)]
pub struct Server {
    pool: PgPool,
    query_timeout: Duration,
    silence: HangDetector,
}

/// When the server was last found unresponsive.
#[derive(Clone, Default)]
struct HangDetector(Arc<Mutex<Option<Instant>>>);

impl HangDetector {
    fn begins(&self) {
        *self.last() = Some(Instant::now());
    }

    fn is_since(&self, moment: Instant) -> bool {
        self.last().is_some_and(|last| last > moment)
    }

    fn last(&self) -> MutexGuard<'_, Option<Instant>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Server {
    /// Connects. `query_timeout` is the query timeout; the timeouts of the server are shorter: somewhat for
    /// statements, more for locks.
    pub(super) async fn connect(
        options: PgConnectOptions,
        connections: u32,
        query_timeout: Duration,
    ) -> Result<Self, sqlx::Error> {
        let milliseconds = |limit: Duration| limit.as_millis().to_string();
        let bounded = options.options([
            // A replica that hangs in a transaction must not block all others.
            ("idle_in_transaction_session_timeout", "60s"),
            ("lock_timeout", &milliseconds(query_timeout * 2 / 3)),
            ("statement_timeout", &milliseconds(query_timeout * 5 / 6)),
        ]);
        let silence = HangDetector::default();
        let known = silence.clone();
        let pool = PgPoolOptions::new()
            .max_connections(connections)
            .acquire_timeout(ACQUIRE)
            .idle_timeout(IDLE)
            .test_before_acquire(false)
            .before_acquire(move |connection, about| {
                let silence = known.clone();
                Box::pin(async move {
                    // A connection that was idle when another one hung is probably dead too.
                    if Instant::now().checked_sub(about.idle_for).is_some_and(|since| silence.is_since(since)) {
                        return Ok(false);
                    }
                    let answer = tokio::time::timeout(GREETING, connection.ping()).await;
                    if answer.is_err() {
                        silence.begins();
                    }
                    Ok(matches!(answer, Ok(Ok(()))))
                })
            })
            .connect_with(bounded)
            .await?;
        Ok(Self { pool, query_timeout, silence })
    }

    pub(super) fn pool(&self) -> &PgPool {
        &self.pool
    }

    /// Returns true if the server was found unresponsive after the given time.
    pub(super) fn is_silent_since(&self, moment: Instant) -> bool {
        self.silence.is_since(moment)
    }

    /// Begins a read transaction on a consistent snapshot. If it is `long`, its statements may take minutes.
    pub(super) async fn read(&self, long: bool) -> Result<PgTx, sqlx::Error> {
        self.begin(if long { READ_LONG } else { READ }, long).await
    }

    /// Begins a transaction that may write. If it is `long`, its statements may take minutes.
    pub(super) async fn write(&self, long: bool) -> Result<PgTx, sqlx::Error> {
        self.begin(if long { WRITE_LONG } else { WRITE }, long).await
    }

    async fn begin(&self, statement: &'static str, long: bool) -> Result<PgTx, sqlx::Error> {
        let connection = self.pool.acquire().await.inspect_err(|_| {
            // If the pool could have opened another connection, it is not exhausted: the server does not respond.
            if self.pool.size() < self.pool.options().get_max_connections() {
                self.silence.begins();
            }
        })?;
        let query_timeout = if long { self.query_timeout.max(LONG) } else { self.query_timeout };
        let (connection, silence) = (Some(connection), self.silence.clone());
        let mut session = PgTx { connection, query_timeout, in_doubt: false, is_open: true, silence };
        session.answer_within(ACQUIRE, async |connection| connection.execute(statement).await).await?;
        Ok(session)
    }
}

/// A transaction with its own connection. Dropping it without [`PgTx::commit`] rolls it back.
pub struct PgTx {
    /// `None` only while it is dropped.
    connection: Option<PoolConnection<Postgres>>,
    query_timeout: Duration,
    /// True if a response is outstanding, or the connection broke.
    in_doubt: bool,
    is_open: bool,
    silence: HangDetector,
}

impl PgTx {
    /// Runs a query within the query timeout.
    pub(super) async fn answer<T>(
        &mut self,
        ask: impl AsyncFnOnce(&mut PgConnection) -> Result<T, sqlx::Error>,
    ) -> Result<T, sqlx::Error> {
        self.answer_within(self.query_timeout, ask).await
    }

    async fn answer_within<T>(
        &mut self,
        query_timeout: Duration,
        ask: impl AsyncFnOnce(&mut PgConnection) -> Result<T, sqlx::Error>,
    ) -> Result<T, sqlx::Error> {
        use sqlx::Error::{Io, Protocol, Tls};
        // Remains true if this future is dropped.
        self.in_doubt = true;
        let Ok(answer) = tokio::time::timeout(query_timeout, ask(&mut *self)).await else {
            self.silence.begins();
            return Err(Io(io::Error::new(io::ErrorKind::TimedOut, "the database query timed out")));
        };
        self.in_doubt = matches!(answer, Err(Io(_) | Protocol(_) | Tls(_)));
        answer
    }

    /// Commits the transaction. After an error the outcome is unknown.
    pub(super) async fn commit(mut self) -> Result<(), sqlx::Error> {
        self.answer(async |connection| connection.execute("COMMIT").await).await?;
        self.is_open = false;
        Ok(())
    }
}

/// For tests, which need access to the connection without any of the above.
impl Deref for PgTx {
    type Target = PgConnection;

    fn deref(&self) -> &PgConnection {
        self.connection.as_ref().expect("the connection is there until the drop")
    }
}

impl DerefMut for PgTx {
    fn deref_mut(&mut self) -> &mut PgConnection {
        self.connection.as_mut().expect("the connection is there until the drop")
    }
}

impl Drop for PgTx {
    fn drop(&mut self) {
        let Some(mut connection) = self.connection.take() else { return };
        if self.in_doubt {
            drop(connection.detach());
            return;
        }
        let Ok(runtime) = tokio::runtime::Handle::try_current() else {
            drop(connection.detach());
            return;
        };
        let (is_open, silence) = (self.is_open, self.silence.clone());
        runtime.spawn(async move {
            // Execute it to completion, instead of only queueing it: if the rest of a response has yet to be
            // read, it would not even be sent, and the next user of the connection would be in this transaction.
            if is_open {
                let ended = tokio::time::timeout(ACQUIRE, connection.execute("ROLLBACK")).await;
                if ended.is_err() {
                    silence.begins();
                }
                if !matches!(ended, Ok(Ok(_))) {
                    drop(connection.detach());
                    return;
                }
            }
            // Without a timeout, the pool could wait forever.
            if tokio::time::timeout(ACQUIRE, connection.return_to_pool()).await.is_err() {
                silence.begins();
            }
        });
    }
}
