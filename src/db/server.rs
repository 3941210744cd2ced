//! A database server that may fall silent: frozen, or behind a network that swallows what is sent. Its own time limits
//! do not help then, so each answer is waited for here, and not for ever.
//!
//! A connection that owes an answer is closed, never used again: the answer may still come, and would be taken for
//! that to another question.

use std::io;
use std::ops::{Deref, DerefMut};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use sqlx::pool::PoolConnection;
use sqlx::postgres::{PgConnectOptions, PgPool, PgPoolOptions};
use sqlx::{Connection as _, Executor as _, PgConnection, Postgres};

/// How long to wait for a connection. A server writes for many at once, so who waits for longer waits for one
/// that is away, and that is told soon.
pub(super) const ACQUIRE: Duration = Duration::from_secs(5);

/// How long the server may take to say that it is there.
const GREETING: Duration = Duration::from_secs(3);

/// Connections that nobody used for longer are closed: firewalls forget what is idle without a word.
const IDLE: Duration = Duration::from_mins(2);

const READ: &str = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";
const WRITE: &str = "BEGIN";

/// How long a statement may take for which nobody waits. The server ends it somewhat sooner.
const LONG: Duration = Duration::from_secs(330);
const READ_LONG: &str = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SET LOCAL statement_timeout = '300s'";
const WRITE_LONG: &str = "BEGIN; SET LOCAL statement_timeout = '300s'";

/// A database server, and what is known about it. Cheap to clone.
#[derive(Clone)]
pub struct Server {
    pool: PgPool,
    patience: Duration,
    silence: Silence,
}

/// When somebody last found the server silent.
#[derive(Clone, Default)]
struct Silence(Arc<Mutex<Option<Instant>>>);

impl Silence {
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
    /// Connects. Each answer may take `patience`; the server, as long as it can, ends a statement a little sooner, and
    /// one that waits for others sooner still.
    pub(super) async fn connect(
        options: PgConnectOptions,
        connections: u32,
        patience: Duration,
    ) -> Result<Self, sqlx::Error> {
        let milliseconds = |limit: Duration| limit.as_millis().to_string();
        let bounded = options.options([
            // A replica that hangs in a transaction must not hold up all others.
            ("idle_in_transaction_session_timeout", "60s"),
            ("lock_timeout", &milliseconds(patience * 2 / 3)),
            ("statement_timeout", &milliseconds(patience * 5 / 6)),
        ]);
        let silence = Silence::default();
        let known = silence.clone();
        let pool = PgPoolOptions::new()
            .max_connections(connections)
            .acquire_timeout(ACQUIRE)
            .idle_timeout(IDLE)
            .test_before_acquire(false)
            .before_acquire(move |connection, about| {
                let silence = known.clone();
                Box::pin(async move {
                    // What was idle when another connection fell silent is as good as lost.
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
        Ok(Self { pool, patience, silence })
    }

    pub(super) fn pool(&self) -> &PgPool {
        &self.pool
    }

    /// Whether somebody found the server silent after that moment.
    pub(super) fn is_silent_since(&self, moment: Instant) -> bool {
        self.silence.is_since(moment)
    }

    /// A transaction that sees one moment. If it is `long`, its statements may take minutes.
    pub(super) async fn read(&self, long: bool) -> Result<Session, sqlx::Error> {
        self.begin(if long { READ_LONG } else { READ }, long).await
    }

    /// A transaction that may write. If it is `long`, its statements may take minutes.
    pub(super) async fn write(&self, long: bool) -> Result<Session, sqlx::Error> {
        self.begin(if long { WRITE_LONG } else { WRITE }, long).await
    }

    async fn begin(&self, statement: &'static str, long: bool) -> Result<Session, sqlx::Error> {
        let connection = self.pool.acquire().await.inspect_err(|_| {
            // If there was room for another connection, it is not that all of them are in use.
            if self.pool.size() < self.pool.options().get_max_connections() {
                self.silence.begins();
            }
        })?;
        let patience = if long { self.patience.max(LONG) } else { self.patience };
        let (connection, silence) = (Some(connection), self.silence.clone());
        let mut session = Session { connection, patience, in_doubt: false, is_open: true, silence };
        session.answer_within(ACQUIRE, async |connection| connection.execute(statement).await).await?;
        Ok(session)
    }
}

/// A transaction on a connection of its own. Dropped without [`Session::commit`], it never happened.
pub struct Session {
    /// None at its end only.
    connection: Option<PoolConnection<Postgres>>,
    patience: Duration,
    /// Whether an answer is owed, or the connection broke.
    in_doubt: bool,
    is_open: bool,
    silence: Silence,
}

impl Session {
    /// Asks something, and waits for the answer as long as is right.
    pub(super) async fn answer<T>(
        &mut self,
        ask: impl AsyncFnOnce(&mut PgConnection) -> Result<T, sqlx::Error>,
    ) -> Result<T, sqlx::Error> {
        self.answer_within(self.patience, ask).await
    }

    async fn answer_within<T>(
        &mut self,
        patience: Duration,
        ask: impl AsyncFnOnce(&mut PgConnection) -> Result<T, sqlx::Error>,
    ) -> Result<T, sqlx::Error> {
        use sqlx::Error::{Io, Protocol, Tls};
        // So it stays if this is given up.
        self.in_doubt = true;
        let Ok(answer) = tokio::time::timeout(patience, ask(&mut *self)).await else {
            self.silence.begins();
            return Err(Io(io::Error::new(io::ErrorKind::TimedOut, "the database server is silent")));
        };
        self.in_doubt = matches!(answer, Err(Io(_) | Protocol(_) | Tls(_)));
        answer
    }

    /// Makes it so. After an error, nobody knows whether it is.
    pub(super) async fn commit(mut self) -> Result<(), sqlx::Error> {
        self.answer(async |connection| connection.execute("COMMIT").await).await?;
        self.is_open = false;
        Ok(())
    }
}

/// For what is no feature's, as in tests: past all of the above.
impl Deref for Session {
    type Target = PgConnection;

    fn deref(&self) -> &PgConnection {
        self.connection.as_ref().expect("it is there until the end")
    }
}

impl DerefMut for Session {
    fn deref_mut(&mut self) -> &mut PgConnection {
        self.connection.as_mut().expect("it is there until the end")
    }
}

impl Drop for Session {
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
            // To its end, and not only sent: where the rest of an answer has yet to be read, it is not even that, and
            // the next one would find itself in this transaction.
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
            // Left alone, the pool would wait for ever.
            if tokio::time::timeout(ACQUIRE, connection.return_to_pool()).await.is_err() {
                silence.begins();
            }
        });
    }
}
