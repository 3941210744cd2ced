//! The accept loop: connections in, requests to the service, and an end that
//! lets transfers finish.

use std::time::Duration;

use hyper::body::Incoming;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tower::ServiceExt as _;

use super::extract::Peer;
use super::patience::PatientStream;
use crate::app::App;

/// A client that is slower than this with its header is not a client.
const HEADER_TIMEOUT: Duration = Duration::from_secs(30);

/// Serves until `stop`, then lets requests under way end, for as long as the
/// configuration says.
pub async fn serve(app: App, listener: TcpListener, stop: CancellationToken) {
    let patience = Duration::from_secs(app.config.limits.shutdown_seconds);
    let idle = Duration::from_secs(app.config.limits.idle_seconds);
    let service = super::service(app.clone());
    tokio::spawn(super::site::digest_metrics(stop.clone()));
    let observed = stop.clone();
    tokio::spawn(async move { app.observe(observed).await });
    let graceful = GracefulShutdown::new();
    let mut builder = auto::Builder::new(TokioExecutor::new());
    // The default buffer lets 64 slow clients hold more memory than all the rest of the server.
    builder.http1().timer(TokioTimer::new()).header_read_timeout(HEADER_TIMEOUT).max_buf_size(128 * 1024);
    builder.http2().timer(TokioTimer::new()).keep_alive_interval(Some(HEADER_TIMEOUT));
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
        let _ = stream.set_nodelay(true);
        let service = service.clone().map_request(move |mut request: hyper::Request<Incoming>| {
            request.extensions_mut().insert(Peer(peer));
            request.map(axum::body::Body::new)
        });
        let stream = TokioIo::new(PatientStream::new(stream, idle));
        let connection = builder.serve_connection_with_upgrades(stream, TowerToHyperService::new(service));
        let connection = graceful.watch(connection.into_owned());
        tokio::spawn(async move {
            if let Err(error) = connection.await {
                tracing::debug!(%error, "a connection broke");
            }
        });
    }
    drop(listener);
    tracing::info!("waiting for requests under way");
    if tokio::time::timeout(patience, graceful.shutdown()).await.is_err() {
        tracing::warn!("some requests did not end in time and were cut off");
    }
}
