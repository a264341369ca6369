//! Requests by the prefix of the key, as memcached's `stats detail` counts them.
//!
//! A host counts its events here while that is wanted. Keys come from clients, so the table is as
//! large as it was made. It is sorted, as it is listed: among a thousand a prefix is found in ten
//! comparisons, whatever the prefixes are. A hash table (hashbrown) would need a seed against keys
//! that are chosen to collide, and sorting for each list.

use alloc::vec::Vec;
use core::fmt;
use core::fmt::Write;

use crate::{Action, Event, Key, Lookup, Output};

/// Gets, hits, sets and deletes by the prefix of the key: what is in front of a delimiter.
///
/// # Examples
/// A host that counts all requests, for `stats detail` of a device:
/// ```
/// use dynamidb_core::{AdminCommand, AdminOutcome, Cache, Config, Event, Host, Instant, Keyspace};
/// use dynamidb_core::{Output, PrefixCounts, PrefixStats, Session, SessionConfig};
///
/// struct Counting(Cache, PrefixStats);
///
/// impl Keyspace for Counting {
///     type Memory = Vec<u8>;
///
///     fn cache_at(&mut self, _index: usize) -> &mut Cache {
///         &mut self.0
///     }
/// }
///
/// impl Host for Counting {
///     fn wants_events(&self) -> bool {
///         true
///     }
///
///     fn on_event(&mut self, event: &Event<'_>) {
///         self.1.on_event(event);
///     }
///
///     fn command(&mut self, _: &AdminCommand<'_>, output: &mut dyn Output) -> AdminOutcome {
///         self.1.dump(output);
///         output.extend_from_slice(b"END\r\n");
///         AdminOutcome::Done
///     }
/// }
///
/// // Twenty prefixes, which the budget of 64 KiB pays for.
/// let mut config = Config::new(64 * 1024);
/// config.reserved = PrefixStats::bytes(20);
/// let mut host = Counting(Cache::new(config)?, PrefixStats::new(b':', 20));
/// let mut session = Session::new(SessionConfig::default());
/// let input = b"get berlin:1 berlin:2 plain\r\nstats detail dump\r\n";
/// let mut output = Vec::new();
/// let _ = session.process(Instant::from_secs(0), input, &mut host, &mut output);
/// assert_eq!(output, b"END\r\nPREFIX berlin get 2 hit 0 set 0 del 0\r\nEND\r\n");
/// let counts: PrefixCounts<'_> = host.1.iter().next().unwrap();
/// assert_eq!((counts.prefix, counts.gets, counts.hits), (&b"berlin"[..], 2, 0));
/// assert_eq!((host.1.delimiter(), host.1.uncounted()), (b':', 0));
/// host.1.reset();
/// assert!(host.1.iter().next().is_none());
/// # Ok::<(), dynamidb_core::ConfigError>(())
/// ```
pub struct PrefixStats {
    delimiter: u8,
    limit: usize,
    /// Sorted by prefix.
    entries: Vec<Entry>,
    /// The prefixes one after the other.
    names: Vec<u8>,
    uncounted: u64,
}

#[derive(Clone, Copy, Debug)]
struct Entry {
    /// Where its prefix is among the names.
    start: u32,
    len: u8,
    gets: u64,
    hits: u64,
    sets: u64,
    deletes: u64,
}

/// Requests for keys with one prefix, of [`PrefixStats`].
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct PrefixCounts<'p> {
    /// The prefix, without the delimiter.
    pub prefix: &'p [u8],
    /// Reads, and those that found an item.
    pub gets: u64,
    /// See `gets`.
    pub hits: u64,
    /// Stores, whatever became of them.
    pub sets: u64,
    /// Deletes, whether there was an item or not.
    pub deletes: u64,
}

impl PrefixStats {
    /// memcached's delimiter.
    pub const DELIMITER: u8 = b':';

    /// How long prefixes can be on average, in bytes. If they are longer, fewer than the limit are
    /// told apart.
    pub const NAME_LEN: usize = 24;

    /// For this many prefixes at most. Allocates for all of them, and never again.
    #[must_use]
    pub fn new(delimiter: u8, limit: usize) -> Self {
        Self {
            delimiter,
            limit,
            entries: Vec::with_capacity(limit),
            names: Vec::with_capacity(limit.saturating_mul(Self::NAME_LEN)),
            uncounted: 0,
        }
    }

