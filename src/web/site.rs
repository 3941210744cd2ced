//! What the operator and other servers ask: health, metrics, public keys.

use std::sync::OnceLock;
use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::http::{Method, header};
use axum::response::{IntoResponse as _, Response};
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use tokio_util::sync::CancellationToken;

use super::Routes;
use crate::app::App;
use crate::error::{Error, Result};

static METRICS: OnceLock<Option<PrometheusHandle>> = OnceLock::new();

pub(super) fn routes(routes: Routes) -> Routes {
    metrics_recorder();
    routes
        .add(Method::GET, "/healthz", healthz)
        .add(Method::GET, "/readyz", readyz)
        .add(Method::GET, "/metrics", metrics)
        .add(Method::GET, "/.well-known/jwks.json", jwks)
}

/// One recorder a process: the figures are the process's.
pub(super) fn metrics_recorder() -> Option<&'static PrometheusHandle> {
    const BUCKETS: &[f64] = &[0.001, 0.005, 0.02, 0.1, 0.5, 2.0, 10.0, 60.0, 600.0];
    METRICS.get_or_init(|| PrometheusBuilder::new().set_buckets(BUCKETS).ok()?.install_recorder().ok()).as_ref()
}

/// Sorts samples into their buckets from time to time; until then they take memory, whether anybody
/// asks for the figures or not.
pub(super) async fn digest_metrics(stop: CancellationToken) {
    const EVERY: Duration = Duration::from_secs(1);
    let Some(recorder) = metrics_recorder() else { return };
    while stop.run_until_cancelled(tokio::time::sleep(EVERY)).await.is_some() {
        recorder.run_upkeep();
    }
}

/// The process runs.
async fn healthz() -> &'static str {
    "ok\n"
}

/// The server can do its work; else 503, and the answer names what is wrong.
async fn readyz(State(app): State<App>) -> Result<Json<serde_json::Value>> {
    app.ready().await?;
    Ok(Json(serde_json::json!({ "status": "ready" })))
}

/// Figures in Prometheus' text format.
async fn metrics() -> Result<Response> {
    let recorder = metrics_recorder().ok_or_else(|| Error::unavailable("metrics are not recorded in this process"))?;
    recorder.run_upkeep();
    Ok(([(header::CONTENT_TYPE, "text/plain; version=0.0.4")], recorder.render()).into_response())
}

/// Our public keys (RFC 7517), for servers that check tokens of ours.
async fn jwks(State(app): State<App>) -> Response {
    ([(header::CACHE_CONTROL, "public, max-age=300")], Json(app.access.keys().published())).into_response()
}
