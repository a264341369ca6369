//! What a client of the admin port may take.

use std::time::Duration;

/// Connections at a time; more are answered 503.
pub(crate) const CONNECTIONS_MAX: usize = 16;
/// Bytes of a request's line and headers, with the blank line.
pub(super) const HEAD_MAX: usize = 8 * 1024;
/// Bytes of a request's target: path and query.
pub(super) const TARGET_MAX: usize = 1024;
/// Headers of a request.
pub(super) const HEADERS_MAX: usize = 64;
/// How long a client may take to send its request.
pub(super) const REQUEST_TIMEOUT: Duration = Duration::from_secs(5);
/// How long a client may take to read the response.
pub(super) const RESPONSE_TIMEOUT: Duration = Duration::from_secs(10);
/// How long a client may take to close its side, so that it can read the response before the
/// connection is reset.
pub(super) const LINGER_TIMEOUT: Duration = Duration::from_secs(1);
/// What a client that lingers may send in that time.
pub(super) const LINGER_MAX: usize = 64 * 1024;
/// Files that the port takes at most: connections, the listener, and the pair that ends waits.
pub(crate) const FILES_MAX: u64 = CONNECTIONS_MAX as u64 + 4;
