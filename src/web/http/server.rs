//! Accept loop and graceful shutdown: accepts connections, passes requests to the service, and lets transfers finish at
//! the end.

use std::convert::Infallible;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::Request;
use axum::response::Response;
use hyper::body::Incoming;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use hyper_util::server::graceful::GracefulConnection;
use hyper_util::service::TowerToHyperService;
use socket2::{SockRef, TcpKeepalive};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower::{Service, ServiceExt as _};

mod connections;
mod stream;

pub(crate) use self::connections::Running;
use self::connections::{Activity, Connection, Connections, open_files};
use self::stream::IdleTimeoutStream;
use super::address::{Peer, is_trusted, site};
use crate::config::Config;

/// The timeout for reading a request head.
const HEADER_TIMEOUT: Duration = Duration::from_secs(30);

/// How long a connection may stay silent during shutdown.
const SHUTDOWN_TIMEOUT: Duration = Duration::from_secs(5);

/// The maximum number of concurrent streams on an HTTP/2 connection: the minimum that RFC 9113 §6.5.2 recommends.
const MAX_HTTP2_STREAMS: u32 = 100;

/// The HTTP/2 send buffer of one response in bytes.
const SENDING: usize = 64 << 10;

/// When the operating system asks a silent client whether it is still there: it has two minutes to answer.
const KEEP_ALIVE: TcpKeepalive =
    TcpKeepalive::new().with_time(Duration::from_secs(60)).with_interval(Duration::from_secs(15)).with_retries(4);

/// Serves requests until `stop`, then waits for requests in progress, up to the configured shutdown timeout.
pub(crate) async fn serve<S>(service: S, config: &Config, listener: TcpListener, stop: CancellationToken)
where
    S: Service<Request, Response = Response, Error = Infallible, Future: Send> + Clone + Send + Sync + 'static,
{
    let limits = &config.limits;
    let shutdown_timeout = Duration::from_secs(limits.shutdown_seconds);
    let idle = Duration::from_secs(limits.idle_timeout);
    let silence = HEADER_TIMEOUT.min(idle);
    // The other half is for files, child processes and the database.
    let most = limits.connections.min(usize::try_from(open_files() / 2).unwrap_or(usize::MAX)).max(1);
    let connections = Connections::new(most, config.rates.connections_address(most));
    let open = TaskTracker::new();
    let mut builder = auto::Builder::new(TokioExecutor::new());
    // With the default buffer, 64 slow clients could hold more memory than the rest of the server.
    builder.http1().timer(TokioTimer::new()).header_read_timeout(silence).max_buf_size(128 * 1024);
    builder.http2().timer(TokioTimer::new()).keep_alive_interval(Some(HEADER_TIMEOUT));
    builder.http2().max_concurrent_streams(MAX_HTTP2_STREAMS).max_send_buf_size(SENDING);
    loop {
        let (stream, peer) = tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok(accepted) => accepted,
                Err(error) => {
                    // Usually too many open files. Others may be closed soon.
                    tracing::warn!(%error, "failed to accept a connection");
                    tokio::time::sleep(Duration::from_millis(100)).await;
                    continue;
                }
            },
            () = stop.cancelled() => break,
        };
        let address = (!is_trusted(peer.ip(), &config.trusted_proxies)).then(|| site(peer.ip()));
        let Some(counted) = connections.admit(address) else { continue };
        let _ = stream.set_nodelay(true);
        // A WebSocket has no idle timeout. Without this, one of a client that has vanished would stay forever.
        let _ = SockRef::from(&stream).set_tcp_keepalive(&KEEP_ALIVE);
        let activity = counted.activity.clone();
        let stream = TokioIo::new(IdleTimeoutStream::new(stream, idle, activity.clone()));
        let service = service.clone().map_request(move |mut request: hyper::Request<Incoming>| {
            request.extensions_mut().insert(Peer(peer));
            request.extensions_mut().insert(activity.begin());
            request.map(axum::body::Body::new)
        });
        let connection = builder.serve_connection_with_upgrades(stream, TowerToHyperService::new(service));
        open.spawn(hold(connection.into_owned(), counted, silence, stop.clone()));
    }
    drop(listener);
    open.close();
    tracing::info!("shutting down: waiting for requests in progress");
    if tokio::time::timeout(shutdown_timeout, open.wait()).await.is_err() {
        tracing::warn!("shutdown timeout: some requests were aborted");
    }
}

/// Serves one connection until it closes, is idle for too long, is evicted, or the server stops.
async fn hold<C>(connection: C, counted: Connection, silence: Duration, stop: CancellationToken)
where
    C: GracefulConnection<Error: std::fmt::Display>,
{
    let mut connection = pin!(connection);
    let activity: &Arc<Activity> = &counted.activity;
    let ended = tokio::select! {
        ended = connection.as_mut() => Some(ended),
        () = activity.evicted() => return,
        () = activity.idle(silence) => None,
        () = stop.cancelled() => None,
    };
    let ended = if let Some(ended) = ended {
        ended
    } else {
        connection.as_mut().graceful_shutdown();
        // Responses in progress are still sent; a client that neither sends requests nor reads is not waited for.
        tokio::select! {
            ended = connection => ended,
            () = activity.evicted() => return,
            () = activity.idle(SHUTDOWN_TIMEOUT) => return,
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "connection failed");
    }
}
