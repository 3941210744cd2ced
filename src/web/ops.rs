//! Health checks, Prometheus metrics and public keys (JWKS), for operators and other servers.

use std::sync::OnceLock;
use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::http::{Method, header};
use axum::response::{IntoResponse as _, Response};
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use tokio_util::sync::CancellationToken;

use super::http::{RouteGroup, Routes};
use crate::app::App;
use crate::error::{Error, Result};

static METRICS: OnceLock<Option<PrometheusHandle>> = OnceLock::new();

pub(super) fn routes(routes: Routes) -> Routes {
    metrics_recorder();
    let routes = routes
        // Pages of applications verify ID tokens with them.
        .group(RouteGroup { is_open: true, ..RouteGroup::DEFAULT })
        .add(Method::GET, "/.well-known/jwks.json", jwks)
        // The metrics are rendered for each request.
        .group(RouteGroup { cost: 20, ..RouteGroup::DEFAULT })
        .add(Method::GET, "/metrics", metrics);
    // If health checks failed, an orchestrator would restart a working server.
    let routes = routes.group(RouteGroup { cost: 0, ..RouteGroup::DEFAULT });
    routes.add(Method::GET, "/healthz", healthz).add(Method::GET, "/readyz", readyz)
}

/// Returns the metrics recorder. There is one per process, because metrics are global.
fn metrics_recorder() -> Option<&'static PrometheusHandle> {
    const BUCKETS: &[f64] = &[0.001, 0.005, 0.02, 0.1, 0.5, 2.0, 10.0, 60.0, 600.0];
    METRICS.get_or_init(|| PrometheusBuilder::new().set_buckets(BUCKETS).ok()?.install_recorder().ok()).as_ref()
}

/// Aggregates histogram samples periodically. Until then they take memory, even if the metrics are never scraped.
pub(super) async fn digest_metrics(stop: CancellationToken) {
    const EVERY: Duration = Duration::from_secs(1);
    let Some(recorder) = metrics_recorder() else { return };
    while stop.run_until_cancelled(tokio::time::sleep(EVERY)).await.is_some() {
        recorder.run_upkeep();
    }
}

/// Liveness check: the process is running.
async fn healthz() -> &'static str {
    "ok\n"
}

/// Readiness check: returns 503, naming the problem, if the server cannot work.
async fn readyz(State(app): State<App>) -> Result<Json<serde_json::Value>> {
    app.ready().await?;
    Ok(Json(serde_json::json!({ "status": "ready" })))
}

/// Returns the metrics in Prometheus' text format.
async fn metrics() -> Result<Response> {
    let recorder = metrics_recorder().ok_or_else(|| Error::unavailable("metrics are not recorded in this process"))?;
    recorder.run_upkeep();
    Ok(([(header::CONTENT_TYPE, "text/plain; version=0.0.4")], recorder.render()).into_response())
}

/// Returns the public keys (JWKS, RFC 7517) with which other servers verify our tokens.
async fn jwks(State(app): State<App>) -> Response {
    ([(header::CACHE_CONTROL, "public, max-age=300")], Json(app.access.keys().ours().published())).into_response()
}
