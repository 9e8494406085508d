//! `GET /metrics` at a listener of its own, by plain HTTP: for Prometheus on this machine or in the operators' own network.

use std::sync::Arc;

use tokio::net::TcpListener;
use tokio::sync::Mutex;
use tokio_util::sync::CancellationToken;
use tracing::error;
use warp::http::StatusCode;
use warp::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use warp::reply::Response;
use warp::{Filter, Reply};

use crate::service::Service;

/// What Prometheus asks for first. <https://prometheus.io/docs/specs/om/open_metrics_spec/>
const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Answers until it is told to stop.
pub(crate) async fn serve(listener: TcpListener, service: Arc<Service>, stop: CancellationToken) {
    // One scrape at a time: two would count what happened since the last one twice.
    let turn = Arc::new(Mutex::new(()));
    let metrics = warp::path!("metrics").and(warp::get()).then(move || {
        let (service, turn) = (service.clone(), turn.clone());
        async move {
            let _turn = turn.lock().await;
            scrape(&service).await
        }
    });
    let server = warp::serve(metrics).incoming(listener).graceful(async move { stop.cancelled().await });
    server.run().await;
}

async fn scrape(service: &Service) -> Response {
    service.metrics.gather(service).await;
    match service.metrics.text() {
        Ok(text) => {
            let reply = warp::reply::with_header(text, CONTENT_TYPE, OPEN_METRICS);
            warp::reply::with_header(reply, CACHE_CONTROL, "no-store").into_response()
        }
        Err(error) => {
            error!(%error, "the metrics cannot be written");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}
