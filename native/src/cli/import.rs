//! `import`: the items of a snapshot are stored in a running server.

use std::io::{self, Write};
use std::mem;
use std::time::Duration;

use clap::Args;
use dynamidb_core::Instant;
use dynamidb_core::snapshot::{Clocks, Part, Record};

use super::address::Address;
use super::clock;
use super::connection::{Connection, TIMEOUT};
use super::key;
use super::progress::Progress;
use super::server_args::ServerArgs;
use super::snapshot_file;

/// How many items are sent before their replies are read, and bytes, but for the last of them. All
/// replies fit into the buffers of any connection, so that the server never waits for us to read.
const BATCH_ITEMS: u64 = 64;
const BATCH_SIZE: usize = 1 << 20;

/// Longer times are dates in this protocol.
const RELATIVE_MAX: u64 = 30 * 86_400;

#[derive(Args, Debug)]
pub(super) struct Import {
    /// A file of --state or of `export`; - is the standard input
    file: String,

    #[command(flatten)]
    server: ServerArgs,
}

impl Import {
    /// Stores the items, and says on the standard error how many.
    ///
    /// # Errors
    /// A line that says what is wrong. What came before it in the file is stored.
    pub(super) fn run(&self) -> Result<(), String> {
        let clocks = clock::clocks();
        let server = self.server.server(None)?;
        let mut store = Store {
            server: server.connect(TIMEOUT)?,
            clocks,
            started: clock::monotonic(),
            requests: Vec::new(),
            pending: 0,
            stored: 0,
            expired: 0,
            refused: 0,
            refusal: None,
        };
        let mut progress = Progress::new(None);
        let outcome = snapshot_file::read(&self.file, clocks, |part, _| {
            if let Part::Block(block) = part {
                for record in block.records() {
                    store.add(&record)?;
                }
                progress.show(store.stored);
            }
            Ok(())
        });
        // Also what comes before the place where a file is damaged.
        let rest = match store.pending {
            0 => Ok(()),
            _ => store.take_replies(),
        };
        let outcome = outcome.and(rest);
        drop(progress);
        store.report(server.address());
        outcome
    }
}

/// Items on their way to the server.
struct Store<'a> {
    server: Connection<'a>,
    /// When the file was opened: its times count from then.
    clocks: Clocks,
    started: std::time::Instant,
    requests: Vec<u8>,
    pending: u64,
    stored: u64,
    expired: u64,
    refused: u64,
    /// The first answer of the server to what it refused.
    refusal: Option<String>,
}

impl Store<'_> {
    fn add(&mut self, record: &Record<'_>) -> Result<(), String> {
        let elapsed = self.started.elapsed();
        let now = self.clocks.unix.unwrap_or_default() + elapsed;
        let left = record.expires_in.map(|time| time.saturating_sub(elapsed));
        if left == Some(Duration::ZERO) {
            self.expired += 1;
            return Ok(());
        }
        let mut name = Vec::new();
        if !key::push_key(&mut name, record.key) {
            self.refused += 1;
            self.refusal
                .get_or_insert_with(|| "a key is too long for a line".into());
            return Ok(());
        }
        self.pending += 1;
        push_store(
            &mut self.requests,
            &name,
            record,
            left.map(|left| exptime(left, now)),
        );
        if self.pending >= BATCH_ITEMS || self.requests.len() >= BATCH_SIZE {
            self.take_replies()?;
        }
        Ok(())
    }

    /// Sends the requests, and counts what is refused.
    fn take_replies(&mut self) -> Result<(), String> {
        // Nothing is sent again to a server that fails.
        let pending = mem::take(&mut self.pending);
        self.requests.extend_from_slice(b"mn\r\n");
        self.server.send(&self.requests)?;
        self.requests.clear();
        let mut refused = 0;
        loop {
            let reply = self.server.text()?;
            match reply.split(' ').next() {
                Some("MN") => break,
                // An item that could not be stored, or was evicted already, cannot be out of date.
                Some("NF") => {}
                Some("NS" | "CLIENT_ERROR" | "SERVER_ERROR") => {
                    refused += 1;
                    self.refusal.get_or_insert(reply);
                }
                _ => return Err(self.server.unexpected(reply.as_bytes())),
            }
        }
        self.stored += pending.saturating_sub(refused);
        self.refused += refused;
        Ok(())
    }

    fn report(&self, address: &Address) {
        let Self {
            stored,
            expired,
            refused,
            ..
        } = self;
        let first = self.refusal.as_ref();
        let first = first.map(|reply| format!(" (the first: {reply})"));
        // Whoever started it may have closed the standard error.
        let _ = writeln!(
            io::stderr(),
            "{address}: {stored} items imported, {expired} have expired, {refused} refused{}",
            first.unwrap_or_default(),
        );
    }
}

/// Appends the requests that store an item. Nothing is replied if it is stored.
fn push_store(requests: &mut Vec<u8>, name: &[u8], record: &Record<'_>, exptime: Option<u64>) {
    let (key, base64) = match name.strip_suffix(b" b") {
        Some(key) => (key, " b"),
        None => (name, ""),
    };
    requests.extend_from_slice(b"ms ");
    requests.extend_from_slice(key);
    // Writing to a `Vec` does not fail.
    let _ = write!(
        requests,
        " {}{base64} T{} q",
        record.value.len(),
        exptime.unwrap_or(0)
    );
    if record.flags != 0 {
        let _ = write!(requests, " F{}", record.flags);
    }
    requests.extend_from_slice(b"\r\n");
    requests.extend_from_slice(record.value);
    requests.extend_from_slice(b"\r\n");
    if record.stale {
        requests.extend_from_slice(b"md ");
        requests.extend_from_slice(name);
        requests.extend_from_slice(b" I q\r\n");
    }
}

/// A time as requests have it: in whole seconds, rounded up, because 0 is never.
fn exptime(left: Duration, now: Instant) -> u64 {
    let seconds = |time: Duration| time.as_secs() + u64::from(time.subsec_nanos() > 0);
    match seconds(left) {
        relative @ ..=RELATIVE_MAX => relative,
        _ => seconds((now + left).since(Instant::default())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_rounded_up_and_long_ones_are_dates() {
        let now = Instant::from_millis(1_700_000_000_500);
        for (millis, expected) in [
            (1, 1),
            (1000, 1),
            (1001, 2),
            (2_592_000_000, 2_592_000),
            (2_592_000_001, 1_702_592_001),
            (2_592_000_501, 1_702_592_002),
        ] {
            assert_eq!(
                exptime(Duration::from_millis(millis), now),
                expected,
                "{millis}"
            );
        }
    }
}
