//! What the admin port answers under which path.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::server::admin_port::figures::Figures;
use crate::server::admin_port::request::Request;
use crate::server::admin_port::response::Response;
use crate::server::admin_port::{api, assets, health, insight, map, metrics};
use crate::server::context::ServerContext;

/// What the port shows.
#[derive(Debug)]
pub(super) struct Site<'s> {
    context: &'s ServerContext,
    keys_shown: bool,
    /// Requests that were answered, in any way.
    requests: AtomicU64,
    /// Connections that were too many.
    pub(super) rejected: AtomicU64,
}

impl<'s> Site<'s> {
    pub(super) const fn new(context: &'s ServerContext, keys_shown: bool) -> Self {
        Self {
            context,
            keys_shown,
            requests: AtomicU64::new(0),
            rejected: AtomicU64::new(0),
        }
    }

    pub(super) fn respond(&self, request: &Request) -> Response {
        self.requests.fetch_add(1, Ordering::Relaxed);
        match &*request.path {
            "/healthz" => health::alive(self.context),
            "/readyz" => health::ready(self.context),
            "/metrics" => {
                let predictions = insight::predictions(self.context);
                metrics::respond(&self.figures(), &predictions, request.open_metrics)
            }
            "/api/server" => api::server(self.context, self.keys_shown),
            "/api/stats" => api::stats(self.context, &self.figures()),
            "/api/hotkeys" => insight::hot_keys(self.context, self.keys_shown),
            "/api/advice" => insight::advice(self.context),
            "/api/map" => map::respond(self.context, request, self.keys_shown),
            _ => assets::respond(request),
        }
    }

    fn figures(&self) -> Figures {
        let mut figures = Figures::of(self.context, self.keys_shown);
        figures.admin_requests = self.requests.load(Ordering::Relaxed);
        figures.admin_rejected = self.rejected.load(Ordering::Relaxed);
        figures
    }
}
