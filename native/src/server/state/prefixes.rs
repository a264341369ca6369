//! `stats detail`: gets, sets and deletes by the prefix of the key.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use dynamidb_core::{Action, Event, Lookup, Output};

use crate::server::lock::lock;
use crate::server::percent::push_percent_encoded;

/// The most prefixes. Keys come from clients, which must not fill the memory.
const PREFIXES_MAX: usize = 1000;

/// memcached's default.
const DELIMITER: u8 = b':';

#[derive(Clone, Copy, Debug, Default)]
struct Counts {
    gets: u64,
    hits: u64,
    sets: u64,
    deletes: u64,
}

/// The counts of all prefixes.
#[derive(Debug)]
pub(crate) struct Prefixes {
    delimiter: u8,
    counts: Mutex<BTreeMap<Box<[u8]>, Counts>>,
    /// Requests that were not counted because of the limit.
    uncounted: AtomicU64,
}

impl Prefixes {
    pub(crate) fn new(delimiter: Option<u8>) -> Self {
        Self {
            delimiter: delimiter.unwrap_or(DELIMITER),
            counts: Mutex::default(),
            uncounted: AtomicU64::new(0),
        }
    }

    pub(crate) const fn delimiter(&self) -> u8 {
        self.delimiter
    }

    /// Counts a request. A key without the delimiter has no prefix.
    pub(crate) fn on_event(&self, event: &Event<'_>) {
        let Some(len) = event.key.iter().position(|&byte| byte == self.delimiter) else {
            return;
        };
        if event.action == Action::Change {
            return;
        }
        let (prefix, mut counts) = (&event.key[..len], lock(&self.counts));
        if counts.len() >= PREFIXES_MAX && !counts.contains_key(prefix) {
            self.uncounted.fetch_add(1, Ordering::Relaxed);
            return;
        }
        let counts = counts.entry(prefix.into()).or_default();
        match event.action {
            Action::Get => {
                counts.gets += 1;
                counts.hits += u64::from(matches!(event.lookup, Lookup::Found(_)));
            }
            Action::Store { .. } => counts.sets += 1,
            Action::Delete { .. } => counts.deletes += 1,
            _ => {}
        }
    }

    /// Appends all counts, sorted by prefix.
    pub(crate) fn dump(&self, output: &mut dyn Output) {
        for (prefix, counts) in &*lock(&self.counts) {
            let Counts {
                gets,
                hits,
                sets,
                deletes,
            } = counts;
            output.extend_from_slice(b"PREFIX ");
            push_prefix(output, prefix);
            // Writing does not fail.
            let _ = write!(
                output,
                " get {gets} hit {hits} set {sets} del {deletes}\r\n"
            );
        }
    }

    pub(crate) fn uncounted(&self) -> u64 {
        self.uncounted.load(Ordering::Relaxed)
    }

    pub(crate) fn reset(&self) {
        lock(&self.counts).clear();
        self.uncounted.store(0, Ordering::Relaxed);
    }
}

/// Appends a prefix as clients write it. A prefix of a key in base64 may contain blanks or line
/// ends; it is percent-encoded.
fn push_prefix(output: &mut dyn Output, prefix: &[u8]) {
    if prefix.iter().any(|&byte| byte <= b' ' || byte == 0x7f) {
        push_percent_encoded(output, prefix);
    } else {
        output.extend_from_slice(prefix);
    }
}
