//! `/metrics`: what is counted, for Prometheus.

mod exposition;
mod memcached;
mod own;

use dynamidb_core::insight::Prediction;

use crate::server::admin_port::figures::Figures;
use crate::server::admin_port::metrics::exposition::Exposition;
use crate::server::admin_port::response::Response;

const PLAIN: &str = "text/plain; version=0.0.4; charset=utf-8";
const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// The predictions are of the hit ratio with this many times the memory.
pub(super) fn respond(
    figures: &Figures,
    predictions: &[(f64, Prediction)],
    open_metrics: bool,
) -> Response {
    let mut exposition = Exposition::new(open_metrics);
    memcached::write(figures, &mut exposition);
    own::write(figures, predictions, &mut exposition);
    let content_type = if open_metrics { OPEN_METRICS } else { PLAIN };
    Response::ok(content_type, exposition.finish().into_bytes())
}
