//! The accept loop: connections in, requests to the service, and an end that
//! lets transfers finish.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use hyper::body::Incoming;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use hyper_util::server::graceful::GracefulConnection;
use hyper_util::service::TowerToHyperService;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower::ServiceExt as _;

mod connections;
pub(super) use self::connections::{Activity, Running};
use self::connections::{Connection, Connections, open_files};
use super::extract::Peer;
use super::limits::{is_trusted, site};
use super::patience::PatientStream;
use crate::app::App;

/// A client that is slower than this with its header is not a client.
const HEADER_TIMEOUT: Duration = Duration::from_secs(30);

/// How long a connection that has to end may still be silent.
const GOODBYE: Duration = Duration::from_secs(5);

/// Requests at one time on one connection of HTTP/2: as many as RFC 9113 §6.5.2 advises.
const STREAMS: u32 = 100;

/// Bytes of one answer that wait in memory for a client of HTTP/2.
const SENDING: usize = 64 << 10;

/// Serves until `stop`, then lets requests under way end, for as long as the
/// configuration says.
pub async fn serve(app: App, listener: TcpListener, stop: CancellationToken) {
    let limits = &app.config.limits;
    let patience = Duration::from_secs(limits.shutdown_seconds);
    let idle = Duration::from_secs(limits.idle_timeout);
    let silence = HEADER_TIMEOUT.min(idle);
    // The rest is for files, children and the database.
    let most = limits.connections.min(usize::try_from(open_files() / 2).unwrap_or(usize::MAX)).max(1);
    let connections = Connections::new(most, app.config.rates.connections_address(most));
    let service = super::service(app.clone());
    tokio::spawn(super::site::digest_metrics(stop.clone()));
    let observed = stop.clone();
    let observing = app.clone();
    tokio::spawn(async move { observing.observe(observed).await });
    let open = TaskTracker::new();
    let mut builder = auto::Builder::new(TokioExecutor::new());
    // The default buffer lets 64 slow clients hold more memory than all the rest of the server.
    builder.http1().timer(TokioTimer::new()).header_read_timeout(silence).max_buf_size(128 * 1024);
    builder.http2().timer(TokioTimer::new()).keep_alive_interval(Some(HEADER_TIMEOUT));
    builder.http2().max_concurrent_streams(STREAMS).max_send_buf_size(SENDING);
    loop {
        let (stream, peer) = tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok(accepted) => accepted,
                Err(error) => {
                    // Most often: too many open files. Others may close some.
                    tracing::warn!(%error, "a connection could not be accepted");
                    tokio::time::sleep(Duration::from_millis(100)).await;
                    continue;
                }
            },
            () = stop.cancelled() => break,
        };
        let address = (!is_trusted(peer.ip(), &app.config.trusted_proxies)).then(|| site(peer.ip()));
        let Some(counted) = connections.admit(address) else { continue };
        let _ = stream.set_nodelay(true);
        let activity = counted.activity.clone();
        let stream = TokioIo::new(PatientStream::new(stream, idle, activity.clone()));
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
    tracing::info!("waiting for requests under way");
    if tokio::time::timeout(patience, open.wait()).await.is_err() {
        tracing::warn!("some requests did not end in time and were cut off");
    }
}

/// Serves one connection until it ends, is idle for too long, has to make room, or the server stops.
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
        // What was asked for is still sent; a client that neither asks nor takes anything is not waited for.
        tokio::select! {
            ended = connection => ended,
            () = activity.evicted() => return,
            () = activity.idle(GOODBYE) => return,
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "a connection broke");
    }
}
