//! Commands for whoever runs the cache: the protocol takes them apart, what they do is the host's.

use super::line::Line;
use super::reply;

/// A line whose verb is none of the protocol's own.
///
/// # Examples
/// A host with a command of its own:
/// ```
/// use dynamidb_core::{Cache, AdminCommand, Config, Instant, Key, Keyspace, Next};
/// use dynamidb_core::{Session, SessionConfig};
///
/// struct Host(Cache);
///
/// impl Keyspace for Host {
///     type Memory = Vec<u8>;
///
///     fn key<'k>(&self, bytes: &'k [u8]) -> Key<'k> {
///         self.0.key(bytes)
///     }
///
///     fn cache_for(&mut self, _key: &Key<'_>) -> &mut Cache {
///         &mut self.0
///     }
///
///     fn cache_at(&mut self, index: usize) -> Option<&mut Cache> {
///         self.0.cache_at(index)
///     }
///
///     fn command(&mut self, command: &AdminCommand<'_>, output: &mut Vec<u8>) -> Next {
///         match command.verb() {
///             b"count" if command.noreply() => {}
///             b"count" => {
///                 let wanted = |key: &[u8]| command.words().any(|word| key.starts_with(word));
///                 let count = self.0.iter().filter(|(key, _)| wanted(key)).count();
///                 output.extend(format!("{count}\r\n").bytes());
///             }
///             _ => output.extend(command.unknown()),
///         }
///         Next::Request
///     }
/// }
///
/// let mut host = Host(Cache::new(Config::new(64 * 1024))?);
/// let mut session = Session::new(SessionConfig::default());
/// let mut output = Vec::new();
/// let input = b"set k 0 0 1\r\nx\r\ncount a k\r\nwhat\r\n";
/// let used = session.process(Instant::from_secs(0), input, &mut host, &mut output);
/// assert_eq!((used, &output[..]), (input.len(), &b"STORED\r\n1\r\nERROR\r\n"[..]));
/// # Ok::<(), dynamidb_core::ConfigError>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct AdminCommand<'i> {
    line: Line<'i>,
}

/// How a conversation goes on after an [`AdminCommand`].
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Next {
    /// With the client's next request.
    Request,
    /// The host has more to say: it is asked by [`Keyspace::resume`](crate::Keyspace::resume),
    /// once in a call of `process`, before anything else is read.
    More,
    /// Nothing that the client says matters any more; the host may still write to it.
    Monologue,
    /// The conversation is over.
    Close,
}

impl<'i> AdminCommand<'i> {
    pub(super) const fn new(line: Line<'i>) -> Self {
        Self { line }
    }

    /// The first word.
    #[must_use]
    pub const fn verb(&self) -> &'i [u8] {
        self.line.verb
    }

    /// The words after it, without a `noreply` at the end.
    pub fn words(&self) -> impl Iterator<Item = &'i [u8]> + Clone + use<'i> {
        let silent = self.noreply();
        let words = self.line.arguments();
        let count = words.clone().count() - usize::from(silent);
        words.take(count)
    }

    /// Whether the client wants no reply.
    #[must_use]
    pub fn noreply(&self) -> bool {
        self.line.noreply()
    }

    /// What is said to a command that nobody knows.
    #[must_use]
    pub fn unknown(&self) -> &'static [u8] {
        if self.noreply() {
            reply::NONE
        } else {
            reply::ERROR
        }
    }
}
