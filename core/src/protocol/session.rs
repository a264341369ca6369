//! One client's conversation: bytes in, bytes out.

use alloc::vec::Vec;

use crate::{Instant, Keyspace};

/// Which verbs a session understands.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub enum Dialect {
    /// A verb with a capital letter is DynamiDB's, one in small letters memcached's.
    #[default]
    Auto,
    /// All verbs are DynamiDB's, in any case.
    DynamiDb,
    /// Only memcached's verbs.
    Memcached,
}

/// The limits of a session.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct SessionConfig {
    /// Which verbs it understands.
    pub dialect: Dialect,
    /// The largest value accepted, in bytes; the same as the cache's item limit.
    pub item_size_max: usize,
    /// `process` returns once this many bytes of replies are waiting (plus at most one item).
    pub output_max: usize,
    /// What `version` answers; memcached clients parse it.
    pub version: &'static str,
}

impl Default for SessionConfig {
    fn default() -> Self {
        Self { dialect: Dialect::Auto, item_size_max: crate::Config::ITEM_SIZE_MAX, output_max: 64 * 1024, version: "1.6.45" }
    }
}

/// One client's conversation with a keyspace.
#[derive(Debug)]
pub struct Session {
    config: SessionConfig,
    closed: bool,
}

impl Session {
    /// A session that has heard nothing yet.
    #[must_use]
    pub const fn new(config: SessionConfig) -> Self {
        Self { config, closed: false }
    }

    /// Acts on every complete request at the front of `input`, appends the replies to `output` and
    /// returns how many bytes of `input` it is done with. `0` means: bring more bytes.
    #[must_use]
    pub fn process(&mut self, _now: Instant, input: &[u8], _keyspace: &mut impl Keyspace, output: &mut Vec<u8>) -> usize {
        let Some(end) = input.iter().position(|&b| b == b'\n') else { return 0 };
        output.extend_from_slice(b"ERROR\r\n");
        let _ = &self.config;
        end + 1
    }

    /// Whether the conversation is over: send what `output` holds, then hang up.
    #[must_use]
    pub const fn is_closed(&self) -> bool {
        self.closed
    }

    /// The most input that has to be kept for the next request: one line and one value.
    #[must_use]
    pub const fn input_max(&self) -> usize {
        2048 + self.config.item_size_max + 2
    }
}
