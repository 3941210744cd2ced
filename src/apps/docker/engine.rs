//! The connection to the container engine: its socket, the version of its API, timeouts and errors.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use bollard::errors::Error as ApiError;
use tokio::sync::Mutex;

use crate::error::{Error, Result};

/// Longest time for one call.
const CALL_TIMEOUT: Duration = Duration::from_secs(30);

/// How long a negotiated version is used: the engine may be replaced by another version while this server runs.
const VERSION_TTL: Duration = Duration::from_mins(10);

/// Where Docker Engine listens by default.
const DEFAULT_SOCKET: &str = "/var/run/docker.sock";

/// An engine, which need not be there yet.
pub(super) struct Engine {
    socket: String,
    connection: Mutex<Option<(Connection, Instant)>>,
}

/// What calls are made with.
#[derive(Clone)]
pub(super) struct Connection {
    /// The client. It opens a connection for each call.
    pub(super) api: bollard::Docker,
    /// True if the engine can run a process that reaps zombies and passes signals on.
    pub(super) has_init: bool,
    /// The number of processors.
    pub(super) cpus: u32,
}

impl Engine {
    /// Creates an engine, without connecting to it.
    ///
    /// # Errors
    /// Invalid if the path is not text.
    pub(super) fn new(socket: Option<&PathBuf>) -> Result<Self> {
        let socket = match socket {
            Some(path) => path.to_str().ok_or_else(|| Error::invalid("apps.docker.socket is not a valid path"))?,
            None => DEFAULT_SOCKET,
        };
        Ok(Self { socket: socket.to_owned(), connection: Mutex::new(None) })
    }

    /// Returns a connection, whose version of the API is one that both sides know.
    ///
    /// # Errors
    /// Unavailable if the engine does not answer.
    pub(super) async fn connect(&self) -> Result<Connection> {
        let mut current = self.connection.lock().await;
        if let Some((connection, since)) = &*current
            && since.elapsed() < VERSION_TTL
        {
            return Ok(connection.clone());
        }
        let connection = call(self.negotiate()).await.map_err(unavailable)?;
        *current = Some((connection.clone(), Instant::now()));
        Ok(connection)
    }

    async fn negotiate(&self) -> Result<Connection, ApiError> {
        let timeout = CALL_TIMEOUT.as_secs();
        let api = bollard::Docker::connect_with_unix(&self.socket, timeout, bollard::API_DEFAULT_VERSION)?;
        let api = api.negotiate_version().await?;
        let info = api.info().await?;
        // The engine says `N/A` if it cannot run its init.
        let has_init = info.init_commit.and_then(|commit| commit.id).is_none_or(|id| id != "N/A");
        let cpus = info.ncpu.and_then(|count| u32::try_from(count).ok()).unwrap_or(1).max(1);
        Ok(Connection { api, has_init, cpus })
    }
}

/// Ends a call that takes too long.
pub(super) async fn call<T>(work: impl Future<Output = Result<T, ApiError>>) -> Result<T, ApiError> {
    tokio::time::timeout(CALL_TIMEOUT, work).await.unwrap_or(Err(ApiError::RequestTimeoutError))
}

/// Makes a call whose object may not exist.
///
/// # Errors
/// Unavailable for other failures than 404.
pub(super) async fn find<T>(work: impl Future<Output = Result<T, ApiError>>) -> Result<Option<T>> {
    match call(work).await {
        Ok(found) => Ok(Some(found)),
        Err(error) if status(&error) == Some(404) => Ok(None),
        Err(error) => Err(unavailable(error)),
    }
}

/// Makes a call that may find its work done already: statuses in `done` are successes.
///
/// # Errors
/// Unavailable for other failures.
pub(super) async fn settle(done: &[u16], work: impl Future<Output = Result<(), ApiError>>) -> Result<()> {
    match call(work).await {
        Err(error) if !status(&error).is_some_and(|status| done.contains(&status)) => Err(unavailable(error)),
        _ => Ok(()),
    }
}

/// Returns the status of a refused call.
pub(super) fn status(error: &ApiError) -> Option<u16> {
    match error {
        // The container is being removed, and is half gone.
        ApiError::DockerResponseServerError { status_code: 500, message }
            if message.starts_with("RWLayer of container") =>
        {
            Some(404)
        }
        ApiError::DockerResponseServerError { status_code, .. } => Some(*status_code),
        _ => None,
    }
}

/// Returns what the engine says about a failure; empty if it did not answer.
pub(super) fn message(error: &ApiError) -> &str {
    match error {
        ApiError::DockerResponseServerError { message, .. } => message,
        ApiError::DockerStreamError { error } => error,
        _ => "",
    }
}

/// Reports a failure that another attempt may not have.
pub(super) fn unavailable(error: ApiError) -> Error {
    Error::unavailable("the container engine is unavailable; try again later").because(error)
}
