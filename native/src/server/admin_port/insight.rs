//! Hot keys and advice on memory, as JSON for the dashboard.

use dynamidb_core::insight::Prediction;
use dynamidb_core::push_percent_encoded;
use serde_json::json;

use crate::server::admin_port::response::Response;
use crate::server::context::ServerContext;
use crate::server::insight::{Advice, HotKeys};
use crate::server::view::View;

/// From this share of reads or of other requests on, a key is one that is read, or one that is
/// written.
const MOST: f64 = 0.9;

/// The keys that were asked for most.
pub(super) fn hot_keys(context: &ServerContext, keys_shown: bool) -> Response {
    let server = &context.server;
    if !keys_shown || !server.settings.options.insight {
        return Response::error(404, "keys are not shown, or not sampled");
    }
    let mut view = View::new(&context.shards, server);
    let hot = HotKeys::of(&mut view, server.clock.now());
    let keys = hot.keys.iter().map(|hot| {
        let mut name = Vec::new();
        push_percent_encoded(&mut name, &hot.key);
        json!({
            "key": String::from_utf8_lossy(&name),
            "share": hot.share,
            "error": hot.error,
            "kind": match hot.reads {
                MOST.. => "read",
                reads if reads <= 1.0 - MOST => "written",
                _ => "both",
            },
        })
    });
    let keys: Vec<_> = keys.collect();
    Response::json(&json!({ "seconds": 60, "sampled": hot.samples, "keys": keys }))
}

/// The hit ratio with this many times the memory; nothing until enough is known.
pub(super) fn predictions(context: &ServerContext) -> Vec<(f64, Prediction)> {
    let advice = Advice::of(&mut View::new(&context.shards, &context.server));
    advice.map_or_else(Vec::new, |advice| advice.predictions())
}

/// Whether the memory is large enough.
pub(super) fn advice(context: &ServerContext) -> Response {
    let Some(advice) = Advice::of(&mut View::new(&context.shards, &context.server)) else {
        return Response::error(404, "switched off by --insight off");
    };
    let points = advice.predictions().into_iter().map(|(factor, predicted)| {
        json!({
            "factor": factor,
            "hit_ratio": predicted.hit_ratio,
            "error": predicted.margin,
        })
    });
    let points: Vec<_> = points.collect();
    Response::json(&json!({
        "ready": !points.is_empty(),
        "hit_ratio": advice.measured().unwrap_or(0.0),
        "points": points,
        "text": advice.sentence(),
    }))
}
