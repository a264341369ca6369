//! What the connections of a server need for TLS.

use std::fmt;
use std::fs;
use std::mem;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::sync::{Arc, Mutex};

use dynamidb_core::Instant;

use crate::server::clock::{Clock, unix_time};
use crate::server::error::Error;
use crate::server::lock::lock;
use crate::server::options::tls::{ClientCerts, TlsFiles};
use crate::server::state::rate_limited::RateLimitedEvent;
use crate::server::tls::certificate::{Configs, load};
use crate::server::tls::handshake::Handshakes;
use crate::server::tls::records::Tls;

/// The log warns each day when a certificate is valid for this many days or less.
const WARN_DAYS: i64 = 30;
const DAY: i64 = 24 * 60 * 60;

/// Certificates, and the handshakes with them.
#[derive(Debug)]
pub(crate) struct TlsContext {
    files: TlsFiles,
    clock: Clock,
    loaded: Mutex<Loaded>,
    handshakes: Arc<Handshakes>,
}

/// What was read from the files.
struct Loaded {
    configs: Configs,
    /// When the certificate expires, as a Unix time in seconds.
    expires: i64,
    /// The clock when they were read.
    at: Instant,
    /// Of the files that are in use, or could not be.
    stamps: Stamps,
    /// Of the last look at them.
    seen: Stamps,
    /// The last number of days that was logged.
    days_logged: i64,
}

/// What tells a version of the files from others: modified, size, inode; nothing of a file that is
/// not there, or is none.
type Stamps = [Option<(i64, i64, u64, u64)>; 3];

impl fmt::Debug for Loaded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("Loaded");
        shown
            .field("expires", &self.expires)
            .finish_non_exhaustive()
    }
}

impl TlsContext {
    /// Reads the files.
    ///
    /// # Errors
    /// [`Error::Option`] names the file and what is wrong with it.
    pub(crate) fn load(files: TlsFiles) -> Result<Self, Error> {
        let clock = Clock::start();
        let stamps = stamps(&files);
        let (configs, expires) = load(&files)?;
        let loaded = Loaded {
            configs,
            expires,
            at: clock.now(),
            stamps,
            seen: stamps,
            days_logged: i64::MAX,
        };
        let context = Self {
            files,
            clock,
            loaded: Mutex::new(loaded),
            handshakes: Arc::new(Handshakes::new()),
        };
        let days = context.days_left();
        tracing::info!("TLS: the certificate expires in {days} days");
        context.warn_before_expiry();
        Ok(context)
    }

    /// Reads the files again. Connections from now on use them.
    ///
    /// # Errors
    /// [`Error::Option`] if one is wrong; those in use stay.
    pub(crate) fn reload(&self) -> Result<(), Error> {
        // Before they are read: a change in between is seen later.
        let stamps = stamps(&self.files);
        let read = load(&self.files);
        let mut loaded = lock(&self.loaded);
        (loaded.stamps, loaded.seen) = (stamps, stamps);
        let (configs, expires) = read?;
        (loaded.configs, loaded.expires) = (configs, expires);
        (loaded.at, loaded.days_logged) = (self.clock.now(), i64::MAX);
        drop(loaded);
        self.warn_before_expiry();
        Ok(())
    }

    /// Reads the files again if they have changed, and not since the last look: certificate and key
    /// are written one after the other.
    pub(crate) fn poll_files(&self) {
        self.warn_before_expiry();
        let stamps = stamps(&self.files);
        let mut loaded = lock(&self.loaded);
        let has_settled = mem::replace(&mut loaded.seen, stamps) == stamps;
        let has_changed = loaded.stamps != stamps;
        drop(loaded);
        if has_settled && has_changed {
            match self.reload() {
                Ok(()) => tracing::info!(
                    "certificates were reloaded, because their files have changed: valid for {} \
                     days",
                    self.days_left()
                ),
                Err(error) => tracing::warn!("certificates are unchanged: {error}"),
            }
        }
    }

    /// How many days the certificate is valid; negative if it has expired.
    pub(crate) fn days_left(&self) -> i64 {
        let now = unix_time().as_secs().cast_signed();
        (lock(&self.loaded).expires - now).div_euclid(DAY)
    }

    fn warn_before_expiry(&self) {
        let days = self.days_left();
        if mem::replace(&mut lock(&self.loaded).days_logged, days) <= days {
            return;
        }
        match days {
            ..0 => tracing::warn!("the TLS certificate has expired"),
            0..=WARN_DAYS => tracing::warn!("the TLS certificate expires in {days} days"),
            _ => {}
        }
    }

    /// The state of a new connection; `None` if there are too many handshakes under way.
    pub(crate) fn begin_handshake(&self, clients: ClientCerts) -> Option<Box<Tls>> {
        let handshake = self.handshakes.begin()?;
        // Each kind that a listener has was configured.
        let config = lock(&self.loaded).configs[clients as usize].clone()?;
        Tls::new(config, handshake).ok().map(Box::new)
    }

    pub(crate) fn events(&self) -> [&RateLimitedEvent; 3] {
        self.handshakes.events()
    }

    /// Counts a handshake that took too long.
    pub(crate) fn record_timeout(&self) {
        self.handshakes.record_timeout();
    }

    /// Reports what else is counted.
    pub(crate) fn report(&self, report: &mut dyn FnMut(&str, &dyn fmt::Display)) {
        self.handshakes.report(report);
        let at = lock(&self.loaded).at;
        let since = self.clock.now().since(at).as_secs();
        report("time_since_server_cert_refresh", &since);
        report("tls_cert_days_left", &self.days_left());
    }

    /// Resets the counters, except for those of [`events`](Self::events).
    pub(crate) fn reset(&self) {
        self.handshakes.reset();
    }
}

fn stamps(files: &TlsFiles) -> Stamps {
    let stamp = |path: &Path| {
        let file = fs::metadata(path).ok().filter(fs::Metadata::is_file)?;
        Some((file.mtime(), file.mtime_nsec(), file.len(), file.ino()))
    };
    let client_ca = files.client_ca.as_deref();
    [
        stamp(&files.cert),
        stamp(&files.key),
        client_ca.and_then(stamp),
    ]
}
