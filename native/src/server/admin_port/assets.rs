//! The dashboard's files, which are part of the binary. They are compressed with gzip, which every
//! browser accepts, and made from `www`.

use crate::server::admin_port::request::Request;
use crate::server::admin_port::response::{Response, TEXT};

/// Path, type and content.
type Asset = (&'static str, &'static str, &'static [u8]);

const ASSETS: &[Asset] = &[];

const PLAIN: &str = "\
DynamiDB, read only:

/metrics      for Prometheus
/healthz      whether the worker threads run
/readyz       whether clients are accepted
/api/server   what runs here
/api/stats    statistics as JSON
";

/// The file of this path.
pub(super) fn respond(request: &Request) -> Response {
    let path = &request.path;
    let Some((_, content_type, body)) = ASSETS.iter().find(|(name, ..)| name == path) else {
        return match &**path {
            "/" => Response::ok(TEXT, PLAIN.as_bytes()),
            _ => Response::error(404, "there is nothing here"),
        };
    };
    if !request.gzip {
        return Response::error(406, "this is sent compressed with gzip");
    }
    Response {
        gzip: true,
        ..Response::ok(content_type, *body)
    }
}