    /// The bytes that this many prefixes take: 64 each.
    #[must_use]
    pub const fn bytes(limit: usize) -> usize {
        limit.saturating_mul(size_of::<Entry>() + Self::NAME_LEN)
    }

    /// The byte that ends a prefix.
    #[must_use]
    pub const fn delimiter(&self) -> u8 {
        self.delimiter
    }

    /// Counts a request. A key without the delimiter has no prefix, and changes of numbers and
    /// deadlines are none of the counted kinds.
    pub fn on_event(&mut self, event: &Event<'_>) {
        let Some(len) = memchr::memchr(self.delimiter, event.key) else {
            return;
        };
        if event.action == Action::Change {
            return;
        }
        let Some(entry) = self.entry(&event.key[..len]) else {
            self.uncounted += 1;
            return;
        };
        match event.action {
            Action::Get => {
                entry.gets += 1;
                entry.hits += u64::from(matches!(event.lookup, Lookup::Found(_)));
            }
            Action::Store { .. } => entry.sets += 1,
            Action::Delete { .. } => entry.deletes += 1,
            Action::Change => {}
        }
    }

    /// The counts of a prefix, which is added if there is room.
    fn entry(&mut self, prefix: &[u8]) -> Option<&mut Entry> {
        let names = &self.names;
        let found = self
            .entries
            .binary_search_by(|entry| entry.name(names).cmp(prefix));
        let at = match found {
            Ok(at) => at,
            Err(at) => {
                let end = self.names.len() + prefix.len();
                let room = self.limit.saturating_mul(Self::NAME_LEN);
                if self.entries.len() >= self.limit || end > room || prefix.len() > Key::LEN_MAX {
                    return None;
                }
                let start = u32::try_from(self.names.len()).ok()?;
                self.names.extend_from_slice(prefix);
                self.entries.insert(at, Entry::new(start, prefix.len()));
                at
            }
        };
        self.entries.get_mut(at)
    }

    /// The counts of each prefix, in ascending order.
    pub fn iter(&self) -> impl Iterator<Item = PrefixCounts<'_>> {
        self.entries.iter().map(|entry| PrefixCounts {
            prefix: entry.name(&self.names),
            gets: entry.gets,
            hits: entry.hits,
            sets: entry.sets,
            deletes: entry.deletes,
        })
    }

    /// Appends the lines of `stats detail dump` without its `END`. A prefix of a key in base64 may
    /// contain blanks or line ends; it is percent-encoded.
    pub fn dump(&self, output: &mut dyn Output) {
        for counts in self.iter() {
            let PrefixCounts {
                prefix,
                gets,
                hits,
                sets,
                deletes,
            } = counts;
            output.extend_from_slice(b"PREFIX ");
            if prefix.iter().any(|&byte| byte <= b' ' || byte == 0x7f) {
                push_percent_encoded(output, prefix);
            } else {
                output.extend_from_slice(prefix);
            }
            // Writing does not fail.
            let _ = write!(
                output,
                " get {gets} hit {hits} set {sets} del {deletes}\r\n"
            );
        }
    }

    /// Requests whose prefix is not among those that are counted, because of the limit.
    #[must_use]
    pub const fn uncounted(&self) -> u64 {
        self.uncounted
    }

    /// Forgets all prefixes.
    pub fn reset(&mut self) {
        self.entries.clear();
        self.names.clear();
        self.uncounted = 0;
    }
}

impl fmt::Debug for PrefixStats {
    /// How many prefixes there are, never which.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PrefixStats")
            .field("delimiter", &char::from(self.delimiter))
            .field("limit", &self.limit)
            .field("prefixes", &self.entries.len())
            .field("uncounted", &self.uncounted)
            .finish_non_exhaustive()
    }
}

impl Entry {
    const fn new(start: u32, len: usize) -> Self {
        Self {
            start,
            // No key is longer than 250 bytes.
            len: len as u8,
            gets: 0,
            hits: 0,
            sets: 0,
            deletes: 0,
        }
    }

    fn name<'n>(&self, names: &'n [u8]) -> &'n [u8] {
        let start = self.start as usize;
        names
            .get(start..start + usize::from(self.len))
            .unwrap_or(&[])
    }
}

/// Appends a key as it is written in a URI, so that it has neither blanks nor control characters.
///
/// # Examples
/// ```
/// let mut output = Vec::new();
/// dynamidb_core::push_percent_encoded(&mut output, b"a b%,#\n\xff");
/// assert_eq!(output, b"a%20b%25%2C%23%0A%FF");
/// ```
pub fn push_percent_encoded(output: &mut dyn Output, key: &[u8]) {
    const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
    for &byte in key {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            output.push(byte);
        } else {
            let digit = |half: u8| DIGITS[usize::from(half)];
            output.extend_from_slice(&[b'%', digit(byte >> 4), digit(byte & 15)]);
        }
    }
}

