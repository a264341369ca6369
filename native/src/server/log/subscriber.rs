//! The log of the process: which events it has, and that it can change while the server runs.

use std::fmt::{Debug, Display, Formatter, Result};
use std::io::Write;
use std::sync::Arc;

use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{Registry, fmt, reload};

use crate::server::log::Log;
use crate::server::log::format::{JsonLines, LogFormat};

/// The log of the process, from [`Log::install`].
///
/// # Examples
/// ```
/// let log = dynamidb::Log::to_stderr()?.install(dynamidb::LogFormat::Json, 0);
/// log.set_verbose(1);
/// tracing::debug!("from now on");
/// log.finish();
/// # Ok::<(), std::io::Error>(())
/// ```
pub struct ProcessLog {
    log: Arc<Log>,
    format: LogFormat,
    level: reload::Handle<Targets, Registry>,
}

impl Log {
    /// Makes this the log of the process. [`Options`](crate::Options) have both arguments.
    ///
    /// # Panics
    /// The process has a log already.
    #[must_use]
    pub fn install(self, format: LogFormat, verbose: u8) -> ProcessLog {
        let log = Arc::new(self);
        let (level, handle) = reload::Layer::new(levels(verbose));
        let lines = fmt::layer()
            .with_target(false)
            .with_writer(Arc::clone(&log))
            // If the log has no reader, an error message on the same stream would panic.
            .log_internal_errors(false);
        let process = tracing_subscriber::registry().with(level);
        match format {
            LogFormat::Text => process.with(lines).init(),
            LogFormat::Json => process.with(lines.event_format(JsonLines)).init(),
        }
        ProcessLog {
            log,
            format,
            level: handle,
        }
    }
}

impl ProcessLog {
    /// Logs from now on what this level says: 0 for what matters, 1 for connections too, 2 for who
    /// signs in.
    pub fn set_verbose(&self, verbose: u8) {
        // It fails only if the subscriber is gone, which is the process's.
        let _ = self.level.reload(levels(verbose));
    }

    /// Logs why the process ends, also if it never served.
    pub fn fatal(&self, reason: &dyn Display) {
        let line = self.format.early_line("error", &reason.to_string());
        // Writing to the log does not fail.
        let _ = (&*self.log).write_all(format!("{line}\n").as_bytes());
    }

    /// Waits for the last lines, as [`Log::finish`] does.
    pub fn finish(&self) {
        self.log.finish();
    }
}

impl Debug for ProcessLog {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        f.debug_struct("ProcessLog").finish_non_exhaustive()
    }
}

/// What is logged of our own events, and of those of libraries, whose details would bury ours.
fn levels(verbose: u8) -> Targets {
    let own = match verbose {
        0 => LevelFilter::INFO,
        1 => LevelFilter::DEBUG,
        _ => LevelFilter::TRACE,
    };
    let all = Targets::new().with_default(LevelFilter::INFO);
    all.with_target(env!("CARGO_PKG_NAME"), own)
}
