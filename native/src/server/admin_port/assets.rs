//! The dashboard's files, which are part of the binary. They are compressed with gzip, which every
//! browser accepts, and made from `www` by `make dashboard`.

use crate::server::admin_port::request::Request;
use crate::server::admin_port::response::{Response, TEXT};

/// Path, type and content.
type Asset = (&'static str, &'static str, &'static [u8]);

const ASSETS: &[Asset] = &[
    (
        "/",
        "text/html; charset=utf-8",
        include_bytes!("dashboard/dashboard.html.gz"),
    ),
    (
        "/dashboard.js",
        "text/javascript",
        include_bytes!("dashboard/dashboard.js.gz"),
    ),
    (
        "/dashboard.css",
        "text/css",
        include_bytes!("dashboard/dashboard.css.gz"),
    ),
    (
        "/icon.svg",
        "image/svg+xml",
        include_bytes!("dashboard/icon.svg.gz"),
    ),
    (
        "/recursive.woff2",
        "font/woff2",
        include_bytes!("dashboard/recursive.woff2.gz"),
    ),
];

/// The first page for programs that cannot unpack it.
const PLAIN: &str = "\
DynamiDB, read only:

/metrics      for Prometheus
/healthz      whether the worker threads run
/readyz       whether clients are accepted
/api/server   what runs here
/api/stats    statistics as JSON
/api/map      the memory of a shard, for the dashboard that a browser shows here
";

/// The file of this path. Who takes no compressed page, as `curl` does, gets the addresses.
pub(super) fn respond(request: &Request) -> Response {
    let path = &*request.path;
    let asset = ASSETS.iter().find(|(name, ..)| *name == path);
    match asset {
        Some((_, content_type, body)) if request.gzip => Response {
            gzip: true,
            ..Response::ok(content_type, *body)
        },
        _ if path == "/" => Response::ok(TEXT, PLAIN.as_bytes()),
        Some(_) => Response::error(406, "this is sent compressed with gzip"),
        None => Response::error(404, "there is nothing here"),
    }
}