#[cfg(test)]
mod tests {
    use alloc::format;
    use alloc::string::String;

    use super::*;
    use crate::{Instant, ItemSummary, StoreStatus};

    const NOT_FOUND: Lookup = Lookup::NotFound;

    fn count(stats: &mut PrefixStats, key: &str, action: Action, lookup: Lookup) {
        stats.on_event(&Event {
            at: Instant::from_secs(0),
            key: key.as_bytes(),
            verb: "verb",
            lookup,
            action,
        });
    }

    fn dump(stats: &PrefixStats) -> String {
        let mut output = Vec::new();
        stats.dump(&mut output);
        String::from_utf8(output).expect("prefixes of these tests are text")
    }

    #[test]
    fn each_kind_of_request_is_counted_for_its_prefix_and_listed_in_order() {
        let mut stats = PrefixStats::new(b':', 10);
        let found = Lookup::Found(ItemSummary::default());
        let (status, item) = (StoreStatus::NotStored, None);
        count(&mut stats, "b:1", Action::Get, found);
        count(&mut stats, "b:2:3", Action::Get, Lookup::Expired);
        count(&mut stats, "a:1", Action::Store { status, item }, NOT_FOUND);
        count(
            &mut stats,
            "a:1",
            Action::Delete { deleted: false },
            NOT_FOUND,
        );
        count(&mut stats, ":1", Action::Get, NOT_FOUND);
        count(&mut stats, "a:1", Action::Change, found);
        count(&mut stats, "c:1", Action::Change, found);
        count(&mut stats, "plain", Action::Get, found);
        let expected = "PREFIX  get 1 hit 0 set 0 del 0\r\n\
                        PREFIX a get 0 hit 0 set 1 del 1\r\n\
                        PREFIX b get 2 hit 1 set 0 del 0\r\n";
        assert_eq!((&*dump(&stats), stats.uncounted()), (expected, 0));
    }

    #[test]
    fn requests_beyond_the_limit_are_uncounted_and_nothing_grows() {
        for limit in [0, 1, 7] {
            let mut stats = PrefixStats::new(b'/', limit);
            let capacity = (stats.entries.capacity(), stats.names.capacity());
            for prefix in 0..9 {
                for _ in 0..2 {
                    count(&mut stats, &format!("{prefix}/"), Action::Get, NOT_FOUND);
                }
            }
            assert_eq!(
                (stats.iter().count(), stats.uncounted()),
                (limit, 2 * (9 - limit) as u64)
            );
            assert!(stats.iter().all(|counts| counts.gets == 2));
            assert_eq!((stats.entries.capacity(), stats.names.capacity()), capacity);
            stats.reset();
            assert_eq!((stats.iter().count(), stats.uncounted()), (0, 0));
        }
    }

    #[test]
    fn prefixes_share_the_bytes_that_there_are_for_them() {
        for (len, counted) in [
            (PrefixStats::NAME_LEN - 1, 4),
            (PrefixStats::NAME_LEN, 4),
            (PrefixStats::NAME_LEN + 1, 3),
            (Key::LEN_MAX - 1, 0),
        ] {
            let mut stats = PrefixStats::new(b':', 4);
            for number in 0..4 {
                count(
                    &mut stats,
                    &format!("{number:0len$}:"),
                    Action::Get,
                    NOT_FOUND,
                );
            }
            assert_eq!(stats.iter().count(), counted, "{len}");
            assert_eq!(stats.uncounted(), 4 - counted as u64, "{len}");
        }
    }

    #[test]
    fn a_prefix_has_as_many_bytes_as_are_documented() {
        assert_eq!(PrefixStats::bytes(1), 64);
    }

    #[test]
    fn debug_output_has_no_prefix() {
        let mut stats = PrefixStats::new(b':', 4);
        count(&mut stats, "secret:1", Action::Get, NOT_FOUND);
        assert!(!format!("{stats:?}").contains("secret"));
    }

    #[test]
    fn all_but_unreserved_characters_are_encoded() {
        let mut output = Vec::new();
        push_percent_encoded(&mut output, b"az-AZ_09.~ \x00\x7f");
        assert_eq!(output, b"az-AZ_09.~%20%00%7F");
    }
}
